"""Disputes: payments that the payer's bank contests.

While one is open, what the recharge's lot still holds is kept back, up to the amount in dispute. Won, it returns;
lost, the bank has the money, and what the lot could not give is owed. A dispute only moves forward, whatever order
its messages come in, and what went back in another way is not taken again.
"""

from credits import automatic
from credits.consequences import follow
from credits.due import open_journal
from credits.language import language
from credits.ledger import Journal
from credits.notices import tell
from credits.providers import FoundDispute, Providers
from credits.returns import Bought, DisputeState, bought, change_dispute, disputes_of, give_back, hold_more
from credits.terms import USUAL_TERMS, Terms
from db.kinds import DisputeStatus, NoticeKind, PauseReason
from db.session import Database


def hear_disputes(
    database: Database, providers: Providers, *, account_id: int, recharge_no: int, now: int, terms: Terms = USUAL_TERMS
) -> bool:
    """The provider says that a payment is contested: look at all its disputes, and act on what is new.

    Twice, late or out of order is all the same. False when there is nothing to look at yet, since the payment's funds
    have not arrived. Raises `Unavailable` when the provider does not answer.
    """
    with database.transaction() as session:
        journal = open_journal(session, account_id, now, terms)
        provider = providers.of(journal.account.mode)
        whole = bought(session, account_id, recharge_no)
        journal.write()
    if provider is None or whole is None or whole.recharge.provider_payment is None:
        return False
    for found in provider.disputes(whole.recharge.provider_payment):
        with database.transaction() as session:
            journal = open_journal(session, account_id, now, terms)
            _take_in(journal, recharge_no, found)
            follow(journal)
    return True


def _take_in(journal: Journal, recharge_no: int, found: FoundDispute) -> None:
    """Move a dispute forward to how it stands at the provider, opening it first when it is new."""
    status = DisputeStatus(found.status)
    whole = _bought(journal, recharge_no)
    known = next((each for each in whole.disputes if each.provider_dispute == found.dispute_id), None)
    if known is None:
        known = _open(journal, whole, found, holds=status == DisputeStatus.OPEN)
        whole = _bought(journal, recharge_no)
    if known.status != DisputeStatus.OPEN or status == DisputeStatus.OPEN:
        return
    if status == DisputeStatus.WON:
        _win(journal, whole, known)
    else:
        _lose(journal, whole, known)


def _open(journal: Journal, whole: Bought, found: FoundDispute, *, holds: bool) -> DisputeState:
    """Write a dispute down and keep back what the lot still holds; one that is decided already keeps nothing back."""
    account, recharge_no = journal.account, whole.recharge.recharge_no
    account.dispute_count += 1
    held_micros = min(found.amount_micros, whole.in_lot_micros(journal), whole.left_micros) if holds else 0
    journal.session.execute(
        "INSERT INTO dispute (account_id, dispute_no, recharge_no, provider_dispute, status, amount_micros,"
        " held_micros, reason, opened_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        account.account_id, account.dispute_count, recharge_no, found.dispute_id, DisputeStatus.OPEN.value,
        found.amount_micros, held_micros, found.reason, journal.now,
    )  # fmt: skip
    if held_micros:
        journal.take_back(whole.lot, held_micros, recharge_no=recharge_no, note=_note(journal))
    (state,) = [
        each
        for each in disputes_of(journal.session, account.account_id, recharge_no)
        if each.dispute_no == account.dispute_count
    ]
    if holds:
        _tell(journal, state, DisputeStatus.OPEN, held_micros)
        automatic.pause(journal, PauseReason.DISPUTED)  # whoever contests one payment would contest the next
    return state


def _win(journal: Journal, whole: Bought, state: DisputeState) -> None:
    """The payment stands: what was kept back returns."""
    _close(journal, state, DisputeStatus.WON, state.held_micros)
    free_micros = hold_more(journal, state.recharge_no, state.held_micros)  # another one may be open, or lost
    if free_micros:
        give_back(journal, whole, free_micros, began_at=state.opened_at)
    _tell(journal, state, DisputeStatus.WON, state.held_micros)


def _lose(journal: Journal, whole: Bought, state: DisputeState) -> None:
    """The bank has the money: what was not kept back is taken too, as far as it has not gone back already."""
    taken_micros = min(state.amount_micros, whole.left_micros + state.held_micros)
    _close(journal, state, DisputeStatus.LOST, taken_micros)
    if taken_micros > state.held_micros:
        missing_micros = taken_micros - state.held_micros
        journal.take_back(whole.lot, missing_micros, recharge_no=state.recharge_no, note=_note(journal))
    _tell(journal, state, DisputeStatus.LOST, taken_micros)


def _close(journal: Journal, state: DisputeState, status: DisputeStatus, held_micros: int) -> None:
    change_dispute(journal, state.dispute_no, status=status.value, held_micros=held_micros, closed_at=journal.now)


def _tell(journal: Journal, state: DisputeState, status: DisputeStatus, held_micros: int) -> None:
    tell(
        journal,
        NoticeKind.FUNDS_DISPUTED,
        about=f"dispute-{state.dispute_no}-{status.value}",
        amount_micros=state.amount_micros,
        held_micros=held_micros,
        recharge_no=state.recharge_no,
        status=status.value,
    )


def _bought(journal: Journal, recharge_no: int) -> Bought:
    whole = bought(journal.session, journal.account.account_id, recharge_no)
    assert whole is not None, "what succeeded stays so"
    return whole


def _note(journal: Journal) -> str:
    return language(journal.account.locale).say("The payer's bank contests the payment")
