"""The scalars of the API: exact decimals, instants with an offset, calendar days. None ever passes through a float."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import strawberry
from graphql import FloatValueNode, GraphQLError, IntValueNode, StringValueNode, ValueNode
from strawberry.types.scalar import ScalarDefinition

_DECIMAL = re.compile(r"-?[0-9]{1,24}(\.[0-9]{1,24})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,12})?"
_MOMENT = re.compile(rf"{_DAY.pattern}[Tt]{_TIME}([Zz]|[+-][0-9]{{2}}:[0-9]{{2}})")
_SHOWN = 40


def read_decimal(value: Any) -> Decimal:
    """A decimal from a JSON value: a string, or a number that is whole."""
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**24:
        return Decimal(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return Decimal(int(value))
    raise GraphQLError(f'Write a Decimal as a string such as "12.50", not {_shown(value)}.')


def read_decimal_literal(node: ValueNode, _variables: Any = None) -> Decimal:
    """A decimal written in the document itself, read from its text."""
    if isinstance(node, StringValueNode | IntValueNode):
        return read_decimal(node.value)
    if isinstance(node, FloatValueNode):
        raise GraphQLError(f'Write a Decimal as a string: "{node.value[:_SHOWN]}".')
    raise GraphQLError('Write a Decimal as a string such as "12.50".')


def write_decimal(value: Decimal) -> str:
    """All digits, never an exponent."""
    return format(value, "f")


def read_moment(value: Any) -> datetime:
    """An instant in RFC 3339, in UTC; digits finer than a microsecond are dropped."""
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise GraphQLError(f'Write a DateTime with its offset, such as "2026-03-01T09:30:00Z", not {_shown(value)}.')


def write_moment(value: datetime) -> str:
    """RFC 3339 in UTC, with Z."""
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def read_day(value: Any) -> date:
    """A calendar day, year-month-day."""
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise GraphQLError(f'Write a Date as year-month-day, such as "2026-03-01", not {_shown(value)}.')


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


SCALARS: dict[object, ScalarDefinition] = {
    Decimal: strawberry.scalar(
        name="Decimal",
        description=(
            'An exact decimal number, written as a string: "12.345". Whole numbers are also accepted as JSON'
            " numbers; a number with a fraction is refused, since it would have been a float on its way here."
        ),
        serialize=write_decimal,
        parse_value=read_decimal,
        parse_literal=read_decimal_literal,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description=(
            'An instant in RFC 3339 with its offset: "2026-03-01T09:30:00+01:00". Answers are in UTC, with Z.'
            " One without an offset is refused."
        ),
        specified_by_url="https://datatracker.ietf.org/doc/html/rfc3339",
        serialize=write_moment,
        parse_value=read_moment,
    ),
    date: strawberry.scalar(
        name="Date",
        description='A calendar day in the account\'s time zone: "2026-03-01".',
        serialize=date.isoformat,
        parse_value=read_day,
    ),
}
