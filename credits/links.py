"""Links that are mailed and good for one use: to join an account or the operators, or to choose a new password.

A link's code is derived from its number and the house's secret, so that it need not be stored for its mail to be
written, and written again; what is stored finds it by a hash. The mail is written by the worker, and tried again
when it cannot leave.

Mail that tells somebody what was done to their sign-in leaves the same way. Its row names the event that it tells of,
was withdrawn from the first, and has the hash of a code that nobody was ever given: it opens nothing.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from credits.instants import HOUR, MINUTE
from credits.keys import Keys
from credits.refusals import Refusal, not_found
from db.kinds import InvitationKind, Role
from db.session import Session

# How long whoever took a link's mail has it to itself; after that it counts as not sent.
LEASE = 15 * MINUTE
OTHER_SECRET = "The worker has another CREDITS_SECRET_KEY than the process that made the link."
# How long to wait after each try that failed; after one more the mail is given up.
WAITS = (MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 12 * HOUR)

_COLUMNS = (
    "invitation_id", "kind", "email", "account_id", "role", "to_operators", "invited_by", "created_at", "expires_at",
    "used_at", "withdrawn_at", "locale", "attempts", "sent_at", "failure",
    "event_id",
)  # fmt: skip
READ = f"SELECT {', '.join(_COLUMNS)} FROM invitation"
OPEN = "used_at IS NULL AND withdrawn_at IS NULL AND expires_at > ?"


@dataclass(frozen=True, slots=True)
class Link:
    """A link as it is stored. `failure` says why its mail has not left; `event_id` is of mail that only tells."""

    invitation_id: int
    kind: InvitationKind
    email: str
    account_id: int | None
    role: Role | None
    to_operators: bool
    invited_by: str
    created_at: int
    expires_at: int
    used_at: int | None
    withdrawn_at: int | None
    locale: str
    attempts: int
    sent_at: int | None
    failure: str | None
    event_id: int | None

    def is_open(self, now: int) -> bool:
        """Tell whether it can still be used."""
        return self.used_at is None and self.withdrawn_at is None and now < self.expires_at


def make_link(
    session: Session,
    keys: Keys,
    *,
    kind: InvitationKind,
    email: str,
    invited_by: str,
    locale: str,
    now: int,
    lasts: int,
    account_id: int | None = None,
    role: Role | None = None,
    to_operators: bool = False,
    is_mailed: bool = True,
) -> int:
    """Store a link and have it mailed, unless it is handed over otherwise; returns its number."""
    invitation_id = secrets.randbits(62)
    row = {
        "invitation_id": invitation_id,
        "kind": kind.value,
        "email": email,
        "account_id": account_id,
        "role": None if role is None else role.value,
        "to_operators": to_operators,
        "code_hash": _hash_of(code_of(keys, invitation_id)),
        "invited_by": invited_by,
        "created_at": now,
        "expires_at": now + lasts,
        "locale": locale,
        "due_at": now if is_mailed else None,
    }
    session.insert("invitation", list(row), [list(row.values())])
    return invitation_id


def mail_event(session: Session, *, event_id: int, email: str, by: str, locale: str, now: int) -> None:
    """Have mail sent that tells of an event of the audit log, and opens nothing."""
    row = {
        "invitation_id": secrets.randbits(62),
        "kind": InvitationKind.RESET.value,
        "email": email,
        "to_operators": False,
        "code_hash": _hash_of(secrets.token_hex()),
        "invited_by": by,
        "created_at": now,
        "expires_at": now,
        "withdrawn_at": now,
        "locale": locale,
        "due_at": now,
        "event_id": event_id,
    }
    session.insert("invitation", list(row), [list(row.values())])


def code_of(keys: Keys, invitation_id: int) -> str:
    """The code of a link, which opens what it is for."""
    return keys.derived("link", invitation_id)


def find_link(session: Session, code: str, kind: InvitationKind, now: int, *, lock: bool = False) -> Link:
    """The link with a code, if it is of a kind and can still be used; else a refusal, the same whatever is wrong."""
    clause = session.for_update if lock else ""
    found = links_of(session.rows(f"{READ} WHERE code_hash = ?{clause}", _hash_of(code)))
    if not found or found[0].kind != kind or not found[0].is_open(now):
        raise _used_up()
    return found[0]


def kind_of(session: Session, code: str) -> InvitationKind | None:
    """What the link with a code is for, good or not; None when there is no such link."""
    found = session.row("SELECT kind FROM invitation WHERE code_hash = ?", _hash_of(code))
    return None if found is None else InvitationKind(found[0])


def use_link(session: Session, link: Link, now: int) -> None:
    """Let a link that was found with its lock be of no use any more."""
    session.execute("UPDATE invitation SET used_at = ?, due_at = NULL WHERE invitation_id = ?", now, link.invitation_id)


def links_of(rows: Sequence[tuple[Any, ...]]) -> list[Link]:
    """Rows that `READ` selected."""
    return [
        Link(number, InvitationKind(kind), email, account_id, Role(role) if role else None, bool(to_operators), *rest)
        for number, kind, email, account_id, role, to_operators, *rest in rows
    ]


def links_to_mail(session: Session, now: int, limit: int = 100) -> list[int]:
    """The numbers of links whose mail is to leave by an instant, the longest due first."""
    found = session.rows(
        "SELECT invitation_id FROM invitation WHERE due_at IS NOT NULL AND due_at <= ?"
        " ORDER BY due_at, invitation_id LIMIT ?",
        now, limit,
    )  # fmt: skip
    return [invitation_id for (invitation_id,) in found]


def claim_mail(session: Session, keys: Keys, invitation_id: int, now: int) -> Link | None:
    """Take a link whose mail is to be sent after this transaction; None when somebody else has it, or it is of no use.

    A process whose secret is not the one that the link was made under could only mail what opens nothing: it leaves
    the link to others.
    """
    found = session.row(
        f"SELECT code_hash FROM invitation WHERE invitation_id = ? AND due_at IS NOT NULL AND due_at <= ?"
        f"{session.for_update_if_free}",
        invitation_id, now,
    )  # fmt: skip
    if found is None:
        return None
    (link,) = links_of(session.rows(f"{READ} WHERE invitation_id = ?", invitation_id))
    if link.event_id is None and not link.is_open(now):
        session.execute("UPDATE invitation SET due_at = NULL WHERE invitation_id = ?", invitation_id)
        return None
    if link.event_id is None and found[0] != _hash_of(code_of(keys, invitation_id)):
        session.execute(
            "UPDATE invitation SET failure = ?, due_at = ? WHERE invitation_id = ?",
            OTHER_SECRET, now + MINUTE, invitation_id,
        )  # fmt: skip
        return None
    session.execute(
        "UPDATE invitation SET attempts = attempts + 1, due_at = ? WHERE invitation_id = ?", now + LEASE, invitation_id
    )
    return link


def mailed(session: Session, link: Link, now: int) -> None:
    """Note that the mail server took the mail of a link that was claimed."""
    session.execute(
        "UPDATE invitation SET sent_at = ?, due_at = NULL, failure = NULL WHERE invitation_id = ?",
        now, link.invitation_id,
    )  # fmt: skip


def not_mailed(session: Session, link: Link, *, reason: str, now: int) -> None:
    """Note why the mail of a link that was claimed did not leave, and when to try again; in the end it is given up."""
    due_at = now + WAITS[link.attempts] if link.attempts < len(WAITS) else None
    session.execute(
        "UPDATE invitation SET due_at = ?, failure = ? WHERE invitation_id = ? AND due_at IS NOT NULL",
        due_at, reason, link.invitation_id,
    )  # fmt: skip


def _hash_of(code: str) -> str:
    return sha256(code.encode()).hexdigest()


def _used_up() -> Refusal:
    return not_found("code", "This link was used, was withdrawn, or is too old. Ask for another.")
