"""Refunds: money of a recharge that goes back to whoever paid.

A refund takes its funds from the recharge's own lot, and nothing that the lot does not hold, in the transaction that
writes it down. Then the provider is asked under the refund's own id, as often as answers are lost; when it says that
the money will not go back, the funds return. Refunds that somebody made at the provider are taken in likewise, and
what was spent of them meanwhile is owed.
"""

from contextlib import suppress
from dataclasses import dataclass

from credits import once
from credits.accounts import require_open
from credits.consequences import follow
from credits.due import open_journal
from credits.ids import public_id
from credits.instants import HOUR, MINUTE
from credits.language import Money, language
from credits.ledger import Journal
from credits.money import LARGEST_AMOUNT_MICROS, minor_digits, whole_minor_units
from credits.notices import tell
from credits.providers import FoundRefund, Outcome, Provider, Providers, RefundAnswer, RefundRequest, Unavailable
from credits.refusals import conflict, invalid
from credits.returns import (
    Bought,
    RefundState,
    bought,
    change_dispute,
    change_refund,
    give_back,
    refund_state,
    refunds_of,
)
from credits.terms import USUAL_TERMS, Terms
from db.kinds import AccountMode, DisputeStatus, NoticeKind, RefundStatus
from db.session import Database, Session

LONGEST_REASON = 500
# Whoever asks a provider has the refund for so long; then somebody else may ask.
LEASE = 2 * MINUTE
# How long to wait before asking again about a refund that is on its way; the last one from then on.
ASK_AGAIN = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR)


@dataclass(frozen=True, slots=True)
class _Step:
    """What to ask about a refund, on record already; without a request, what the provider itself has made."""

    provider: Provider
    recharge_no: int
    request: RefundRequest | None


def refund_recharge(
    database: Database,
    providers: Providers,
    *,
    account_id: int,
    recharge_no: int,
    amount_micros: int | None = None,
    reason: str,
    idempotency_key: str,
    now: int,
    terms: Terms = USUAL_TERMS,
) -> None:
    """Give back money of a recharge, at most what its own lot still holds; without an amount, all of that.

    Refused: what was not paid, more than the lot holds, an amount finer than the currency's coins, a payment that
    its bank contests, a closed account, a key used with other values. The same key again gives nothing more; it
    resumes a refund whose answer was lost. The recharge's refunds tell what came of it.
    """
    with database.transaction() as session:
        _start(session, providers, account_id, recharge_no, amount_micros, reason, idempotency_key, now, terms)
    with database.reading() as session:
        waiting = [each.refund_no for each in refunds_of(session, account_id, recharge_no) if each.is_open]
    for refund_no in waiting:
        drive_refund(database, providers, account_id=account_id, refund_no=refund_no, now=now, terms=terms, again=True)


def drive_refund(
    database: Database,
    providers: Providers,
    *,
    account_id: int,
    refund_no: int,
    now: int,
    terms: Terms = USUAL_TERMS,
    again: bool = False,
) -> None:
    """Ask the provider about a refund that is due (or asked for `again`), and act on the answer."""
    with database.transaction() as session:
        journal = open_journal(session, account_id, now, terms)
        step = _next_step(journal, providers, refund_no, again)
        journal.write()
    if step is None:
        return
    if step.request is None:
        with suppress(Unavailable):  # it is asked again when its time comes
            _hear(database, step.provider, account_id, step.recharge_no, now, terms)
        return
    answer = _ask(step.provider, step.request)
    with database.transaction() as session:
        journal = open_journal(session, account_id, now, terms)
        _take_in(journal, refund_state(session, account_id, refund_no), answer)
        journal.write()


def drive_refund_within(journal: Journal, providers: Providers, refund_no: int) -> None:
    """The same for a TEST account, whose provider is built in: inside one transaction."""
    step = _next_step(journal, providers, refund_no, again=False)
    if step is not None:
        assert step.request is not None, "nobody but we refunds at the built-in provider"
        state = refund_state(journal.session, journal.account.account_id, refund_no)
        _take_in(journal, state, _ask(step.provider, step.request))
    journal.write()


def refunds_due(session: Session, now: int) -> list[tuple[int, int]]:
    """The refunds to ask about, by account and number, the one that waits longest first."""
    found = session.rows(
        "SELECT refund.account_id, refund_no FROM refund JOIN account ON account.account_id = refund.account_id"
        " WHERE refund.due_at IS NOT NULL AND refund.due_at <= coalesce(clock_at, ?) ORDER BY refund.due_at",
        now,
    )
    return [(account_id, refund_no) for account_id, refund_no in found]


def hear_refunds(
    database: Database, providers: Providers, *, account_id: int, recharge_no: int, now: int, terms: Terms = USUAL_TERMS
) -> bool:
    """The provider says that money of a payment went back: look at all refunds that it knows, and act on what is new.

    Twice, late or out of order is all the same. False when there is nothing to look at yet, since the payment's funds
    have not arrived. Raises `Unavailable` when the provider does not answer.
    """
    with database.transaction() as session:
        journal = open_journal(session, account_id, now, terms)
        provider = providers.of(journal.account.mode)
        journal.write()
    return provider is not None and _hear(database, provider, account_id, recharge_no, now, terms)


def _start(
    session: Session,
    providers: Providers,
    account_id: int,
    recharge_no: int,
    amount_micros: int | None,
    reason: str,
    idempotency_key: str,
    now: int,
    terms: Terms,
) -> None:
    """Write the refund down and take its funds from the lot, or find that this key did so before."""
    if not 1 <= len(reason.strip()) <= LONGEST_REASON:
        raise invalid("reason", "Say in 1 to {longest} characters what this is for.", longest=LONGEST_REASON)
    fingerprint = once.fingerprint_of("refund", recharge_no, amount_micros, reason)
    journal = open_journal(session, account_id, now, terms)
    if once.answered_before(session, account_id, idempotency_key, fingerprint) is not None:
        return
    require_open(journal.account)
    whole = bought(session, account_id, recharge_no)
    if whole is None:
        raise conflict("Only what was paid can be refunded.", field=("rechargeId",))
    if whole.method.is_card and providers.of(journal.account.mode) is None:
        raise conflict("Cards need a payment provider, and none is set up here.", field=("rechargeId",))
    amount = _checked_amount(journal, whole, amount_micros)
    once.remember(session, account_id, idempotency_key, fingerprint, journal.now, recharge_no=recharge_no)
    refund_no = _write_down(journal, recharge_no, amount, reason.strip(), due_at=journal.now)
    journal.take_back(whole.lot, amount, recharge_no=recharge_no, note=reason.strip())
    if not whole.method.is_card:
        _succeed(journal, whole, refund_state(session, account_id, refund_no), None)
    follow(journal)


def _checked_amount(journal: Journal, whole: Bought, amount_micros: int | None) -> int:
    """What to give back, or why it is refused."""
    currency = journal.account.currency
    if amount_micros is not None:
        if amount_micros <= 0:
            raise invalid("amount", "The amount must be more than zero.")
        if amount_micros > LARGEST_AMOUNT_MICROS:
            raise invalid("amount", "This number is too large.")
        if not whole_minor_units(amount_micros, currency):
            raise invalid(
                "amount", "{currency} is paid with no more than {digits} decimals.",
                currency=currency, digits=minor_digits(currency),
            )  # fmt: skip
    if whole.is_contested:
        raise conflict(
            "The payer's bank contests this payment: nothing is refunded while that is open.", field=("rechargeId",)
        )
    most = whole.refundable_micros(whole.in_lot_micros(journal), currency)
    if most == 0:
        raise conflict("Nothing is left of this that could be refunded.", field=("rechargeId",))
    if amount_micros is not None and amount_micros > most:
        raise conflict(
            "No more than {most} is left of this to be refunded.", field=("amount",), most=Money(most, currency)
        )
    return most if amount_micros is None else amount_micros


def _write_down(
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


def _next_step(journal: Journal, providers: Providers, refund_no: int, again: bool) -> _Step | None:
    """Put on record that the provider is asked; None when there is nothing to ask now."""
    account = journal.account
    state = refund_state(journal.session, account.account_id, refund_no)
    provider = providers.of(account.mode)
    is_due = again or (state.due_at is not None and state.due_at <= journal.now)
    whole = bought(journal.session, account.account_id, state.recharge_no)
    if not (state.is_open and is_due) or provider is None or whole is None:
        return None
    # The built-in provider answers at once, so that nobody waits for a clock that only moves when it is told to.
    lease = LEASE if account.mode == AccountMode.LIVE else 0
    change_refund(
        journal, refund_no, status=RefundStatus.PROCESSING.value, attempts=state.attempts + 1,
        due_at=journal.now + lease,
    )  # fmt: skip
    payment_id = whole.recharge.provider_payment
    assert payment_id is not None, "a card's payment was begun"
    key = public_id("rfnd", account.account_id, refund_no)
    request = RefundRequest(key, payment_id, state.amount_micros, account.currency)
    return _Step(provider, state.recharge_no, None if state.by_provider else request)


def _ask(provider: Provider, request: RefundRequest) -> RefundAnswer:
    try:
        return provider.refund(request)
    except Unavailable:
        return RefundAnswer(Outcome.LOST)


def _hear(database: Database, provider: Provider, account_id: int, recharge_no: int, now: int, terms: Terms) -> bool:
    with database.reading() as session:
        whole = bought(session, account_id, recharge_no)
    if whole is None or whole.recharge.provider_payment is None:
        return False
    for found in provider.refunds(whole.recharge.provider_payment):
        with database.transaction() as session:
            journal = open_journal(session, account_id, now, terms)
            state = _known(session, account_id, recharge_no, found)
            if state is None and found.outcome != Outcome.DECLINED:
                state = _take_found(journal, recharge_no, found)
            if state is not None:
                _take_in(journal, state, RefundAnswer(found.outcome, found.refund_id))
            journal.write()
    return True


def _known(session: Session, account_id: int, recharge_no: int, found: FoundRefund) -> RefundState | None:
    """Our own row of a refund that the provider tells of, by the provider's id or by ours."""
    for state in refunds_of(session, account_id, recharge_no):
        if found.refund_id == state.provider_refund or found.key == public_id("rfnd", account_id, state.refund_no):
            return state
    return None


def _take_found(journal: Journal, recharge_no: int, found: FoundRefund) -> RefundState | None:
    """Take the funds of a refund that somebody made at the provider; None when all of the payment went back before.

    What an open dispute keeps back is taken first, since it has left the lot already.
    """
    account_id = journal.account.account_id
    whole = bought(journal.session, account_id, recharge_no)
    assert whole is not None, "it succeeded before the provider was asked"
    amount_micros = min(found.amount_micros, whole.left_micros + whole.held_micros)
    if amount_micros <= 0:
        return None
    reason = language(journal.account.locale).say("Refunded at the payment provider")
    refund_no = _write_down(journal, recharge_no, amount_micros, reason, due_at=None, found=found)
    to_take = amount_micros
    for dispute in whole.disputes:
        if dispute.status == DisputeStatus.OPEN and to_take and dispute.held_micros:
            from_held = min(to_take, dispute.held_micros)
            change_dispute(journal, dispute.dispute_no, held_micros=dispute.held_micros - from_held)
            to_take -= from_held
    if to_take:
        journal.take_back(whole.lot, to_take, recharge_no=recharge_no, note=reason)
    follow(journal)
    return refund_state(journal.session, account_id, refund_no)


def _take_in(journal: Journal, state: RefundState, answer: RefundAnswer) -> None:
    """Act on what the provider says of a refund, once. A refund that had gone back may still fail later."""
    if state.status == RefundStatus.FAILED:
        return
    whole = bought(journal.session, journal.account.account_id, state.recharge_no)
    assert whole is not None
    match answer.outcome:
        case Outcome.PAID if state.is_open:
            _succeed(journal, whole, state, answer.refund_id)
        case Outcome.DECLINED | Outcome.CANCELED:
            _fail(journal, whole, state, answer)
        case _ if state.is_open:
            wait = ASK_AGAIN[min(max(state.attempts, 1), len(ASK_AGAIN)) - 1]
            change_refund(
                journal, state.refund_no, status=RefundStatus.PROCESSING.value, due_at=journal.now + wait,
                provider_refund=answer.refund_id or state.provider_refund,
            )  # fmt: skip


def _succeed(journal: Journal, whole: Bought, state: RefundState, refund_id: str | None) -> None:
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


def _fail(journal: Journal, whole: Bought, state: RefundState, answer: RefundAnswer) -> None:
    """The money does not go back: its funds return."""
    change_refund(
        journal, state.refund_no, status=RefundStatus.FAILED.value, completed_at=journal.now, due_at=None,
        failure_reason=answer.reason, provider_refund=answer.refund_id or state.provider_refund,
    )  # fmt: skip
    give_back(journal, whole, state.amount_micros, began_at=state.created_at)
    follow(journal)
