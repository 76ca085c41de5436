"""Refunds: money of a recharge that goes back to whoever paid.

A refund takes its funds from the recharge's own lot, and nothing that the lot does not hold, in the transaction that
writes it down. Then the provider is asked under the refund's own id, as often as answers are lost; when it says that
the money will not go back, the funds return. Refunds that somebody made at the provider are taken in likewise, and
what was spent of them meanwhile is owed.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from credits import audit, once
from credits.accounts import require_open
from credits.consequences import follow
from credits.due import open_journal
from credits.ids import public_id
from credits.instants import MINUTE
from credits.language import Money
from credits.ledger import Journal
from credits.money import LARGEST_AMOUNT_MICROS, chargeable_coin_micros, minor_digits, whole_minor_units
from credits.providers import FoundRefund, Outcome, Provider, Providers, RefundAnswer, RefundRequest, Unavailable
from credits.refund_answers import NOT_BACK, succeed, take_in, take_in_listed, write_down
from credits.refusals import conflict, invalid
from credits.returns import Bought, bought, change_refund, refund_state, refunds_of
from credits.terms import USUAL_TERMS, Terms
from db.kinds import AccountMode, RefundStatus
from db.session import Database, Session

LONGEST_REASON = 500
# Whoever asks a provider has the refund for so long; then somebody else may ask.
LEASE = 5 * MINUTE


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
    answer, listed = _ask(step.provider, step.request)
    with database.transaction() as session:
        journal = open_journal(session, account_id, now, terms)
        take_in(journal, refund_state(session, account_id, refund_no), answer, listed)
        journal.write()


def drive_refund_within(journal: Journal, providers: Providers, refund_no: int) -> None:
    """The same for a TEST account, whose provider is built in: inside one transaction."""
    step = _next_step(journal, providers, refund_no, again=False)
    if step is not None:
        assert step.request is not None, "nobody but we refunds at the built-in provider"
        state = refund_state(journal.session, journal.account.account_id, refund_no)
        take_in(journal, state, *_ask(step.provider, step.request))
    journal.write()


def refunds_due(session: Session, now: int, limit: int = 500) -> list[tuple[int, int]]:
    """The refunds to ask about, by account and number, the one that waits longest first."""
    found = session.rows(
        "SELECT refund.account_id, refund_no FROM refund JOIN account ON account.account_id = refund.account_id"
        " WHERE refund.due_at IS NOT NULL AND refund.due_at <= coalesce(clock_at, ?)"
        " ORDER BY refund.due_at, refund.account_id, refund_no LIMIT ?",
        now, limit,
    )  # fmt: skip
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
    refund_no = write_down(journal, recharge_no, amount, reason.strip(), due_at=journal.now)
    told = {"amount": audit.amount(amount, journal.account.currency), "reason": reason.strip()}
    audit.changed(session, public_id("rchg", account_id, recharge_no), after=told)
    journal.take_back(whole.lot, amount, recharge_no=recharge_no, note=reason.strip())
    if not whole.method.is_card:
        succeed(journal, whole, refund_state(session, account_id, refund_no), None)
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
        if amount_micros % chargeable_coin_micros(currency, is_card=whole.method.is_card):
            raise invalid("amount", "Cards cannot be charged so exact an amount in this currency.")
    if whole.is_contested:
        raise conflict(
            "The payer's bank contests this payment: nothing is refunded while that is open.", field=("rechargeId",)
        )
    most = whole.refundable_micros(whole.in_lot_micros(journal), currency, is_card=whole.method.is_card)
    if most == 0:
        raise conflict("Nothing is left of this that could be refunded.", field=("rechargeId",))
    if amount_micros is not None and amount_micros > most:
        raise conflict(
            "No more than {most} is left of this to be refunded.", field=("amount",), most=Money(most, currency)
        )
    return most if amount_micros is None else amount_micros


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


def _ask(provider: Provider, request: RefundRequest) -> tuple[RefundAnswer, Sequence[FoundRefund]]:
    """Ask for a refund. When it is refused, also what has gone back in another way: that may be the reason."""
    try:
        answer = provider.refund(request)
        return answer, [] if answer.outcome not in NOT_BACK else provider.refunds(request.payment_id)
    except Unavailable:
        return RefundAnswer(Outcome.LOST), []


def _hear(database: Database, provider: Provider, account_id: int, recharge_no: int, now: int, terms: Terms) -> bool:
    with database.reading() as session:
        whole = bought(session, account_id, recharge_no)
    if whole is None or whole.recharge.provider_payment is None:
        return False
    listed = provider.refunds(whole.recharge.provider_payment)
    with database.transaction() as session:
        journal = open_journal(session, account_id, now, terms)
        take_in_listed(journal, recharge_no, listed)
        journal.write()
    return True
