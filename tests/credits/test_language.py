"""The reader's language: money with every decimal that it has, days of the reader's zone, sentences with values."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from credits.instants import instant
from credits.language import Instant, Money, PricePerMinute, language, sentence

EVENING = instant(datetime(2026, 10, 1, 20, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("micros", "currency", "english", "japanese"),
    [
        (5_000_000, "USD", "$5.00", "$5.00"),
        (12_345, "USD", "$0.012345", "$0.012345"),
        (-100_000, "USD", "-$0.10", "-$0.10"),
        (0, "USD", "$0.00", "$0.00"),
        (1_234_567_000_000, "USD", "$1,234,567.00", "$1,234,567.00"),
        (1_500_000_000, "JPY", "¥1,500", "￥1,500"),
        (500_000, "JPY", "¥0.5", "￥0.5"),
        (5_000, "KWD", "KWD\N{NO-BREAK SPACE}0.005", "KWD\N{NO-BREAK SPACE}0.005"),
        (10**17, "EUR", "€100,000,000,000.00", "€100,000,000,000.00"),
    ],
)
def test_money_is_written_with_its_sign_and_all_its_decimals(
    micros: int, currency: str, english: str, japanese: str
) -> None:
    assert language("en").money(micros, currency) == english
    assert language("ja").money(micros, currency) == japanese


def test_a_price_is_never_rounded() -> None:
    assert language("en").price(1, "USD") == "$0.000000001"
    assert language("en").price(20_000_000, "USD") == "$0.02"


def test_a_number_is_grouped_and_never_rounded() -> None:
    assert language("en").number(1_234_567) == "1,234,567"
    assert language("en").number(Decimal("1234.5678901")) == "1,234.5678901"


def test_an_instant_is_written_in_the_readers_zone() -> None:
    assert language("en").date_time(EVENING, "Asia/Tokyo") == "Oct 2, 2026, 5:30:00\N{NARROW NO-BREAK SPACE}AM"
    assert language("ja").date(EVENING, "Asia/Tokyo") == "2026/10/02"
    assert language("ja").date(EVENING, "America/New_York") == "2026/10/01"


def test_how_long_ago_is_said_in_the_readers_language() -> None:
    then, now = datetime(2026, 10, 4, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)

    assert language("en").ago(then, now) == "in 3 days"
    assert "3" in language("ja").ago(then, now)


def test_a_sentence_writes_each_value_as_what_it_is() -> None:
    said = language("en").say(
        "{amount} at {price}, {count} times, for {whom} on {day}: {why}",
        amount=Money(1_500_000, "USD"), price=PricePerMinute(30_000_000, "USD"), count=1200, whom="Contoso",
        day=Instant(EVENING), why=sentence("{least} at least", least=Money(50_000_000, "USD")),
    )  # fmt: skip

    assert said == (
        "$1.50 at $0.03, 1,200 times, for Contoso on Oct 1, 2026, 8:30:00\N{NARROW NO-BREAK SPACE}PM: $50.00 at least"
    )


def test_braces_in_a_value_are_only_text() -> None:
    assert language("en").say("{name} is not known.", name="{0} {name}") == "{0} {name} is not known."


def test_a_sentence_that_no_catalogue_has_is_said_in_english() -> None:
    assert language("ja").say("No catalogue has {these} words.", these=3) == "No catalogue has 3 words."


def test_a_language_that_is_not_there_is_answered_in_english() -> None:
    assert language("de").code == "en"
    assert language("de").money(5_000_000, "USD") == "$5.00"
