"""Giving money of a recharge back: what could go back, the question "shall we?", and what became of it."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from credits.ids import belongs
from web.documents import ask, tell
from web.errors import NotVisible
from web.forms import Problem, new_key, of_fields, problems_of, read_amount, read_form
from web.listing import filters_of
from web.reader import language_of
from web.rendering import render

_FIELDS = of_fields("amount", "reason")


async def refund(request: Request) -> Response:
    """What went back of a recharge, and the form; with an amount in the address, the question whether to refund it."""
    data = await _asked(request)
    typed = filters_of(request, "amount", "reason")
    if "amount" not in request.query_params:
        return _page(request, data, {"amount": data["node"]["refundable"]["amount"], "reason": ""}, [])
    problems = _judge(request, typed)
    return _page(request, data, typed, problems, confirm=not problems)


async def give_back(request: Request) -> Response:
    """Give it back; the hidden key makes sure that a second click gives back nothing more."""
    account, recharge = request.path_params["account"], request.path_params["recharge"]
    typed = await read_form(request)
    problems = _judge(request, typed)
    if not problems:
        payload = await tell(
            request,
            "refund_recharge",
            accountId=account,
            rechargeId=recharge,
            amount=read_amount(typed["amount"]),
            reason=typed["reason"],
            idempotencyKey=typed.get("idempotency_key") or new_key(),
        )
        if not payload["errors"]:
            return RedirectResponse(f"/accounts/{account}/refunds/{recharge}?done=1", 303)
        problems = problems_of(payload["errors"], _FIELDS)
    return _page(request, await _asked(request), typed, problems)


def _judge(request: Request, typed: dict[str, str]) -> list[Problem]:
    say = language_of(request).say
    problems = []
    if read_amount(typed.get("amount", "")) is None:
        problems.append(Problem("amount", say("Type an amount, such as 50 or 1,250.00.")))
    if not typed.get("reason"):
        problems.append(Problem("reason", say("Say why: it stands on the receipt.")))
    return problems


async def _asked(request: Request) -> dict[str, Any]:
    """A recharge of another account, or one that was never paid, is not to be seen here."""
    account, recharge = request.path_params["account"], request.path_params["recharge"]
    data = await ask(request, "refund", account=account, recharge=recharge)
    if not belongs("rchg", recharge, account) or not (data["node"] or {}).get("receipt"):
        raise NotVisible
    return data


def _page(
    request: Request, data: dict[str, Any], typed: dict[str, str], problems: list[Problem], *, confirm: bool = False
) -> Response:
    return render(
        request,
        "refund.html",
        status_code=422 if problems else 200,
        data=data,
        recharge=data["node"],
        typed=typed | {"idempotency_key": typed.get("idempotency_key") or new_key()},
        amount=read_amount(typed.get("amount", "")),
        errors=problems,
        confirm=confirm,
        done="done" in request.query_params,
    )


ROUTES: list[BaseRoute] = [
    Route("/accounts/{account}/refunds/{recharge}", refund, methods=["GET"]),
    Route("/accounts/{account}/refunds/{recharge}", give_back, methods=["POST"]),
]
