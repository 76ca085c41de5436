"""An account, lived by the books and by the model at once: every verb is done to both, and their answers and all that
stands in them must be the same.
"""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from credits.accounts import look_up
from credits.balances import balance_of
from credits.call_messages import (
    Answer,
    Authorization,
    CallAnswer,
    CallOutcome,
    CallReport,
    Extension,
    Message,
    Release,
    Reports,
    Settlement,
)
from credits.corrections import rate_later, reverse_call
from credits.licenses import set_licenses
from credits.lots import lot_status
from credits.quotes import quote_call
from credits.refunds import refund_recharge
from credits.refusals import Code, Refusal
from credits.users import NewUser, UserValues, create_users, remove_user
from credits.verify import verify
from db.kinds import CallStatus, Service
from db.session import Session
from db.tables import NEVER
from tests.books import Books
from tests.factories import PROVIDERS, a_key, make_recharge
from tests.model.account import Model
from tests.model.values import ModelCall, ModelUser, Number, Told

COIN_MICROS = 10_000
UNIT_MICROS = 1_000_000


@dataclass
class Twin:
    """The books and the model of one account. `caught_up`: nothing that is due waits for a worker; `touched`: something
    has happened since they were compared."""

    books: Books
    model: Model
    is_live: bool
    caught_up: bool = True
    touched: bool = True

    def a_call(self, which: int) -> ModelCall | None:
        """A call in progress, mostly, or one of the latest."""
        calls = list(self.model.calls.values())
        going_on = [call for call in calls if call.in_progress]
        chosen = going_on if going_on and which % 4 else calls[-8:]
        return chosen[which // 4 % len(chosen)] if chosen else None

    def an_edge(self, which: int) -> int:
        """When a lot started or expired, or the instant before that: one of the latest."""
        lots, now = self.model.lots, self.model.now
        edges = {
            at - before for lot in lots for at in (lot.starts_at, lot.expires_at) for before in (0, 1) if at <= now
        }
        latest = sorted(edges | {now})[-6:]
        return latest[which % len(latest)]

    def posted(self) -> None:
        """Something was posted to the account, and all that was due before it."""
        self.touched = self.caught_up = True

    # ---- what switches say: the message to post, and what it is to be answered ----

    def authorize(
        self, call_id: str | None, service: Service, number: Number, user_no: int | None, seconds: int
    ) -> tuple[Message, Told]:
        """May a call go? A new one, unless it has an id."""
        self.posted()
        call_id = call_id or a_key()
        told = self.model.authorize(call_id, service, number, user_no, seconds)
        return Authorization(self.books.account_id, call_id, number.dialled, seconds, service, user_no=user_no), told

    def extend(self, call_id: str, used: int, seconds: int) -> tuple[Message, Told]:
        """May it go on?"""
        self.posted()
        return Extension(self.books.account_id, call_id, used, seconds), self.model.extend(call_id, used, seconds)

    def settle(self, call_id: str, seconds: int, answered_at: int | None) -> tuple[Message, Told]:
        """It is over."""
        self.posted()
        told = self.model.settle(call_id, seconds, answered_at)
        return Settlement(self.books.account_id, call_id, seconds, answered_at), told

    def release(self, call_id: str) -> tuple[Message, Told]:
        """It was not made."""
        self.posted()
        return Release(self.books.account_id, call_id), self.model.release(call_id)

    def report(
        self, call_id: str | None, service: Service, number: Number, user_no: int | None, seconds: int, answered_at: int
    ) -> tuple[Message, Told]:
        """A call was made. A new one, unless it has an id."""
        self.posted()
        call_id = call_id or a_key()
        told = self.model.record(call_id, service, number, user_no, seconds, answered_at)
        report = CallReport(call_id, number.dialled, answered_at, seconds, service, user_no=user_no)
        return Reports(self.books.account_id, [report]), told

    # ---- what others do: done to both ----

    def quote(self, service: Service, number: Number, user_no: int | None, seconds: int) -> None:
        """A quote says what an authorisation would say, where nothing is due."""
        if not self.caught_up or not number.possible:
            return
        model = self.model
        with self.books.database.reading() as session:
            quote = quote_call(
                session, rates=self.books.rates, account_id=self.books.account_id, service=service, to=number.dialled,
                user_no=user_no, duration_seconds=seconds, at=None, now=model.now,
            )  # fmt: skip
        payer = model.payer(service, number, user_no, model.now)
        price = model.price(payer, seconds, model.free_minutes(payer.pool))
        assert (quote.max_duration_seconds, quote.refusal) == model.grant(payer, user_no, seconds)
        assert (quote.plan_seconds, quote.billed_seconds, quote.cost_micros) == price

    def reverse(self, which: int) -> None:
        """A call's charge is taken back; of what was not settled nothing can be."""
        charged = [call for call in self.model.calls.values() if call.charge]
        call = charged[which // 8 % len(charged)] if charged and which % 8 else self.a_call(which)
        if call is None:
            return

        def take_back() -> None:
            with self.books.database.transaction() as session:
                reverse_call(
                    session, rates=self.books.rates, account_id=self.books.account_id, call_id=call.call_id,
                    reason="Cut off", now=self.books.now, terms=self.books.terms,
                )  # fmt: skip

        if call.status == CallStatus.SETTLED:
            take_back()
            self.model.reverse(call)
            self.posted()
            return
        with pytest.raises(Refusal) as refused:
            take_back()
        assert refused.value.code == Code.CONFLICT

    def rate_later(self) -> None:
        """Calls that had no rate are priced."""
        with self.books.database.transaction() as session:
            rated = rate_later(
                session, rates=self.books.rates, account_id=self.books.account_id, call_ids=None, now=self.books.now,
                terms=self.books.terms,
            )  # fmt: skip
        assert [call.call_id for call in rated] == self.model.rate_later()
        self.posted()

    def enter(self, users: list[ModelUser], held: list[list[str]]) -> None:
        """Users are entered, with their first licences."""
        newcomers = list[NewUser]()
        for user, codes in zip(users, held, strict=True):
            user.licenses = {code: [(self.model.now, None)] for code in codes}
            self.model.users[user.number] = user
            values: UserValues = {
                "name": f"User {user.number}", "user_name": f"user-{user.number}", "country": user.country,
                "monthly_limit_micros": user.limit, "conference_dial_out": user.for_conferences,
                "user_dial_out": user.for_users,
            }  # fmt: skip
            newcomers.append(NewUser(values, codes))
        with self.books.database.transaction() as session:
            numbers = create_users(session, account_id=self.books.account_id, users=newcomers, now=self.books.now)
        assert numbers == list(self.model.users)

    def license(self, which: int, held: list[str]) -> None:
        """A user gets these licences and no others; without any, it is removed sometimes."""
        users = [user for user in self.model.users.values() if not user.removed]
        if not users:
            return
        user = users[which % len(users)]
        user.removed = not held and which % 2 == 1
        who = {"account_id": self.books.account_id, "user_no": user.number, "now": self.books.now}
        with self.books.database.transaction() as session:
            if user.removed:
                remove_user(session, **who)
            else:
                set_licenses(session, **who, plan_codes=held)
        user.hold(held, self.model.now)
        self.touched = True

    def grant(self, amount: int, starts_at: int | None = None, expires_at: int = NEVER, priority: int = 0) -> None:
        """Funds are granted that start now (None) or at another time."""
        ends_at = None if expires_at == NEVER else expires_at
        self.books.grant(amount_micros=amount, priority=priority, starts_at=starts_at, expires_at=ends_at)
        self.model.add(amount, self.model.now if starts_at is None else starts_at, expires_at, priority)
        self.posted()

    def recharge(self, units: int) -> None:
        """Funds are bought on invoice."""
        books = self.books
        recharge_no = make_recharge(books.database, books.account_id, units, now=books.now, terms=books.terms)
        self.model.buy(units * UNIT_MICROS, recharge_no)
        self.posted()

    def refund(self, which: int, *, part: bool) -> None:
        """What is free of bought funds is given back, in whole coins: all of it, or one unit."""
        bought = [lot for lot in self.model.lots if lot.recharge_no and lot.usable(self.model.now)]
        if not bought:
            return
        lot = bought[which % len(bought)]
        left = lot.free // COIN_MICROS * COIN_MICROS
        amount = min(left, UNIT_MICROS) if part else left

        def give_back() -> None:
            refund_recharge(
                self.books.database, PROVIDERS, account_id=self.books.account_id, recharge_no=lot.recharge_no or 0,
                amount_micros=amount if part and left else None, reason="Not needed", idempotency_key=a_key(),
                now=self.books.now, terms=self.books.terms,
            )  # fmt: skip

        if left:
            give_back()
            lot.holds -= amount
            self.posted()
            return
        with pytest.raises(Refusal) as refused:
            give_back()
        assert refused.value.code == Code.CONFLICT

    def void(self, which: int) -> None:
        """What is free of a lot is taken back; where nothing is, that is refused."""
        if not self.model.lots:
            return
        lot = self.model.lots[which % len(self.model.lots)]
        if lot.free:
            self.books.void(lot.number)
            self.model.void(lot)
            self.posted()
            return
        with pytest.raises(Refusal) as refused:
            self.books.void(lot.number)
        assert refused.value.code == Code.CONFLICT

    def move(self, to: int) -> None:
        """Time passes. Whatever is due in a LIVE account waits for whoever comes next."""
        self.caught_up = not self.is_live or (self.caught_up and to == self.model.now)
        self.books.advance(to)
        self.model.pass_time(to)
        self.touched = True

    def catch_up(self) -> None:
        """A worker writes what has fallen due."""
        self.books.bring_up_to_date()
        self.posted()

    def compare(self) -> None:
        """All is as the model says, and the proof finds nothing. What waits for a worker is not promised again."""
        if not self.touched:
            return
        self.touched = False
        assert all(0 <= lot.promised <= lot.holds for lot in self.model.lots)
        with self.books.database.reading() as session:
            if self.caught_up:
                assert state_of(session, self.books) == state_in(self.model)
            else:
                balance = balance_of(session, self.books.account_id, self.books.now)
                assert balance.available_micros <= self.model.available
            assert verify(session, account_id=self.books.account_id) == []


def told_in(answer: Answer) -> Told:
    """An answer, as the model puts it."""
    match answer:
        case Refusal():
            return Told(answer.code)
        case CallAnswer(call=call) if call is not None:
            error = answer.error.code if answer.error else None
            return Told(error, CallStatus(call.status), call.charge_micros, answer.max_duration_seconds, answer.reason)
        case [CallOutcome(refusal=Refusal() as refusal)]:
            return Told(refusal.code)
        case [CallOutcome(status=str() as status) as outcome]:
            return Told(None, CallStatus(status), outcome.charge_micros, duplicate=outcome.duplicate)
    raise AssertionError(answer)


def state_of(session: Session, books: Books) -> dict[str, Any]:
    """An account as it stands in the tables: what is in it, its lots, its calls, its pools, what its users spent."""
    account, balance = look_up(session, books.account_id), balance_of(session, books.account_id, books.now)
    lots = session.rows(
        "SELECT lot_no, remaining_micros, held_micros, starts_at, expires_at, voided_at, forfeited_at FROM lot"
        " WHERE account_id = ? ORDER BY lot_no",
        books.account_id,
    )
    calls = session.rows(
        "SELECT call_id, service, to_number, user_no, status, answered_at, requested_seconds, granted_seconds,"
        " lapses_at, refusal, held_minutes, duration_seconds, plan_seconds, billed_seconds, charge_micros,"
        " held_micros, reversed_at, holds FROM call WHERE account_id = ? ORDER BY call_no",
        books.account_id,
    )
    pools = session.rows(
        "SELECT month, code, scope, country, user_no, holders, used_minutes, held_minutes FROM minute_pool"
        " JOIN plan ON plan.plan_id = minute_pool.plan_id"
        " WHERE account_id = ? AND (used_minutes > 0 OR held_minutes > 0)",
        books.account_id,
    )
    spent = session.rows(
        "SELECT user_no, month, spent_micros FROM user_month WHERE account_id = ? AND spent_micros > 0",
        books.account_id,
    )
    return {
        "balance": (balance.current_micros, balance.reserved_micros, balance.owed_micros, balance.available_micros),
        "book": account.book_balance_micros,
        "lots": [
            (number, holds, promised, lot_status(
                remaining_micros=holds, starts_at=starts_at, expires_at=expires_at, voided_at=voided_at,
                forfeited_at=forfeited_at, now=books.now,
            ))
            for number, holds, promised, starts_at, expires_at, voided_at, forfeited_at in lots
        ],
        "calls": [(*call, at is not None, dict(json.loads(holds)) if holds else {}) for *call, at, holds in calls],
        "pools": sorted(pools),
        "spent": sorted(spent),
    }  # fmt: skip


def state_in(model: Model) -> dict[str, Any]:
    """The same of the model."""
    return {
        "balance": (model.current, model.reserved, model.owed, model.available),
        "book": model.book,
        "lots": [(lot.number, lot.holds, lot.promised, lot.status(model.now)) for lot in model.lots],
        "calls": [
            (
                call.call_id, call.service, call.number.dialled, call.user_no, call.status, call.answered_at,
                call.requested, call.granted, call.lapses_at, call.refusal, call.promised_minutes, call.seconds,
                call.plan_seconds, call.billed_seconds, call.charge, sum(call.promised.values()), call.reversed,
                {lot: micros for lot, micros in call.promised.items() if micros},
            )
            for call in model.calls.values()
        ],
        "pools": sorted(
            (*name, model.holders(name), pool.used, pool.promised)
            for name, pool in model.pools.items()
            if pool.used or pool.promised
        ),
        "spent": sorted((*key, micros) for key, micros in model.spent.items() if micros),
    }  # fmt: skip
