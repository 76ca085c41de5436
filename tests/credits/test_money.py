"""Money is whole numbers: read exactly or refused, written with every decimal that it has."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits.money import (
    LARGEST_AMOUNT_MICROS,
    amount_of,
    known_currency,
    micros_of,
    minor_digits,
    nanos_of,
    price_of,
    whole_minor_units,
)
from credits.refusals import Code, Refusal


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", 5_000_000),
        ("0.000001", 1),
        ("-0.000001", -1),
        ("12.345", 12_345_000),
        ("1.50000000000000000000", 1_500_000),
        ("0", 0),
        ("-0", 0),
        ("1000000000", LARGEST_AMOUNT_MICROS),
    ],
)
def test_an_amount_is_read_exactly(text: str, expected: int) -> None:
    assert micros_of(Decimal(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "0.0000001",
        "1.0000005",
        "1234567.000000000000000000000001",
        "0.00000000000000000000000000000000000001",
        "1E-2000000",
    ],
)
def test_an_amount_finer_than_a_millionth_is_refused_not_rounded(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        micros_of(Decimal(text))

    assert refused.value.code == Code.INVALID
    assert refused.value.field == ("amount",)


@pytest.mark.parametrize("text", ["1000000000.000001", "-1000000000.000001", "1E+30", "1E+999999", "Infinity", "NaN"])
def test_an_amount_beyond_the_largest_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        micros_of(Decimal(text))

    assert refused.value.code == Code.INVALID


def test_a_price_has_up_to_nine_decimals() -> None:
    assert nanos_of(Decimal("0.000000001")) == 1

    with pytest.raises(Refusal):
        nanos_of(Decimal("0.0000000001"))


def test_a_price_is_never_negative_but_may_be_zero() -> None:
    assert nanos_of(Decimal("0")) == 0

    with pytest.raises(Refusal) as refused:
        nanos_of(Decimal("-0.000000001"))
    assert refused.value.field == ("pricePerMinute",)


@given(st.integers(-LARGEST_AMOUNT_MICROS, LARGEST_AMOUNT_MICROS))
def test_an_amount_that_is_written_reads_as_the_same_amount(micros: int) -> None:
    written = amount_of(micros)

    assert micros_of(written) == micros
    assert -written.as_tuple().exponent >= 2  # type: ignore[operator]


@given(st.integers(0, 10**15))
def test_a_price_that_is_written_reads_as_the_same_price(nanos: int) -> None:
    assert nanos_of(price_of(nanos)) == nanos


@pytest.mark.parametrize(
    ("micros", "written"),
    [
        (0, "0.00"),
        (5_000_000, "5.00"),
        (12_345, "0.012345"),
        (-100_000, "-0.10"),
        (10**17, "100000000000.00"),
        (1_230_000, "1.23"),
        (1_234_000, "1.234"),
    ],
)
def test_an_amount_is_written_with_at_least_two_decimals_and_no_more_than_it_has(micros: int, written: str) -> None:
    assert str(amount_of(micros)) == written


@pytest.mark.parametrize(("currency", "digits"), [("USD", 2), ("EUR", 2), ("JPY", 0), ("KWD", 3), ("CLP", 0)])
def test_a_currency_has_its_own_number_of_decimals(currency: str, digits: int) -> None:
    assert minor_digits(currency) == digits


@pytest.mark.parametrize(
    ("currency", "whole", "too_fine"),
    [("USD", "50.01", "50.001"), ("JPY", "51", "50.5"), ("KWD", "50.001", "50.0001")],
)
def test_what_a_card_is_charged_is_a_whole_number_of_coins(currency: str, whole: str, too_fine: str) -> None:
    assert whole_minor_units(micros_of(Decimal(whole)), currency)
    assert not whole_minor_units(micros_of(Decimal(too_fine)), currency)


@pytest.mark.parametrize("code", ["USD", "JPY", "XAF"])
def test_a_currency_of_iso_4217_is_known(code: str) -> None:
    assert known_currency(code) == code


@pytest.mark.parametrize("code", ["usd", "US", "", "ABC", "USDX"])
def test_what_is_no_currency_is_refused(code: str) -> None:
    with pytest.raises(Refusal) as refused:
        known_currency(code)

    assert refused.value.field == ("currency",)
