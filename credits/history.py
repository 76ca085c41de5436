"""The balance over time, for a chart: what each day closed with and what calls cost on it.

Entries are posted in order of time and only ever added, so the entry that closed a past day never changes:
it is found by halving over the entry numbers, and remembered.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import date, timedelta

from credits import accounts
from credits.accounts import AccountState, account_now
from credits.instants import local_day, start_of_day
from credits.refusals import invalid
from db.session import Session

LONGEST_HISTORY = 400
_REMEMBERED = 50_000


@dataclass(frozen=True, slots=True)
class BalanceDay:
    """A calendar day in the account's zone: its closing book balance and what calls cost on it, in micro-units."""

    day: date
    closing_micros: int
    charged_micros: int


class History:
    """Remembers past days and how they closed; one per process."""

    def __init__(self) -> None:
        self._closed: OrderedDict[tuple[int, int], tuple[int, int]] = OrderedDict()
        self._days: OrderedDict[tuple[int, str, date], BalanceDay] = OrderedDict()

    def days(self, session: Session, *, account_id: int, days: int, now: int) -> list[BalanceDay]:
        """The last `days` calendar days of an account, today included, oldest first."""
        if not 1 <= days <= LONGEST_HISTORY:
            raise invalid("days", "Ask for 1 to {longest} days.", longest=LONGEST_HISTORY)
        account = accounts.look_up(session, account_id)
        today = local_day(account_now(account, now), account.time_zone)
        wanted = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
        known = [self._days.get((account_id, account.time_zone, day)) for day in wanted]
        first = next((place for place, day in enumerate(known[:-1]) if day is None), days - 1)  # today is not over
        return [*filter(None, known[:first]), *self._read(session, account, wanted[first:])]

    def _read(self, session: Session, account: AccountState, wanted: list[date]) -> list[BalanceDay]:
        """Consecutive days up to today."""
        edges = [start_of_day(day, account.time_zone) for day in wanted]
        opening = [self.before(session, account, edge) for edge in edges]
        closing = [*opening[1:], (account.entry_count, account.book_balance_micros)]
        added = _added_otherwise(session, account.account_id, edges[0])
        found = [
            BalanceDay(day, after, before + _between(added, first, last) - after)
            for day, (first, before), (last, after) in zip(wanted, opening, closing, strict=True)
        ]
        self._remember(account, found, edges[1:])
        return found

    def _remember(self, account: AccountState, found: list[BalanceDay], ends: list[int]) -> None:
        """Keep the days that are over for good: those that ended before the newest entry was posted."""
        for day, end in zip(found, ends, strict=False):
            if end <= account.last_posted_at:
                self._days[account.account_id, account.time_zone, day.day] = day
        while len(self._days) > _REMEMBERED:
            self._days.popitem(last=False)

    def before(self, session: Session, account: AccountState, edge: int) -> tuple[int, int]:
        """The number of the newest entry posted before an instant, and the book balance after it."""
        if edge > account.last_posted_at:
            return account.entry_count, account.book_balance_micros
        key = (account.account_id, edge)
        found = self._closed.get(key)
        if found is None:
            found = self._closed[key] = _newest_before(session, account, edge)
            if len(self._closed) > _REMEMBERED:
                self._closed.popitem(last=False)
        return found


def _newest_before(session: Session, account: AccountState, edge: int) -> tuple[int, int]:
    low, high, balance = 0, account.entry_count, 0
    while low < high:
        middle = (low + high + 1) // 2
        row = session.row(
            "SELECT posted_at, balance_after_micros FROM ledger_entry WHERE account_id = ? AND entry_no = ?",
            account.account_id,
            middle,
        )
        assert row is not None, "entries are numbered without gaps"
        if row[0] < edge:
            low, balance = middle, row[1]
        else:
            high = middle - 1
    return low, balance


def _added_otherwise(session: Session, account_id: int, since: int) -> list[tuple[int, int]]:
    """Entry number and amount of all that was not a call, since an instant: few, beside the calls."""
    statement = (
        "SELECT entry_no, amount_micros FROM ledger_entry"
        " WHERE account_id = ? AND kind <> 'CALL_CHARGE' AND posted_at >= ? ORDER BY entry_no"
    )
    return session.once((_added_otherwise, account_id, since), lambda: session.rows(statement, account_id, since))


def _between(added: list[tuple[int, int]], first: int, last: int) -> int:
    return sum(amount_micros for entry_no, amount_micros in added if first < entry_no <= last)
