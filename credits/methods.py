"""The rows of payment methods: what is known of one, and what people know it by."""

from dataclasses import dataclass, fields

from credits.language import Language
from db.kinds import PaymentMethodKind
from db.session import Session


@dataclass(frozen=True, slots=True)
class Method:
    """A payment method; `token` is the provider's for a card, `expires_on` the last day of its life (ISO 8601)."""

    method_no: int
    kind: str
    token: str | None
    brand: str
    last_four: str
    purchase_order: str | None
    agreement_number: str | None
    expires_on: str | None
    is_default: bool
    removed_at: int | None

    @property
    def is_card(self) -> bool:
        """A card, and not an agreement to be invoiced."""
        return self.kind == PaymentMethodKind.CARD

    def label(self, reader: Language) -> str:
        """What a person knows it by: "Visa •••• 4242, 12/27"."""
        return method_label(
            reader,
            kind=self.kind,
            brand=self.brand,
            last_four=self.last_four,
            expires_on=self.expires_on,
            purchase_order=self.purchase_order,
            agreement_number=self.agreement_number,
        )


_COLUMNS = ", ".join(column.name for column in fields(Method))


def method_of(session: Session, account_id: int, method_no: int) -> Method:
    """A payment method that is there, be it removed or not."""
    found = session.row(
        f"SELECT {_COLUMNS} FROM payment_method WHERE account_id = ? AND method_no = ?", account_id, method_no
    )
    assert found is not None, "a payment method is never deleted"
    return Method(*found)


def usual_method(session: Session, account_id: int) -> Method | None:
    """The default payment method, if there is one."""
    found = session.row(
        f"SELECT {_COLUMNS} FROM payment_method WHERE account_id = ? AND is_default AND removed_at IS NULL", account_id
    )
    return None if found is None else Method(*found)


def method_label(
    reader: Language,
    *,
    kind: str,
    brand: str,
    last_four: str,
    expires_on: str | None,
    purchase_order: str | None,
    agreement_number: str | None,
) -> str:
    """What a person knows a payment method by: "Visa •••• 4242, 12/27", "Invoice, PO 4711"."""
    if kind == PaymentMethodKind.CARD:
        year, month = (expires_on or "").split("-")[:2]
        return f"{brand} •••• {last_four}, {month}/{year[-2:]}"
    if purchase_order:
        return reader.say("Invoice, PO {number}", number=purchase_order)
    return reader.say("Invoice, agreement {number}", number=agreement_number)
