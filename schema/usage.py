"""Usage of an account: its calls added up, by whatever a client wants to see them by."""

from datetime import date, datetime
from decimal import Decimal
from typing import Self

import strawberry

from credits.accounts import AccountState
from credits.instants import instant
from credits.usage import Usage, UsageDimension, usage_of
from schema.context import Info
from schema.fields import resolved
from schema.kinds import Service, describe
from schema.money import Money
from schema.users import User, find_user

describe(
    UsageDimension,
    "What calls are added up by.",
    DAY="The calendar day, in the account's time zone, on which they were answered.",
    MONTH="The calendar month, in the account's time zone, in which they were answered.",
    SERVICE="What is charged.",
    COUNTRY="The country they went to.",
    DESTINATION="Where they went, in the words of their rates.",
    USER="The user who made them.",
    DEPARTMENT="The department that their user is in now.",
)
_SECONDS_A_MINUTE = 60
# Fine enough to give the seconds back.
_MINUTES = Decimal("0.0001")


@strawberry.type(
    description="Calls that have in common what they were grouped by; what they were not grouped by is null."
)
class UsageRow:
    day: date | None = strawberry.field(description="The day, in the account's time zone.")
    month: date | None = strawberry.field(description="The first day of the month, in the account's time zone.")
    service: Service | None = strawberry.field(description="What is charged.")
    country: str | None = strawberry.field(
        description="ISO 3166-1 alpha-2; null for numbers of no country, and where no rate tells it."
    )
    destination: str | None = strawberry.field(description="In the words of the rate; null for calls without one.")
    department: str | None = strawberry.field(description="Null for users of none, and for calls without a user.")
    calls: int = strawberry.field(description="How many calls were made.")
    minutes: Decimal = strawberry.field(
        description="How long they lasted: their seconds, added up and divided by 60, to four decimals."
    )
    plan_minutes: Decimal = strawberry.field(
        description=(
            "How much of that plans paid, counted likewise. Minute pools count whole minutes, call by call, and so"
            " show more."
        )
    )
    charge: Money = strawberry.field(description="What credit paid.")
    account: strawberry.Private[AccountState]
    user_no: strawberry.Private[int | None]

    @classmethod
    def from_state(cls, state: Usage, account: AccountState) -> Self:
        """A row as the rules add it up."""
        by = state.by.get
        service = by(UsageDimension.SERVICE)
        return cls(
            day=by(UsageDimension.DAY),
            month=by(UsageDimension.MONTH),
            service=None if service is None else Service(service),
            country=by(UsageDimension.COUNTRY),
            destination=by(UsageDimension.DESTINATION),
            department=by(UsageDimension.DEPARTMENT),
            calls=state.calls,
            minutes=_minutes(state.seconds),
            plan_minutes=_minutes(state.plan_seconds),
            charge=Money.of(state.charge_micros, account.currency),
            account=account,
            user_no=by(UsageDimension.USER),
        )

    @resolved("The user who made them; null for calls without a user.")
    async def user(self, info: Info) -> User | None:
        if self.user_no is None:
            return None
        return await find_user(info.context, self.account.account_id, self.user_no)


async def list_usage(
    info: Info, account: AccountState, from_: datetime, to: datetime, group_by: list[UsageDimension]
) -> list[UsageRow]:
    """The usage of an account's calls that were answered from one instant until before another."""
    rows = await info.context.read(
        usage_of, account_id=account.account_id, from_at=instant(from_), to_at=instant(to), group_by=group_by
    )
    return [UsageRow.from_state(row, account) for row in rows]


def _minutes(seconds: int) -> Decimal:
    return (Decimal(seconds) / _SECONDS_A_MINUTE).quantize(_MINUTES)
