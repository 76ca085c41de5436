"""Where the money went: calls of some days, added up by what the reader chooses, with a chart and as CSV."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from credits.instants import instant, local_day, months_later
from credits.language import Language
from web.charts import ColumnChart, column_chart
from web.documents import ask
from web.figures import read_instant
from web.forms import Problem
from web.listing import Column, Row, csv_response, end_of, filters_of, start_of
from web.reader import language_of
from web.rendering import render
from web.words import known, word

_MOST_SHOWN = 500
_MOST_COLUMNS = 190  # more days than that are drawn by the month
_TIMES = ("DAY", "MONTH")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the reader wants to see: which days, both included, grouped by what; and what is wrong with it."""

    first: date
    last: date
    by: tuple[str, ...]
    today: date
    zone: str
    problems: list[Problem]

    @property
    def variables(self) -> dict[str, Any]:
        """The variables of the document."""
        edges = {"from": start_of(self.first.isoformat(), self.zone), "to": end_of(self.last.isoformat(), self.zone)}
        return {**edges, "by": list(self.by)}

    @property
    def typed(self) -> dict[str, str]:
        """The form as it stands, which is the address too."""
        chosen = dict(zip(("by", "and"), self.by, strict=False))
        return {"from": self.first.isoformat(), "to": self.last.isoformat(), **chosen}


async def usage(request: Request) -> Response:
    """The usage of some days; of the present month, day by day, unless something else is chosen."""
    asked = await _asked(request)
    data, problems = await _read(request, asked)
    rows = data["account"].get("usage", [])
    shown = _most_first(rows, asked.by)[:_MOST_SHOWN]
    in_times = len(asked.by) > 1 and asked.by[0] in _TIMES
    return render(
        request,
        "usage.html",
        status_code=422 if problems else 200,
        data=data,
        typed=asked.typed,
        errors=problems,
        asked=asked,
        query=urlencode(asked.typed),
        periods=_periods(asked, language_of(request)),
        rows=shown,
        in_times=in_times,
        times=_by_time(shown, asked.by[0]) if in_times else [shown],
        count=len(rows),
        total=next(iter(data["account"].get("total", [])), None),
        chart=_chart(rows, asked),
        measure=_measure(rows),
        share=_shares(rows),
    )


async def usage_csv(request: Request) -> Response:
    """The same rows as CSV, all of them."""
    asked = await _asked(request)
    data, problems = await _read(request, asked)
    if problems:
        raise HTTPException(422, problems[0].message)
    rows = _most_first(data["account"]["usage"], asked.by)

    async def fetch(_after: str | None, _first: int) -> dict[str, Any]:
        return {"nodes": rows, "pageInfo": {"hasNextPage": False}}

    return await csv_response("usage", _columns(language_of(request), asked.by), fetch)


async def _asked(request: Request) -> Asked:
    """What the address asks for. A day that is none, or a period that ends before it begins, is told of."""
    account = (await ask(request, "zone", account=request.path_params["account"]))["account"]
    say, typed = language_of(request).say, filters_of(request, "from", "to", "by", "and")
    today = local_day(instant(read_instant(account["now"])), account["timeZone"])
    first, last = _day(typed["from"]), _day(typed["to"])
    problems = [
        Problem(name, say("This is no day."))
        for name, found in (("from", first), ("to", last))
        if typed[name] and found is None
    ]
    first = first or min(last or today, today).replace(day=1)
    last = last or max(first, today)
    if last < first:
        problems.append(Problem("to", say("The last day lies before the first.")))
    by = dict.fromkeys([known("dimension", typed["by"]) or "DAY", known("dimension", typed["and"])])
    return Asked(first, last, tuple(each for each in by if each), today, account["timeZone"], problems)


async def _read(request: Request, asked: Asked) -> tuple[dict[str, Any], list[Problem]]:
    """The usage; or the head of the page alone, and why there is no more."""
    account, problems = request.path_params["account"], asked.problems
    if not problems:
        try:
            return await ask(request, "usage", account=account, **asked.variables), []
        except HTTPException as refused:  # more than can be shown: the API says what to do
            if refused.status_code != 422:
                raise
            problems = [Problem("", refused.detail)]
    return await ask(request, "head", account=account), problems


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _periods(asked: Asked, language: Language) -> list[tuple[str, str, bool]]:
    """Periods to choose at once: what each is called, its address, and whether it is the one that is shown."""
    this = asked.today.replace(day=1)
    before = months_later(this, -1)
    spans = [
        (language.say("This month"), this, asked.today),
        (language.say("Last month"), before, this - timedelta(days=1)),
        (language.say("90 days"), asked.today - timedelta(days=89), asked.today),
        (language.say("12 months"), months_later(this, -11), asked.today),
    ]
    return [
        (
            said,
            urlencode({**asked.typed, "from": first.isoformat(), "to": last.isoformat()}),
            (first, last) == (asked.first, asked.last),
        )
        for said, first, last in spans
    ]


def _measure(rows: Sequence[Row]) -> Callable[[Row], Decimal]:
    """What rows are compared by: what they cost, or, where nothing cost anything, how long they lasted."""
    if any(Decimal(row["charge"]["amount"]) for row in rows):
        return lambda row: Decimal(row["charge"]["amount"])
    return lambda row: Decimal(row["minutes"])


def _most_first(rows: Sequence[Row], by: Sequence[str]) -> list[Row]:
    """The largest rows first; where they are grouped by time first, within each day or month."""
    measure = _measure(rows)
    found = sorted(rows, key=lambda row: (measure(row), row["calls"]), reverse=True)
    if by[0] in _TIMES:
        found.sort(key=lambda row: str(row[by[0].lower()]))
    return found


def _by_time(rows: Sequence[Row], dimension: str) -> list[list[Row]]:
    """Rows gathered by their day or month."""
    return [list(same) for _, same in groupby(rows, key=lambda row: row[dimension.lower()])]


def _shares(rows: Sequence[Row]) -> Callable[[Row], int]:
    """How much of the largest row each is, in hundredths."""
    measure = _measure(rows)
    most = max((measure(row) for row in rows), default=Decimal(0))
    return lambda row: int(measure(row) * 100 / most) if most else 0


def _chart(rows: Sequence[Row], asked: Asked) -> ColumnChart | None:
    """The days or months of the period up to today, side by side, where rows are grouped by time."""
    time = next((each for each in asked.by if each in _TIMES), None)
    if time is None:
        return None
    last = max(min(asked.last, asked.today), asked.first)
    by_month = time == "MONTH" or (last - asked.first).days >= _MOST_COLUMNS
    measure, sums = _measure(rows), dict[date, Decimal]()
    for row in rows:
        day = date.fromisoformat(row["day"] or row["month"])
        day = day.replace(day=1) if by_month else day
        sums[day] = sums.get(day, Decimal(0)) + measure(row)
    days = _months(asked.first, last) if by_month else _days(asked.first, last)
    values = [(day.isoformat(), sums.get(day, Decimal(0))) for day in days]
    return column_chart(values, "MONTH" if by_month else "DAY")


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=place) for place in range((last - first).days + 1)]


def _months(first: date, last: date) -> list[date]:
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [months_later(first.replace(day=1), place) for place in range(count)]


def _columns(language: Language, by: Sequence[str]) -> list[Column]:
    say = language.say
    columns = [column for dimension in by for column in _columns_of(language, dimension)]
    return [
        *columns,
        (say("Calls"), lambda row: row["calls"]),
        (say("Minutes"), lambda row: row["minutes"]),
        (say("Minutes of plans"), lambda row: row["planMinutes"]),
        (say("Charge"), lambda row: row["charge"]["amount"]),
        (say("Currency"), lambda row: row["charge"]["currency"]),
    ]


def _columns_of(language: Language, dimension: str) -> list[Column]:
    title = word(language, "dimension", dimension)
    if dimension == "USER":
        return [
            (title, lambda row: (row["user"] or {}).get("name")),
            (language.say("User name"), lambda row: (row["user"] or {}).get("userName")),
        ]
    if dimension == "SERVICE":
        return [(title, lambda row: word(language, "service", row["service"]))]
    return [(title, lambda row: row[dimension.lower()])]


ROUTES: list[BaseRoute] = [
    Route("/accounts/{account}/usage", usage, methods=["GET"]),
    Route("/accounts/{account}/usage.csv", usage_csv, methods=["GET"]),
]
