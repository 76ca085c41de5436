"""Signing in and out. A wrong password says nothing about whether the address is known, and makes the next try wait."""

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from api import clock
from api.running import Running
from api.sessions import WebSession
from credits.passwords import verify_password
from credits.people import PersonState, find_person
from web.pages import render
from web.reader import language_of, safe_way_back

# Each verification takes 64 MiB and a core for a tenth of a second.
_verifying = CapacityLimiter(2)


async def sign_in_form(request: Request) -> Response:
    """The form, with a session of nobody that carries its token; whoever is signed in goes on to where they wanted."""
    way_on = _way_on(request.query_params.get("next", "/"))
    if request.state.viewer is not None:
        return RedirectResponse(way_on, 303)
    running: Running = request.app.state.running
    session = request.state.session
    if session is None:
        session = running.sessions.open(None, clock.now())
        request.state.csrf_token = running.sessions.csrf_token(session)
    answer = _form(request, way_on)
    _keep(answer, running, session)
    return answer


async def sign_in(request: Request) -> Response:
    """Check address and password; then a fresh session, or the form again with what was wrong."""
    running: Running = request.app.state.running
    async with request.form() as form:
        email, password, way_on = (str(form.get(field, "")) for field in ("email", "password", "next"))
    client = request.client.host if request.client is not None else ""
    address = email.strip().lower()
    pause = running.attempts.pause_left(client, address, clock.ticks())
    if pause:
        answer = _form(
            request, way_on, email, "Too many wrong passwords. Try again in {seconds} seconds.", seconds=pause
        )
        answer.headers["Retry-After"] = str(pause)
        return answer
    person = await to_thread.run_sync(_verified, running, email, password, limiter=_verifying)
    if person is None:
        running.attempts.failed(client, address, clock.ticks())
        return _form(request, way_on, email, "This address and this password do not belong together.")
    running.attempts.succeeded(client, address)
    answer = RedirectResponse(_way_on(way_on), 303)
    _keep(answer, running, running.sessions.open(person, clock.now()))
    return answer


async def sign_out(request: Request) -> Response:
    """Forget the session in this browser."""
    running: Running = request.app.state.running
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(running.sessions.cookie, secure=running.sessions.is_https, httponly=True, samesite="lax")
    return answer


def _verified(running: Running, email: str, password: str) -> PersonState | None:
    with running.database.reading() as session:
        person = find_person(session, email)
    fits = verify_password(person.password_hash if person is not None else None, password)
    return person if fits else None


def _form(request: Request, way_on: str, email: str = "", problem: str | None = None, **values: int) -> Response:
    status = 200 if problem is None else 429 if values else 422
    said = None if problem is None else language_of(request).say(problem, **values)
    return render(request, "sign_in.html", status_code=status, email=email, next=_way_on(way_on), problem=said)


def _way_on(path: str) -> str:
    """Where to go after signing in: a page of this site, not the sign-in again."""
    way_on = safe_way_back(path)
    return "/" if way_on.startswith("/sign-") else way_on


def _keep(answer: Response, running: Running, session: WebSession) -> None:
    sessions = running.sessions
    answer.set_cookie(
        sessions.cookie, sessions.write(session), secure=sessions.is_https, httponly=True, samesite="lax", path="/"
    )


routes = [
    Route("/sign-in", sign_in_form, methods=["GET"]),
    Route("/sign-in", sign_in, methods=["POST"]),
    Route("/sign-out", sign_out, methods=["POST"]),
]
