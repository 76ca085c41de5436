"""The ledger: every movement of an account's book balance, and which lots it touched."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Self

import strawberry

from credits.accounts import AccountState
from credits.call_states import CallState
from credits.ids import public_id
from credits.instants import moment
from credits.language import Language
from schema.context import Context, Info
from schema.fields import resolved
from schema.kinds import EntryKind
from schema.lots import Lot, find_lot
from schema.money import Money
from schema.nodes import Node, find, found_by
from schema.paging import Connection, Window, connection, counting, known
from schema.rows import DrawRow, EntryRow, read_rows

if TYPE_CHECKING:
    from schema.calls import Call
    from schema.recharges import Recharge


@strawberry.type(description="What an entry moved in one lot.")
class LotDraw:
    amount: Money = strawberry.field(description="Signed: negative took from the lot, positive put into it.")
    row: strawberry.Private[DrawRow]

    @resolved("The lot.")
    async def lot(self, info: Info) -> Lot:
        found = await find_lot(info.context, self.row.account_id, self.row.lot_no)
        assert found is not None, "a draw names a lot"
        return found


@strawberry.type(description="One movement of an account's book balance. Entries are only ever added.")
class LedgerEntry(Node):
    kind: EntryKind = strawberry.field(description="Why it was written.")
    amount: Money = strawberry.field(description="Signed: what it did to the book balance.")
    balance_after: Money = strawberry.field(description="The book balance after it.")
    occurred_at: datetime = strawberry.field(description="When the thing happened.")
    posted_at: datetime = strawberry.field(description="When it was written down.")
    owed_change: Money = strawberry.field(
        description="Signed: negative when more is owed than before. With `draws` it adds up to `amount`."
    )
    row: strawberry.Private[EntryRow]
    account_state: strawberry.Private[AccountState]

    @classmethod
    def from_row(cls, row: EntryRow, account: AccountState) -> Self:
        """An entry of an account."""
        return cls(
            id=strawberry.ID(public_id("ent", row.account_id, row.entry_no)),
            kind=EntryKind(row.kind),
            amount=Money.of(row.amount_micros, account.currency),
            balance_after=Money.of(row.balance_after_micros, account.currency),
            occurred_at=moment(row.occurred_at),
            posted_at=moment(row.posted_at),
            owed_change=Money.of(row.owed_change_micros, account.currency),
            row=row,
            account_state=account,
        )

    @resolved("What it was, in a sentence, in the language of the request.")
    async def description(self, info: Info) -> str:
        call = None
        if self.row.call_no is not None:
            call = await info.context.loaders.calls_by_key.load((self.row.account_id, self.row.call_no))
        return _told(self.row, call, info.context.language)

    @resolved("Which lots it moved, and by how much.")
    async def draws(self, info: Info) -> list[LotDraw]:
        rows = await info.context.loaders.draws_by_entry.load((self.row.account_id, self.row.entry_no))
        currency = self.account_state.currency
        return [LotDraw(amount=Money.of(row.amount_micros, currency), row=row) for row in rows]

    @resolved("The call that was charged, or whose charge was taken back.")
    async def call(self, info: Info) -> Annotated["Call", strawberry.lazy("schema.calls")] | None:
        number = self.row.call_no
        return None if number is None else await find(info.context, "call", self.row.account_id, number)

    @resolved("The recharge that brought or took the money.")
    async def recharge(self, info: Info) -> Annotated["Recharge", strawberry.lazy("schema.recharges")] | None:
        number = self.row.recharge_no
        return None if number is None else await find(info.context, "rchg", self.row.account_id, number)


@found_by("ent")
async def find_entry(context: Context, account_id: int, entry_no: int) -> LedgerEntry | None:
    """An entry by its numbers."""
    account = await context.loaders.accounts_by_key.load((account_id,))
    row = await context.loaders.entries_by_key.load((account_id, entry_no))
    return None if row is None or account is None else LedgerEntry.from_row(row, account)


async def list_entries(
    info: Info, account: AccountState, kind: EntryKind | None, wanted: Window
) -> Connection[LedgerEntry]:
    """A page of an account's entries, newest first."""
    condition, parameters = "account_id = ?", [account.account_id]
    if kind is not None:
        condition, more = _of_kind(kind)
        parameters = [account.account_id, *more]
    page, key = wanted.sql(["entry_no"], descending=True)
    rows = await info.context.read(read_rows, EntryRow, "ledger_entry", condition + page, *parameters, *key)
    return connection(
        wanted,
        rows,
        key=lambda row: (row.entry_no,),
        node=lambda row: LedgerEntry.from_row(row, account),
        count=counting(info, "ledger_entry", condition, parameters) if kind else known(account.entry_count),
    )


def _of_kind(kind: EntryKind) -> tuple[str, list[Any]]:
    """Written so that the index over what is not a call's charge can serve it."""
    if kind == EntryKind.CALL_CHARGE:
        return "account_id = ? AND kind = 'CALL_CHARGE'", []
    return "account_id = ? AND kind <> 'CALL_CHARGE' AND kind = ?", [kind.value]


def _told(row: EntryRow, call: CallState | None, language: Language) -> str:
    match EntryKind(row.kind):
        case EntryKind.CALL_CHARGE if call is not None:
            return language.say("Call to {number}", number=call.to_number)
        case EntryKind.REVERSAL if call is not None:
            return language.say("Charge taken back: call to {number} ({note})", number=call.to_number, note=row.note)
        case EntryKind.GRANT:
            return language.say("Credit granted: {note}", note=row.note)
        case EntryKind.EXPIRY:
            return language.say("Expired unused")
        case EntryKind.REFUND:
            return language.say("Gone back to the payer: {note}", note=row.note)
        case EntryKind.REVERSAL:
            return language.say("Did not go back to the payer after all")
        case EntryKind.ADJUSTMENT if row.owed_change_micros > 0 and row.amount_micros == 0:
            return language.say("What was owed was repaid")
        case EntryKind.ADJUSTMENT:
            return language.say("Taken back: {note}", note=row.note)
        case _:
            return language.say("Funds added")
