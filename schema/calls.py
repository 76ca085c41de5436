"""Calls: what was reported, and what each cost."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Self

import strawberry

from credits.accounts import AccountState
from credits.call_states import CallState
from credits.ids import public_id
from credits.instants import instant, moment
from credits.searching import like
from db.kinds import Scope
from schema.access import Needs
from schema.context import Context, Info
from schema.fields import query, resolved
from schema.kinds import CallStatus, RefusalReason, Service
from schema.ledger import LedgerEntry
from schema.money import Money
from schema.nodes import Node, find, found_by
from schema.paging import Connection, Window, asks_for_items, connection, counting, known
from schema.rows import RateRow, read_rows

if TYPE_CHECKING:
    from schema.rates import Rate
    from schema.users import User

# States that few calls are in, each with an index of its own; and those with one in order of answer.
_RARE = (CallStatus.AUTHORIZED, CallStatus.UNRATED)
_WITH_OWN_INDEX = (*_RARE, CallStatus.REFUSED, CallStatus.RELEASED, CallStatus.EXPIRED)
_BOUNDS = "answered_at >= ?", "answered_at < ?"
# The same to PostgreSQL. SQLite takes NOT for no bound: two of them lead it to the index over the answers of all calls.
_BOUNDS_WITHIN_A_STATE = "NOT answered_at < ?", "NOT answered_at >= ?"
_NUMBER = re.compile(r"\+?[0-9][0-9 ().\-/]*")


@strawberry.type(description="A call that a switch told of.")
class Call(Node):
    call_id: str = strawberry.field(description="The switch's own id of it, unique within the account.")
    service: Service = strawberry.field(description="What is charged.")
    status: CallStatus = strawberry.field(description="What became of it.")
    from_: str | None = strawberry.field(name="from", description="Who called, as the switch told it.")
    to: str = strawberry.field(description="Who was called: E.164 with +, or an emergency number as dialled.")
    asked_at: datetime | None = strawberry.field(
        description="When it was authorized or refused; null for one that was only recorded."
    )
    max_duration_seconds: int | None = strawberry.field(
        description="For how long it was authorized, counted from its answer; null for one that never was."
    )
    lapses_at: datetime | None = strawberry.field(
        description="While it is in progress: when what it holds is given back, unless something is heard of it."
    )
    held: Money = strawberry.field(description="What it holds of the balance while it is in progress.")
    held_minutes: int = strawberry.field(description="How many minutes of a plan it holds while it is in progress.")
    started_at: datetime | None = strawberry.field(description="When it was answered; null until that is known.")
    duration_seconds: int | None = strawberry.field(
        description="How long it lasted from the answer on; null until it is over."
    )
    billed_seconds: int | None = strawberry.field(
        description="How many seconds were sold on credit, in whole steps; null until it is over."
    )
    plan_seconds: int | None = strawberry.field(
        description="How many of its seconds a plan's minutes paid; null until it is over."
    )
    reversed_at: datetime | None = strawberry.field(description="When its charge was taken back, if it was.")
    charge: Money = strawberry.field(description="What it cost.")
    refusal: RefusalReason | None = strawberry.field(description="Why it was refused, or could not be priced.")
    row: strawberry.Private[CallState]

    @classmethod
    def from_row(cls, row: CallState, account: AccountState) -> Self:
        """A call of an account."""
        return cls(
            id=strawberry.ID(public_id("call", row.account_id, row.call_no)),
            call_id=row.call_id,
            service=Service(row.service),
            status=CallStatus(row.status),
            from_=row.from_number,
            to=row.to_number,
            asked_at=_moment(row.authorized_at),
            max_duration_seconds=row.granted_seconds,
            lapses_at=_moment(row.lapses_at),
            held=Money.of(row.held_micros, account.currency),
            held_minutes=row.held_minutes,
            started_at=moment(row.answered_at) if row.is_over else None,
            duration_seconds=row.duration_seconds if row.is_over else None,
            billed_seconds=row.billed_seconds if row.is_over else None,
            plan_seconds=row.plan_seconds if row.is_over else None,
            reversed_at=_moment(row.reversed_at),
            charge=Money.of(row.charge_micros, account.currency),
            refusal=None if row.refusal is None else RefusalReason(row.refusal),
            row=row,
        )

    @resolved("Where it went, in the words of its rate.")
    async def destination(self, info: Info) -> str | None:
        rate = await self._rate_row(info)
        return None if rate is None else rate.destination

    @resolved("The country it went to, ISO 3166-1 alpha-2.")
    async def country(self, info: Info) -> str | None:
        if self.row.country is not None:
            return self.row.country
        rate = await self._rate_row(info)
        return None if rate is None else rate.country

    @resolved("The user who made it, where the switch told of one; still there when the user was removed.")
    async def user(self, info: Info) -> Annotated["User", strawberry.lazy("schema.users")] | None:
        if self.row.user_no is None:
            return None
        found: User | None = await find(info.context, "user", self.row.account_id, self.row.user_no)
        return found

    @resolved("The rate that priced it.")
    async def rate(self, info: Info) -> Annotated["Rate", strawberry.lazy("schema.rates")] | None:
        if self.row.deck_id is None or self.row.rate_no is None:
            return None
        found: Rate | None = await find(info.context, "rate", self.row.deck_id, self.row.rate_no)
        return found

    @resolved("How its price came about and what paid for it, step by step, for a person.")
    async def explanation(self, info: Info) -> list[str]:
        steps = await info.context.loaders.explanation_by_call.load((self.row.account_id, self.row.call_no))
        return info.context.language.say_all(steps)

    @query(Needs(Scope.READ), "What it moved in the ledger, in order: its charge, and what was taken back of it.")
    async def entries(self, info: Info) -> list[LedgerEntry]:
        account_id = self.row.account_id
        account = await info.context.loaders.accounts_by_key.load((account_id,))
        rows = await info.context.loaders.entries_by_call.load((account_id, self.row.call_no))
        assert account is not None, "a call is an account's"
        return [LedgerEntry.from_row(row, account) for row in rows]

    async def _rate_row(self, info: Info) -> RateRow | None:
        if self.row.deck_id is None or self.row.rate_no is None:
            return None
        return await info.context.loaders.rates_by_key.load((self.row.deck_id, self.row.rate_no))


def _moment(at: int | None) -> datetime | None:
    return None if at is None else moment(at)


@found_by("call")
async def find_call(context: Context, account_id: int, call_no: int) -> Call | None:
    """A call by its numbers."""
    account = await context.loaders.accounts_by_key.load((account_id,))
    row = await context.loaders.calls_by_key.load((account_id, call_no))
    return None if row is None or account is None else Call.from_row(row, account)


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls of an account are wanted: by status, time of answer, and a number or call id."""

    status: CallStatus | None
    since: datetime | None
    until: datetime | None
    search: str

    @property
    def finds_all(self) -> bool:
        """Nothing is left out."""
        return self.status is None and self.since is None and self.until is None and not self.search

    def sql(self, account_id: int) -> tuple[str, list[Any]]:
        """The condition, and its parameters."""
        condition, parameters = "account_id = ?", list[Any]([account_id])
        if self.status is not None:
            condition += f" AND status = '{self.status.value}'"  # said outright: so an index over one state can serve
        since, until = _BOUNDS_WITHIN_A_STATE if self.status in _WITH_OWN_INDEX else _BOUNDS
        if self.since is not None:
            condition += f" AND {since}"
            parameters.append(instant(self.since))
        if self.until is not None:
            condition += f" AND {until}"
            parameters.append(instant(self.until))
        if self.search:
            digits = re.sub(r"\D", "", self.search) if _NUMBER.fullmatch(self.search) else self.search
            condition += (
                " AND (call_id = ? OR lower(call_id) LIKE ? ESCAPE '\\' OR to_number LIKE ? ESCAPE '\\'"
                " OR from_number LIKE ? ESCAPE '\\')"
            )
            parameters += [self.search, like(self.search), like(digits), like(digits)]
        return condition, parameters


async def list_calls(info: Info, account: AccountState, asked: CallFilter, wanted: Window) -> Connection[Call]:
    """A page of an account's calls, the one answered last first, or asked for last where none has answered."""
    condition, parameters = asked.sql(account.account_id)
    # Of a rare state all are read and sorted, which the sum asks for: in order of answer, every other call would be.
    answered = "(answered_at + 0)" if asked.status in _RARE else "answered_at"
    page, key = wanted.sql([answered, "call_no"], descending=True)
    rows = None
    if asks_for_items(info):
        rows = await info.context.read(read_rows, CallState, "call", condition + page, *parameters, *key)
    return connection(
        wanted,
        rows,
        key=lambda row: (row.answered_at, row.call_no),
        node=lambda row: Call.from_row(row, account),
        count=known(account.call_count) if asked.finds_all else counting(info, "call", condition, parameters),
    )
