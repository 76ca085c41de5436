"""What a call would cost, and why: which number, which deck, which rate, which minutes. A quote changes nothing.

It asks the same desk as an authorisation does, so that the two agree.
"""

from dataclasses import dataclass, field

from credits import telling
from credits.accounts import account_now, look_up
from credits.balances import balance_of
from credits.coverage import Coverage, bill, grant
from credits.decks import Deck, RateBook
from credits.desk import Desk
from credits.instants import month_of
from credits.language import Sentence, sentence
from credits.rating import Rate
from credits.refusals import Refusal, invalid
from db.kinds import RefusalReason
from db.session import Session

LONGEST_QUOTE_SECONDS = 86_400


@dataclass(slots=True)
class Quote:
    """What credit would pay for a call (micro-units), and how that comes about, in steps for a person.

    A call that is not allowed is not priced, and `reason` says why; what its rate would ask is shown still.
    `max_duration_seconds` is for how much of the time it would be authorized now, and `refusal` why not for all of it.
    """

    currency: str
    priced: bool = True
    reason: RefusalReason | None = None
    rate: Rate | None = None
    deck: Deck | None = None
    billed_seconds: int = 0
    plan_seconds: int = 0
    cost_micros: int = 0
    max_duration_seconds: int = 0
    refusal: RefusalReason | None = None
    steps: list[Sentence] = field(default_factory=list)


def quote_call(
    session: Session,
    *,
    rates: RateBook,
    account_id: int,
    service: str,
    to: str,
    from_number: str | None = None,
    user_no: int | None = None,
    duration_seconds: int = 60,
    at: int | None,
    now: int,
) -> Quote:
    """What a call of an account would cost if it were answered at an instant (None: now).

    The caller's number is taken for completeness; no price depends on it. Refused as NOT_FOUND at `accountId`,
    as INVALID at `durationSeconds`; all else is an answer.
    """
    account = look_up(session, account_id)
    if not 0 <= duration_seconds <= LONGEST_QUOTE_SECONDS:
        raise invalid("durationSeconds", "A call lasts 0 to {most} seconds.", most=LONGEST_QUOTE_SECONDS)
    at = account_now(account, now) if at is None else at
    desk = Desk(session, rates, [] if user_no is None else [(account_id, user_no)])
    quote = Quote(account.currency)
    try:
        coverage = desk.coverage(account, service=service, to=to, user_no=user_no, at=at)
    except Refusal as refusal:
        quote.priced, quote.reason = False, RefusalReason.INVALID_NUMBER
        quote.refusal = quote.reason
        quote.steps = [sentence(refusal.message, **refusal.values)]
        return quote
    quote.deck, quote.rate = coverage.deck, coverage.rate
    _price(quote, coverage, duration_seconds)
    available_micros = balance_of(session, account_id, now).available_micros
    quote.max_duration_seconds, quote.refusal = grant(
        coverage, duration_seconds, minutes=coverage.minutes, available_micros=available_micros,
        left_micros=desk.spending.left_micros(coverage.caller, month_of(at, account.time_zone)),
    )  # fmt: skip
    quote.steps = telling.tell(
        coverage, account=account, to=to, seconds=duration_seconds, reason=quote.reason, at=at,
        available_micros=available_micros,
    )  # fmt: skip
    return quote


def _price(quote: Quote, coverage: Coverage, seconds: int) -> None:
    """What it costs, and whether anything but the balance stands against it."""
    price = bill(coverage, seconds, minutes=coverage.minutes)
    quote.plan_seconds = price.plan_seconds
    quote.billed_seconds, quote.cost_micros = price.billed_seconds, price.charge_micros
    quote.reason = coverage.refusal
    if quote.reason is None and not coverage.is_free and (price.plan_seconds < seconds or not coverage.minutes):
        quote.reason = coverage.no_credit
    quote.priced = quote.reason is None
