"""The engine, and the one place where transactions open and end.

A verb is handed a `Session` and never commits. On the money path it runs hand-written statements on
the driver's own connection, written once with `?` for both engines; lists and pages use the ORM over
the very same transaction.
"""

import json
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import psycopg
import sqlmodel
from pysqlite3 import dbapi2 as sqlite
from sqlalchemy import Connection, Dialect, Engine, QueuePool, create_engine, event

from db.bulk import arrays_of, insert_of_many, update_of_many
from db.exchange import Exchange
from db.waiting import LoopConnection, aside

if TYPE_CHECKING:
    from db.beside import Together

# Fewer rows than this are cheaper to send in one statement than to open a COPY for.
COPY_FROM_ROWS = 200
# Verbs find rows by their keys. PostgreSQL keeps a plan that it made when a table held three rows, and would read all
# of it, every time, when it holds a million.
_WAYS_TO_READ_ALL = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")
# How a new connection to PostgreSQL is set.
SETTINGS = "; ".join(f"SET {way} = off" for way in ("jit", *_WAYS_TO_READ_ALL))
_BY_ANY_WAY = "; ".join(f"SET LOCAL {way} TO DEFAULT" for way in _WAYS_TO_READ_ALL)

T = TypeVar("T")


class Companion(Protocol):
    """Goes along with writing transactions, and adds to each what belongs with what was written, before it commits."""

    def finish(self, session: "Session") -> None:
        """Add to a transaction in which all else is done."""


class Session:
    """One open transaction on one connection.

    `companion` goes along with it, if anyone does: a verb leaves it word in `notes`. `has_written` tells whether a
    statement has changed any row. `seen` is what was read `once`, of a snapshot; `beside` is there while several
    readings go side by side (db/beside.py).
    """

    def __init__(self, connection: Connection, begin: str | None = None) -> None:
        self.is_postgresql = connection.dialect.name == "postgresql"
        self._connection = connection
        self.companion: Companion | None = None
        self.notes: list[Any] = []
        self.has_written = False
        self._begun_driver = _driver_of(connection)
        self._begin = begin
        self._orm: sqlmodel.Session | None = None
        self._exchange: Exchange | None = None
        self.seen: dict[Hashable, Any] | None = None
        self.beside: Together | None = None

    @property
    def _driver(self) -> Any:
        """The driver's connection; what is still to be sent, or to begin, goes before the statement that needs it."""
        if self._exchange is not None:
            self._exchange.send()
        if self._begin is not None:
            begin, self._begin = self._begin, None
            self._begun_driver.execute(begin)
        return self._begun_driver

    @property
    def orm(self) -> sqlmodel.Session:
        """The ORM's session over this same transaction, for reading; each read sees what was written before it."""
        if self._orm is None:
            self._orm = sqlmodel.Session(bind=self._connection, execution_options={"populate_existing": True})
        return self._orm

    @property
    def connection(self) -> Connection:
        """SQLAlchemy's connection, told that it is inside this transaction: for migrations."""
        if not self._connection.in_transaction():
            self._connection.begin()
            if self.is_postgresql:
                self._driver.execute(_BY_ANY_WAY, prepare=False)
        return self._connection

    def release(self) -> None:
        """Let go of what the ORM read: its objects keep their values and belong to no transaction any more."""
        if self._orm is not None:
            self._orm.close()

    def once(self, key: Hashable, read: Callable[[], T]) -> T:
        """What several readings need: in a snapshot, where it cannot change, it is read once; else each time."""
        if self.seen is None:
            return read()
        if key not in self.seen:
            self.seen[key] = read()
        found: T = self.seen[key]
        return found

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run one statement and return all its rows."""
        if self.beside is not None and self.beside.takes(parameters):
            return self.beside.rows(sql, parameters)
        found: list[tuple[Any, ...]] = self._driver.execute(self._worded(sql), parameters).fetchall()
        return found

    def row(self, sql: str, *parameters: Any) -> tuple[Any, ...] | None:
        """Run one statement and return its first row, if it has one."""
        if self.beside is not None and self.beside.takes(parameters):
            return next(iter(self.beside.rows(sql, parameters)), None)
        found: tuple[Any, ...] | None = self._driver.execute(self._worded(sql), parameters).fetchone()
        return found

    def execute(self, sql: str, *parameters: Any) -> int:
        """Run one statement and return how many rows it changed; -1 where that is not known."""
        if self._exchange is not None:
            self._exchange.add(sql, parameters)
            self.has_written = True
            return -1
        changed: int = self._driver.execute(self._worded(sql), parameters).rowcount
        if changed:
            self.has_written = True
        return changed

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run one statement for each row of parameters."""
        self.has_written = self.has_written or bool(rows)
        if self._exchange is not None:
            for row in rows:
                self._exchange.add(sql, row)
            return
        self._driver.cursor().executemany(self._worded(sql), rows)

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows, in bulk where the engine has a way to."""
        if not rows:
            return
        self.has_written = True
        names = ", ".join(columns)
        if self._exchange is not None:
            self._exchange.add(insert_of_many(table, tuple(columns)), arrays_of(rows))
            return
        if self.is_postgresql and 1 < len(rows) < COPY_FROM_ROWS:
            statement = self._worded(insert_of_many(table, tuple(columns)))
            self._driver.execute(statement, arrays_of(rows))
            return
        if self.is_postgresql and len(rows) >= COPY_FROM_ROWS:
            with self._driver.cursor().copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
                for row in rows:
                    copy.write_row(row)
            return
        marks = ", ".join("?" * len(columns))
        self.execute_many(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', rows)

    def update(self, table: str, keys: Sequence[str], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Change columns of rows found by their keys; each row is its keys, then the new values."""
        if not rows:
            return
        self.has_written = True
        if self.is_postgresql and len(rows) > 1:
            self.execute(update_of_many(table, tuple(keys), tuple(columns)), *arrays_of(rows))
            return
        sets = ", ".join(f"{column} = ?" for column in columns)
        found = " AND ".join(f"{key} = ?" for key in keys)
        ordered = [(*row[len(keys) :], *row[: len(keys)]) for row in rows]
        self.execute_many(f'UPDATE "{table}" SET {sets} WHERE {found}', ordered)

    def ask(self, sql: str, *parameters: Any) -> Callable[[], list[tuple[Any, ...]]]:
        """Run one statement whose rows are fetched later; several within `together` take one journey to the server,
        and have their rows after it."""
        if self._exchange is not None:
            return self._exchange.add(sql, parameters)
        cursor = self._driver.execute(self._worded(sql), parameters)
        return lambda: list(cursor.fetchall())

    @contextmanager
    def together(self) -> Iterator[None]:
        """Send the statements within in one go, at its end (PostgreSQL)."""
        if not self.is_postgresql:
            yield
            return
        around = self._exchange
        exchange = self._exchange = around or self.begun_exchange()
        try:
            yield
        finally:
            self._exchange = around
        exchange.send()

    def only_write_from_here(self) -> None:
        """Send what is written from here on in one go, when the transaction ends, which tells whether all went well.

        Counts of changed rows are not known from here on.
        """
        if self.is_postgresql and self._exchange is None:
            self._exchange = self.begun_exchange()

    def begun_exchange(self) -> Exchange:
        """An exchange within this transaction, which begins with it if it has not yet."""
        exchange = Exchange(self._begun_driver)
        if self._begin is not None:
            exchange.add(self._begin)
            self._begin = None
        return exchange

    def end(self, how: str) -> None:
        """End the transaction: for `Database` alone."""
        exchange, self._exchange = self._exchange, None
        if exchange is None:
            self._driver.execute(how)
            return
        exchange.add(how)
        exchange.send()

    def among(self, column: str) -> str:
        """SQL that is true when a column is in a list handed over by `listed`."""
        if self.is_postgresql:
            return f"{column} = ANY(?)"
        return f"{column} IN (SELECT value FROM json_each(?))"

    def listed(self, values: Iterable[Any]) -> Any:
        """A list of values as the one parameter that `among` expects."""
        return list(values) if self.is_postgresql else json.dumps(list(values))

    @property
    def for_update(self) -> str:
        """The clause that locks a selected row against other writers; SQLite has one writer anyway."""
        return " FOR NO KEY UPDATE" if self.is_postgresql else ""

    @property
    def for_update_if_free(self) -> str:
        """The same, for a row that nobody else has locked; one that somebody has is not selected at all."""
        return self.for_update + " SKIP LOCKED" if self.is_postgresql else ""

    def _worded(self, sql: str) -> str:
        return _with_percent_marks(sql) if self.is_postgresql else sql


@lru_cache(maxsize=512)
def _with_percent_marks(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%s")


class Database:
    """Where the tables live. Hand it to whoever opens transactions: the app, the worker, the commands."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = url
        self.engine = _sqlite_engine(url) if url.startswith("sqlite") else _postgresql_engine(url, pool_size)
        self.is_postgresql = self.engine.dialect.name == "postgresql"
        # SQLite has one writer; waiting here is fairer and cheaper than its busy handler's polling.
        self._writer = threading.Lock()
        self._companion: Companion | None = None

    def accompanied(self, companion: Companion | None) -> "Database":
        """The same database, whose writing transactions have this companion; None: they have none."""
        twin = copy(self)
        twin._companion = companion
        return twin

    @contextmanager
    def transaction(self, *, hurried: bool = False) -> Iterator[Session]:
        """Open a writing transaction; commit when the block ends, roll back when it raises.

        A `hurried` one saves PostgreSQL a journey: it begins together with what is asked first. When the server has
        dropped the connection meanwhile, it fails, where another would have found a new connection.
        """
        if self.is_postgresql:
            with self._open("BEGIN ISOLATION LEVEL READ COMMITTED", self._companion, hurried=hurried) as session:
                yield session
            return
        with self._writer, self._open("BEGIN IMMEDIATE", self._companion) as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a snapshot: all that is read within sees one moment of the database, and nothing can be written."""
        if self.is_postgresql:
            with self._open(f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {_BY_ANY_WAY}") as session:
                session.seen = {}
                yield session
            return
        with self._open("BEGIN") as session:
            session.seen = {}
            session.execute("PRAGMA query_only = ON")
            try:
                yield session
            finally:
                session.execute("PRAGMA query_only = OFF")

    @contextmanager
    def _open(self, begin: str, companion: Companion | None = None, *, hurried: bool = False) -> Iterator[Session]:
        with self._connected() if hurried else self._begun(begin) as connection:
            session = Session(connection, begin if hurried else None)
            session.companion = companion
            try:
                yield session
                if companion is not None:
                    companion.finish(session)
                session.end("COMMIT")
            except BaseException as failure:
                self._roll_back(connection, failure)
                raise
            finally:
                session.release()

    def _connected(self) -> Connection:
        """A connection; what may have to be waited for, since others hold all of them, is not waited for on a loop."""
        pool = self.engine.pool
        if isinstance(pool, QueuePool) and not pool.checkedin():
            return aside(self.engine.connect)
        return self.engine.connect()

    def _begun(self, begin: str) -> Connection:
        """A connection with an open transaction; when the server has dropped the pooled ones, a new connection."""
        connection = self._connected()
        try:
            _begin(connection, begin)
        except BaseException as failure:
            is_dropped = _is_lost(connection) and isinstance(failure, psycopg.OperationalError)
            self._roll_back(connection, failure)
            connection.close()
            if not is_dropped:
                raise
            connection = self._connected()
            _begin(connection, begin)
        return connection

    def _roll_back(self, connection: Connection, failure: BaseException) -> None:
        if _is_lost(connection):
            connection.invalidate()
            if isinstance(failure, psycopg.OperationalError):  # the server hung up, and on the others in the pool too
                self.engine.dispose()
        else:
            _driver_of(connection).rollback()

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()


def _driver_of(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _begin(connection: Connection, begin: str) -> None:
    driver = _driver_of(connection)
    if isinstance(driver, psycopg.Connection):
        driver.execute(begin, prepare=False)  # more than one command cannot be prepared
    else:
        driver.execute(begin)


def _is_lost(connection: Connection) -> bool:
    """Tell whether the server at the other end has gone."""
    driver = _driver_of(connection)
    return isinstance(driver, psycopg.Connection) and driver.closed


def _sqlite_engine(url: str) -> Engine:
    engine = create_engine(
        url, module=sqlite, connect_args={"check_same_thread": False, "timeout": 30, "cached_statements": 256}
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are ours to open: see Database._open
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-65536"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _postgresql_engine(url: str, pool_size: int) -> Engine:
    _scheme, _mark, place = url.partition("://")
    driver_url = f"postgresql+psycopg://{place}"
    # A connection comes back to the pool when its transaction has ended: see Database._open.
    engine = create_engine(
        driver_url, pool_size=pool_size, max_overflow=0, pool_pre_ping=False, pool_reset_on_return=None
    )

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Dialect, _record: Any, arguments: Any, options: Any) -> LoopConnection:
        return LoopConnection.connect(*arguments, **options)

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        connection.autocommit = True  # transactions are ours to open: see Database._open
        connection.prepare_threshold = 3
        connection.execute(SETTINGS)

    return engine
