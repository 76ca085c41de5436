"""Balances as people see them: what the usable lots hold, less what is owed, less what is reserved."""

from collections.abc import Sequence
from dataclasses import dataclass

from credits import accounts
from credits.accounts import account_now
from credits.instants import DAY
from credits.refusals import invalid
from db.session import Session
from db.tables import NEVER


@dataclass(frozen=True, slots=True)
class Balance:
    """Micro-units of one currency. `available` is `current` less `reserved`; expiry is an instant or None."""

    currency: str
    current_micros: int
    reserved_micros: int
    owed_micros: int
    next_expiry_at: int | None

    @property
    def available_micros(self) -> int:
        """What a new call can spend."""
        return self.current_micros - self.reserved_micros

    @property
    def calls_allowed(self) -> bool:
        """Zero or less refuses every call that needs credit."""
        return self.available_micros > 0


def balance_of(session: Session, account_id: int, now: int) -> Balance:
    """The balance of one account at its own instant."""
    balances = balances_of(session, [account_id], now)
    if account_id not in balances:
        accounts.look_up(session, account_id)
    return balances[account_id]


def balances_of(session: Session, account_ids: Sequence[int], now: int) -> dict[int, Balance]:
    """The balances of several accounts, each at its own instant.

    The lots that cannot be spent are few, so they are subtracted from the book balance instead of summing
    the many that can.
    """
    wanted = session.among("account.account_id")
    found = session.rows(
        "SELECT account.account_id, currency, book_balance_micros, owed_micros,"
        " (SELECT coalesce(sum(remaining_micros), 0) FROM lot WHERE lot.account_id = account.account_id AND is_open"
        "  AND (expires_at <= coalesce(clock_at, ?) OR starts_at > coalesce(clock_at, ?))),"
        " (SELECT min(expires_at) FROM lot WHERE lot.account_id = account.account_id AND is_open"
        "  AND expires_at > coalesce(clock_at, ?) AND starts_at <= coalesce(clock_at, ?))"
        f" FROM account WHERE {wanted}",
        now, now, now, now, session.listed(account_ids),
    )  # fmt: skip
    return {
        account_id: Balance(currency, book - int(unusable), 0, owed, None if expiry in (None, NEVER) else expiry)
        for account_id, currency, book, owed, unusable, expiry in found
    }


def expiring_micros(session: Session, account_id: int, within_days: int, now: int) -> int:
    """What the usable lots hold that expires within some days from the account's instant."""
    if not 0 <= within_days <= 36_500:
        raise invalid("withinDays", "Ask for 0 to 36,500 days.")
    at = account_now(accounts.look_up(session, account_id), now)
    found = session.row(
        "SELECT coalesce(sum(remaining_micros), 0) FROM lot WHERE account_id = ? AND is_open"
        " AND starts_at <= ? AND expires_at > ? AND expires_at <= ?",
        account_id, at, at, at + within_days * DAY,
    )  # fmt: skip
    assert found is not None
    return int(found[0])
