"""Tells a person, in plain steps, who would pay for a call and what it would cost, or why it may not go.

The steps follow the order of the decision itself (`credits.coverage`); a refusal comes last, with what to do about it.
"""

from credits.accounts import AccountState
from credits.coverage import Bill, Coverage, bill
from credits.instants import first_day
from credits.language import Instant, Money, Sentence, sentence
from credits.numbers import ReadNumber
from credits.plans import told_name
from credits.pools import Pool
from credits.rating import explain_price
from db.kinds import PoolScope, RefusalReason

_POOLS = {
    PoolScope.DOMESTIC: "domestic minutes of {plan}",
    PoolScope.INTERNATIONAL: "international minutes of {plan}",
    PoolScope.CONFERENCE: "conference minutes of {plan}",
}
_REFUSALS = {
    RefusalReason.ACCOUNT_NOT_ACTIVE: sentence("The account is not active: the call is refused."),
    RefusalReason.UNKNOWN_USER: sentence("The account has no such user: the call is refused."),
    RefusalReason.POLICY: sentence("The dial-out policy does not allow calls to this number: the call is refused."),
    RefusalReason.DESTINATION_BLOCKED: sentence("Calls to this destination are refused."),
}


def tell(
    coverage: Coverage,
    *,
    account: AccountState,
    to: str,
    seconds: int,
    reason: RefusalReason | None,
    at: int,
    available_micros: int,
) -> list[Sentence]:
    """The decision about a call of so many seconds, step by step; `reason` is why it may not go, if it may not."""
    told = [how_read(to, coverage.number)]
    if coverage.is_free:
        return [*told, sentence("Calls to emergency numbers are never refused and never charged.")]
    if coverage.caller is not None:
        told.append(_what_user_holds(coverage))
    price = bill(coverage, seconds, minutes=coverage.minutes)
    if coverage.pool is not None:
        told.append(tell_pool(coverage.pool, price.plan_seconds))
    told += _tell_price(coverage, account, seconds, price, at)
    if reason is not None and reason != RefusalReason.NO_RATE:  # that was just told
        least_micros = bill(coverage, price.plan_seconds + 1, minutes=coverage.minutes).charge_micros
        told.append(_tell_refusal(coverage, account, reason, available_micros, least_micros))
    return told


def how_read(to: str, number: ReadNumber) -> Sentence:
    """As which number it was read that was dialled."""
    if number.emergency:
        return sentence("{number} is an emergency number.", number=number.digits)
    if number.country is not None and to.strip() == f"+{number.digits}":
        return sentence("{number} is a number of {country}.", number=to.strip(), country=number.country)
    if number.country is None:
        return sentence("{number} was read as +{digits}.", number=to.strip(), digits=number.digits)
    return sentence(
        "{number} was read as +{digits}, a number of {country}.",
        number=to.strip(), digits=number.digits, country=number.country,
    )  # fmt: skip


def name_of_pool(pool: Pool) -> Sentence:
    """A pool by its plan and what its minutes are for."""
    return sentence(_POOLS[PoolScope(pool.key.scope)], plan=told_name(pool.plan.code, pool.plan.name))


def tell_pool(pool: Pool, plan_seconds: int) -> Sentence:
    """What a pool has left, and what it pays."""
    return sentence(
        "Of the {pool}, {left} of {total} are left in {month}: they pay the first {seconds} s.",
        pool=name_of_pool(pool), left=pool.free_minutes, total=pool.total_minutes, seconds=plan_seconds,
        month=f"{first_day(pool.key.month):%Y-%m}",
    )  # fmt: skip


def _what_user_holds(coverage: Coverage) -> Sentence:
    assert coverage.caller is not None
    caller = coverage.caller
    names = {f"plan{plan.plan_id}": told_name(plan.code, plan.name) for plan in caller.plans}
    if not names:
        return sentence("{user} holds no licence.", user=caller.name)
    plans = Sentence(", ".join(f"{{{key}}}" for key in names), names)
    return sentence("{user} holds {plans}.", user=caller.name, plans=plans)


def _tell_price(coverage: Coverage, account: AccountState, seconds: int, price: Bill, at: int) -> list[Sentence]:
    deck, rate = coverage.deck, coverage.rate
    if seconds and price.plan_seconds == seconds:
        return [sentence("The minutes pay for the whole call; it costs nothing more.")]
    if deck is None:
        told = sentence(
            "No deck {deck} in {currency} counts at {at}.",
            deck=account.rate_deck, currency=account.currency, at=Instant(at, account.time_zone),
        )  # fmt: skip
        return [told]
    if rate is None:
        told = sentence(
            "The deck {deck}, which counts from {effective}, has no rate for this number.",
            deck=deck.name, effective=Instant(deck.effective_from, account.time_zone),
        )  # fmt: skip
        return [told]
    return explain_price(
        rate, deck=deck, duration_seconds=seconds, plan_seconds=price.plan_seconds, time_zone=account.time_zone
    )


def _tell_refusal(
    coverage: Coverage, account: AccountState, reason: RefusalReason, available_micros: int, least_micros: int
) -> Sentence:
    user = "" if coverage.caller is None else coverage.caller.name
    match reason:
        case RefusalReason.INSUFFICIENT_CREDIT if available_micros > 0:
            return sentence(
                "Such a call costs {least} at least, and {available} is available: the call is refused. Add funds, or"
                " turn on automatic recharge.",
                least=Money(least_micros, account.currency), available=Money(available_micros, account.currency),
            )  # fmt: skip
        case RefusalReason.INSUFFICIENT_CREDIT:
            return sentence(
                "{available} is available, which does not pay for it: the call is refused. Add funds, or turn on"
                " automatic recharge.",
                available=Money(available_micros, account.currency),
            )
        case RefusalReason.USER_LIMIT_REACHED:
            return sentence("The monthly limit of {user} is reached: the call is refused.", user=user)
        case RefusalReason.USER_NOT_LICENSED if coverage.refusal == RefusalReason.USER_NOT_LICENSED:
            return sentence("No licence of {user} allows such a call: the call is refused.", user=user)
        case RefusalReason.USER_NOT_LICENSED:
            return sentence(
                "No minutes pay for it, and {user} holds no Communications Credits licence: the call is refused.",
                user=user,
            )
        case _:
            return _REFUSALS[reason]
