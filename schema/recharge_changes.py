"""What may be done about a recharge that is underway: asking again, confirming it, giving it up."""

from collections.abc import Callable

import strawberry

from credits import recharging
from credits.ids import read_id_within
from db.kinds import Scope
from schema.access import Needs, account_number
from schema.context import Context, Info
from schema.fields import Input, mutation
from schema.nodes import find
from schema.recharges import RechargePayload, find_recharge, known_recharge


@strawberry.input(description="One of an account's recharges.")
class RechargeRefInput:
    account_id: strawberry.ID = strawberry.field(description="The account.")
    recharge_id: strawberry.ID = strawberry.field(description="The recharge.")


@strawberry.type
class RechargeChanges:
    @mutation(
        Needs(Scope.FUNDS),
        "Asks the payment provider how a recharge stands. What was paid arrives without that, too, only later.",
        unrecorded="It changes nothing that the provider's own word would not change; the recharge is on record.",
    )
    async def check_recharge(self, info: Info, input: Input[RechargeRefInput]) -> RechargePayload:
        return await _about(info.context, input, recharging.hear)

    @mutation(
        Needs(Scope.FUNDS),
        "For a recharge in ACTION_REQUIRED: `actionUrl` is then a page of the bank on which its owner confirms it.",
    )
    async def confirm_recharge(self, info: Info, input: Input[RechargeRefInput]) -> RechargePayload:
        return await _about(info.context, input, recharging.confirm)

    @mutation(
        Needs(Scope.FUNDS),
        "Gives up a recharge that is not paid yet. If it turns out to have been paid, the funds arrive all the same.",
    )
    async def cancel_recharge(self, info: Info, input: Input[RechargeRefInput]) -> RechargePayload:
        return await _about(info.context, input, recharging.cancel_recharge)


async def _about(context: Context, asked: RechargeRefInput, verb: Callable[..., None]) -> RechargePayload:
    account_id = account_number(asked.account_id)
    recharge_no = read_id_within("rchg", account_id, asked.recharge_id, "rechargeId")
    await known_recharge(context, account_id, recharge_no)
    await context.work(
        verb, context.database, context.providers,
        account_id=account_id, recharge_no=recharge_no, now=context.now, terms=context.terms,
    )  # fmt: skip
    return RechargePayload(
        recharge=await find_recharge(context, account_id, recharge_no), account=await find(context, "acct", account_id)
    )
