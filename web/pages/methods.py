"""How an account pays: its cards and invoice agreements, and which of them is used first."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from web.documents import ask, tell
from web.forms import Problem, of_fields, problems_of, read_form
from web.rendering import render

_FIELDS = of_fields("kind", "token", purchaseOrder="purchase_order", agreementNumber="agreement_number")


async def methods(request: Request) -> Response:
    """The methods, and the form for another."""
    data = await ask(request, "methods", account=request.path_params["account"])
    return _page(request, data, {}, [])


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


def _page(request: Request, data: dict[str, Any], typed: dict[str, str], problems: list[Problem]) -> Response:
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
    )


ROUTES: list[BaseRoute] = [
    Route("/accounts/{account}/funds/methods", methods, methods=["GET"]),
    Route("/accounts/{account}/funds/methods", add_method, methods=["POST"]),
    Route("/accounts/{account}/funds/methods/{method}/default", prefer_method, methods=["POST"]),
    Route("/accounts/{account}/funds/methods/{method}/remove", remove_method, methods=["POST"]),
]
