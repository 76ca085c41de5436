"""How the gate says no: a program gets GraphQL's form of an error, a browser a sentence."""

from typing import Any

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Scope

from web.reader import language_of


def refused(
    scope: Scope, status: int, code: str, message: str, *, headers: dict[str, str] | None = None, **values: Any
) -> Response:
    """An answer with a code for programs and the sentence in the reader's language."""
    request = HTTPConnection(scope)
    said = language_of(request).say(message, **values)
    if wants_html(request):
        return PlainTextResponse(said, status, headers)
    extensions = {"code": code} | ({"incidentId": values["incident"]} if "incident" in values else {})
    return JSONResponse({"errors": [{"message": said, "extensions": extensions}]}, status, headers)


def wants_html(request: HTTPConnection) -> bool:
    """Tell whether a browser asks for something to show."""
    return "text/html" in request.headers.get("accept", "")
