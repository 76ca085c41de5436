"""What an account holds: its balance now, and how it came to be day by day."""

from datetime import date, datetime
from functools import lru_cache
from typing import Annotated, Self

import strawberry

from credits import balances
from credits.accounts import AccountState
from credits.history import BalanceDay as DayState
from credits.instants import moment
from schema.context import Info
from schema.fields import resolved
from schema.money import Money

_USUAL_DAYS = 30
# A day that is over stays as it was, and pages show months of them.
_REMEMBERED_DAYS = 10_000


@strawberry.type(description="What an account can spend, at the account's present instant.")
class Balance:
    current: Money = strawberry.field(
        description="What the usable lots still hold, less what is owed; negative when more was spent than there was."
    )
    reserved: Money = strawberry.field(description="Held for calls in progress.")
    available: Money = strawberry.field(description="`current` less `reserved`: what a new call can spend.")
    owed: Money = strawberry.field(description="Overspent and not yet repaid; the next usable lot repays it first.")
    next_expiry: datetime | None = strawberry.field(description="When the next of the usable lots expires.")
    calls_allowed: bool = strawberry.field(
        description="False while `available` is zero or less: calls that need credit are refused."
    )
    account: strawberry.Private[AccountState]

    @classmethod
    def from_state(cls, state: balances.Balance, account: AccountState) -> Self:
        """A balance as the rules compute it."""
        expiry = state.next_expiry_at
        return cls(
            current=Money.of(state.current_micros, state.currency),
            reserved=Money.of(state.reserved_micros, state.currency),
            available=Money.of(state.available_micros, state.currency),
            owed=Money.of(state.owed_micros, state.currency),
            next_expiry=None if expiry is None else moment(expiry),
            calls_allowed=state.calls_allowed,
            account=account,
        )

    @resolved("What the usable lots hold that expires soon.")
    async def expiring(
        self,
        info: Info,
        within_days: Annotated[
            int | None, strawberry.argument(description="How soon: within so many days, 0 to 36,500.")
        ] = _USUAL_DAYS,
    ) -> Money:
        days = _USUAL_DAYS if within_days is None else within_days
        account_id = self.account.account_id
        micros = await info.context.read(balances.expiring_micros, account_id, days, info.context.now)
        return Money.of(micros, self.account.currency)


@strawberry.type(description="One calendar day of an account, in its time zone.")
class BalanceDay:
    day: date = strawberry.field(description="The day.")
    closing: Money = strawberry.field(description="The book balance at the day's end; today's: at present.")
    charged: Money = strawberry.field(description="What calls cost that were posted on this day.")

    @classmethod
    @lru_cache(maxsize=_REMEMBERED_DAYS)
    def from_state(cls, state: DayState, currency: str) -> Self:
        """A day as the history computes it."""
        closing, charged = Money.of(state.closing_micros, currency), Money.of(state.charged_micros, currency)
        return cls(day=state.day, closing=closing, charged=charged)
