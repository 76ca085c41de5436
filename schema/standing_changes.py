"""Suspending accounts, letting them be used again, and closing them. In a LIVE account that is for the operator."""

import strawberry

from credits import accounts, standing
from db.kinds import Scope
from db.session import Session
from schema.access import Needs, account_number, require_operator_or_test
from schema.account_changes import AccountPayload
from schema.accounts import find_account
from schema.context import Context, Info
from schema.fields import Input, mutation
from schema.kinds import AccountStatus


@strawberry.input(description="An account to suspend.")
class SuspendAccountInput:
    account_id: strawberry.ID = strawberry.field(description="The account.")
    reason: str = strawberry.field(description="Why, for those who ask later; its members can read it.")


@strawberry.input(description="A suspended account that may be used again.")
class ReactivateAccountInput:
    account_id: strawberry.ID = strawberry.field(description="The account.")
    reason: str = strawberry.field(description="Why, for those who ask later; its members can read it.")


@strawberry.input(description="An account to close.")
class CloseAccountInput:
    account_id: strawberry.ID = strawberry.field(description="The account.")
    name: str = strawberry.field(description="Its name, as a sign that no other one is meant.")
    reason: str = strawberry.field(description="Why, for those who ask later; its members can read it.")


@strawberry.type
class StandingMutations:
    @mutation(
        Needs(Scope.ADMIN),
        "Suspends an account: no call starts that needs credit, and it does not recharge itself. Finished calls are"
        " still charged, and funds can be bought. Of one that is suspended already nothing changes. In a LIVE account"
        " for the operator.",
    )
    async def suspend_account(self, info: Info, input: Input[SuspendAccountInput]) -> AccountPayload:
        return await _changed(info.context, input.account_id, AccountStatus.SUSPENDED, input.reason)

    @mutation(
        Needs(Scope.ADMIN),
        "Lets a suspended account be used again. Of one that can be used already nothing changes. In a LIVE account for"
        " the operator.",
    )
    async def reactivate_account(self, info: Info, input: Input[ReactivateAccountInput]) -> AccountPayload:
        return await _changed(info.context, input.account_id, AccountStatus.ACTIVE, input.reason)

    @mutation(
        Needs(Scope.ADMIN),
        "Closes an account, for good: it can only be read from then on. Calls in progress are settled still, and what"
        " they hold is given back; what else it holds cannot be spent or refunded any more, and is forfeited when its"
        " time is over. Invitations to it are withdrawn. In a LIVE account for the operator.",
    )
    async def close_account(self, info: Info, input: Input[CloseAccountInput]) -> AccountPayload:
        context, account_id = info.context, account_number(input.account_id)
        await context.write(_close, context, account_id, input.name, input.reason)
        return AccountPayload(account=await find_account(context, account_id))


async def _changed(context: Context, account: str, status: AccountStatus, reason: str) -> AccountPayload:
    account_id = account_number(account)
    await context.write(_change, context, account_id, status, reason)
    return AccountPayload(account=await find_account(context, account_id))


def _change(session: Session, context: Context, account_id: int, status: AccountStatus, reason: str) -> None:
    require_operator_or_test(context, accounts.look_up(session, account_id))
    standing.set_status(
        session, account_id=account_id, status=status.value, reason=standing.given(reason), now=context.now
    )


def _close(session: Session, context: Context, account_id: int, name: str, reason: str) -> None:
    require_operator_or_test(context, accounts.look_up(session, account_id))
    standing.close_account(session, account_id=account_id, name=name, reason=reason, now=context.now)
