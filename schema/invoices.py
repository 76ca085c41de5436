"""Open invoices: those of all accounts that wait for their money, and the operator's mark that it came."""

import strawberry

from credits import receipts
from credits.ids import read_id_within
from credits.receipts import OPEN_INVOICE
from db.kinds import Scope
from schema.access import Needs, account_number
from schema.context import Info
from schema.fields import Input, mutation, query
from schema.nodes import find
from schema.paging import After, Before, Connection, First, Window, connection, counting, window
from schema.receipts import Receipt
from schema.recharges import RechargePayload, find_recharge
from schema.rows import RechargeRow, read_rows


async def list_open_invoices(info: Info, wanted: Window) -> Connection[Receipt]:
    """A page of the invoices that wait for their money, whoever owes it; what is due soonest comes first."""
    context = info.context
    page, key = wanted.sql(["invoice_due_at", "account_id", "recharge_no"])
    rows = await context.read(read_rows, RechargeRow, "recharge", OPEN_INVOICE + page, *key)
    keys = [(row.account_id, row.recharge_no) for row in rows]
    found = await context.loaders.receipt_by_recharge.load_many(keys)
    documents = [state for state in found if state is not None]
    return connection(
        wanted,
        documents,
        key=lambda state: (state.due_at, state.account_id, state.recharge_no),
        node=lambda state: Receipt.from_state(state, context),
        count=counting(info, "recharge", OPEN_INVOICE, []),
    )


@strawberry.input(description="An invoice that was paid.")
class MarkInvoicePaidInput:
    account_id: strawberry.ID = strawberry.field(description="The account that bought.")
    recharge_id: strawberry.ID = strawberry.field(description="The recharge whose invoice was paid.")
    reference: str = strawberry.field(
        description="What finds the payment again: a bank's reference, a cheque's number."
    )


@strawberry.type
class InvoiceQueries:
    @query(
        Needs(Scope.FUNDS, operator=True),
        "The invoices that are neither paid nor refunded in full, of all accounts; what is due soonest comes first.",
    )
    async def open_invoices(
        self, info: Info, first: First = 20, after: After = None, before: Before = None
    ) -> Connection[Receipt]:
        return await list_open_invoices(info, window(first, after, before, int, int, int))


@strawberry.type
class InvoiceMutations:
    @mutation(
        Needs(Scope.FUNDS, operator=True),
        "Closes an open invoice. The same reference again changes nothing; another one is refused.",
    )
    async def mark_invoice_paid(self, info: Info, input: Input[MarkInvoicePaidInput]) -> RechargePayload:
        context, account_id = info.context, account_number(input.account_id)
        recharge_no = read_id_within("rchg", account_id, input.recharge_id, "rechargeId")
        await context.write(
            receipts.mark_invoice_paid,
            account_id=account_id,
            recharge_no=recharge_no,
            reference=input.reference,
            now=context.now,
        )
        return RechargePayload(
            recharge=await find_recharge(context, account_id, recharge_no),
            account=await find(context, "acct", account_id),
        )
