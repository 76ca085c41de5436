"""Funds that an operator gives and takes back: grants and voids."""

from credits import audit, once
from credits.accounts import require_open
from credits.consequences import follow
from credits.due import open_journal
from credits.ids import public_id
from credits.ledger import open_lots
from credits.money import LARGEST_AMOUNT_MICROS
from credits.refusals import conflict, invalid, not_found
from credits.returns import is_being_returned
from credits.terms import USUAL_TERMS, Terms
from db.kinds import EntryKind, LotSource
from db.session import Session
from db.tables import NEVER

LONGEST_NOTE = 500
LARGEST_PRIORITY = 1_000_000


def grant_credit(
    session: Session,
    *,
    account_id: int,
    amount_micros: int,
    note: str,
    priority: int = 0,
    starts_at: int | None = None,
    expires_at: int | None = None,
    idempotency_key: str,
    now: int,
    terms: Terms = USUAL_TERMS,
) -> int:
    """Give an account a lot of `amount_micros`, usable from `starts_at` (now) until `expires_at` (never).

    Returns the lot's number. Refused: an amount that is not positive, times out of order, a closed account.
    """
    _check_grant(amount_micros, note, priority)
    fingerprint = once.fingerprint_of("grant", amount_micros, note, priority, starts_at, expires_at)
    journal = open_journal(session, account_id, now, terms)
    before = once.answered_before(session, account_id, idempotency_key, fingerprint)
    if before is not None:
        assert before.lot_no is not None
        return before.lot_no
    require_open(journal.account)
    start = journal.now if starts_at is None else starts_at
    end = NEVER if expires_at is None else expires_at
    if end <= max(start, journal.now):
        raise invalid("expiresAt", "Funds must expire after they start, and not in the past.")
    lot_no = journal.add_lot(
        source=LotSource.GRANT,
        amount_micros=amount_micros,
        starts_at=start,
        expires_at=end,
        priority=priority,
        note=note,
    )
    once.remember(session, account_id, idempotency_key, fingerprint, journal.now, lot_no=lot_no)
    told = {
        "amount": audit.amount(amount_micros, journal.account.currency), "description": note, "priority": priority,
        "starts_at": audit.time(start), "expires_at": audit.time(expires_at),
    }  # fmt: skip
    audit.changed(session, public_id("lot", account_id, lot_no), after=told)
    follow(journal)
    return lot_no


def void_lot(
    session: Session,
    *,
    account_id: int,
    lot_no: int,
    reason: str,
    idempotency_key: str,
    now: int,
    terms: Terms = USUAL_TERMS,
) -> int:
    """Take back exactly what is left of a lot, read under the account's lock. Returns the lot's number.

    What is promised to calls in progress stays theirs; what they do not need is taken back when they have ended.

    Of a lot whose settlement window has closed nothing is left, whether or not its forfeiture is written yet.
    """
    check_note("reason", reason)
    fingerprint = once.fingerprint_of("void", lot_no, reason)
    journal = open_journal(session, account_id, now, terms)
    if once.answered_before(session, account_id, idempotency_key, fingerprint) is not None:
        return lot_no
    require_open(journal.account)
    if not session.row("SELECT 1 FROM lot WHERE account_id = ? AND lot_no = ?", account_id, lot_no):
        raise not_found("lotId", "There is no such lot.")
    still_open = journal.now - terms.settlement_window
    left = open_lots(session, account_id, "lot_no = ? AND expires_at > ?", lot_no, still_open)
    if not left or not left[0].free_micros:
        raise conflict("Nothing is left of this lot.", field=("lotId",))
    if is_being_returned(session, account_id, lot_no):
        raise conflict("Money of this lot is being refunded or contested; wait until that is over.", field=("lotId",))
    taken = audit.amount(left[0].free_micros, journal.account.currency)
    audit.changed(session, public_id("lot", account_id, lot_no), {"remaining": taken}, {"reason": reason})
    journal.take_all(left[0], EntryKind.ADJUSTMENT, occurred_at=journal.now, note=reason)
    follow(journal)
    session.execute("UPDATE lot SET voided_at = ? WHERE account_id = ? AND lot_no = ?", journal.now, account_id, lot_no)
    once.remember(session, account_id, idempotency_key, fingerprint, journal.now, lot_no=lot_no)
    return lot_no


def _check_grant(amount_micros: int, note: str, priority: int) -> None:
    if amount_micros <= 0:
        raise invalid("amount", "The amount must be more than zero.")
    if amount_micros > LARGEST_AMOUNT_MICROS:
        raise invalid("amount", "This number is too large.")
    if abs(priority) > LARGEST_PRIORITY:
        raise invalid("priority", "A priority lies between -{largest} and {largest}.", largest=LARGEST_PRIORITY)
    check_note("description", note)


def check_note(field: str, note: str) -> None:
    if not 1 <= len(note.strip()) <= LONGEST_NOTE:
        raise invalid(field, "Say in 1 to {longest} characters what this is for.", longest=LONGEST_NOTE)
