"""The doors beside the sign-in: a forgotten password, and the links that are mailed.

A link brings its code once, in a query, which is not logged; the code moves into a cookie, and the address that stays
in the browser has none. To open a link changes nothing, since mail programs open links, too: the form behind it does.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from api import clock
from api.running import Running
from api.sign_in import entered, for_anybody, refused_form, to_sign_in, verifying
from credits import forgotten, invitations, links, signing_in
from credits.accounts import look_up
from credits.ids import public_id
from credits.links import Link
from credits.people import PersonState, checked_email, find_person
from credits.refusals import Refusal
from credits.signing_in import Entry
from db.kinds import InvitationKind
from db.session import Session
from web.reader import language_of

T = TypeVar("T")

FORGOTTEN, LINK, NEW_PASSWORD, JOIN = "/forgotten", "/link", "/new-password", "/join"
_KEPT_SECONDS = 3_600


async def forgotten_form(request: Request) -> Response:
    """Ask for the address to which a link is to go."""
    return for_anybody(request, "forgotten.html", is_sent=False)


async def ask_for_link(request: Request) -> Response:
    """Have a link mailed, if the address is somebody's; the answer is the same if not."""
    running: Running = request.app.state.running
    async with request.form() as form:
        email = str(form.get("email", "")).strip()
    visitor = running.devices.visitor(request, "")

    def ask() -> None:
        checked_email(email)
        with running.database.transaction() as session:
            forgotten.request_reset(session, running.keys, email=email, visitor=visitor, now=clock.now())

    try:
        await to_thread.run_sync(ask)
    except Refusal as refusal:
        return refused_form(request, refusal, "forgotten.html", email=email, is_sent=False)
    running.worker.nudge()
    return for_anybody(request, "forgotten.html", is_sent=True, email=email)


async def follow_link(request: Request) -> Response:
    """Take the code out of the address, and go to what it is for; a code that is none is forgotten on the way."""
    code = request.query_params.get("code", "")

    def find(session: Session) -> InvitationKind | None:
        return links.kind_of(session, code)

    kind = await _read(request, find)
    if kind is None:
        return _forget(request, RedirectResponse(JOIN, 303))
    answer = RedirectResponse(NEW_PASSWORD if kind == InvitationKind.RESET else JOIN, 303)
    sessions = request.app.state.running.sessions
    answer.set_cookie(
        _cookie(request), code, max_age=_KEPT_SECONDS, secure=sessions.is_https, httponly=True, samesite="lax",
        path="/",
    )  # fmt: skip
    return answer


async def password_form(request: Request) -> Response:
    """Ask for a new password, if the link is good."""
    code = _code(request)
    try:
        link = await _read(request, lambda session: forgotten.find_reset(session, code, clock.now()))
    except Refusal as refusal:
        return _of_no_use(request, refusal)
    return for_anybody(request, "new_password.html", email=link.email)


async def choose_password(request: Request) -> Response:
    """Let the new password count, and go to the sign-in; this browser is known from now on."""
    running: Running = request.app.state.running
    code, typed = _code(request), await _typed(request)
    visitor = running.devices.visitor(request, "")
    try:
        link = await _read(request, lambda session: forgotten.find_reset(session, code, clock.now()))
    except Refusal as refusal:
        return _of_no_use(request, refusal)

    def choose() -> PersonState:
        hashed = forgotten.new_hash(typed["password"], typed["repeated"])
        with running.database.transaction() as session:
            return forgotten.reset_password(session, code=code, password_hash=hashed, visitor=visitor, now=clock.now())

    try:
        person = await to_thread.run_sync(choose, limiter=verifying)
    except Refusal as refusal:
        return refused_form(request, refusal, "new_password.html", email=link.email)
    answer = _forget(request, to_sign_in(request, "password", person.email))
    running.devices.remember(answer, person.email)
    return answer


async def join_form(request: Request) -> Response:
    """Show to what one is invited, and ask whoever has no sign-in for a password."""
    code = _code(request)
    try:
        shown = await _read(request, lambda session: _shown(session, code))
    except Refusal as refusal:
        return _of_no_use(request, refusal)
    return for_anybody(request, "join.html", **shown)


async def join(request: Request) -> Response:
    """Accept the invitation. Whoever chose a password goes on signed in, and so does who is signed in at its address;
    who has a sign-in from before shows what opens it."""
    running: Running = request.app.state.running
    code, typed = _code(request), await _typed(request)
    visitor = running.devices.visitor(request, "")
    viewer = request.state.viewer
    try:
        shown = await _read(request, lambda session: _shown(session, code))
    except Refusal as refusal:
        return _of_no_use(request, refusal)

    def accept() -> Entry:
        hashed = None if shown["is_known"] else forgotten.new_hash(typed["password"], typed["repeated"])
        return signing_in.join(
            running.database, code=code, password_hash=hashed, visitor=visitor, is_here=viewer is not None,
            now=clock.now(), lasts=running.sessions.lifetime,
        )  # fmt: skip

    try:
        entry = await to_thread.run_sync(accept, limiter=verifying)
    except Refusal as refusal:
        return refused_form(request, refusal, "join.html", **shown)
    account_id = shown["link"].account_id
    way_on = "/" if account_id is None else f"/accounts/{public_id('acct', account_id)}"
    if entry.session_id is not None:
        return _forget(request, entered(request, entry, way_on))
    if viewer is not None and viewer.name == entry.person.email:
        return _forget(request, RedirectResponse(way_on, 303))
    return _forget(request, to_sign_in(request, "joined", entry.person.email))


def _shown(session: Session, code: str) -> dict[str, Any]:
    """What the page of an invitation says."""
    link: Link = invitations.find_invitation(session, code, clock.now())
    return {
        "link": link,
        "account_name": None if link.account_id is None else look_up(session, link.account_id).name,
        "is_known": find_person(session, link.email) is not None,
    }


async def _typed(request: Request) -> dict[str, str]:
    async with request.form() as form:
        return {name: str(form.get(name, "")) for name in ("password", "repeated")}


async def _read(request: Request, find: Callable[[Session], T]) -> T:
    running: Running = request.app.state.running

    def reading() -> T:
        with running.database.reading() as session:
            return find(session)

    return await to_thread.run_sync(reading)


def _of_no_use(request: Request, refusal: Refusal) -> Response:
    said = language_of(request).say(refusal.message, **refusal.values)
    answer = for_anybody(request, "link_gone.html", said=said, is_reset=request.url.path == NEW_PASSWORD)
    answer.status_code = 404
    return answer


def _forget(request: Request, answer: Response) -> Response:
    """The answer after which the browser has the code no more."""
    is_https = request.app.state.running.sessions.is_https
    answer.delete_cookie(_cookie(request), secure=is_https, httponly=True, samesite="lax")
    return answer


def _code(request: Request) -> str:
    return request.cookies.get(_cookie(request), "")


def _cookie(request: Request) -> str:
    return "__Host-credits_link" if request.app.state.running.sessions.is_https else "credits_link"


routes = [
    Route(FORGOTTEN, forgotten_form, methods=["GET"]),
    Route(FORGOTTEN, ask_for_link, methods=["POST"]),
    Route(LINK, follow_link, methods=["GET"]),
    Route(NEW_PASSWORD, password_form, methods=["GET"]),
    Route(NEW_PASSWORD, choose_password, methods=["POST"]),
    Route(JOIN, join_form, methods=["GET"]),
    Route(JOIN, join, methods=["POST"]),
]
