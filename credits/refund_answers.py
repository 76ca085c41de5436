"""What a provider's word makes of refunds: they have gone back, they will not, or others were made at the provider.

A refund that does not go back sets its funds free. Before they return, what has gone back in another way is taken of
them, and then what a dispute is still owed: so nothing can be spent that the payer has, or is to have, already.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from credits.consequences import follow
from credits.ids import public_id
from credits.instants import HOUR, MINUTE
from credits.language import language
from credits.ledger import Journal
from credits.notices import tell
from credits.providers import FoundRefund, Outcome, RefundAnswer
from credits.returns import (
    Bought,
    RefundState,
    bought,
    change_dispute,
    change_refund,
    give_back,
    hold_more,
    refund_state,
    refunds_of,
)
from db.kinds import DisputeStatus, NoticeKind, RefundStatus

# The provider says that the money does not go back.
NOT_BACK = (Outcome.DECLINED, Outcome.CANCELED)
# How long to wait before asking again about a refund that is on its way; the last one from then on.
ASK_AGAIN = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR)


def write_down(
    journal: Journal,
    recharge_no: int,
    amount_micros: int,
    reason: str,
    *,
    due_at: int | None,
    found: FoundRefund | None = None,
) -> int:
    """Write a refund; `found` is one that the provider has made. Returns its number."""
    account = journal.account
    account.refund_count += 1
    status = RefundStatus.PENDING if found is None else RefundStatus.PROCESSING
    journal.session.execute(
        "INSERT INTO refund (account_id, refund_no, recharge_no, status, amount_micros, reason, by_provider,"
        " provider_refund, attempts, due_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)",
        account.account_id, account.refund_count, recharge_no, status.value, amount_micros, reason,
        found is not None, None if found is None else found.refund_id, due_at, journal.now,
    )  # fmt: skip
    return account.refund_count


def take_in(journal: Journal, state: RefundState, answer: RefundAnswer, listed: Sequence[FoundRefund] = ()) -> None:
    """Act on what the provider says of a refund, once, and on all refunds that it has listed since.

    A refund that had gone back may still fail later. One that is refused, but listed as made, was made.
    """
    if any(_is_of(state, found) and found.outcome not in NOT_BACK for found in listed):
        take_in_listed(journal, state.recharge_no, listed)
    elif answer.outcome in NOT_BACK:
        failed = {} if state.status == RefundStatus.FAILED else {state.refund_no: answer}
        take_in_listed(journal, state.recharge_no, listed, failed)
    else:
        _go_on(journal, state, answer)


def take_in_listed(
    journal: Journal,
    recharge_no: int,
    listed: Sequence[FoundRefund],
    failed: Mapping[int, RefundAnswer] = MappingProxyType({}),
) -> None:
    """Act on all that the provider knows of a payment's refunds, and on those of ours that it has refused."""
    account_id = journal.account.account_id
    answers = dict(failed)
    for state in refunds_of(journal.session, account_id, recharge_no):
        for found in listed:
            if _is_of(state, found) and found.outcome in NOT_BACK and state.status != RefundStatus.FAILED:
                answers.setdefault(state.refund_no, RefundAnswer(found.outcome, found.refund_id))
    free_micros, began_at = 0, journal.now
    for refund_no, answer in answers.items():
        state = _fail(journal, refund_no, answer)
        free_micros, began_at = free_micros + state.amount_micros, min(began_at, state.created_at)
    for found in listed:
        if found.outcome not in NOT_BACK:
            free_micros -= _take_found(journal, recharge_no, found, free_micros)
    free_micros = hold_more(journal, recharge_no, free_micros)
    if free_micros:
        give_back(journal, _bought(journal, recharge_no), free_micros, began_at=began_at)
    if answers:
        follow(journal)


def succeed(journal: Journal, whole: Bought, state: RefundState, refund_id: str | None) -> None:
    """The money has gone back."""
    change_refund(
        journal, state.refund_no, status=RefundStatus.SUCCEEDED.value, completed_at=journal.now, due_at=None,
        provider_refund=refund_id or state.provider_refund,
    )  # fmt: skip
    tell(
        journal,
        NoticeKind.FUNDS_REFUNDED,
        about=f"refund-{state.refund_no}",
        amount_micros=state.amount_micros,
        method=whole.method.label(language(journal.account.locale)),
        recharge_no=state.recharge_no,
        receipt_no=whole.receipt_no,
    )


def _fail(journal: Journal, refund_no: int, answer: RefundAnswer) -> RefundState:
    """The money does not go back."""
    state = refund_state(journal.session, journal.account.account_id, refund_no)
    change_refund(
        journal, refund_no, status=RefundStatus.FAILED.value, completed_at=journal.now, due_at=None,
        failure_reason=answer.reason, provider_refund=answer.refund_id or state.provider_refund,
    )  # fmt: skip
    return state


def _go_on(journal: Journal, state: RefundState, answer: RefundAnswer) -> None:
    """It has gone back, or it is still on its way."""
    if not state.is_open:
        return
    if answer.outcome == Outcome.PAID:
        succeed(journal, _bought(journal, state.recharge_no), state, answer.refund_id)
        return
    wait = ASK_AGAIN[min(max(state.attempts, 1), len(ASK_AGAIN)) - 1]
    change_refund(
        journal, state.refund_no, status=RefundStatus.PROCESSING.value, due_at=journal.now + wait,
        provider_refund=answer.refund_id or state.provider_refund,
    )  # fmt: skip


def _take_found(journal: Journal, recharge_no: int, found: FoundRefund, free_micros: int) -> int:
    """Act on a refund that the provider has made, and return what it took of funds that have just been set free.

    Of one that somebody made there the funds are taken, or as much as has not gone back before; what is missing then
    is taken when it is heard of again.
    """
    whole = _bought(journal, recharge_no)
    state = next((each for each in whole.refunds if _is_of(each, found)), None)
    taken_micros = 0
    if state is None or (state.by_provider and state.status != RefundStatus.FAILED):
        known_micros = 0 if state is None else state.amount_micros
        amount_micros = min(found.amount_micros - known_micros, whole.left_micros + whole.held_micros)
        if amount_micros > 0:
            reason = language(journal.account.locale).say("Refunded at the payment provider")
            if state is None:
                refund_no = write_down(journal, recharge_no, amount_micros, reason, due_at=None, found=found)
                state = refund_state(journal.session, journal.account.account_id, refund_no)
            else:
                change_refund(journal, state.refund_no, amount_micros=known_micros + amount_micros)
                state = refund_state(journal.session, journal.account.account_id, state.refund_no)
            taken_micros = min(free_micros, amount_micros)
            _take(journal, whole, amount_micros - taken_micros, reason)
    if state is not None:
        _go_on(journal, state, RefundAnswer(found.outcome, found.refund_id))
    return taken_micros


def _take(journal: Journal, whole: Bought, amount_micros: int, reason: str) -> None:
    """Take funds of what went back without us: first what open disputes keep back, since it has left the lot."""
    to_take = amount_micros
    for dispute in whole.disputes:
        if dispute.status == DisputeStatus.OPEN and to_take and dispute.held_micros:
            from_held = min(to_take, dispute.held_micros)
            change_dispute(journal, dispute.dispute_no, held_micros=dispute.held_micros - from_held)
            to_take -= from_held
    if to_take:
        journal.take_back(whole.lot, to_take, recharge_no=whole.recharge.recharge_no, note=reason)
    if amount_micros:
        follow(journal)


def _is_of(state: RefundState, found: FoundRefund) -> bool:
    """Tell whether a refund that the provider knows is this one, by the provider's id or by ours."""
    return found.refund_id == state.provider_refund or found.key == public_id("rfnd", state.account_id, state.refund_no)


def _bought(journal: Journal, recharge_no: int) -> Bought:
    whole = bought(journal.session, journal.account.account_id, recharge_no)
    assert whole is not None, "it succeeded before money went back"
    return whole
