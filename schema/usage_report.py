"""The usage report through the API: where it can be downloaded, or part by part."""

from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

import strawberry

from credits.accounts import AccountState
from credits.ids import public_id
from credits.instants import instant
from credits.usage_report import name_of_report, report_part, time_of_calls
from schema.context import Info
from schema.fields import resolved
from schema.paging import After, read_cursor, write_cursor
from schema.scalars import write_moment

_USUAL_CALLS = 5_000
_ALWAYS = (-(2**62), 2**62)


@strawberry.type(description="Lines of a usage report.")
class UsageReportPart:
    csv: str = strawberry.field(
        description="CSV as in RFC 4180. The first part begins with the names of the columns; all parts, one after the"
        " other, are the file."
    )
    calls: int = strawberry.field(description="How many calls it tells of.")
    end_cursor: str | None = strawberry.field(
        description="Pass it as `after` to get the next part; null: this was the last."
    )


@strawberry.type(
    description=(
        "The calls that were made in 20 columns, in order of their answers; times are in UTC. What each column holds"
        " stands in docs/commands.md."
    )
)
class UsageReport:
    account: strawberry.Private[AccountState]
    since: strawberry.Private[datetime | None]
    until: strawberry.Private[datetime | None]

    @resolved("What the file is called, by its first and its last day in the account's time zone.")
    async def file_name(self, info: Info) -> str:
        first, last = await info.context.read(time_of_calls, self.account.account_id)
        from_at, to_at = self._time((first, last))
        return name_of_report(from_at, to_at, self.account.time_zone)

    @resolved("Where it can be downloaded, by a person who has signed in or a program with its token.")
    def url(self, info: Info) -> str:
        return self._url(info, "csv")

    @resolved("Where it can be downloaded, in a zip archive.")
    def zip_url(self, info: Info) -> str:
        return self._url(info, "zip")

    @resolved("A part of it.")
    async def part(
        self,
        info: Info,
        first: Annotated[
            int | None, strawberry.argument(description="How many calls at most, 1 to 10,000.")
        ] = _USUAL_CALLS,
        after: After = None,
    ) -> UsageReportPart:
        from_at, to_at = self._time(_ALWAYS)
        place = None if after is None else read_cursor(after, (int, int), "after")
        part = await info.context.read(
            report_part,
            account_id=self.account.account_id,
            from_at=from_at,
            to_at=to_at,
            after=None if place is None else (place[0], place[1]),
            most=_USUAL_CALLS if first is None else first,
        )
        end = None if part.after is None else write_cursor(part.after)
        return UsageReportPart(csv=part.csv, calls=part.calls, end_cursor=end)

    def _time(self, otherwise: tuple[int, int]) -> tuple[int, int]:
        """From when until before when."""
        return (
            otherwise[0] if self.since is None else instant(self.since),
            otherwise[1] if self.until is None else instant(self.until),
        )

    def _url(self, info: Info, kind: str) -> str:
        edges = {"from": self.since, "to": self.until}
        asked = urlencode({name: write_moment(at) for name, at in edges.items() if at is not None})
        account = public_id("acct", self.account.account_id)
        return f"{info.context.base_url}/accounts/{account}/calls/report.{kind}" + (f"?{asked}" if asked else "")
