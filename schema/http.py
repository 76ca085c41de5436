"""GraphQL over HTTP, as the specification says, held to it by an audit that others wrote.

`application/graphql-response+json` answers a request that could not be run with 400; `application/json`, which is
also what is sent when nobody asks, answers 200 with `errors`. GET runs queries only, and none for another site.
`text/event-stream` is for subscriptions; whoever prefers it gets everything in that form.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn

from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from schema.budgets import Overdrawn
from schema.context import Context
from schema.limits import MOST_COST
from schema.schema import schema

RESPONSE_JSON = "application/graphql-response+json"
PLAIN_JSON = "application/json"
EVENTS = "text/event-stream"
# A body larger than this is not read on the event loop.
_LARGE = 1024 * 1024
_WITH_ONE_RESULT = {OperationType.QUERY, OperationType.MUTATION}
_OPERATIONS = {"POST": _WITH_ONE_RESULT, "GET": {OperationType.QUERY}}
_PARTS = {"variables": (dict, "an object"), "operationName": (str, "a text"), "extensions": (dict, "an object")}
_NO_OPERATION = "The document has no such operation."


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks to be run."""

    query: str
    variables: dict[str, Any] | None
    operation_name: str | None


class BadRequest(Exception):
    """A request that is no GraphQL request, with the status that says so."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


async def answer_graphql(request: Request, context: Context, live: Callable[[Asked], ASGIApp] | None = None) -> ASGIApp:
    """Run the operation of a POST, or the query of a GET, and answer as the caller accepts.

    A subscription is answered by `live`, for whoever accepts an event stream.
    """
    accept = request.headers.get("accept", "")
    if request.method == "POST":
        return await answer_posted(await request.body(), request.headers.get("content-type", ""), accept, context, live)
    try:
        asked = _asked_by_address(request)
    except BadRequest as trouble:
        return _refused(trouble.status, trouble.message, _media_type(accept))
    return await _answered(asked, request.method, accept, context, live)


async def answer_posted(
    body: bytes, content_type: str, accept: str, context: Context, live: Callable[[Asked], ASGIApp] | None = None
) -> ASGIApp:
    """The same for a POST whose body has come."""
    try:
        if content_type != PLAIN_JSON and content_type.partition(";")[0].strip().lower() != PLAIN_JSON:
            raise BadRequest(415, "Send the request as application/json.")
        asked = read_asked(read_json(body) if len(body) < _LARGE else await asyncio.to_thread(read_json, body))
    except BadRequest as trouble:
        return _refused(trouble.status, trouble.message, _media_type(accept))
    return await _answered(asked, "POST", accept, context, live)


async def _answered(
    asked: Asked, method: str, accept: str, context: Context, live: Callable[[Asked], ASGIApp] | None
) -> ASGIApp:
    media_type = _media_type(accept)
    try:
        result = await schema.execute(
            asked.query,
            variable_values=asked.variables,
            context_value=context,
            operation_name=asked.operation_name,
            allowed_operation_types=_OPERATIONS[method],
        )
    except InvalidOperationTypeError:
        if method == "GET":
            return _refused(405, "Send anything but a query by POST.", media_type, {"Allow": "POST"})
        if live is None or EVENTS not in _accepted(accept):
            return _refused(406, "Subscribe with Accept: text/event-stream, or over WebSocket.", media_type)
        return live(asked)
    except (CannotGetOperationTypeError, MissingQueryError):
        return _refused(200 if media_type == PLAIN_JSON else 400, _NO_OPERATION, media_type)
    except Overdrawn as trouble:
        return overdrawn(trouble, context, media_type)
    return _answer(result, media_type)


async def results_of(asked: Asked, context: Context) -> AsyncGenerator[ExecutionResult, None]:
    """All that comes of an operation: one result of a query or a mutation, of a subscription one after the other."""
    only: ExecutionResult | None = None
    try:
        only = await schema.execute(
            asked.query,
            variable_values=asked.variables,
            context_value=context,
            operation_name=asked.operation_name,
            allowed_operation_types=_WITH_ONE_RESULT,
        )
    except InvalidOperationTypeError:
        pass  # a subscription
    except (CannotGetOperationTypeError, MissingQueryError):
        only = PreExecutionError(None, [GraphQLError(_NO_OPERATION, extensions={"code": "BAD_USER_INPUT"})])
    except Overdrawn as trouble:
        only = _too_much(trouble, context)
    if only is not None:
        yield only
        return
    try:
        following = subscription_results(asked, context)
    except Overdrawn as trouble:
        yield _too_much(trouble, context)
        return
    async with aclosing(following) as results:
        async for result in results:
            yield result


def subscription_results(asked: Asked, context: Context) -> AsyncGenerator[ExecutionResult, None]:
    """The results of a subscription, one after the other: each is computed when it is asked for. Raises `Overdrawn` at
    once."""
    return schema.follow(asked.query, asked.variables, context, asked.operation_name)


def was_run(result: ExecutionResult) -> bool:
    """Tell whether a result comes of running an operation, however badly it went."""
    if isinstance(result, PreExecutionError):
        return False
    return result.data is not None or any(error.path is not None for error in result.errors or ())


def body_of(result: ExecutionResult) -> dict[str, Any]:
    """A result as the specification writes it; one that was not run has no data, not even null."""
    body: dict[str, Any] = {"errors": [error.formatted for error in result.errors]} if result.errors else {}
    if was_run(result):
        body["data"] = result.data
    if result.extensions:
        body["extensions"] = result.extensions
    return body


def overdrawn(trouble: Overdrawn, context: Context, media_type: str = PLAIN_JSON) -> Response:
    """What is answered when a caller's budget does not hold what is asked for."""
    headers = {"Retry-After": str(trouble.wait_seconds)}
    written_as = PLAIN_JSON if media_type == EVENTS else media_type
    return _response(429, write_json(body_of(_too_much(trouble, context))), written_as, headers)


def _too_much(trouble: Overdrawn, context: Context) -> PreExecutionError:
    extensions = {"code": "LIMIT_EXCEEDED", "retryAfterSeconds": trouble.wait_seconds}
    cost = {"requested": trouble.points, "allowed": MOST_COST, "left": trouble.left}
    error = GraphQLError(trouble.say(context.language), extensions=extensions)
    return PreExecutionError(None, [error], {"cost": cost})


def write_json(body: Any) -> str:
    """JSON in one line, without idle signs."""
    return _encoder.encode(body)


def write_event(name: str, body: str = "") -> str:
    """A server-sent event. One without a data field would be dropped by browsers."""
    return f"event: {name}\ndata: {body}\n\n"


@lru_cache(maxsize=256)
def _accepted(accept: str) -> tuple[str, ...]:
    """The media types that we write, in the order in which the caller names them."""
    named = (part.partition(";")[0].strip() for part in accept.lower().split(","))
    return tuple(media_type for media_type in named if media_type in (RESPONSE_JSON, PLAIN_JSON, EVENTS))


def _media_type(accept: str) -> str:
    """The one in which is answered."""
    accepted = _accepted(accept)
    return accepted[0] if accepted else PLAIN_JSON


def _asked_by_address(request: Request) -> Asked:
    if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise BadRequest(403, "This request came from another site.")
    given: Any = dict(request.query_params)
    for name in ("variables", "extensions"):
        if name in given:
            given[name] = read_json(given[name])
    return read_asked(given)


def read_json(text: str | bytes) -> Any:
    """A value from JSON; what is none is a bad request."""
    try:
        written = text if isinstance(text, str) else text.decode(json.detect_encoding(text), "surrogatepass")
        return _decoder.decode(written)
    except (ValueError, RecursionError):
        raise BadRequest(400, "The request is not valid JSON.") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


# Made once: the functions of the module json make a new one for whoever has a wish.
_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_decoder = json.JSONDecoder(parse_constant=_no_constant)


def read_asked(given: Any) -> Asked:
    """What is asked, from a value that was JSON; what asks for nothing is a bad request."""
    if not isinstance(given, dict):
        raise BadRequest(400, "The request must be one JSON object.")
    query = given.get("query")
    if not isinstance(query, str) or not query:
        raise BadRequest(400, "`query` must be a GraphQL document.")
    for name, (kind, told) in _PARTS.items():
        part = given.get(name)
        if part is not None and not isinstance(part, kind):
            raise BadRequest(400, f"`{name}` must be {told}, or null.")
    return Asked(query, given.get("variables"), given.get("operationName"))


def _answer(result: ExecutionResult, media_type: str) -> ASGIApp:
    text = write_json(body_of(result))
    if media_type == EVENTS:
        return _response(200, write_event("next", text) + write_event("complete"), EVENTS)
    return _Written(200 if was_run(result) or media_type == PLAIN_JSON else 400, text.encode(), media_type)


class _Written:
    """An answer as it goes out; one that is a `Response` works its headers out first."""

    __slots__ = ("_body", "_media_type", "_status")

    def __init__(self, status: int, body: bytes, media_type: str) -> None:
        self._status = status
        self._body = body
        self._media_type = media_type

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        headers = [_CONTENT_TYPES[self._media_type], (b"content-length", b"%d" % len(self._body))]
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        await send({"type": "http.response.body", "body": self._body})


def _refused(status: int, message: str, media_type: str, headers: dict[str, str] | None = None) -> Response:
    error = {"message": message, "extensions": {"code": "BAD_USER_INPUT"}}
    written_as = PLAIN_JSON if media_type == EVENTS else media_type
    return _response(status, write_json({"errors": [error]}), written_as, headers)


def _response(status: int, text: str, media_type: str, headers: dict[str, str] | None = None) -> Response:
    return Response(text.encode(), status, {"content-type": _content_type(media_type), **(headers or {})})


def _content_type(media_type: str) -> str:
    """Starlette adds a charset to text only; JSON is UTF-8 by definition, and says so for old clients."""
    return f"{media_type}; charset=utf-8"


_CONTENT_TYPES = {name: (b"content-type", _content_type(name).encode()) for name in (RESPONSE_JSON, PLAIN_JSON)}
