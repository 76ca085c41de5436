"""Balances as people see them: what the usable lots hold, less what is owed, less what is reserved."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from credits import accounts
from credits.accounts import account_now
from credits.instants import DAY, never_as_none
from credits.lots import OpenLot
from credits.refusals import invalid
from db.session import Session
from db.tables import NEVER


@dataclass(frozen=True, slots=True)
class Balance:
    """Micro-units of one currency. `available` is `current` less `reserved`; expiry is an instant or None.

    What an expired lot holds for calls in progress is not lost to them: it counts as current, and as reserved.
    """

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
    the many that can. What has started since it was caught up has repaid what is owed, whether or not a worker
    has written it.
    """
    wanted = session.among("account.account_id")
    found = session.rows(
        "SELECT account.account_id, currency, book_balance_micros, owed_micros, reserved_micros,"
        " (SELECT coalesce(sum(remaining_micros - held_micros), 0) FROM lot"
        "  WHERE lot.account_id = account.account_id AND is_open"
        "  AND (expires_at <= coalesce(clock_at, ?) OR starts_at > coalesce(clock_at, ?))),"
        " (SELECT min(expires_at) FROM lot WHERE lot.account_id = account.account_id AND is_open"
        "  AND expires_at > coalesce(clock_at, ?) AND starts_at <= coalesce(clock_at, ?))"
        f" FROM account WHERE {wanted}",
        now, now, now, now, session.listed(account_ids),
    )  # fmt: skip
    balances = {
        account_id: Balance(currency, book - int(unusable), reserved, owed, None if expiry in (None, NEVER) else expiry)
        for account_id, currency, book, owed, reserved, unusable, expiry in found
    }
    owing = [account_id for account_id, balance in balances.items() if balance.owed_micros]
    for account_id, (at, caught_up_at, lots) in _open_lots(session, owing, now).items():
        balances[account_id] = _repaid(balances[account_id], lots, caught_up_at, at)
    return balances


def signs_of_change(session: Session, account_ids: Sequence[int], now: int) -> dict[int, tuple[Any, ...]]:
    """For several accounts, each at its own instant, values of which one changes whenever a balance does: what the
    account's row holds, and when the next of its lots starts or expires. They are only to be compared."""
    found = session.rows(
        "SELECT account.account_id, book_balance_micros, owed_micros, reserved_micros, entry_count, clock_at,"
        " (SELECT min(CASE WHEN starts_at > coalesce(clock_at, ?) THEN starts_at ELSE expires_at END) FROM lot"
        "  WHERE lot.account_id = account.account_id AND is_open AND expires_at > coalesce(clock_at, ?))"
        f" FROM account WHERE {session.among('account.account_id')}",
        now, now, session.listed(account_ids),
    )  # fmt: skip
    return {account_id: tuple(signs) for account_id, *signs in found}


def _open_lots(session: Session, owing: list[int], now: int) -> dict[int, tuple[int, int, list[OpenLot]]]:
    """For accounts that owe: their instant, that to which they are caught up, and the lots that hold money, in the
    order they start. Those are few: whatever was usable then is spent."""
    if not owing:
        return {}
    opened: dict[int, tuple[int, int, list[OpenLot]]] = {}
    for account_id, at, caught_up_at, *lot in session.rows(
        "SELECT account.account_id, coalesce(clock_at, ?), caught_up_at, lot_no, priority, expires_at, purchased_at,"
        " starts_at, remaining_micros, held_micros FROM account"
        f" JOIN lot ON lot.account_id = account.account_id AND is_open WHERE {session.among('account.account_id')}"
        " ORDER BY starts_at, priority, expires_at, purchased_at, lot_no",
        now, session.listed(owing),
    ):  # fmt: skip
        opened.setdefault(account_id, (at, caught_up_at, []))[2].append(OpenLot(*lot))
    return opened


def _repaid(balance: Balance, lots: list[OpenLot], caught_up_at: int, at: int) -> Balance:
    """The balance once the lots that started since it was caught up have repaid what is owed, be it written or not."""
    owed_micros = balance.owed_micros
    for lot in lots:
        if caught_up_at < lot.starts_at <= at:
            repaid = min(owed_micros, lot.free_micros)
            owed_micros -= repaid
            lot.remaining_micros -= repaid
    usable = [lot for lot in lots if lot.remaining_micros and lot.usable(at)]
    return replace(
        balance,
        current_micros=sum(lot.free_micros for lot in usable) + balance.reserved_micros - owed_micros,
        owed_micros=owed_micros,
        next_expiry_at=never_as_none(min((lot.expires_at for lot in usable), default=NEVER)),
    )


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
