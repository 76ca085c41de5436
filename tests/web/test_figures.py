"""Figures and times as pages show them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from markupsafe import Markup

from credits.language import language
from web.figures import Figures

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
FIGURES = Figures(language("en"), "America/New_York", NOON)


def usd(amount: str) -> dict[str, str]:
    """An amount as the schema gives it."""
    return {"amount": amount, "currency": "USD"}


def text_of(markup: Markup) -> str:
    """What a person sees."""
    return str(markup.striptags())


@pytest.mark.parametrize(
    ("amount", "currency", "seen"),
    [
        ("1234.50", "USD", "$1,234.50"),
        ("-0.0125", "USD", "−$0.0125"),
        ("361.00", "JPY", "¥361"),
        ("0.00", "EUR", "€0.00"),
    ],
)
def test_money_is_shown_with_every_decimal_that_it_has(amount: str, currency: str, seen: str) -> None:
    assert text_of(FIGURES.money({"amount": amount, "currency": currency})) == seen


def test_minor_digits_are_set_apart_and_the_exact_amount_stays_in_the_markup() -> None:
    assert FIGURES.money(usd("12.34")) == '<data class="money" value="12.34">$12<small>.34</small></data>'


@pytest.mark.parametrize(
    ("value", "signed", "seen"),
    [
        (usd("50.00"), False, "50.00"),
        (usd("50.00"), True, "+50.00"),
        (usd("-0.5"), True, "−0.50"),
        ({"amount": "361.00", "currency": "JPY"}, False, "361"),
        ("0.0125", False, "0.0125"),
    ],
)
def test_a_column_names_its_currency_once_so_figures_have_none(value: object, signed: bool, seen: str) -> None:
    assert text_of(FIGURES.figure(value, signed=signed)) == seen  # type: ignore[arg-type]


def test_a_column_is_as_wide_as_its_longest_fraction() -> None:
    assert FIGURES.places([usd("1.00"), usd("0.0125"), None]) == 4
    assert FIGURES.places([]) == 0


@pytest.mark.parametrize(
    ("instant", "seen"),
    [
        ("2026-10-01T12:00:00Z", "just now"),
        ("2026-10-01T11:59:01Z", "just now"),
        ("2026-10-01T11:59:00Z", "1 minute ago"),
        ("2026-10-01T09:30:00Z", "2 hours ago"),
        ("2026-09-28T12:00:00Z", "3 days ago"),
        ("2026-10-04T13:00:00Z", "in 3 days"),
        ("2026-09-20T12:00:00Z", "Sep 20, 2026"),
    ],
)
def test_times_are_relative_to_the_accounts_clock_while_they_are_near(instant: str, seen: str) -> None:
    assert text_of(FIGURES.when(instant)) == seen


def test_days_are_counted_in_days_not_in_about_two_weeks() -> None:
    assert text_of(FIGURES.when("2026-10-13T12:00:00Z", days=60)) == "in 12 days"


def test_the_exact_instant_is_in_the_markup_and_on_hover() -> None:
    written = FIGURES.when("2026-10-01T11:00:00Z")

    assert 'datetime="2026-10-01T11:00:00Z"' in written
    assert "Thursday, October 1, 2026" in written
    assert "7:00:00" in written


def test_an_expiry_is_shown_by_the_last_day_that_it_leaves() -> None:
    assert text_of(FIGURES.through("2027-10-02T04:00:00Z")) == "Oct 1, 2027"


def test_a_lists_days_are_those_of_the_accounts_zone() -> None:
    rows: list[dict[str, Any]] = [
        {"at": "2026-10-01T03:59:00Z"},
        {"at": "2026-09-30T12:00:00Z"},
        {"at": "2026-09-30T03:00:00Z"},
        {"at": None},
    ]

    days = [(text_of(day), len(of_day)) for day, of_day in FIGURES.by_day(rows, "at")]

    assert days == [
        ("Wednesday, September 30, 2026 1 day ago", 2),
        ("Tuesday, September 29, 2026 2 days ago", 1),
        ("", 1),
    ]


def test_a_row_stands_under_the_day_of_the_first_instant_that_is_known() -> None:
    rows: list[dict[str, Any]] = [
        {"answered": "2026-09-30T12:00:00Z", "asked": "2026-09-29T12:00:00Z"},
        {"answered": None, "asked": "2026-09-29T12:00:00Z"},
    ]

    days = [text_of(day) for day, _ in FIGURES.by_day(rows, "answered", "asked")]

    assert days == ["Wednesday, September 30, 2026 1 day ago", "Tuesday, September 29, 2026 2 days ago"]


@pytest.mark.parametrize(
    ("seconds", "seen"),
    [
        (0, "0 sec"),
        (59, "59 sec"),
        (60, "1 min"),
        (1_000, "16 min 40 sec"),
        (3_661, "1 hr 1 min 1 sec"),
        (7_200, "2 hr"),
    ],
)
def test_a_length_is_said_in_a_sentence_exactly(seconds: int, seen: str) -> None:
    assert FIGURES.lasting(seconds) == seen


def test_a_length_is_said_in_the_readers_language() -> None:
    assert Figures(language("ja")).lasting(1_000) == "16 分 40 秒"


@pytest.mark.parametrize(
    ("seconds", "seen"), [(0, "0:00"), (59, "0:59"), (725, "12:05"), (3600, "1:00:00"), (None, "")]
)
def test_calls_last_minutes_and_seconds(seconds: int | None, seen: str) -> None:
    assert FIGURES.duration(seconds) == seen
