"""What is put right afterwards: a call's charge that is taken back, and calls that had no rate when they came.

Funds go back to the lots that paid; where a lot's time is over meanwhile, an entry says what became of them (pitfalls,
expiry).
"""

from collections.abc import Iterator, Sequence

from credits import audit
from credits.accounts import require_open
from credits.call_states import CallState, call_states, write_calls
from credits.consequences import follow
from credits.decks import RateBook
from credits.desk import Desk
from credits.due import open_journal
from credits.funds import check_note
from credits.ids import public_id
from credits.instants import month_of
from credits.ledger import Journal
from credits.pools import whole_minutes
from credits.refusals import conflict, not_found
from credits.reservations import Reservations
from credits.terms import USUAL_TERMS, Terms
from db.kinds import CallStatus
from db.session import Session

MOST_AT_ONCE = 1_000


def reverse_call(
    session: Session,
    *,
    rates: RateBook,
    account_id: int,
    call_id: str,
    reason: str,
    now: int,
    terms: Terms = USUAL_TERMS,
) -> int:
    """Take back a settled call's charge, and give back the minutes that it used. Returns the call's number.

    A call is reversed once: asked again, nothing more happens. Refused: what was not settled.
    """
    check_note("reason", reason)
    journal = open_journal(session, account_id, now, terms)
    require_open(journal.account)
    found = call_states(session, account_id, "call_id = ?", call_id)
    if not found:
        raise not_found("callId", "There is no such call.")
    (call,) = found
    if call.reversed_at is not None:
        audit.unchanged(session)
        return call.call_no
    if call.status != CallStatus.SETTLED:
        raise conflict("Only a call that was settled can be reversed.", field=("callId",))
    charged = {"charge": audit.amount(call.charge_micros, journal.account.currency)}
    told = {"charge": audit.amount(0, journal.account.currency), "reason": reason.strip()}
    audit.changed(session, public_id("call", account_id, call.call_no), charged, told)
    desk = Desk(session, rates, _users_of([call]))
    _give_minutes_back(journal, desk, call)
    if call.charge_micros:
        desk.spending.add(call, month_of(call.answered_at, journal.account.time_zone), -call.charge_micros)
        _give_money_back(journal, call, reason.strip())
    call.charge_micros, call.reversed_at = 0, journal.now
    _write(session, journal, desk, [call])
    return call.call_no


def rate_later(
    session: Session,
    *,
    rates: RateBook,
    account_id: int,
    call_ids: Sequence[str] | None,
    now: int,
    terms: Terms = USUAL_TERMS,
) -> list[CallState]:
    """Price calls that had no rate, by the deck that counts now for when they were answered; those of some call ids,
    or the first thousand. Returns those that have been charged; the others stay as they are."""
    journal = open_journal(session, account_id, now, terms)
    require_open(journal.account)
    named = "" if call_ids is None else f" AND {session.among('call_id')}"
    calls = call_states(
        session, account_id, f"status = 'UNRATED'{named} ORDER BY call_no LIMIT ?",
        *([] if call_ids is None else [session.listed(call_ids)]), MOST_AT_ONCE,
    )  # fmt: skip
    desk, currency = Desk(session, rates, _users_of(calls)), journal.account.currency
    reservations = Reservations(desk)
    rated = []
    for call in calls:
        _give_minutes_back(journal, desk, call)
        reservations.finish(
            journal, call, answered_at=call.answered_at, duration_seconds=call.duration_seconds
        )  # fmt: skip
        if call.status == CallStatus.SETTLED:
            rated.append(call)
    _write(session, journal, desk, calls)
    for call in rated:
        told = {"status": "UNRATED"}, {"status": call.status, "charge": audit.amount(call.charge_micros, currency)}
        audit.changed(session, public_id("call", account_id, call.call_no), *told)
    if not rated:
        audit.unchanged(session)
    return rated


def count_unrated(session: Session, account_id: int) -> int:
    """How many calls of an account wait for a rate."""
    found = session.row("SELECT count(*) FROM call WHERE account_id = ? AND status = 'UNRATED'", account_id)
    assert found is not None
    return int(found[0])


def _give_minutes_back(journal: Journal, desk: Desk, call: CallState) -> None:
    if call.pool_no is not None and call.plan_seconds:
        pool = desk.pools.numbered(call.account_id, call.pool_no)
        desk.pools.use(journal, pool, -whole_minutes(call.plan_seconds))


def _give_money_back(journal: Journal, call: CallState, note: str) -> None:
    """To the lots that paid it, be it at once or later, as what was owed for it; the rest of that is owed no more."""
    given = _charged_to(journal, call.call_no)
    owed_micros = call.charge_micros - sum(given.values())
    for lot_no, repaid in _repaid_by(journal, call.call_no, owed_micros) if owed_micros else ():
        given[lot_no] = given.get(lot_no, 0) + repaid
        owed_micros -= repaid
    assert owed_micros <= journal.account.owed_micros, "what no lot has repaid is still owed"
    journal.reverse(given, owed_micros, call_no=call.call_no, note=note)


def _charged_to(journal: Journal, call_no: int) -> dict[int, int]:
    """What each lot paid of a call's charge."""
    found = journal.session.rows(
        "SELECT draw.lot_no, -draw.amount_micros FROM ledger_entry JOIN draw"
        " ON draw.account_id = ledger_entry.account_id AND draw.entry_no = ledger_entry.entry_no"
        " WHERE ledger_entry.account_id = ? AND ledger_entry.call_no = ? AND ledger_entry.kind = 'CALL_CHARGE'",
        journal.account.account_id, call_no,
    )  # fmt: skip
    return dict(found)


def _repaid_by(journal: Journal, call_no: int, micros: int) -> Iterator[tuple[int, int]]:
    """The lots that have repaid what was owed for a call since it was charged, each with how much: what is owed first
    is repaid first, and a call that was reversed is owed for no more."""
    account_id = journal.account.account_id
    charged = journal.session.row(
        "SELECT entry_no, (SELECT -sum(owed_change_micros) FROM ledger_entry AS before WHERE before.account_id ="
        " charge.account_id AND before.entry_no < charge.entry_no) FROM ledger_entry AS charge"
        " WHERE account_id = ? AND call_no = ? AND kind = 'CALL_CHARGE'",
        account_id, call_no,
    )  # fmt: skip
    assert charged is not None, "what is owed for a call was charged"
    entry_no, before_micros = charged[0], int(charged[1] or 0)
    for repaid, lot_no, other_entry_no in journal.session.rows(
        "SELECT entry.owed_change_micros, draw.lot_no, (SELECT charge.entry_no FROM ledger_entry AS charge"
        " WHERE charge.account_id = entry.account_id AND charge.call_no = entry.call_no"
        " AND charge.kind = 'CALL_CHARGE') FROM ledger_entry AS entry LEFT JOIN draw ON entry.kind = 'ADJUSTMENT'"
        " AND draw.account_id = entry.account_id AND draw.entry_no = entry.entry_no"
        " WHERE entry.account_id = ? AND entry.entry_no > ? AND entry.owed_change_micros > 0 ORDER BY entry.entry_no",
        account_id, entry_no,
    ):  # fmt: skip
        if lot_no is None and other_entry_no > entry_no:
            continue  # the reversal of a call that was charged later
        ahead = min(repaid, before_micros)
        before_micros -= ahead
        own = min(repaid - ahead, micros)
        micros -= own
        if lot_no is not None and own:
            yield lot_no, own


def _users_of(calls: Sequence[CallState]) -> list[tuple[int, int]]:
    return [(call.account_id, call.user_no) for call in calls if call.user_no is not None]


def _write(session: Session, journal: Journal, desk: Desk, calls: Sequence[CallState]) -> None:
    desk.pools.write()
    write_calls(session, [], calls)
    desk.spending.write()
    follow(journal)
