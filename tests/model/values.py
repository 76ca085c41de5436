"""What the model of an account speaks of: numbers, prices, plans, lots, pools, users, calls, and what is answered."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from credits.refusals import Code
from db.kinds import CallStatus, ConferenceDialOut, LotStatus, PlanKind, PoolScope, RefusalReason, Service, UserDialOut

# A call is never asked about beyond this.
HORIZON_SECONDS = 20_000


class Number(NamedTuple):
    """A telephone number as it is dialled, and what is known of it."""

    dialled: str
    country: str | None = None
    premium: bool = False
    emergency: bool = False
    possible: bool = True

    @property
    def digits(self) -> str:
        """As prefixes are matched."""
        return self.dialled.removeprefix("+")


class ModelRate(NamedTuple):
    """What calls cost: from a second on, a price in nano-units a minute, sold in steps of some seconds."""

    tiers: tuple[tuple[int, int, int], ...]
    fee_nanos: int = 0
    free_seconds: int = 0
    cap_nanos: int | None = None
    blocked: bool = False


class ModelDeck(NamedTuple):
    """A price list that counts from an instant. Rates by service and prefix; charges are rounded up to its decimals."""

    effective_from: int
    decimals: int
    rates: dict[tuple[Service, str], ModelRate]


class ModelPlan(NamedTuple):
    """What a licence gives: minutes a month at home (in some countries others), abroad, and from conferences."""

    kind: PlanKind
    domestic: int = 0
    domestic_in: dict[str, int] = {}  # noqa: RUF012 - nobody changes it
    international: int = 0
    conference: int = 0
    pooled: bool = True


@lru_cache(maxsize=2_000)
def steps(rate: ModelRate, decimals: int, plan_seconds: int) -> tuple[list[int], list[int], list[int]]:
    """A call's steps on credit, one after the other: until which second each lasts, how many seconds have been sold by
    then, and what they cost in micro-units, rounded once."""
    ends, sold, costs = list[int](), list[int](), list[int]()
    position, seconds, sixtieths = plan_seconds, 0, rate.fee_nanos * 60
    if rate.free_seconds > plan_seconds:
        position = rate.free_seconds
        ends.append(position)
        sold.append(0)
        costs.append(_rounded(sixtieths, rate.cap_nanos, decimals))
    while position < HORIZON_SECONDS:
        _, price, step = [tier for tier in rate.tiers if tier[0] <= position][-1]
        position, seconds, sixtieths = position + step, seconds + step, sixtieths + step * price
        ends.append(position)
        sold.append(seconds)
        costs.append(_rounded(sixtieths, rate.cap_nanos, decimals))
    return ends, sold, costs


def _rounded(sixtieths: int, cap_nanos: int | None, decimals: int) -> int:
    """Sixtieths of a nano-unit, rounded up to whole units of the last decimal, no more than the cap; as micro-units."""
    unit_nanos = int(10 ** (9 - decimals))
    units = -(-sixtieths // (60 * unit_nanos))
    if cap_nanos is not None:
        units = min(units, cap_nanos // unit_nanos)
    return units * unit_nanos // 1_000


@dataclass
class ModelLot:
    """A lot: what it holds, and how much of that is promised to calls."""

    number: int
    priority: int
    bought_at: int
    starts_at: int
    expires_at: int
    holds: int
    promised: int = 0
    voided: bool = False
    forfeited: bool = False
    recharge_no: int | None = None

    @property
    def free(self) -> int:
        """What is promised to nobody."""
        return self.holds - self.promised

    @property
    def order(self) -> tuple[int, int, int, int]:
        """Lots are spent by priority, then soonest expiry, then oldest, then number."""
        return (self.priority, self.expires_at, self.bought_at, self.number)

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


class PoolName(NamedTuple):
    """Whose minutes, for which calls, of which month; everybody's where there is no country or user."""

    month: int
    plan: str
    scope: PoolScope
    country: str
    user_no: int


@dataclass
class ModelPool:
    """Minutes that are used, and minutes that are promised to calls in progress."""

    used: int = 0
    promised: int = 0


@dataclass
class ModelUser:
    """Who calls. Licences by plan, each as the times from when and until when (None: still) it was held."""

    number: int
    country: str
    limit: int | None = None
    for_conferences: ConferenceDialOut = ConferenceDialOut.ANY
    for_users: UserDialOut = UserDialOut.ANY
    licenses: dict[str, list[tuple[int, int | None]]] = field(default_factory=dict)
    removed: bool = False

    @property
    def home(self) -> str:
        """The country where its calls are domestic; US and PR are one."""
        return home_of(self.country)

    @property
    def plans(self) -> list[str]:
        """The codes of the plans that it holds."""
        return sorted(code for code, times in self.licenses.items() if times[-1][1] is None)

    def hold(self, codes: list[str], now: int) -> None:
        """Hold these plans from now on. A licence that was taken away at this very instant goes on."""
        for code in set(self.plans) - set(codes):
            since, _ = self.licenses[code][-1]
            self.licenses[code][-1] = (since, now)
        for code in set(codes) - set(self.plans):
            times = self.licenses.setdefault(code, [])
            if times and times[-1][0] == now:
                times.pop()
            times.append((now, None))


def home_of(country: str) -> str:
    """US and PR are one."""
    return "US" if country == "PR" else country


@dataclass
class ModelCall:
    """A call, in progress or over. `promised` is money by lot; `paid` what lots gave for it, at once and later."""

    call_id: str
    service: Service
    number: Number
    user_no: int | None
    status: CallStatus
    answered_at: int
    requested: int | None = None
    granted: int | None = None
    authorized_at: int | None = None
    lapses_at: int | None = None
    refusal: RefusalReason | None = None
    promised: dict[int, int] = field(default_factory=dict)
    promised_minutes: int = 0
    pool: PoolName | None = None
    seconds: int = 0
    plan_seconds: int = 0
    billed_seconds: int = 0
    charge: int = 0
    paid: dict[int, int] = field(default_factory=dict)
    reversed: bool = False

    @property
    def in_progress(self) -> bool:
        """It was authorized and nothing has ended it."""
        return self.status == CallStatus.AUTHORIZED

    @property
    def is_over(self) -> bool:
        """It was made."""
        return self.status in (CallStatus.SETTLED, CallStatus.UNRATED)


class Told(NamedTuple):
    """What a message is answered: an error, or for how long the call may go, and what the call is now."""

    error: Code | None = None
    status: CallStatus | None = None
    charge: int = 0
    granted: int = 0
    reason: RefusalReason | None = None
    duplicate: bool = False


@dataclass
class Payer:
    """Who would pay for a call: minutes of a pool, then credit at a rate; or why not."""

    rate: ModelRate | None = None
    decimals: int = 0
    pool: PoolName | None = None
    refusal: RefusalReason | None = None
    no_credit: RefusalReason | None = None
    free: bool = False
