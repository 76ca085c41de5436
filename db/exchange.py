"""Statements for PostgreSQL that travel together: handed over one by one, sent in one go, and answered in one go.

The driver's own pipeline sends each statement as it is handed over, with a message and a turn of its machinery for
each: of a transaction that posts one call, half of the processor time. Here each is prepared once for a connection, its
values go as text, and what comes back is read by the driver's own loaders (ADR 8).
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import count, islice
from typing import Any

from psycopg import errors
from psycopg.abc import PQGen
from psycopg.adapt import Transformer
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.waiting import Ready, Wait

from db.bulk import array_text
from db.waiting import LoopConnection, Prepared

Row = tuple[Any, ...]
# A statement, the types of its values where it does not tell them, its values, and where its rows are put.
_Asked = tuple[str, tuple[int, ...], list[bytes | None], list[Row]]
# What an answer to come is about: a statement prepared under a name, or forgotten (None), or where rows are put.
_Expected = tuple[Prepared, bytes | None] | list[Row]
# So many statements are kept prepared on a connection; beyond, those that were used longest ago are forgotten.
_MOST_PREPARED = 250
# The server forgot what it had prepared, or a table has other columns by now than when a statement was prepared.
_OUT_OF_DATE = (errors.InvalidSqlStatementName, errors.FeatureNotSupported)
_SMALLINT, _INTEGER, _BIGINT, _NUMERIC, _BOOLEAN = 21, 23, 20, 1700, 16
_BIGINTS, _TEXTS = 1016, 1009
_UNKNOWN = 0


class Exchange:
    """One journey to the server and back."""

    def __init__(self, driver: LoopConnection) -> None:
        self._driver = driver
        self._asked: list[_Asked] = []

    def add(self, sql: str, parameters: Iterable[Any] = ()) -> Callable[[], list[Row]]:
        """Have a statement sent with the others, `?` standing for its values. Its rows are there after `send`."""
        rows: list[Row] = []
        self._asked.append((sql, (), [_text(value) for value in parameters], rows))
        return lambda: rows

    def add_any(self, sql: str, parameters: Sequence[Any]) -> Callable[[], list[Row]]:
        """The same for a statement that does not tell of which types its values are: they are taken as the driver would
        take them. Raises TypeError, and adds nothing, when a value is of a kind that does not travel here."""
        rows: list[Row] = []
        self._asked.append((sql, tuple(map(_type, parameters)), [_text(value) for value in parameters], rows))
        return lambda: rows

    def send(self) -> None:
        """Send what was added, and wait until all is done. Raises the first error; of what follows one, nothing is."""
        asked, self._asked = self._asked, []
        if asked:
            self._driver.wait(self._carried_out(asked))

    def _carried_out(self, asked: Sequence[_Asked]) -> PQGen[None]:
        server = self._driver.pgconn
        try:
            server.enter_pipeline_mode()
            expected = self._handed_over(asked)
            server.pipeline_sync()
            results = yield from _results(server)
            server.exit_pipeline_mode()
        except BaseException:  # nobody knows how far the exchange had got
            self._driver.close()
            raise
        self._take(expected, results)

    def _handed_over(self, asked: Sequence[_Asked]) -> list[_Expected]:
        """Hand statements to the driver, and return what each answer to come is about."""
        server, names = self._driver.pgconn, self._driver.names
        expected: list[_Expected] = []
        new: dict[Prepared, bytes] = {}
        for sql, types, values, rows in asked:
            key = sql, types
            name = names.get(key)
            if name is not None:
                names.move_to_end(key)
            else:
                name = new.get(key)
            if name is None:
                name = new[key] = b"credits_%d" % next(self._driver.numbers)
                server.send_prepare(name, _numbered(sql), types)
                expected.append((key, name))
            server.send_query_prepared(name, values)
            expected.append(rows)
        for key in list(islice(names, max(0, len(names) + len(new) - _MOST_PREPARED))):
            server.send_close_prepared(names[key])  # unlike DEALLOCATE it minds no name that is unknown by now
            expected.append((key, None))
        return expected

    def _take(self, expected: Sequence[_Expected], results: Sequence[PGresult]) -> None:
        reader, names = Transformer(self._driver), self._driver.names
        for place, result in zip(expected, results, strict=True):
            if result.status not in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
                error = errors.error_from_result(result)
                if isinstance(error, _OUT_OF_DATE):
                    names.clear()
                raise error
            if isinstance(place, tuple):
                key, name = place
                if name is None:
                    del names[key]
                else:
                    names[key] = name
            elif result.ntuples:
                reader.set_pgresult(result)
                place += reader.load_rows(0, result.ntuples, tuple)


def _results(server: PGconn) -> PQGen[list[PGresult]]:
    """What the server answers to all that was handed over, up to the mark at its end."""
    while server.flush():
        if (yield Wait.RW) & Ready.R:
            server.consume_input()
    results: list[PGresult] = []
    while True:
        if server.is_busy():
            yield Wait.R
            server.consume_input()
            continue
        result = server.get_result()
        if result is None:  # the end of one statement's
            continue
        if result.status == ExecStatus.PIPELINE_SYNC:
            return results
        if server.status == ConnStatus.BAD:
            raise errors.error_from_result(result)
        results.append(result)


@lru_cache(maxsize=512)
def _numbered(sql: str) -> bytes:
    """The statement as the server writes it: $1, $2, and so on."""
    first, *others = sql.split("?")
    return "".join([first, *(f"${number}{part}" for number, part in zip(count(1), others, strict=False))]).encode()


def _type(value: Any) -> int:
    """The type as which the driver would hand over a value, by its number in pg_type."""
    if value is None or isinstance(value, str) or value == []:
        return _UNKNOWN
    if isinstance(value, bool):
        return _BOOLEAN
    if isinstance(value, int):
        bits = (value if value >= 0 else ~value).bit_length()
        return _SMALLINT if bits < 16 else _INTEGER if bits < 32 else _BIGINT if bits < 64 else _NUMERIC
    if isinstance(value, list):
        return _BIGINTS if isinstance(value[0], int) else _TEXTS
    raise TypeError(f"{type(value).__name__} is no value that travels in an exchange")


def _text(value: Any) -> bytes | None:
    """A value as PostgreSQL reads it."""
    if value is None:
        return None
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bool):
        return b"t" if value else b"f"
    if isinstance(value, int):
        return b"%d" % value
    if isinstance(value, list):
        return array_text(value).encode()
    raise TypeError(f"{type(value).__name__} is no value that travels in an exchange")
