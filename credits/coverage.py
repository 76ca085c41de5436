"""Who pays for a call, and how much of it: policy, then plan minutes, then credit. Pure rules on values.

The order is that of DESIGN, who pays for a call: emergency numbers are free; the dial-out policy may refuse; a pool
pays the first whole minutes; credit pays the rest at its own rate, if the user's licences allow it. Quote,
authorisation and bill all ask here, so that they agree.
"""

from dataclasses import dataclass
from typing import NamedTuple

from credits.callers import Caller
from credits.decks import Deck
from credits.numbers import ReadNumber
from credits.plans import home_of
from credits.pools import Pool, whole_minutes
from credits.rating import Rate, price_call
from db.kinds import ConferenceDialOut, PlanKind, PoolScope, RefusalReason, Service, UserDialOut

_MINUTE_SECONDS = 60
# Services that a user's licences and policy decide about; the others are the account's.
_BY_USERS = (Service.USER_OUT, Service.CONFERENCE_OUT)


@dataclass(slots=True)
class Coverage:
    """What pays for a call: perhaps minutes of a pool, then credit at a rate.

    `refusal` says why the call may not go at all; `no_credit` why credit does not pay what no minutes pay.
    """

    number: ReadNumber
    deck: Deck | None = None
    rate: Rate | None = None
    caller: Caller | None = None
    country: str | None = None
    pool: Pool | None = None
    refusal: RefusalReason | None = None
    no_credit: RefusalReason | None = None

    @property
    def minutes(self) -> int:
        """What its pool can give."""
        return 0 if self.pool is None else self.pool.free_minutes

    @property
    def is_free(self) -> bool:
        """Calls to emergency numbers are never refused and never charged."""
        return self.number.emergency


class Bill(NamedTuple):
    """What a call costs: seconds and whole minutes that a plan pays, seconds sold on credit, and their charge."""

    plan_seconds: int = 0
    plan_minutes: int = 0
    billed_seconds: int = 0
    charge_micros: int = 0


_FREE = Bill()


def bill(coverage: Coverage, seconds: int, *, minutes: int = 0) -> Bill:
    """What so many seconds cost when the pool can give so many minutes. What has no rate is charged nothing."""
    if coverage.number.emergency_region is not None or not seconds:
        return _FREE
    plan_seconds = min(seconds, minutes * _MINUTE_SECONDS) if minutes else 0
    rate, deck = coverage.rate, coverage.deck
    if rate is None or deck is None:
        return Bill(plan_seconds, whole_minutes(plan_seconds))
    billed_seconds, charge_micros = price_call(
        rate, decimals=deck.decimals, rounding=deck.rounding, duration_seconds=seconds, plan_seconds=plan_seconds
    )
    return Bill(plan_seconds, whole_minutes(plan_seconds), billed_seconds, charge_micros)


def grant(
    coverage: Coverage, seconds: int, *, minutes: int, available_micros: int, left_micros: int | None
) -> tuple[int, RefusalReason | None]:
    """For how many of so many seconds a call may go, and why not for all of them.

    The pool can give `minutes`, the account has `available_micros`, the user may spend `left_micros` (None: no limit).
    """
    if coverage.is_free:
        return seconds, None
    if coverage.refusal is not None:
        return 0, coverage.refusal
    spendable = available_micros if left_micros is None else min(available_micros, left_micros)
    granted = longest(coverage, seconds, minutes=minutes, spendable_micros=spendable)
    if granted == seconds:
        return granted, None
    short = RefusalReason.USER_LIMIT_REACHED if spendable < available_micros else RefusalReason.INSUFFICIENT_CREDIT
    return granted, coverage.no_credit or short


def longest(coverage: Coverage, seconds: int, *, minutes: int, spendable_micros: int) -> int:
    """How many of so many seconds can be paid: by the pool, then by what can be spent; the first step and the connect
    fee count from the first second of credit on."""
    unpaid = coverage.no_credit
    if unpaid is None and bill(coverage, seconds, minutes=minutes).charge_micros <= max(spendable_micros, 0):
        return seconds
    can, cannot = min(seconds, minutes * _MINUTE_SECONDS), seconds
    if unpaid is not None or spendable_micros <= 0:
        return can
    while cannot - can > 1:
        middle = (can + cannot) // 2
        if bill(coverage, middle, minutes=minutes).charge_micros <= spendable_micros:
            can = middle
        else:
            cannot = middle
    return can


def policy_refuses(service: str, caller: Caller, policies: tuple[str, str], country: str | None, in_zone: bool) -> bool:
    """Tell whether the dial-out policy refuses a number of a country (plans.md, dial-out policy)."""
    for_conferences, for_users = policies
    is_domestic = _is_domestic(caller, country)
    if service == Service.CONFERENCE_OUT:
        match for_conferences:
            case ConferenceDialOut.SAME_COUNTRY:
                return not is_domestic
            case ConferenceDialOut.ZONE_A:
                return not in_zone
            case policy:
                return policy == ConferenceDialOut.NONE
    if for_users == UserDialOut.DOMESTIC:
        return not is_domestic
    return for_users == UserDialOut.NONE


def lacks_license(service: str, caller: Caller) -> bool:
    """Tell whether a user may not make such calls at all, whoever would pay (plans.md, who needs which licence)."""
    if service == Service.CONFERENCE_OUT:
        return caller.plan(PlanKind.AUDIO_CONFERENCING) is None
    return caller.plan(PlanKind.CALLING_PLAN, PlanKind.PAY_AS_YOU_GO) is None


def may_spend(caller: Caller) -> bool:
    """Tell whether a user's calls may be paid on credit: the licence that costs nothing is the gate on spending."""
    return caller.plan(PlanKind.COMMUNICATIONS_CREDITS) is not None


def scope_of(service: str, caller: Caller, country: str | None, *, in_zone: bool, is_premium: bool) -> PoolScope | None:
    """Which minutes are for such a call; None: none are."""
    if service == Service.CONFERENCE_OUT:
        return PoolScope.CONFERENCE if in_zone and not is_premium else None
    return PoolScope.DOMESTIC if _is_domestic(caller, country) else PoolScope.INTERNATIONAL


def decided_by_user(service: str) -> bool:
    """Tell whether licences and policy decide about calls of a service."""
    return service in _BY_USERS


def _is_domestic(caller: Caller, country: str | None) -> bool:
    """The dialled number is in the country of the user's licence; US and PR are one."""
    return country is not None and home_of(country) == caller.home
