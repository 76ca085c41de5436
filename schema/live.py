"""Watching: what an account can spend, now and on each change."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry

from db.kinds import Scope
from schema.access import Needs, account_number, no_such_account
from schema.balances import Balance
from schema.context import Context, Info
from schema.fields import subscription
from schema.watching import Watch

# How often whoever watches is asked again whether they may.
ASKED_AGAIN_SECONDS = 1.0
# After so many times without a sign of change the answer is computed again: what soon expires grows with time alone.
_COMPUTED_AGAIN = 60
_NEEDS = Needs(Scope.READ, Scope.CALLS, Scope.FUNDS)


@strawberry.type(
    description="Watching, over WebSocket (graphql-transport-ws) or server-sent events (graphql-sse). An answer that"
    " says what the one before it said is not sent; a slow reader gets the latest."
)
class Subscription:
    @subscription(_NEEDS, "What an account can spend: now, and on each change, whoever made it, be it time alone.")
    async def balance(
        self, info: Info, account_id: Annotated[strawberry.ID, strawberry.argument(description="The account.")]
    ) -> AsyncGenerator[Balance, None]:
        return _balances(info.context, account_id)


async def _balances(context: Context, account: str) -> AsyncGenerator[Balance, None]:
    account_id = account_number(account)
    with context.watching.watch(account_id) as watch:
        while True:
            yield await _balance(context, account_id)
            await _until_changed(context, account, watch)


async def _until_changed(context: Context, account: str, watch: Watch) -> None:
    """Wait until there may be something to say; whoever may not hear it any more is refused."""
    for _ in range(_COMPUTED_AGAIN):
        changed = await watch.changed(ASKED_AGAIN_SECONDS)
        context.renew()
        _NEEDS.admit(context, account)
        if changed:
            return


async def _balance(context: Context, account_id: int) -> Balance:
    loaders = context.loaders
    state, balance = await asyncio.gather(
        loaders.accounts_by_key.load((account_id,)), loaders.balance_by_account.load(account_id)
    )
    if state is None or balance is None:
        raise no_such_account()
    return Balance.from_state(balance, state)
