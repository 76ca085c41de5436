"""The session cookie: names a session, signed by the server, unreadable to scripts.

What a session is worth stands in the database (credits/sessions.py), so that it can be ended. The cookie of somebody
whose password was right, but whose second factor is still to come, names no session: it is worth nothing but the next
step. A session's CSRF token is derived from its random number: whoever can read a page has it, another site has not.
"""

import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256

from itsdangerous import BadSignature, URLSafeSerializer

from credits.instants import MINUTE
from credits.people import PersonState

CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf_token"
# How long after the password a second factor may come.
SECOND_STEP = 10 * MINUTE


@dataclass(frozen=True, slots=True)
class WebSession:
    """What a cookie says. Without a person it only carries a form's CSRF token; with a stamp it is half a sign-in."""

    session_id: int
    until: int
    person_id: int | None = None
    stamp: str = ""

    @property
    def is_open(self) -> bool:
        """It names a session in which somebody may be signed in."""
        return self.person_id is not None and not self.stamp

    def awaits(self, person: PersonState) -> bool:
        """Tell whether it is half a sign-in of a person, with the password that they have by now."""
        return self.person_id == person.person_id and hmac.compare_digest(self.stamp, stamp_of(person))


class Sessions:
    """Writes and reads cookies under one key."""

    def __init__(self, key: str, *, is_https: bool, lifetime: int) -> None:
        self.cookie = "__Host-credits_session" if is_https else "credits_session"
        self.is_https = is_https
        self.lifetime = lifetime
        self._key = key
        self._serializer = URLSafeSerializer(key, salt="session", signer_kwargs={"digest_method": sha256})

    def of_nobody(self, now: int) -> WebSession:
        """A cookie for a form that anybody may fill in."""
        return WebSession(secrets.randbits(62), now + self.lifetime)

    def half(self, person: PersonState, now: int) -> WebSession:
        """A cookie for somebody whose password was right, and who is to show a second factor."""
        return WebSession(secrets.randbits(62), now + SECOND_STEP, person.person_id, stamp_of(person))

    def write(self, session: WebSession) -> str:
        """The cookie's value."""
        written = self._serializer.dumps([session.session_id, session.until, session.person_id, session.stamp])
        return str(written)

    def read(self, value: str | None, now: int) -> WebSession | None:
        """The session of a cookie, unless it is forged or over."""
        if not value:
            return None
        try:
            session = WebSession(*self._serializer.loads(value))
        except BadSignature:
            return None
        is_number = isinstance(session.session_id, int)  # cookies of an earlier version had texts
        return session if is_number and now < session.until else None

    def csrf_token(self, session: WebSession) -> str:
        """The token that every form and request of this session must carry."""
        return hmac.new(self._key.encode(), f"csrf:{session.session_id}".encode(), sha256).hexdigest()


def stamp_of(person: PersonState) -> str:
    """Sixteen signs that change with the person's password."""
    return sha256(person.password_hash.encode()).hexdigest()[:16]
