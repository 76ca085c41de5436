"""The accounts of a database that calls are made on: opened, put under load, and proved in the end."""

import asyncio
import time
from collections.abc import Sequence
from typing import NamedTuple

import uvloop

from api import clock
from bench import rig
from bench.load.calls import AUTHORIZE, SETTLE, Calls
from bench.load.clients import CLIENTS, Run, Tally, connected
from bench.load.processes import HOST, Meter, Server, head_of
from credits.tokens import create_token
from credits.verify import verify
from db.kinds import Scope
from db.session import Database
from db.tables import metadata

ACCOUNTS = 10_000
WARM_UP_SECONDS = 0.2 if rig.SHORT else 2.0
# So many answers a run has at least, however slow the machine: the first ones cost more than all others.
LEAST_WARMING, LEAST_MEASURED = 300, 600
# Copies of an account and all that it has, as so many more accounts.
_COPY = """
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
    INSERT INTO "{table}" ({columns}) SELECT {values} FROM "{table}" AS source, numbers WHERE source.account_id = ?"""


class Measured(NamedTuple):
    """What came of a run, and the seconds of processor time that each part used during it."""

    tally: Tally
    used: dict[str, float]

    @property
    def costs(self) -> str:
        """What a request cost each part, for a person."""
        parts = (f"{part} {self.cost_micros(part):,.0f}" for part, seconds in self.used.items() if seconds)
        return f"us a request: {', '.join(parts)}"

    def cost_micros(self, part: str) -> float:
        """Microseconds of processor time that a request cost a part."""
        return self.used[part] / self.tally.answers.total() * 1e6


class Books:
    """`many` accounts and `one` in a fresh database, all with funds, and a deck; and what was done with them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        rig.publish(database)
        self.many = _open_accounts(database, ACCOUNTS)
        self.one = [rig.open_account(database, name="one")]
        self._token = _token_of_switch(database)
        self._postgresql = [head_of(database.url)] if database.is_postgresql else []
        self._runs = 0
        self._done = {AUTHORIZE: 0, SETTLE: 0}

    def under_load(
        self, serves: Server, account_ids: Sequence[int], seconds: float, *, settles: bool = True
    ) -> Measured:
        """All clients as busy as they can be."""
        return uvloop.run(self._run(serves, account_ids, seconds, None, settles))

    def at_rate(self, serves: Server, account_ids: Sequence[int], seconds: float, per_second: float) -> Measured:
        """So many requests a second."""
        return uvloop.run(self._run(serves, account_ids, seconds, per_second, True))

    def meter(self, **parts: list[int]) -> Meter:
        """A meter of the database's processor time and that of other parts."""
        return Meter(PostgreSQL=self._postgresql, **parts)

    def prove(self) -> None:
        """Every call that was answered for is on record once, and the books are sound."""
        authorized, settled = self._done[AUTHORIZE], self._done[SETTLE]
        _analyze(self.database)
        with self.database.reading() as session:
            found = dict(session.rows("SELECT status, count(*) FROM call GROUP BY status"))
            breaches = verify(session)
        wanted = {"SETTLED": settled, "AUTHORIZED": authorized - settled}
        assert found == {status: count for status, count in wanted.items() if count}, f"{found}, not {wanted}"
        assert breaches == [], breaches[:3]
        print(f"{authorized:,} calls are on record once each, and the books are sound", flush=True)

    async def _run(
        self, serves: Server, account_ids: Sequence[int], seconds: float, per_second: float | None, settles: bool
    ) -> Measured:
        self._runs += 1
        calls = Calls(serves.port, self._token, account_ids, name=f"{self._runs:04}", settles=settles)
        async with connected(HOST, serves.port, CLIENTS) as clients:
            if per_second is None:  # half of a load follows on the whole, and finds all warm
                self._count(await Run(clients, calls).closely(WARM_UP_SECONDS, LEAST_WARMING))
                if self.database.is_postgresql:  # as its autovacuum does, within a minute; no run is as long
                    await asyncio.to_thread(_analyze, self.database)
            meter, began = self.meter(server=[serves.pid]), time.process_time()
            run = Run(clients, calls)
            if per_second is None:
                tally = await run.closely(seconds, LEAST_MEASURED)
            else:
                tally = await run.at_rate(per_second, seconds)
            used = {**meter.seconds(), "clients": time.process_time() - began}
        self._count(tally)
        return Measured(tally, used)

    def _count(self, tally: Tally) -> None:
        for kind in self._done:
            self._done[kind] += tally.answers[kind]


def _open_accounts(database: Database, count: int) -> list[int]:
    """Accounts that are all alike: the first is opened as any is, the others are copies of its rows."""
    first = rig.open_account(database, name="many")
    with database.transaction() as session:
        for table in metadata.sorted_tables:
            if "account_id" in table.primary_key.columns:
                columns = [column.name for column in table.columns]
                values = ["source.account_id + n" if name == "account_id" else f"source.{name}" for name in columns]
                copy = _COPY.format(table=table.name, columns=", ".join(columns), values=", ".join(values))
                session.execute(copy, count - 1, first)
    _analyze(database)
    return list(range(first, first + count))


def _analyze(database: Database) -> None:
    """Let the planner know what the tables hold by now."""
    with database.transaction() as session:
        session.execute("ANALYZE")


def _token_of_switch(database: Database) -> str:
    """A token that may ask about the calls of every account."""
    with database.transaction() as session:
        return create_token(session, name="switch", scopes=[Scope.CALLS], account_id=None, now=clock.now())
