"""Who asks, from what they show: a program its bearer token, a person the cookie of their session.

A token's state is remembered for a few seconds, so that a busy switch costs no look-up a call; a person's is not: a
session that was ended is worth nothing from then on. When a token or a session was last used is written down aside, and
seldom.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from anyio import to_thread
from starlette.requests import HTTPConnection

from api import clock
from api.sessions import Sessions, WebSession
from credits.people import PersonState
from credits.sessions import SessionState, find_session, note_seen
from credits.tokens import USE_IS_FRESH, TokenState, find_token, write_uses
from db.kinds import ActorKind, Role
from db.kinds import Scope as TokenScope
from db.session import Database
from schema.access import Viewer
from schema.context import Context

log = structlog.get_logger("credits.identities")

TOKEN_SECONDS = 5.0
TOKENS_REMEMBERED = 4096
# How often it is written down which tokens were used.
WRITE_USES_SECONDS = 10.0
# How often it is looked up again who is at the other end of a connection that lasts.
LOOK_UP_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Credential:
    """What somebody shows: a token, or a session, or neither."""

    token: str | None = None
    session: WebSession | None = None

    @property
    def owner(self) -> str:
        """Whose it is, for counting; the same for two sessions of one person."""
        return f"token {self.token}" if self.token is not None else f"person {self.session and self.session.person_id}"


class Identities:
    """Reads and looks up what is shown."""

    def __init__(self, database: Database, sessions: Sessions) -> None:
        self._database = database
        self._sessions = sessions
        self._tokens: dict[str, tuple[Viewer, float]] = {}
        self._noting: dict[int, asyncio.Task[None]] = {}
        self._uses: dict[int, int] = {}

    def shown(self, connection: HTTPConnection) -> Credential:
        """What a request brings along; a token hides a session."""
        token = bearer_in(connection.headers.get("authorization", ""))
        if token is not None:
            return Credential(token)
        cookie = connection.cookies.get(self._sessions.cookie)
        return Credential(session=self._sessions.read(cookie, clock.now()))

    async def viewer(self, credential: Credential) -> Viewer | None:
        """Who shows it, as they are by now; None for one that is good for nothing."""
        if credential.token is not None:
            return await self._viewer_of_token(credential.token)
        return await self._viewer_of_session(credential.session)

    def remembered(self, token: str, at: float) -> Viewer | None:
        """The program with a token that was looked up in the few seconds before a tick."""
        viewer, until = self._tokens.get(token, (None, 0.0))
        return None if viewer is None or at >= until or viewer.is_over(clock.now) else viewer

    def write_uses(self) -> int:
        """Write down which tokens were used, and when; returns how many. Blocks: not for the event loop."""
        uses: dict[int, int] = {}
        while self._uses:
            token_id, used_at = self._uses.popitem()
            uses[token_id] = used_at
        if uses:
            with self._database.transaction() as session:
                write_uses(session, uses)
        return len(uses)

    def _note_use(self, token: TokenState, now: int) -> None:
        """A token in use is looked up every few seconds; what is stored of its last use is let grow a minute old."""
        if token.used_at is None or now >= token.used_at + USE_IS_FRESH:
            self._uses[token.token_id] = now

    async def _viewer_of_token(self, token: str) -> Viewer | None:
        at = clock.ticks()
        remembered = self.remembered(token, at)
        if remembered is not None:
            return remembered
        self._tokens.pop(token, None)
        state = await to_thread.run_sync(self._find_token, token)
        if state is None:
            return None
        if len(self._tokens) >= TOKENS_REMEMBERED:
            self._tokens.clear()
        self._note_use(state, clock.now())
        viewer = viewer_of_token(state)
        self._tokens[token] = (viewer, at + TOKEN_SECONDS)
        return viewer

    async def _viewer_of_session(self, session: WebSession | None) -> Viewer | None:
        if session is None or not session.is_open:
            return None
        found = await to_thread.run_sync(self._find_session, session.session_id)
        if found is None or found[1].person_id != session.person_id:
            return None
        self._note_seen(found[0])
        return viewer_of_person(found[1], session.session_id)

    async def settled(self) -> None:
        """Return when all has been written down that is being written aside."""
        await asyncio.gather(*self._noting.values())

    def _note_seen(self, state: SessionState) -> None:
        """Begin to write down that a session was seen, apart from the request, which need not wait for it."""
        if state.is_stale(clock.now()) and state.session_id not in self._noting:
            task = asyncio.create_task(self._write_seen(state.session_id))
            self._noting[state.session_id] = task
            task.add_done_callback(lambda _: self._noting.pop(state.session_id))

    async def _write_seen(self, session_id: int) -> None:
        try:
            await to_thread.run_sync(self._note, session_id)
        except Exception:  # the next request of the session writes it
            log.exception("session_not_noted")

    def _find_token(self, token: str) -> TokenState | None:
        with self._database.reading() as reading:
            return find_token(reading, token, clock.now())

    def _find_session(self, session_id: int) -> tuple[SessionState, PersonState] | None:
        with self._database.reading() as reading:
            return find_session(reading, session_id, clock.now())

    def _note(self, session_id: int) -> None:
        with self._database.transaction() as writing:
            note_seen(writing, session_id, clock.now())


class LastingCaller:
    """Somebody at the other end of a connection that lasts: looked up again and again, so that a token that is
    revoked, or a role that is lost, ends what it had begun."""

    def __init__(
        self,
        identities: Identities,
        credential: Credential,
        viewer: Viewer,
        make_context: Callable[[Viewer | None], Context],
    ) -> None:
        self.viewer: Viewer | None = viewer
        self._identities = identities
        self._credential = credential
        self._make_context = make_context

    def context(self) -> Context:
        """What one operation works with; it asks who the caller is by now."""
        context = self._make_context(self.viewer)
        context.viewer_now = lambda: self.viewer
        return context

    async def until_unknown(self) -> None:
        """Keep looking; return when they are nobody any more."""
        while self.viewer is not None:
            await asyncio.sleep(LOOK_UP_SECONDS)
            try:
                self.viewer = await self._identities.viewer(self._credential)
            except Exception:  # a database that is away for a while comes back, and tells nothing until then
                log.exception("look_up_failed")


def bearer_in(header: str) -> str | None:
    """The token in an `Authorization` header, if it has one."""
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def viewer_of_token(token: TokenState) -> Viewer:
    """What a program may see and do: its account as its scopes allow, or everything when it is the operator's."""
    roles = {} if token.account_id is None else {token.account_id: Role.ADMIN}
    return Viewer(
        token.name, token.account_id is None, roles, token.scopes, ActorKind.TOKEN, token.token_id,
        expires_at=token.expires_at,
    )  # fmt: skip


def viewer_of_person(person: PersonState, session_id: int) -> Viewer:
    """What a person may see and do: their roles decide, no scope holds them back."""
    scopes = frozenset(TokenScope)
    return Viewer(
        person.email, person.is_operator, person.roles, scopes, ActorKind.PERSON, person.person_id, session_id
    )
