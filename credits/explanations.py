"""Why a call cost what it cost, or may not go: told from what is on record, in plain steps."""

from collections import defaultdict
from collections.abc import Sequence

from credits import accounts
from credits.accounts import AccountState
from credits.call_states import CallState, call_states
from credits.decks import rates_of, terms_of
from credits.ids import public_id
from credits.language import Instant, Money, Sentence, read_back, sentence
from credits.plans import catalogue_of
from credits.pools import Pool, read_pools, whole_minutes
from credits.rating import DeckTerms, Rate, explain_price
from credits.telling import name_of_pool
from db.kinds import CallStatus, RefusalReason
from db.session import Session

_REFUSALS = {
    RefusalReason.NO_RATE: sentence("No deck in force had a rate for this number when the call was answered."),
    RefusalReason.DESTINATION_BLOCKED: sentence("The deck lists this destination as blocked."),
}
_ENDED = {
    CallStatus.RELEASED: sentence("It was not answered; all that it held was given back."),
    CallStatus.EXPIRED: sentence(
        "Nothing more was heard of it; all that it held was given back. If it was made, it can still be settled."
    ),
}
_GRANTED = "{asked} s were asked for on {at}, and {granted} s granted."
_GRANTED_LESS = "{asked} s were asked for on {at}, and {granted} s granted: more could not be paid for."
# By whether it holds money, and minutes.
_HOLDS = {
    (True, True): "It holds {amount} and {minutes} minutes of a plan until it ends, or until {lapses} if nothing is"
    " heard of it.",
    (True, False): "It holds {amount} until it ends, or until {lapses} if nothing is heard of it.",
    (False, True): "It holds {minutes} minutes of a plan until it ends, or until {lapses} if nothing is heard of it.",
    (False, False): "It holds nothing, for it costs nothing.",
}


def explain_calls(session: Session, *, account_id: int, call_nos: Sequence[int]) -> dict[int, list[Sentence]]:
    """For each call the steps of its decision or price, and what paid for it."""
    account = accounts.look_up(session, account_id)
    calls = call_states(session, account_id, session.among("call_no"), session.listed(call_nos))
    paid = _payments(session, account, call_nos)
    rates = _rates_by_deck(session, [(call.deck_id, call.rate_no or 0) for call in calls if call.deck_id is not None])
    pools = _pools(session, account_id, {call.pool_no for call in calls if call.pool_no is not None})
    return {
        call.call_no: _explain(call, account, rates, pools) + paid[call.call_no] + _reversed(call, account)
        for call in calls
    }


def _explain(call: CallState, account: AccountState, rates: "_Rates", pools: dict[int, Pool]) -> list[Sentence]:
    if call.status == CallStatus.REFUSED:
        return read_back(call.steps or "[]")
    if call.authorized_at is not None and not call.is_over:
        return [_granted(call, account), _ENDED.get(CallStatus(call.status), _held(call, account))]
    steps = _paid_by_plan(call, pools)
    if call.status == CallStatus.UNRATED:
        steps.append(_REFUSALS[RefusalReason(call.refusal or "")])
        steps.append(sentence("It was kept without a charge and can be rated later."))
    elif call.plan_seconds < call.duration_seconds or not steps:
        steps += _priced(call, account, rates)
    return steps


def _reversed(call: CallState, account: AccountState) -> list[Sentence]:
    if call.reversed_at is None:
        return []
    return [sentence("The charge was taken back on {at}.", at=Instant(call.reversed_at, account.time_zone))]


def _granted(call: CallState, account: AccountState) -> Sentence:
    asked, granted = call.requested_seconds or 0, call.granted_seconds or 0
    return sentence(
        _GRANTED if granted >= asked else _GRANTED_LESS,
        asked=asked, granted=granted, at=Instant(call.authorized_at or 0, account.time_zone),
    )  # fmt: skip


def _held(call: CallState, account: AccountState) -> Sentence:
    return sentence(
        _HOLDS[bool(call.held_micros), bool(call.held_minutes)],
        amount=Money(call.held_micros, account.currency), minutes=call.held_minutes,
        lapses=Instant(call.lapses_at or 0, account.time_zone),
    )  # fmt: skip


def _paid_by_plan(call: CallState, pools: dict[int, Pool]) -> list[Sentence]:
    if call.pool_no is None or not call.plan_seconds:
        return []
    pays = sentence(
        "{minutes} minutes of the {pool} pay for {seconds} s.",
        minutes=whole_minutes(call.plan_seconds), pool=name_of_pool(pools[call.pool_no]), seconds=call.plan_seconds,
    )  # fmt: skip
    return [pays]


def _priced(call: CallState, account: AccountState, rates: "_Rates") -> list[Sentence]:
    if call.deck_id is None:
        return [sentence("Calls to emergency numbers are never charged.")]
    deck, its_rates = rates[call.deck_id]
    return explain_price(
        its_rates[call.rate_no or 0], deck=deck, duration_seconds=call.duration_seconds,
        plan_seconds=call.plan_seconds, time_zone=account.time_zone,
    )  # fmt: skip


def _pools(session: Session, account_id: int, numbers: set[int]) -> dict[int, Pool]:
    if not numbers:
        return {}
    condition = f"account_id = ? AND {session.among('pool_no')}"
    found = read_pools(session, catalogue_of(session), condition, account_id, session.listed(numbers))
    return {pool.pool_no: pool for pool in found}


_Rates = dict[int, tuple[DeckTerms, dict[int, Rate]]]


def _rates_by_deck(session: Session, wanted: Sequence[tuple[int, int]]) -> _Rates:
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
