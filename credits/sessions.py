"""Sessions: the browsers in which people are signed in, kept on the server so that they can be listed and ended.

A cookie names a session; what it is worth is decided here, at every look. When it was last seen is written down only
every few minutes, so that reading a page writes nothing.
"""

import secrets
from dataclasses import dataclass

from credits import people
from credits.instants import DAY, MINUTE
from credits.people import PersonState
from credits.refusals import not_found
from db.session import Session

# What is stored of when a session was seen is let grow so old.
SEEN_IS_FRESH = 5 * MINUTE
# How long it is remembered that a session was there.
REMEMBERED = 30 * DAY
LONGEST_AGENT = 400

_IS_OPEN = "ended_at IS NULL AND until > ?"


@dataclass(frozen=True, slots=True)
class SessionState:
    """A browser that is signed in: since when, last seen when, from which network address, and what it calls itself."""

    session_id: int
    person_id: int
    opened_at: int
    seen_at: int
    until: int
    address: str
    agent: str

    def is_stale(self, now: int) -> bool:
        """Tell whether it should be written down that it was seen."""
        return now >= self.seen_at + SEEN_IS_FRESH


_COLUMNS = "session_id, web_session.person_id, opened_at, seen_at, until, address, agent"


def open_session(
    session: Session, *, person: PersonState, address: str, agent: str, now: int, lasts: int
) -> int | None:
    """Open a session of somebody whose password was right, and return its number.

    None when their password was changed since it was looked at, so that it was right for the last time.
    """
    found = session.row(f"SELECT password_hash FROM person WHERE person_id = ?{session.for_update}", person.person_id)
    if found is None or found[0] != person.password_hash:
        return None
    session_id = secrets.randbits(62)
    columns = ("session_id", "person_id", "opened_at", "seen_at", "until", "address", "agent")
    row = (session_id, person.person_id, now, now, now + lasts, address, agent[:LONGEST_AGENT])
    session.insert("web_session", columns, [row])
    return session_id


def find_session(session: Session, session_id: int, now: int) -> tuple[SessionState, PersonState] | None:
    """A session that is neither over nor ended, and its person with their roles."""
    found = session.row(
        f"SELECT {_COLUMNS}, {people.COLUMNS} FROM web_session"
        f" JOIN person ON person.person_id = web_session.person_id WHERE session_id = ? AND {_IS_OPEN}",
        session_id, now,
    )  # fmt: skip
    if found is None:
        return None
    return SessionState(*found[:7]), people.person_of(session, found[7:])


def sessions_of(session: Session, person_id: int, now: int) -> list[SessionState]:
    """Where somebody is signed in, the one seen last first."""
    found = session.rows(
        f"SELECT {_COLUMNS} FROM web_session WHERE person_id = ? AND {_IS_OPEN} ORDER BY seen_at DESC, session_id",
        person_id, now,
    )  # fmt: skip
    return [SessionState(*row) for row in found]


def note_seen(session: Session, session_id: int, now: int) -> None:
    """Write down that a session was seen."""
    session.execute("UPDATE web_session SET seen_at = ? WHERE session_id = ? AND seen_at < ?", now, session_id, now)


def end_session(session: Session, *, person_id: int, session_id: int, now: int) -> SessionState:
    """End a session of somebody, and return it as it was; refused when they have no such session any more."""
    found = session.row(
        f"SELECT {_COLUMNS} FROM web_session WHERE person_id = ? AND session_id = ? AND {_IS_OPEN}{session.for_update}",
        person_id, session_id, now,
    )  # fmt: skip
    if found is None:
        raise not_found("sessionId")
    session.execute("UPDATE web_session SET ended_at = ? WHERE session_id = ?", now, session_id)
    return SessionState(*found)


def end_sessions(session: Session, *, person_id: int, but: int | None, now: int) -> int:
    """End all sessions of somebody, perhaps but one, and return how many those were."""
    return session.execute(
        f"UPDATE web_session SET ended_at = ? WHERE person_id = ? AND session_id <> ? AND {_IS_OPEN}",
        now, person_id, -1 if but is None else but, now,
    )  # fmt: skip
