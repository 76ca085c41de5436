"""Calls in progress: what each holds of money and minutes, from its authorisation until it is settled or given up.

Whoever authorises holds what the granted time may cost, so that nobody is promised the same money (pitfalls,
reservations). What is held outlives its lot and its pool's month; what a call does not need becomes free when it ends.
"""

from credits import telling
from credits.call_messages import Authorization, CallReport, Extension
from credits.call_states import CallState, call_state, write_calls
from credits.coverage import Coverage, bill, grant
from credits.desk import Desk, written
from credits.instants import SECOND, month_of
from credits.language import sentence, written_down
from credits.ledger import Journal
from credits.pools import Pool
from credits.refusals import Refusal
from db.kinds import CallStatus, RefusalReason

LONGEST_SHOWN_NUMBER = 64

Values = tuple[str, str | None, str, int | None, int | None]


class Reservations:
    """The calls of one transaction: what they hold, and what they cost in the end."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def values_of(self, journal: Journal, asked: Authorization) -> Values:
        """What a repeated authorisation must say again: service, caller, number, user and time asked for."""
        account = journal.account
        user = self._desk.caller(account.account_id, asked.user_no)
        try:
            to = self._desk.number_of(account, asked.to_number, asked.user_no)
        except Refusal:
            to = asked.to_number[:LONGEST_SHOWN_NUMBER]
        user_no = None if user is None else user.user_no
        return str(asked.service), asked.from_number, to, user_no, asked.requested_seconds

    def authorize(self, journal: Journal, asked: Authorization) -> CallState:
        """Grant a call as much of the time it asks for as can be paid, and hold that; or refuse it, and say why."""
        service, from_number, to, user_no, seconds = self.values_of(journal, asked)
        account, now = journal.account, journal.now
        account.call_count += 1
        state = CallState(
            account.account_id, account.call_count, asked.call_id, service, CallStatus.AUTHORIZED.value, from_number,
            to, now, recorded_at=now, user_no=user_no, authorized_at=now, requested_seconds=seconds,
        )  # fmt: skip
        try:
            coverage = self._desk.coverage(account, service=service, to=asked.to_number, user_no=asked.user_no, at=now)
        except Refusal as refusal:
            state.steps = written_down([sentence(refusal.message, **refusal.values)])
            return _refuse(state, RefusalReason.INVALID_NUMBER)
        _note_rate(state, coverage)
        granted, reason = self._grant(journal, coverage, asked.requested_seconds)
        if not granted:
            assert reason is not None
            state.steps = written_down(
                telling.tell(
                    coverage, account=account, to=asked.to_number, seconds=asked.requested_seconds, reason=reason,
                    at=now, available_micros=journal.available_micros,
                )
            )  # fmt: skip
            return _refuse(state, reason)
        self._hold(journal, state, coverage, granted)
        self._renew(journal, state, granted)
        return state

    def extend(self, journal: Journal, state: CallState, asked: Extension) -> RefusalReason | None:
        """Grant a call that goes on as much more as can be paid; what it has is never taken back. Says why it got less
        than it asked for."""
        reason, wanted = None, asked.used_seconds + asked.requested_seconds
        if wanted > (state.granted_seconds or 0):
            coverage = self._coverage(journal, state, at=state.authorized_at or journal.now, goes_on=True)
            granted, reason = self._grant(journal, coverage, wanted, state)
            if granted > (state.granted_seconds or 0):
                self._hold(journal, state, coverage, granted)
        self._renew(journal, state, (state.granted_seconds or 0) - asked.used_seconds)
        return reason

    def record(self, journal: Journal, report: CallReport) -> CallState:
        """A finished call that was not authorized here."""
        account = journal.account
        coverage = self._desk.coverage(
            account, service=report.service, to=report.to_number, user_no=report.user_no, at=report.answered_at
        )
        account.call_count += 1
        state = CallState(
            account.account_id, account.call_count, report.call_id, str(report.service), CallStatus.SETTLED.value,
            report.from_number, written(coverage.number), report.answered_at, recorded_at=journal.now,
            user_no=report.user_no,
        )  # fmt: skip
        self._finish(journal, state, coverage, report.duration_seconds)
        return state

    def finish(self, journal: Journal, state: CallState, *, answered_at: int, duration_seconds: int) -> None:
        """Charge a call that was authorized here, be it still in progress or not, and free what it does not need."""
        state.answered_at = answered_at
        self._finish(journal, state, self._coverage(journal, state, at=answered_at), duration_seconds)

    def give_back(self, journal: Journal, state: CallState, status: CallStatus) -> None:
        """End a call in progress without a charge: all that it holds becomes free."""
        self._free_minutes(journal, state)
        self._desk.spending.hold(state, -state.held_micros)
        journal.release(state.held)
        state.end(status)

    def _grant(
        self, journal: Journal, coverage: Coverage, seconds: int, own: CallState | None = None
    ) -> tuple[int, RefusalReason | None]:
        """How many seconds can be paid, what the call holds already included, and why not all of them."""
        held_micros = own.held_micros if own else 0
        left = self._desk.spending.left_micros(coverage.caller, month_of(journal.now, journal.account.time_zone))
        return grant(
            coverage, seconds, minutes=coverage.minutes + (own.held_minutes if own else 0),
            available_micros=journal.available_micros + held_micros,
            left_micros=None if left is None else left + held_micros,
        )  # fmt: skip

    def _hold(self, journal: Journal, state: CallState, coverage: Coverage, granted: int) -> None:
        """Hold what the granted time may cost, beyond what the call holds already."""
        price = bill(coverage, granted, minutes=coverage.minutes + state.held_minutes)
        more_micros = price.charge_micros - state.held_micros
        if more_micros > 0:
            state.hold(journal.hold(more_micros))
            self._desk.spending.hold(state, more_micros)
        more_minutes = price.plan_minutes - state.held_minutes
        if coverage.pool is not None and more_minutes > 0:
            self._desk.pools.hold(journal, coverage.pool, more_minutes)
            state.held_minutes += more_minutes
            state.pool_no = coverage.pool.pool_no
        state.granted_seconds = granted

    def _renew(self, journal: Journal, state: CallState, seconds_to_go: int) -> None:
        """Let the reservation live through the time that is granted, and its time to live beyond."""
        state.lapses_at = journal.now + max(seconds_to_go, 0) * SECOND + journal.terms.reservation_ttl
        journal.schedule(state.lapses_at)

    def _finish(self, journal: Journal, state: CallState, coverage: Coverage, seconds: int) -> None:
        minutes = coverage.minutes + (state.held_minutes if _holds_in(state, coverage.pool) else 0)
        self._free_minutes(journal, state)
        price = bill(coverage, seconds, minutes=minutes)
        _note_rate(state, coverage)
        unpriced = _unpriced(coverage, seconds, price.plan_seconds)
        charge_micros = 0 if unpriced else price.charge_micros
        held = state.held
        self._desk.spending.hold(state, -state.held_micros)
        if charge_micros:
            used_at = min(state.answered_at, journal.now)
            journal.charge(charge_micros, used_at=used_at, call_no=state.call_no, holds=held)
        else:
            journal.release(held)
        state.end(CallStatus.UNRATED if unpriced else CallStatus.SETTLED)
        state.pool_no = None
        if coverage.pool is not None and price.plan_minutes:
            self._desk.pools.use(journal, coverage.pool, price.plan_minutes)
            state.pool_no = coverage.pool.pool_no
        state.duration_seconds, state.plan_seconds = seconds, price.plan_seconds
        state.billed_seconds, state.charge_micros = 0 if unpriced else price.billed_seconds, charge_micros
        state.refusal, state.steps = unpriced and unpriced.value, None
        if charge_micros and state.user_no is not None:
            month = month_of(state.answered_at, journal.account.time_zone)
            self._desk.spending.add(state, month, charge_micros)

    def _coverage(self, journal: Journal, state: CallState, *, at: int, goes_on: bool = False) -> Coverage:
        """Who pays for a call that was authorized here. The minutes it was promised are its own, whatever licence its
        user holds by now; but one that has ended uses those of the month in which it was answered."""
        coverage = self._desk.coverage(
            journal.account, service=state.service, to=state.to_number, user_no=state.user_no, at=at
        )
        if state.held_minutes and state.pool_no is not None:
            promised = self._desk.pools.numbered(state.account_id, state.pool_no)
            if goes_on or coverage.pool is None or coverage.pool.key.month == promised.key.month:
                coverage.pool = promised
        return coverage

    def _free_minutes(self, journal: Journal, state: CallState) -> None:
        if state.held_minutes and state.pool_no is not None:
            pool = self._desk.pools.numbered(state.account_id, state.pool_no)
            self._desk.pools.hold(journal, pool, -state.held_minutes)
            state.held_minutes = 0


def lapse(journal: Journal, call_no: int) -> None:
    """Release a reservation of which nothing was heard in its time to live; the call can still be settled."""
    state = call_state(journal.session, journal.account.account_id, call_no)
    assert state.is_in_progress, "only what is in progress lapses"
    journal.release(state.held)
    if state.held_minutes:
        journal.session.execute(
            "UPDATE minute_pool SET held_minutes = held_minutes - ? WHERE account_id = ? AND pool_no = ?",
            state.held_minutes, state.account_id, state.pool_no,
        )  # fmt: skip
    state.end(CallStatus.EXPIRED)
    write_calls(journal.session, [], [state])


def _holds_in(state: CallState, pool: Pool | None) -> bool:
    """Tell whether a pool is the one whose minutes a call was promised, however few licences it has by now."""
    return pool is not None and pool.pool_no != 0 and pool.pool_no == state.pool_no


def _refuse(state: CallState, reason: RefusalReason) -> CallState:
    state.end(CallStatus.REFUSED)
    state.refusal = reason.value
    return state


def _note_rate(state: CallState, coverage: Coverage) -> None:
    state.country = coverage.country
    rate = coverage.rate
    state.deck_id, state.rate_no = (None, None) if rate is None else (rate.deck_id, rate.rate_no)


def _unpriced(coverage: Coverage, seconds: int, plan_seconds: int) -> RefusalReason | None:
    """Why a call that was made cannot be priced, where it cannot: nothing has a price for what no minutes paid."""
    if coverage.is_free or (coverage.pool is not None and seconds <= plan_seconds):
        return None
    if coverage.rate is None:
        return RefusalReason.NO_RATE
    return RefusalReason.DESTINATION_BLOCKED if coverage.rate.blocked else None
