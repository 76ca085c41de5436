"""Adding funds: the amount, the question "shall we?" with the figures in it, and what became of earlier ones."""

from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from credits.language import Money
from credits.money import micros_of
from web.documents import ask, tell
from web.forms import Problem, new_key, of_fields, problems_of, read_amount, read_form
from web.leaving import leave_for
from web.listing import Row, csv_of, filters_of, given, listing, paging
from web.reader import language_of
from web.rendering import render
from web.words import known, word

_FIELDS = of_fields("amount", paymentMethodId="method")


async def funds(request: Request) -> Response:
    """The form; with an amount in the address, the question whether to buy it; after that, what became of it."""
    typed = filters_of(request, "amount", "method")
    data = await _asked(request)
    if await _has_news(request, data):
        data = await _asked(request)
    if not typed["amount"] and "amount" not in request.query_params:
        return _page(request, data, typed, [])
    problems = _judge(request, typed) or _judge_least(request, typed, data["account"]["minimumRecharge"])
    return _page(request, data, typed, problems, confirm=not problems)


async def add_funds(request: Request) -> Response:
    """Buy a lot; the hidden key makes sure that a second click buys nothing more."""
    account = request.path_params["account"]
    typed = await read_form(request)
    problems = _judge(request, typed)
    if not problems:
        payload = await tell(
            request,
            "recharge",
            accountId=account,
            amount=read_amount(typed["amount"]),
            paymentMethodId=typed.get("method") or None,
            idempotencyKey=typed.get("idempotency_key") or new_key(),
        )
        if payload["recharge"] and payload["recharge"]["actionUrl"]:  # its bank asks at once, on a page of its own
            return leave_for(request, payload["recharge"]["actionUrl"], await ask(request, "head", account=account))
        if payload["recharge"]:  # paid or declined, it is written down, and the page tells what became of it
            return RedirectResponse(f"/accounts/{account}/funds?done={payload['recharge']['id']}", 303)
        problems = problems_of(payload["errors"], _FIELDS)
    return _page(request, await _asked(request), typed, problems)


async def recharges_csv(request: Request) -> Response:
    """The recharges as CSV."""
    language = language_of(request)
    say = language.say
    columns = [
        (say("When"), lambda recharge: recharge["createdAt"]),
        (say("Paid at"), lambda recharge: recharge["completedAt"]),
        (say("How"), lambda recharge: word(language, "trigger", recharge["trigger"])),
        (say("State"), lambda recharge: word(language, "recharge", recharge["status"])),
        (say("Reason"), lambda recharge: recharge["failureReason"]),
        (say("Amount"), lambda recharge: recharge["amount"]["amount"]),
        (say("Currency"), lambda recharge: recharge["amount"]["currency"]),
        (say("Payment method"), lambda recharge: (recharge["paymentMethod"] or {}).get("label")),
        (say("Id"), lambda recharge: recharge["id"]),
    ]
    account = request.path_params["account"]
    asked = {"account": account, "done": account, "isDone": False, **given(_filters(request))}
    return await csv_of(request, "funds", "recharges", columns, **asked)


def _judge(request: Request, typed: dict[str, str]) -> list[Problem]:
    """What the page itself can tell about a typed amount; the rules of money are the schema's."""
    if read_amount(typed.get("amount", "")) is None:
        return [Problem("amount", language_of(request).say("Type an amount, such as 50 or 1,250.00."))]
    return []


def _judge_least(request: Request, typed: dict[str, str], least: dict[str, str]) -> list[Problem]:
    """Say before the question is asked what would be refused after it."""
    amount = read_amount(typed["amount"])
    if amount is None or Decimal(amount) >= Decimal(least["amount"]):
        return []
    money = Money(micros_of(Decimal(least["amount"])), least["currency"])
    return [Problem("amount", language_of(request).say("The least that can be added is {least}.", least=money))]


async def _has_news(request: Request, data: dict[str, Any]) -> bool:
    """Whoever comes back from the bank should see what came of it: ask the provider before the page tells."""
    done = data.get("node")
    if not done or done["status"] != "ACTION_REQUIRED" or data["account"]["viewerRole"] == "VIEWER":
        return False
    payload = await tell(
        request, "check_recharge", accountId=request.path_params["account"], rechargeId=request.query_params["done"]
    )
    return bool(payload["recharge"] and payload["recharge"]["status"] != done["status"])


async def _asked(request: Request) -> dict[str, Any]:
    account = request.path_params["account"]
    done = request.query_params.get("done", "")
    return await ask(
        request,
        "funds",
        account=account,
        done=done or account,
        isDone=bool(done),
        **given(_filters(request)),
        **paging(request, 20),
    )


def _page(
    request: Request, data: dict[str, Any], typed: dict[str, str], problems: list[Problem], *, confirm: bool = False
) -> Response:
    methods = data["account"]["paymentMethods"]
    usual = next((method["id"] for method in methods if method["isDefault"]), "")
    chosen = next((method for method in methods if method["id"] == (typed.get("method") or usual)), None)
    return render(
        request,
        "funds.html",
        status_code=422 if problems else 200,
        data=data,
        typed=typed | {"method": chosen["id"] if chosen else "", "idempotency_key": new_key()},
        amount=read_amount(typed.get("amount", "")),
        errors=problems,
        chosen=chosen,
        payable=[(method["id"], method["label"]) for method in methods],
        after=_after(data["account"]["balance"]["available"], typed.get("amount", "")),
        confirm=confirm and chosen is not None,
        done=data.get("node"),
        unreached="unreached" in request.query_params,
        recharges=listing(request, data["account"]["recharges"], _filters(request)),
    )


def _after(available: Row, typed: str) -> dict[str, str]:
    """What would be available with the typed amount added."""
    total = Decimal(available["amount"]) + Decimal(read_amount(typed) or 0)
    return {"amount": f"{total:f}", "currency": available["currency"]}


def _filters(request: Request) -> dict[str, str]:
    filters = filters_of(request, "status")
    return filters | {"status": known("recharge", filters["status"])}


ROUTES: list[BaseRoute] = [
    Route("/accounts/{account}/funds", funds, methods=["GET"]),
    Route("/accounts/{account}/funds", add_funds, methods=["POST"]),
    Route("/accounts/{account}/funds.csv", recharges_csv, methods=["GET"]),
]
