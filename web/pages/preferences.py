"""The reader's language and theme, kept in cookies."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from credits.language import LANGUAGES
from web.forms import read_form
from web.reader import THEMES, safe_way_back

_YEAR = 365 * 86400


async def prefer(request: Request) -> Response:
    """Keep what was chosen, and go back to the page where it was."""
    typed = await read_form(request)
    answer = RedirectResponse(safe_way_back(typed.get("back", "")), 303)
    for name, allowed in (("lang", LANGUAGES), ("theme", THEMES)):
        if typed.get(name) in allowed:
            answer.set_cookie(
                name, typed[name], max_age=_YEAR, samesite="lax", httponly=True, secure=request.url.scheme == "https"
            )
    return answer


ROUTES: list[BaseRoute] = [Route("/preferences", prefer, methods=["POST"])]
