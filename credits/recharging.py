"""Recharging: buying funds. A recharge is written first; then the payment is begun at the provider, which moves no
money, and its id is kept; then it is taken; then the lot is granted and the recharge closed in one transaction.

Each step is on record before the provider is asked, and whoever comes after a crash or a lost answer asks again about
the same payment. So money is taken once and always arrives. A recharge only moves forward, and a payment that turns
out to be made beats whatever was known before.
"""

from dataclasses import dataclass
from enum import Enum

from credits import automatic, once
from credits.accounts import require_open
from credits.due import open_journal
from credits.ids import public_id
from credits.instants import MINUTE
from credits.language import Money, language
from credits.ledger import Journal
from credits.methods import Method, method_of
from credits.money import LARGEST_AMOUNT_MICROS, minor_digits, whole_minor_units
from credits.outcomes import cancel, fund, take_in
from credits.payment_methods import default_method, usable_method
from credits.providers import Outcome, PaymentAnswer, PaymentRequest, Provider, Providers, Unavailable
from credits.recharges import RechargeState, change, recharge_state, want_canceled, write_down
from credits.refusals import conflict, invalid
from credits.terms import USUAL_TERMS, Terms
from db.kinds import RechargeStatus, RechargeTrigger
from db.session import Database, Session

# Whoever asks a provider has the recharge for so long; then somebody else may ask.
LEASE = 2 * MINUTE


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
        """Ask it. An answer that did not come is LOST."""
        payment_id = self.request.payment_id
        try:
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
        except Unavailable:
            return PaymentAnswer(Outcome.LOST)


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
    """Take a recharge as far as it goes now: on record, ask, on record, ask."""
    while True:
        with database.transaction() as session:
            journal = open_journal(session, account_id, now, terms)
            provider = providers.of(journal.account.mode)
            step = _next_step(journal, providers, recharge_no, wish)
            journal.write()
        if step is None or provider is None:
            return
        answer = step.ask(provider)
        with database.transaction() as session:
            journal = open_journal(session, account_id, now, terms)
            goes_on = _hear_answer(journal, recharge_no, step, answer)
            journal.write()
        if not goes_on:
            return


def drive_within(journal: Journal, providers: Providers, recharge_no: int) -> None:
    """The same for a TEST account, whose provider is built in: as far as it goes, inside one transaction."""
    provider = providers.of(journal.account.mode)
    assert provider is not None
    step = _next_step(journal, providers, recharge_no, Wish.DUE)
    while step is not None and _hear_answer(journal, recharge_no, step, step.ask(provider)):
        step = _next_step(journal, providers, recharge_no, Wish.DUE)
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
        journal.write()
    drive(database, providers, account_id=account_id, recharge_no=recharge_no, now=now, terms=terms)


def recharges_due(session: Session, now: int) -> list[tuple[int, int]]:
    """The recharges to take up, by account and number, the one that waits longest first."""
    found = session.rows(
        "SELECT recharge.account_id, recharge_no FROM recharge JOIN account"
        " ON account.account_id = recharge.account_id WHERE recharge.due_at IS NOT NULL"
        " AND recharge.due_at <= coalesce(clock_at, ?) ORDER BY recharge.due_at",
        now,
    )
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
    if chosen.is_card and providers.of(journal.account.mode) is None:
        raise conflict("Cards need a payment provider, and none is set up here.", field=("paymentMethodId",))
    recharge_no = write_down(journal, amount_micros, chosen.method_no, RechargeTrigger.MANUAL)
    once.remember(session, account_id, idempotency_key, fingerprint, journal.now, recharge_no=recharge_no)
    journal.write()
    return recharge_no


def _next_step(journal: Journal, providers: Providers, recharge_no: int, wish: Wish) -> _Step | None:
    """Decide what to ask next and put it on record; None when there is nothing to ask now."""
    state = recharge_state(journal.session, journal.account.account_id, recharge_no)
    if wish == Wish.DUE and (state.due_at is None or state.due_at > journal.now):
        return None
    tries_again = state.next_attempt_at is not None and state.next_attempt_at <= journal.now
    if tries_again and not state.cancel_wanted and automatic.no_longer_needed(journal, recharge_no):
        want_canceled(journal, recharge_no)
        state = recharge_state(journal.session, journal.account.account_id, recharge_no)
    method = method_of(journal.session, journal.account.account_id, state.method_no)
    verb = _verb(state, method, wish, journal.now)
    if verb is None and state.is_open and (state.cancel_wanted or not method.is_card):
        _close_without_asking(journal, state, method)
    if verb is None or providers.of(journal.account.mode) is None:
        return None
    is_try = verb == _Verb.TAKE
    change(
        journal, recharge_no, due_at=journal.now + LEASE, attempts=state.attempts + is_try,
        status=RechargeStatus.PROCESSING.value if state.status == RechargeStatus.PENDING else state.status,
        next_attempt_at=None if is_try else state.next_attempt_at,
    )  # fmt: skip
    return _Step(verb, _request(journal, providers, state, method, state.attempts + is_try, wish))


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


def _close_without_asking(journal: Journal, state: RechargeState, method: Method) -> None:
    """A recharge of which no provider knows: it is given up as wanted, or funded against the invoice."""
    if state.cancel_wanted:
        cancel(journal, state)
    else:
        assert not method.is_card
        fund(journal, state, method)


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
        take_in(journal, recharge_no, step.request.attempt, answer)
        return False
    state = recharge_state(journal.session, journal.account.account_id, recharge_no)
    if state.provider_payment is None:
        change(journal, recharge_no, provider_payment=answer, due_at=journal.now)
    return state.provider_payment is None and state.is_open


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
