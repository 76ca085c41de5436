"""Passwords: argon2id, and a growing pause after wrong ones.

A hash takes a tenth of a second of CPU and 64 MiB, so callers verify on a thread; `Attempts` keeps
guessing slow without one account's owner being locked out by a stranger elsewhere.
"""

from collections import OrderedDict
from math import ceil

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from credits.refusals import invalid

SHORTEST = 10
LONGEST = 1024
_HASHER = PasswordHasher()
# What an unknown address is checked against, so that it takes as long as a known one.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$1BShDWKBHvyBQZF1Y4tMFQ$heK/ljGW0iZM2+ri0/By9BGEijrdC5J4sAeMCd1mQkQ"


def hash_password(password: str) -> str:
    """The hash to store; a password that is too short or too long is refused."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise invalid(
            "password", "A password has {shortest} to {longest} characters.", shortest=SHORTEST, longest=LONGEST
        )
    return _HASHER.hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Tell whether a password fits; None, for nobody, takes as long and never does."""
    try:
        return _HASHER.verify(password_hash or _NOBODY, password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


class Attempts:
    """Wrong passwords of late, by who tried: the first three cost nothing, then each doubles the pause, up to a minute.

    Kept in memory: a restart forgives, and each process counts for itself.
    """

    FREE = 3
    LONGEST_PAUSE = 60.0
    REMEMBERED = 10_000

    def __init__(self) -> None:
        self._failures: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()

    def pause_left(self, client: str, email: str, at: float) -> int:
        """Whole seconds until this client may try this address again."""
        _, until = self._failures.get((client, email), (0, 0.0))
        return max(0, ceil(until - at))

    def failed(self, client: str, email: str, at: float) -> None:
        """Count a wrong password."""
        count = self._failures.pop((client, email), (0, 0.0))[0] + 1
        pause = 0.0 if count < self.FREE else min(2.0 ** (count - self.FREE), self.LONGEST_PAUSE)
        self._failures[client, email] = (count, at + pause)
        while len(self._failures) > self.REMEMBERED:
            self._failures.popitem(last=False)

    def succeeded(self, client: str, email: str) -> None:
        """Forget the wrong ones."""
        self._failures.pop((client, email), None)
