"""Kills: processes that serve switches are killed at each of their steps. After it every call that was made is charged
once, whoever asks again is answered, and nothing is held that no call owns.
"""

import multiprocessing
import os
import random
import signal
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest

from credits.instants import DAY
from db.kinds import AccountMode, CallStatus, EntryKind
from db.session import Database
from tests.books import MICROS_A_SECOND, Books, open_books
from tests.factories import NOW
from tests.faults.switches import CHARGED_SECONDS, FATES, Shift, work

# How many processes are to die in each of these tests; `make crash` lets hundreds die.
KILLS = int(os.environ.get("CREDITS_TEST_KILLS", "12"))
# A shift takes about so many steps, as its messages happen to be gathered: some live on. The steps are gone through in
# strides, so that few kills meet all parts of it.
STEPS, STRIDE = 60, 29
WORKERS = 3
# What is told of a killed process when even that was lost.
UNTOLD = 255
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.books", "tests.faults.switches"])


@dataclass
class Exchange:
    """Three accounts, and the processes that serve the switches of all of them."""

    database: Database
    accounts: list[Books]
    killed: int = 0

    def run(self, names: Iterable[str], dies_at: int | None = None) -> bool:
        """Let a process make the calls of some names; tells whether it was killed."""
        account_ids = tuple(each.account_id for each in self.accounts)
        process = _processes.Process(target=work, args=(Shift(self.database.url, account_ids, tuple(names), dies_at),))
        process.start()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL, UNTOLD), "a shift ends by itself or is killed; it never fails"
        self.killed += process.exitcode != 0
        return process.exitcode != 0

    def calls(self) -> dict[str, tuple[str, int, int]]:
        """What became of every call: what it is, what it was charged, and by how many entries."""
        with self.database.reading() as session:
            found = session.rows(
                "SELECT call_id, status, charge_micros, (SELECT count(*) FROM ledger_entry AS entry"
                " WHERE entry.account_id = call.account_id AND entry.call_no = call.call_no AND entry.kind = ?)"
                " FROM call",
                EntryKind.CALL_CHARGE.value,
            )
        return {call_id: (status, charge_micros, entries) for call_id, status, charge_micros, entries in found}


@pytest.fixture
def exchange(database: Database) -> Exchange:
    """Accounts with more money than the calls of these tests can hold."""
    accounts = [open_books(database, mode=AccountMode.LIVE) for _ in range(3)]
    for each in accounts:
        each.grant(100_000)
    return Exchange(database, accounts)


def assert_each_call_met_its_fate_once(exchange: Exchange, names: Iterable[str]) -> None:
    """Made once more by nobody who is killed, and left alone for a day: each call is what it was to be, and no more."""
    names = list(names)
    assert exchange.accounts[0].breaches() == []
    exchange.run(names)
    first = exchange.calls()
    exchange.run(names)
    assert exchange.calls() == first

    for each in exchange.accounts:
        replace(each, now=NOW + DAY).bring_up_to_date()
    ended = dict(zip(FATES, [CallStatus.SETTLED] * len(FATES), strict=True))
    ended |= {"released": CallStatus.RELEASED, "forgotten": CallStatus.EXPIRED}
    assert exchange.calls() == {
        f"{name}-{fate}": (ended[FATES[fate]], seconds * MICROS_A_SECOND, int(seconds > 0))
        for name in names
        for fate, seconds in enumerate(CHARGED_SECONDS)
    }
    assert [each.account().reserved_micros for each in exchange.accounts] == [0, 0, 0]
    assert exchange.accounts[0].breaches() == []


def test_a_process_killed_at_each_step_of_its_calls_charges_none_twice_and_holds_nothing_for_nobody(
    exchange: Exchange,
) -> None:
    names = [f"n{number}" for number in range(KILLS)]
    for number, name in enumerate(names):
        killed = exchange.run([name], dies_at=number * STRIDE % STEPS + 1)
        if killed and number % 3 == 0:  # the switch asks again, and is killed again
            exchange.run([name], dies_at=(number + 1) * STRIDE % STEPS + 1)

    assert exchange.killed > KILLS // 2
    assert_each_call_met_its_fate_once(exchange, names)


def test_processes_at_once_that_are_killed_again_and_again_charge_each_call_once(exchange: Exchange) -> None:
    chance = random.Random(2026)
    names: list[str] = []

    def go_on(_worker: int) -> None:
        while exchange.killed < KILLS:
            names.append(f"n{exchange.killed // 2}")  # others make the same calls
            exchange.run(names[-1:], dies_at=chance.randrange(1, STEPS))

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(go_on, range(WORKERS)))

    assert exchange.killed >= KILLS
    assert_each_call_met_its_fate_once(exchange, dict.fromkeys(names))
