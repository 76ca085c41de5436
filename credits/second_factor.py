"""The second factor: six digits from an authenticator app (TOTP, RFC 6238), or a recovery code, each good for one use.

It is set up in two steps, so that nobody is shut out by a secret that never reached their app: one makes the secret,
the other proves with a code that the app has it. A code is taken in its own half minute and the ones beside it, since
clocks differ, and never twice.
"""

import hmac
import secrets
from dataclasses import dataclass
from enum import Enum, auto
from hashlib import sha256

import pyotp

from credits.instants import SECOND
from credits.refusals import Refusal, conflict, invalid
from db.session import Session

ISSUER = "Communications Credits"
STEP = 30 * SECOND
RECOVERY_CODES = 10
_SIGNS = "23456789abcdefghjkmnpqrstvwxyz"  # none that is taken for another
_GROUPS, _SIGNS_A_GROUP = 4, 4


class Proof(Enum):
    """What a right code is: one from the app, or a recovery code."""

    APP = auto()
    RECOVERY_CODE = auto()


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """Whether somebody has one, since when, and how many recovery codes are left."""

    since: int | None
    recovery_codes_left: int


def second_factor_of(session: Session, person_id: int) -> SecondFactor:
    """How somebody's second factor stands."""
    found = session.row("SELECT totp_since FROM person WHERE person_id = ?", person_id)
    left = session.row("SELECT count(*) FROM recovery_code WHERE person_id = ?", person_id)
    assert found is not None
    assert left is not None
    return SecondFactor(found[0], left[0])


def start_second_factor(session: Session, *, person_id: int) -> str:
    """Make a secret and return it, for an app to keep; it counts for nothing until a code has proved it."""
    _require_none(_row(session, person_id)[1])
    secret = pyotp.random_base32()
    session.execute("UPDATE person SET totp_secret = ?, totp_step = 0 WHERE person_id = ?", secret, person_id)
    return secret


def address_of(secret: str, email: str) -> str:
    """What an app reads from the square code: the secret, and what to call it."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def confirm_second_factor(session: Session, *, person_id: int, code: str, now: int) -> list[str] | None:
    """Ask for a second factor from now on, and return the recovery codes, which are never shown again.

    None when the code is wrong: that is to be counted, and so no refusal.
    """
    secret, since, used_step = _row(session, person_id)
    _require_none(since)
    if secret is None:
        raise conflict("Begin by having the secret shown.")
    step = _step_of(secret, code, now, used_step)
    if step is None:
        return None
    session.execute("UPDATE person SET totp_since = ?, totp_step = ? WHERE person_id = ?", now, step, person_id)
    return _new_recovery_codes(session, person_id)


def use_code(session: Session, *, person_id: int, code: str, now: int) -> Proof | None:
    """Use a code up, and say what it was; None when it is not right."""
    secret, since, used_step = _row(session, person_id)
    if secret is None or since is None:
        return None
    step = _step_of(secret, code, now, used_step)
    if step is not None:
        session.execute("UPDATE person SET totp_step = ? WHERE person_id = ?", step, person_id)
        return Proof.APP
    used = session.execute("DELETE FROM recovery_code WHERE person_id = ? AND code_hash = ?", person_id, _hash_of(code))
    return Proof.RECOVERY_CODE if used else None


def remove_second_factor(session: Session, *, person_id: int) -> None:
    """Ask for no second factor any more."""
    session.execute("UPDATE person SET totp_secret = NULL, totp_since = NULL WHERE person_id = ?", person_id)
    session.execute("DELETE FROM recovery_code WHERE person_id = ?", person_id)


def renew_recovery_codes(session: Session, *, person_id: int) -> list[str]:
    """Make new recovery codes, and let the ones before be worth nothing."""
    if _row(session, person_id)[1] is None:
        raise conflict("There is no second factor.")
    return _new_recovery_codes(session, person_id)


def wrong_code() -> Refusal:
    """The refusal of a code that is wrong, too old, or used."""
    return invalid("code", "This code is wrong, or was used. Wait for the next one, and try again.")


def _row(session: Session, person_id: int) -> tuple[str | None, int | None, int]:
    """Secret, since when, and the last step that was used, or nothing of all that for nobody.

    The row is locked, so that a code is used once.
    """
    found = session.row(
        f"SELECT totp_secret, totp_since, totp_step FROM person WHERE person_id = ?{session.for_update}", person_id
    )
    return (None, None, 0) if found is None else (found[0], found[1], found[2])


def _require_none(since: int | None) -> None:
    if since is not None:
        raise conflict("There is a second factor already. Remove it first.")


def _step_of(secret: str, code: str, now: int, used_step: int) -> int | None:
    """The half minute that a code belongs to, if that is near and after the last one used."""
    digits = "".join(code.split())
    here = now // STEP
    for step in (here - 1, here, here + 1):
        if step > used_step and hmac.compare_digest(pyotp.TOTP(secret).generate_otp(step).encode(), digits.encode()):
            return step
    return None


def _new_recovery_codes(session: Session, person_id: int) -> list[str]:
    codes = ["-".join(_group() for _ in range(_GROUPS)) for _ in range(RECOVERY_CODES)]
    session.execute("DELETE FROM recovery_code WHERE person_id = ?", person_id)
    session.insert("recovery_code", ("person_id", "code_hash"), [(person_id, _hash_of(code)) for code in codes])
    return codes


def _group() -> str:
    return "".join(secrets.choice(_SIGNS) for _ in range(_SIGNS_A_GROUP))


def _hash_of(code: str) -> str:
    """A recovery code is 78 random bits, so a quick hash is enough; capitals, spaces and dashes do not matter."""
    return sha256("".join(code.lower().replace("-", " ").split()).encode()).hexdigest()
