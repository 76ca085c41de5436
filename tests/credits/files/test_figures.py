"""Prices are read exactly as they are meant, or refused."""

import pytest

from credits.files.figures import decimal_sign, read_price, read_seconds
from credits.refusals import Refusal


@pytest.mark.parametrize(
    ("text", "nanos"),
    [
        ("0.0924", 92_400_000),
        ("0,0924", 92_400_000),
        (".05", 50_000_000),
        (",05", 50_000_000),
        ("5.", 5_000_000_000),
        ("0", 0),
        ("1,234.5", 1_234_500_000_000),
        ("1.234,5", 1_234_500_000_000),
        ("1 234,5", 1_234_500_000_000),
        ("1'234.50", 1_234_500_000_000),
        ("$0.05", 50_000_000),
        ("US$ 0.05", 50_000_000),
        ("0.05 USD", 50_000_000),
        ("usd 0.05", 50_000_000),
        ("5 ct", 50_000_000),
        ("0.000000001", 1),
    ],
)
def test_a_price_may_be_written_in_many_ways(text: str, nanos: int) -> None:

    assert read_price(text, sign=None, currency="USD") == nanos


@pytest.mark.parametrize("text", ["€0.05", "0,05 EUR", "£0.05", "0.05 GBP", "¥5", "5円"])
def test_a_sign_or_code_of_another_currency_makes_a_price_bad(text: str) -> None:

    with pytest.raises(Refusal, match="not the currency of this deck, USD"):
        read_price(text, sign=None, currency="USD")


@pytest.mark.parametrize(
    ("text", "currency"), [("¥6.56", "JPY"), ("6.56円", "JPY"), ("￥6.56", "JPY"), ("$6.56", "CAD")]
)
def test_a_sign_fits_every_currency_that_uses_it(text: str, currency: str) -> None:

    assert read_price(text, sign=None, currency=currency) == 6_560_000_000


@pytest.mark.parametrize(
    "text", ["", "-0.05", "abc", "0.05x", "1.5E-3", "1,2,3", "1.2.3", "12,34.5", "0.0000000001", "-"]
)
def test_what_is_no_price_is_refused(text: str) -> None:

    with pytest.raises(Refusal):
        read_price(text, sign=None, currency="USD")


def test_a_comma_that_could_part_thousands_is_read_as_the_other_prices_of_the_column_are() -> None:

    assert read_price("1,234", sign=",", currency="USD") == 1_234_000_000
    assert read_price("1,234", sign=".", currency="USD") == 1_234_000_000_000
    with pytest.raises(Refusal, match="two ways"):
        read_price("1,234", sign=None, currency="USD")


def test_a_point_parts_decimals_unless_the_column_has_decimal_commas() -> None:

    assert read_price("1.234", sign=None, currency="USD") == 1_234_000_000
    assert read_price("1.234", sign=",", currency="USD") == 1_234_000_000_000
    assert read_price("0.123", sign=",", currency="USD") == 123_000_000


@pytest.mark.parametrize(
    ("cells", "sign"),
    [
        (["0,45", "1,234"], ","),
        (["0.45", "1,234"], "."),
        (["1,234", "2,345"], None),
        (["12", "13"], None),
        (["0,45", "0.45"], None),
        (["1.234,50"], ","),
        (["1,234.50"], "."),
    ],
)
def test_the_prices_of_a_column_tell_their_decimal_sign(cells: list[str], sign: str | None) -> None:

    assert decimal_sign(cells) == sign


def test_a_price_for_another_time_than_a_minute_becomes_one_per_minute() -> None:

    assert read_price("0.001", sign=".", currency="USD", per_seconds=1) == 60_000_000
    assert read_price("8.4", sign=".", currency="JPY", per_seconds=180) == 2_800_000_000
    with pytest.raises(Refusal, match="nine decimals"):
        read_price("8.5", sign=".", currency="JPY", per_seconds=180)


@pytest.mark.parametrize(
    ("text", "seconds"), [("60", 60), ("60.0", 60), ("60s", 60), ("6 sec", 6), ("60秒", 60), ("0", 0)]
)
def test_seconds_are_whole(text: str, seconds: int) -> None:

    assert read_seconds(text, "increment") == seconds


@pytest.mark.parametrize("text", ["1.5", "-1", "1m", "x", ""])
def test_what_is_no_whole_number_of_seconds_is_refused(text: str) -> None:

    with pytest.raises(Refusal):
        read_seconds(text, "increment")
