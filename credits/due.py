"""What falls due as time passes: funds that start and repay what is owed, funds that expire for good.

Expiry itself needs nobody: a lot past its expiry is not usable, from that instant on. What is written
here, once the settlement window has closed, is the bookkeeping.
"""

from credits import accounts
from credits.accounts import AccountState
from credits.ledger import Journal, lots_started, open_lots
from credits.lots import OpenLot
from credits.refusals import conflict, invalid
from credits.terms import USUAL_TERMS, Terms
from db.kinds import AccountMode, EntryKind
from db.session import Session


def bring_up_to_date(session: Session, account_id: int, now: int, terms: Terms = USUAL_TERMS) -> int:
    """Do all that has fallen due in an account by its own instant, in order. Returns how many things that were."""
    account = accounts.lock(session, account_id)
    until = max(accounts.account_now(account, now), account.last_posted_at)
    return _do_due(session, account, until, terms)


def advance_clock(session: Session, *, account_id: int, to: int, now: int, terms: Terms = USUAL_TERMS) -> None:
    """Move a TEST account's clock forward to `to`, doing all that falls due on the way in order of time."""
    account = accounts.lock(session, account_id)
    if account.mode != AccountMode.TEST:
        raise conflict("Only a TEST account has a clock of its own.", field=("accountId",))
    accounts.require_open(account)
    if to < accounts.account_now(account, now):
        raise invalid("to", "A clock only moves forward.")
    _do_due(session, account, to, terms)
    accounts.set_clock(session, account, to)


def accounts_with_something_due(session: Session, now: int, terms: Terms = USUAL_TERMS) -> list[int]:
    """The LIVE accounts for which `bring_up_to_date` has something to write."""
    found = session.rows(
        "SELECT DISTINCT account.account_id FROM lot JOIN account ON account.account_id = lot.account_id"
        " WHERE lot.is_open AND account.mode = 'LIVE' AND (lot.expires_at <= ?"
        " OR (account.owed_micros > 0 AND lot.starts_at <= ? AND lot.starts_at > account.last_posted_at))"
        " ORDER BY account.account_id",
        now - terms.settlement_window, now,
    )  # fmt: skip
    return [account_id for (account_id,) in found]


def _do_due(session: Session, account: AccountState, until: int, terms: Terms) -> int:
    """At one instant the order is: expiry, then start (pitfalls, expiry)."""
    expired = open_lots(session, account.account_id, "expires_at <= ?", until - terms.settlement_window)
    started = lots_started(session, account, until)
    due = [(lot.expires_at + terms.settlement_window, 0, lot.spending_key, lot.lot_no) for lot in expired]
    due += [(lot.starts_at, 1, lot.spending_key, lot.lot_no) for lot in started]
    for at, start, _key, lot_no in sorted(due):
        posted_at = until if account.mode == AccountMode.LIVE else max(at, account.last_posted_at)
        journal = Journal(session, account, posted_at, terms)
        for lot in open_lots(session, account.account_id, "lot_no = ?", lot_no):
            if start:
                journal.repay_from(lot)
                journal.write()
            else:
                _forfeit(journal, lot)
    return len(due)


def _forfeit(journal: Journal, lot: OpenLot) -> None:
    journal.take_all(lot, EntryKind.EXPIRY, occurred_at=lot.expires_at)
    journal.write()
    journal.session.execute(
        "UPDATE lot SET forfeited_at = ? WHERE account_id = ? AND lot_no = ?",
        journal.now,
        journal.account.account_id,
        lot.lot_no,
    )
