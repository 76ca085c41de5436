"""What a call costs at a rate, and why: pure rules on whole numbers.

A rate's tiers are sold in whole steps, counted from the answer; the sum is kept exact as sixtieths of a
nano-unit (prices are per minute, steps are seconds) and rounded once, by its deck's decimals and rounding.
"""

from dataclasses import dataclass
from typing import NamedTuple

from credits.language import Instant, Money, PricePerMinute, Sentence, sentence
from db.kinds import Rounding

LARGEST_DECIMALS = 6
_TENS: tuple[int, ...] = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000)
_UP, _HALF_UP, _HALF_EVEN, _DOWN = (
    mode.value for mode in (Rounding.UP, Rounding.HALF_UP, Rounding.HALF_EVEN, Rounding.DOWN)
)


class Tier(NamedTuple):
    """From a second of the call on: a price in nano-units per minute, sold in whole steps of seconds."""

    from_second: int
    price_nanos: int
    increment_seconds: int


class Rate(NamedTuple):
    """The price of one prefix in one deck. Fee and cap are nano-units of the deck's currency, a call."""

    deck_id: int
    rate_no: int
    service: str
    prefix: str
    destination: str
    country: str | None
    blocked: bool
    connect_fee_nanos: int
    tiers: tuple[Tier, ...]
    free_seconds: int
    max_cost_nanos: int | None


@dataclass(frozen=True, slots=True)
class DeckTerms:
    """What a deck says about all its rates."""

    deck_id: int
    name: str
    currency: str
    effective_from: int
    decimals: int
    rounding: str
    rate_count: int


class Price(NamedTuple):
    """How many seconds were sold, free ones left out, and what they cost."""

    billed_seconds: int
    charge_micros: int


_NOTHING = Price(0, 0)


def price_call(rate: Rate, *, decimals: int, rounding: str, duration_seconds: int, plan_seconds: int = 0) -> Price:
    """Price an answered call, or what is left of it after a plan has paid its first `plan_seconds`.

    Zero seconds cost nothing, not even the connect fee, and so does a call that a plan pays whole; free seconds do not
    free from the fee; neither the sum nor its rounding ever exceeds the cap.
    """
    if duration_seconds <= plan_seconds:
        assert duration_seconds >= 0, "a duration is never negative"
        return _NOTHING
    billed = 0
    sixtieths = rate.connect_fee_nanos * 60
    for (_, price_nanos, increment_seconds), _, sold in steps_of(rate, duration_seconds, plan_seconds):
        seconds = sold * increment_seconds
        billed += seconds
        sixtieths += seconds * price_nanos
    return Price(billed, _charge(sixtieths, rate.max_cost_nanos, decimals, rounding))


def steps_of(rate: Rate, duration_seconds: int, plan_seconds: int = 0) -> list[tuple[Tier, int, int]]:
    """The whole steps that a call uses, tier by tier: the tier, the second at which its first step begins, and
    how many are sold. Tiers are counted from the answer, free seconds and those that a plan pays included; a step may
    run past the end of its tier or of the call, and the next tier begins after it."""
    position = rate.free_seconds if rate.free_seconds > plan_seconds else plan_seconds
    used: list[tuple[Tier, int, int]] = []
    tiers = rate.tiers
    for following, tier in enumerate(tiers, 1):
        start, _, increment_seconds = tier
        if position > start:
            start = position
        end = duration_seconds
        if following < len(tiers) and tiers[following][0] < end:
            end = tiers[following][0]
        if end > start:
            sold = -((start - end) // increment_seconds)
            position = start + sold * increment_seconds
            used.append((tier, start, sold))
    return used


def round_to_unit(amount: int, unit: int, rounding: str) -> int:
    """How many whole units a non-negative amount rounds to."""
    whole = amount // unit
    rest = amount - whole * unit
    if rest == 0 or rounding == _DOWN:
        return whole
    if rounding == _HALF_UP:
        return whole + 1 if 2 * rest >= unit else whole
    if rounding == _HALF_EVEN:
        return whole + 1 if 2 * rest > unit or (2 * rest == unit and whole % 2 == 1) else whole
    assert rounding == _UP, rounding
    return whole + 1


def _charge(sixtieths: int, max_cost_nanos: int | None, decimals: int, rounding: str) -> int:
    """Round sixtieths of a nano-unit to the deck's decimals, in micro-units."""
    unit_nanos = _TENS[9 - decimals]
    units = round_to_unit(sixtieths, 60 * unit_nanos, rounding)
    if max_cost_nanos is not None and units * unit_nanos > max_cost_nanos:
        units = max_cost_nanos // unit_nanos
    return units * _TENS[LARGEST_DECIMALS - decimals]


def explain_price(
    rate: Rate, *, deck: DeckTerms, duration_seconds: int, plan_seconds: int = 0, time_zone: str = "UTC"
) -> list[Sentence]:
    """Tell a person, step by step, how `price_call` comes to its answer."""
    told = [
        sentence(
            "The deck {deck} prices this call; it counts from {effective}.",
            deck=deck.name,
            effective=Instant(deck.effective_from, time_zone),
        ),
        sentence("The longest prefix that matches is {prefix}: {destination}.", prefix=rate.prefix,
                 destination=rate.destination),
    ]  # fmt: skip
    if rate.blocked:
        told.append(sentence("The deck lists this destination as blocked."))
        if not rate.tiers:
            return told
    if duration_seconds == 0:
        told.append(sentence("A call of zero seconds costs nothing."))
        return told
    if rate.free_seconds:
        told.append(sentence("The first {seconds} s are free.", seconds=rate.free_seconds))
    used = steps_of(rate, duration_seconds, plan_seconds)
    told += [_explain_steps(*steps, deck.currency) for steps in used]
    if rate.connect_fee_nanos:
        told.append(sentence("Connect fee: {fee}.", fee=_exactly(rate.connect_fee_nanos, deck.currency)))
    sixtieths = rate.connect_fee_nanos * 60 + sum(
        sold * tier.increment_seconds * tier.price_nanos for tier, _, sold in used
    )
    return told + _explain_sum(rate, deck, sixtieths)


def _explain_steps(tier: Tier, start: int, sold: int, currency: str) -> Sentence:
    words = {
        (True, True): "1 step of {seconds} s at {price} a minute: {cost}.",
        (True, False): "{count} steps of {seconds} s at {price} a minute: {cost}.",
        (False, True): "From second {start} on, 1 step of {seconds} s at {price} a minute: {cost}.",
        (False, False): "From second {start} on, {count} steps of {seconds} s at {price} a minute: {cost}.",
    }
    return sentence(
        words[start == 0, sold == 1],
        start=start,
        count=sold,
        seconds=tier.increment_seconds,
        price=PricePerMinute(tier.price_nanos, currency),
        cost=_shown(sold * tier.increment_seconds * tier.price_nanos, currency),
    )


def _explain_sum(rate: Rate, deck: DeckTerms, sixtieths: int) -> list[Sentence]:
    told: list[Sentence] = []
    cap = rate.max_cost_nanos
    if cap is not None and sixtieths > cap * 60:
        told.append(sentence("A call to here never costs more than {cap}.", cap=_exactly(cap, deck.currency)))
        sixtieths = cap * 60
    charge = Money(_charge(sixtieths, cap, deck.decimals, deck.rounding), deck.currency)
    exact = _shown(sixtieths, deck.currency)
    if charge.micros * 60_000 == sixtieths:
        told.append(sentence("The call costs {charge}.", charge=charge))
        return told
    words = {
        Rounding.UP: "The sum of {sum} is rounded once, up, to {decimals} decimals: {charge}.",
        Rounding.HALF_UP: "The sum of {sum} is rounded once, half up, to {decimals} decimals: {charge}.",
        Rounding.HALF_EVEN: "The sum of {sum} is rounded once, half to even, to {decimals} decimals: {charge}.",
        Rounding.DOWN: "The sum of {sum} is rounded once, down, to {decimals} decimals: {charge}.",
    }
    told.append(sentence(words[Rounding(deck.rounding)], sum=exact, decimals=deck.decimals, charge=charge))
    return told


def _exactly(nanos: int, currency: str) -> PricePerMinute:
    """An amount that may have nine decimals; it is written as a price is."""
    return PricePerMinute(nanos, currency)


def _shown(sixtieths: int, currency: str) -> Sentence | PricePerMinute:
    """An amount as it is, or, where no decimal fraction holds it, as about so much."""
    nanos, rest = divmod(sixtieths, 60)
    if rest == 0:
        return _exactly(nanos, currency)
    micros = round_to_unit(sixtieths, 60_000, Rounding.HALF_UP)
    return sentence("about {amount}", amount=Money(micros, currency))
