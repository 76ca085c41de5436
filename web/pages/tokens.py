"""The tokens of an account's programs, and the operator's: the list, a new one, and taking one back.

A new token's secret stands in the one answer to the form that made it: in no address, and on no page that can be loaded
again.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from web.documents import ask, tell
from web.forms import Problem, new_key, of_fields, problems_of, typed_in
from web.listing import csv_response, filters_of, given, listing, paging
from web.reader import language_of
from web.rendering import render
from web.words import known, word

# What an account's token may be given; publishing rates is the operator's.
_OF_ACCOUNT = ("READ", "CALLS", "FUNDS", "ADMIN")
_OF_OPERATOR = ("READ", "CALLS", "FUNDS", "RATES", "ADMIN")
_FIELDS = of_fields("name", "scopes", expiresInDays="days", expiresAt="days")


async def tokens(request: Request) -> Response:
    """One page of tokens, the newest first, and the form for a new one."""
    return _page(request, await _asked(request), {"days": "365"}, [])


async def create(request: Request) -> Response:
    """Make a token, and show its secret: here, and never again."""
    async with request.form() as form:
        typed = typed_in(form)
        scopes = [name for name in form.getlist("scope") if name in _OF_OPERATOR]
    days = known("token life", typed.get("days", ""))
    payload = await tell(
        request,
        "create_token",
        accountId=request.path_params.get("account"),
        name=typed.get("name", ""),
        scopes=scopes,
        expiresInDays=int(days) if days else None,
        idempotencyKey=typed.get("idempotency_key") or None,
    )
    data = await _asked(request)
    if payload["errors"]:
        return _page(request, data, typed, problems_of(payload["errors"], _FIELDS), scopes=scopes)
    return _page(request, data, {"days": "365"}, [], made={**payload["token"], "secret": payload["secret"]})


async def revoke(request: Request) -> Response:
    """Take a token back."""
    payload = await tell(
        request,
        "revoke_token",
        accountId=request.path_params.get("account"),
        tokenId=request.path_params["token"],
    )
    if payload["errors"]:
        return _page(request, await _asked(request), {"days": "365"}, problems_of(payload["errors"], {}))
    return RedirectResponse(f"{_place(request)}?revoked={payload['token']['id']}", 303)


async def tokens_csv(request: Request) -> Response:
    """The tokens as CSV."""
    language = language_of(request)
    say = language.say
    columns = [
        (say("Name"), lambda token: token["name"]),
        (say("Scopes"), lambda token: " ".join(token["scopes"]).lower()),
        (say("State"), lambda token: word(language, "token", token["status"])),
        (say("Created"), lambda token: token["createdAt"]),
        (say("Made by"), lambda token: token["createdBy"]),
        (say("Ends"), lambda token: token["expiresAt"]),
        (say("Last used"), lambda token: token["lastUsedAt"]),
        (say("Revoked"), lambda token: token["revokedAt"]),
        (say("Id"), lambda token: token["id"]),
    ]

    async def fetch(after: str | None, first: int) -> dict[str, Any]:
        return _listed(await _asked(request, first=first, after=after))

    return await csv_response("tokens", columns, fetch)


async def _asked(request: Request, **part: Any) -> dict[str, Any]:
    """The page's data: of the account that the address names, or the operator's."""
    asked = {**given(_filters(request)), **(part or paging(request, 50))}
    if account := request.path_params.get("account"):
        return await ask(request, "tokens", account=account, **asked)
    return await ask(request, "operators_tokens", **asked)


def _listed(data: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (data.get("account") or data)["tokens"]
    return found


def _filters(request: Request) -> dict[str, str]:
    return {"status": known("token", filters_of(request, "status")["status"])}


def _place(request: Request) -> str:
    account = request.path_params.get("account")
    return f"/accounts/{account}/tokens" if account else "/tokens"


def _page(
    request: Request,
    data: dict[str, Any],
    typed: dict[str, str],
    problems: list[Problem],
    *,
    scopes: list[Any] | None = None,
    made: dict[str, Any] | None = None,
) -> Response:
    shown = listing(request, _listed(data), _filters(request))
    revoked = request.query_params.get("revoked")
    return render(
        request,
        "tokens.html",
        status_code=422 if problems else 200,
        data=data,
        tokens=shown,
        place=_place(request),
        offered=_OF_ACCOUNT if request.path_params.get("account") else _OF_OPERATOR,
        chosen=["READ"] if scopes is None else scopes,
        made=made,
        revoked=next((token["name"] for token in shown.nodes if token["id"] == revoked), None),
        typed={**typed, "idempotency_key": new_key()},
        errors=problems,
    )


ROUTES: list[BaseRoute] = [
    route
    for place in ("/accounts/{account}/tokens", "/tokens")
    for route in (
        Route(place, tokens, methods=["GET"]),
        Route(place, create, methods=["POST"]),
        Route(f"{place}.csv", tokens_csv, methods=["GET"]),
        Route(f"{place}/{{token}}/revocation", revoke, methods=["POST"]),
    )
]
