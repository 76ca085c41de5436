"""The migrations make exactly the tables that db/tables.py defines, whole or not at all."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import BigInteger, Column, Table, inspect

from db import migrations
from db.migrations import SCRIPTS, check, upgrade
from db.session import Database
from db.tables import metadata

BOTH_KINDS = pytest.mark.parametrize("bare_database", ["sqlite", "postgresql"], indirect=True)


def described(database: Database) -> dict[str, Any]:
    """Everything that reflection tells of every table: also CHECK texts and the conditions of partial indexes."""
    with database.reading() as session:
        inspector = inspect(session.connection)
        return {
            table: {
                "columns": [column | {"type": str(column["type"])} for column in inspector.get_columns(table)],
                "primary key": inspector.get_pk_constraint(table),
                "unique": by_name(inspector.get_unique_constraints(table)),
                "foreign": by_name(inspector.get_foreign_keys(table)),
                "checks": by_name(inspector.get_check_constraints(table)),
                "indexes": by_name(inspector.get_indexes(table)),
            }
            for table in inspector.get_table_names()
            if table != "alembic_version"
        }


def by_name(things: list[Any]) -> dict[str, str]:
    """Reflected things as comparable text."""
    return {thing["name"]: json.dumps(thing, sort_keys=True, default=str) for thing in things}


@BOTH_KINDS
def test_migrated_tables_are_those_that_the_definitions_would_create(
    bare_database: Database, request: pytest.FixtureRequest
) -> None:
    kind = "postgresql" if bare_database.is_postgresql else "sqlite"
    migrated: Database = request.getfixturevalue(f"{kind}_database")
    with bare_database.transaction() as session:
        metadata.create_all(session.connection)

    assert described(migrated) == described(bare_database)


def test_a_migrated_database_has_no_differences(database: Database) -> None:
    assert check(database) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("ALTER TABLE token ADD COLUMN colour TEXT", "colour"),
        ("DROP INDEX ix_draw_of_lot", "ix_draw_of_lot"),
        ("CREATE TABLE stray (number BIGINT)", "stray"),
        ("UPDATE alembic_version SET version_num = '0000'", "0000"),
    ],
)
def test_a_database_that_was_changed_by_hand_is_found_out(database: Database, change: str, named: str) -> None:
    with database.transaction() as session:
        session.execute(change)

    assert any(named in difference for difference in check(database))


@BOTH_KINDS
def test_an_empty_database_is_behind(bare_database: Database) -> None:
    assert "version None" in check(bare_database)[0]


def test_upgrading_twice_changes_nothing_and_keeps_the_rows(database: Database) -> None:
    with database.transaction() as session:
        session.execute(
            "INSERT INTO person (person_id, email, password_hash, is_operator, created_at) VALUES (?, ?, ?, ?, ?)",
            1, "alice@example.com", "", False, 0,
        )  # fmt: skip

    upgrade(database)

    assert check(database) == []
    with database.reading() as session:
        assert session.rows("SELECT email FROM person") == [("alice@example.com",)]


@BOTH_KINDS
def test_an_upgrade_that_fails_leaves_nothing_behind(bare_database: Database) -> None:
    with bare_database.transaction() as session:
        session.execute("CREATE TABLE once (in_the_way BIGINT)")

    with pytest.raises(Exception, match="already exists"):
        upgrade(bare_database)

    with bare_database.reading() as session:
        assert inspect(session.connection).get_table_names() == ["once"]


def test_every_constraint_is_named_by_the_convention(database: Database) -> None:
    names = {name for table in described(database).values() for kind in table for name in named(table[kind])}

    assert {name for name in names if not re.match(r"(pk|uq|fk|ck|ix)_[a-z_0-9]+$", name or "")} == set()


def named(things: Any) -> list[str]:
    """The names of reflected constraints; columns have none to judge."""
    if isinstance(things, list):
        return []
    return [things["name"]] if "constrained_columns" in things else list(things)


def test_a_new_migration_holds_what_the_tables_gained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sqlite_database: Database
) -> None:
    scripts = shutil.copytree(SCRIPTS, tmp_path / "alembic")
    monkeypatch.setattr(migrations, "SCRIPTS", scripts)
    gained = Table("gained", metadata, Column("number", BigInteger, primary_key=True))

    try:
        migrations.write_migration("Gain a table")
        upgrade(sqlite_database)

        assert check(sqlite_database) == []
        assert list(scripts.glob("versions/*_gain_a_table.py"))
    finally:
        metadata.remove(gained)


@pytest.mark.parametrize("bare_database", ["sqlite", "postgresql"], indirect=True)
def test_an_account_of_the_first_version_goes_on_where_it_was(bare_database: Database) -> None:
    """What its lots hold that cannot be spent is counted, its receipts are numbered, and lost answers are asked for."""
    with bare_database.transaction() as session:
        command.upgrade(migrations._config(session), "0001")
    with bare_database.transaction() as session:
        session.execute(
            "INSERT INTO account (account_id, name, currency, time_zone, region, locale, mode, status, rate_deck,"
            " notice_emails, created_at, fingerprint, book_balance_micros, owed_micros, entry_count, lot_count,"
            " call_count, recharge_count, method_count, last_posted_at)"
            " VALUES (7, 'Old', 'USD', 'UTC', 'US', 'en', 'LIVE', 'ACTIVE', 'standard', '[]', 1, '', 60, 0, 0, 3, 0,"
            " 3, 1, 100)"
        )
        session.execute(
            "INSERT INTO payment_method (account_id, method_no, kind, brand, last_four, is_default, created_at)"
            " VALUES (7, 1, 'INVOICE', '', '', ?, 1)",
            True,
        )
        for number, status, ended_at in ((1, "SUCCEEDED", 30), (2, "SUCCEEDED", 20), (3, "PROCESSING", None)):
            session.execute(
                "INSERT INTO recharge (account_id, recharge_no, trigger, status, amount_micros, method_no, attempts,"
                " created_at, completed_at) VALUES (7, ?, 'MANUAL', ?, 10, 1, 0, 10, ?)",
                number, status, ended_at,
            )  # fmt: skip
        for number, starts_at, expires_at, held in ((1, 10, 200, 10), (2, 10, 90, 20), (3, 150, 300, 30)):
            session.execute(
                "INSERT INTO lot (account_id, lot_no, source, priority, amount_micros, remaining_micros, is_open,"
                " purchased_at, starts_at, expires_at, note) VALUES (7, ?, 'GRANT', 0, 30, ?, ?, 10, ?, ?, '')",
                number, held, True, starts_at, expires_at,
            )  # fmt: skip

    upgrade(bare_database)

    assert check(bare_database) == []
    with bare_database.reading() as session:
        assert session.row("SELECT caught_up_at, unusable_micros, receipt_count FROM account") == (100, 50, 2)
        assert session.rows("SELECT receipt_no, due_at FROM recharge ORDER BY recharge_no") == [
            (2, None), (1, None), (None, 10),
        ]  # fmt: skip
