"""Idempotency: the same key with the same values answers as it did the first time and moves nothing; with
other values it is refused. Keys live within an account, under the account's lock."""

import json
from dataclasses import dataclass
from hashlib import sha256

from credits import audit
from credits.refusals import invalid, key_reused
from db.session import Session

LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class Answer:
    """What an earlier request with the same key brought about."""

    lot_no: int | None
    recharge_no: int | None


def fingerprint_of(verb: str, *values: object) -> str:
    """A digest of what a key was used for."""
    return sha256(json.dumps([verb, *values]).encode()).hexdigest()


def answered_before(session: Session, account_id: int, key: str, fingerprint: str) -> Answer | None:
    """What came of this key before, or None when it is new. Refused when it came with other values."""
    if not 1 <= len(key) <= LONGEST_KEY:
        raise invalid("idempotencyKey", "An idempotency key has 1 to 255 characters.")
    found = session.row(
        "SELECT fingerprint, lot_no, recharge_no FROM once WHERE account_id = ? AND key = ?", account_id, key
    )
    if found is None:
        return None
    if found[0] != fingerprint:
        raise key_reused()
    audit.unchanged(session)
    return Answer(found[1], found[2])


def remember(
    session: Session,
    account_id: int,
    key: str,
    fingerprint: str,
    now: int,
    *,
    lot_no: int | None = None,
    recharge_no: int | None = None,
) -> None:
    """Keep what came of a key, in the transaction that brought it about."""
    session.execute(
        "INSERT INTO once (account_id, key, fingerprint, lot_no, recharge_no, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        account_id, key, fingerprint, lot_no, recharge_no, now,
    )  # fmt: skip
