"""Who asks: a program by its bearer token, or a person by their session cookie. Strangers see nothing.

Tokens open `/graphql`, and the downloads that its answers name; pages are for people. Everything but the sign-in, the
health checks and the static files is closed to strangers, whether it exists or not.
"""

import re
from functools import partial
from urllib.parse import quote, urlsplit

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api import clock
from api.people import PersonState, look_up_person
from api.refusing import refused, wants_html
from api.running import Running
from api.sessions import WebSession
from api.tokens import TokenState, find_token
from db.kinds import Role
from db.kinds import Scope as TokenScope
from schema.access import Viewer
from web.reader import language_of

GRAPHQL = "/graphql"
WEBHOOKS = "/webhooks/"
SIGN_IN = "/sign-in"
# The sign-in page lets strangers choose their language; that only sets a cookie.
_OPEN = (SIGN_IN, "/preferences", "/healthz", "/readyz", "/metrics")
# Whoever sends to a webhook proves it by a signature.
_OPEN_BELOW = ("/static/", WEBHOOKS)
_DOWNLOADS = re.compile(r"/accounts/[^/]+/calls/report\.(csv|zip)")
# A token's state is remembered this long, so that a busy switch costs no look-up a call.
TOKEN_SECONDS = 5.0
TOKENS_REMEMBERED = 4096


class Authentication:
    """Puts who asks into the request's state, with what their pages need (`viewer`, `session`, `csrf_token`,
    `run`), or turns the request away."""

    def __init__(self, app: ASGIApp, *, running: Running) -> None:
        self.app = app
        self.running = running
        self._tokens: dict[str, tuple[Viewer, float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        token = _bearer(request)
        if token is not None:
            viewer = await self._viewer_of_token(token) if _open_to_tokens(scope["path"]) else None
            session = None
        else:
            session = self.running.sessions.read(request.cookies.get(self.running.sessions.cookie), clock.now())
            viewer = await self._viewer_of_session(session)
        scope.setdefault("state", {}).update(
            viewer=viewer,
            session=session,
            csrf_token=self.running.sessions.csrf_token(session) if session else "",
            by_token=token is not None,
            signed_in=viewer is not None,
            language=language_of(request),
            run=partial(self.running.run, viewer, language_of(request)),
        )
        if viewer is None and (token is not None or not _open_to_strangers(scope["path"])):
            await _turned_away(request)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    async def _viewer_of_token(self, token: str) -> Viewer | None:
        at = clock.ticks()
        remembered = self._tokens.get(token)
        if remembered is not None and at < remembered[1]:
            return remembered[0]
        self._tokens.pop(token, None)
        state = await to_thread.run_sync(self._find_token, token)
        if state is None:
            return None
        if len(self._tokens) >= TOKENS_REMEMBERED:
            self._tokens.clear()
        viewer = viewer_of_token(state)
        self._tokens[token] = (viewer, at + TOKEN_SECONDS)
        return viewer

    async def _viewer_of_session(self, session: WebSession | None) -> Viewer | None:
        if session is None or session.person_id is None:
            return None
        person = await to_thread.run_sync(self._find_person, session.person_id)
        return viewer_of_person(person) if person is not None and session.belongs_to(person) else None

    def _find_token(self, token: str) -> TokenState | None:
        with self.running.database.reading() as reading:
            return find_token(reading, token)

    def _find_person(self, person_id: int) -> PersonState | None:
        with self.running.database.reading() as reading:
            return look_up_person(reading, person_id)


def viewer_of_token(token: TokenState) -> Viewer:
    """What a program may see and do: its account as its scopes allow, or everything when it is the operator's."""
    roles = {} if token.account_id is None else {token.account_id: Role.ADMIN}
    return Viewer(token.name, token.account_id is None, roles, token.scopes)


def viewer_of_person(person: PersonState) -> Viewer:
    """What a person may see and do: their roles decide, no scope holds them back."""
    return Viewer(person.email, person.is_operator, person.roles, frozenset(TokenScope))


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


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
