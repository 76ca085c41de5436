"""No other site may act with a visitor's cookie.

A request that changes something, and bears no proof of its own, must come from our own pages:
the browser says so (`Sec-Fetch-Site`, or `Origin` where that is missing), and the page proves it with
the token that only its session knows, in the header `X-CSRF-Token` or the form field `csrf_token`.
"""

import hmac

from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.authentication import WEBHOOKS
from api.refusing import refused
from api.sessions import CSRF_FIELD, CSRF_HEADER
from api.settings import Settings

HARMLESS = ("GET", "HEAD", "OPTIONS")
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class CrossSiteProtection:
    """Refuses with 403 what another site sent. Runs after authentication, within the body limit."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] in HARMLESS or _bears_its_own_proof(scope):
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        if not _from_our_pages(request):
            await refused(scope, 403, "FORBIDDEN", "This request came from another site.")(scope, receive, send)
            return
        expected: str = scope["state"]["csrf_token"]
        given = request.headers.get(CSRF_HEADER)
        if given is None and request.headers.get("content-type", "").startswith(_FORMS):
            receive, given = await _form_token(scope, receive)
        if not given or not expected or not hmac.compare_digest(given.encode(), expected.encode()):
            stale = "This page is no longer valid. Load it again, and repeat what you did."
            await refused(scope, 403, "FORBIDDEN", stale)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _bears_its_own_proof(scope: Scope) -> bool:
    """It comes with a token, or to where it must be signed; no browser adds either by itself."""
    return bool(scope["state"]["by_token"]) or scope["path"].startswith(WEBHOOKS)


def is_our_origin(connection: HTTPConnection, settings: Settings) -> bool:
    """Tell whether a browser says that a page of ours opened this connection: browsers bind a WebSocket to no site."""
    origin = connection.headers.get("origin", "")
    if origin == settings.base_url:
        return True
    scheme, _, place = origin.partition("://")
    return bool(place) and place == connection.headers.get("host") and (scheme == "https" or not settings.is_https)


def _from_our_pages(request: Request) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2] == request.headers.get("host")


async def _form_token(scope: Scope, receive: Receive) -> tuple[Receive, str | None]:
    """Read the form for its token, and hand on a `receive` that tells the same body again."""
    body = await Request(scope, receive).body()

    def again() -> Receive:
        told = False

        async def tell() -> Message:
            nonlocal told
            if told:
                return await receive()
            told = True
            return {"type": "http.request", "body": body, "more_body": False}

        return tell

    async with Request(scope, again()).form() as form:
        given = form.get(CSRF_FIELD)
    return again(), given if isinstance(given, str) else None
