"""Lists: their filters live in the address; next and previous go by cursor; the CSV is the same list, all of it."""

import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from credits.files.cells import harmless
from web.documents import ask

_CSV_PAGE = 100
_CURSORS = ("after", "before")

Row = Mapping[str, Any]
Column = tuple[str, Callable[[Row], object]]
Fetch = Callable[[str | None, int], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list, with the addresses of what lies around it."""

    nodes: list[dict[str, Any]]
    total: int
    filters: dict[str, str]
    here: str
    next: str | None
    previous: str | None
    csv: str

    @property
    def filtered(self) -> bool:
        """Whether any filter narrows the list."""
        return any(self.filters.values())


def filters_of(request: Request, *names: str) -> dict[str, str]:
    """The filters that the address holds, each trimmed, absent ones as empty text."""
    return {name: request.query_params.get(name, "").strip() for name in names}


def given(filters: Mapping[str, str]) -> dict[str, str]:
    """The filters that are set."""
    return {name: value for name, value in filters.items() if value}


def paging(request: Request, first: int) -> dict[str, Any]:
    """The variables of a list: how many, and after or before which cursor."""
    return {"first": first, **{name: request.query_params.get(name) or None for name in _CURSORS}}


def listing(request: Request, connection: Mapping[str, Any], filters: Mapping[str, str], **kept: str) -> Listing:
    """A connection of the schema as a page of a list; `kept` stays in every address, though it filters nothing."""
    info = connection["pageInfo"]
    path = request.url.path
    held = given({**filters, **kept})

    def address(where: str, **cursor: str) -> str:
        query = urlencode({**held, **cursor})
        return f"{where}?{query}" if query else where

    return Listing(
        nodes=connection["nodes"],
        total=connection["totalCount"],
        filters=dict(filters),
        here=address(path),
        next=address(path, after=info["endCursor"]) if info["hasNextPage"] else None,
        previous=address(path, before=info["startCursor"]) if info["hasPreviousPage"] else None,
        csv=address(f"{path.rstrip('/') or '/accounts'}.csv"),
    )


async def csv_of(request: Request, name: str, list_name: str, columns: Sequence[Column], **variables: Any) -> Response:
    """A list of an account as CSV: the page's own document, page after page."""

    async def fetch(after: str | None, first: int) -> dict[str, Any]:
        data = await ask(request, name, **variables, first=first, after=after)
        page: dict[str, Any] = data["account"][list_name]
        return page

    return await csv_response(list_name, columns, fetch)


async def csv_response(name: str, columns: Sequence[Column], fetch: Fetch) -> Response:
    """Every row of a list as CSV, page after page; the first page is fetched before the answer begins, so that a
    list that may not be seen is refused as a page would be."""
    first = await fetch(None, _CSV_PAGE)
    return StreamingResponse(
        _csv_lines(columns, first, fetch),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store"},
    )


def start_of(day: str, zone: str) -> str | None:
    """The first instant of a typed day in a zone, as a DateTime of the schema; nothing for what is no day."""
    return _midnight(day, zone, 0)


def end_of(day: str, zone: str) -> str | None:
    """The first instant after a typed day."""
    return _midnight(day, zone, 1)


def _midnight(day: str, zone: str, later: int) -> str | None:
    try:
        chosen = date.fromisoformat(day) + timedelta(days=later)
        return datetime.combine(chosen, time(), ZoneInfo(zone)).isoformat()
    except (ValueError, OverflowError):
        return None


async def _csv_lines(columns: Sequence[Column], page: dict[str, Any], fetch: Fetch) -> AsyncIterator[str]:
    yield "\ufeff" + _csv_line(title for title, _ in columns)
    while True:
        for row in page["nodes"]:
            yield _csv_line(_cell(read(row)) for _, read in columns)
        if not page["pageInfo"]["hasNextPage"]:
            return
        page = await fetch(page["pageInfo"]["endCursor"], _CSV_PAGE)


def _csv_line(cells: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(list(cells))
    return line.getvalue()


def _cell(value: object) -> object:
    """A value as a cell; nothing stays nothing."""
    return harmless(value) if isinstance(value, str) else "" if value is None else value
