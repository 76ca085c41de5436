"""What may be done about a recharge that is not paid yet: confirming it with the bank, asking again, giving it up.

Each leads back to the page of funds, which tells how the recharge stands; so does what was refused because it stood
otherwise by then.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from web.documents import ask, tell
from web.leaving import leave_for


async def confirm(request: Request) -> Response:
    """Ask the bank for its page, and go there."""
    recharge = await _tell(request, "confirm_recharge")
    if recharge and recharge["actionUrl"]:
        data = await ask(request, "head", account=request.path_params["account"])
        return leave_for(request, recharge["actionUrl"], data)
    return _back(request, unreached="yes")


async def check(request: Request) -> Response:
    """Ask the payment provider how it stands."""
    await _tell(request, "check_recharge")
    return _back(request)


async def give_up(request: Request) -> Response:
    """Pay it no more."""
    await _tell(request, "cancel_recharge")
    return _back(request)


async def _tell(request: Request, mutation: str) -> dict[str, Any] | None:
    known = request.path_params
    payload = await tell(request, mutation, accountId=known["account"], rechargeId=known["recharge"])
    recharge: dict[str, Any] | None = payload["recharge"]
    return recharge


def _back(request: Request, **said: str) -> Response:
    known = request.path_params
    rest = "".join(f"&{name}={value}" for name, value in said.items())
    return RedirectResponse(f"/accounts/{known['account']}/funds?done={known['recharge']}{rest}", 303)


_HERE = "/accounts/{account}/funds/recharges/{recharge}"
ROUTES: list[BaseRoute] = [
    Route(f"{_HERE}/confirm", confirm, methods=["POST"]),
    Route(f"{_HERE}/check", check, methods=["POST"]),
    Route(f"{_HERE}/cancel", give_up, methods=["POST"]),
]
