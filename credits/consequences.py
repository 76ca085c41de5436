"""What follows from a changed balance: notices when it crosses a line, and automatic recharge below its trigger.

Every verb that moves money ends with `follow`, in its own transaction, so that what a charge causes is as certain
as the charge.
"""

from collections.abc import Iterable

from credits import automatic
from credits.ledger import Journal
from credits.notices import tell
from db.kinds import NoticeKind


def follow(journal: Journal) -> None:
    """Tell of the lines that the balance has crossed, recharge where the rule says so, and write what was gathered."""
    decide_all([journal])
    journal.write()


def decide_all(journals: Iterable[Journal]) -> None:
    """The same for several accounts, but for the writing."""
    for journal in journals:
        _tell_when_empty(journal)
        _tell_when_low(journal)
        account = journal.account
        if account.recharge_below_micros is not None and journal.available_micros < account.recharge_below_micros:
            automatic.decide(journal)


def _tell_when_empty(journal: Journal) -> None:
    """Once per crossing, armed again when there is something left. What is only promised to a call is not gone."""
    account = journal.account
    is_empty = journal.current_micros <= 0
    if is_empty and not account.told_empty:
        tell(
            journal,
            NoticeKind.BALANCE_BELOW_ZERO,
            available_micros=journal.current_micros,
            owed_micros=account.owed_micros,
        )
    account.told_empty = is_empty


def _tell_when_low(journal: Journal) -> None:
    """Once per crossing, armed again when the balance recovers; a balance that is gone is told of as such."""
    account = journal.account
    if account.low_balance_micros is None:
        return
    is_low = journal.current_micros < account.low_balance_micros
    if is_low and not account.told_low and journal.current_micros > 0:
        tell(
            journal,
            NoticeKind.BALANCE_LOW,
            available_micros=journal.current_micros,
            low_balance_micros=account.low_balance_micros,
        )
    account.told_low = is_low
