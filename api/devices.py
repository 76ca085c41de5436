"""The device cookie: this browser has signed in at this address before.

Who tries to sign in from such a browser is counted for themselves (credits/attempts.py), so that strangers who try
elsewhere do not keep its owner out. It opens nothing.
"""

import secrets
from hashlib import sha256

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import HTTPConnection
from starlette.responses import Response

from credits.attempts import Visitor
from web.reader import language_of

_LASTS_SECONDS = 180 * 86_400


class Devices:
    """Writes and reads device cookies under one key."""

    def __init__(self, key: str, *, is_https: bool) -> None:
        self.cookie = "__Host-credits_device" if is_https else "credits_device"
        self.is_https = is_https
        self._serializer = URLSafeTimedSerializer(key, salt="device", signer_kwargs={"digest_method": sha256})

    def visitor(self, request: HTTPConnection, email: str) -> Visitor:
        """Who is at the door, to sign in at a mail address."""
        client = request.client.host if request.client is not None else ""
        return Visitor(
            address=client,
            agent=request.headers.get("user-agent", ""),
            device=self._number_of(request.cookies.get(self.cookie, ""), email),
            request_id=request.scope["state"].get("request_id"),
            locale=language_of(request).code,
        )

    def remember(self, answer: Response, email: str) -> None:
        """Let a browser be known from now on, at this mail address."""
        written = self._serializer.dumps([secrets.token_urlsafe(12), _mark_of(email)])
        answer.set_cookie(
            self.cookie, str(written), max_age=_LASTS_SECONDS, secure=self.is_https, httponly=True, samesite="lax",
            path="/",
        )  # fmt: skip

    def _number_of(self, cookie: str, email: str) -> str | None:
        try:
            number, mark = self._serializer.loads(cookie, max_age=_LASTS_SECONDS)
        except BadSignature:
            return None
        return str(number) if mark == _mark_of(email) else None


def _mark_of(email: str) -> str:
    """What the cookie says of the address, which it does not name."""
    return sha256(email.strip().lower().encode()).hexdigest()[:32]
