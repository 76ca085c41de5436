"""A TEST account's clock: moving it forward does all that falls due on the way, in order of time."""

from credits import accounts, audit
from credits.accounts import account_now, require_open
from credits.due import catch_up
from credits.ids import public_id
from credits.ledger import Journal
from credits.providers import Providers
from credits.recharging import drive_within
from credits.refunds import drive_refund_within
from credits.refusals import conflict, invalid
from credits.terms import USUAL_TERMS, Terms
from db.kinds import AccountMode
from db.session import Session
from db.tables import NEVER

_BUILT_IN = Providers()
# What the provider is asked about, table by table, and how.
_ASKED_ABOUT = {"recharge": drive_within, "refund": drive_refund_within}


def advance_clock(session: Session, *, account_id: int, to: int, now: int, terms: Terms = USUAL_TERMS) -> None:
    """Move a TEST account's clock forward to `to`: funds start and expire, declined cards are tried again, notices
    are written, each at its own instant."""
    account = accounts.lock(session, account_id)
    if account.mode != AccountMode.TEST:
        raise conflict("Only a TEST account has a clock of its own.", field=("accountId",))
    require_open(account)
    if to < account_now(account, now):
        raise invalid("to", "A clock only moves forward.")
    moved = {"clock": audit.time(account.clock_at)}, {"clock": audit.time(to)}
    audit.changed(session, public_id("acct", account_id), *moved)
    while (at := min(account.due_at, *(_next_at(session, table, account_id) for table in _ASKED_ABOUT))) <= to:
        catch_up(session, account, max(at, account.caught_up_at), terms)
        for table, drive in _ASKED_ABOUT.items():
            for number in _due(session, table, account_id, account.caught_up_at):
                journal = Journal(session, account, max(account.caught_up_at, account.last_posted_at), terms)
                drive(journal, _BUILT_IN, number)
                assert number not in _due(session, table, account_id, account.caught_up_at), "it moves on, or has ended"
    account.caught_up_at = max(account.caught_up_at, to)
    accounts.save_totals(session, [account])
    accounts.set_clock(session, account, to)


def _next_at(session: Session, table: str, account_id: int) -> int:
    """When the next of the account's recharges or refunds is to be taken up."""
    found = session.row(f"SELECT min(due_at) FROM {table} WHERE account_id = ? AND due_at IS NOT NULL", account_id)
    return NEVER if found is None or found[0] is None else int(found[0])


def _due(session: Session, table: str, account_id: int, at: int) -> list[int]:
    found = session.rows(
        f"SELECT {table}_no FROM {table} WHERE account_id = ? AND due_at <= ? ORDER BY due_at, {table}_no",
        account_id, at,
    )  # fmt: skip
    return [number for (number,) in found]
