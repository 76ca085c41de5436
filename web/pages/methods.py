"""How an account pays: its cards and invoice agreements, and which of them is used first."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from credits.payment_methods import CARD_WARNING_DAYS
from web.documents import ask, tell
from web.forms import Problem, of_fields, problems_of, read_form
from web.leaving import leave_for
from web.listing import Row
from web.rendering import render

_FIELDS = of_fields("kind", "token", purchaseOrder="purchase_order", agreementNumber="agreement_number")


async def methods(request: Request) -> Response:
    """The methods, and the form for another; to whoever comes back from giving a card, what came of it."""
    account, setup = request.path_params["account"], request.query_params.get("setup")
    data = await ask(request, "methods", account=account)
    if not setup or data["account"]["viewerRole"] == "VIEWER":
        return _page(request, data, {}, [], came_back="unfinished" if "unfinished" in request.query_params else "")
    payload = await tell(request, "finish_card", accountId=account, setupId=setup)
    problems = problems_of(payload["errors"], {})
    data = await ask(request, "methods", account=account)
    added = payload["paymentMethod"] or {}
    there = next((each for each in data["account"]["paymentMethods"] if each["id"] == added.get("id")), None)
    came_back = "added" if there else "" if problems or added else "unknown"
    return _page(request, data, {}, problems, came_back=came_back, added=there)


async def give_card(request: Request) -> Response:
    """Open the payment provider's page for a card, and go there."""
    account = request.path_params["account"]
    typed = await read_form(request)
    payload = await tell(request, "start_card", accountId=account, makeDefault="make_default" in typed)
    if payload["url"]:
        return leave_for(request, payload["url"], await ask(request, "head", account=account))
    data = await ask(request, "methods", account=account)
    return _page(request, data, typed, problems_of(payload["errors"], {}))


async def add_method(request: Request) -> Response:
    """Keep another method. A card number never comes here: only a token of the payment provider does."""
    account = request.path_params["account"]
    typed = await read_form(request)
    card = typed.get("kind") == "CARD"
    payload = await tell(
        request,
        "add_method",
        accountId=account,
        kind="CARD" if card else "INVOICE",
        token=typed.get("token") or None if card else None,
        purchaseOrder=None if card else typed.get("purchase_order") or None,
        agreementNumber=None if card else typed.get("agreement_number") or None,
        makeDefault="make_default" in typed,
    )
    if payload["errors"]:
        data = await ask(request, "methods", account=account)
        return _page(request, data, typed, problems_of(payload["errors"], _FIELDS))
    return RedirectResponse(f"/accounts/{account}/funds/methods", 303)


async def prefer_method(request: Request) -> Response:
    """Use this method unless another is named."""
    return await _tell_about(request, "prefer_method")


async def remove_method(request: Request) -> Response:
    """Use this method no more."""
    return await _tell_about(request, "remove_method")


async def _tell_about(request: Request, mutation: str) -> Response:
    account = request.path_params["account"]
    payload = await tell(request, mutation, accountId=account, paymentMethodId=request.path_params["method"])
    if payload["errors"]:
        data = await ask(request, "methods", account=account)
        return _page(request, data, {}, problems_of(payload["errors"], {}))
    return RedirectResponse(f"/accounts/{account}/funds/methods", 303)


def _page(
    request: Request,
    data: dict[str, Any],
    typed: dict[str, str],
    problems: list[Problem],
    *,
    came_back: str = "",
    added: Row | None = None,
) -> Response:
    is_test = data["account"]["mode"] == "TEST"
    usual = {"kind": "CARD" if is_test else "INVOICE", "token": "tok_ok", "make_default": "yes"}
    return render(
        request,
        "methods.html",
        status_code=422 if problems else 200,
        data=data,
        typed=typed or usual,
        errors=problems,
        is_test=is_test,
        came_back=came_back,
        added=added,
        soon=CARD_WARNING_DAYS,
    )


ROUTES: list[BaseRoute] = [
    Route("/accounts/{account}/funds/methods", methods, methods=["GET"]),
    Route("/accounts/{account}/funds/methods", add_method, methods=["POST"]),
    Route("/accounts/{account}/funds/methods/card", give_card, methods=["POST"]),
    Route("/accounts/{account}/funds/methods/{method}/default", prefer_method, methods=["POST"]),
    Route("/accounts/{account}/funds/methods/{method}/remove", remove_method, methods=["POST"]),
]
