"""Bearer tokens of programs: 256 random bits, shown once, stored as their SHA-256.

A token is found by its hash alone; being random, it needs no slow hash. It is bound to one account or
to the operator, and to the scopes that it was given. From the instant at which it ends it is worth nothing.
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from credits import audit
from credits.accounts import look_up, require_open
from credits.instants import DAY, MINUTE
from credits.language import Instant
from credits.refusals import conflict, invalid, not_found
from db.kinds import Scope, TokenStatus
from db.session import Session

PREFIX = "cct_"
LONGEST_NAME = 200
LONGEST_DAYS = 3650
# How old what is stored of a token's last use may be before it is written again.
USE_IS_FRESH = MINUTE
_COLUMNS = "token_id, account_id, name, scopes, created_at, created_by, expires_at, used_at, revoked_at"


@dataclass(frozen=True, slots=True)
class TokenState:
    """A token without its secret; `account_id` None means the operator."""

    token_id: int
    account_id: int | None
    name: str
    scopes: frozenset[Scope]
    created_at: int
    created_by: str | None
    expires_at: int | None
    used_at: int | None
    revoked_at: int | None

    def status(self, now: int) -> TokenStatus:
        """What it is at an instant: what was taken back stays so, and at its end it is over."""
        if self.revoked_at is not None:
            return TokenStatus.REVOKED
        return TokenStatus.EXPIRED if self.expires_at is not None and now >= self.expires_at else TokenStatus.ACTIVE


@dataclass(frozen=True, slots=True)
class Giver:
    """Who makes a token, with what they have themselves: nobody gives more, or for longer. Whoever sits at the server
    has everything, and no name."""

    name: str | None = None
    scopes: frozenset[Scope] = frozenset(Scope)
    expires_at: int | None = None


AT_THE_SERVER = Giver()


def create_token(
    session: Session,
    *,
    name: str,
    scopes: Iterable[Scope],
    account_id: int | None,
    now: int,
    expires_at: int | None = None,
    giver: Giver = AT_THE_SERVER,
    idempotency_key: str | None = None,
) -> str:
    """Make a token and return it; it can never be read again. So the same key once more is refused."""
    wanted = sorted(set(scopes))
    if not 1 <= len(name.strip()) <= LONGEST_NAME:
        raise invalid("name", "A name has 1 to {longest} characters.", longest=LONGEST_NAME)
    if not wanted:
        raise invalid("scopes", "A token needs at least one scope.")
    if lacking := sorted(set(wanted) - giver.scopes):
        raise invalid("scopes", "You cannot give what you do not have: {scopes}.", scopes=", ".join(lacking))
    if expires_at is not None and expires_at <= now:
        raise invalid("expiresAt", "A token ends at an instant to come.")
    if giver.expires_at is not None and (expires_at is None or expires_at > giver.expires_at):
        raise invalid(
            "expiresAt", "A token ends no later than the one that makes it: {instant}.",
            instant=Instant(giver.expires_at),
        )  # fmt: skip
    if account_id is not None:
        require_open(look_up(session, account_id))
    token = PREFIX + secrets.token_urlsafe(32)
    token_id = _number_for(account_id, idempotency_key)
    made = session.execute(
        "INSERT INTO token (token_id, account_id, name, token_hash, scopes, created_at, created_by, expires_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (token_id) DO NOTHING",
        token_id, account_id, name.strip(), hash_of(token), " ".join(wanted), now, giver.name, expires_at,
    )  # fmt: skip
    if not made:
        raise conflict("This token was made already. It was shown then, and cannot be shown again.")
    told = {"scopes": [str(scope) for scope in wanted], "expiresAt": audit.time(expires_at)}
    audit.changed(session, name.strip(), after=told, account_id=account_id)
    return token


def expiry_in_days(days: int, now: int) -> int:
    """The end of a token that lives for so many days."""
    if not 1 <= days <= LONGEST_DAYS:
        raise invalid("expiresInDays", "A token lives for 1 to {longest} days.", longest=LONGEST_DAYS)
    return now + days * DAY


def revoke_token(session: Session, *, token_id: int, account_id: int | None, now: int) -> None:
    """Take a token back, for good; to do so again changes nothing. `account_id` None names one of the operator's."""
    found = look_up_token(session, token_id)
    if found is None or found.account_id != account_id:
        raise not_found("tokenId", "There is no such token.")
    if found.revoked_at is None:
        audit.changed(session, found.name, {"scopes": sorted(found.scopes)})
    session.execute("UPDATE token SET revoked_at = ? WHERE token_id = ? AND revoked_at IS NULL", now, token_id)


def find_token(session: Session, token: str, now: int) -> TokenState | None:
    """The state of a token that is known and good at an instant."""
    found = read_tokens(session, "token_hash = ?", hash_of(token))
    return found[0] if found and found[0].status(now) == TokenStatus.ACTIVE else None


def look_up_token(session: Session, token_id: int) -> TokenState | None:
    """The token with a number, whatever became of it."""
    found = read_tokens(session, "token_id = ?", token_id)
    return found[0] if found else None


def read_tokens(session: Session, rest: str, *parameters: Any) -> list[TokenState]:
    """Tokens; `rest` is the SQL after WHERE."""
    return [
        TokenState(token_id, account_id, name, frozenset(map(Scope, scopes.split())), *times)
        for token_id, account_id, name, scopes, *times in session.rows(
            f"SELECT {_COLUMNS} FROM token WHERE {rest}", *parameters
        )
    ]


def tokens_of(session: Session, account_id: int | None) -> list[TokenState]:
    """The tokens of an account, or (None) the operator's, the newest first."""
    condition, parameters = of_owner(account_id)
    return read_tokens(session, f"{condition} ORDER BY created_at DESC, token_id DESC", *parameters)


def of_owner(account_id: int | None) -> tuple[str, list[int]]:
    """SQL that is true for the tokens of an account, or (None) of the operator, and its parameters."""
    return ("account_id IS NULL", []) if account_id is None else ("account_id = ?", [account_id])


def of_status(status: TokenStatus, now: int) -> tuple[str, list[int]]:
    """SQL that is true for the tokens that are of a status at an instant, and its parameters."""
    match status:
        case TokenStatus.REVOKED:
            return "revoked_at IS NOT NULL", []
        case TokenStatus.EXPIRED:
            return "revoked_at IS NULL AND expires_at <= ?", [now]
        case TokenStatus.ACTIVE:
            return "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)", [now]


def write_uses(session: Session, uses: Mapping[int, int]) -> None:
    """Write down when tokens were last used, by their numbers; what is stored and fresh enough stays."""
    session.execute_many(
        "UPDATE token SET used_at = ? WHERE token_id = ? AND (used_at IS NULL OR used_at <= ?)",
        [(used_at, token_id, used_at - USE_IS_FRESH) for token_id, used_at in sorted(uses.items())],
    )


def hash_of(token: str) -> str:
    """What is stored of a token."""
    return sha256(token.encode()).hexdigest()


def _number_for(account_id: int | None, idempotency_key: str | None) -> int:
    """48 bits: random, or the digest of the key and whose it is."""
    if idempotency_key is None:
        return secrets.randbits(48)
    if not 1 <= len(idempotency_key) <= 255:
        raise invalid("idempotencyKey", "An idempotency key has 1 to 255 characters.")
    return int.from_bytes(sha256(f"token:{account_id}:{idempotency_key}".encode()).digest()[:6], "big")
