"""Signing in and out. A wrong password says nothing about whether the address is known, and makes the next try wait.

Who has a second factor shows it in a step of its own. Between the two their cookie names no session: there is nothing
to be skipped.
"""

from typing import Any
from urllib.parse import quote, unquote

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from api import clock
from api.running import Running
from api.sessions import WebSession
from credits.people import PersonState, look_up_person
from credits.refusals import Code, Refusal
from credits.signing_in import Entry, show_second_factor, sign_out_of
from credits.signing_in import sign_in as enter
from web.pages import render
from web.reader import language_of, safe_way_back

CODE_STEP = "/sign-in/code"
# The address to sign in with, from the form before; it opens nothing, and no address of a page names it.
ADDRESS = "credits_address"
_ADDRESS_SECONDS = 600
# Each verification takes 64 MiB and a core for a tenth of a second.
verifying = CapacityLimiter(2)


async def sign_in_form(request: Request) -> Response:
    """The form, with a session of nobody that carries its token; whoever is signed in goes on to where they wanted."""
    way_on = _way_on(request.query_params.get("next", "/"))
    if request.state.viewer is not None:
        return RedirectResponse(way_on, 303)
    running: Running = request.app.state.running
    has_operator = await to_thread.run_sync(running.has_operator)
    done = request.query_params.get("done", "")
    email = unquote(request.cookies.get(ADDRESS, ""))
    return for_anybody(request, "sign_in.html", next=way_on, has_operator=has_operator, done=done, email=email)


async def sign_in(request: Request) -> Response:
    """Check address and password; then a fresh session, or the form again with what was wrong."""
    running: Running = request.app.state.running
    async with request.form() as form:
        email, password, way_on = (str(form.get(field, "")) for field in ("email", "password", "next"))
    visitor = running.devices.visitor(request, email)

    def attempt() -> Entry:
        return enter(
            running.database, running.keys,
            email=email, password=password, visitor=visitor, now=clock.now(), lasts=running.sessions.lifetime,
        )  # fmt: skip

    try:
        entry = await to_thread.run_sync(attempt, limiter=verifying)
    except Refusal as refusal:
        return refused_form(request, refusal, "sign_in.html", email=email, next=_way_on(way_on), done="")
    if entry.session_id is None:
        answer = RedirectResponse(f"{CODE_STEP}?next={quote(_way_on(way_on), safe='/')}", 303)
        keep(answer, running, running.sessions.half(entry.person, clock.now()))
        return answer
    return entered(request, entry, way_on)


async def code_form(request: Request) -> Response:
    """Ask for the second factor of somebody whose password was right; anybody else begins at the beginning."""
    way_on = _way_on(request.query_params.get("next", "/"))
    if await _half_way(request) is None:
        return RedirectResponse("/sign-in", 303)
    return render(request, "sign_in_code.html", next=way_on)


async def show_code(request: Request) -> Response:
    """Check the code; then a session."""
    running: Running = request.app.state.running
    async with request.form() as form:
        code, way_on = str(form.get("code", "")), str(form.get("next", ""))
    person = await _half_way(request)
    if person is None:
        return RedirectResponse("/sign-in", 303)
    visitor = running.devices.visitor(request, person.email)

    def attempt() -> Entry:
        return show_second_factor(
            running.database, running.keys,
            person=person, code=code, visitor=visitor, now=clock.now(), lasts=running.sessions.lifetime,
        )  # fmt: skip

    try:
        entry = await to_thread.run_sync(attempt)
    except Refusal as refusal:
        return refused_form(request, refusal, "sign_in_code.html", next=_way_on(way_on))
    return entered(request, entry, way_on)


async def sign_out(request: Request) -> Response:
    """End the session, here and on the server."""
    running: Running = request.app.state.running
    session: WebSession = request.state.session
    visitor = running.devices.visitor(request, "")

    def end() -> None:
        sign_out_of(running.database, session_id=session.session_id, visitor=visitor, now=clock.now())

    await to_thread.run_sync(end)
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(running.sessions.cookie, secure=running.sessions.is_https, httponly=True, samesite="lax")
    return answer


def for_anybody(request: Request, template: str, **values: Any) -> Response:
    """A page with a form that strangers fill in; it brings a session of nobody where there is none."""
    running: Running = request.app.state.running
    fresh = None
    if request.state.session is None:
        fresh = running.sessions.of_nobody(clock.now())
        request.state.csrf_token = running.sessions.csrf_token(fresh)
    answer = render(request, template, **values)
    if fresh is not None:
        keep(answer, running, fresh)
    return answer


def refused_form(request: Request, refusal: Refusal, template: str, **values: Any) -> Response:
    """The form again, with why not; when it is too soon, with how long to wait."""
    problem = language_of(request).say(refusal.message, **refusal.values)
    if refusal.code != Code.LIMIT_EXCEEDED:
        return render(request, template, status_code=422, problem=problem, **values)
    answer = render(request, template, status_code=429, problem=problem, **values)
    answer.headers["Retry-After"] = str(refusal.values["seconds"])
    return answer


def keep(answer: Response, running: Running, session: WebSession) -> None:
    """Let the browser keep a session's cookie."""
    sessions = running.sessions
    answer.set_cookie(
        sessions.cookie, sessions.write(session), secure=sessions.is_https, httponly=True, samesite="lax", path="/"
    )


def entered(request: Request, entry: Entry, way_on: str) -> Response:
    """Go on with the session that was opened; this browser is known from now on."""
    running: Running = request.app.state.running
    assert entry.session_id is not None
    answer = RedirectResponse(_way_on(way_on), 303)
    until = clock.now() + running.sessions.lifetime
    keep(answer, running, WebSession(entry.session_id, until, entry.person.person_id))
    running.devices.remember(answer, entry.person.email)
    answer.delete_cookie(ADDRESS, path="/sign-in")
    return answer


def to_sign_in(request: Request, done: str, email: str) -> Response:
    """Go to the form, which says what was done and has the address filled in."""
    answer = RedirectResponse(f"/sign-in?done={done}", 303)
    is_https = request.app.state.running.sessions.is_https
    answer.set_cookie(
        ADDRESS, quote(email), max_age=_ADDRESS_SECONDS, secure=is_https, httponly=True, samesite="lax", path="/sign-in"
    )
    return answer


async def _half_way(request: Request) -> PersonState | None:
    """Whose second factor is awaited, if this browser has shown their password."""
    running: Running = request.app.state.running
    session: WebSession | None = request.state.session
    if session is None or session.person_id is None or not session.stamp:
        return None
    person_id = session.person_id

    def find() -> PersonState | None:
        with running.database.reading() as reading:
            return look_up_person(reading, person_id)

    person = await to_thread.run_sync(find)
    return person if person is not None and session.awaits(person) else None


def _way_on(path: str) -> str:
    """Where to go after signing in: a page of this site, not the sign-in again."""
    way_on = safe_way_back(path)
    return "/" if way_on.startswith("/sign-") else way_on


routes = [
    Route("/sign-in", sign_in_form, methods=["GET"]),
    Route("/sign-in", sign_in, methods=["POST"]),
    Route(CODE_STEP, code_form, methods=["GET"]),
    Route(CODE_STEP, show_code, methods=["POST"]),
    Route("/sign-out", sign_out, methods=["POST"]),
]
