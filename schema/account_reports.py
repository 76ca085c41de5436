"""What an account's calls came to: usage, the usage report as a file, and statements, as fields of the account."""

from datetime import date, datetime
from typing import Annotated

import strawberry

from credits.accounts import AccountState
from credits.usage import UsageDimension
from db.kinds import Scope
from schema.access import Needs, OfAccount
from schema.context import Info
from schema.fields import query
from schema.paging import After, Before, Connection, First, window
from schema.statements import Statement, find_statement, list_statements
from schema.usage import UsageRow, list_usage
from schema.usage_report import UsageReport
from schema.users import NamedUser, find_named_users

_USUAL_GROUPS = [UsageDimension.DAY]


@strawberry.type
class AccountReports(OfAccount):
    state: strawberry.Private[AccountState]

    @query(
        Needs(Scope.READ),
        "The calls that were made, added up. Those without a rate cost nothing; of those that were reversed neither"
        " money nor a plan's minutes were used. Up to five years, and up to 10,000 rows, at a time.",
    )
    async def usage(
        self,
        info: Info,
        from_: Annotated[datetime, strawberry.argument(name="from", description="Answered at this instant or later.")],
        to: Annotated[datetime, strawberry.argument(description="Answered before this instant.")],
        group_by: Annotated[
            list[UsageDimension] | None,
            strawberry.argument(description="What to add up by, which is also how rows are ordered; nothing: one row."),
        ] = _USUAL_GROUPS,
    ) -> list[UsageRow]:
        return await list_usage(info, self.state, from_, to, _USUAL_GROUPS if group_by is None else group_by)

    @query(Needs(Scope.READ), "Its statements, month by month, the newest first.")
    async def statements(
        self, info: Info, first: First = 12, after: After = None, before: Before = None
    ) -> Connection[Statement]:
        return await list_statements(info, self.state, window(first, after, before, int))

    @query(
        Needs(Scope.READ),
        "The statement of a month; null for one before the account was opened, and for one that has not begun.",
    )
    async def statement(
        self,
        info: Info,
        month: Annotated[date, strawberry.argument(description="Any day of the month, in the account's time zone.")],
    ) -> Statement | None:
        return await find_statement(info, self.state, month)

    @query(
        Needs(Scope.READ),
        "The calls that were made as the 20-column usage report, a file that others have tools for; without times, of"
        " all calls.",
    )
    async def usage_report(
        self,
        from_: Annotated[
            datetime | None, strawberry.argument(name="from", description="Answered at this instant or later.")
        ] = None,
        to: Annotated[datetime | None, strawberry.argument(description="Answered before this instant.")] = None,
    ) -> UsageReport:
        return UsageReport(account=self.state, since=from_, until=to)

    @query(
        Needs(Scope.READ),
        "The users who go by some names, as a file may call them: by their own, in capitals or not, or by their UUID in"
        " a usage report. A name that nobody goes by is left out. Up to 1,000 names.",
    )
    async def users_named(
        self, info: Info, names: Annotated[list[str], strawberry.argument(description="The names.")]
    ) -> list[NamedUser]:
        return await find_named_users(info, self.state, names)
