"""One PostgreSQL database for many tests, which each of them finds as it was made: migrated, empty, nobody in it.

To make a database takes ten times as long as most tests do in it, so one is kept, and its tables are emptied after each
test. A test that did more (altered a definition or a row that the migrations wrote, lost a connection) costs it its
life: it is thrown away, and the next test gets a new one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg
from sqlalchemy import Connection, QueuePool

from db.session import SETTINGS, Database
from db.tables import metadata
from tests.postgres import create_database, database_url, drop_database

# Where PostgreSQL writes down what a database is made of, and the column that tells our things from its own.
_CATALOGUES = {
    "pg_attribute": "attrelid", "pg_class": "oid", "pg_constraint": "oid", "pg_index": "indexrelid",
    "pg_namespace": "oid", "pg_proc": "oid", "pg_trigger": "oid", "pg_type": "oid",
}  # fmt: skip
_FIRST_OF_OURS = 16_384
# A row by its place and the transaction that wrote it, which stay as they are until somebody alters it.
_MARK = "SELECT concat_ws(' ', tableoid, ctid, xmin) AS mark"
_DEFINITIONS = [f"{_MARK} FROM {name} WHERE {column} >= {_FIRST_OF_OURS}" for name, column in _CATALOGUES.items()]
# What DISCARD ALL does, but for the statements that psycopg prepared: it would not notice that they are gone.
_RESET = (
    f"SET SESSION AUTHORIZATION DEFAULT; RESET ALL; {SETTINGS}; CLOSE ALL; UNLISTEN *; DISCARD TEMP;"
    " SELECT pg_advisory_unlock_all()"
)
_END_OTHERS = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)
_HAVE_PAGES = (
    "SELECT relname FROM pg_class"
    " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0"
)


class KeptDatabase:
    """A database that is made when it is first needed, and lent to one test after the other."""

    def __init__(self, server: str, template: str) -> None:
        self._server = server
        self._template = template
        self._database: Database | None = None
        self._filled: list[str] = []
        self._made_of: object = None

    @contextmanager
    def lent(self) -> Iterator[Database]:
        """Lend it to a test, and leave nothing behind of what the test did."""
        database = self._database or self._make()
        yield database
        if not self._is_as_made_again(database):
            self.throw_away()

    def throw_away(self) -> None:
        """Drop it, if there is one."""
        if self._database is not None:
            self._database.close()
            drop_database(self._server, urlsplit(self._database.url).path.removeprefix("/"))
            self._database = None

    def _make(self) -> Database:
        name = create_database(self._server, template=self._template)
        self._database = Database(database_url(self._server, name))
        with self._database.engine.connect() as connection:
            driver = _driver_of(connection)
            self._filled = [name for name in _with_pages(driver) if _has_rows(driver, name)]
            self._made_of = _made_of(driver, self._filled)
        return self._database

    def _is_as_made_again(self, database: Database) -> bool:
        """Empty the tables, and tell whether the database is now as it was made."""
        pool = database.engine.pool
        assert isinstance(pool, QueuePool)
        if pool.checkedout() or pool.checkedin() > 1:
            database.close()
        try:
            with database.engine.connect() as connection:
                driver = _driver_of(connection)
                driver.execute(_RESET)
                driver.execute(_END_OTHERS)
                if _made_of(driver, self._filled) != self._made_of:
                    return False
                _empty(driver, _with_pages(driver).difference(self._filled))
        except psycopg.Error:
            return False
        return True


def _with_pages(driver: Any) -> set[str]:
    """The tables that were ever written to, since they were made or last emptied."""
    return {name for (name,) in driver.execute(_HAVE_PAGES).fetchall()}


def _has_rows(driver: Any, name: str) -> bool:
    return driver.execute(f'SELECT FROM "{name}" LIMIT 1').fetchone() is not None


def _made_of(driver: Any, filled: list[str]) -> object:
    """What changes when a definition does, or a row that the migrations wrote."""
    rows = " UNION ALL ".join([*_DEFINITIONS, *(f'{_MARK} FROM "{name}"' for name in filled)])
    return driver.execute(f"SELECT md5(string_agg(mark, ',' ORDER BY mark)) FROM ({rows}) AS rows").fetchone()


def _empty(driver: Any, names: set[str]) -> None:
    """Delete what was written, and give the pages back, so that rows lie in the order in which a test writes them."""
    if names:
        children_first = [table.name for table in reversed(metadata.sorted_tables) if table.name in names]
        driver.execute("; ".join(f'DELETE FROM "{name}"' for name in children_first))
        driver.execute("VACUUM " + ", ".join(f'"{name}"' for name in children_first))


def _driver_of(connection: Connection) -> Any:
    return connection.connection.driver_connection
