"""The rows of recharges: writing one down, finding those that are open, and numbering the receipt of a paid one.

What is asked of the payment provider, and what its answers mean, is in `credits.recharging`.
"""

from dataclasses import dataclass, fields

from credits.ledger import Journal
from db.kinds import RechargeStatus, RechargeTrigger
from db.session import Session

OPEN = (RechargeStatus.PENDING, RechargeStatus.PROCESSING, RechargeStatus.ACTION_REQUIRED)
_OPEN_WORDS = ", ".join(f"'{status.value}'" for status in OPEN)


@dataclass(frozen=True, slots=True)
class RechargeState:
    """A recharge's row. Instants are the account's."""

    recharge_no: int
    trigger: str
    status: str
    amount_micros: int
    method_no: int
    provider_payment: str | None
    attempts: int
    declines: int
    decline_ref: str | None
    next_attempt_at: int | None
    due_at: int | None
    cancel_wanted: bool
    created_at: int

    @property
    def is_open(self) -> bool:
        """It may still be paid without anybody's asking for it anew."""
        return self.status in OPEN

    @property
    def is_automatic(self) -> bool:
        """The account's own rule asked for it."""
        return self.trigger == RechargeTrigger.AUTOMATIC

    @property
    def stands_still(self) -> bool:
        """It waits for its next try, or for the customer: the provider has nothing of it in hand."""
        return self.status == RechargeStatus.ACTION_REQUIRED or self.next_attempt_at is not None


_COLUMNS = ", ".join(column.name for column in fields(RechargeState))


def recharge_state(session: Session, account_id: int, recharge_no: int) -> RechargeState:
    """A recharge that is there."""
    found = session.row(
        f"SELECT {_COLUMNS} FROM recharge WHERE account_id = ? AND recharge_no = ?", account_id, recharge_no
    )
    assert found is not None, "the recharge was written down"
    return RechargeState(*found)


def open_automatic(session: Session, account_id: int) -> RechargeState | None:
    """The automatic recharge that holds the account's one place, if there is one."""
    found = session.row(
        f"SELECT {_COLUMNS} FROM recharge WHERE account_id = ? AND trigger = 'AUTOMATIC' AND status IN ({_OPEN_WORDS})",
        account_id,
    )
    return None if found is None else RechargeState(*found)


def on_its_way(session: Session, account_id: int) -> int:
    """What recharges by hand will bring that the provider was asked for, in micro-units."""
    found = session.row(
        "SELECT coalesce(sum(amount_micros), 0) FROM recharge WHERE account_id = ? AND trigger = 'MANUAL'"
        " AND status IN ('PENDING', 'PROCESSING')",
        account_id,
    )
    assert found is not None
    return int(found[0])


def write_down(journal: Journal, amount_micros: int, method_no: int, trigger: RechargeTrigger) -> int:
    """Write a recharge before anybody is asked for money; it is due at once. Returns its number."""
    account = journal.account
    account.recharge_count += 1
    journal.session.execute(
        "INSERT INTO recharge (account_id, recharge_no, trigger, status, amount_micros, method_no, attempts,"
        " created_at, due_at) VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?)",
        account.account_id, account.recharge_count, trigger.value, RechargeStatus.PENDING.value, amount_micros,
        method_no, journal.now, journal.now,
    )  # fmt: skip
    return account.recharge_count


def change(journal: Journal, recharge_no: int, **columns: object) -> None:
    """Change columns of a recharge's row."""
    sets = ", ".join(f"{column} = ?" for column in columns)
    journal.session.execute(
        f"UPDATE recharge SET {sets} WHERE account_id = ? AND recharge_no = ?",
        *columns.values(), journal.account.account_id, recharge_no,
    )  # fmt: skip


def want_canceled(journal: Journal, recharge_no: int) -> None:
    """Have a recharge given up; it keeps its place until the provider has agreed, since it may have been paid."""
    change(journal, recharge_no, cancel_wanted=True, due_at=journal.now)
