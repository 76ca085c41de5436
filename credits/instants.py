"""Instants are whole microseconds since 1970 UTC. Nothing here reads a clock: time is handed in."""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from db.tables import NEVER

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SECOND_DAY = (datetime(1, 1, 2, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST_DAY_BUT_ONE = NEVER - 2 * DAY
_MONTHS_AT_MOST = 10_000 * 12


def instant(moment: datetime) -> int:
    """The instant of an aware datetime."""
    assert moment.tzinfo is not None, "a naive datetime is no instant"
    return (moment - _EPOCH) // _MICROSECOND


def moment(at: int) -> datetime:
    """The UTC datetime of an instant."""
    return _EPOCH + timedelta(microseconds=at)


def local_moment(at: int, time_zone: str) -> datetime:
    """An instant as a time zone has it. On the first and last day that a calendar can write it is a day off: beyond
    them there is no other zone's day to name."""
    return moment(min(max(at, _SECOND_DAY), _LAST_DAY_BUT_ONE)).astimezone(ZoneInfo(time_zone))


def local_day(at: int, time_zone: str) -> date:
    """The calendar day that an instant falls on in a time zone."""
    return local_moment(at, time_zone).date()


@lru_cache(maxsize=50_000)
def start_of_day(day: date, time_zone: str) -> int:
    """The first instant of a calendar day in a time zone."""
    return instant(datetime.combine(day, time(), ZoneInfo(time_zone)))


def month_of(at: int, time_zone: str) -> int:
    """The calendar month that an instant falls in: its year times twelve, and the month from 0."""
    day = local_day(at, time_zone)
    return day.year * 12 + day.month - 1


def first_day(month: int) -> date:
    """The first day of a month, as `month_of` counts months."""
    year, place = divmod(month, 12)
    return date(year, place + 1, 1)


def first_of_month(month: int, time_zone: str) -> int:
    """The first instant of a month, as `month_of` counts months, in a time zone."""
    return NEVER if month >= _MONTHS_AT_MOST else start_of_day(first_day(month), time_zone)


def offsets_within(from_at: int, to_at: int, time_zone: str) -> list[tuple[int, int]]:
    """How far a zone's clocks are ahead of UTC, in microseconds, during a time: each offset with the instant from which
    it counts, the first with `from_at`. Found by halving the days on which it changed."""
    found = [(from_at, _offset(from_at, time_zone))]
    for start in range(from_at, to_at, DAY):
        same, other = start, min(start + DAY, to_at)
        if _offset(other, time_zone) == found[-1][1]:
            continue
        while other - same > 1:
            middle = (same + other) // 2
            if _offset(middle, time_zone) == found[-1][1]:
                same = middle
            else:
                other = middle
        found.append((other, _offset(other, time_zone)))
    return found


def _offset(at: int, time_zone: str) -> int:
    ahead = moment(at).astimezone(ZoneInfo(time_zone)).utcoffset()
    assert ahead is not None
    return ahead // _MICROSECOND


def months_later(day: date, months: int) -> date:
    """The same day some months on, or the last day of that month: 29 February + 12 is 28 February."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def expiry_of_purchase(purchased_at: int, time_zone: str, validity_months: int) -> int:
    """The first instant at which a purchased lot can not be spent.

    It can be spent through the end of the day, in the account's zone, that lies `validity_months`
    after the day of purchase (DESIGN, rules of money: lots).
    """
    last_day = months_later(local_day(purchased_at, time_zone), validity_months)
    return start_of_day(last_day + timedelta(days=1), time_zone)


def end_of_day_after(at: int, time_zone: str, days: int) -> int:
    """The first instant after the calendar day that lies some days after that of an instant."""
    return start_of_day(local_day(at, time_zone) + timedelta(days=days + 1), time_zone)


def never_as_none(expires_at: int) -> int | None:
    """An expiry as people see it: None when the lot never expires."""
    return None if expires_at >= NEVER else expires_at
