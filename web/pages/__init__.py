"""The pages' addresses, and the pages for what cannot be shown."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount

from web.assets import FingerprintedFiles
from web.errors import Fault, NotAllowed, NotVisible
from web.pages import (
    accounts,
    audit,
    automatic,
    call_import,
    calls,
    check,
    corrections,
    decks,
    funds,
    invoices,
    ledger,
    lots,
    me,
    members,
    methods,
    notices,
    overview,
    plans,
    pools,
    preferences,
    rates,
    receipts,
    recharges,
    refunds,
    settings,
    statements,
    tokens,
    usage,
    usage_report,
    user,
    user_import,
    users,
)
from web.rendering import render

__all__ = ["error_page", "exception_handlers", "render", "routes"]

Handler = Callable[[Request, Exception], Awaitable[Response]]


def routes() -> list[BaseRoute]:
    """Every page, and the static files that they load."""
    rooms = (
        accounts, overview, funds, recharges, automatic, methods, notices, receipts, refunds, invoices, lots, ledger,
        statements, call_import, usage_report, usage, check, corrections, calls, users, user_import, user, plans, pools,
        decks, rates, settings, members, tokens, audit, preferences, me,
    )  # fmt: skip
    return [*(route for room in rooms for route in room.ROUTES), Mount("/static", FingerprintedFiles(), name="static")]


def exception_handlers() -> Mapping[Any, Handler]:
    """What the application answers when a page cannot be shown."""
    return {NotVisible: _not_visible, NotAllowed: _not_allowed, Fault: _fault, 404: _not_visible, 403: _not_allowed,
            HTTPException: _other}  # fmt: skip


def error_page(request: Request, status_code: int, *, incident: str | None = None, said: str = "") -> Response:
    """The page that says, in the reader's words, why there is nothing to see, and what to do next. A program, which may
    download, is told as the API would."""
    if getattr(request.state, "by_token", False):
        message = said or HTTPStatus(status_code).phrase
        return JSONResponse({"errors": [{"message": message, "extensions": {"incidentId": incident}}]}, status_code)
    return render(request, "error.html", status_code=status_code, status=status_code, incident=incident, said=said)


async def _not_visible(request: Request, _: Exception) -> Response:
    return error_page(request, 404)


async def _not_allowed(request: Request, _: Exception) -> Response:
    return error_page(request, 403)


async def _fault(request: Request, fault: Exception) -> Response:
    return error_page(request, 500, incident=fault.incident if isinstance(fault, Fault) else None)


async def _other(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    said = error.detail if error.status_code in (422, 429) else ""  # its own words help
    answer = error_page(request, error.status_code, said=said)
    answer.headers.update(error.headers or {})
    return answer
