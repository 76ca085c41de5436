"""Which accounts a list holds: what is asked for, of those that a viewer may read."""

from dataclasses import dataclass
from typing import Any

from credits.ids import read_id
from credits.refusals import Refusal
from credits.searching import like
from db.kinds import Scope
from schema.access import Viewer
from schema.kinds import AccountMode, AccountStatus

# What could be spent when all that was due had last been done, which the worker does within seconds.
_AVAILABLE = "(book_balance_micros - unusable_micros - reserved_micros)"
_NEEDS_ATTENTION = (
    "(status = 'SUSPENDED' OR (status = 'ACTIVE' AND"
    f" ({_AVAILABLE} <= 0 OR {_AVAILABLE} < coalesce(low_balance_micros, 0)"
    " OR EXISTS (SELECT 1 FROM auto_recharge AS rule WHERE rule.account_id = account.account_id"
    " AND rule.enabled AND rule.paused_reason IS NOT NULL))))"
)


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """Which accounts are wanted; None: whatever they are."""

    search: str = ""
    currency: str | None = None
    mode: AccountMode | None = None
    status: AccountStatus | None = None
    needs_attention: bool | None = None

    def sql(self, viewer: Viewer) -> tuple[str, list[Any]]:
        """SQL that is true for the accounts that are wanted and that a viewer may read, and its parameters."""
        condition, parameters = "1 = 1", list[Any]()
        if not viewer.is_operator:
            numbers = [number for number in viewer.account_roles if viewer.may(Scope.READ, number)]
            condition, parameters = f"account_id IN ({', '.join('?' * len(numbers)) or 'NULL'})", list[Any](numbers)
        if self.search:
            condition += " AND (lower(name) LIKE ? ESCAPE '\\' OR account_id = ?)"
            parameters += [like(self.search), _number_in(self.search)]
        for column, value in (("currency", self.currency), ("mode", self.mode), ("status", self.status)):
            if value is not None:
                condition += f" AND {column} = ?"
                parameters.append(str(value))
        if self.needs_attention is not None:
            condition += f" AND {'' if self.needs_attention else 'NOT '}{_NEEDS_ATTENTION}"
        return condition, parameters


def _number_in(search: str) -> int:
    """The account whose whole id is searched for; 0, which is no account's number, when it is none."""
    try:
        return read_id("acct", search)[0]
    except Refusal:
        return 0
