"""What a provider's answer makes of a recharge: funds arrive, it is tried again, it waits for the customer, it ends.

A recharge only moves forward, and a payment that turns out to be made beats whatever was known before.
"""

from credits import automatic
from credits.consequences import follow
from credits.instants import HOUR, MINUTE, end_of_day_after, expiry_of_purchase
from credits.language import language
from credits.ledger import Journal
from credits.methods import Method, method_of
from credits.notices import tell
from credits.providers import Outcome, PaymentAnswer
from credits.recharges import RechargeState, change, recharge_state
from db.kinds import LotSource, NoticeKind, PauseReason, RechargeStatus

# How long to wait before asking again about a lost answer; the last one from then on.
ASK_AGAIN = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR)
# When a declined card is tried again for an automatic recharge (DESIGN, recharging: automatic).
TRY_AGAIN = (HOUR, 24 * HOUR, 72 * HOUR)


def take_in(journal: Journal, recharge_no: int, attempt: int, answer: PaymentAnswer, *, is_final: bool = False) -> None:
    """Act on what the provider said of a payment, once. A decline that `is_final` is of what it never takes."""
    state = recharge_state(journal.session, journal.account.account_id, recharge_no)
    if state.status == RechargeStatus.SUCCEEDED:
        return
    match answer.outcome:
        case Outcome.PAID:
            fund(journal, state, method_of(journal.session, journal.account.account_id, state.method_no))
        case Outcome.CANCELED if state.is_open:
            cancel(journal, state)
        case Outcome.DECLINED if _is_news(state, answer):
            _decline(journal, state, answer, is_final=is_final)
        case Outcome.ACTION_REQUIRED if state.is_open and not state.cancel_wanted:
            _await_customer(journal, state, answer)
        case _ if state.is_open:
            _ask_later(journal, state, attempt)


def _is_news(state: RechargeState, answer: PaymentAnswer) -> bool:
    """A decline counts once, and only against the try that is underway."""
    if state.status not in (RechargeStatus.PROCESSING, RechargeStatus.ACTION_REQUIRED) or state.cancel_wanted:
        return False
    if state.next_attempt_at is not None:
        return False
    return answer.declined_ref is None or answer.declined_ref != state.decline_ref


def _ask_later(journal: Journal, state: RechargeState, attempt: int) -> None:
    """Nothing is decided: ask again in a while. What waits for its next try, or for the customer, goes on waiting."""
    age = journal.now - state.created_at
    if state.status == RechargeStatus.ACTION_REQUIRED:
        wait = _patience(age)
    elif attempt == 0:  # it was not even begun
        wait = min(max(MINUTE, age // 2), HOUR)
    else:
        wait = ASK_AGAIN[min(attempt, len(ASK_AGAIN)) - 1]
    change(journal, state.recharge_no, due_at=state.next_attempt_at or journal.now + wait)


def _patience(age: int) -> int:
    """How long to wait for a customer, who may take days: ask more and more seldom."""
    return max(HOUR, age // 4)


def _decline(journal: Journal, state: RechargeState, answer: PaymentAnswer, *, is_final: bool) -> None:
    """The payment was refused: an automatic one is tried three times more, any other has failed."""
    declines = state.declines + 1
    may_pay_later = state.is_automatic and state.status == RechargeStatus.PROCESSING and not is_final
    tries_again = may_pay_later and declines <= len(TRY_AGAIN)
    next_at = journal.now + TRY_AGAIN[declines - 1] if tries_again else None
    change(
        journal, state.recharge_no, declines=declines, decline_ref=answer.declined_ref or state.decline_ref,
        failure_reason=answer.reason, next_attempt_at=next_at, due_at=next_at, action_url=None,
        status=(RechargeStatus.PROCESSING if tries_again else RechargeStatus.FAILED).value,
        completed_at=None if tries_again else journal.now,
    )  # fmt: skip
    _tell_of_failure(journal, state, answer, next_at)
    if state.is_automatic and not tries_again:
        automatic.pause(journal, PauseReason.DECLINED)
    if not tries_again:
        follow(journal)


def _await_customer(journal: Journal, state: RechargeState, answer: PaymentAnswer) -> None:
    """The bank wants the customer to confirm: nothing more is tried until that is done."""
    is_new = state.status != RechargeStatus.ACTION_REQUIRED
    change(
        journal, state.recharge_no, status=RechargeStatus.ACTION_REQUIRED.value, failure_reason=answer.reason,
        action_url=answer.action_url, due_at=journal.now + _patience(journal.now - state.created_at),
        next_attempt_at=None,
        # Without an address the try is over, as if declined: confirming begins another.
        declines=state.declines + (is_new and answer.action_url is None),
        decline_ref=answer.declined_ref or state.decline_ref,
    )  # fmt: skip
    if is_new and state.is_automatic:
        automatic.pause(journal, PauseReason.ACTION_REQUIRED, told=False)
        _tell_of_failure(journal, state, answer, None, must_confirm=True)
    follow(journal)


def _tell_of_failure(
    journal: Journal, state: RechargeState, answer: PaymentAnswer, next_at: int | None, *, must_confirm: bool = False
) -> None:
    method = method_of(journal.session, journal.account.account_id, state.method_no)
    tell(
        journal,
        NoticeKind.RECHARGE_FAILED,
        about=f"recharge-{state.recharge_no}-try-{state.attempts}",
        amount_micros=state.amount_micros,
        method=method.label(language(journal.account.locale)),
        automatic=state.is_automatic,
        reason=answer.reason,
        next_attempt_at=next_at,
        confirm=must_confirm,
        recharge_no=state.recharge_no,
    )


def cancel(journal: Journal, state: RechargeState) -> None:
    """It was given up before it was paid; the rule decides anew."""
    change(
        journal, state.recharge_no, status=RechargeStatus.CANCELED.value, completed_at=journal.now, due_at=None,
        next_attempt_at=None, action_url=None,
    )  # fmt: skip
    follow(journal)


def fund(journal: Journal, state: RechargeState, method: Method) -> None:
    """Grant the lot, number the receipt, and close the recharge."""
    account = journal.account
    account.receipt_count += 1
    to_be_paid_by = end_of_day_after(journal.now, account.time_zone, journal.terms.invoice_days)
    expires_at = expiry_of_purchase(journal.now, account.time_zone, journal.terms.lot_validity_months)
    change(
        journal, state.recharge_no, status=RechargeStatus.SUCCEEDED.value, completed_at=journal.now, due_at=None,
        next_attempt_at=None, action_url=None, failure_reason=None, receipt_no=account.receipt_count,
        seller="\n".join(journal.terms.seller), seller_tax_id=journal.terms.seller_tax_id, buyer=account.name,
        invoice_due_at=None if method.is_card else to_be_paid_by,
    )  # fmt: skip
    if state.is_automatic:
        automatic.paid(journal)
    journal.add_lot(
        source=_source(state, method),
        amount_micros=state.amount_micros,
        starts_at=journal.now,
        expires_at=expires_at,
        recharge_no=state.recharge_no,
    )
    tell(
        journal,
        NoticeKind.RECHARGE_SUCCEEDED,
        about=f"recharge-{state.recharge_no}",
        amount_micros=state.amount_micros,
        method=method.label(language(account.locale)),
        automatic=state.is_automatic,
        expires_at=expires_at,
        recharge_no=state.recharge_no,
        receipt_no=account.receipt_count,
        invoice_due_at=None if method.is_card else to_be_paid_by,
    )
    follow(journal)


def _source(state: RechargeState, method: Method) -> LotSource:
    if not method.is_card:
        return LotSource.INVOICE
    return LotSource.AUTO_RECHARGE if state.is_automatic else LotSource.PURCHASE
