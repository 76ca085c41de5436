"""Who belongs to an account, and who operates: the list, inviting somebody, changing a role, taking access away."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from web.documents import ask, tell
from web.forms import Problem, of_fields, problems_of, read_form
from web.listing import csv_of, filters_of, given, listing, paging
from web.reader import language_of
from web.rendering import render
from web.words import known, word

_FIELDS = of_fields("email", "role")
# What an address tells of only once: what was just done.
_NEWS = ("invited", "changed", "removed", "withdrawn")


async def members(request: Request) -> Response:
    """One page of who belongs to the account, who is invited, and the form to invite somebody."""
    return await _members_page(request, {}, [])


async def invite_member(request: Request) -> Response:
    """Invite somebody to the account, by mail."""
    typed = await read_form(request)
    payload = await tell(
        request,
        "invite_member",
        accountId=request.path_params["account"],
        email=typed.get("email", ""),
        role=known("role", typed.get("role", "")) or "VIEWER",
    )
    if payload["errors"]:
        return await _members_page(request, typed, problems_of(payload["errors"], _FIELDS))
    return RedirectResponse(f"{_place(request)}?invited={payload['invitation']['id']}", 303)


async def set_role(request: Request) -> Response:
    """Change what a member may do; who takes their own administration away goes to the account's overview."""
    typed = await read_form(request)
    member = request.path_params["member"]
    payload = await tell(
        request,
        "set_member_role",
        accountId=request.path_params["account"],
        memberId=member,
        role=known("role", typed.get("role", "")) or "VIEWER",
    )
    if payload["errors"]:
        return await _members_page(request, {}, problems_of(payload["errors"], {}))
    if typed.get("own") and typed.get("role") != "ADMIN":
        return RedirectResponse(f"/accounts/{request.path_params['account']}", 303)
    return RedirectResponse(f"{_place(request)}?changed={member}", 303)


async def remove_member(request: Request) -> Response:
    """Take the account away from a member; who takes it from themselves goes to what is left."""
    typed = await read_form(request)
    account, member = request.path_params["account"], request.path_params["member"]
    payload = await tell(request, "remove_member", accountId=account, memberId=member)
    if payload["errors"]:
        return await _members_page(request, {}, problems_of(payload["errors"], {}))
    return RedirectResponse("/" if typed.get("own") else f"{_place(request)}?removed=yes", 303)


async def members_csv(request: Request) -> Response:
    """The members as CSV."""
    language = language_of(request)
    say = language.say
    columns = [
        (say("Mail address"), lambda member: member["email"]),
        (say("Role"), lambda member: word(language, "role", member["role"])),
        (say("Since"), lambda member: member["joinedAt"]),
        (say("Second factor"), lambda member: say("yes") if member["hasSecondFactor"] else say("no")),
        (say("Last seen"), lambda member: member["lastSeenAt"]),
        (say("Id"), lambda member: member["id"]),
    ]
    asked = {"account": request.path_params["account"], **given(filters_of(request, "search"))}
    return await csv_of(request, "members", "members", columns, **asked)


async def operators(request: Request) -> Response:
    """Who operates, who is invited to, and the form to invite somebody."""
    return await _operators_page(request, {}, [])


async def invite_operator(request: Request) -> Response:
    """Invite somebody to operate, by mail."""
    typed = await read_form(request)
    payload = await tell(request, "invite_operator", email=typed.get("email", ""))
    if payload["errors"]:
        return await _operators_page(request, typed, problems_of(payload["errors"], _FIELDS))
    return RedirectResponse(f"/people?invited={payload['invitation']['id']}", 303)


async def remove_operator(request: Request) -> Response:
    """Let somebody operate no more."""
    typed = await read_form(request)
    payload = await tell(request, "remove_operator", operatorId=request.path_params["operator"])
    if payload["errors"]:
        return await _operators_page(request, {}, problems_of(payload["errors"], {}))
    return RedirectResponse("/" if typed.get("own") else "/people?removed=yes", 303)


async def withdraw(request: Request) -> Response:
    """Let an invitation be of no use any more."""
    account = request.path_params.get("account")
    invitation = request.path_params["invitation"]
    payload = await tell(request, "withdraw_invitation", accountId=account, invitationId=invitation)
    if payload["errors"]:
        page = _members_page if account else _operators_page
        return await page(request, {}, problems_of(payload["errors"], {}))
    return RedirectResponse(f"{_place(request)}?withdrawn=yes", 303)


def _place(request: Request) -> str:
    account = request.path_params.get("account")
    return f"/accounts/{account}/people" if account else "/people"


async def _members_page(request: Request, typed: dict[str, str], problems: list[Problem]) -> Response:
    filters = filters_of(request, "search")
    asked = {"account": request.path_params["account"], **given(filters), **paging(request, 50)}
    data = await ask(request, "members", **asked)
    shown = listing(request, data["account"]["members"], filters)
    told = {"members": shown, "invitations": data["account"]["invitations"]}
    return _page(request, "members.html", data, told, typed, problems)


async def _operators_page(request: Request, typed: dict[str, str], problems: list[Problem]) -> Response:
    data = await ask(request, "operators")
    told = {"operators": data["operators"], "invitations": data["invitations"]}
    return _page(request, "operators.html", data, told, typed, problems)


def _page(
    request: Request,
    template: str,
    data: dict[str, Any],
    told: dict[str, Any],
    typed: dict[str, str],
    problems: list[Problem],
) -> Response:
    news = {name: "" if problems else request.query_params.get(name, "") for name in _NEWS}
    invited = next((each["email"] for each in told["invitations"] if each["id"] == news["invited"]), None)
    return render(
        request,
        template,
        status_code=422 if problems else 200,
        data=data,
        place=_place(request),
        typed={"role": "VIEWER"} | typed,
        errors=problems,
        news=news,
        invited=invited,
        **told,
    )


ROUTES: list[BaseRoute] = [
    Route("/accounts/{account}/people", members, methods=["GET"]),
    Route("/accounts/{account}/people", invite_member, methods=["POST"]),
    Route("/accounts/{account}/people.csv", members_csv, methods=["GET"]),
    Route("/accounts/{account}/people/invitations/{invitation}/withdrawal", withdraw, methods=["POST"]),
    Route("/accounts/{account}/people/{member}/role", set_role, methods=["POST"]),
    Route("/accounts/{account}/people/{member}/removal", remove_member, methods=["POST"]),
    Route("/people", operators, methods=["GET"]),
    Route("/people", invite_operator, methods=["POST"]),
    Route("/people/invitations/{invitation}/withdrawal", withdraw, methods=["POST"]),
    Route("/people/{operator}/removal", remove_operator, methods=["POST"]),
]
