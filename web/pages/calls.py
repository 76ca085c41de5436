"""The calls of an account, and the explanation of each."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from web.documents import ask
from web.listing import Column, Row, csv_of, end_of, filters_of, given, listing, paging, start_of
from web.pages.corrections import correction_of, find_call
from web.reader import language_of
from web.rendering import render
from web.words import known, word


async def calls(request: Request) -> Response:
    """One page of calls, newest first, by state, days, and part of a number or of the switch's id."""
    filters = _filters(request)
    data = await ask(request, "calls", **await _asked(request, filters), **paging(request, 50))
    return render(request, "calls.html", data=data, calls=listing(request, data["account"]["calls"], filters))


async def calls_csv(request: Request) -> Response:
    """The calls as CSV."""
    return await csv_of(request, "calls", "calls", _columns(request), **await _asked(request, _filters(request)))


async def call(request: Request) -> Response:
    """One call: which rate it met, how its charge came about in plain steps, and what may be put right about it."""
    data = await find_call(request)
    return render(
        request,
        "call.html",
        data=data,
        call=data["node"],
        correction=correction_of(data["account"], data["node"]),
        done=request.query_params.get("done", ""),
    )


def _columns(request: Request) -> list[Column]:
    language = language_of(request)
    say = language.say
    return [
        (say("Answered"), lambda call: call["startedAt"]),
        (say("Asked for"), lambda call: call["askedAt"]),
        (say("Called"), lambda call: call["to"]),
        (say("Caller"), lambda call: call["from"]),
        (say("User"), lambda call: _of_user(call, "name")),
        (say("User name"), lambda call: _of_user(call, "userName")),
        (say("Department"), lambda call: _of_user(call, "department")),
        (say("Destination"), lambda call: call["destination"]),
        (say("Country"), lambda call: call["country"]),
        (say("Service"), lambda call: word(language, "service", call["service"])),
        (say("State"), lambda call: word(language, "call", call["status"])),
        (say("Reason"), lambda call: word(language, "refusal", call["refusal"])),
        (say("Seconds granted"), lambda call: call["maxDurationSeconds"]),
        (say("Held"), lambda call: call["held"]["amount"] if call["status"] == "AUTHORIZED" else None),
        (say("Seconds"), lambda call: call["durationSeconds"]),
        (say("Seconds paid by a plan"), lambda call: call["planSeconds"]),
        (say("Seconds billed"), lambda call: call["billedSeconds"]),
        (say("Charge"), lambda call: call["charge"]["amount"]),
        (say("Currency"), lambda call: call["charge"]["currency"]),
        (say("Charge taken back"), lambda call: call["reversedAt"]),
        (say("The switch's id"), lambda call: call["callId"]),
    ]


def _of_user(call: Row, name: str) -> object:
    """Something about the user who called, where the switch told of one."""
    return call["user"] and call["user"][name]


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
    Route("/accounts/{account}/calls/{call}", call, methods=["GET"]),
]
