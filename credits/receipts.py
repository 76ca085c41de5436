"""Receipts and invoices: every recharge that succeeded has one, numbered without gaps within its account.

A card's is a receipt. An invoice brings its funds at once and stays open until the operator marks it paid. Who sold
and who bought is kept with the recharge as it was then; all else of a document is read from the recharge, its lot, and
what went back of it since.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from credits import audit
from credits.accounts import account_now, lock
from credits.ids import public_id
from credits.instants import never_as_none
from credits.refusals import conflict, invalid, not_found
from db.kinds import PaymentMethodKind, RefundStatus
from db.session import Session
from db.tables import payments

LONGEST_REFERENCE = 100
Key = tuple[int, ...]

# Invoices that wait for their money: neither marked as paid nor refunded in full. A condition on the recharge table.
OPEN_INVOICE = (
    f"{payments.OPEN_INVOICE} AND amount_micros > ("
    "SELECT coalesce(sum(refund.amount_micros), 0) FROM refund WHERE refund.account_id = recharge.account_id"
    " AND refund.recharge_no = recharge.recharge_no AND refund.status <> 'FAILED')"
)


class ReceiptKind(StrEnum):
    """What a document is: a receipt for what a card paid, an invoice for what is paid later."""

    RECEIPT = "RECEIPT"
    INVOICE = "INVOICE"


class ReceiptStatus(StrEnum):
    """How a document stands; REFUNDED when all of it went back, paid or not."""

    OPEN = "OPEN"
    OVERDUE = "OVERDUE"
    PAID = "PAID"
    REFUNDED = "REFUNDED"


class ReturnKind(StrEnum):
    """How money of a recharge went back: given back, or taken back by the payer's bank."""

    REFUND = "REFUND"
    DISPUTE = "DISPUTE"


@dataclass(frozen=True, slots=True)
class Return:
    """Money of a recharge that went back, or is on its way."""

    kind: ReturnKind
    amount_micros: int
    at: int
    reason: str
    is_done: bool


@dataclass(frozen=True, slots=True)
class Receipt:
    """Everything that a document says, of buyer and seller as they were when it was issued.

    `due_at` is the first instant at which an invoice is overdue.
    """

    account_id: int
    recharge_no: int
    method_no: int
    number: str
    kind: ReceiptKind
    buyer: str
    seller: tuple[str, ...]
    seller_tax_id: str
    currency: str
    time_zone: str
    is_test: bool
    purchase_order: str | None
    agreement_number: str | None
    amount_micros: int
    issued_at: int
    due_at: int | None
    paid_at: int | None
    reference: str | None
    expires_at: int | None
    now: int
    returns: list[Return] = field(default_factory=list)

    @property
    def returned_micros(self) -> int:
        """What went back, or is on its way."""
        return sum(each.amount_micros for each in self.returns)

    @property
    def remaining_micros(self) -> int:
        """What is paid, or to be paid, after what went back."""
        return self.amount_micros - self.returned_micros

    @property
    def status(self) -> ReceiptStatus:
        """How the document stands at the account's instant."""
        if self.remaining_micros <= 0:
            return ReceiptStatus.REFUNDED
        if self.paid_at is not None:
            return ReceiptStatus.PAID
        return ReceiptStatus.OVERDUE if self.due_at is not None and self.due_at <= self.now else ReceiptStatus.OPEN


def receipt_number(account_id: int, receipt_no: int) -> str:
    """The number of a document as people write it: the account's public digits and its place there."""
    digits = public_id("acct", account_id).partition("_")[2].upper()
    return f"R-{digits}-{receipt_no:06}"


def receipt_of(session: Session, *, account_id: int, recharge_no: int, now: int) -> Receipt:
    """The document of a recharge. Refused as NOT_FOUND at `rechargeId` for one that did not succeed."""
    found = receipts_of(session, [(account_id, recharge_no)], now).get((account_id, recharge_no))
    if found is None:
        raise not_found("rechargeId", "There is no receipt for this.")
    return found


def receipts_of(session: Session, keys: Sequence[Key], now: int) -> dict[Key, Receipt]:
    """The documents of some recharges, by account and recharge number; those that did not succeed are left out."""
    marks, numbers = _among(keys)
    found = session.rows(
        "SELECT recharge.account_id, recharge.recharge_no, recharge.method_no, receipt_no, payment_method.kind,"
        " coalesce(buyer, account.name), seller, seller_tax_id, currency, time_zone, clock_at, purchase_order,"
        " agreement_number, recharge.amount_micros,"
        " completed_at, invoice_due_at, invoice_paid_at, invoice_reference, lot.expires_at"
        " FROM recharge JOIN account ON account.account_id = recharge.account_id"
        " JOIN payment_method ON payment_method.account_id = recharge.account_id"
        " AND payment_method.method_no = recharge.method_no"
        " JOIN lot ON lot.account_id = recharge.account_id AND lot.recharge_no = recharge.recharge_no"
        f" WHERE recharge.receipt_no IS NOT NULL AND (recharge.account_id, recharge.recharge_no) IN (VALUES {marks})",
        *numbers,
    )
    receipts: dict[Key, Receipt] = {(row[0], row[1]): _read(row, now) for row in found}
    for owner, recharge_no, each in _returns_of(session, marks, numbers):
        if (owner, recharge_no) in receipts:
            receipts[owner, recharge_no].returns.append(each)
    for receipt in receipts.values():
        receipt.returns.sort(key=lambda each: each.at)
    return receipts


def mark_invoice_paid(session: Session, *, account_id: int, recharge_no: int, reference: str, now: int) -> None:
    """Close an open invoice with the payment's reference; the same reference again changes nothing.

    Refused: what a card paid, what was refunded in full, and a second reference.
    """
    reference = reference.strip()
    if not 1 <= len(reference) <= LONGEST_REFERENCE:
        raise invalid("reference", "A reference has 1 to {longest} characters.", longest=LONGEST_REFERENCE)
    account = lock(session, account_id)
    receipt = receipt_of(session, account_id=account_id, recharge_no=recharge_no, now=now)
    if receipt.kind != ReceiptKind.INVOICE:
        raise conflict("A card paid for this: there is no invoice.", field=("rechargeId",))
    if receipt.paid_at is not None:
        if receipt.reference == reference:
            audit.unchanged(session)
            return
        raise conflict(
            "This invoice was marked as paid before, with the reference {reference}.",
            field=("reference",), reference=receipt.reference,
        )  # fmt: skip
    if receipt.status == ReceiptStatus.REFUNDED:
        raise conflict("All of this invoice was refunded: nothing is left to pay.", field=("rechargeId",))
    session.execute(
        "UPDATE recharge SET invoice_paid_at = ?, invoice_reference = ? WHERE account_id = ? AND recharge_no = ?",
        account_now(account, now), reference, account_id, recharge_no,
    )  # fmt: skip
    audit.changed(session, public_id("rchg", account_id, recharge_no), after={"reference": reference})


def _read(row: tuple[Any, ...], now: int) -> Receipt:
    (
        account_id, recharge_no, method_no, receipt_no, method_kind, buyer, seller, tax_id, currency, time_zone,
        clock_at, purchase_order, agreement_number, amount_micros, completed_at, due_at, paid_at, reference, expires_at,
    ) = row  # fmt: skip
    is_invoice = method_kind == PaymentMethodKind.INVOICE
    return Receipt(
        account_id, recharge_no, method_no,
        number=receipt_number(account_id, receipt_no),
        kind=ReceiptKind.INVOICE if is_invoice else ReceiptKind.RECEIPT,
        buyer=buyer,
        seller=tuple((seller or "").splitlines()),
        seller_tax_id=tax_id or "",
        currency=currency,
        time_zone=time_zone,
        is_test=clock_at is not None,
        purchase_order=purchase_order,
        agreement_number=agreement_number,
        amount_micros=amount_micros,
        issued_at=completed_at,
        due_at=due_at,
        paid_at=paid_at if is_invoice else completed_at,
        reference=reference,
        expires_at=never_as_none(expires_at),
        now=now if clock_at is None else clock_at,
    )  # fmt: skip


def _returns_of(session: Session, marks: str, numbers: list[int]) -> list[tuple[int, int, Return]]:
    """What went back of some recharges: refunds that did not fail, and what lost disputes took."""
    refunds = session.rows(
        "SELECT account_id, recharge_no, amount_micros, coalesce(completed_at, created_at), reason, status FROM refund"
        f" WHERE status <> 'FAILED' AND (account_id, recharge_no) IN (VALUES {marks}) ORDER BY account_id, refund_no",
        *numbers,
    )
    disputes = session.rows(
        "SELECT account_id, recharge_no, held_micros, closed_at, reason FROM dispute"
        f" WHERE status = 'LOST' AND held_micros > 0 AND (account_id, recharge_no) IN (VALUES {marks})"
        " ORDER BY account_id, dispute_no",
        *numbers,
    )
    given_back = [
        (owner, recharge_no, Return(ReturnKind.REFUND, amount, at, reason, status == RefundStatus.SUCCEEDED))
        for owner, recharge_no, amount, at, reason, status in refunds
    ]
    taken_back = [
        (owner, recharge_no, Return(ReturnKind.DISPUTE, amount, at, reason, True))
        for owner, recharge_no, amount, at, reason in disputes
    ]
    return given_back + taken_back


def _among(keys: Sequence[Key]) -> tuple[str, list[int]]:
    return ", ".join(["(?, ?)"] * len(keys)), [number for key in keys for number in key]
