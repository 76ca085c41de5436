"""How large a request may be: small for everyone, larger for uploads and for whoever may publish rates."""

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.refusing import refused
from api.settings import MIB
from db.kinds import Scope as TokenScope
from schema.access import Viewer


class BodyTooLarge(Exception):
    """Raised out of `receive` when a body outgrows its limit."""


class BodyLimit:
    """Refuses a body by its announced length, or as soon as it outgrows the limit while it comes in."""

    def __init__(self, app: ASGIApp, *, usual_bytes: int, upload_bytes: int) -> None:
        self.app = app
        self.usual_bytes = usual_bytes
        self.upload_bytes = upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.upload_bytes if _may_upload(scope) else self.usual_bytes
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or int(announced) > limit:
            await _too_large(scope, limit)(scope, receive, send)
            return
        left = limit
        started = False

        async def receive_within_limit() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise BodyTooLarge
            return message

        async def send_noticing(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive_within_limit, send_noticing)
        except BodyTooLarge:
            if not started:
                await _too_large(scope, limit)(scope, receive, send)


def _may_upload(scope: Scope) -> bool:
    viewer: Viewer | None = scope["state"].get("viewer")
    if viewer is None:
        return False
    publishes = viewer.is_operator and TokenScope.RATES in viewer.scopes
    return publishes or Headers(scope=scope).get("content-type", "").startswith("multipart/form-data")


def _too_large(scope: Scope, limit: int) -> Response:
    message = "This request is larger than the {limit} MiB that are taken here."
    return refused(scope, 413, "LIMIT_EXCEEDED", message, limit=limit // MIB)
