"""How an account pays: cards known by a provider's token, and agreements to be invoiced.

A card is given on the provider's own page, or its token is handed in; its number never comes here. Another way to
pay starts an automatic recharge again that stood still.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from credits import audit, automatic
from credits.accounts import AccountState, lock, look_up, require_open
from credits.consequences import follow
from credits.due import open_journal, tell_that_card_expires
from credits.ids import public_id
from credits.instants import HOUR, start_of_day
from credits.language import language
from credits.ledger import Journal
from credits.methods import Method, method_of, usual_method
from credits.providers import Card, CustomerRequest, Provider, Providers, SetupRequest, Unavailable
from credits.refusals import Refusal, conflict, invalid, not_found
from credits.terms import USUAL_TERMS, Terms
from db.kinds import AccountMode, CardSetupStatus, PaymentMethodKind
from db.session import Database, Session

T = TypeVar("T")

LONGEST_REFERENCE = 100
# How long before a card's last day its owner is told.
CARD_WARNING_DAYS = 30
# How long a page on which a card is given is asked about; the provider closes it after a day.
SETUP_LASTS = 25 * HOUR
SETUP_ASKED_EVERY = HOUR


def add_payment_method(
    database: Database,
    providers: Providers,
    *,
    account_id: int,
    kind: str,
    token: str | None = None,
    purchase_order: str | None = None,
    agreement_number: str | None = None,
    make_default: bool = True,
    now: int,
    terms: Terms = USUAL_TERMS,
) -> int:
    """Add a card or an agreement to be invoiced, and return its number. The first one becomes the default.

    A card of a LIVE account that is there already is returned as it is.
    """
    if kind == PaymentMethodKind.INVOICE:
        _check_agreement(token, purchase_order, agreement_number)
        with database.transaction() as session:
            journal = open_journal(session, account_id, now, terms)
            require_open(journal.account)
            return _add(journal, make_default, purchase_order=purchase_order, agreement_number=agreement_number)
    with database.reading() as session:
        account = look_up(session, account_id)
    require_open(account)
    provider = _provider_of(account, providers)
    customer = None if account.mode == AccountMode.TEST else _asked(lambda: _customer(database, provider, account))
    card = _asked(lambda: provider.card(customer, token or ""))
    if card is None:
        raise invalid("token", "The payment provider knows no such token.")
    with database.transaction() as session:
        journal = open_journal(session, account_id, now, terms)
        require_open(journal.account)
        return _add_card(journal, card, make_default)


def start_card_setup(
    database: Database,
    providers: Providers,
    *,
    account_id: int,
    make_default: bool = True,
    now: int,
    terms: Terms = USUAL_TERMS,
) -> str:
    """Open a page of the payment provider on which a card is given, and return its address.

    Refused as a CONFLICT where there is no such page: a TEST account's cards are given by their tokens.
    """
    with database.reading() as session:
        account = look_up(session, account_id)
    require_open(account)
    if account.mode == AccountMode.TEST:
        raise conflict("A TEST account's cards are given by their tokens.")
    provider = _provider_of(account, providers)
    customer = _asked(lambda: _customer(database, provider, account))
    with database.transaction() as session:
        journal = open_journal(session, account_id, now, terms)
        journal.account.setup_count += 1
        setup_no = journal.account.setup_count
        session.execute(
            "INSERT INTO card_setup (account_id, setup_no, status, make_default, created_at) VALUES (?, ?, ?, ?, ?)",
            account_id, setup_no, CardSetupStatus.OPEN.value, make_default, journal.now,
        )  # fmt: skip
        audit.changed(session, public_id("setup", account_id, setup_no), after={"make_default": make_default})
        journal.write()
    request = _setup_request(providers, account, customer, setup_no)
    setup = _asked(lambda: provider.start_setup(request))
    with database.transaction() as session:
        session.execute(
            "UPDATE card_setup SET provider_session = ?, due_at = ? WHERE account_id = ? AND setup_no = ?",
            setup.session_id, now + SETUP_ASKED_EVERY, account_id, setup_no,
        )  # fmt: skip
    return setup.url


def finish_card_setup(
    database: Database, providers: Providers, *, account_id: int, setup_no: int, now: int, terms: Terms = USUAL_TERMS
) -> int | None:
    """Ask what came of a page on which a card was to be given; the card's number, or None when there is none (yet)."""
    with database.reading() as session:
        account = look_up(session, account_id)
        found = session.row(
            "SELECT provider_session FROM card_setup WHERE account_id = ? AND setup_no = ?", account_id, setup_no
        )
    if found is None or found[0] is None:
        raise not_found("setupId", "There is no such card set-up.")
    answer = _asked(lambda: _provider_of(account, providers).setup(found[0]))
    with database.transaction() as session:
        journal = open_journal(session, account_id, now, terms)
        return _close_setup(journal, setup_no, answer.card, ended=answer.ended)


def card_setups_due(session: Session, now: int, limit: int = 500) -> list[tuple[int, int]]:
    """The card set-ups to ask about, by account and number, the one that waits longest first."""
    found = session.rows(
        "SELECT account_id, setup_no FROM card_setup WHERE due_at <= ? ORDER BY due_at, account_id, setup_no LIMIT ?",
        now, limit,
    )  # fmt: skip
    return [(account_id, setup_no) for account_id, setup_no in found]


def ask_about_card_setup(
    database: Database, providers: Providers, *, account_id: int, setup_no: int, now: int, terms: Terms = USUAL_TERMS
) -> bool:
    """Ask about a card set-up that is due; False when somebody else has just done so.

    Whatever comes of it, it is not asked about again for a while, and no longer than such a page lasts. Refused as a
    CONFLICT when there was no answer.
    """
    with database.transaction() as session:
        lock(session, account_id)
        is_taken = session.execute(
            "UPDATE card_setup SET due_at = ? WHERE account_id = ? AND setup_no = ? AND due_at <= ?",
            now + SETUP_ASKED_EVERY, account_id, setup_no, now,
        )  # fmt: skip
    if not is_taken:
        return False
    try:
        finish_card_setup(database, providers, account_id=account_id, setup_no=setup_no, now=now, terms=terms)
    except Refusal:
        with database.transaction() as session:
            lock(session, account_id)
            session.execute(
                "UPDATE card_setup SET status = ?, due_at = NULL"
                " WHERE account_id = ? AND setup_no = ? AND status = ? AND created_at <= ?",
                CardSetupStatus.ABANDONED.value, account_id, setup_no, CardSetupStatus.OPEN.value, now - SETUP_LASTS,
            )  # fmt: skip
        raise
    return True


def card_setup_of(session: Session, session_id: str) -> tuple[int, int] | None:
    """The account and number of a card set-up, by the provider's id of it."""
    found = session.row("SELECT account_id, setup_no FROM card_setup WHERE provider_session = ?", session_id)
    return None if found is None else (found[0], found[1])


def set_default_payment_method(
    session: Session, *, account_id: int, method_no: int, now: int, terms: Terms = USUAL_TERMS
) -> None:
    """Make a payment method the one that is used when none is named."""
    journal = open_journal(session, account_id, now, terms)
    require_open(journal.account)
    chosen = usable_method(session, account_id, method_no)
    paid_before = automatic.method_in_use(session, account_id)
    _tell(session, account_id, chosen, {"is_default": bool(chosen.is_default)}, {"is_default": True})
    _make_default(session, account_id, method_no)
    _follow_what_pays(journal, paid_before)


def remove_payment_method(
    session: Session, *, account_id: int, method_no: int, now: int, terms: Terms = USUAL_TERMS
) -> None:
    """Stop using a payment method; what it paid for stays on record. Another one does not take its place by itself,
    except in automatic recharge, which goes on with the default one."""
    journal = open_journal(session, account_id, now, terms)
    unwanted = usable_method(session, account_id, method_no)
    paid_before = automatic.method_in_use(session, account_id)
    _tell(session, account_id, unwanted, _known(unwanted), {})
    session.execute(
        "UPDATE payment_method SET removed_at = ?, is_default = ? WHERE account_id = ? AND method_no = ?",
        journal.now, False, account_id, method_no,
    )  # fmt: skip
    session.execute(
        "UPDATE auto_recharge SET method_no = NULL WHERE account_id = ? AND method_no = ?", account_id, method_no
    )
    _follow_what_pays(journal, paid_before)


def usable_method(session: Session, account_id: int, method_no: int) -> Method:
    """A method that was not removed; refused as NOT_FOUND otherwise."""
    found = session.row(
        "SELECT 1 FROM payment_method WHERE account_id = ? AND method_no = ? AND removed_at IS NULL",
        account_id, method_no,
    )  # fmt: skip
    if found is None:
        raise not_found("paymentMethodId", "There is no such payment method.")
    return method_of(session, account_id, method_no)


def default_method(session: Session, account_id: int) -> Method:
    """The default method; refused as a CONFLICT when there is none."""
    found = usual_method(session, account_id)
    if found is None:
        raise conflict("Add a payment method first.", field=("paymentMethodId",))
    return found


def _provider_of(account: AccountState, providers: Providers) -> Provider:
    provider = providers.of(account.mode)
    if provider is None:
        raise conflict("Cards need a payment provider, and none is set up here.", field=("kind",))
    return provider


def _customer(database: Database, provider: Provider, account: AccountState) -> str:
    """The provider's id of this account, made when it is new; the same key makes the same customer."""
    if account.provider_customer is not None:
        return account.provider_customer
    made = provider.customer(CustomerRequest(public_id("acct", account.account_id), account.name))
    with database.accompanied(None).transaction() as session:  # it is no part of what was asked for
        session.execute(
            "UPDATE account SET provider_customer = ? WHERE account_id = ? AND provider_customer IS NULL",
            made, account.account_id,
        )  # fmt: skip
        kept = look_up(session, account.account_id).provider_customer
    assert kept is not None
    return kept


def _setup_request(providers: Providers, account: AccountState, customer: str, setup_no: int) -> SetupRequest:
    key = public_id("setup", account.account_id, setup_no)
    here = f"{providers.base_url}/accounts/{public_id('acct', account.account_id)}/funds/methods"
    return SetupRequest(
        key=key,
        customer=customer,
        success_url=f"{here}?setup={key}",
        cancel_url=f"{here}?unfinished=yes",
        locale=account.locale,
    )


def _close_setup(journal: Journal, setup_no: int, card: Card | None, *, ended: bool) -> int | None:
    """Keep the card, once; give up asking when none can come any more."""
    account_id, session = journal.account.account_id, journal.session
    row = session.row(
        "SELECT status, method_no, make_default, created_at FROM card_setup WHERE account_id = ? AND setup_no = ?",
        account_id, setup_no,
    )  # fmt: skip
    assert row is not None
    status, method_no, make_default, created_at = row
    if status == CardSetupStatus.DONE:
        audit.unchanged(session)
        return int(method_no)
    added = None if card is None else _add_card(journal, card, bool(make_default))
    if added is None:
        audit.unchanged(session)
    if added is not None:
        status = CardSetupStatus.DONE
    elif ended or journal.now >= created_at + SETUP_LASTS:
        status = CardSetupStatus.ABANDONED
    due_at = journal.now + SETUP_ASKED_EVERY if status == CardSetupStatus.OPEN else None
    session.execute(
        "UPDATE card_setup SET status = ?, method_no = ?, due_at = ? WHERE account_id = ? AND setup_no = ?",
        str(status), added, due_at, account_id, setup_no,
    )  # fmt: skip
    journal.write()
    return added


def _add_card(journal: Journal, card: Card, make_default: bool) -> int:
    account = journal.account
    if account.mode == AccountMode.LIVE:
        there = journal.session.row(
            "SELECT method_no FROM payment_method WHERE account_id = ? AND token = ? AND removed_at IS NULL",
            account.account_id, card.token,
        )  # fmt: skip
        if there is not None:
            audit.unchanged(journal.session)
            return int(there[0])
    warn_at = start_of_day(card.expires_on - timedelta(days=CARD_WARNING_DAYS), account.time_zone)
    if warn_at > journal.now:
        return _add(journal, make_default, card=card, warn_at=warn_at)
    method_no = _add(journal, make_default, card=card)
    if journal.now < start_of_day(card.expires_on + timedelta(days=1), account.time_zone):
        tell_that_card_expires(journal, method_no)
        journal.write()
    return method_no


def _add(
    journal: Journal,
    make_default: bool,
    *,
    card: Card | None = None,
    warn_at: int | None = None,
    purchase_order: str | None = None,
    agreement_number: str | None = None,
) -> int:
    account = journal.account
    paid_before = automatic.method_in_use(journal.session, account.account_id)
    account.method_count += 1
    method_no = account.method_count
    kind = PaymentMethodKind.INVOICE if card is None else PaymentMethodKind.CARD
    journal.session.execute(
        "INSERT INTO payment_method (account_id, method_no, kind, token, brand, last_four, purchase_order,"
        " agreement_number, expires_on, is_default, created_at, warn_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        account.account_id, method_no, kind.value, card and card.token, card.brand if card else "",
        card.last_four if card else "", purchase_order, agreement_number,
        card and card.expires_on.isoformat(), False, journal.now, warn_at,
    )  # fmt: skip
    if warn_at is not None:
        journal.schedule(warn_at)
    new = method_of(journal.session, account.account_id, method_no)
    becomes_default = make_default or usual_method(journal.session, account.account_id) is None
    _tell(journal.session, account.account_id, new, {}, {**_known(new), "is_default": becomes_default})
    if becomes_default:
        _make_default(journal.session, account.account_id, method_no)
    _follow_what_pays(journal, paid_before)
    return method_no


def _known(method: Method) -> dict[str, object]:
    return {"kind": method.kind, "label": method.label(language("en"))}


def _tell(
    session: Session, account_id: int, method: Method, before: dict[str, object], after: dict[str, object]
) -> None:
    audit.changed(session, public_id("pm", account_id, method.method_no), before, after)


def _follow_what_pays(journal: Journal, paid_before: int | None) -> None:
    """Where automatic recharge now pays in another way than before, it starts again."""
    if automatic.method_in_use(journal.session, journal.account.account_id) != paid_before:
        automatic.start_again(journal)
    follow(journal)


def _asked(question: Callable[[], T]) -> T:
    """Ask the provider; when it can not be reached, the customer may try again."""
    try:
        return question()
    except Unavailable:
        raise conflict("The payment provider could not be reached. Try again in a moment.") from None


def _check_agreement(token: str | None, purchase_order: str | None, agreement_number: str | None) -> None:
    if token is not None:
        raise invalid("token", "An invoice has no card token.")
    if not (purchase_order or agreement_number):
        raise invalid("purchaseOrder", "Give a purchase order or an agreement number.")
    for field, reference in (("purchaseOrder", purchase_order), ("agreementNumber", agreement_number)):
        if reference is not None and not 1 <= len(reference.strip()) <= LONGEST_REFERENCE:
            raise invalid(field, "A reference has 1 to {longest} characters.", longest=LONGEST_REFERENCE)


def _make_default(session: Session, account_id: int, method_no: int) -> None:
    """Only one at a time: the old one steps down first, since a unique index holds the place."""
    session.execute("UPDATE payment_method SET is_default = ? WHERE account_id = ? AND is_default", False, account_id)
    session.execute(
        "UPDATE payment_method SET is_default = ? WHERE account_id = ? AND method_no = ?", True, account_id, method_no
    )
