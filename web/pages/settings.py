"""The settings of an account: what it is called and how it reads numbers and time, and whether it may be used."""

from typing import Any
from zoneinfo import available_timezones

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from web.documents import ask, tell
from web.errors import NotAllowed
from web.forms import Problem, of_fields, problems_of, read_form
from web.rendering import render

_FIELDS = of_fields("name", "region", "locale", timeZone="time_zone", rateDeck="rate_deck")
# What an address tells of only once: what was just done.
_NEWS = ("saved", "suspended", "reactivated", "closed")


async def settings(request: Request) -> Response:
    """What the account is like, and the forms to change it."""
    return _page(request, await _asked(request), {}, [])


async def save(request: Request) -> Response:
    """Change what it is called, and how it reads numbers and time."""
    data = await _asked(request)
    typed = await read_form(request)
    payload = await tell(
        request,
        "update_account",
        accountId=data["account"]["id"],
        name=typed.get("name", ""),
        timeZone=typed.get("time_zone", ""),
        region=typed.get("region", ""),
        locale=typed.get("locale", ""),
        rateDeck=typed.get("rate_deck") if _rules(data) else None,
    )
    if payload["errors"]:
        return _page(request, data, typed, problems_of(payload["errors"], _FIELDS))
    return _done(request, "saved")


async def suspend(request: Request) -> Response:
    """Let no more calls start."""
    return await _turn(request, "suspend_account", "suspension_reason", "suspended")


async def reactivate(request: Request) -> Response:
    """Let it be used again."""
    return await _turn(request, "reactivate_account", "reactivation_reason", "reactivated")


async def closing(request: Request) -> Response:
    """What closing the account would mean, and the form for it; one that is closed shows that it is."""
    data = await _asked(request)
    if data["account"]["status"] == "CLOSED":
        return RedirectResponse(f"/accounts/{data['account']['id']}/settings", 303)
    return _closing_page(request, data, {}, [])


async def close(request: Request) -> Response:
    """Close it, when it was named and a reason given."""
    data = await _asked(request)
    typed = await read_form(request)
    payload = await tell(
        request,
        "close_account",
        accountId=data["account"]["id"],
        name=typed.get("name", ""),
        reason=typed.get("reason", ""),
    )
    if payload["errors"]:
        return _closing_page(request, data, typed, problems_of(payload["errors"], of_fields("name", "reason")))
    return _done(request, "closed")


async def _turn(request: Request, mutation: str, field: str, news: str) -> Response:
    """Suspend or reactivate, for the reason in a field; each has its own, so that none is taken over by the other."""
    account = request.path_params["account"]
    reason = (await read_form(request)).get(field, "")
    payload = await tell(request, mutation, accountId=account, reason=reason)
    if payload["errors"]:
        problems = problems_of(payload["errors"], of_fields(reason=field))
        return _page(request, await _asked(request), {field: reason}, problems)
    return _done(request, news)


async def _asked(request: Request) -> dict[str, Any]:
    return await ask(request, "settings", account=request.path_params["account"])


def _rules(data: dict[str, Any]) -> bool:
    """Whether the reader says which prices the account has and whether it may be used, as long as it is open."""
    account = data["account"]
    is_owner = account["mode"] == "TEST" and account["viewerRole"] == "ADMIN"
    return bool(account["status"] != "CLOSED" and (is_owner or account["viewerRole"] == "OPERATOR"))


def _done(request: Request, news: str) -> Response:
    return RedirectResponse(f"/accounts/{request.path_params['account']}/settings?{news}=yes", 303)


def _page(request: Request, data: dict[str, Any], typed: dict[str, str], problems: list[Problem]) -> Response:
    account = data["account"]
    known = {
        "name": account["name"], "time_zone": account["timeZone"], "region": account["region"],
        "locale": account["locale"], "rate_deck": account["rateDeck"],
    }  # fmt: skip
    return render(
        request,
        "settings.html",
        status_code=422 if problems else 200,
        data=data,
        typed=known | typed,
        errors=problems,
        rules=_rules(data),
        zones=sorted(available_timezones()),
        decks=sorted({deck["name"] for deck in data["rateDecks"] if deck["currency"] == account["currency"]}),
        news=next((name for name in _NEWS if request.query_params.get(name)), "") if not problems else "",
    )


def _closing_page(request: Request, data: dict[str, Any], typed: dict[str, str], problems: list[Problem]) -> Response:
    if not _rules(data):
        raise NotAllowed
    status_code = 422 if problems else 200
    return render(request, "closing.html", status_code=status_code, data=data, typed=typed, errors=problems)


ROUTES: list[BaseRoute] = [
    Route("/accounts/{account}/settings", settings, methods=["GET"]),
    Route("/accounts/{account}/settings", save, methods=["POST"]),
    Route("/accounts/{account}/settings/suspension", suspend, methods=["POST"]),
    Route("/accounts/{account}/settings/reactivation", reactivate, methods=["POST"]),
    Route("/accounts/{account}/settings/closing", closing, methods=["GET"]),
    Route("/accounts/{account}/settings/closing", close, methods=["POST"]),
]
