"""What is derived from the house's one secret: codes of links that are never stored, and the names of who is counted.

Each purpose has derivations of its own, so that what is shown for one is good for no other.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256


class Keys:
    """Derives under one secret; without one, under a secret that lasts as long as the object."""

    def __init__(self, secret: str | None = None) -> None:
        self._secret = (secret or secrets.token_urlsafe(32)).encode()

    def derived(self, purpose: str, *parts: object) -> str:
        """Forty-three signs, the same for the same parts, which tell nothing of them to whoever lacks the secret."""
        told = "\0".join((purpose, *(f"{len(str(part))}:{part}" for part in parts)))
        return urlsafe_b64encode(hmac.digest(self._secret, told.encode(), sha256)).decode().rstrip("=")
