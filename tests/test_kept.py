"""Each test finds the kept PostgreSQL database as it was made, whatever the one before it did."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
from sqlalchemy import QueuePool

from db.migrations import check
from db.session import Database
from tests.books import open_books, publish_plain_deck
from tests.kept import KeptDatabase
from tests.postgres import database_url

Contents = dict[str, list[Any]]


@pytest.fixture
def kept(postgresql_server: str, postgresql_template: str) -> Iterator[KeptDatabase]:
    """A database that no other test has seen."""
    kept = KeptDatabase(postgresql_server, postgresql_template)
    yield kept
    kept.throw_away()


@pytest.fixture
def template(postgresql_server: str, postgresql_template: str) -> Contents:
    """What stands in the database that it is made from."""
    with closing(Database(database_url(postgresql_server, postgresql_template))) as database:
        return contents_of(database)


def test_what_a_test_wrote_is_gone_and_the_database_stays(kept: KeptDatabase, template: Contents) -> None:
    with kept.lent() as database:
        open_books(database)
        url = database.url

    with kept.lent() as database:
        assert_as_made(database, template)
        assert database.url == url
        assert open_books(database).breaches() == []


def test_what_it_wrote_and_took_back_takes_up_no_page(kept: KeptDatabase, template: Contents) -> None:
    with kept.lent() as database, pytest.raises(ZeroDivisionError), database.transaction() as session:
        publish_plain_deck(session)
        raise ZeroDivisionError

    with kept.lent() as database:
        assert_as_made(database, template)


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE token ADD COLUMN colour TEXT",
        "ALTER TABLE account ALTER COLUMN name DROP NOT NULL",
        "DROP INDEX ix_draw_of_lot",
        "CREATE TABLE stray (number BIGINT)",
        "CREATE SEQUENCE stray",
        "CREATE FUNCTION stray() RETURNS INT LANGUAGE SQL AS 'SELECT 1'",
        "UPDATE zone_country SET country = 'XX' WHERE country = 'DE'",
        "INSERT INTO zone_country VALUES ('XX')",
        "DELETE FROM plan",
        "UPDATE alembic_version SET version_num = '0001'",
        "DELETE FROM alembic_version",
        "DROP TABLE alembic_version",
    ],
)
def test_a_database_that_was_altered_is_thrown_away(kept: KeptDatabase, template: Contents, change: str) -> None:
    with kept.lent() as database:
        url = database.url
        with database.transaction() as session:
            session.execute(change)

    with kept.lent() as database:
        assert database.url != url
        assert_as_made(database, template)


def test_whoever_was_left_in_it_with_a_lock_is_put_out(kept: KeptDatabase, template: Contents) -> None:
    with kept.lent() as database:
        left = psycopg.connect(database.url)
        left.execute("LOCK TABLE account")

    with kept.lent() as database:
        assert_as_made(database, template)
        with pytest.raises(psycopg.OperationalError), closing(left):
            left.execute("SELECT 1")


def test_what_a_connection_was_told_is_forgotten(kept: KeptDatabase) -> None:
    with kept.lent() as database, database.reading() as session:
        session.execute("SET lock_timeout = '1s'")
        session.rows("SELECT pg_advisory_lock(1)")

    with kept.lent() as database, database.reading() as session:
        assert session.row("SHOW lock_timeout") == ("0",)
        assert session.row("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == (0,)


def test_of_many_connections_one_stays(kept: KeptDatabase, template: Contents) -> None:
    with kept.lent() as database, database.reading(), database.reading(), database.reading():
        pass

    with kept.lent() as database:
        assert isinstance(database.engine.pool, QueuePool)
        assert database.engine.pool.checkedin() == 1
        assert_as_made(database, template)


def test_when_its_connection_was_lost_there_is_a_new_database(kept: KeptDatabase, template: Contents) -> None:
    with kept.lent() as database, pytest.raises(psycopg.OperationalError), database.reading() as session:
        session.rows("SELECT pg_terminate_backend(pg_backend_pid())")

    with kept.lent() as database:
        assert_as_made(database, template)


def contents_of(database: Database) -> Contents:
    """Every table with its rows; one that takes up room although it has none is named as well."""
    with database.reading() as session:
        tables = session.rows(
            "SELECT relname, pg_relation_size(oid) FROM pg_class"
            " WHERE relkind IN ('r', 'S') AND relnamespace = 'public'::regnamespace ORDER BY relname"
        )
        return {name: session.rows(f'SELECT * FROM "{name}"') or [size] for name, size in tables}


def assert_as_made(database: Database, template: Contents) -> None:
    """It is migrated, holds what its template holds, and has one visitor, ourselves."""
    assert check(database) == []
    assert contents_of(database) == template
    with database.reading() as session:
        assert session.row(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_type = 'client backend'"
        ) == (1,)
