"""The minutes of a month: what users share, what each has of its own, and how much of it is used, promised and left."""

import re
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from credits.instants import first_day
from web.charts import pool_bar
from web.documents import ask
from web.figures import figures_for
from web.listing import csv_response, filters_of, given, listing, paging
from web.reader import language_of
from web.rendering import render
from web.words import plan_name, word

_MONTH = re.compile(r"[12][0-9]{3}-(0[1-9]|1[0-2])")


async def pools(request: Request) -> Response:
    """The pools of a month, with the months before and after it."""
    filters = _filters(request)
    data = await _asked(request, filters, **paging(request, 50))
    account = data["account"]
    present = _number(figures_for(language_of(request), account).day_of(account["now"]))
    shown = _number(date.fromisoformat(f"{filters['month']}-01")) if filters["month"] else present
    return render(
        request,
        "pools.html",
        data=data,
        shared=account["minutePools"],
        own=listing(request, account["userMinutePools"], {"search": filters["search"]}, month=filters["month"]),
        month=first_day(shown).isoformat(),
        before=_address(request, shown - 1, present),
        after=_address(request, shown + 1, present) if shown < present else None,
        is_present=shown == present,
        bar=pool_bar,
    )


async def pools_csv(request: Request) -> Response:
    """The pools as CSV: those that are shared, then users' own."""
    language = language_of(request)
    say = language.say
    columns = [
        (say("Plan"), lambda pool: plan_name(language, pool["plan"])),
        (say("Minutes for"), lambda pool: word(language, "minutes", pool["scope"])),
        (say("Country code"), lambda pool: pool["country"]),
        (say("User"), lambda pool: (pool["user"] or {}).get("userName")),
        (say("Licences"), lambda pool: pool["licenses"]),
        (say("Minutes"), lambda pool: pool["minutesTotal"]),
        (say("Used"), lambda pool: pool["minutesUsed"]),
        (say("Promised"), lambda pool: pool["minutesPromised"]),
        (say("Left"), lambda pool: pool["minutesLeft"]),
    ]

    async def fetch(after: str | None, first: int) -> dict[str, Any]:
        account = (await _asked(request, _filters(request), first=first, after=after))["account"]
        page: dict[str, Any] = account["userMinutePools"]
        return page if after else {**page, "nodes": [*account["minutePools"], *page["nodes"]]}

    return await csv_response("minutes", columns, fetch)


async def _asked(request: Request, filters: dict[str, str], **page: Any) -> dict[str, Any]:
    asked = given({"search": filters["search"], "month": filters["month"] and f"{filters['month']}-01"})
    return await ask(request, "pools", account=request.path_params["account"], **asked, **page)


def _filters(request: Request) -> dict[str, str]:
    filters = filters_of(request, "search", "month")
    return filters | {"month": filters["month"] if _MONTH.fullmatch(filters["month"]) else ""}


def _number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _address(request: Request, month: int, present: int) -> dict[str, str]:
    """Where another month is shown, and its first day."""
    day = first_day(month)
    query = "" if month == present else f"?month={day:%Y-%m}"
    return {"href": f"{request.url.path}{query}", "day": day.isoformat()}


ROUTES: list[BaseRoute] = [
    Route("/accounts/{account}/pools", pools, methods=["GET"]),
    Route("/accounts/{account}/pools.csv", pools_csv, methods=["GET"]),
]
