"""The session cookie: who is signed in, signed by the server, unreadable to scripts, of limited life.

Nothing is stored on the server. A session names its person and a stamp of their password hash, so a
changed password ends every session that was opened with the old one. Its CSRF token is derived from its
random id: whoever can read a page has it, another site has not.
"""

import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256

from itsdangerous import BadSignature, URLSafeSerializer

from credits.people import PersonState

CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf_token"


@dataclass(frozen=True, slots=True)
class WebSession:
    """A session; without a person it only carries the sign-in form's CSRF token."""

    session_id: str
    until: int
    person_id: int | None = None
    stamp: str = ""

    def belongs_to(self, person: PersonState) -> bool:
        """Tell whether the person's password is still the one that this session was opened with."""
        return hmac.compare_digest(self.stamp, stamp_of(person))


class Sessions:
    """Opens, writes and reads sessions under one key."""

    def __init__(self, key: str, *, is_https: bool, lifetime: int) -> None:
        self.cookie = "__Host-credits_session" if is_https else "credits_session"
        self.is_https = is_https
        self.lifetime = lifetime
        self._key = key
        self._serializer = URLSafeSerializer(key, salt="session", signer_kwargs={"digest_method": sha256})

    def open(self, person: PersonState | None, now: int) -> WebSession:
        """A fresh session, of somebody or of nobody yet."""
        session_id = secrets.token_urlsafe(18)
        if person is None:
            return WebSession(session_id, now + self.lifetime)
        return WebSession(session_id, now + self.lifetime, person.person_id, stamp_of(person))

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
        return session if now < session.until else None

    def csrf_token(self, session: WebSession) -> str:
        """The token that every form and request of this session must carry."""
        return hmac.new(self._key.encode(), f"csrf:{session.session_id}".encode(), sha256).hexdigest()


def stamp_of(person: PersonState) -> str:
    """Sixteen signs that change with the person's password."""
    return sha256(person.password_hash.encode()).hexdigest()[:16]
