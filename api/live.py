"""Connections that last: WebSockets on `/graphql`, and event streams that answer a POST to it.

A browser sends a session's cookie along with a WebSocket that a page of any site opens. So the session counts only
where the page is ours (`Origin`), and a page of another site is turned away whatever it brings. A program shows its
token in the header `Authorization`, or under that name in the payload of `connection_init`.
"""

from collections.abc import Callable
from typing import Any

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from api.csrf import is_our_origin
from api.identities import Credential, LastingCaller, bearer_in
from api.measures import count_no_seat, live_connection
from api.refusing import refused
from api.running import Running
from api.seats import STRANGERS, NoSeat, Seat
from schema.access import Viewer
from schema.event_stream import EventStream
from schema.http import Asked, subscription_results
from schema.sockets import BAD_REQUEST, FORBIDDEN, PROTOCOL, TRY_LATER, Closing, Conversation
from web.reader import language_of

_WRONG_PROTOCOL = 4406
_TOO_MANY = "Too many live connections are open. Close one, or try again later."
_RETRY = {"Retry-After": "10"}


def live_answer(request: Request) -> Callable[[Asked], ASGIApp]:
    """How a subscription that came by POST is answered: by an event stream, if there is a seat left."""

    def answer(asked: Asked) -> ASGIApp:
        running: Running = request.app.state.running
        caller = _caller(running, request.state.credential, request.state.viewer, request)

        async def stream(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                with running.seats.take(request.state.credential.owner), live_connection("event stream"):
                    scope["state"]["lasts"] = True
                    results = subscription_results(asked, caller.context())
                    ends = running.seats.ended.wait
                    await EventStream(results, beside=caller.until_unknown, until=ends)(scope, receive, send)
            except NoSeat as trouble:
                await _no_seat(scope, trouble)(scope, receive, send)

        return stream

    return answer


async def websocket(connection: WebSocket) -> None:
    """Converse over a WebSocket, once it is clear that whoever opened it may."""
    running: Running = connection.app.state.running
    is_ours = is_our_origin(connection, running.settings)
    credential = running.identities.shown(connection)
    if credential.token is None and not is_ours:
        if "origin" in connection.headers:
            said = "This request came from another site."
            await connection.send_denial_response(refused(connection.scope, 403, "FORBIDDEN", said))
            return
        credential = Credential()
    viewer = await running.identities.viewer(credential)
    if viewer is None and credential.token is not None:
        said = "Sign in, or send a valid bearer token."
        await connection.send_denial_response(refused(connection.scope, 401, "UNAUTHENTICATED", said))
        return
    connection.state.viewer = viewer
    try:
        owner = STRANGERS if viewer is None else credential.owner
        with running.seats.take(owner) as seat, live_connection("WebSocket"):
            await _converse(connection, running, seat, credential, viewer)
    except NoSeat as trouble:
        await connection.send_denial_response(_no_seat(connection.scope, trouble))


async def _converse(
    connection: WebSocket, running: Running, seat: Seat, credential: Credential, viewer: Viewer | None
) -> None:
    if PROTOCOL not in connection.scope["subprotocols"]:
        await connection.accept()
        await connection.close(_WRONG_PROTOCOL, "Subprotocol not acceptable")
        return

    async def admit(payload: dict[str, Any]) -> LastingCaller:
        token = _token_in(payload)
        shown = credential if token is None else Credential(token)
        known = viewer if token is None else await running.identities.viewer(shown)
        if known is None:
            raise Closing(FORBIDDEN, "Forbidden")
        if seat.owner != shown.owner:
            try:
                running.seats.hand_over(seat, shown.owner)
            except NoSeat as trouble:
                count_no_seat(is_full=trouble.is_full)
                raise Closing(TRY_LATER, "Too many connections") from None
        connection.state.viewer = known
        return _caller(running, shown, known, connection)

    await connection.accept(PROTOCOL)
    await Conversation(connection, admit).run()


def _caller(running: Running, credential: Credential, viewer: Viewer, connection: HTTPConnection) -> LastingCaller:
    said_in = language_of(connection)
    scope = connection.scope
    return LastingCaller(running.identities, credential, viewer, lambda known: running.context(known, said_in, scope))


def _token_in(payload: dict[str, Any]) -> str | None:
    """The token in the payload of `connection_init`. One that is no bearer token is a mistake, not nothing."""
    for name, value in payload.items():
        if name.lower() == "authorization":
            token = bearer_in(value) if isinstance(value, str) else None
            if token is None:
                raise Closing(BAD_REQUEST, "Authorization is of the form: Bearer TOKEN")
            return token
    return None


def _no_seat(scope: Scope, trouble: NoSeat) -> Response:
    count_no_seat(is_full=trouble.is_full)
    return refused(scope, 503 if trouble.is_full else 429, "LIMIT_EXCEEDED", _TOO_MANY, headers=_RETRY)
