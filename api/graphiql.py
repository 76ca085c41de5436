"""GraphiQL, served by us. Its script is web/static/graphiql.js, its libraries are in web/static/vendor."""

from starlette.requests import Request
from starlette.responses import Response

from web.pages import render


async def graphiql(request: Request) -> Response:
    """The page for whoever is signed in; `query` and `variables` of the address are there to begin with."""
    return render(request, "graphiql.html")
