"""The catalogue of plans, who needs which licence, and the countries of Zone A; the operator edits them."""

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from web.documents import ask, tell
from web.errors import NotAllowed, NotVisible
from web.forms import Problem, of_fields, problems_of, read_form
from web.listing import csv_response
from web.reader import language_of
from web.rendering import render
from web.words import known, plan_name, word

_FIELDS = of_fields(
    "code", "name", "kind", domesticMinutes="domestic", domesticMinutesByCountry="by_country",
    internationalMinutes="international", conferenceMinutes="conference",
)  # fmt: skip
_MINUTES = {"domestic": "domesticMinutes", "international": "internationalMinutes", "conference": "conferenceMinutes"}
_BETWEEN = re.compile(r"[\s,;、，]+")


async def plans(request: Request) -> Response:
    """Every plan, which licence is needed for what, and Zone A."""
    data = await _data(request)
    return _page(request, data, [], {"countries": " ".join(data["zoneA"])})


async def plans_csv(request: Request) -> Response:
    """The plans as CSV."""
    language = language_of(request)
    say = language.say
    columns = [
        (say("Code"), lambda plan: plan["code"]),
        (say("Plan"), lambda plan: plan_name(language, plan)),
        (say("Kind"), lambda plan: word(language, "plan kind", plan["kind"])),
        (say("Domestic minutes"), lambda plan: plan["domesticMinutes"]),
        (say("In some countries"), _by_country),
        (say("International minutes"), lambda plan: plan["internationalMinutes"]),
        (say("Conference minutes"), lambda plan: plan["conferenceMinutes"]),
        (say("Shared"), lambda plan: say("yes") if plan["pooled"] else say("no")),
    ]
    found = (await _data(request))["plans"]

    async def fetch(_after: str | None, _first: int) -> dict[str, Any]:
        return {"nodes": found, "pageInfo": {"hasNextPage": False, "endCursor": None}}

    return await csv_response("plans", columns, fetch)


async def set_zone(request: Request) -> Response:
    """Say which countries Zone A has."""
    typed = await read_form(request)
    countries = [each.upper() for each in _BETWEEN.split(typed.get("countries", "")) if each]
    payload = await tell(request, "set_zone", countries=countries)
    if payload["errors"]:
        return _page(request, await _data(request), problems_of(payload["errors"], of_fields("countries")), typed)
    return _back(request)


async def new_plan(request: Request) -> Response:
    """The form for another plan."""
    return _form(request, await _data_of_operator(request), None, {"kind": "CALLING_PLAN", "pooled": "yes"}, [])


async def create_plan(request: Request) -> Response:
    """Add a plan to the catalogue."""
    typed = await read_form(request)
    values, problems = _read(request, typed)
    if not problems:
        kind = known("plan kind", typed.get("kind", ""))
        payload = await tell(request, "create_plan", code=typed.get("code", ""), kind=kind, **values)
        problems = problems_of(payload["errors"], _FIELDS)
    if problems:
        return _form(request, await _data_of_operator(request), None, typed, problems)
    return _back(request)


async def plan(request: Request) -> Response:
    """The form of a plan."""
    data = await _data_of_operator(request)
    found = _found(request, data)
    typed = {
        "name": found["name"],
        "by_country": _by_country(found),
        "pooled": "yes" if found["pooled"] else "",
        **{field: str(found[name]) for field, name in _MINUTES.items()},
    }
    return _form(request, data, found, typed, [])


async def change_plan(request: Request) -> Response:
    """Change a plan, for all accounts."""
    typed = await read_form(request)
    values, problems = _read(request, typed)
    if not problems:
        payload = await tell(request, "update_plan", planId=request.path_params["plan"], **values)
        problems = problems_of(payload["errors"], _FIELDS)
    if problems:
        data = await _data_of_operator(request)
        return _form(request, data, _found(request, data), typed, problems)
    return _back(request)


async def _data(request: Request) -> dict[str, Any]:
    return await ask(request, "plans", account=request.path_params["account"])


async def _data_of_operator(request: Request) -> dict[str, Any]:
    data = await _data(request)
    if "OPERATOR" not in data["viewer"]["roles"]:
        raise NotAllowed
    return data


def _found(request: Request, data: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] | None = next(
        (each for each in data["plans"] if each["id"] == request.path_params["plan"]), None
    )
    if found is None:
        raise NotVisible
    return found


def _by_country(plan: Any) -> str:
    """Minutes in some countries, as they are typed: one country on each line."""
    return "\n".join(f"{each['country']} {each['minutes']}" for each in plan["domesticMinutesByCountry"])


def _read(request: Request, typed: dict[str, str]) -> tuple[dict[str, Any], list[Problem]]:
    """What was typed, as the values of the schema; fields that the form of this kind does not show stay out."""
    say = language_of(request).say
    values: dict[str, Any] = {"name": typed.get("name", ""), "pooled": "pooled" in typed}
    problems = []
    for field, name in _MINUTES.items():
        if field in typed:
            minutes = _whole(typed[field] or "0")
            values[name] = minutes
            if minutes is None:
                problems.append(Problem(field, say("Type whole minutes.")))
    if "by_country" in typed:
        lines = [line.split() for line in typed["by_country"].splitlines() if line.strip()]
        if all(len(line) == 2 and _whole(line[1]) is not None for line in lines):
            values["domesticMinutesByCountry"] = [
                {"country": country.upper(), "minutes": int(minutes)} for country, minutes in lines
            ]
        else:
            problems.append(Problem("by_country", say("Type a country code and its minutes on each line: US 3000.")))
    return values, problems


def _whole(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= 9 else None


def _back(request: Request) -> Response:
    return RedirectResponse(f"/accounts/{request.path_params['account']}/plans?saved=yes", 303)


def _page(request: Request, data: dict[str, Any], problems: list[Problem], typed: dict[str, str]) -> Response:
    return render(
        request, "plans.html", status_code=422 if problems else 200, data=data, errors=problems, typed=typed,
        plans=data["plans"], zone=data["zoneA"], edits="OPERATOR" in data["viewer"]["roles"],
        saved=not problems and "saved" in request.query_params,
    )  # fmt: skip


def _form(
    request: Request, data: dict[str, Any], found: dict[str, Any] | None, typed: dict[str, str], problems: list[Problem]
) -> Response:
    return render(
        request, "plan.html", status_code=422 if problems else 200, data=data, errors=problems, typed=typed, plan=found,
    )  # fmt: skip


ROUTES: list[BaseRoute] = [
    Route("/accounts/{account}/plans", plans, methods=["GET"]),
    Route("/accounts/{account}/plans.csv", plans_csv, methods=["GET"]),
    Route("/accounts/{account}/plans/zone", set_zone, methods=["POST"]),
    Route("/accounts/{account}/plans/new", new_plan, methods=["GET"]),
    Route("/accounts/{account}/plans/new", create_plan, methods=["POST"]),
    Route("/accounts/{account}/plans/{plan}", plan, methods=["GET"]),
    Route("/accounts/{account}/plans/{plan}", change_plan, methods=["POST"]),
]
