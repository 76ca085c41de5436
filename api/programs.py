"""The short way for programs: a POST to the API with a bearer token that was looked up of late goes straight to it.

A switch asks thousands of times a second. Who it is and how much it may send is clear from the head of its request;
sessions, a form's token, the pages' addresses and their error pages do not concern it. Whatever is not quite that goes
the way of all others, which decides the same, and remembers the token.
"""

from typing import NamedTuple

from starlette.requests import ClientDisconnect
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from api import clock
from api.authentication import GRAPHQL
from api.graphiql import routes
from api.identities import Credential, bearer_in
from api.running import Running
from credits.language import Language
from schema.access import Viewer
from schema.http import EVENTS, answer_posted
from web.reader import accepted_language

(_ROUTE,) = (route for route in routes if isinstance(route, Route))


class _Program(NamedTuple):
    """Who asks, and how the request is written and wants to be answered."""

    viewer: Viewer
    owner: str
    content_type: str
    accept: str
    language: Language


class Programs:
    """Answers programs; everybody else goes on."""

    def __init__(self, app: ASGIApp, *, running: Running, usual_bytes: int) -> None:
        self.app = app
        self._running = running
        self._usual_bytes = usual_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        is_asked = scope["type"] == "http" and scope["path"] == GRAPHQL and scope["method"] == "POST"
        program = self._known(scope["headers"]) if is_asked else None
        if program is None:
            await self.app(scope, receive, send)
            return
        scope["route"] = _ROUTE
        scope["state"].update(viewer=program.viewer, by_token=True)
        budget = self._running.budgets.of(program.owner)
        context = self._running.context(program.viewer, program.language, scope, budget)
        body = await _body_from(receive)
        answer = await answer_posted(body, program.content_type, program.accept, context)
        await answer(scope, receive, send)

    def _known(self, headers: list[tuple[bytes, bytes]]) -> _Program | None:
        """The program that asks, if its token is remembered and its request is as usual. No more comes than the length
        that is announced: the server sees to it."""
        head = dict(reversed(headers))  # of two that have one name, the first counts
        announced, accept = head.get(b"content-length", b""), _text(head, b"accept")
        if not announced.isdigit() or int(announced) > self._usual_bytes or b"cookie" in head or EVENTS in accept:
            return None
        token = bearer_in(_text(head, b"authorization"))
        viewer = None if token is None else self._running.identities.remembered(token, clock.ticks())
        if viewer is None:
            return None
        language = accepted_language(_text(head, b"accept-language"))
        return _Program(viewer, Credential(token).owner, _text(head, b"content-type"), accept, language)


def _text(head: dict[bytes, bytes], name: bytes) -> str:
    return head.get(name, b"").decode("latin-1")


async def _body_from(receive: Receive) -> bytes:
    body = b""
    is_whole = False
    while not is_whole:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        is_whole = not message.get("more_body", False)
    return body
