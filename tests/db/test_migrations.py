"""The migrations make exactly the tables that db/tables.py defines, whole or not at all."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
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
