"""Giving money of a recharge back."""

from decimal import Decimal

import strawberry

from credits import refunds
from credits.accounts import look_up
from credits.ids import read_id_within
from credits.money import micros_of
from db.kinds import Scope
from schema.access import Needs, account_number, require_operator_or_test
from schema.context import Info
from schema.fields import Input, mutation
from schema.nodes import find
from schema.recharges import RechargePayload, find_recharge


@strawberry.input(description="Money of a recharge to give back.")
class RefundRechargeInput:
    account_id: strawberry.ID = strawberry.field(description="The account.")
    recharge_id: strawberry.ID = strawberry.field(description="The recharge.")
    amount: Decimal | None = strawberry.field(
        description="How much, in the currency's coins; at most the recharge's `refundable`. Left out: all of that."
    )
    reason: str = strawberry.field(description="Why; it is shown in the ledger and on the receipt.")
    idempotency_key: str = strawberry.field(description="The same key with the same values gives back once.")


@strawberry.type
class RefundMutations:
    @mutation(
        Needs(Scope.FUNDS),
        "Gives back, at most, what the recharge's own lot still holds. The funds leave the lot at once; if the money"
        " does not go back after all, they return. In a LIVE account the operator alone may.",
    )
    async def refund_recharge(self, info: Info, input: Input[RefundRechargeInput]) -> RechargePayload:
        context, account_id = info.context, account_number(input.account_id)
        require_operator_or_test(context, await context.read(look_up, account_id))
        recharge_no = read_id_within("rchg", account_id, input.recharge_id, "rechargeId")
        await context.work(
            refunds.refund_recharge,
            context.database,
            context.providers,
            account_id=account_id,
            recharge_no=recharge_no,
            amount_micros=None if input.amount is None else micros_of(input.amount),
            reason=input.reason,
            idempotency_key=input.idempotency_key,
            now=context.now,
            terms=context.terms,
        )
        return RechargePayload(
            recharge=await find_recharge(context, account_id, recharge_no),
            account=await find(context, "acct", account_id),
        )
