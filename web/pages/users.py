"""The users of an account: the list, licences for many of them at once, and whom all of them may dial."""

from collections.abc import Collection
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from credits.policies import AS_THE_ACCOUNT
from web.documents import ask, tell
from web.forms import Problem, problems_of, read_form
from web.licensing import licence_choices, picked
from web.listing import csv_of, filters_of, given, listing, paging
from web.reader import language_of
from web.rendering import render
from web.words import known, word

# What an address tells of only once: what was just done.
_NEWS = ("assigned", "saved")


async def users(request: Request) -> Response:
    """One page of users by name, found by name, department or licence."""
    return _page(request, await _asked(request, _filters(request)), [])


async def users_csv(request: Request) -> Response:
    """The users as CSV; the same file can be handed in again to enter users."""
    language = language_of(request)
    say = language.say

    def own(group: str, policy: str | None) -> str:
        return word(language, group, policy) or language.said(AS_THE_ACCOUNT)

    columns = [
        (say("Name"), lambda user: user["name"]),
        (say("User name"), lambda user: user["userName"]),
        (say("Department"), lambda user: user["department"]),
        (say("Country code"), lambda user: user["country"]),
        (say("Licences"), lambda user: " ".join(held["plan"]["code"] for held in user["licenses"])),
        (say("Monthly limit"), lambda user: (user["monthlyLimit"] or {}).get("amount")),
        (say("Spent this month"), lambda user: user["spentThisMonth"]["amount"]),
        (say("Currency"), lambda user: user["spentThisMonth"]["currency"]),
        (say("Conferences may dial"), lambda user: own("conference policy", user["conferenceDialOut"])),
        (say("May call"), lambda user: own("user policy", user["userDialOut"])),
        (say("Id"), lambda user: user["id"]),
    ]
    asked = {"account": request.path_params["account"], **given(_filters(request))}
    return await csv_of(request, "users", "users", columns, **asked)


async def assign(request: Request) -> Response:
    """Change the licences of the users who are ticked on this page of the list."""
    say = language_of(request).say
    async with request.form() as form:
        ticked = [str(each) for each in form.getlist("listed" if form.get("everyone") else "user")]
        codes, change = picked(form), known("license change", str(form.get("change", ""))) or "ADD"
    problems = []
    if not ticked:
        problems.append(Problem("everyone", say("Tick the users first, or everyone on this page.")))
    if not codes:
        problems.append(Problem("change", say("Choose the licences.")))
    if not problems:
        payload = await tell(
            request, "assign_licenses",
            accountId=request.path_params["account"], userIds=ticked, planCodes=codes, change=change,
        )  # fmt: skip
        problems = problems_of(payload["errors"], {"planCodes": "change", "userIds": "everyone"})
    if problems:
        data = await _asked(request, _filters(request))
        return _page(request, data, problems, ticked=ticked, codes=codes, change=change)
    shown = {name: value for name, value in request.query_params.items() if name not in _NEWS}
    return RedirectResponse(f"{request.url.path}?{urlencode({**shown, 'assigned': len(ticked)})}", 303)


async def set_policies(request: Request) -> Response:
    """Say whom users without a policy of their own may dial."""
    account = request.path_params["account"]
    typed = await read_form(request)
    payload = await tell(
        request, "set_policies", accountId=account,
        conferenceDialOut=known("conference policy", typed.get("conference_policy", "")) or None,
        userDialOut=known("user policy", typed.get("user_policy", "")) or None,
    )  # fmt: skip
    if payload["errors"]:
        return _page(request, await _asked(request, _filters(request)), problems_of(payload["errors"], {}))
    return RedirectResponse(f"/accounts/{account}/users?saved=yes", 303)


async def _asked(request: Request, filters: dict[str, str]) -> dict[str, Any]:
    account = request.path_params["account"]
    return await ask(request, "users", account=account, **given(filters), **paging(request, 50))


def _page(
    request: Request,
    data: dict[str, Any],
    problems: list[Problem],
    *,
    ticked: Collection[str] = (),
    codes: Collection[str] = (),
    change: str = "ADD",
) -> Response:
    account, news = data["account"], request.query_params
    policies = {"conference_policy": account["conferenceDialOut"], "user_policy": account["userDialOut"]}
    return render(
        request,
        "users.html",
        status_code=422 if problems else 200,
        data=data,
        errors=problems,
        typed={"change": change, **policies},
        users=listing(request, account["users"], _filters(request)),
        plans=data["plans"],
        groups=licence_choices(data["plans"]),
        ticked=ticked,
        held=codes,
        assigned=int(news["assigned"]) if not problems and news.get("assigned", "").isdecimal() else 0,
        saved=not problems and "saved" in news,
    )


def _filters(request: Request) -> dict[str, str]:
    return filters_of(request, "search", "plan")


ROUTES: list[BaseRoute] = [
    Route("/accounts/{account}/users", users, methods=["GET"]),
    Route("/accounts/{account}/users", assign, methods=["POST"]),
    Route("/accounts/{account}/users.csv", users_csv, methods=["GET"]),
    Route("/accounts/{account}/users/policies", set_policies, methods=["POST"]),
]
