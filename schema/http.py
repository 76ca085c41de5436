"""GraphQL over HTTP, as the specification says, held to it by an audit that others wrote.

`application/graphql-response+json` answers a request that could not be run with 400; `application/json`, which is
also what is sent when nobody asks, answers 200 with `errors`. GET runs queries only, and none for another site.
"""

import asyncio
import json
from dataclasses import dataclass
from typing import Any, NoReturn

from starlette.requests import Request
from starlette.responses import Response
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from schema.context import Context
from schema.schema import schema

RESPONSE_JSON = "application/graphql-response+json"
PLAIN_JSON = "application/json"
# A body larger than this is not read on the event loop.
_LARGE = 1024 * 1024
_OPERATIONS = {"POST": {OperationType.QUERY, OperationType.MUTATION}, "GET": {OperationType.QUERY}}


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


async def answer_graphql(request: Request, context: Context) -> Response:
    """Run the operation of a POST, or the query of a GET, and answer as the caller accepts."""
    media_type = _accepted(request.headers.get("accept", ""))
    try:
        asked = await _asked(request)
        result = await schema.execute(
            asked.query,
            variable_values=asked.variables,
            context_value=context,
            operation_name=asked.operation_name,
            allowed_operation_types=_OPERATIONS[request.method],
        )
    except BadRequest as trouble:
        return _refused(trouble.status, trouble.message, media_type)
    except InvalidOperationTypeError:
        return _refused(405, "Send a mutation by POST.", media_type, {"Allow": "POST"})
    except (CannotGetOperationTypeError, MissingQueryError):
        status = 400 if media_type == RESPONSE_JSON else 200
        return _refused(status, "The document has no such operation.", media_type)
    return _answer(result, media_type)


def _accepted(accept: str) -> str:
    """The media type of the answer: the stricter one for whoever names it before the other."""
    for part in accept.lower().split(","):
        media_type = part.partition(";")[0].strip()
        if media_type in (RESPONSE_JSON, PLAIN_JSON):
            return media_type
    return PLAIN_JSON


async def _asked(request: Request) -> Asked:
    if request.method == "GET":
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise BadRequest(403, "This request came from another site.")
        given: Any = dict(request.query_params)
        for name in ("variables", "extensions"):
            if name in given:
                given[name] = _json(given[name])
    else:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != PLAIN_JSON:
            raise BadRequest(415, "Send the request as application/json.")
        body = await request.body()
        given = _json(body) if len(body) < _LARGE else await asyncio.to_thread(_json, body)
    return _checked(given)


def _json(text: str | bytes) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadRequest(400, "The request is not valid JSON.") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _checked(given: Any) -> Asked:
    if not isinstance(given, dict):
        raise BadRequest(400, "The request must be one JSON object.")
    query = given.get("query")
    if not isinstance(query, str) or not query:
        raise BadRequest(400, "`query` must be a GraphQL document.")
    for name, wanted in (("variables", dict), ("operationName", str), ("extensions", dict)):
        if not isinstance(given.get(name), wanted | None):
            raise BadRequest(400, f"`{name}` must be {'a text' if wanted is str else 'an object'}, or null.")
    return Asked(query, given.get("variables"), given.get("operationName"))


def _answer(result: ExecutionResult, media_type: str) -> Response:
    errors = result.errors or []
    was_run = result.data is not None or any(error.path is not None for error in errors)
    body: dict[str, Any] = {"errors": [error.formatted for error in errors]} if errors else {}
    if was_run:
        body["data"] = result.data
    status = 200 if was_run or media_type == PLAIN_JSON else 400
    return _response(status, body, media_type)


def _refused(status: int, message: str, media_type: str, headers: dict[str, str] | None = None) -> Response:
    error = {"message": message, "extensions": {"code": "BAD_USER_INPUT"}}
    return _response(status, {"errors": [error]}, media_type, headers)


def _response(status: int, body: dict[str, Any], media_type: str, headers: dict[str, str] | None = None) -> Response:
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    # Starlette adds a charset to text only; JSON is UTF-8 by definition, and says so for old clients.
    return Response(content, status, {"content-type": f"{media_type}; charset=utf-8", **(headers or {})})
