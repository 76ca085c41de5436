"""Bearer tokens of programs: 256 random bits, shown once, stored as their SHA-256.

A token is found by its hash alone; being random, it needs no slow hash. It is bound to one account or
to the operator, and to the scopes that it was given.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from credits.accounts import look_up
from credits.refusals import invalid
from db.kinds import Scope
from db.session import Session

PREFIX = "cct_"
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class TokenState:
    """What a valid token is for; `account_id` None means the operator."""

    token_id: int
    account_id: int | None
    name: str
    scopes: frozenset[Scope]


def create_token(session: Session, *, name: str, scopes: Iterable[Scope], account_id: int | None, now: int) -> str:
    """Make a token and return it; it can never be read again."""
    wanted = sorted(set(scopes))
    if not 1 <= len(name.strip()) <= LONGEST_NAME:
        raise invalid("name", "A name has 1 to {longest} characters.", longest=LONGEST_NAME)
    if not wanted:
        raise invalid("scope", "A token needs at least one scope.")
    if account_id is not None:
        look_up(session, account_id)
    token = PREFIX + secrets.token_urlsafe(32)
    columns = ("token_id", "account_id", "name", "token_hash", "scopes", "created_at")
    row = (secrets.randbits(48), account_id, name.strip(), hash_of(token), " ".join(wanted), now)
    session.insert("token", columns, [row])
    return token


def find_token(session: Session, token: str) -> TokenState | None:
    """The state of a token that is known and not revoked."""
    row = session.row(
        "SELECT token_id, account_id, name, scopes FROM token WHERE token_hash = ? AND revoked_at IS NULL",
        hash_of(token),
    )
    if row is None:
        return None
    token_id, account_id, name, scopes = row
    return TokenState(token_id, account_id, name, frozenset(Scope(scope) for scope in scopes.split()))


def hash_of(token: str) -> str:
    """What is stored of a token."""
    return sha256(token.encode()).hexdigest()
