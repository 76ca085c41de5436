"""May this call go? For how long, at what cost, and if not: what to do about it."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from web.documents import ask
from web.forms import Problem
from web.listing import Row, filters_of, given
from web.reader import language_of
from web.rendering import render
from web.words import known

_LONGEST_MINUTES = 24 * 60
_USUAL_MINUTES = 10
_MOST_NAMED = 3


async def check(request: Request) -> Response:
    """The form, and for a number that was typed the answer that a switch would get now."""
    account = request.path_params["account"]
    filters = filters_of(request, "to", "user", "caller", "minutes", "service")
    service = known("service", filters["service"]) or "USER_OUT"
    minutes, problems = _minutes(request, filters["minutes"])
    users = await _users_like(request, filters["user"])
    user = _meant(users, filters["user"])
    if filters["user"] and user is None:
        problems.append(Problem("user", _nobody(request, users)))
    asked: dict[str, Any] = {"to": filters["to"], "from": filters["caller"] or None, "service": service}
    data = await ask(
        request,
        "check",
        account=account,
        ask=bool(filters["to"]) and not problems,
        user=user and user["id"],
        seconds=minutes * 60,
        **asked,
    )
    return render(
        request,
        "check.html",
        status_code=422 if problems else 200,
        data=data,
        quote=data.get("quoteCall"),
        user=user,
        offered=users or data["account"]["users"]["nodes"],
        asked_seconds=minutes * 60,
        typed={"minutes": str(_USUAL_MINUTES)} | given(filters) | {"service": service},
        errors=problems,
    )


async def _users_like(request: Request, text: str) -> list[Row]:
    """The users whom a typed text may mean."""
    if not text:
        return []
    data = await ask(request, "find_users", account=request.path_params["account"], search=text)
    users: list[Row] = data["account"]["users"]["nodes"]
    return users


def _meant(users: list[Row], text: str) -> Row | None:
    """The user whose user name, or whole name, was typed; or the only one who is like that."""
    for name in ("userName", "name"):
        exact = [user for user in users if user[name].casefold() == text.casefold()]
        if len(exact) == 1:
            return exact[0]
    return users[0] if len(users) == 1 else None


def _nobody(request: Request, users: list[Row]) -> str:
    say = language_of(request).say
    if not users:
        return say("No user is like that.")
    named = ", ".join(f"{user['name']} ({user['userName']})" for user in users[:_MOST_NAMED])
    return say("Several users are like that, such as {users}. Type one of their user names.", users=named)


def _minutes(request: Request, text: str) -> tuple[int, list[Problem]]:
    if not text:
        return _USUAL_MINUTES, []
    if text.isdecimal() and 0 < len(text) <= 4 and 1 <= int(text) <= _LONGEST_MINUTES:
        return int(text), []
    said = language_of(request).say("Ask for 1 to {most} minutes.", most=_LONGEST_MINUTES)
    return 0, [Problem("minutes", said)]


ROUTES: list[BaseRoute] = [Route("/accounts/{account}/calls/check", check, methods=["GET"])]
