"""A TEST account's clock: moving it forward does all that falls due on the way, in order of time."""

from credits import accounts
from credits.accounts import account_now, require_open
from credits.due import catch_up
from credits.ledger import Journal
from credits.providers import Providers
from credits.recharging import drive_within
from credits.refusals import conflict, invalid
from credits.terms import USUAL_TERMS, Terms
from db.kinds import AccountMode
from db.session import Session
from db.tables import NEVER

_BUILT_IN = Providers()


def advance_clock(session: Session, *, account_id: int, to: int, now: int, terms: Terms = USUAL_TERMS) -> None:
    """Move a TEST account's clock forward to `to`: funds start and expire, declined cards are tried again, notices
    are written, each at its own instant."""
    account = accounts.lock(session, account_id)
    if account.mode != AccountMode.TEST:
        raise conflict("Only a TEST account has a clock of its own.", field=("accountId",))
    require_open(account)
    if to < account_now(account, now):
        raise invalid("to", "A clock only moves forward.")
    while (at := min(account.due_at, _next_recharge_at(session, account_id))) <= to:
        catch_up(session, account, max(at, account.caught_up_at), terms)
        for recharge_no in _recharges_due(session, account_id, account.caught_up_at):
            journal = Journal(session, account, max(account.caught_up_at, account.last_posted_at), terms)
            drive_within(journal, _BUILT_IN, recharge_no)
    account.caught_up_at = max(account.caught_up_at, to)
    accounts.save_totals(session, account)
    accounts.set_clock(session, account, to)


def _next_recharge_at(session: Session, account_id: int) -> int:
    """When the next of the account's recharges is to be taken up."""
    found = session.row("SELECT min(due_at) FROM recharge WHERE account_id = ? AND due_at IS NOT NULL", account_id)
    return NEVER if found is None or found[0] is None else int(found[0])


def _recharges_due(session: Session, account_id: int, at: int) -> list[int]:
    found = session.rows(
        "SELECT recharge_no FROM recharge WHERE account_id = ? AND due_at <= ? ORDER BY due_at, recharge_no",
        account_id, at,
    )  # fmt: skip
    return [recharge_no for (recharge_no,) in found]
