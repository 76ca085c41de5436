"""Lists: their addresses, their days, and CSV that no spreadsheet takes for a formula."""

import asyncio
import csv
import io
from typing import Any

import pytest
from starlette.requests import Request

from web.listing import csv_response, end_of, listing, start_of


def page_of(numbers: range, more: bool) -> dict[str, Any]:
    """A page of a list."""
    edge = {"hasNextPage": more, "hasPreviousPage": False, "startCursor": "s", "endCursor": str(numbers.stop)}
    return {"nodes": [{"no": number} for number in numbers], "pageInfo": edge, "totalCount": 5}


def csv_of(columns: Any, pages: list[dict[str, Any]]) -> list[list[str]]:
    """The rows of the CSV that these pages make."""
    left = list(pages)

    async def fetch(after: str | None, first: int) -> dict[str, Any]:
        return left.pop(0)

    async def body() -> str:
        answer: Any = await csv_response("list", columns, fetch)
        return "".join([part async for part in answer.body_iterator])

    return list(csv.reader(io.StringIO(asyncio.run(body()).removeprefix("\ufeff"))))


def test_the_csv_goes_on_through_every_page() -> None:
    rows = csv_of([("No", lambda row: row["no"])], [page_of(range(3), True), page_of(range(3, 5), False)])

    assert rows == [["No"], ["0"], ["1"], ["2"], ["3"], ["4"]]


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("@x", "'@x"),
        ("-1+cmd|' /C calc'!A0", "'-1+cmd|' /C calc'!A0"),
        ("+4930123", "+4930123"),
        ("-0.0125", "-0.0125"),
        ("Germany", "Germany"),
        (None, ""),
        (7, "7"),
    ],
)
def test_a_cell_is_never_a_formula(cell: object, written: str) -> None:
    rows = csv_of([("It", lambda row: cell)], [page_of(range(1), False)])

    assert rows[1:] == [[written]]


def test_the_addresses_of_a_list_hold_its_filters_and_a_cursor() -> None:
    request = Request({"type": "http", "path": "/calls", "query_string": b"status=X&after=old", "headers": [],
                       "scheme": "http", "server": ("localhost", 80)})  # fmt: skip

    shown = listing(request, page_of(range(2), True), {"status": "X", "search": ""}, account="a")

    assert shown.next == "/calls?status=X&account=a&after=2"
    assert shown.previous is None
    assert shown.csv == "/calls.csv?status=X&account=a"
    assert shown.filtered


def test_days_begin_and_end_in_the_accounts_zone() -> None:
    assert start_of("2026-03-29", "Europe/Berlin") == "2026-03-29T00:00:00+01:00"
    assert end_of("2026-03-29", "Europe/Berlin") == "2026-03-30T00:00:00+02:00"
    assert start_of("no day", "UTC") is None
    assert end_of("9999-12-31", "UTC") is None
