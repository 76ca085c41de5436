"""Minute pools: what users share, or one has, of a month's minutes, and what is left of them."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from credits.accounts import AccountState
from credits.instants import first_day
from credits.minutes import pools_of_month
from credits.pools import Pool
from db.session import Session
from schema.context import Info
from schema.fields import resolved
from schema.nodes import find
from schema.paging import Connection, Key, Window, connection, known
from schema.plans import Plan
from schema.rows import UserRow, read_rows

if TYPE_CHECKING:
    from schema.users import User


@strawberry.type(description="Minutes of a calendar month: of the users of one plan in one country, or of one user.")
class MinutePool:
    country: str | None = strawberry.field(
        description="Where its users are, ISO 3166-1 alpha-2 (US also stands for PR); null: of the whole account."
    )
    scope: str = strawberry.field(description="For which calls: DOMESTIC, INTERNATIONAL or CONFERENCE.")
    minutes_total: int = strawberry.field(description="What its licences give.")
    minutes_used: int = strawberry.field(description="What calls used, each rounded up to whole minutes.")
    minutes_promised: int = strawberry.field(description="What is held for calls in progress.")
    minutes_left: int = strawberry.field(description="What is neither used nor promised.")
    month: date = strawberry.field(description="The first day of its month, in the account's zone.")
    licenses: int = strawberry.field(description="How many licences give it its minutes.")
    pool: strawberry.Private[Pool]

    @classmethod
    def of(cls, pool: Pool) -> Self:
        """A pool as the rules know it."""
        return cls(
            country=pool.key.country or None,
            scope=pool.key.scope,
            minutes_total=pool.total_minutes,
            minutes_used=pool.used_minutes,
            minutes_promised=pool.held_minutes,
            minutes_left=pool.free_minutes,
            month=first_day(pool.key.month),
            licenses=pool.holders,
            pool=pool,
        )

    @resolved("The plan whose licences give it its minutes.")
    def plan(self) -> Plan:
        return Plan.of(self.pool.plan)

    @resolved("Whose minutes they are; null: users share them.")
    async def user(self, info: Info) -> Annotated["User", strawberry.lazy("schema.users")] | None:
        if not self.pool.key.user_no:
            return None
        found: User | None = await find(info.context, "user", self.pool.account_id, self.pool.key.user_no)
        return found


async def list_pools(info: Info, account: AccountState, month: date | None, shared: bool | None) -> list[MinutePool]:
    """The pools of a month, those that are shared first."""
    chosen = None if month is None else month.year * 12 + month.month - 1
    pools = await info.context.read(pools_of_month, account, month=chosen, now=info.context.now)
    return [MinutePool.of(pool) for pool in pools if shared is None or shared == (pool.key.user_no == 0)]


async def list_own_pools(
    info: Info, account: AccountState, month: date | None, search: str, wanted: Window
) -> Connection[MinutePool]:
    """A page of the pools of a month that are each one user's own, by the user's name."""
    chosen = None if month is None else month.year * 12 + month.month - 1
    owned = await info.context.read(_own_pools, account, chosen, search.lower(), info.context.now)
    return connection(
        wanted, wanted.cut(owned, _key), key=_key, node=lambda each: MinutePool.of(each[0]), count=known(len(owned))
    )


def _own_pools(
    session: Session, account: AccountState, month: int | None, search: str, now: int
) -> list[tuple[Pool, UserRow]]:
    pools = [pool for pool in pools_of_month(session, account, month=month, now=now) if pool.key.user_no]
    numbers = session.listed({pool.key.user_no for pool in pools})
    condition = f"account_id = ? AND {session.among('user_no')}"
    rows = read_rows(session, UserRow, "phone_user", condition, account.account_id, numbers)
    users = {row.user_no: row for row in rows if search in f"{row.name}\n{row.user_name}".lower()}
    owned = [(pool, users[pool.key.user_no]) for pool in pools if pool.key.user_no in users]
    return sorted(owned, key=_key)


def _key(owned: tuple[Pool, UserRow]) -> Key:
    pool, user = owned
    return user.name, user.user_no, pool.key.plan_id, pool.key.scope, pool.key.country
