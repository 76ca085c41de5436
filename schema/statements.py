"""Statements of an account: what each month did to its book balance."""

from datetime import date
from typing import Self

import strawberry

from credits import statements
from credits.accounts import AccountState
from credits.ids import public_id
from credits.instants import first_day
from credits.statements import StatementItem, months_of, statements_of
from schema.context import Context, Info
from schema.fields import resolved
from schema.kinds import describe
from schema.money import Money
from schema.paging import Connection, Window, connection, known

describe(
    StatementItem,
    "What moved a book balance, in the order in which a statement tells it.",
    PURCHASE="Funds bought by hand.",
    AUTO_RECHARGE="Funds bought by automatic recharge.",
    INVOICE="Funds bought on invoice.",
    GRANT="Credit that was given.",
    CALLS="What calls cost.",
    CALLS_REVERSED="What was taken back of that.",
    REFUND="Funds that went back to the payer.",
    REFUND_RETURNED="Funds that did not go back to the payer after all.",
    EXPIRY="What expired unused.",
    ADJUSTMENT="Funds that were taken back.",
)


@strawberry.type(description="Ledger entries of one kind, added up.")
class StatementLine:
    item: StatementItem = strawberry.field(description="What they are.")
    entries: int = strawberry.field(description="How many there are.")
    amount: Money = strawberry.field(description="Signed: what they did to the book balance.")

    @classmethod
    def from_state(cls, state: statements.StatementLine, currency: str) -> Self:
        """A line as the rules add it up."""
        return cls(item=state.item, entries=state.entries, amount=Money.of(state.amount_micros, currency))


@strawberry.type(description="A day of a statement on which something moved, in the account's time zone.")
class StatementDay:
    day: date = strawberry.field(description="The day.")
    lines: list[StatementLine] = strawberry.field(description="What moved, by kind.")
    closing: Money = strawberry.field(description="The book balance at the day's end; today's: at present.")

    @classmethod
    def from_state(cls, state: statements.StatementDay, currency: str) -> Self:
        """A day as the rules tell it."""
        lines = [StatementLine.from_state(line, currency) for line in state.lines]
        return cls(day=state.day, lines=lines, closing=Money.of(state.closing_micros, currency))


@strawberry.type(
    description=(
        "What a calendar month, in the account's time zone, did to its book balance: `opening` and the amounts of"
        " `lines` add up to `closing`, which is what the next month opens with. An entry is of the month in which it"
        " was posted."
    )
)
class Statement:
    month: date = strawberry.field(description="The first day of the month.")
    is_over: bool = strawberry.field(
        description="The month is over, and nothing of this will change; else `closing` is the balance at present."
    )
    opening: Money = strawberry.field(description="The book balance at the month's beginning.")
    lines: list[StatementLine] = strawberry.field(description="What moved in it, by kind.")
    closing: Money = strawberry.field(description="The book balance at the month's end.")
    account: strawberry.Private[AccountState]
    number: strawberry.Private[int]

    @classmethod
    def from_state(cls, state: statements.Statement, account: AccountState) -> Self:
        """A statement of an account."""
        currency = account.currency
        return cls(
            month=first_day(state.month),
            is_over=state.is_over,
            opening=Money.of(state.opening_micros, currency),
            lines=[StatementLine.from_state(line, currency) for line in state.lines],
            closing=Money.of(state.closing_micros, currency),
            account=account,
            number=state.month,
        )

    @resolved("The days on which something moved, the first first.")
    async def days(self, info: Info) -> list[StatementDay]:
        found = await info.context.loaders.days_by_statement.load((self.account.account_id, self.number))
        return [StatementDay.from_state(day, self.account.currency) for day in found]

    @resolved("Who keeps the account: name and address, line by line.")
    def issuer(self, info: Info) -> list[str]:
        return list(info.context.terms.seller)

    @resolved("Where it can be printed.")
    def url(self, info: Info) -> str:
        account = public_id("acct", self.account.account_id)
        return f"{info.context.base_url}/accounts/{account}/statements/{self.month:%Y-%m}"

    @resolved("Where it can be downloaded as PDF.")
    def pdf_url(self, info: Info) -> str:
        return self.url(info) + ".pdf"


async def find_statement(info: Info, account: AccountState, day: date) -> Statement | None:
    """The statement of the month that a day lies in; None before the account was opened, and after its present."""
    month = day.year * 12 + day.month - 1
    if month not in months_of(account, info.context.now):
        return None
    (found,) = await _read(info.context, account, [month])
    return found


async def list_statements(info: Info, account: AccountState, wanted: Window) -> Connection[Statement]:
    """A page of an account's statements, the newest first."""
    every = months_of(account, info.context.now)
    months = list(every) if wanted.backwards else list(reversed(every))
    if wanted.key is not None:
        (key,) = wanted.key
        months = [month for month in months if (month > key if wanted.backwards else month < key)]
    rows = await _read(info.context, account, months[: wanted.first + 1])
    return connection(
        wanted, rows, key=lambda row: (row.number,), node=lambda row: row, count=known(len(every))
    )  # fmt: skip


async def _read(context: Context, account: AccountState, months: list[int]) -> list[Statement]:
    found = await context.read(
        statements_of, history=context.history, account_id=account.account_id, months=months, now=context.now
    )
    return [Statement.from_state(each, account) for each in found]
