"""An account with all its calls as the design says they should be: a few lists of plain values, no database.

It is written from the rules (DESIGN, sections 2 to 5; plans.md), not from the code, and goes the long way where the
code takes a short one: a price is counted step by step, time passes from edge to edge.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from credits.instants import HOUR, MINUTE, SECOND, instant, moment
from credits.refusals import Code
from db.kinds import CallStatus, ConferenceDialOut, PlanKind, PoolScope, RefusalReason, Service, UserDialOut
from db.tables import NEVER
from tests.model.values import (
    ModelCall,
    ModelDeck,
    ModelLot,
    ModelPlan,
    ModelPool,
    ModelUser,
    Number,
    Payer,
    PoolName,
    Told,
    home_of,
    steps,
)

WINDOW = 72 * HOUR
TTL = 5 * MINUTE
SKEW = 5 * MINUTE


@dataclass
class Model:
    """An account: lots, debts, calls, pools, users, and its clock."""

    zone: ZoneInfo
    now: int
    decks: list[ModelDeck]
    plans: dict[str, ModelPlan]
    zone_a: frozenset[str]
    lots: list[ModelLot] = field(default_factory=list)
    debts: list[tuple[str, int]] = field(default_factory=list)
    calls: dict[str, ModelCall] = field(default_factory=dict)
    pools: dict[PoolName, ModelPool] = field(default_factory=dict)
    users: dict[int, ModelUser] = field(default_factory=dict)
    spent: dict[tuple[int, int], int] = field(default_factory=dict)

    # ---- what it is worth ----

    @property
    def owed(self) -> int:
        """What no lot has paid yet."""
        return sum(micros for _, micros in self.debts)

    @property
    def reserved(self) -> int:
        """What is promised to calls in progress."""
        return sum(lot.promised for lot in self.lots)

    @property
    def book(self) -> int:
        """All that lies in lots, less what is owed."""
        return sum(lot.holds for lot in self.lots) - self.owed

    @property
    def current(self) -> int:
        """The book balance less what is free in lots that have expired or have not started."""
        return self.book - sum(lot.free for lot in self.lots if not lot.usable(self.now))

    @property
    def available(self) -> int:
        """What a new call can spend."""
        return self.current - self.reserved

    def month(self, at: int) -> int:
        """The calendar month in the account's zone, counted from the year 0."""
        day = moment(at).astimezone(self.zone).date()
        return day.year * 12 + day.month - 1

    def start_of_month(self, month: int) -> int:
        """Its first instant."""
        return instant(datetime.combine(date(month // 12, month % 12 + 1, 1), time(), self.zone))

    # ---- funds ----

    def add(self, amount: int, starts_at: int, expires_at: int, priority: int = 0) -> ModelLot:
        """Funds come in; if they are usable at once, they repay what is owed first."""
        lot = ModelLot(len(self.lots) + 1, priority, self.now, starts_at, expires_at, amount)
        self.lots.append(lot)
        if lot.usable(self.now):
            self._repay(lot)
        return lot

    def buy(self, amount: int, recharge_no: int) -> None:
        """Bought funds last through the local day a year on; 29 February becomes 28 February."""
        today = moment(self.now).astimezone(self.zone).date()
        leap = (today.month, today.day) == (2, 29)
        last_day = date(today.year + 1, today.month, 28 if leap else today.day)
        end = datetime.combine(last_day + timedelta(days=1), time(), self.zone)
        self.add(amount, self.now, instant(end)).recharge_no = recharge_no

    def void(self, lot: ModelLot) -> None:
        """Take back what is free of a lot."""
        lot.holds, lot.voided = lot.promised, True

    def pass_time(self, to: int) -> None:
        """From edge to edge: what was to be settled is forfeited, then what starts repays, then reservations lapse."""
        while (at := min(self._edges(), default=NEVER)) <= to:
            self.now = at
            for lot in self.lots:
                if lot.expires_at + WINDOW == at and lot.free:
                    self._forfeit(lot)
            for lot in self._in_order():
                if lot.starts_at == at:
                    self._repay(lot)
            for call in self.calls.values():
                if call.lapses_at == at:
                    self._give_back(call, CallStatus.EXPIRED)
        self.now = to

    def next_edges(self) -> list[int]:
        """When something changes next: lots, reservations, or the month."""
        lots = {edge for lot in self.lots for edge in (lot.starts_at, lot.expires_at, lot.expires_at + WINDOW)}
        month_end = self.start_of_month(self.month(self.now) + 1)
        return sorted(at for at in {*lots, *self._edges(), month_end} if self.now < at < NEVER)

    def _edges(self) -> Iterator[int]:
        for lot in self.lots:
            yield from (at for at in (lot.starts_at, lot.expires_at + WINDOW) if at > self.now)
        yield from (call.lapses_at for call in self.calls.values() if call.lapses_at is not None)

    def _in_order(self) -> list[ModelLot]:
        return sorted(self.lots, key=lambda lot: lot.order)

    def _forfeit(self, lot: ModelLot) -> None:
        lot.holds, lot.forfeited = lot.promised, True

    def _repay(self, lot: ModelLot) -> None:
        """A lot gives what is owed: what is owed first is repaid first."""
        while self.debts and lot.free:
            call_id, micros = self.debts.pop(0)
            given = min(lot.free, micros)
            lot.holds -= given
            paid = self.calls[call_id].paid
            paid[lot.number] = paid.get(lot.number, 0) + given
            if micros > given:
                self.debts.insert(0, (call_id, micros - given))

    def _freed(self, lots: Iterable[ModelLot]) -> None:
        """What is promised no longer goes where free money of its lot goes by now."""
        for lot in sorted(lots, key=lambda lot: lot.order):
            if lot.voided:
                lot.holds = lot.promised
            elif lot.free and self.now >= lot.expires_at + WINDOW:
                self._forfeit(lot)
            elif lot.usable(self.now):
                self._repay(lot)

    # ---- who pays ----

    def payer(self, service: Service, number: Number, user_no: int | None, at: int) -> Payer:
        """Who pays for a call that is answered at an instant."""
        if number.emergency:
            return Payer(free=True)
        user, found = self._user(user_no), Payer()
        if user_no is not None and user is None:
            found.refusal = RefusalReason.UNKNOWN_USER
        if user is not None and service in (Service.USER_OUT, Service.CONFERENCE_OUT):
            self._ask_user(found, user, service, number, at)
        deck = self._deck(at)
        rates = {} if deck is None else deck.rates
        fitting = [prefix for kind, prefix in rates if kind == service and number.digits.startswith(prefix)]
        if deck is None or not fitting:
            found.no_credit = found.no_credit or RefusalReason.NO_RATE
            return found
        found.rate, found.decimals = rates[service, max(fitting, key=len)], deck.decimals
        if found.rate.blocked:
            found.refusal, found.pool = found.refusal or RefusalReason.DESTINATION_BLOCKED, None
        return found

    def _user(self, user_no: int | None) -> ModelUser | None:
        """Who that is; who was removed is nobody."""
        user = None if user_no is None else self.users.get(user_no)
        return None if user is None or user.removed else user

    def _deck(self, at: int) -> ModelDeck | None:
        """The latest that counts; of two from the same instant, the one published later."""
        counting = [deck for deck in self.decks if deck.effective_from <= at]
        return max(enumerate(counting), key=lambda each: (each[1].effective_from, each[0]))[1] if counting else None

    def _ask_user(self, found: Payer, user: ModelUser, service: Service, number: Number, at: int) -> None:
        """Policy, then licences, then whose minutes."""
        at_home = number.country is not None and home_of(number.country) == user.home
        in_zone = number.country in self.zone_a
        kinds = {self.plans[code].kind: code for code in user.plans}
        if service == Service.CONFERENCE_OUT:
            allowed = {
                ConferenceDialOut.ANY: True, ConferenceDialOut.SAME_COUNTRY: at_home,
                ConferenceDialOut.ZONE_A: in_zone, ConferenceDialOut.NONE: False,
            }[user.for_conferences]  # fmt: skip
            code = kinds.get(PlanKind.AUDIO_CONFERENCING)
            licensed = code is not None
            scope = PoolScope.CONFERENCE if in_zone and not number.premium else None
        else:
            allowed = {UserDialOut.ANY: True, UserDialOut.DOMESTIC: at_home, UserDialOut.NONE: False}[user.for_users]
            code = kinds.get(PlanKind.CALLING_PLAN)
            licensed = code is not None or PlanKind.PAY_AS_YOU_GO in kinds
            scope = PoolScope.DOMESTIC if at_home else PoolScope.INTERNATIONAL
        if not allowed:
            found.refusal = RefusalReason.POLICY
        elif not licensed:
            found.refusal = RefusalReason.USER_NOT_LICENSED
        if PlanKind.COMMUNICATIONS_CREDITS not in kinds:
            found.no_credit = RefusalReason.USER_NOT_LICENSED
        if code is not None and scope is not None and self._minutes_of(code, scope, user.home):
            plan = self.plans[code]
            country = "" if scope == PoolScope.CONFERENCE else user.home
            found.pool = PoolName(self.month(at), code, scope, country, 0 if plan.pooled else user.number)

    def _minutes_of(self, code: str, scope: PoolScope, country: str) -> int:
        plan = self.plans[code]
        if scope == PoolScope.DOMESTIC:
            return plan.domestic_in.get(country, plan.domestic)
        return plan.international if scope == PoolScope.INTERNATIONAL else plan.conference

    def holders(self, pool: PoolName) -> int:
        """How many licences give a pool its minutes: assigned before its month's end, and not removed before that."""
        if pool.user_no:
            return 1
        end = self.start_of_month(pool.month + 1)
        return sum(
            from_at < end and (until is None or until >= end)
            for user in self.users.values()
            if pool.scope == PoolScope.CONFERENCE or user.home == pool.country
            for from_at, until in user.licenses.get(pool.plan, [])
        )

    def free_minutes(self, pool: PoolName | None) -> int:
        """Minutes of a pool that are neither used nor promised."""
        if pool is None:
            return 0
        stands = self.pools.get(pool, ModelPool())
        total = self.holders(pool) * self._minutes_of(pool.plan, pool.scope, pool.country)
        return max(0, total - stands.used - stands.promised)

    def _left(self, user_no: int | None) -> int | None:
        """What a user may still spend this month; None: as much as it likes."""
        user = self._user(user_no)
        if user is None or user.limit is None:
            return None
        promised = sum(sum(call.promised.values()) for call in self.calls.values() if call.user_no == user_no)
        return user.limit - self.spent.get((user.number, self.month(self.now)), 0) - promised

    def price(self, payer: Payer, seconds: int, minutes: int) -> tuple[int, int, int]:
        """Seconds that minutes pay, seconds sold on credit, and what those cost."""
        if payer.free or not seconds:
            return 0, 0, 0
        plan_seconds = min(seconds, minutes * 60)
        if payer.rate is None or plan_seconds == seconds:
            return plan_seconds, 0, 0
        ends, sold, costs = steps(payer.rate, payer.decimals, plan_seconds)
        step = bisect_left(ends, seconds)
        return plan_seconds, sold[step], costs[step]

    def grant(
        self, payer: Payer, user_no: int | None, seconds: int, own_minutes: int = 0, own_micros: int = 0
    ) -> tuple[int, RefusalReason | None]:
        """For how long a call may go, and why not for all that it asks for."""
        if payer.free:
            return seconds, None
        if payer.refusal is not None:
            return 0, payer.refusal
        minutes = self.free_minutes(payer.pool) + own_minutes
        by_plan = min(seconds, minutes * 60)
        if by_plan == seconds:
            return seconds, None
        if payer.no_credit is not None or payer.rate is None:
            return by_plan, payer.no_credit
        available, left = self.available + own_micros, self._left(user_no)
        spendable = available if left is None else min(available, left + own_micros)
        short = RefusalReason.USER_LIMIT_REACHED if spendable < available else RefusalReason.INSUFFICIENT_CREDIT
        if self.price(payer, seconds, minutes)[2] <= max(spendable, 0):
            return seconds, None
        if spendable <= 0:
            return by_plan, short
        ends, _, costs = steps(payer.rate, payer.decimals, by_plan)
        affordable = bisect_right(costs, spendable)
        return (ends[affordable - 1] if affordable else by_plan), short

    # ---- calls ----

    def authorize(self, call_id: str, service: Service, number: Number, user_no: int | None, seconds: int) -> Told:
        """May this call go?"""
        user = self._user(user_no)
        known = self.calls.get(call_id)
        if known is not None:
            same_user = known.user_no == user_no or (known.user_no is None and user is None)
            if (known.service, known.number, known.requested, same_user) != (service, number, seconds, True):
                return Told(Code.IDEMPOTENCY_KEY_REUSED)
            if not known.in_progress and known.status != CallStatus.REFUSED:
                return self._told(known, Code.CONFLICT)
            return self._told(known)
        call = ModelCall(call_id, service, number, user.number if user else None, CallStatus.REFUSED, self.now, seconds)
        call.authorized_at = self.now
        self.calls[call_id] = call
        return self._authorize(call, user_no, seconds)

    def _authorize(self, call: ModelCall, user_no: int | None, seconds: int) -> Told:
        if not call.number.possible:
            call.refusal = RefusalReason.INVALID_NUMBER
            return self._told(call)
        payer = self.payer(call.service, call.number, user_no, self.now)
        granted, call.refusal = self.grant(payer, call.user_no, seconds)
        if granted:
            call.status, call.refusal = CallStatus.AUTHORIZED, None
            self._promise(call, payer, granted)
            call.lapses_at = self.now + granted * SECOND + TTL
        return self._told(call)

    def extend(self, call_id: str, used: int, more: int) -> Told:
        """May it go on?"""
        call = self.calls.get(call_id)
        if call is None:
            return Told(Code.NOT_FOUND)
        if not call.in_progress:
            return self._told(call, Code.CONFLICT)
        assert call.granted is not None
        assert call.authorized_at is not None
        reason = None
        if used + more > call.granted:
            payer = self._payer_of(call, call.authorized_at)
            own = call.promised_minutes if payer.pool == call.pool else 0
            granted, reason = self.grant(payer, call.user_no, used + more, own, sum(call.promised.values()))
            if granted > call.granted:
                self._promise(call, payer, granted)
        call.lapses_at = self.now + max(call.granted - used, 0) * SECOND + TTL
        goes_on = call.granted > used
        return self._told(call)._replace(granted=call.granted if goes_on else 0, reason=reason)

    def settle(self, call_id: str, seconds: int, answered_at: int | None) -> Told:
        """It is over."""
        call = self.calls.get(call_id)
        if call is None:
            return Told(Code.NOT_FOUND)
        if call.is_over:
            same = call.seconds == seconds and answered_at in (None, call.answered_at)
            return self._told(call, None if same else Code.CONFLICT)
        if call.status == CallStatus.REFUSED:
            return self._told(call, Code.CONFLICT)
        if answered_at is None:
            answered_at = max(self.now - seconds * SECOND, call.authorized_at or 0)
        if answered_at > self.now + SKEW:
            return Told(Code.INVALID)
        self._finish(call, answered_at, seconds)
        return self._told(call)

    def release(self, call_id: str) -> Told:
        """It was not made."""
        call = self.calls.get(call_id)
        if call is None:
            return Told(Code.NOT_FOUND)
        if call.is_over and call.seconds:
            return self._told(call, Code.CONFLICT)
        if call.in_progress:
            self._give_back(call, CallStatus.RELEASED)
        return self._told(call)

    def record(
        self, call_id: str, service: Service, number: Number, user_no: int | None, seconds: int, answered_at: int
    ) -> Told:
        """It was made, says a report."""
        known = self.calls.get(call_id)
        if answered_at > self.now + SKEW:
            return Told(Code.INVALID)
        if user_no is not None and user_no not in self.users:
            return Told(Code.NOT_FOUND)
        if not number.possible:
            return Told(Code.INVALID)
        if known is None:
            known = ModelCall(call_id, service, number, user_no, CallStatus.SETTLED, answered_at)
            self.calls[call_id] = known
        elif (known.service, known.number, known.user_no) != (service, number, user_no):
            return Told(Code.IDEMPOTENCY_KEY_REUSED)
        elif known.is_over:
            other = (known.seconds, known.answered_at) != (seconds, answered_at)
            if known.authorized_at is None and other:
                return Told(Code.IDEMPOTENCY_KEY_REUSED)
            return Told(None, known.status, known.charge, duplicate=True)
        self._finish(known, answered_at, seconds)
        return Told(None, known.status, known.charge)

    def reverse(self, call: ModelCall) -> None:
        """Its charge goes back to the lots that paid it, and what none has paid is owed no more; so do its minutes."""
        if call.reversed:
            return
        call.reversed = True
        self._unuse(call)
        self.debts = [debt for debt in self.debts if debt[0] != call.call_id]
        self._spend(call, -call.charge)
        call.charge = 0
        paid = [(self.lots[number - 1], micros) for number, micros in call.paid.items()]
        call.paid = {}
        for lot, micros in paid:
            lot.holds += micros
        self._freed(lot for lot, _ in paid)

    def rate_later(self) -> list[str]:
        """Price what had no price; those that have one now."""
        unrated = [call for call in self.calls.values() if call.status == CallStatus.UNRATED]
        for call in unrated:
            self._unuse(call)
            self._finish(call, call.answered_at, call.seconds)
        return [call.call_id for call in unrated if call.status == CallStatus.SETTLED]

    def _promise(self, call: ModelCall, payer: Payer, granted: int) -> None:
        """Promise what the granted time may cost, beyond what is promised already."""
        own = call.promised_minutes if payer.pool == call.pool else 0
        plan_seconds, _, cost = self.price(payer, granted, self.free_minutes(payer.pool) + own)
        more = cost - sum(call.promised.values())
        for lot in self._in_order():
            if lot.usable(self.now) and more > 0:
                taken = min(lot.free, more)
                lot.promised += taken
                call.promised[lot.number] = call.promised.get(lot.number, 0) + taken
                more -= taken
        assert more <= 0, "no more is promised than there is"
        minutes = -(-plan_seconds // 60)
        if payer.pool is not None and minutes > call.promised_minutes:
            self.pools.setdefault(payer.pool, ModelPool()).promised += minutes - call.promised_minutes
            call.promised_minutes, call.pool = minutes, payer.pool
        call.granted = granted

    def _payer_of(self, call: ModelCall, at: int) -> Payer:
        """The minutes that a call was promised are its own, unless it was answered in a month that has others."""
        payer = self.payer(call.service, call.number, call.user_no, at)
        if call.promised_minutes and call.pool and (payer.pool is None or payer.pool.month == call.pool.month):
            payer.pool = call.pool
        return payer

    def _give_back(self, call: ModelCall, status: CallStatus) -> None:
        """It ends without a charge."""
        promised, _ = self._take_promises(call)
        call.status, call.lapses_at = status, None
        self._freed(lot for lot, _ in promised)

    def _take_promises(self, call: ModelCall) -> tuple[list[tuple[ModelLot, int]], int]:
        """What lots have promised it, in the order in which they are spent, and minutes; it holds them no longer."""
        promised = sorted(((self.lots[no - 1], micros) for no, micros in call.promised.items()),
                          key=lambda pair: pair[0].order)  # fmt: skip
        for lot, micros in promised:
            lot.promised -= micros
        minutes = call.promised_minutes
        if minutes and call.pool:
            self.pools[call.pool].promised -= minutes
        call.promised, call.promised_minutes = {}, 0
        return promised, minutes

    def _finish(self, call: ModelCall, answered_at: int, seconds: int) -> None:
        """Priced by when it was answered: minutes pay, then what it holds, then other lots; the rest is owed."""
        payer = self._payer_of(call, answered_at)
        minutes = self.free_minutes(payer.pool)
        minutes += call.promised_minutes if payer.pool == call.pool else 0
        call.plan_seconds, billed, cost = self.price(payer, seconds, minutes)
        call.answered_at, call.seconds, call.refusal = answered_at, seconds, self._unpriced(payer, call, seconds)
        call.status = CallStatus.UNRATED if call.refusal else CallStatus.SETTLED
        call.billed_seconds, call.charge = (0, 0) if call.refusal else (billed, cost)
        promised, _ = self._take_promises(call)
        call.lapses_at, call.pool = None, None
        if payer.pool is not None and call.plan_seconds:
            call.pool = payer.pool
            self.pools.setdefault(payer.pool, ModelPool()).used += -(-call.plan_seconds // 60)
        self._charge(call, promised)
        self._spend(call, call.charge)

    def _unpriced(self, payer: Payer, call: ModelCall, seconds: int) -> RefusalReason | None:
        """Why what no minutes paid has no price."""
        if payer.free or (payer.pool is not None and call.plan_seconds == seconds):
            return None
        if payer.rate is None:
            return RefusalReason.NO_RATE
        return RefusalReason.DESTINATION_BLOCKED if payer.rate.blocked else None

    def _charge(self, call: ModelCall, promised: list[tuple[ModelLot, int]]) -> None:
        left = call.charge
        for lot, micros in promised:
            left -= self._pay(call, lot, min(micros, left))
        for at in (min(call.answered_at, self.now), self.now):
            for lot in self._in_order():
                if lot.usable(at) and self.now < lot.expires_at + WINDOW:
                    left -= self._pay(call, lot, min(lot.free, left))
        if left:
            self.debts.append((call.call_id, left))
        self._freed(lot for lot, _ in promised)

    def _pay(self, call: ModelCall, lot: ModelLot, micros: int) -> int:
        lot.holds -= micros
        if micros:
            call.paid[lot.number] = call.paid.get(lot.number, 0) + micros
        return micros

    def _spend(self, call: ModelCall, micros: int) -> None:
        if call.user_no is not None and micros:
            key = (call.user_no, self.month(call.answered_at))
            self.spent[key] = self.spent.get(key, 0) + micros

    def _unuse(self, call: ModelCall) -> None:
        if call.pool is not None and call.plan_seconds:
            self.pools[call.pool].used -= -(-call.plan_seconds // 60)

    def _told(self, call: ModelCall, error: Code | None = None) -> Told:
        if error is not None:
            return Told(error, call.status, call.charge)
        granted = call.granted or 0 if call.in_progress else 0
        return Told(None, call.status, call.charge, granted, call.refusal)
