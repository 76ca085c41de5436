"""Receipts and invoices: what each recharge that succeeded has, as its printed document says it."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from credits import receipts
from credits.ids import public_id
from credits.instants import local_day
from credits.receipts import ReceiptKind, ReceiptStatus, ReturnKind
from schema.context import Context, Info
from schema.fields import resolved
from schema.kinds import describe
from schema.money import Money
from schema.nodes import find
from schema.payment_methods import PaymentMethod, find_method

if TYPE_CHECKING:
    from schema.accounts import Account
    from schema.recharges import Recharge

describe(
    ReceiptKind,
    "What a document is.",
    RECEIPT="For funds that a card paid.",
    INVOICE="For funds that came at once, and are paid later.",
)
describe(
    ReceiptStatus,
    "How a receipt or invoice stands.",
    OPEN="An invoice whose term still runs.",
    OVERDUE="An invoice whose term is over.",
    PAID="Paid.",
    REFUNDED="All of it went back.",
)
describe(
    ReturnKind,
    "How money of a recharge went back.",
    REFUND="It was given back.",
    DISPUTE="The payer's bank took it back.",
)


@strawberry.type(description="What was bought, a line of a receipt.")
class ReceiptLine:
    description: str = strawberry.field(description="What it is, in the reader's language.")
    amount: Money = strawberry.field(description="What it cost.")


@strawberry.type(description="Money of a recharge that went back, a line of its receipt.")
class ReceiptReturn:
    kind: ReturnKind = strawberry.field(description="How it went back.")
    amount: Money = strawberry.field(description="How much.")
    on: date = strawberry.field(description="The day in the account's time zone.")
    reason: str = strawberry.field(description="Why.")
    is_done: bool = strawberry.field(description="False while the payment provider has not confirmed it.")


@strawberry.type(description="A receipt, or an invoice: all that the printed document says.")
class Receipt:
    number: str = strawberry.field(description="Unique, and without gaps within the account.")
    kind: ReceiptKind = strawberry.field(description="Receipt or invoice.")
    status: ReceiptStatus = strawberry.field(description="How it stands at the account's present instant.")
    issued_on: date = strawberry.field(description="The day of purchase, in the account's time zone.")
    due_on: date | None = strawberry.field(description="The last day on which an invoice is paid in time.")
    paid_on: date | None = strawberry.field(description="When it was paid; null while an invoice is open.")
    reference: str | None = strawberry.field(description="The reference of the payment that closed an invoice.")
    seller: list[str] = strawberry.field(description="Who sold: name and address, line by line.")
    seller_tax_id: str | None = strawberry.field(description="The seller's tax number.")
    buyer: str = strawberry.field(description="Who bought: the account's name.")
    purchase_order: str | None = strawberry.field(description="The buyer's purchase order.")
    agreement_number: str | None = strawberry.field(description="The agreement under which it was bought.")
    lines: list[ReceiptLine] = strawberry.field(description="What was bought.")
    amount: Money = strawberry.field(description="The total of the lines.")
    returns: list[ReceiptReturn] = strawberry.field(description="What went back since, the oldest first.")
    returned: Money = strawberry.field(description="The total of what went back.")
    remaining: Money = strawberry.field(description="What is paid, or to be paid, after what went back.")
    usable_through: date | None = strawberry.field(
        description="The last day on which the funds can be spent; null: they never expire."
    )
    is_test: bool = strawberry.field(description="Of a TEST account: no money was moved.")
    account_id: strawberry.Private[int]
    recharge_no: strawberry.Private[int]
    method_no: strawberry.Private[int]

    @classmethod
    def from_state(cls, state: receipts.Receipt, context: Context) -> Self:
        """A document as its reader sees it."""
        zone, currency, terms = state.time_zone, state.currency, context.terms
        return cls(
            number=state.number,
            kind=state.kind,
            status=state.status,
            issued_on=local_day(state.issued_at, zone),
            due_on=_last_day(state.due_at, zone),
            paid_on=None if state.paid_at is None else local_day(state.paid_at, zone),
            reference=state.reference,
            seller=list(state.seller or terms.seller),
            seller_tax_id=state.seller_tax_id or None,
            buyer=state.buyer,
            purchase_order=state.purchase_order,
            agreement_number=state.agreement_number,
            lines=[_line(context, Money.of(state.amount_micros, currency))],
            amount=Money.of(state.amount_micros, currency),
            returns=[_returned(each, zone, currency) for each in state.returns],
            returned=Money.of(state.returned_micros, currency),
            remaining=Money.of(state.remaining_micros, currency),
            usable_through=_last_day(state.expires_at, zone),
            is_test=state.is_test,
            account_id=state.account_id,
            recharge_no=state.recharge_no,
            method_no=state.method_no,
        )

    @resolved("What paid, or will pay.")
    async def payment_method(self, info: Info) -> PaymentMethod | None:
        return await find_method(info.context, self.account_id, self.method_no)

    @resolved("The recharge that it is about.")
    async def recharge(self, info: Info) -> Annotated["Recharge", strawberry.lazy("schema.recharges")] | None:
        found: Recharge | None = await find(info.context, "rchg", self.account_id, self.recharge_no)
        return found

    @resolved("The account that bought.")
    async def account(self, info: Info) -> Annotated["Account", strawberry.lazy("schema.accounts")] | None:
        found: Account | None = await find(info.context, "acct", self.account_id)
        return found

    @resolved("Where it can be printed.")
    def url(self, info: Info) -> str:
        return receipt_url(info.context, self.account_id, self.recharge_no)

    @resolved("Where it can be downloaded as PDF.")
    def pdf_url(self, info: Info) -> str:
        return receipt_url(info.context, self.account_id, self.recharge_no) + ".pdf"


def receipt_url(context: Context, account_id: int, recharge_no: int) -> str:
    """Where the document of a recharge is."""
    account, recharge = public_id("acct", account_id), public_id("rchg", account_id, recharge_no)
    return f"{context.base_url}/accounts/{account}/receipts/{recharge}"


async def find_receipt(context: Context, account_id: int, recharge_no: int) -> Receipt | None:
    """The document of a recharge; None for one that did not succeed."""
    state = await context.loaders.receipt_by_recharge.load((account_id, recharge_no))
    return None if state is None else Receipt.from_state(state, context)


def _line(context: Context, amount: Money) -> ReceiptLine:
    return ReceiptLine(description=context.language.say("Prepaid credit for telephone calls"), amount=amount)


def _returned(state: receipts.Return, zone: str, currency: str) -> ReceiptReturn:
    return ReceiptReturn(
        kind=state.kind,
        amount=Money.of(state.amount_micros, currency),
        on=local_day(state.at, zone),
        reason=state.reason,
        is_done=state.is_done,
    )


def _last_day(end: int | None, zone: str) -> date | None:
    """The day that ends at an instant, or in which it lies."""
    return None if end is None else local_day(end - 1, zone)
