"""The ledger against a model: any course of grants, recharges, voids, calls and passing time must leave every
balance, lot and status as a few lines of plain Python say, and must leave nothing for the proof to find.

The model is written from the rules of money in the design, not from the code: a list of lots and a debt.
A TEST account's clock does what falls due on its way. A LIVE account's worker comes when it comes: its balance
must be right all the time, its lots whenever the worker has just been.
Each run is an account of its own in one database. HYPOTHESIS_PROFILE=long searches longer.
"""

import os
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from credits.call_messages import CallReport
from credits.instants import DAY, HOUR, MINUTE, instant, moment
from credits.refunds import refund_recharge
from credits.refusals import Code, Refusal
from credits.verify import verify
from db.kinds import AccountMode, LotStatus
from db.session import Database
from db.tables import NEVER
from tests.books import UNRATED, Books, a_call, open_books
from tests.factories import NOW, PROVIDERS, a_key, make_agreement, make_card, make_recharge

WINDOW = 72 * HOUR
MICROS_A_SECOND = 1_000
DECLINED = 3


@dataclass
class ModelLot:
    """A lot, as the rules speak of it."""

    number: int
    priority: int
    bought_at: int
    starts_at: int
    expires_at: int
    holds: int
    voided: bool = False
    forfeited: bool = False
    recharge_no: int | None = None

    def usable(self, at: int) -> bool:
        """From its start until just before its expiry."""
        return self.starts_at <= at < self.expires_at

    def status(self, now: int) -> LotStatus:
        """What people are told of it."""
        if self.voided:
            return LotStatus.VOIDED
        if self.forfeited or (self.holds and self.expires_at <= now):
            return LotStatus.EXPIRED
        if not self.holds:
            return LotStatus.EXHAUSTED
        return LotStatus.PENDING if self.starts_at > now else LotStatus.ACTIVE


@dataclass
class Model:
    """An account: its lots, its debt and its clock."""

    zone: ZoneInfo
    now: int = NOW
    lots: list[ModelLot] = field(default_factory=list)
    owed: int = 0

    def add(self, amount: int, starts_at: int, expires_at: int, priority: int) -> None:
        """Funds come in; if they are usable at once, they repay what is owed first."""
        lot = ModelLot(len(self.lots) + 1, priority, self.now, starts_at, expires_at, amount)
        self.lots.append(lot)
        if lot.usable(self.now):
            self.repay(lot)

    def buy(self, amount: int, recharge_no: int) -> None:
        """Bought funds last through the local day a year on; 29 February becomes 28 February."""
        today = moment(self.now).astimezone(self.zone).date()
        leap = (today.month, today.day) == (2, 29)
        last_day = date(today.year + 1, today.month, 28 if leap else today.day)
        end = datetime.combine(last_day + timedelta(days=1), time(), self.zone)
        self.add(amount, self.now, instant(end), 0)
        self.lots[-1].recharge_no = recharge_no

    def charge(self, amount: int, answered_at: int) -> None:
        """Lots usable when the call was answered pay, while their settlement window is open; then lots usable
        now; what is left is owed."""
        for at in (min(answered_at, self.now), self.now):
            for lot in sorted(self.lots, key=lambda lot: (lot.priority, lot.expires_at, lot.bought_at, lot.number)):
                if lot.usable(at) and self.now < lot.expires_at + WINDOW:
                    taken = min(lot.holds, amount)
                    lot.holds -= taken
                    amount -= taken
        self.owed += amount

    def repay(self, lot: ModelLot) -> None:
        """A lot gives what is owed."""
        repaid = min(lot.holds, self.owed)
        lot.holds -= repaid
        self.owed -= repaid

    def pass_time(self, to: int) -> None:
        """At each instant on the way: what was to be settled is forfeited, then what starts repays."""
        edges = {lot.expires_at + WINDOW for lot in self.lots} | {lot.starts_at for lot in self.lots}
        for at in sorted(edge for edge in edges if self.now < edge <= to):
            for lot in self.lots:
                if lot.expires_at + WINDOW == at and lot.holds:
                    lot.holds, lot.forfeited = 0, True
            for lot in sorted(self.lots, key=lambda lot: (lot.priority, lot.expires_at, lot.bought_at, lot.number)):
                if lot.starts_at == at:
                    self.repay(lot)
        self.now = to

    @property
    def current(self) -> int:
        """What can be spent now, less what is owed."""
        return sum(lot.holds for lot in self.lots if lot.usable(self.now)) - self.owed

    @property
    def book(self) -> int:
        """All that lies in lots, less what is owed."""
        return sum(lot.holds for lot in self.lots) - self.owed


AMOUNTS = st.sampled_from([1, 999, 1_000, 5_000, 7_001, 20_000, 100_000])
SECONDS = st.sampled_from([0, 1, 4, 5, 6, 13, 20, 100])
LENGTHS = st.sampled_from([1, MINUTE, HOUR, DAY, 10 * DAY, WINDOW])
STEPS = st.sampled_from([0, 1, MINUTE, HOUR, 11 * HOUR, DAY, 3 * DAY, 40 * DAY])
NEARLY = st.sampled_from([-1, 0, 1])
SOME = st.integers(0, 1_000)


class Course(RuleBasedStateMachine):
    """One account's life, lived by the ledger and by the model at once."""

    database: Database

    books: Books
    model: Model

    @initialize(
        mode=st.sampled_from(AccountMode),
        zone=st.sampled_from(["UTC", "America/New_York", "Asia/Tokyo", "Africa/Cairo"]),
        opened_at=st.sampled_from([NOW, instant(datetime.fromisoformat("2028-02-29T22:00:00Z"))]),
    )
    def open(self, mode: AccountMode, zone: str, opened_at: int) -> None:
        """Open an account with an agreement, a card that pays, one that does not, and one that is slow."""
        own_clock = {"clock_at": opened_at} if mode == AccountMode.TEST else {}
        self.books = open_books(self.database, mode=mode, time_zone=zone, **own_clock)
        self.books.now = opened_at
        self.live, self.settled = mode == AccountMode.LIVE, True
        self.model = Model(ZoneInfo(zone), opened_at)
        self.reported: list[CallReport] = []
        self.granted: list[tuple[str, dict[str, Any], int]] = []
        make_agreement(self.database, self.books.account_id)
        for token in () if self.live else ("tok_ok", "tok_declined", "tok_timeout"):
            make_card(self.database, self.books.account_id, token)

    @rule(
        amount=AMOUNTS, priority=st.sampled_from([-1, 0, 0, 0, 1]), length=LENGTHS | st.none(), wait=st.none() | STEPS
    )
    def grant(self, amount: int, priority: int, length: int | None, wait: int | None) -> None:
        """Grant funds that start now or later, for a time or for ever."""
        now = self.model.now
        starts_at = now if wait is None else now + wait
        expires_at = NEVER if length is None else starts_at + length
        values: dict[str, Any] = {
            "amount_micros": amount,
            "priority": priority,
            "starts_at": None if wait is None else starts_at,
            "expires_at": None if length is None else expires_at,
        }
        key = a_key()

        lot_no = self.books.grant(idempotency_key=key, **values)

        self.granted.append((key, values, lot_no))
        self.model.add(amount, starts_at, expires_at, priority)

    @rule(amount=AMOUNTS, since=LENGTHS, length=LENGTHS)
    def grant_for_the_past(self, amount: int, since: int, length: int) -> None:
        """Grant funds that count since some time ago."""
        starts_at, expires_at = self.model.now - since, self.model.now + length

        self.books.grant(amount_micros=amount, starts_at=starts_at, expires_at=expires_at)

        self.model.add(amount, starts_at, expires_at, 0)

    @precondition(lambda self: self.granted)
    @rule(which=SOME, changed=st.booleans())
    def grant_again(self, which: int, changed: bool) -> None:
        """The same key with the same values answers as before, with others it is refused."""
        key, values, lot_no = self.granted[which % len(self.granted)]
        if not changed:
            assert self.books.grant(idempotency_key=key, **values) == lot_no
            return
        with pytest.raises(Refusal) as refused:
            self.books.grant(idempotency_key=key, **{**values, "priority": 7})
        assert refused.value.code == Code.IDEMPOTENCY_KEY_REUSED

    @rule(method_no=st.integers(1, 4), units=st.sampled_from([50, 51]))
    def recharge(self, method_no: int, units: int) -> None:
        """Buy funds; the slow card is asked twice under one key."""
        key, method_no = a_key(), 1 if self.live else method_no
        for _ in range(2):
            recharge_no = make_recharge(
                self.database, self.books.account_id, units,
                method_no=method_no, idempotency_key=key, now=self.books.now,
            )  # fmt: skip

        if method_no != DECLINED:
            self.model.buy(units * 1_000_000, recharge_no)

    @precondition(lambda self: any(lot.recharge_no for lot in self.model.lots))
    @rule(which=SOME, part=st.booleans())
    def refund(self, which: int, part: bool) -> None:
        """Give back all that bought funds still hold in whole coins, or one unit of them; or nothing is left."""
        bought = [lot for lot in self.model.lots if lot.recharge_no]
        lot = bought[which % len(bought)]
        left = lot.holds // 10_000 * 10_000 if lot.usable(self.model.now) else 0
        amount = min(left, 1_000_000) if part and left else left

        def give_back() -> None:
            refund_recharge(
                self.database, PROVIDERS, account_id=self.books.account_id, recharge_no=lot.recharge_no or 0,
                amount_micros=amount if part and left else None, reason="Not needed", idempotency_key=a_key(),
                now=self.books.now,
            )  # fmt: skip

        if left:
            give_back()
            lot.holds -= amount
        elif not lot.holds:
            with pytest.raises(Refusal) as refused:
                give_back()
            assert refused.value.code == Code.CONFLICT

    @precondition(lambda self: self.model.lots)
    @rule(which=SOME)
    def void(self, which: int) -> None:
        """Take back what is left of a lot; of an empty one nothing is left."""
        lot = self.model.lots[which % len(self.model.lots)]
        if lot.holds:
            self.books.void(lot.number)
            lot.holds, lot.voided = 0, True
            return
        with pytest.raises(Refusal) as refused:
            self.books.void(lot.number)
        assert refused.value.code == Code.CONFLICT

    @rule(lengths=st.lists(st.tuples(SECONDS, STEPS), min_size=1, max_size=5))
    def calls(self, lengths: list[tuple[int, int]]) -> None:
        """Record calls that were answered now or some time ago, in one batch."""
        reports = [a_call(answered_at=self.model.now - ago, duration_seconds=seconds) for seconds, ago in lengths]

        self.record(reports)

    @precondition(lambda self: self.model.lots)
    @rule(which=SOME, nearly=NEARLY, seconds=SECONDS)
    def call_at_an_edge(self, which: int, nearly: int, seconds: int) -> None:
        """Record a call answered just when a lot started or expired, one of the latest."""
        edges = [edge for lot in self.model.lots for edge in (lot.starts_at, lot.expires_at) if edge <= self.model.now]
        answered_at = sorted([*edges, self.model.now])[-4:][which % 4 % (len(edges) + 1)] + nearly

        self.record([a_call(answered_at=answered_at, duration_seconds=seconds)])

    @precondition(lambda self: self.reported)
    @rule(which=SOME, fresh=SECONDS)
    def calls_again(self, which: int, fresh: int) -> None:
        """Report a known call again, the same and with another length, beside a new and an unrated one."""
        known = self.reported[which % len(self.reported)]
        new = a_call(answered_at=self.model.now, duration_seconds=fresh)
        unrated = replace(new, call_id=a_key(), to_number=UNRATED)

        same, other, first, nothing = self.books.record(
            known, replace(known, duration_seconds=known.duration_seconds + 1), new, unrated
        )

        assert (same.duplicate, same.charge_micros) == (True, known.duration_seconds * MICROS_A_SECOND)
        assert other.refusal is not None
        assert other.refusal.code == Code.IDEMPOTENCY_KEY_REUSED
        assert (first.refusal, nothing.charge_micros) == (None, 0)
        self.reported.append(new)
        self.model.charge(fresh * MICROS_A_SECOND, new.answered_at)

    @rule(step=STEPS)
    def time_passes(self, step: int) -> None:
        """Move the clock."""
        self.move_to(self.model.now + step)

    @precondition(lambda self: self.model.lots)
    @rule(which=st.integers(0, 2), nearly=NEARLY)
    def time_passes_to_an_edge(self, which: int, nearly: int) -> None:
        """Move on to where a lot starts, expires or is forfeited next, give or take a microsecond."""
        lots, now = self.model.lots, self.model.now
        edges = {
            edge for lot in lots for edge in (lot.starts_at, lot.expires_at, lot.expires_at + WINDOW) if edge > now
        }
        coming = sorted(edge for edge in edges if edge < NEVER)[:3]
        if coming:
            self.move_to(coming[which % len(coming)] + nearly)

    @precondition(lambda self: self.live)
    @rule()
    def worker(self) -> None:
        """The worker writes what has fallen due."""
        self.books.bring_up_to_date()
        self.settled = True

    @invariant()
    def balances_are_the_models(self) -> None:
        """What people see."""
        balance = self.books.balance()
        usable = [lot.expires_at for lot in self.model.lots if lot.holds and lot.usable(self.model.now)]
        assert (balance.current_micros, balance.owed_micros) == (self.model.current, self.model.owed)
        assert balance.calls_allowed == (self.model.current > 0)
        assert balance.next_expiry_at == min((at for at in usable if at != NEVER), default=None)

    @invariant()
    def lots_are_the_models(self) -> None:
        """What is in the book, what each lot holds, when it can be spent, and what it is."""
        if not self.settled:
            return
        now, account = self.model.now, self.books.account()
        assert (account.book_balance_micros, account.owed_micros) == (self.model.book, self.model.owed)
        told = [(lot.remaining_micros, lot.starts_at, lot.expires_at, lot.status(now)) for lot in self.books.lots()]
        assert told == [(lot.holds, lot.starts_at, lot.expires_at, lot.status(now)) for lot in self.model.lots]

    @invariant()
    def nothing_is_for_the_proof_to_find(self) -> None:
        """No rule is broken."""
        with self.database.reading() as session:
            assert verify(session, account_id=self.books.account_id) == []

    def record(self, reports: list[CallReport]) -> None:
        """Record calls that were never reported before."""
        outcomes = self.books.record(*reports)

        for report, outcome in zip(reports, outcomes, strict=True):
            assert (outcome.refusal, outcome.duplicate) == (None, False)
            self.reported.append(report)
            self.model.charge(report.duration_seconds * MICROS_A_SECOND, report.answered_at)

    def move_to(self, to: int) -> None:
        """Move both clocks."""
        self.settled = not self.live or (self.settled and to == self.model.now)
        self.books.advance(to)
        self.model.pass_time(to)


def search(examples: int, steps: int) -> settings:
    """How long to look: the same every time, or, on demand, far longer and elsewhere each time."""
    long = os.environ.get("HYPOTHESIS_PROFILE") == "long"
    return settings(
        max_examples=examples * (20 if long else 1),
        stateful_step_count=steps,
        derandomize=not long,
        database=None,
        deadline=None,
        phases=list(Phase) if long else [Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def test_any_course_of_events_on_sqlite_ends_as_the_model_says(sqlite_database: Database) -> None:
    Course.database = sqlite_database

    run_state_machine_as_test(Course, settings=search(examples=60, steps=30))


def test_any_course_of_events_on_postgresql_ends_as_the_model_says(postgresql_database: Database) -> None:
    Course.database = postgresql_database

    run_state_machine_as_test(Course, settings=search(examples=12, steps=30))
