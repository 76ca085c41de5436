"""One's own sign-in: the password, the second factor, and where one is signed in.

A secret and recovery codes are shown in the answer to the form that made them, which nothing keeps, and never again.
"""

from typing import Any

import segno
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from web.browsers import browser_name
from web.documents import ask, tell
from web.errors import NotVisible
from web.forms import Problem, of_fields, problems_of, read_form
from web.reader import language_of
from web.rendering import render

_DONE = ("password", "removed", "ended")
_PASSWORD = of_fields(password="present", newPassword="new_password")
_START = of_fields(password="start_password")
_PROOF = of_fields("code")
_REMOVE = of_fields(password="remove_password", code="remove_code")
_RENEW = of_fields(password="renew_password", code="renew_code")


async def me(request: Request) -> Response:
    """The page."""
    done = request.query_params.get("done", "")
    return await _page(request, done=done if done in _DONE else "")


async def change_password(request: Request) -> Response:
    """Let another password count."""
    typed = await read_passwords(request)
    if typed.get("new_password") != typed.get("repeated"):
        said = language_of(request).say("The two passwords differ.")
        return await _page(request, [Problem("repeated", said)])
    payload = await tell(
        request, "change_password", password=typed.get("present", ""), newPassword=typed.get("new_password", "")
    )
    if payload["errors"]:
        return await _page(request, problems_of(payload["errors"], _PASSWORD))
    return RedirectResponse("/me?done=password", 303)


async def start_second_factor(request: Request) -> Response:
    """Show the secret of a second factor, for an app to read."""
    typed = await read_passwords(request)
    payload = await tell(request, "start_second_factor", password=typed.get("start_password", ""))
    if payload["errors"]:
        return await _page(request, problems_of(payload["errors"], _START))
    return _setting_up(request, await ask(request, "me"), payload["secret"], payload["uri"], [])


async def prove_second_factor(request: Request) -> Response:
    """Ask for it from now on, if the code is right; then show the recovery codes."""
    typed = await read_form(request)
    payload = await tell(request, "confirm_second_factor", code=typed.get("code", ""))
    if payload["errors"]:
        problems = problems_of(payload["errors"], _PROOF)
        return _setting_up(request, await ask(request, "me"), typed.get("secret", ""), typed.get("uri", ""), problems)
    return _codes(request, await ask(request, "me"), payload["codes"])


async def renew_codes(request: Request) -> Response:
    """Make recovery codes anew, and show them."""
    typed = await read_passwords(request)
    payload = await tell(
        request, "renew_recovery_codes", password=typed.get("renew_password", ""), code=typed.get("renew_code", "")
    )
    if payload["errors"]:
        return await _page(request, problems_of(payload["errors"], _RENEW))
    return _codes(request, await ask(request, "me"), payload["codes"])


async def remove_second_factor(request: Request) -> Response:
    """Ask for a second factor no more."""
    typed = await read_passwords(request)
    payload = await tell(
        request, "remove_second_factor", password=typed.get("remove_password", ""), code=typed.get("remove_code", "")
    )
    if payload["errors"]:
        return await _page(request, problems_of(payload["errors"], _REMOVE))
    return RedirectResponse("/me?done=removed", 303)


async def end_session(request: Request) -> Response:
    """End a session; one that is over by now is what was wanted."""
    await tell(request, "end_session", sessionId=request.path_params["session"])
    return RedirectResponse("/me?done=ended", 303)


async def end_other_sessions(request: Request) -> Response:
    """End all sessions but this one."""
    await tell(request, "end_other_sessions")
    return RedirectResponse("/me?done=ended", 303)


async def read_passwords(request: Request) -> dict[str, str]:
    """The texts of a form just as they were typed: a blank may be part of a password."""
    async with request.form() as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


def square_code(uri: str) -> Markup:
    """What an app reads with its camera; black on white in any theme, since apps expect it."""
    code = segno.make(uri, error="m", micro=False)
    drawn = code.svg_inline(border=4, light="#fff", dark="#000", omitsize=True, svgclass="square-code", lineclass=None)
    return Markup(drawn)


async def _page(request: Request, problems: list[Problem] | None = None, done: str = "") -> Response:
    data = await ask(request, "me")
    if data["viewer"]["signIn"] is None:
        raise NotVisible
    return render(
        request, "me.html",
        status_code=422 if problems else 200, data=data, errors=problems or [], done=done, browser_name=browser_name,
    )  # fmt: skip


def _setting_up(request: Request, data: dict[str, Any], secret: str, uri: str, problems: list[Problem]) -> Response:
    return render(
        request, "second_factor.html",
        status_code=422 if problems else 200, data=data, errors=problems, secret=secret, uri=uri,
        square_code=square_code(uri) if uri.startswith("otpauth://") and len(uri) < 500 else "",
    )  # fmt: skip


def _codes(request: Request, data: dict[str, Any], codes: list[str]) -> Response:
    return render(request, "recovery_codes.html", data=data, codes=codes)


ROUTES: list[BaseRoute] = [
    Route("/me", me, methods=["GET"]),
    Route("/me/password", change_password, methods=["POST"]),
    Route("/me/second-factor", start_second_factor, methods=["POST"]),
    Route("/me/second-factor/proof", prove_second_factor, methods=["POST"]),
    Route("/me/second-factor/removal", remove_second_factor, methods=["POST"]),
    Route("/me/recovery-codes", renew_codes, methods=["POST"]),
    Route("/me/sessions/others/end", end_other_sessions, methods=["POST"]),
    Route("/me/sessions/{session}/end", end_session, methods=["POST"]),
]
