"""GraphQL against its own work: authorizeCall over HTTP, beside the verb behind it called in-process, batched alike.

One process serves 64 clients. How many calls it gathered into one transaction is read from the calls that it wrote; the
verb then posts batches of that size on the same accounts.
"""

import time
from typing import NamedTuple

from api import clock
from bench import rig
from bench.load.books import Books, Measured
from bench.load.calls import REQUESTED_SECONDS, callee, place_of
from bench.load.processes import serving
from credits.call_messages import Authorization, CallAnswer
from credits.calls import post_calls
from credits.decks import RateBook
from db.session import Database
from tests import postgres

SECONDS = 0.5 if rig.SHORT else 8.0
LEAST_RATIO = 0.5


class Posted(NamedTuple):
    """Calls a second, and the microseconds of processor time that one costs the verb and the database."""

    per_second: float
    cost_micros: float


def main() -> None:
    """Print the ratio on both engines."""
    reached = []
    with (
        postgres.server(durable=True) as server,
        rig.sqlite_database() as lite,
        rig.postgresql_database(server) as large,
    ):
        for name, database in (("SQLite", lite), ("PostgreSQL", large)):
            books = Books(database)
            with serving(database, workers=1) as serves:
                over_http = books.under_load(serves, books.many, SECONDS, settles=False)
            books.prove()
            size = gathered(database)
            reached.append(judge(f"authorizeCall over HTTP, {name}", over_http, post(books, size), size))
    rig.finish(reached)


def judge(what: str, over_http: Measured, in_process: Posted, size: int) -> bool:
    """Print a run over HTTP beside one of the verb alone."""
    per_second = over_http.tally.per_second
    detail = f"{per_second:,.0f} calls/s against {in_process.per_second:,.0f} in batches of {size};"
    detail += f" {over_http.costs}; {in_process.cost_micros:,.0f} in-process"
    return rig.report(what, per_second / in_process.per_second, LEAST_RATIO, detail)


def gathered(database: Database) -> int:
    """How many calls were authorized in one transaction, on average: those of one have the same instant."""
    with database.reading() as session:
        ((calls, transactions),) = session.rows("SELECT count(*), count(DISTINCT authorized_at) FROM call")
    return max(1, int(calls) // int(transactions))


def post(books: Books, size: int) -> Posted:
    """Authorize calls by the verb alone, so many in a transaction."""
    database, rates = books.database, RateBook()
    authorize(database, rates, books.many, range(size))  # the deck is loaded before the clocks run
    number, began, began_using, meter = size, time.perf_counter(), time.process_time(), books.meter()
    while time.perf_counter() - began < SECONDS:
        authorize(database, rates, books.many, range(number, number + size))
        number += size
    count, used = number - size, time.process_time() - began_using + meter.seconds()["PostgreSQL"]
    return Posted(count / (time.perf_counter() - began), used / count * 1e6)


def authorize(database: Database, rates: RateBook, account_ids: list[int], numbers: range) -> None:
    """Authorize some calls in one transaction."""
    asked = [
        Authorization(
            account_id=account_ids[place_of(number, len(account_ids))],
            call_id=f"posted-{number}",
            to_number=callee(number),
            requested_seconds=REQUESTED_SECONDS,
        )
        for number in numbers
    ]
    with database.transaction() as session:
        answers = post_calls(session, asked, rates=rates, now=clock.now())
    assert all(isinstance(answer, CallAnswer) and answer.authorized for answer in answers), answers


if __name__ == "__main__":
    main()
