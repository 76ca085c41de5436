"""One user: entering it, changing what is known of it, its licences, and removing it."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from credits.ids import belongs
from web.charts import pool_bar
from web.documents import NOTHING, ask, tell
from web.errors import NotAllowed, NotVisible
from web.forms import Problem, of_fields, problems_of, read_amount, typed_in
from web.licensing import licence_choices, picked
from web.reader import language_of
from web.rendering import render
from web.words import known

_FIELDS = of_fields(
    "name", "country", "department", userName="user_name", monthlyLimit="monthly_limit",
    conferenceDialOut="conference_policy", userDialOut="user_policy", planCodes="plans",
)  # fmt: skip


async def new_user(request: Request) -> Response:
    """The form for a new user."""
    data = await _data_of_new(request)
    return _new_page(request, data, {"country": data["account"]["region"]}, [], [])


async def enter_user(request: Request) -> Response:
    """Enter a user, with its licences, and show it."""
    account = request.path_params["account"]
    async with request.form() as form:
        typed, codes = typed_in(form), picked(form)
    values, problems = _read(request, typed)
    if not problems:
        there = {name: value for name, value in values.items() if value is not NOTHING}
        payload = await tell(request, "create_user", accountId=account, planCodes=codes, **there)
        problems = problems_of(payload["errors"], _FIELDS)
        if payload["user"]:
            return RedirectResponse(f"/accounts/{account}/users/{payload['user']['id']}?saved=entered", 303)
    return _new_page(request, await _data_of_new(request), typed, codes, problems)


async def user(request: Request) -> Response:
    """What is known of a user, the licences that it holds, and what it spent this month."""
    data = await _data(request)
    return _page(request, data, _as_known(data["node"]), _held(data["node"]), [])


async def change_user(request: Request) -> Response:
    """Change what is known of a user."""
    async with request.form() as form:
        typed = typed_in(form)
    values, problems = _read(request, typed)
    if not problems:
        payload = await tell(request, "update_user", **_named(request), **values)
        problems = problems_of(payload["errors"], _FIELDS)
    if problems:
        data = await _data(request)
        return _page(request, data, typed, _held(data["node"]), problems)
    return _back(request, "known")


async def set_licenses(request: Request) -> Response:
    """Let a user hold the licences that are chosen, and no others."""
    async with request.form() as form:
        codes = picked(form)
    payload = await tell(request, "set_licenses", **_named(request), planCodes=codes)
    if payload["errors"]:
        data = await _data(request)
        return _page(request, data, _as_known(data["node"]), codes, problems_of(payload["errors"], _FIELDS))
    return _back(request, "licences")


async def remove_user(request: Request) -> Response:
    """Remove a user: its licences end, its calls stay."""
    payload = await tell(request, "remove_user", **_named(request))
    if payload["errors"]:
        data = await _data(request)
        return _page(request, data, _as_known(data["node"]), _held(data["node"]), problems_of(payload["errors"], {}))
    return _back(request, "removed")


async def _data(request: Request) -> dict[str, Any]:
    account, wanted = request.path_params["account"], request.path_params["user"]
    data = await ask(request, "user", account=account, user=wanted)
    if not data["node"] or not belongs("user", wanted, account):
        raise NotVisible
    return data


async def _data_of_new(request: Request) -> dict[str, Any]:
    data = await ask(request, "user_new", account=request.path_params["account"])
    if data["account"]["viewerRole"] not in ("ADMIN", "OPERATOR"):
        raise NotAllowed
    return data


def _named(request: Request) -> dict[str, Any]:
    return {"accountId": request.path_params["account"], "userId": request.path_params["user"]}


def _back(request: Request, saved: str) -> Response:
    account, wanted = request.path_params["account"], request.path_params["user"]
    return RedirectResponse(f"/accounts/{account}/users/{wanted}?saved={saved}", 303)


def _read(request: Request, typed: dict[str, str]) -> tuple[dict[str, Any], list[Problem]]:
    """What was typed as the values of the schema; what was left empty and can be without becomes NOTHING."""
    limit, problems = read_amount(typed.get("monthly_limit", "") or "0"), []
    if limit is None:
        said = language_of(request).say("Type an amount, such as 50 or 1,250.00.")
        problems.append(Problem("monthly_limit", said))
    values = {
        "name": typed.get("name", ""),
        "userName": typed.get("user_name", ""),
        "country": typed.get("country", ""),
        "department": typed.get("department") or NOTHING,
        "monthlyLimit": limit if typed.get("monthly_limit") else NOTHING,
        "conferenceDialOut": known("conference policy", typed.get("conference_policy", "")) or NOTHING,
        "userDialOut": known("user policy", typed.get("user_policy", "")) or NOTHING,
    }
    return values, problems


def _as_known(user: dict[str, Any]) -> dict[str, str]:
    """The form as it stands."""
    return {
        "name": user["name"],
        "user_name": user["userName"],
        "country": user["country"],
        "department": user["department"] or "",
        "monthly_limit": user["monthlyLimit"]["amount"] if user["monthlyLimit"] else "",
        "conference_policy": user["conferenceDialOut"] or "",
        "user_policy": user["userDialOut"] or "",
    }


def _held(user: dict[str, Any]) -> list[str]:
    return [held["plan"]["code"] for held in user["licenses"]]


def _new_page(
    request: Request, data: dict[str, Any], typed: dict[str, str], codes: list[str], problems: list[Problem]
) -> Response:
    return render(
        request, "user_new.html", status_code=422 if problems else 200, data=data, typed=typed, errors=problems,
        groups=licence_choices(data["plans"]), held=codes,
    )  # fmt: skip


def _page(
    request: Request, data: dict[str, Any], typed: dict[str, str], codes: list[str], problems: list[Problem]
) -> Response:
    return render(
        request, "user.html", status_code=422 if problems else 200, data=data, typed=typed, errors=problems,
        user=data["node"], groups=licence_choices(data["plans"]), held=codes, pool_bar=pool_bar,
        saved="" if problems else request.query_params.get("saved", ""),
    )  # fmt: skip


ROUTES: list[BaseRoute] = [
    Route("/accounts/{account}/users/new", new_user, methods=["GET"]),
    Route("/accounts/{account}/users/new", enter_user, methods=["POST"]),
    Route("/accounts/{account}/users/{user}", user, methods=["GET"]),
    Route("/accounts/{account}/users/{user}", change_user, methods=["POST"]),
    Route("/accounts/{account}/users/{user}/licenses", set_licenses, methods=["POST"]),
    Route("/accounts/{account}/users/{user}/remove", remove_user, methods=["POST"]),
]
