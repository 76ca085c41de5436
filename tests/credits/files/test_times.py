"""Times are read in their zone, and day and month are never guessed."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from credits.files.times import read_instant, read_start, zone_of
from credits.instants import instant
from credits.refusals import Refusal

FOUR_PAST_FIVE = instant(datetime(2026, 7, 31, 17, 4, 5, tzinfo=UTC))


@pytest.mark.parametrize(
    "text",
    [
        "2026-07-31T17:04:05Z",
        "2026-07-31 17:04:05",
        "2026-07-31 17:04:05 UTC",
        "2026-07-31T19:04:05+02:00",
        "2026-07-31T13:04:05-0400",
        "31.07.2026 17:04:05",
        "31.7.2026 17:04:05",
        "2026/07/31 17:04:05",
        "2026年7月31日 17:04:05",
        "31/07/2026 17:04:05",
        "07/31/2026 17:04:05",
        "31-Jul-2026 17:04:05",
        "1785517445",
        "1785517445000",
        "1785517445000000",
    ],
)
def test_one_instant_may_be_written_in_many_ways(text: str) -> None:

    assert read_instant(text, "UTC") == FOUR_PAST_FIVE


@pytest.mark.parametrize("text", ["03/04/2026 10:00:00", "03-04-2026 10:00", "3/4/2026 10:00"])
def test_day_and_month_are_never_guessed(text: str) -> None:

    with pytest.raises(Refusal, match="day first or month first"):
        read_instant(text, "UTC")


def test_a_date_that_reads_the_same_both_ways_is_certain() -> None:

    assert read_start("05/05/2026", "UTC") == instant(datetime(2026, 5, 5, tzinfo=UTC))


def test_golden_iso_dates_are_accepted_beside_other_ways(shared_data: Path) -> None:
    cases = json.loads((shared_data / "golden" / "import_cases.json").read_text())
    given = next(case["given"] for case in cases if case["id"] == "im-021")

    assert read_start(given, "UTC") == instant(datetime(2016, 8, 16, tzinfo=UTC))


def test_a_date_means_its_first_instant_in_the_zone() -> None:

    assert read_start("01.01.2026", "Asia/Tokyo") == instant(datetime(2025, 12, 31, 15, tzinfo=UTC))


def test_more_than_six_decimals_of_a_second_are_cut() -> None:

    assert read_instant("2019-11-01T00:00:08.2589935Z", "UTC") % 1_000_000 == 258_993


def test_a_time_without_an_offset_is_in_the_given_zone() -> None:

    assert read_instant("2026-07-31 19:04:05", "Europe/Berlin") == FOUR_PAST_FIVE


def test_a_time_that_the_clocks_skip_is_refused() -> None:

    with pytest.raises(Refusal, match="the clocks skip it"):
        read_instant("2026-03-29 02:30:00", "Europe/Berlin")


def test_a_time_that_comes_twice_is_the_first() -> None:

    assert read_instant("2026-10-25 02:30:00", "Europe/Berlin") == instant(datetime(2026, 10, 25, 0, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-02-30 10:00:00", "2026-07-31", "25:00", "2026-07-31 25:00:00", "12"]
)
def test_what_is_no_time_is_refused(text: str) -> None:

    with pytest.raises(Refusal):
        read_instant(text, "UTC")


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "Europe"])
def test_an_unknown_zone_is_refused(name: str) -> None:

    with pytest.raises(Refusal):
        zone_of(name)
