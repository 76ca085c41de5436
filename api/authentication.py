"""Who asks: a program by its bearer token, or a person by their session cookie. Strangers see nothing.

Tokens open `/graphql`, and the downloads that its answers name; pages are for people. Everything but the sign-in, the
health checks and the static files is closed to strangers, whether it exists or not. A WebSocket says later who asks
(api/live.py).
"""

import re
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from api.refusing import refused, wants_html
from api.running import PageRun, Running
from web.reader import language_of

GRAPHQL = "/graphql"
WEBHOOKS = "/webhooks/"
SIGN_IN = "/sign-in"
# What strangers do at the door; that they may choose their language there only sets a cookie.
_OPEN = (
    SIGN_IN, "/sign-in/code", "/forgotten", "/link", "/new-password", "/join", "/preferences", "/healthz", "/readyz",
    "/metrics",
)  # fmt: skip
# Whoever sends to a webhook proves it by a signature.
_OPEN_BELOW = ("/static/", WEBHOOKS)
_DOWNLOADS = re.compile(r"/accounts/[^/]+/calls/report\.(csv|zip)|(/accounts/[^/]+)?/audit\.(csv|jsonl)")


class Authentication:
    """Puts who asks into the request's state, with what their pages need (`viewer`, `session`, `csrf_token`,
    `run`), or turns the request away."""

    def __init__(self, app: ASGIApp, *, running: Running) -> None:
        self.app = app
        self.running = running

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "websocket" and scope["path"] != GRAPHQL:
            await WebSocketClose()(scope, receive, send)
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        identities = self.running.identities
        credential = identities.shown(request)
        token, session = credential.token, credential.session
        is_welcome = token is None or _open_to_tokens(scope["path"])
        viewer = await identities.viewer(credential) if is_welcome else None
        scope.setdefault("state", {}).update(
            viewer=viewer,
            credential=credential,
            session=session,
            csrf_token=self.running.sessions.csrf_token(session) if session else "",
            by_token=token is not None,
            signed_in=viewer is not None,
            language=language_of(request),
            run=PageRun(self.running, viewer, language_of(request), scope, credential.owner),
        )
        if viewer is None and (token is not None or not _open_to_strangers(scope["path"])):
            await _turned_away(request)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _open_to_tokens(path: str) -> bool:
    return path == GRAPHQL or _DOWNLOADS.fullmatch(path) is not None


def _open_to_strangers(path: str) -> bool:
    return path in _OPEN or path.startswith(_OPEN_BELOW)


def _turned_away(request: Request) -> Response:
    if request.headers.get("hx-request") == "true":
        page = urlsplit(request.headers.get("hx-current-url", "/"))
        return _unauthorized(request, {"HX-Redirect": _sign_in_then(page.path, page.query)})
    if wants_html(request):
        if request.method in ("GET", "HEAD"):
            return RedirectResponse(_sign_in_then(request.url.path, request.url.query), 303)
        page = urlsplit(request.headers.get("referer", "/"))  # a form whose session is over: back to its page
        return RedirectResponse(_sign_in_then(page.path, page.query), 303)
    return _unauthorized(request, {"WWW-Authenticate": "Bearer"})


def _sign_in_then(path: str, query: str) -> str:
    there = f"{path or '/'}?{query}" if query else path or "/"
    return SIGN_IN if there == "/" else f"{SIGN_IN}?next={quote(there, safe='/')}"


def _unauthorized(request: Request, headers: dict[str, str]) -> Response:
    said = "Sign in, or send a valid bearer token."
    return refused(request.scope, 401, "UNAUTHENTICATED", said, headers=headers)
