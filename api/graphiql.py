"""`/graphql`: the API for programs, by HTTP and WebSocket; GraphiQL for whoever comes with a browser.

GraphiQL is served by us: its page is web/templates/graphiql.html, its script web/static/graphiql.js, and its
libraries are in web/static/vendor.
"""

from starlette.requests import Request
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp

from api.live import live_answer, websocket
from api.refusing import wants_html
from api.running import Running
from schema.http import answer_graphql
from web.pages import render


async def graphql(request: Request) -> ASGIApp:
    """Answer a request of the API; a browser gets GraphiQL, with the address's `query` and `variables` in it."""
    if request.method == "GET" and wants_html(request):
        return render(request, "graphiql.html")
    running: Running = request.app.state.running
    context = running.context(request.state.viewer, request.state.language, request.scope)
    return await answer_graphql(request, context, live_answer(request))


routes = [Route("/graphql", graphql, methods=["GET", "POST"]), WebSocketRoute("/graphql", websocket)]
