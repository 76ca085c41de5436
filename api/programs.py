"""The short way for programs: a POST to the API with a bearer token goes straight to it.

A switch asks thousands of times a second. Who it is and how much it may send is decided by then; a form's token, the
pages' addresses and their error pages do not concern it.
"""

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from api.authentication import GRAPHQL
from api.graphiql import graphql, routes

(_ROUTE,) = (route for route in routes if isinstance(route, Route))


class Programs:
    """Answers programs; everybody else goes on."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        is_program = scope["type"] == "http" and scope["state"].get("by_token", False)
        if is_program and scope["method"] == "POST" and scope["path"] == GRAPHQL:
            scope["route"] = _ROUTE
            response = await graphql(Request(scope, receive))
            await response(scope, receive, send)
            return
        await self.app(scope, receive, send)
