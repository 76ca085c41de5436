"""Why a call cost what it cost: told from what is on record, in plain steps."""

from collections import defaultdict
from collections.abc import Sequence

from credits import accounts
from credits.accounts import AccountState
from credits.decks import rates_of, terms_of
from credits.ids import public_id
from credits.language import Instant, Money, Sentence, sentence
from credits.rating import DeckTerms, Rate, explain_price
from db.kinds import CallStatus, RefusalReason
from db.session import Session

_REFUSALS = {
    RefusalReason.NO_RATE: "No deck in force had a rate for this number when the call was answered.",
    RefusalReason.DESTINATION_BLOCKED: "The deck lists this destination as blocked.",
}


def explain_calls(session: Session, *, account_id: int, call_nos: Sequence[int]) -> dict[int, list[Sentence]]:
    """For each call the steps of its price, and which lots paid it."""
    account = accounts.look_up(session, account_id)
    paid = _payments(session, account, call_nos)
    calls = session.rows(
        "SELECT call_no, status, refusal, deck_id, rate_no, duration_seconds FROM call"
        f" WHERE account_id = ? AND {session.among('call_no')}",
        account_id,
        session.listed(call_nos),
    )
    rates = _rates_by_deck(session, [(deck_id, rate_no) for _, _, _, deck_id, rate_no, _ in calls if deck_id])
    told = {}
    for call_no, status, refusal, deck_id, rate_no, duration_seconds in calls:
        steps: list[Sentence] = []
        if status == CallStatus.UNRATED:
            steps.append(sentence(_REFUSALS[RefusalReason(refusal)]))
            steps.append(sentence("It was kept without a charge and can be rated later."))
        elif deck_id is None:
            steps.append(sentence("Calls to emergency numbers are never charged."))
        else:
            deck, its_rates = rates[deck_id]
            steps += explain_price(
                its_rates[rate_no], deck=deck, duration_seconds=duration_seconds, time_zone=account.time_zone
            )
        told[call_no] = steps + paid[call_no]
    return told


def _rates_by_deck(session: Session, wanted: Sequence[tuple[int, int]]) -> dict[int, tuple[DeckTerms, dict[int, Rate]]]:
    """The decks of some calls with the rates that they used."""
    rate_nos: dict[int, set[int]] = defaultdict(set)
    for deck_id, rate_no in wanted:
        rate_nos[deck_id].add(rate_no)
    return {
        deck_id: (terms_of(session, deck_id), rates_of(session, deck_id, numbers))
        for deck_id, numbers in rate_nos.items()
    }


def _payments(session: Session, account: AccountState, call_nos: Sequence[int]) -> dict[int, list[Sentence]]:
    """What each lot gave to each call, and what is owed for it."""
    told: dict[int, list[Sentence]] = defaultdict(list)
    wanted = session.listed(call_nos)
    for call_no, lot_no, amount_micros, purchased_at in session.rows(
        "SELECT ledger_entry.call_no, draw.lot_no, -draw.amount_micros, lot.purchased_at FROM ledger_entry"
        " JOIN draw ON draw.account_id = ledger_entry.account_id AND draw.entry_no = ledger_entry.entry_no"
        " JOIN lot ON lot.account_id = draw.account_id AND lot.lot_no = draw.lot_no"
        f" WHERE ledger_entry.account_id = ? AND {session.among('ledger_entry.call_no')}"
        " AND ledger_entry.kind = 'CALL_CHARGE' ORDER BY ledger_entry.entry_no, draw.lot_no",
        account.account_id, wanted,
    ):  # fmt: skip
        told[call_no].append(
            sentence(
                "{amount} was drawn from the lot of {bought} ({lot}).",
                amount=Money(amount_micros, account.currency),
                bought=Instant(purchased_at, account.time_zone),
                lot=public_id("lot", account.account_id, lot_no),
            )
        )
    for call_no, owed_micros in session.rows(
        "SELECT call_no, -owed_change_micros FROM ledger_entry"
        f" WHERE account_id = ? AND {session.among('call_no')} AND kind = 'CALL_CHARGE' AND owed_change_micros < 0",
        account.account_id, wanted,
    ):  # fmt: skip
        told[call_no].append(
            sentence("No lot could give {amount}; it is owed.", amount=Money(owed_micros, account.currency))
        )
    return told
