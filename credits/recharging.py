"""Recharging: buying funds. A recharge is written first; then the payment is begun at the provider, which moves no
money, and its id is kept; then it is taken; then the lot is granted and the recharge closed in one transaction.

Each step is on record before the provider is asked, and whoever comes after a crash or a lost answer asks again about
the same payment. So money is taken once and always arrives. A recharge only moves forward, and a payment that turns
out to be made beats whatever was known before.
"""

from dataclasses import dataclass
from enum import Enum

from credits import audit, automatic, once
from credits.accounts import require_open
from credits.due import open_journal
from credits.ids import public_id
from credits.instants import DAY, MINUTE, SECOND
from credits.invoices import over_invoice_limit
from credits.language import Money, language
from credits.ledger import Journal
from credits.methods import Method, method_of
from credits.money import LARGEST_AMOUNT_MICROS, chargeable_coin_micros, minor_digits, whole_minor_units
from credits.outcomes import cancel, fund, take_in
from credits.payment_methods import default_method, usable_method
from credits.providers import Outcome, PaymentAnswer, PaymentRequest, Provider, Providers, Unavailable
from credits.recharges import RechargeState, change, recharge_state, want_canceled, write_down
from credits.refusals import Code, Refusal, conflict, invalid
from credits.terms import USUAL_TERMS, Terms
from db.kinds import AccountMode, AccountStatus, RechargeStatus, RechargeTrigger
from db.session import Database, Session

# Whoever asks a provider has the recharge for so long; then somebody else may ask.
LEASE = 5 * MINUTE
# The same for a TEST account, whose clock stands still until it is moved.
TEST_LEASE = SECOND
# A payment by hand that nobody has confirmed for so long is given up.
ABANDONED_AFTER = 7 * DAY
# A card cannot be asked while no provider is set up: look again after a while.
WITHOUT_PROVIDER = 5 * MINUTE


class _Verb(Enum):
    """What to ask the provider."""

    BEGIN = "begin"
    TAKE = "take"
    LOOK = "look"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class _Step:
    """The next thing to ask about a recharge, on record already."""

    verb: _Verb
    request: PaymentRequest

    def ask(self, provider: Provider) -> PaymentAnswer | str:
        """Ask it. Raises `Unavailable` when no answer came, but for a payment to take, of which it says LOST."""
        payment_id = self.request.payment_id
        if self.verb == _Verb.BEGIN:
            return provider.prepare(self.request)
        assert payment_id is not None
        match self.verb:
            case _Verb.LOOK:
                return provider.look(payment_id)
            case _Verb.CANCEL:
                return provider.cancel(payment_id)
            case _:
                return provider.take(self.request)


class Wish(Enum):
    """Why a recharge is taken up: because it is due; because the same request came again; because the provider said
    that something happened; because the customer is there to confirm it."""

    DUE = "due"
    AGAIN = "again"
    HEARD = "heard"
    CONFIRM = "confirm"


def recharge(
    database: Database,
    providers: Providers,
    *,
    account_id: int,
    amount_micros: int,
    method_no: int | None = None,
    idempotency_key: str,
    now: int,
    terms: Terms = USUAL_TERMS,
) -> int:
    """Buy funds and return the recharge's number; read its status for what came of it.

    Refused: an amount below the minimum or finer than the currency's coins, no payment method, a closed
    account, a key used with other values. The same key again asks for nothing new; it resumes a recharge
    whose answer was lost.
    """
    with database.transaction() as session:
        recharge_no = _start(session, providers, account_id, amount_micros, method_no, idempotency_key, now, terms)
    drive(database, providers, account_id=account_id, recharge_no=recharge_no, now=now, terms=terms, wish=Wish.AGAIN)
    return recharge_no


def drive(
    database: Database,
    providers: Providers,
    *,
    account_id: int,
    recharge_no: int,
    now: int,
    terms: Terms = USUAL_TERMS,
    wish: Wish = Wish.DUE,
) -> None:
    """Take a recharge as far as it goes now: on record, ask, on record, ask.

    What was heard of must be looked at: then an answer that did not come raises `Unavailable`.
    """
    while True:
        with database.transaction() as session:
            journal = open_journal(session, account_id, now, terms)
            provider = providers.of(journal.account.mode)
            step = _next_step(journal, providers, recharge_no, wish)
            journal.write()
        if step is None or provider is None:
            return
        away: Unavailable | None = None
        try:
            answer = step.ask(provider)
        except Unavailable as silence:
            answer, away = PaymentAnswer(Outcome.LOST), silence
        with database.transaction() as session:
            journal = open_journal(session, account_id, now, terms)
            goes_on = _hear_answer(journal, recharge_no, step, answer)
            journal.write()
        if away is not None and wish == Wish.HEARD:
            raise away
        if not goes_on:
            return


def drive_within(journal: Journal, providers: Providers, recharge_no: int) -> None:
    """The same for a TEST account, whose provider is built in: as far as it goes, inside one transaction."""
    provider = providers.of(journal.account.mode)
    assert provider is not None
    step = _next_step(journal, providers, recharge_no, Wish.DUE)
    while step is not None and _hear_answer(journal, recharge_no, step, step.ask(provider)):
        step = _next_step(journal, providers, recharge_no, Wish.AGAIN)
    journal.write()


def hear(
    database: Database, providers: Providers, *, account_id: int, recharge_no: int, now: int, terms: Terms = USUAL_TERMS
) -> None:
    """The provider says that something happened to a payment: look at it, and act on what it is now."""
    drive(database, providers, account_id=account_id, recharge_no=recharge_no, now=now, terms=terms, wish=Wish.HEARD)


def confirm(
    database: Database, providers: Providers, *, account_id: int, recharge_no: int, now: int, terms: Terms = USUAL_TERMS
) -> None:
    """The customer is there to confirm a payment: ask anew, so that the recharge has an address to confirm it at.

    Refused as a CONFLICT when there is nothing to confirm.
    """
    with database.transaction() as session:
        journal = open_journal(session, account_id, now, terms)
        if recharge_state(session, account_id, recharge_no).status != RechargeStatus.ACTION_REQUIRED:
            raise conflict("This payment does not wait to be confirmed.", field=("rechargeId",))
        journal.write()
    drive(database, providers, account_id=account_id, recharge_no=recharge_no, now=now, terms=terms, wish=Wish.CONFIRM)


def cancel_recharge(
    database: Database, providers: Providers, *, account_id: int, recharge_no: int, now: int, terms: Terms = USUAL_TERMS
) -> None:
    """Give up a recharge that is not paid yet. It may turn out to have been paid; then the funds arrive after all.

    Refused as a CONFLICT when it has ended.
    """
    with database.transaction() as session:
        journal = open_journal(session, account_id, now, terms)
        if not recharge_state(session, account_id, recharge_no).is_open:
            raise conflict("This recharge has ended.", field=("rechargeId",))
        want_canceled(journal, recharge_no)
        told = {"is_being_canceled": False}, {"is_being_canceled": True}
        audit.changed(session, public_id("rchg", account_id, recharge_no), *told)
        journal.write()
    drive(database, providers, account_id=account_id, recharge_no=recharge_no, now=now, terms=terms)


def recharges_due(session: Session, now: int, limit: int = 500) -> list[tuple[int, int]]:
    """The recharges to take up, by account and number, the one that waits longest first."""
    found = session.rows(
        "SELECT recharge.account_id, recharge_no FROM recharge JOIN account"
        " ON account.account_id = recharge.account_id WHERE recharge.due_at IS NOT NULL"
        " AND recharge.due_at <= coalesce(clock_at, ?)"
        " ORDER BY recharge.due_at, recharge.account_id, recharge_no LIMIT ?",
        now, limit,
    )  # fmt: skip
    return [(account_id, recharge_no) for account_id, recharge_no in found]


def _start(
    session: Session,
    providers: Providers,
    account_id: int,
    amount_micros: int,
    method_no: int | None,
    idempotency_key: str,
    now: int,
    terms: Terms,
) -> int:
    """Write the recharge down, or find the one that this key began."""
    fingerprint = once.fingerprint_of("recharge", amount_micros, method_no)
    journal = open_journal(session, account_id, now, terms)
    before = once.answered_before(session, account_id, idempotency_key, fingerprint)
    if before is not None:
        assert before.recharge_no is not None
        return before.recharge_no
    require_open(journal.account)
    _check_amount(amount_micros, journal.account.currency, terms)
    chosen = default_method(session, account_id) if method_no is None else usable_method(session, account_id, method_no)
    if chosen.is_card and amount_micros % chargeable_coin_micros(journal.account.currency, is_card=True):
        raise invalid("amount", "Cards cannot be charged so exact an amount in this currency.")
    if chosen.is_card and providers.of(journal.account.mode) is None:
        raise conflict("Cards need a payment provider, and none is set up here.", field=("paymentMethodId",))
    if not chosen.is_card:
        _check_invoice_limit(journal, amount_micros)
    recharge_no = write_down(journal, amount_micros, chosen.method_no, RechargeTrigger.MANUAL)
    once.remember(session, account_id, idempotency_key, fingerprint, journal.now, recharge_no=recharge_no)
    told = {
        "amount": audit.amount(amount_micros, journal.account.currency),
        "payment_method_id": public_id("pm", account_id, chosen.method_no),
    }
    audit.changed(session, public_id("rchg", account_id, recharge_no), after=told)
    journal.write()
    return recharge_no


def _next_step(journal: Journal, providers: Providers, recharge_no: int, wish: Wish) -> _Step | None:
    """Decide what to ask next and put it on record; None when there is nothing to ask now."""
    account_id = journal.account.account_id
    state = recharge_state(journal.session, account_id, recharge_no)
    if wish == Wish.DUE and (state.due_at is None or state.due_at > journal.now):
        return None
    if state.is_open and not state.cancel_wanted and _is_unwanted(journal, state):
        want_canceled(journal, recharge_no)
        state = recharge_state(journal.session, account_id, recharge_no)
    method = method_of(journal.session, account_id, state.method_no)
    verb = _verb(state, method, wish, journal.now)
    if verb is None:
        _rest(journal, state, method)
        return None
    if providers.of(journal.account.mode) is None:
        change(journal, recharge_no, due_at=journal.now + WITHOUT_PROVIDER)
        return None
    attempt = state.attempts + (verb == _Verb.TAKE)
    if state.is_open:
        _put_on_record(journal, state, verb, attempt)
    return _Step(verb, _request(journal, providers, state, method, attempt, wish))


def _is_unwanted(journal: Journal, state: RechargeState) -> bool:
    """Tell whether an open recharge is to be given up before it is asked for (again)."""
    if journal.account.status == AccountStatus.CLOSED:
        return True
    if state.is_automatic:
        return automatic.is_unwanted(journal, state)
    return state.status == RechargeStatus.ACTION_REQUIRED and journal.now >= state.created_at + ABANDONED_AFTER


def _verb(state: RechargeState, method: Method, wish: Wish, now: int) -> _Verb | None:
    """What is to be asked about a recharge as it stands."""
    begun = state.provider_payment is not None
    if state.status == RechargeStatus.SUCCEEDED or not method.is_card:
        return None
    if not state.is_open:
        return _Verb.LOOK if begun and wish == Wish.HEARD else None
    if state.cancel_wanted:
        return _Verb.CANCEL if begun else None
    if not begun:
        return _Verb.BEGIN
    if wish == Wish.HEARD or (state.status == RechargeStatus.ACTION_REQUIRED and wish != Wish.CONFIRM):
        return _Verb.LOOK
    waits = state.next_attempt_at is not None and state.next_attempt_at > now
    return None if waits else _Verb.TAKE


def _rest(journal: Journal, state: RechargeState, method: Method) -> None:
    """There is nothing to ask: end what no provider knows of, and see to it that a recharge is due while it is open."""
    if not state.is_open:
        change(journal, state.recharge_no, due_at=None)
    elif state.cancel_wanted:
        cancel(journal, state)
    elif not method.is_card:
        fund(journal, state, method)
    else:
        change(journal, state.recharge_no, due_at=state.next_attempt_at)


def _put_on_record(journal: Journal, state: RechargeState, verb: _Verb, attempt: int) -> None:
    """Whoever asks has the recharge for a while; a try is counted before it is made."""
    lease = LEASE if journal.account.mode == AccountMode.LIVE else TEST_LEASE
    is_try = verb in (_Verb.BEGIN, _Verb.TAKE)
    change(
        journal, state.recharge_no, due_at=journal.now + lease, attempts=attempt,
        status=RechargeStatus.PROCESSING.value if state.status == RechargeStatus.PENDING else state.status,
        next_attempt_at=None if is_try else state.next_attempt_at,
    )  # fmt: skip


def _request(
    journal: Journal, providers: Providers, state: RechargeState, method: Method, attempt: int, wish: Wish
) -> PaymentRequest:
    account = journal.account
    key = public_id("rchg", account.account_id, state.recharge_no)
    present = not state.is_automatic or wish == Wish.CONFIRM
    here = f"{providers.base_url}/accounts/{public_id('acct', account.account_id)}/funds?done={key}"
    assert method.token is not None, "a card has a token"
    return PaymentRequest(
        key=key,
        amount_micros=state.amount_micros,
        currency=account.currency,
        token=method.token,
        attempt=attempt,
        declined_before=state.declines,
        last_declined_ref=state.decline_ref,
        customer=account.provider_customer,
        payment_id=state.provider_payment,
        return_url=here if present else None,
        text=language(account.locale).say("Communications Credits: {account}", account=account.name),
    )


def _hear_answer(journal: Journal, recharge_no: int, step: _Step, answer: PaymentAnswer | str) -> bool:
    """Keep the id of a payment that was begun, or act on how it stands; True when there is more to ask at once."""
    if isinstance(answer, PaymentAnswer):
        take_in(journal, recharge_no, step.request.attempt, answer, is_final=step.verb == _Verb.BEGIN)
        return False
    state = recharge_state(journal.session, journal.account.account_id, recharge_no)
    if state.provider_payment is None:
        change(journal, recharge_no, provider_payment=answer, due_at=journal.now)
    return state.provider_payment is None and state.is_open


def _check_invoice_limit(journal: Journal, amount_micros: int) -> None:
    account, terms = journal.account, journal.terms
    limit_micros = terms.invoice_limit_micros(account.currency)
    if limit_micros is not None and over_invoice_limit(journal.session, account, amount_micros, terms):
        raise Refusal(
            Code.LIMIT_EXCEEDED, "No more than {limit} may be owed on invoices. Pay one first, or add less.",
            field=("amount",), limit=Money(limit_micros, account.currency),
        )  # fmt: skip


def _check_amount(amount_micros: int, currency: str, terms: Terms) -> None:
    least = terms.minimum_recharge_micros(currency)
    if amount_micros < least:
        raise invalid("amount", "The least that can be added is {least}.", least=Money(least, currency))
    if amount_micros > LARGEST_AMOUNT_MICROS:
        raise invalid("amount", "This number is too large.")
    if not whole_minor_units(amount_micros, currency):
        raise invalid(
            "amount", "{currency} is paid with no more than {digits} decimals.",
            currency=currency, digits=minor_digits(currency),
        )  # fmt: skip
