"""How an account pays: its cards and agreements, adding, preferring and removing them."""

from datetime import date
from typing import Self

import strawberry

from credits import payment_methods
from credits.ids import public_id, read_id_within
from credits.language import Language
from credits.methods import method_label
from db.kinds import Scope
from db.session import Session
from schema.access import Needs, account_number
from schema.context import Context, Info
from schema.fields import Input, mutation
from schema.kinds import PaymentMethodKind
from schema.nodes import Node, found_by
from schema.refusals import UserError
from schema.rows import MethodRow


@strawberry.type(description="A way to pay: a card, or an agreement to be invoiced.")
class PaymentMethod(Node):
    kind: PaymentMethodKind = strawberry.field(description="Card or invoice.")
    label: str = strawberry.field(description='What a person knows it by: "Visa •••• 4242, 12/27".')
    is_default: bool = strawberry.field(description="It is used when none is named.")
    expires_on: date | None = strawberry.field(description="The last day of a card's life.")

    @classmethod
    def from_row(cls, row: MethodRow, language: Language) -> Self:
        """A payment method, labelled in a language."""
        return cls(
            id=strawberry.ID(public_id("pm", row.account_id, row.method_no)),
            kind=PaymentMethodKind(row.kind),
            label=method_label(
                language,
                kind=row.kind,
                brand=row.brand,
                last_four=row.last_four,
                expires_on=row.expires_on,
                purchase_order=row.purchase_order,
                agreement_number=row.agreement_number,
            ),
            is_default=bool(row.is_default),
            expires_on=None if row.expires_on is None else date.fromisoformat(row.expires_on),
        )


@found_by("pm")
async def find_method(context: Context, account_id: int, method_no: int) -> PaymentMethod | None:
    """A payment method by its numbers; one that was removed can still be found, for what it paid."""
    row = await context.loaders.methods_by_key.load((account_id, method_no))
    return None if row is None else PaymentMethod.from_row(row, context.language)


async def list_methods(info: Info, account_id: int) -> list[PaymentMethod]:
    """The payment methods of an account that were not removed, in the order in which they were added."""
    rows = await info.context.loaders.methods_by_account.load((account_id,))
    return [PaymentMethod.from_row(row, info.context.language) for row in rows if row.removed_at is None]


@strawberry.input(description="A way to pay, to be added.")
class AddPaymentMethodInput:
    account_id: strawberry.ID = strawberry.field(description="For which account.")
    kind: PaymentMethodKind = strawberry.field(description="Card or invoice.")
    token: str | None = strawberry.field(
        description="CARD: the payment provider's token; a card number never comes here. A TEST account takes tok_ok,"
        " tok_declined, tok_expired_card, tok_timeout and tok_action_required."
    )
    purchase_order: str | None = strawberry.field(description="INVOICE: the purchase order that invoices name.")
    agreement_number: str | None = strawberry.field(description="INVOICE: the agreement that invoices name.")
    make_default: bool = strawberry.field(default=True, description="Use it from now on when none is named.")


@strawberry.input(description="One of an account's payment methods.")
class PaymentMethodRefInput:
    account_id: strawberry.ID = strawberry.field(description="The account.")
    payment_method_id: strawberry.ID = strawberry.field(description="The payment method.")


@strawberry.type(description="What came of changing a payment method.")
class PaymentMethodPayload:
    payment_method: PaymentMethod | None = strawberry.field(default=None, description="It, as it is now.")
    errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done; else empty.")


@strawberry.type
class PaymentMethodMutations:
    @mutation(Needs(Scope.FUNDS), "Adds a way to pay. An account's first one becomes its default.")
    async def add_payment_method(self, info: Info, input: Input[AddPaymentMethodInput]) -> PaymentMethodPayload:
        context, account_id = info.context, account_number(input.account_id)
        method_no = await context.work(
            payment_methods.add_payment_method,
            context.database,
            context.providers,
            account_id=account_id,
            kind=input.kind.value,
            token=input.token,
            purchase_order=input.purchase_order,
            agreement_number=input.agreement_number,
            make_default=input.make_default,
            now=context.now,
            terms=context.terms,
        )
        return PaymentMethodPayload(payment_method=await find_method(context, account_id, method_no))

    @mutation(Needs(Scope.FUNDS), "Makes a payment method the one that is used when none is named.")
    async def set_default_payment_method(self, info: Info, input: Input[PaymentMethodRefInput]) -> PaymentMethodPayload:
        account_id, method_no = _numbers(input)
        await info.context.write(_prefer, info.context, account_id, method_no)
        return PaymentMethodPayload(payment_method=await find_method(info.context, account_id, method_no))

    @mutation(Needs(Scope.FUNDS), "Stops using a payment method. What it paid for stays on record.")
    async def remove_payment_method(self, info: Info, input: Input[PaymentMethodRefInput]) -> PaymentMethodPayload:
        account_id, method_no = _numbers(input)
        await info.context.write(_remove, info.context, account_id, method_no)
        return PaymentMethodPayload(payment_method=await find_method(info.context, account_id, method_no))


def _numbers(asked: PaymentMethodRefInput) -> tuple[int, int]:
    account_id = account_number(asked.account_id)
    return account_id, read_id_within("pm", account_id, asked.payment_method_id, "paymentMethodId")


def _prefer(session: Session, context: Context, account_id: int, method_no: int) -> None:
    payment_methods.set_default_payment_method(
        session, account_id=account_id, method_no=method_no, now=context.now, terms=context.terms
    )


def _remove(session: Session, context: Context, account_id: int, method_no: int) -> None:
    payment_methods.remove_payment_method(
        session, account_id=account_id, method_no=method_no, now=context.now, terms=context.terms
    )
