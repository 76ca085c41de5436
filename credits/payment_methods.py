"""How an account pays: cards known by a provider's token, and agreements to be invoiced."""

from credits.accounts import AccountState, account_now, lock, require_open
from credits.providers import Provider, TestProvider
from credits.refusals import conflict, invalid, not_found
from db.kinds import AccountMode, PaymentMethodKind
from db.session import Session

LONGEST_REFERENCE = 100


def add_payment_method(
    session: Session,
    *,
    account_id: int,
    kind: str,
    token: str | None = None,
    purchase_order: str | None = None,
    agreement_number: str | None = None,
    make_default: bool = True,
    now: int,
) -> int:
    """Add a card or an agreement to be invoiced, and return its number. The first one becomes the default."""
    account = lock(session, account_id)
    require_open(account)
    brand = last_four = ""
    expires_on = None
    if kind == PaymentMethodKind.CARD:
        card = _provider_of(account).card(token or "")
        if card is None:
            raise invalid("token", "The payment provider knows no such token.")
        brand, last_four, expires_on = card.brand, card.last_four, card.expires_on
    else:
        _check_agreement(token, purchase_order, agreement_number)
    account.method_count += 1
    method_no = account.method_count
    first = not session.row(
        "SELECT 1 FROM payment_method WHERE account_id = ? AND is_default AND removed_at IS NULL", account_id
    )
    session.execute(
        "INSERT INTO payment_method (account_id, method_no, kind, token, brand, last_four, purchase_order,"
        " agreement_number, expires_on, is_default, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        account_id, method_no, kind, token, brand, last_four, purchase_order, agreement_number, expires_on, False,
        account_now(account, now),
    )  # fmt: skip
    session.execute("UPDATE account SET method_count = ? WHERE account_id = ?", method_no, account_id)
    if make_default or first:
        _make_default(session, account_id, method_no)
    return method_no


def set_default_payment_method(session: Session, *, account_id: int, method_no: int) -> None:
    """Make a payment method the one that is used when none is named."""
    require_open(lock(session, account_id))
    usable_method(session, account_id, method_no)
    _make_default(session, account_id, method_no)


def remove_payment_method(session: Session, *, account_id: int, method_no: int, now: int) -> None:
    """Stop using a payment method; what it paid for stays on record. Another one does not take its place by itself."""
    account = lock(session, account_id)
    usable_method(session, account_id, method_no)
    session.execute(
        "UPDATE payment_method SET removed_at = ?, is_default = ? WHERE account_id = ? AND method_no = ?",
        account_now(account, now), False, account_id, method_no,
    )  # fmt: skip


def usable_method(session: Session, account_id: int, method_no: int) -> tuple[str, str | None]:
    """The kind and token of a method that was not removed; refused as NOT_FOUND otherwise."""
    found = session.row(
        "SELECT kind, token FROM payment_method WHERE account_id = ? AND method_no = ? AND removed_at IS NULL",
        account_id, method_no,
    )  # fmt: skip
    if found is None:
        raise not_found("paymentMethodId", "There is no such payment method.")
    return found[0], found[1]


def default_method(session: Session, account_id: int) -> int:
    """The number of the default method; refused as a CONFLICT when there is none."""
    found = session.row("SELECT method_no FROM payment_method WHERE account_id = ? AND is_default", account_id)
    if found is None:
        raise conflict("Add a payment method first.", field=("paymentMethodId",))
    number: int = found[0]
    return number


def _provider_of(account: AccountState) -> Provider:
    if account.mode != AccountMode.TEST:
        raise conflict("Cards need a payment provider, and none is set up here.", field=("kind",))
    return TestProvider()


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
