"""Usage: what an account's calls were, added up by day, month, service, country, destination, user or department.

One GROUP BY over the calls that were made, on either engine. Days and months are those of the account's zone, exact
where its clocks change: the changes within the time asked for stand in the statement. What has no rate costs nothing;
what was reversed costs nothing and used no plan.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from credits.accounts import look_up
from credits.instants import DAY, first_day, instant, month_of, offsets_within
from credits.refusals import Code, Refusal, invalid
from db.session import Session

LONGEST_DAYS = 5 * 366
MOST_ROWS = 10_000
# The calendar that days are counted in begins here: date.toordinal() of 1970-01-01.
_DAYS_BEFORE_1970 = date(1970, 1, 1).toordinal()
# Beyond these some zone's calendar ends.
_EARLIEST, _LATEST = instant(datetime(1, 1, 3, tzinfo=UTC)), instant(datetime(9999, 12, 29, tzinfo=UTC))

_SUMS = (
    "count(*), coalesce(sum(call.duration_seconds), 0),"
    " coalesce(sum(CASE WHEN call.reversed_at IS NULL THEN call.plan_seconds ELSE 0 END), 0),"
    " coalesce(sum(call.charge_micros), 0)"
)
_RATES = " LEFT JOIN rate ON rate.deck_id = call.deck_id AND rate.rate_no = call.rate_no"
_USERS = " LEFT JOIN phone_user ON phone_user.account_id = call.account_id AND phone_user.user_no = call.user_no"


class UsageDimension(StrEnum):
    """What calls are added up by."""

    DAY = "DAY"
    MONTH = "MONTH"
    SERVICE = "SERVICE"
    COUNTRY = "COUNTRY"
    DESTINATION = "DESTINATION"
    USER = "USER"
    DEPARTMENT = "DEPARTMENT"


_EXPRESSIONS = {
    UsageDimension.SERVICE: "call.service",
    UsageDimension.COUNTRY: "coalesce(call.country, rate.country)",
    UsageDimension.DESTINATION: "rate.destination",
    UsageDimension.USER: "call.user_no",
    UsageDimension.DEPARTMENT: "phone_user.department",
}


@dataclass(frozen=True, slots=True)
class Usage:
    """Calls that have what they were grouped by in common: how many, for how long, by how much a plan paid, and their
    charge. `by` holds the day, month (its first day), service, country, destination, user's number or department."""

    by: dict[UsageDimension, Any]
    calls: int
    seconds: int
    plan_seconds: int
    charge_micros: int


def usage_of(
    session: Session, *, account_id: int, from_at: int, to_at: int, group_by: Sequence[UsageDimension]
) -> list[Usage]:
    """The usage of calls answered from one instant until before another, in the order of what they are grouped by.

    Grouped by nothing it is one row, also when there was no call. Refused: a time that ends before it begins, that is
    longer than five years, or whose usage has too many rows.
    """
    account = look_up(session, account_id)
    if to_at < from_at:
        raise invalid("to", "The time ends before it begins.")
    if to_at - from_at > LONGEST_DAYS * DAY:
        message = "Ask for five years at most."
        raise Refusal(Code.LIMIT_EXCEEDED, message, field=("to",))
    from_at, to_at = (min(max(at, _EARLIEST), _LATEST) for at in (from_at, to_at))
    dimensions = list(dict.fromkeys(group_by))
    sql = _statement(dimensions, from_at, to_at, account.time_zone)
    found = session.rows(sql, account_id, from_at, to_at)
    if len(found) > MOST_ROWS:
        message = "This would be more than {most} rows: ask for a shorter time, or group by less."
        raise Refusal(Code.LIMIT_EXCEEDED, message, field=("groupBy",), most=MOST_ROWS)
    rows = [_usage(dimensions, row) for row in found]
    return sorted(rows, key=lambda row: [(value is None, value) for value in row.by.values()])


def _statement(dimensions: Sequence[UsageDimension], from_at: int, to_at: int, time_zone: str) -> str:
    day = f"((call.answered_at + {_offsets(from_at, to_at, time_zone)}) / {DAY})"
    expressions = {
        UsageDimension.DAY: day,
        UsageDimension.MONTH: _months(day, from_at, to_at, time_zone),
        **_EXPRESSIONS,
    }
    wanted = [expressions[dimension] for dimension in dimensions]
    tables = "call"
    if {UsageDimension.COUNTRY, UsageDimension.DESTINATION}.intersection(dimensions):
        tables += _RATES
    if UsageDimension.DEPARTMENT in dimensions:
        tables += _USERS
    grouped = f" GROUP BY {', '.join(str(place) for place in range(1, len(wanted) + 1))}" if wanted else ""
    return (
        f"SELECT {', '.join([*wanted, _SUMS])} FROM {tables} WHERE call.account_id = ? AND call.answered_at >= ?"
        f" AND call.answered_at < ? AND call.status IN ('SETTLED', 'UNRATED'){grouped} LIMIT {MOST_ROWS + 1}"
    )


def _offsets(from_at: int, to_at: int, time_zone: str) -> str:
    """SQL that is what to add to an instant, so that whole days of it are days of the zone's calendar."""
    changes = offsets_within(from_at, to_at, time_zone)
    return _stepwise("call.answered_at", [(at, offset + _DAYS_BEFORE_1970 * DAY) for at, offset in changes])


def _months(day: str, from_at: int, to_at: int, time_zone: str) -> str:
    """SQL that is the month of a day of the calendar, as `month_of` counts months."""
    first, last = month_of(from_at, time_zone), month_of(to_at, time_zone)
    return _stepwise(day, [(first_day(month).toordinal(), month) for month in range(first, last + 1)])


def _stepwise(column: str, steps: Sequence[tuple[int, int]]) -> str:
    """SQL that is the value of the last step that begins at or before a column, found by halving."""
    if len(steps) == 1:
        return str(steps[0][1])
    middle = len(steps) // 2
    before, after = _stepwise(column, steps[:middle]), _stepwise(column, steps[middle:])
    return f"CASE WHEN {column} < {steps[middle][0]} THEN {before} ELSE {after} END"


def _usage(dimensions: Sequence[UsageDimension], row: Sequence[Any]) -> Usage:
    by = {dimension: _value(dimension, value) for dimension, value in zip(dimensions, row, strict=False)}
    return Usage(by, *(int(total) for total in row[len(dimensions) :]))


def _value(dimension: UsageDimension, value: Any) -> Any:
    match dimension:
        case UsageDimension.DAY:
            return date.fromordinal(value)
        case UsageDimension.MONTH:
            return first_day(value)
        case _:
            return value
