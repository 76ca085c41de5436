"""Automatic recharge: how it stands, the rule with the question "shall we?" before it counts, and what it decided."""

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from web.documents import ask, tell
from web.forms import Problem, of_fields, problems_of, read_amount, read_form
from web.listing import Row, csv_of, filters_of, given, listing, paging
from web.reader import language_of
from web.rendering import render

_FIELDS = of_fields("trigger", "amount", "strategy", dailyLimit="daily_limit", paymentMethodId="method")
_AMOUNTS = ("trigger", "amount", "daily_limit")
_STRATEGIES = ("FIXED_AMOUNT", "TOP_UP_TO")


async def automatic(request: Request) -> Response:
    """How it stands, and the form; with a rule in the address, the question whether it shall count."""
    typed = filters_of(request, *_FIELDS.values())
    data = await _asked(request)
    if "amount" not in request.query_params:
        return _page(request, data, _as_set(data["account"]["autoRecharge"]), [])
    rule, problems = await _tell(request, typed, dry_run=True)
    return _page(request, data, typed, problems, asks=rule)


async def switch_on(request: Request) -> Response:
    """Let the rule count; below its trigger it recharges at once."""
    typed = await read_form(request)
    _, problems = await _tell(request, typed)
    if problems:
        return _page(request, await _asked(request), typed, problems)
    return _back(request)


async def switch_off(request: Request) -> Response:
    """Let the rule count no more. It keeps its values, for another time."""
    rule = (await _asked(request))["account"]["autoRecharge"]
    _, problems = await _tell(request, _as_set(rule), enabled=False)
    if problems:
        return _page(request, await _asked(request), _as_set(rule), problems)
    return _back(request)


async def decisions_csv(request: Request) -> Response:
    """What it decided as CSV."""
    say = language_of(request).say
    columns = [
        (say("When"), lambda decision: decision["decidedAt"]),
        (say("Last so decided"), lambda decision: decision["repeatedAt"]),
        (say("Times"), lambda decision: decision["times"]),
        (say("What it decided"), lambda decision: decision["explanation"]),
        (say("Available"), lambda decision: decision["available"]["amount"]),
        (say("Trigger"), lambda decision: decision["trigger"]["amount"]),
        (say("Amount"), lambda decision: (decision["amount"] or {}).get("amount")),
        (say("Currency"), lambda decision: decision["trigger"]["currency"]),
        (say("Recharge"), lambda decision: decision["rechargeId"]),
    ]
    return await csv_of(request, "automatic", "rechargeDecisions", columns, account=request.path_params["account"])


async def _tell(
    request: Request, typed: dict[str, str], *, enabled: bool = True, dry_run: bool = False
) -> tuple[Row | None, list[Problem]]:
    """Set the rule as it was typed, or have it judged only; the rule, or what is wrong with it."""
    amounts = {name: read_amount(typed.get(name, "")) for name in _AMOUNTS}
    said = language_of(request).say("Type an amount, such as 50 or 1,250.00.")
    needed = _AMOUNTS if typed.get("daily_limit") else _AMOUNTS[:2]
    problems = [Problem(name, said) for name in needed if enabled and amounts[name] is None]
    if problems:
        return None, problems
    payload = await tell(
        request,
        "set_automatic",
        accountId=request.path_params["account"],
        enabled=enabled,
        trigger=amounts["trigger"],
        amount=amounts["amount"],
        strategy=typed.get("strategy") if typed.get("strategy") in _STRATEGIES else _STRATEGIES[0],
        dailyLimit=amounts["daily_limit"],
        paymentMethodId=typed.get("method") or None,
        dryRun=dry_run,
    )
    return payload["autoRecharge"], problems_of(payload["errors"], _FIELDS)


async def _asked(request: Request) -> dict[str, Any]:
    return await ask(request, "automatic", account=request.path_params["account"], **paging(request, 20))


def _page(
    request: Request, data: dict[str, Any], typed: dict[str, str], problems: list[Problem], *, asks: Row | None = None
) -> Response:
    account = data["account"]
    methods = account["paymentMethods"]
    return render(
        request,
        "automatic.html",
        status_code=422 if problems else 200,
        data=data,
        typed={"strategy": _STRATEGIES[0]} | given(typed),
        errors=problems,
        rule=account["autoRecharge"],
        again=urlencode(given(_as_set(account["autoRecharge"]))),
        usual=next((method for method in methods if method["isDefault"]), None),
        payable=[("", _first_used(request, methods)), *((method["id"], method["label"]) for method in methods)],
        asks=asks,
        saved=not problems and "saved" in request.query_params,
        decisions=listing(request, account["rechargeDecisions"], {}),
    )


def _as_set(rule: Row) -> dict[str, str]:
    """The form as the rule stands."""
    limit = rule["dailyLimit"] if rule["hasOwnDailyLimit"] else None
    return {
        "strategy": rule["strategy"],
        "trigger": rule["trigger"]["amount"] if rule["trigger"] else "",
        "amount": f"{Decimal(rule['amount']['amount']).normalize():f}" if rule["amount"] else "",
        "daily_limit": limit["amount"] if limit else "",
        "method": rule["paymentMethod"]["id"] if rule["paymentMethod"] else "",
    }


def _first_used(request: Request, methods: list[Row]) -> str:
    usual = next((method["label"] for method in methods if method["isDefault"]), None)
    say = language_of(request).say
    return say("What is used first ({method})", method=usual) if usual else say("What is used first")


def _back(request: Request) -> Response:
    return RedirectResponse(f"/accounts/{request.path_params['account']}/funds/automatic?saved=yes", 303)


ROUTES: list[BaseRoute] = [
    Route("/accounts/{account}/funds/automatic", automatic, methods=["GET"]),
    Route("/accounts/{account}/funds/automatic", switch_on, methods=["POST"]),
    Route("/accounts/{account}/funds/automatic/off", switch_off, methods=["POST"]),
    Route("/accounts/{account}/funds/automatic.csv", decisions_csv, methods=["GET"]),
]
