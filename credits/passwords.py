"""Passwords: argon2id.

A hash takes a tenth of a second of CPU and 64 MiB, so callers verify on a thread, outside of any transaction, and few
at a time; credits/attempts.py keeps guessing slow.
"""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from credits.refusals import invalid

SHORTEST = 10
LONGEST = 1024
_HASHER = PasswordHasher()
# What an unknown address is checked against, so that it takes as long as a known one.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$1BShDWKBHvyBQZF1Y4tMFQ$heK/ljGW0iZM2+ri0/By9BGEijrdC5J4sAeMCd1mQkQ"


def hash_password(password: str, field: str = "password") -> str:
    """The hash to store; a password that is too short or too long is refused, at the field where it was given."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise invalid(field, "A password has {shortest} to {longest} characters.", shortest=SHORTEST, longest=LONGEST)
    return _HASHER.hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Tell whether a password fits; None, for nobody, takes as long and never does."""
    try:
        return _HASHER.verify(password_hash or _NOBODY, password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False
