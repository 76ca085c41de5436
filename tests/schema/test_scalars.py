"""Decimals, instants and days: what is read, what is written, what is refused."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from graphql import GraphQLError, parse_value

from schema.scalars import read_day, read_decimal, read_decimal_literal, read_moment, write_decimal, write_moment


@pytest.mark.parametrize(
    ("given", "read"), [("12.345", "12.345"), ("-0.5", "-0.5"), ("0", "0"), (7, "7"), (7.0, "7"), (10**20, str(10**20))]
)
def test_a_decimal_is_read_exactly_from_a_string_or_a_whole_number(given: Any, read: str) -> None:
    assert read_decimal(given) == Decimal(read)


@pytest.mark.parametrize(
    "given",
    [
        12.5,
        True,
        None,
        "",
        "1e5",
        "1_000",
        "١٢",
        "12,5",
        " 1",
        "NaN",
        "Infinity",
        float("nan"),
        "9" * 25,
        10**24,
        [],
        {},
    ],
)
def test_what_is_no_exact_decimal_is_refused(given: Any) -> None:
    with pytest.raises(GraphQLError):
        read_decimal(given)


@pytest.mark.parametrize("written", ["12.5", "1e400", "true", "[1]", "A"])
def test_a_decimal_in_the_document_itself_follows_the_same_rules(written: str) -> None:
    with pytest.raises(GraphQLError):
        read_decimal_literal(parse_value(written))


def test_a_whole_number_of_any_length_in_the_document_is_no_fault_of_ours() -> None:
    with pytest.raises(GraphQLError):
        read_decimal_literal(parse_value("9" * 5000))


def test_a_decimal_is_written_with_all_its_digits_and_no_exponent() -> None:
    assert write_decimal(Decimal("1E-9")) == "0.000000001"
    assert write_decimal(Decimal("1E+3")) == "1000"


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("2026-03-01T09:30:00Z", "2026-03-01T09:30:00Z"),
        ("2026-03-01T09:30:00+01:00", "2026-03-01T08:30:00Z"),
        ("2026-03-01t09:30:00.123456789z", "2026-03-01T09:30:00.123456Z"),
        ("2026-03-01T00:00:00-05:30", "2026-03-01T05:30:00Z"),
    ],
)
def test_an_instant_is_read_with_any_offset_and_written_in_utc(given: str, written: str) -> None:
    assert write_moment(read_moment(given)) == written


@pytest.mark.parametrize(
    "given",
    [
        "2026-03-01T09:30:00",
        "2026-03-01",
        "2026-02-30T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-03-01T24:30:00Z",
        "2026-03-01T09:30:00+25:00",
        1_772_357_400,
        None,
    ],
)
def test_an_instant_without_offset_or_out_of_the_calendar_is_refused(given: Any) -> None:
    with pytest.raises(GraphQLError):
        read_moment(given)


def test_an_instant_is_read_as_utc() -> None:
    assert read_moment("2026-03-01T09:30:00+09:00") == datetime(2026, 3, 1, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize("given", ["2026-02-30", "2026-3-1", "20260301", 20260301, None])
def test_what_is_no_day_is_refused(given: Any) -> None:
    with pytest.raises(GraphQLError):
        read_day(given)
