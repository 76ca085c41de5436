"""Putting calls right afterwards: taking a charge back, and pricing what had no rate when it came."""

import strawberry

from credits import corrections
from credits.accounts import look_up
from db.kinds import Scope
from schema.access import Needs, account_number, require_operator_or_test
from schema.authorizing import CallPayload
from schema.calls import Call, find_call
from schema.context import Info
from schema.fields import Input, mutation
from schema.refusals import UserError


@strawberry.input(description="A call whose charge is to be taken back.")
class ReverseCallInput:
    account_id: strawberry.ID = strawberry.field(description="The account that paid.")
    call_id: str = strawberry.field(description="The switch's own id of the call.")
    reason: str = strawberry.field(description="Why; it stands in the ledger.")


@strawberry.input(description="Calls that had no rate, to be priced by what counts now for when they were answered.")
class RateCallsInput:
    account_id: strawberry.ID = strawberry.field(description="The account that pays.")
    call_ids: list[str] | None = strawberry.field(
        default=None,
        description="The switch's own ids; left out: those that have waited longest. Up to 1,000 are tried at a time;"
        " ask again until `stillUnrated` is 0 or no `calls` come.",
    )


@strawberry.type(description="What came of pricing calls later.")
class RateCallsPayload:
    calls: list[Call] = strawberry.field(
        default_factory=list, description="Those that now have a price, and are charged."
    )
    still_unrated: int = strawberry.field(default=0, description="How many of the account's calls still have no rate.")
    errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done; else empty.")


@strawberry.type
class CorrectionMutations:
    @mutation(
        Needs(Scope.FUNDS),
        "Takes back what a call was charged: its funds return to the lots that paid, its minutes to their pool. Where a"
        " lot's time is over meanwhile, an entry says that they were forfeited. For the operator; in a TEST account for"
        " whoever may use its funds. Asked again, nothing more happens.",
    )
    async def reverse_call(self, info: Info, input: Input[ReverseCallInput]) -> CallPayload:
        context, account_id = info.context, account_number(input.account_id)
        require_operator_or_test(context, await context.read(look_up, account_id))
        call_no = await context.write(
            corrections.reverse_call,
            rates=context.rates,
            account_id=account_id,
            call_id=input.call_id,
            reason=input.reason,
            now=context.now,
            terms=context.terms,
        )
        return CallPayload(call=await find_call(context, account_id, call_no), account_id=account_id)

    @mutation(
        Needs(Scope.CALLS),
        "Prices calls that had no rate when they came, and charges them like calls that are reported late.",
    )
    async def rate_calls(self, info: Info, input: Input[RateCallsInput]) -> RateCallsPayload:
        context, account_id = info.context, account_number(input.account_id)
        rated = await context.write(
            corrections.rate_later,
            rates=context.rates,
            account_id=account_id,
            call_ids=input.call_ids,
            now=context.now,
            terms=context.terms,
        )
        account = await context.read(look_up, account_id)
        left = await context.read(corrections.count_unrated, account_id)
        return RateCallsPayload(calls=[Call.from_row(call, account) for call in rated], still_unrated=left)
