"""Instants are whole microseconds; a purchase expires at the end of a local day, twelve months on."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from credits.instants import (
    HOUR,
    MINUTE,
    expiry_of_purchase,
    first_of_month,
    instant,
    local_day,
    moment,
    month_of,
    months_later,
    never_as_none,
    offsets_within,
    start_of_day,
)
from db.tables import NEVER


def at(text: str) -> int:
    """The instant of an RFC 3339 text."""
    return instant(datetime.fromisoformat(text))


@pytest.mark.parametrize(
    "text",
    [
        "1970-01-01T00:00:00.000000Z",
        "2026-10-01T12:00:00.000001Z",
        "9999-12-31T23:59:59.999999Z",
        "1969-12-31T23:59:59.999999Z",
    ],
)
def test_an_instant_keeps_every_microsecond(text: str) -> None:
    assert moment(at(text)) == datetime.fromisoformat(text)


def test_an_instant_is_the_same_in_every_zone() -> None:
    assert at("2026-10-01T12:00:00+09:00") == at("2026-10-01T03:00:00Z")


def test_a_day_without_a_zone_is_no_instant() -> None:
    with pytest.raises(AssertionError):
        instant(datetime(2026, 10, 1))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 10, 1), 12, date(2027, 10, 1)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2028, 2, 29), 48, date(2032, 2, 29)),
        (date(2027, 2, 28), 12, date(2028, 2, 28)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2026, 12, 31), 12, date(2027, 12, 31)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
    ],
)
def test_months_later_is_the_same_day_or_the_last_of_its_month(day: date, months: int, expected: date) -> None:
    assert months_later(day, months) == expected


@pytest.mark.parametrize(
    ("purchased", "zone", "expires"),
    [
        # the day of purchase is the account's own, however late it is in UTC
        ("2026-10-01T12:00:00Z", "UTC", "2027-10-02T00:00:00Z"),
        ("2026-10-01T00:00:00Z", "UTC", "2027-10-02T00:00:00Z"),
        ("2026-10-01T23:59:59.999999Z", "UTC", "2027-10-02T00:00:00Z"),
        ("2026-10-01T23:30:00Z", "Asia/Tokyo", "2027-10-03T00:00:00+09:00"),
        ("2026-10-01T03:59:59Z", "America/New_York", "2027-10-01T00:00:00-04:00"),
        ("2026-10-01T04:00:00Z", "America/New_York", "2027-10-02T00:00:00-04:00"),
        # 29 February becomes 28 February
        ("2028-02-29T12:00:00Z", "UTC", "2029-03-01T00:00:00Z"),
        ("2028-02-28T12:00:00Z", "UTC", "2029-03-01T00:00:00Z"),
        ("2027-02-28T12:00:00Z", "UTC", "2028-02-29T00:00:00Z"),
        # the offset is that of the expiry, not that of the purchase
        ("2026-03-28T12:00:00Z", "Europe/Berlin", "2027-03-29T00:00:00+02:00"),
        ("2026-10-31T12:00:00Z", "America/New_York", "2027-11-01T00:00:00-04:00"),
        ("2026-11-01T12:00:00-05:00", "America/New_York", "2027-11-02T00:00:00-04:00"),
        ("2026-11-07T12:00:00-05:00", "America/New_York", "2027-11-08T00:00:00-05:00"),
        # where clocks go forward at midnight, the day begins at one
        ("2026-04-29T12:00:00Z", "Africa/Cairo", "2027-04-30T01:00:00+03:00"),
        # where clocks go back at midnight, the last day has 25 hours
        ("2026-04-03T12:00:00Z", "America/Santiago", "2027-04-04T00:00:00-04:00"),
    ],
)
def test_bought_funds_last_through_the_end_of_the_local_day_twelve_months_on(
    purchased: str, zone: str, expires: str
) -> None:
    assert moment(expiry_of_purchase(at(purchased), zone, 12)) == datetime.fromisoformat(expires)


def test_in_every_zone_the_expiry_is_the_first_instant_of_the_day_after_the_last() -> None:
    purchases = [datetime(2026, month, day, 17, 45, tzinfo=UTC) for month in range(1, 13) for day in (1, 28)]
    for zone in sorted(available_timezones()):
        for purchased_at in map(instant, purchases):
            last_day = months_later(local_day(purchased_at, zone), 12)

            expires_at = expiry_of_purchase(purchased_at, zone, 12)

            assert local_day(expires_at - 1, zone) == last_day, zone
            assert local_day(expires_at, zone) == last_day + timedelta(days=1), zone


def test_the_validity_in_months_is_a_setting() -> None:
    purchased_at = at("2026-08-31T12:00:00Z")

    assert moment(expiry_of_purchase(purchased_at, "UTC", 6)) == datetime(2027, 3, 1, tzinfo=UTC)
    assert moment(expiry_of_purchase(purchased_at, "UTC", 24)) == datetime(2028, 9, 1, tzinfo=UTC)


def test_a_day_starts_when_the_zone_says_so() -> None:
    starts_at = start_of_day(date(2026, 7, 1), "Asia/Kolkata")

    assert moment(starts_at) == datetime(2026, 7, 1, tzinfo=ZoneInfo("Asia/Kolkata"))


def test_people_see_no_expiry_where_there_is_none() -> None:
    assert never_as_none(NEVER) is None
    assert never_as_none(NEVER - 1) == NEVER - 1


def test_a_zones_offsets_change_to_the_microsecond_when_its_clocks_do() -> None:
    start, end = at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z")

    assert offsets_within(start, end, "America/New_York") == [
        (start, -5 * HOUR), (at("2026-03-08T07:00:00Z"), -4 * HOUR), (at("2026-11-01T06:00:00Z"), -5 * HOUR),
    ]  # fmt: skip
    assert offsets_within(start, start, "Asia/Kathmandu") == [(start, 5 * HOUR + 45 * MINUTE)]


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo", "Pacific/Kiritimati", "Pacific/Niue"])
@pytest.mark.parametrize("text", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"])
def test_the_ends_of_the_calendar_have_a_day_and_a_month_in_every_zone(zone: str, text: str) -> None:
    day = local_day(at(text), zone)

    assert abs((day - datetime.fromisoformat(text).date()).days) <= 3
    assert month_of(at(text), zone) == day.year * 12 + day.month - 1
    assert first_of_month(month_of(at(text), zone) + 1, zone) <= NEVER
