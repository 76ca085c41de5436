"""What the benchmarks share: durable databases of both kinds, a deck, an account with funds, and the report."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from credits import accounts, funds
from credits.call_messages import CallReport
from credits.instants import DAY
from credits.money import MICROS
from credits.publishing import RateDraft, publish_deck
from credits.rating import Tier
from db.kinds import AccountMode, Rounding
from db.migrations import upgrade
from db.session import Database
from tests import postgres
from tests.postgres import create_database, database_url, drop_database

NOW = 1_790_000_000_000_000
SHORT = os.environ.get("BENCH_SHORT") == "1"


@contextmanager
def sqlite_database() -> Iterator[Database]:
    """A fresh SQLite database on disk, as durable as in production."""
    with tempfile.TemporaryDirectory(prefix="credits-bench-") as folder:
        database = Database(f"sqlite:///{Path(folder) / 'bench.db'}")
        upgrade(database)
        yield database
        database.close()


@contextmanager
def postgresql_database(server: str) -> Iterator[Database]:
    """A fresh database on a PostgreSQL server."""
    name = create_database(server)
    database = Database(database_url(server, name))
    upgrade(database)
    yield database
    database.close()
    drop_database(server, name)


@contextmanager
def databases() -> Iterator[list[tuple[str, Database, Database]]]:
    """Of each kind its name and two fresh durable databases: one to measure, one for the yardstick."""
    with (
        postgres.server(durable=True) as server,
        sqlite_database() as lite,
        sqlite_database() as spare_lite,
        postgresql_database(server) as large,
        postgresql_database(server) as spare_large,
    ):
        yield [("SQLite", lite, spare_lite), ("PostgreSQL", large, spare_large)]


def open_account(
    database: Database, lots: int = 1, name: str = "Bench", *, mode: AccountMode = AccountMode.LIVE
) -> int:
    """An account with as many lots as asked for, each of a million, all usable; the same number for the same name."""
    with database.transaction() as session:
        opened_at = NOW - 400 * DAY
        clock_at = NOW if mode == AccountMode.TEST else None
        account_id = accounts.create_account(
            session, name=name, currency="USD", mode=mode, clock_at=clock_at, idempotency_key=name, now=opened_at
        )
        for number in range(lots):
            funds.grant_credit(
                session, account_id=account_id, amount_micros=1_000_000 * MICROS, note="bench",
                idempotency_key=str(number), now=NOW - 30 * DAY,
            )  # fmt: skip
    return account_id


def publish(database: Database, prefixes: int = 10_000) -> None:
    """A deck named standard with country code 1 and `prefixes` longer ones below it."""
    drafts = [_draft("1")] + [_draft(f"1{2_000_000 + 7 * number}") for number in range(prefixes)]
    with database.transaction() as session:
        publish_deck(
            session, name="standard", currency="USD", effective_from=NOW - 300 * DAY, decimals=4,
            rounding=Rounding.HALF_UP, drafts=drafts, now=NOW - 300 * DAY,
        )  # fmt: skip


def reports(count: int, first: int = 0) -> list[CallReport]:
    """Calls to numbers that all differ, answered within the last hour."""
    return [
        CallReport(
            call_id=f"bench-{number}",
            to_number=f"+1{2_012_000_000 + number * 37 % 7_000_000}",
            answered_at=NOW - number % 3600 * 1_000_000,
            duration_seconds=1 + number * 7 % 600,
            from_number="+12025550123",
        )
        for number in range(first, first + count)
    ]


def report(what: str, ratio: float, least: float, detail: str) -> bool:
    """Print a line of the result and tell whether it reaches its bar.

    The short form, which runs beside other work on machines of any speed, must reach half of it: it is there to
    notice what has become slower by a factor, not to measure.
    """
    reached = ratio >= (least / 2 if SHORT else least)
    judged = "ok" if ratio >= least else "BELOW"
    print(f"{what:<58} ratio {ratio:6.2f}  (at least {least}) {judged}   {detail}", flush=True)
    return reached


def finish(reached: list[bool]) -> None:
    """End the program: 1 when a bar was missed."""
    sys.exit(0 if all(reached) else 1)


def _draft(prefix: str) -> RateDraft:
    return RateDraft(
        service="USER_OUT",
        prefix=prefix,
        destination="Bench",
        country="US",
        tiers=(Tier(0, 9_000_000 + int(prefix) % 1000 * 1000, 60), Tier(60, 9_000_000, 6)),
    )
