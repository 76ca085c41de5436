"""The calls of an account, the explanation of each, and whether a call may go."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from web.documents import ask
from web.errors import NotVisible
from web.forms import Problem
from web.listing import csv_of, end_of, filters_of, given, listing, paging, start_of
from web.reader import language_of
from web.rendering import render
from web.words import known, word

_LONGEST_CHECK_MINUTES = 24 * 60


async def calls(request: Request) -> Response:
    """One page of calls, newest first, by state, days, and part of a number or of the switch's id."""
    filters = _filters(request)
    data = await ask(request, "calls", **await _asked(request, filters), **paging(request, 50))
    return render(request, "calls.html", data=data, calls=listing(request, data["account"]["calls"], filters))


async def calls_csv(request: Request) -> Response:
    """The calls as CSV."""
    language = language_of(request)
    say = language.say
    columns = [
        (say("Answered"), lambda call: call["startedAt"]),
        (say("Called"), lambda call: call["to"]),
        (say("Caller"), lambda call: call["from"]),
        (say("Destination"), lambda call: call["destination"]),
        (say("Country"), lambda call: call["country"]),
        (say("Service"), lambda call: word(language, "service", call["service"])),
        (say("State"), lambda call: word(language, "call", call["status"])),
        (say("Reason"), lambda call: word(language, "refusal", call["refusal"])),
        (say("Seconds"), lambda call: call["durationSeconds"]),
        (say("Seconds billed"), lambda call: call["billedSeconds"]),
        (say("Charge"), lambda call: call["charge"]["amount"]),
        (say("Currency"), lambda call: call["charge"]["currency"]),
        (say("The switch's id"), lambda call: call["callId"]),
    ]
    return await csv_of(request, "calls", "calls", columns, **await _asked(request, _filters(request)))


async def call(request: Request) -> Response:
    """One call: which rate it met, and how its charge came about, in plain steps."""
    account = request.path_params["account"]
    data = await ask(request, "call", account=account, call=request.path_params["call"])
    if not data["node"]:
        raise NotVisible
    return render(request, "call.html", data=data, call=data["node"])


async def check(request: Request) -> Response:
    """May this call go, and what would it cost?"""
    filters = filters_of(request, "to", "minutes", "service")
    minutes, problems = _minutes(request, filters["minutes"])
    data = await ask(
        request,
        "check",
        account=request.path_params["account"],
        ask=bool(filters["to"]) and not problems,
        to=filters["to"],
        seconds=minutes * 60,
        service=known("service", filters["service"]) or "USER_OUT",
    )
    status = 422 if problems else 200
    quote = data.get("quoteCall")
    typed = {"minutes": "10", "service": "USER_OUT"} | given(filters)
    return render(request, "check.html", status_code=status, data=data, quote=quote, typed=typed, errors=problems)


def _minutes(request: Request, text: str) -> tuple[int, list[Problem]]:
    if not text:
        return 10, []
    if text.isdecimal() and 0 < len(text) <= 4 and 1 <= int(text) <= _LONGEST_CHECK_MINUTES:
        return int(text), []
    said = language_of(request).say("Ask for 1 to {most} minutes.", most=_LONGEST_CHECK_MINUTES)
    return 0, [Problem("minutes", said)]


def _filters(request: Request) -> dict[str, str]:
    filters = filters_of(request, "status", "from", "to", "search")
    return filters | {"status": known("call", filters["status"])}


async def _asked(request: Request, filters: dict[str, str]) -> dict[str, Any]:
    """The variables of the calls document; days are those of the account's own zone."""
    account = request.path_params["account"]
    asked: dict[str, Any] = {"account": account, **given(filters)}
    if filters["from"] or filters["to"]:
        zone = (await ask(request, "head", account=account))["account"]["timeZone"]
        asked |= {"from": start_of(filters["from"], zone), "to": end_of(filters["to"], zone)}
    return asked


ROUTES: list[BaseRoute] = [
    Route("/accounts/{account}/calls", calls, methods=["GET"]),
    Route("/accounts/{account}/calls.csv", calls_csv, methods=["GET"]),
    Route("/accounts/{account}/calls/check", check, methods=["GET"]),
    Route("/accounts/{account}/calls/{call}", call, methods=["GET"]),
]
