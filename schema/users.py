"""Users: who makes calls, with their licences, and what they spent."""

import asyncio
from datetime import datetime
from typing import Any, Self

import strawberry

from credits.accounts import AccountState, account_now
from credits.callers import users_named
from credits.ids import public_id
from credits.instants import moment, month_of
from credits.minutes import opened_by
from credits.refusals import Code, Refusal
from credits.searching import like
from schema.context import Context, Info
from schema.fields import resolved
from schema.kinds import ConferenceDialOut, UserDialOut
from schema.minute_pools import MinutePool
from schema.money import Money
from schema.nodes import Node, found_by
from schema.paging import Connection, Window, connection, counting
from schema.plans import Plan, find_plan
from schema.rows import LicenseRow, UserRow, read_rows

MOST_NAMES = 1_000


@strawberry.type(description="A plan that a user holds.")
class License:
    assigned_at: datetime = strawberry.field(
        description="Since when; it counts for the whole month in which it was assigned."
    )
    row: strawberry.Private[LicenseRow]

    @resolved("The plan.")
    async def plan(self, info: Info) -> Plan:
        plan = await find_plan(info.context, self.row.plan_id)
        assert plan is not None, "a plan is never deleted"
        return plan


@strawberry.type(description="A person or device that makes calls; not one who signs in.")
class User(Node):
    name: str = strawberry.field(description="What people know it by.")
    user_name: str = strawberry.field(description="What systems know it by, such as a mail address; its own.")
    country: str = strawberry.field(description="ISO 3166-1 alpha-2: where its calls are domestic.")
    department: str | None = strawberry.field(description="Where it belongs; reports can be grouped by it.")
    monthly_limit: Money | None = strawberry.field(
        description="What its calls may cost in a calendar month beside plan minutes; null: no limit."
    )
    conference_dial_out: ConferenceDialOut | None = strawberry.field(
        description="Its own policy for conferences; null: the account's counts."
    )
    user_dial_out: UserDialOut | None = strawberry.field(
        description="Its own policy for calls; null: the account's counts."
    )
    effective_conference_dial_out: ConferenceDialOut = strawberry.field(
        description="Whom its conferences may dial out to."
    )
    effective_user_dial_out: UserDialOut = strawberry.field(description="Whom it may call.")
    created_at: datetime = strawberry.field(description="When it was entered.")
    removed_at: datetime | None = strawberry.field(description="When it was removed, if it was; its calls stay.")
    row: strawberry.Private[UserRow]
    account_state: strawberry.Private[AccountState]

    @classmethod
    def from_row(cls, row: UserRow, account: AccountState) -> Self:
        """A user of an account."""
        limit = row.monthly_limit_micros
        return cls(
            id=strawberry.ID(public_id("user", row.account_id, row.user_no)),
            name=row.name,
            user_name=row.user_name,
            country=row.country,
            department=row.department,
            monthly_limit=None if limit is None else Money.of(limit, account.currency),
            conference_dial_out=ConferenceDialOut(row.conference_dial_out) if row.conference_dial_out else None,
            user_dial_out=UserDialOut(row.user_dial_out) if row.user_dial_out else None,
            effective_conference_dial_out=ConferenceDialOut(row.conference_dial_out or account.conference_dial_out),
            effective_user_dial_out=UserDialOut(row.user_dial_out or account.user_dial_out),
            created_at=moment(row.created_at),
            removed_at=None if row.removed_at is None else moment(row.removed_at),
            row=row,
            account_state=account,
        )

    @resolved("The plans that it holds.")
    async def licenses(self, info: Info) -> list[License]:
        rows = await info.context.loaders.licenses_by_user.load((self.row.account_id, self.row.user_no))
        return [License(assigned_at=moment(row.assigned_at), row=row) for row in rows if row.removed_at is None]

    @resolved("What its calls cost in the present calendar month of the account, beside plan minutes.")
    async def spent_this_month(self, info: Info) -> Money:
        account = self.account_state
        month = month_of(account_now(account, info.context.now), account.time_zone)
        row = await info.context.loaders.spent_by_month.load((self.row.account_id, self.row.user_no, month))
        return Money.of(0 if row is None else row.spent_micros, account.currency)

    @resolved("The pools of the present month whose minutes pay first for its calls, by the licences that it holds.")
    async def minute_pools(self, info: Info) -> list[MinutePool]:
        account, row = self.account_state, self.row
        month = month_of(account_now(account, info.context.now), account.time_zone)
        plans = [(await license_.plan(info)).plan for license_ in await self.licenses(info)]
        opened = opened_by(plans, country=row.country, user_no=row.user_no, month=month)
        pools = await info.context.loaders.pools_by_account.load(row.account_id)
        return [MinutePool.of(pool) for pool in pools if pool.key in opened]


@strawberry.type(description="A user whom a file names.")
class NamedUser:
    name: str = strawberry.field(description="The name that was asked for.")
    user: User = strawberry.field(description="Who goes by it.")


@found_by("user")
async def find_user(context: Context, account_id: int, user_no: int) -> User | None:
    """A user by its numbers; one that was removed can still be found, for the calls it made."""
    account = await context.loaders.accounts_by_key.load((account_id,))
    row = await context.loaders.users_by_key.load((account_id, user_no))
    return None if row is None or account is None else User.from_row(row, account)


async def list_users(
    info: Info, account: AccountState, search: str, plan_code: str | None, wanted: Window
) -> Connection[User]:
    """A page of an account's users, by name; without those that were removed."""
    condition, parameters = "account_id = ? AND removed_at IS NULL", list[Any]([account.account_id])
    if search:
        condition += (
            " AND (lower(name) LIKE ? ESCAPE '\\' OR lower(user_name) LIKE ? ESCAPE '\\'"
            " OR lower(department) LIKE ? ESCAPE '\\')"
        )
        parameters += [like(search)] * 3
    if plan_code is not None:
        condition += (
            " AND EXISTS (SELECT 1 FROM license JOIN plan ON plan.plan_id = license.plan_id"
            " WHERE license.account_id = phone_user.account_id AND license.user_no = phone_user.user_no"
            " AND license.removed_at IS NULL AND plan.code = ?)"
        )
        parameters.append(plan_code)
    page, key = wanted.sql(["name", "user_no"])
    rows = await info.context.read(read_rows, UserRow, "phone_user", condition + page, *parameters, *key)
    return connection(
        wanted,
        rows,
        key=lambda row: (row.name, row.user_no),
        node=lambda row: User.from_row(row, account),
        count=counting(info, "phone_user", condition, parameters),
    )


async def find_named_users(info: Info, account: AccountState, names: list[str]) -> list[NamedUser]:
    """The users of an account who go by some names."""
    if len(names) > MOST_NAMES:
        raise Refusal(Code.LIMIT_EXCEEDED, "Ask for up to {most} names at a time.", field=("names",), most=MOST_NAMES)
    found = await info.context.read(users_named, account.account_id, names)
    known = [(name, found[name.lower()].user_no) for name in names if name.lower() in found]
    users = await asyncio.gather(*(find_user(info.context, account.account_id, user_no) for _, user_no in known))
    return [NamedUser(name=name, user=user) for (name, _), user in zip(known, users, strict=True) if user is not None]
