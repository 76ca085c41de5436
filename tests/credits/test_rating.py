"""What a call costs at a rate: the rules, their boundaries, and their agreement with plain fractions."""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits.language import language
from credits.rating import DeckTerms, Price, Rate, Tier, explain_price, price_call, round_to_unit
from db.kinds import Rounding

# Prices in nano-units: a cent, ten cents.
CENT = 10_000_000
TEN_CENTS = 100_000_000

MODES = {
    Rounding.UP: ROUND_UP,
    Rounding.HALF_UP: ROUND_HALF_UP,
    Rounding.HALF_EVEN: ROUND_HALF_EVEN,
    Rounding.DOWN: ROUND_DOWN,
}


def a_rate(*tiers: tuple[int, int, int], fee: int = 0, free: int = 0, cap: int | None = None) -> Rate:
    """A rate of these tiers: from second, nano-units a minute, seconds a step."""
    chosen = tiers or ((0, TEN_CENTS, 60),)
    return Rate(1, 1, "USER_OUT", "4930", "Berlin", "DE", False, fee, tuple(Tier(*tier) for tier in chosen), free, cap)


def price(rate: Rate, seconds: int, decimals: int = 6, rounding: str = Rounding.HALF_UP) -> Price:
    """The price of so many seconds."""
    return price_call(rate, decimals=decimals, rounding=rounding, duration_seconds=seconds)


@st.composite
def rates(draw: st.DrawFn) -> Rate:
    """Any rate with up to four tiers, with or without fee, free seconds and cap."""
    starts = sorted(draw(st.sets(st.integers(1, 400), max_size=3)))
    tiers = [(start, draw(st.integers(0, 10**10)), draw(st.integers(1, 90))) for start in (0, *starts)]
    return a_rate(
        *tiers,
        fee=draw(st.integers(0, 10**9)),
        free=draw(st.integers(0, 500)),
        cap=draw(st.none() | st.integers(0, 10**11)),
    )


durations = st.integers(0, 1_000)
decimals = st.integers(0, 6)
roundings = st.sampled_from(list(Rounding))


def by_the_second(rate: Rate, duration: int) -> tuple[int, Fraction]:
    """Seconds billed and exact cost, found by walking through the call second by second, buying when due."""
    if duration == 0:
        return 0, Fraction(0)
    billed, cost, paid_until = 0, Fraction(rate.connect_fee_nanos, 10**9), rate.free_seconds
    for second in range(duration):
        if second < paid_until:
            continue
        tier = [each for each in rate.tiers if each.from_second <= second][-1]
        billed += tier.increment_seconds
        cost += Fraction(tier.price_nanos * tier.increment_seconds, 60 * 10**9)
        paid_until = second + tier.increment_seconds
    if rate.max_cost_nanos is not None:
        cost = min(cost, Fraction(rate.max_cost_nanos, 10**9))
    return billed, cost


@given(rate=rates(), duration=durations, places=decimals, rounding=roundings)
def test_a_price_is_what_walking_through_the_call_second_by_second_finds(
    rate: Rate, duration: int, places: int, rounding: str
) -> None:
    found = price(rate, duration, places, rounding)

    billed, cost = by_the_second(rate, duration)
    units = round_to_unit(cost.numerator * 10**places, cost.denominator, rounding)
    if rate.max_cost_nanos is not None:
        units = min(units, rate.max_cost_nanos // 10 ** (9 - places))
    assert found == Price(billed, units * 10 ** (6 - places))


@given(rate=rates(), duration=durations)
def test_all_seconds_beyond_the_free_ones_are_billed(rate: Rate, duration: int) -> None:
    assert price(rate, duration).billed_seconds >= max(0, duration - rate.free_seconds)


@given(rate=rates(), duration=durations, longer=durations, places=decimals, rounding=roundings)
def test_a_longer_call_never_costs_less(rate: Rate, duration: int, longer: int, places: int, rounding: str) -> None:
    shorter, other = sorted((duration, longer))

    assert price(rate, shorter, places, rounding) <= price(rate, other, places, rounding)
    assert price(rate, shorter, places, rounding).charge_micros <= price(rate, other, places, rounding).charge_micros


@given(rate=rates(), duration=durations, places=decimals, rounding=roundings)
def test_no_rounding_lifts_a_charge_above_the_cap(rate: Rate, duration: int, places: int, rounding: str) -> None:
    cap = rate.max_cost_nanos

    assert cap is None or price(rate, duration, places, rounding).charge_micros * 1000 <= cap


@given(amount=st.integers(0, 10**12), places=st.integers(0, 6), rounding=roundings)
def test_each_way_of_rounding_agrees_with_the_decimal_module(amount: int, places: int, rounding: Rounding) -> None:
    unit = 10 ** (9 - places)

    exact = Decimal(amount).scaleb(-9)
    assert Decimal(round_to_unit(amount, unit, rounding)).scaleb(-places) == exact.quantize(
        Decimal(1).scaleb(-places), MODES[rounding]
    )


@pytest.mark.parametrize(
    ("rounding", "cents"),
    [(Rounding.UP, 13), (Rounding.HALF_UP, 13), (Rounding.HALF_EVEN, 12), (Rounding.DOWN, 12)],
)
def test_half_a_cent_is_rounded_as_the_deck_says(rounding: Rounding, cents: int) -> None:
    rate = a_rate((0, 125_000_000, 60))

    assert price(rate, 60, 2, rounding) == Price(60, cents * 10_000)


def test_zero_seconds_cost_nothing_not_even_the_connect_fee() -> None:
    assert price(a_rate(fee=CENT), 0) == Price(0, 0)


@pytest.mark.parametrize(("seconds", "billed"), [(1, 60), (59, 60), (60, 60), (61, 120), (119, 120), (120, 120)])
def test_a_step_is_sold_whole(seconds: int, billed: int) -> None:
    assert price(a_rate(), seconds) == Price(billed, billed // 60 * 100_000)


@pytest.mark.parametrize(("seconds", "billed", "micros"), [(29, 30, 50_000), (30, 30, 50_000), (31, 31, 51_000)])
def test_a_tier_begins_at_its_second(seconds: int, billed: int, micros: int) -> None:
    rate = a_rate((0, TEN_CENTS, 10), (30, 6 * CENT, 1))

    assert price(rate, seconds) == Price(billed, micros)


def test_a_step_may_run_past_the_end_of_its_tier_and_the_next_tier_begins_after_it() -> None:
    rate = a_rate((0, TEN_CENTS, 60), (30, 6 * CENT, 1))

    assert price(rate, 60) == Price(60, 100_000)
    assert price(rate, 61) == Price(61, 101_000)


def test_a_step_may_run_past_a_whole_tier() -> None:
    rate = a_rate((0, TEN_CENTS, 60), (30, CENT, 1), (50, 6 * CENT, 1))

    assert price(rate, 61) == Price(61, 101_000)


@pytest.mark.parametrize(("seconds", "billed"), [(29, 0), (30, 0), (31, 60)])
def test_free_seconds_are_not_billed(seconds: int, billed: int) -> None:
    assert price(a_rate(free=30), seconds).billed_seconds == billed


def test_tiers_are_counted_from_the_answer_though_its_first_seconds_are_free() -> None:
    rate = a_rate((0, TEN_CENTS, 60), (60, 6 * CENT, 1), free=60)

    assert price(rate, 70) == Price(10, 10_000)


def test_the_connect_fee_is_charged_though_all_seconds_are_free() -> None:
    assert price(a_rate(fee=CENT, free=60), 60) == Price(0, 10_000)


@pytest.mark.parametrize(("cap", "micros"), [(199_999_000, 199_999), (200_000_000, 200_000), (200_001_000, 200_000)])
def test_a_cap_holds_from_the_first_nano_unit_above_it(cap: int, micros: int) -> None:
    assert price(a_rate(cap=cap), 120) == Price(120, micros)


def test_a_cap_finer_than_the_decks_decimals_is_kept_by_rounding_down() -> None:
    rate = a_rate(cap=126_000_000)

    assert price(rate, 120, 2, Rounding.UP).charge_micros == 120_000


def test_a_price_that_is_no_decimal_fraction_is_rounded_once() -> None:
    """40 steps of 1 s at 0.07 a minute are 0.04666...; rounding each step would give 0.048."""
    rate = a_rate((0, 7 * CENT, 1))

    assert price(rate, 40, 3, Rounding.HALF_UP) == Price(40, 47_000)


TERMS = DeckTerms(1, "standard", "USD", 1_767_225_600_000_000, 4, Rounding.HALF_UP, 1)


def explained(rate: Rate, seconds: int) -> list[str]:
    """The explanation in English."""
    return language("en").say_all(explain_price(rate, deck=TERMS, duration_seconds=seconds))


def test_an_explanation_tells_deck_prefix_steps_fee_and_the_one_rounding() -> None:
    rate = a_rate((0, TEN_CENTS, 60), (60, 11 * CENT, 7), fee=5 * CENT)

    told = explained(rate, 95)

    assert told[0].startswith("The deck standard prices this call; it counts from Jan 1, 2026")
    assert told[1:] == [
        "The longest prefix that matches is 4930: Berlin.",
        "1 step of 60 s at $0.10 a minute: $0.10.",
        "From second 60 on, 5 steps of 7 s at $0.11 a minute: about $0.064167.",
        "Connect fee: $0.05.",
        "The sum of about $0.214167 is rounded once, half up, to 4 decimals: $0.2142.",
    ]


def test_an_explanation_tells_of_free_seconds_and_the_cap() -> None:
    told = explained(a_rate(free=30, cap=15 * CENT), 100)

    assert told[2:] == [
        "The first 30 s are free.",
        "From second 30 on, 2 steps of 60 s at $0.10 a minute: $0.20.",
        "A call to here never costs more than $0.15.",
        "The call costs $0.15.",
    ]


def test_an_explanation_of_zero_seconds_says_that_they_cost_nothing() -> None:
    assert explained(a_rate(fee=CENT), 0)[-1] == "A call of zero seconds costs nothing."


def test_an_explanation_says_that_a_destination_is_blocked() -> None:
    told = explained(a_rate()._replace(blocked=True), 60)

    assert told[2] == "The deck lists this destination as blocked."


def test_a_blocked_destination_without_a_price_is_not_said_to_cost_anything() -> None:
    told = explained(a_rate()._replace(blocked=True, tiers=()), 60)

    assert told[-1] == "The deck lists this destination as blocked."


@given(
    rate=rates(),
    duration=st.integers(1, 1_000),
    places=decimals,
    rounding=roundings,
    code=st.sampled_from(["en", "ja"]),
)
def test_an_explanation_ends_with_what_the_call_costs(
    rate: Rate, duration: int, places: int, rounding: str, code: str
) -> None:
    terms = DeckTerms(1, "standard", "USD", 0, places, rounding, 1)

    told = language(code).say_all(explain_price(rate, deck=terms, duration_seconds=duration))

    charge = price(rate, duration, places, rounding).charge_micros
    assert language(code).money(charge, "USD") in told[-1]
