"""Kills: processes that recharge are killed at each of their steps, while cards decline and answers are lost. After it
every payment at the provider has exactly one lot, every lot its payment, and the books hold.
"""

import multiprocessing
import os
import random
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

import pytest

from api.stripe_provider import StripeProvider
from credits import auto_recharge
from credits.auto_recharge import Wanted
from credits.ids import public_id
from credits.instants import DAY, MINUTE
from credits.payment_methods import add_payment_method
from credits.providers import Providers
from db.kinds import AccountMode, PaymentMethodKind
from db.session import Database
from tests.books import Books, open_books
from tests.factories import NOW, a_key, micros
from tests.faults.lives import TERMS, Life, live
from tests.faulty import Fault, FaultyProxy, Passing
from tests.stripe_peer import StripePeer

# How many processes are to die in each of these tests; `make crash` lets hundreds die.
KILLS = int(os.environ.get("CREDITS_TEST_KILLS", "12"))
# A recharge takes fewer steps than this. Its steps are gone through in strides, so that few kills meet all parts of it.
STEPS, STRIDE = 60, 17
WORKERS = 4
# What is told of a killed process when even that was lost.
UNTOLD = 255
LOST = (Fault.CUT_BEFORE, Fault.LOSE_ANSWER, Fault.HALF_ANSWER, Fault.FAIL_BEFORE, Fault.FAIL_AFTER, Fault.CONFLICT,
        Fault.TOO_MANY, Fault.NONSENSE)  # fmt: skip
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.faults.lives"])


@dataclass
class World:
    """A database, the stand-in for Stripe, and a proxy before it that loses things now and then."""

    database: Database
    peer: StripePeer
    proxy: FaultyProxy
    chance: random.Random
    now: int = NOW
    killed: int = 0

    def life(self, **values: Any) -> Life:
        """A life at the present instant."""
        return replace(Life(self.database.url, self.proxy.url, self.peer.key, self.now), **values)

    def run(self, life: Life) -> bool:
        """Let a process live; tells whether it was killed."""
        process = _processes.Process(target=live, args=(life,))
        process.start()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL, UNTOLD), "a life ends by itself or is killed; it never fails"
        self.killed += process.exitcode != 0
        return process.exitcode != 0

    def account(self, card: str = "pm_card_visa", *, automatic: bool = False) -> Books:
        """A LIVE account with a card, and perhaps the rule that buys 20.00 below 5.00."""
        books = open_books(self.database, mode=AccountMode.LIVE, terms=TERMS)
        providers = Providers(StripeProvider(self.peer.key, api_base=self.peer.url), "https://credits.example")
        add_payment_method(
            self.database, providers, account_id=books.account_id, kind=PaymentMethodKind.CARD, token=card, now=NOW
        )
        if automatic:
            books.grant(10)
            wanted = Wanted(enabled=True, trigger_micros=micros(5), amount_micros=micros(20))
            with self.database.transaction() as session:
                auto_recharge.set_auto_recharge(
                    session, account_id=books.account_id, wanted=wanted, providers=providers, now=NOW, terms=TERMS
                )
        return books

    def finish(self) -> None:
        """Nothing is lost any more, nobody dies, and time goes by until nothing is due."""
        self.proxy.script = []
        self.now += DAY
        self.run(self.life(days=10))


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    """A world in which one request in four is lost on its way there or back."""
    chance = random.Random(2026)
    lock = Lock()

    def fate(_request: Passing) -> Fault:
        with lock:
            return chance.choice(LOST) if chance.random() < 0.25 else Fault.PASS

    with StripePeer() as peer, FaultyProxy(peer.url, fate) as proxy:
        yield World(database, peer, proxy, chance)


def assert_paid_is_there(world: World) -> None:
    """Every payment at the provider was made once and has one lot of its amount; every bought lot has its payment."""
    payments = {payment.recharge: payment for payment in world.peer.payments()}
    with world.database.reading() as session:
        bought = session.rows(
            "SELECT lot.account_id, lot.recharge_no, lot.amount_micros, provider_payment FROM lot JOIN recharge"
            " ON recharge.account_id = lot.account_id AND recharge.recharge_no = lot.recharge_no"
        )
        open_recharges = session.rows("SELECT status FROM recharge WHERE status IN ('PENDING', 'PROCESSING')")
        due = session.rows("SELECT status FROM recharge WHERE due_at IS NOT NULL AND completed_at IS NOT NULL")
    assert {payment.times_charged for payment in payments.values()} <= {1}
    assert len(payments) == len(world.peer.payments())
    assert {
        public_id("rchg", account_id, recharge_no): (amount_micros // 10_000, payment_id)
        for account_id, recharge_no, amount_micros, payment_id in bought
    } == {key: (payment.amount, payment.payment_id) for key, payment in payments.items()}
    assert len(bought) == len(payments)
    assert (open_recharges, due) == ([], [])


@pytest.mark.parametrize("card", ["pm_card_visa", "pm_card_chargeDeclined"])
def test_a_process_killed_at_each_step_of_a_recharge_by_hand_takes_no_money_twice_and_loses_none(
    world: World, card: str
) -> None:
    """Each recharge is begun by a process that dies at another step."""
    books = world.account(card)
    for number in range(KILLS):
        key = a_key()
        killed = world.run(world.life(dies_at=step_of(number), buys=(books.account_id, micros(10), key)))
        world.now += MINUTE
        if killed and number % 2:  # the customer's program asks again; if not, the worker finds it
            world.run(world.life(buys=(books.account_id, micros(10), key)))

    world.finish()

    assert world.killed > KILLS // 2
    assert bool(world.peer.payments()) == (card == "pm_card_visa")
    assert_paid_is_there(world)
    assert books.breaches() == []


def test_a_worker_killed_at_each_step_of_an_automatic_recharge_takes_no_money_twice_and_loses_none(
    world: World,
) -> None:
    books = world.account(automatic=True)
    for number in range(KILLS):
        world.peer.behave(card_of(world, books), "works" if world.chance.random() < 0.7 else "generic_decline")
        books.now = world.now
        books.charge(7)
        world.run(world.life(dies_at=step_of(number), days=2))
        world.now += 2 * DAY

    world.peer.behave(card_of(world, books), "works")
    world.finish()

    assert world.killed > KILLS // 3
    assert world.peer.payments()
    assert_paid_is_there(world)
    assert books.breaches() == []


def step_of(number: int) -> int:
    """The step at which a life ends: every one of them in turn."""
    return number * STRIDE % STEPS + 1


def card_of(world: World, books: Books) -> str:
    """The provider's token of the account's card."""
    with world.database.reading() as session:
        ((token,),) = session.rows("SELECT token FROM payment_method WHERE account_id = ?", books.account_id)
    return str(token)


def test_four_workers_at_once_that_are_killed_again_and_again_do_each_thing_once(world: World) -> None:
    accounts = [world.account(automatic=True) for _ in range(6)]
    lives = 0

    def go_on(_worker: int) -> None:
        nonlocal lives
        while world.killed < KILLS:
            lives += 1
            chosen = world.chance.choice(accounts)
            buys = (chosen.account_id, micros(10), f"shared-{world.killed // 4}") if lives % 3 == 0 else None
            world.run(world.life(dies_at=world.chance.randrange(1, 90), buys=buys))
            world.now += MINUTE
            replace(chosen, now=world.now).charge(9)

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(go_on, range(WORKERS)))
    world.finish()

    assert world.killed >= KILLS
    assert_paid_is_there(world)
    assert accounts[0].breaches() == []
