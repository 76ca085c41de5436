"""The migrations make exactly the tables that db/tables.py defines, on both engines, with account_id first."""

from db.migrations import check, upgrade
from db.session import Database


def test_migrated_tables_are_the_defined_tables(database: Database) -> None:
    assert check(database) == []


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    upgrade(database)

    assert check(database) == []
