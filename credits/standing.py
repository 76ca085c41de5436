"""Whether an account may be used: suspending it, letting it be used again, closing it for good; with the reason.

A suspended account starts no calls; what was finished is still charged, and funds can come in. A closed one can only
be read: nothing is bought or given, no call starts or gets more time, and recharges that wait are given up. Calls in
progress are settled still, what they hold is given back, and funds are forfeited when their time is over. So money that
is to go back to the payer goes back before. Its members and tokens go on reading; invitations to it are withdrawn.
"""

from dataclasses import dataclass

from credits import audit
from credits.accounts import account_now, lock, require_open, update_account
from credits.ids import public_id
from credits.refusals import invalid
from db.kinds import AccountStatus
from db.session import Session

LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Standing:
    """Why an account is what it is, and since when; nothing of one that never changed."""

    account_id: int
    reason: str | None
    changed_at: int | None


def standings_of(session: Session, account_ids: list[int]) -> dict[int, Standing]:
    """The standing of each of some accounts."""
    found = session.rows(
        f"SELECT account_id, status_reason, status_at FROM account WHERE {session.among('account_id')}",
        session.listed(account_ids),
    )
    return {account_id: Standing(account_id, reason, at) for account_id, reason, at in found}


def set_status(session: Session, *, account_id: int, status: str, reason: str | None, now: int) -> None:
    """Change what an account may do; one that is so already stays as it is, with the reason that it has. A closed one
    stays closed."""
    account = lock(session, account_id)
    if account.status == status:
        return
    require_open(account)
    update_account(session, account_id=account_id, status=status)
    audit.changed(session, public_id("acct", account_id), {"reason": None}, {"reason": reason})
    session.execute(
        "UPDATE account SET status_reason = ?, status_at = ? WHERE account_id = ?",
        reason, account_now(account, now), account_id,
    )  # fmt: skip
    if status == AccountStatus.CLOSED:
        session.execute(
            "UPDATE invitation SET withdrawn_at = ?, due_at = NULL"
            " WHERE account_id = ? AND used_at IS NULL AND withdrawn_at IS NULL",
            now, account_id,
        )  # fmt: skip


def close_account(session: Session, *, account_id: int, name: str, reason: str, now: int) -> None:
    """Close an account for good, if it is the one that whoever closes it means: they name it."""
    if lock(session, account_id).name != name.strip():
        raise invalid("name", "This is not the account's name.")
    set_status(session, account_id=account_id, status=AccountStatus.CLOSED, reason=given(reason), now=now)


def given(reason: str) -> str:
    """A reason, which is needed."""
    trimmed = reason.strip()
    if not 1 <= len(trimmed) <= LONGEST_REASON:
        raise invalid("reason", "Give a reason, of up to {longest} characters.", longest=LONGEST_REASON)
    return trimmed
