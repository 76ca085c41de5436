"""What a call would cost, and why: which number, which deck, which rate. A quote changes nothing.

`rate_for` is the one answer to "which rate prices this call"; whoever records a finished call asks it too.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from credits.accounts import AccountState, account_now, look_up
from credits.decks import Deck, RateBook
from credits.language import Instant, Sentence, sentence
from credits.numbers import ReadNumber, read_number
from credits.rating import Rate, explain_price, price_call
from credits.refusals import Refusal, invalid
from db.kinds import AccountStatus, RefusalReason
from db.session import Session

LONGEST_QUOTE_SECONDS = 86_400


class Rating(NamedTuple):
    """Which rate prices a call. Neither deck nor rate for an emergency number, which costs nothing; `reason`
    says why there is no rate, or why the rate there is may not be called."""

    number: ReadNumber
    deck: Deck | None
    rate: Rate | None
    reason: RefusalReason | None


@dataclass(slots=True)
class Quote:
    """What credit would pay for a call (micro-units), and how that comes about, in steps for a person.

    A call that is not allowed is not priced, and `reason` says why; what its rate would ask is shown still.
    """

    priced: bool
    reason: RefusalReason | None
    rate: Rate | None
    deck: Deck | None
    billed_seconds: int
    plan_seconds: int
    cost_micros: int
    currency: str
    steps: list[Sentence] = field(default_factory=list)

    def refuse(self, reason: RefusalReason, told: Sentence) -> None:
        """Let the call not go; the last reason counts."""
        self.priced, self.reason = False, reason
        self.steps.append(told)


def rate_for(
    session: Session, *, rates: RateBook, rate_deck: str, currency: str, region: str, service: str, to: str, at: int
) -> Rating:
    """The rate of a call answered at an instant: the longest prefix of the deck then in force.

    `to` is the far end of a call that goes out, and the service number that was dialled of one that comes in.
    What cannot be a number is refused as INVALID at `to`.
    """
    number = read_number(to, region)
    if number.emergency:
        return Rating(number, None, None, None)
    deck = rates.in_force(session, rate_deck, currency, at)
    rate = None if deck is None else deck.find(service, number.digits)
    if rate is None:
        return Rating(number, deck, None, RefusalReason.NO_RATE)
    return Rating(number, deck, rate, RefusalReason.DESTINATION_BLOCKED if rate.blocked else None)


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
    quote = Quote(True, None, None, None, 0, 0, 0, account.currency)
    try:
        number = read_number(to, account.region)
    except Refusal as refusal:
        quote.refuse(RefusalReason.INVALID_NUMBER, sentence(refusal.message, **refusal.values))
        return quote
    quote.steps.append(_how_read(to, number))
    if number.emergency:
        quote.steps.append(sentence("Calls to emergency numbers are never refused and never charged."))
        return quote
    _price(
        session, quote, account, rates, service, to, duration_seconds, account_now(account, now) if at is None else at
    )
    if user_no is not None:
        quote.refuse(RefusalReason.UNKNOWN_USER, sentence("The account has no such user: the call would be refused."))
    if account.status != AccountStatus.ACTIVE:
        told = sentence("The account is not active: the call would be refused.")
        quote.refuse(RefusalReason.ACCOUNT_NOT_ACTIVE, told)
    return quote


def _price(
    session: Session, quote: Quote, account: AccountState, rates: RateBook, service: str, to: str, seconds: int, at: int
) -> None:
    _, deck, rate, reason = rate_for(
        session,
        rates=rates,
        rate_deck=account.rate_deck,
        currency=account.currency,
        region=account.region,
        service=service,
        to=to,
        at=at,
    )
    quote.deck, quote.rate = deck, rate
    if deck is None:
        told = sentence(
            "No deck {deck} in {currency} counts at {at}.",
            deck=account.rate_deck,
            currency=account.currency,
            at=Instant(at, account.time_zone),
        )
        quote.refuse(RefusalReason.NO_RATE, told)
        return
    if rate is None:
        told = sentence(
            "The deck {deck}, which counts from {effective}, has no rate for this number.",
            deck=deck.name,
            effective=Instant(deck.effective_from, account.time_zone),
        )
        quote.refuse(RefusalReason.NO_RATE, told)
        return
    quote.billed_seconds, quote.cost_micros = price_call(
        rate, decimals=deck.decimals, rounding=deck.rounding, duration_seconds=seconds
    )
    quote.steps += explain_price(rate, deck=deck, duration_seconds=seconds, time_zone=account.time_zone)
    if reason is not None:
        quote.refuse(reason, sentence("Calls to this destination are refused."))


def _how_read(to: str, number: ReadNumber) -> Sentence:
    if number.emergency:
        return sentence("{number} is an emergency number.", number=number.digits)
    if number.country is None:
        return sentence("{number} was read as +{digits}.", number=to.strip(), digits=number.digits)
    return sentence(
        "{number} was read as +{digits}, a number of {country}.",
        number=to.strip(),
        digits=number.digits,
        country=number.country,
    )
