"""Every request has an id, is logged once, and when it fails is answered with that id and nothing else.

The log has method, path, status, time and who asked; never a query string, a body, a cookie or a token. What a program
asks and gets is logged at DEBUG only: a switch asks thousands of times a second, and each of its calls is on record.
"""

import re
import secrets

import structlog
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import clock
from api.measures import measure_request
from api.refusing import refused

log = structlog.get_logger("credits.http")
REQUEST_ID_HEADER = "X-Request-ID"
_RAW_HEADER = REQUEST_ID_HEADER.lower().encode()
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_STARTS = ("http.response.start", "websocket.http.response.start", "websocket.accept")
_SWITCHED, _BROKEN = 101, 1011
QUIET = ("/healthz", "/readyz", "/metrics", "/static/")


class Requests:
    """Gives a request its id (a proxy's, when it sent a sane one), logs it, and answers for its faults."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        request_id = _id_of(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        status, is_closed = 0, False

        async def send_with_id(message: Message) -> None:
            nonlocal status, is_closed
            if message["type"] in _STARTS:
                status = message.get("status", _SWITCHED)
                message["headers"] = [*message.get("headers", ()), (_RAW_HEADER, request_id.encode())]
            is_closed = is_closed or message["type"] == "websocket.close"
            await send(message)

        started = clock.ticks()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, receive, send_with_id)
            except Exception:  # the last line: whatever failed is logged, and the caller told so
                log.exception("fault", incident=request_id, method=_method_of(scope), path=scope["path"])
                if status == 0:
                    await _fault(scope, request_id)(scope, receive, send_with_id)
                elif status == _SWITCHED and not is_closed:
                    await send_with_id({"type": "websocket.close", "code": _BROKEN})
            seconds = clock.ticks() - started
            _write(scope, status, seconds)
            if scope["type"] == "http" and "lasts" not in scope["state"]:
                measure_request(scope, status, seconds)


def _id_of(scope: Scope) -> str:
    given = next((value.decode("latin-1") for name, value in scope["headers"] if name == _RAW_HEADER), "")
    return given if _ACCEPTABLE_ID.fullmatch(given) else secrets.token_hex(8)


def _write(scope: Scope, status: int, seconds: float) -> None:
    went_well = status < 400 and scope["state"].get("by_token", False)
    write = log.debug if went_well or scope["path"].startswith(QUIET) else log.info
    viewer = scope["state"].get("viewer")
    milliseconds = round(seconds * 1000, 1)
    asked_by = getattr(viewer, "name", None)
    write("request", method=_method_of(scope), path=scope["path"], status=status, ms=milliseconds, viewer=asked_by)


def _method_of(scope: Scope) -> str:
    return scope["method"] if scope["type"] == "http" else "WEBSOCKET"


def _fault(scope: Scope, request_id: str) -> Response:
    said = "Something went wrong here. It was written down as incident {incident}."
    return refused(scope, 500, "INTERNAL", said, incident=request_id)
