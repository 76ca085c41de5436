"""Lots: the funds of an account as they came in, and the operator's giving and taking back."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from credits import accounts, funds
from credits.accounts import AccountState, account_now
from credits.ids import public_id, read_id_within
from credits.instants import instant, moment, never_as_none
from credits.lots import lot_status, status_condition
from credits.money import micros_of
from db.kinds import Scope
from db.session import Session
from schema.access import Needs, account_number, require_operator_or_test
from schema.context import Context, Info
from schema.fields import Input, mutation, resolved
from schema.kinds import LotSource, LotStatus
from schema.money import Money
from schema.nodes import Node, find, found_by
from schema.paging import Connection, Key, Window, connection, counting
from schema.refusals import UserError
from schema.rows import LotRow, read_rows

if TYPE_CHECKING:
    from schema.accounts import Account
    from schema.recharges import Recharge

# What still holds money comes first, in the order in which it will be spent; then the rest, newest first.
_OPEN_FIRST = (
    "CASE WHEN is_open THEN 0 ELSE 1 END",
    "CASE WHEN is_open THEN priority ELSE 0 END",
    "CASE WHEN is_open THEN expires_at ELSE 0 END",
    "CASE WHEN is_open THEN purchased_at ELSE 0 END",
    "CASE WHEN is_open THEN lot_no ELSE -lot_no END",
)
LOT_KEY = (int, int, int, int, int)


@strawberry.type(description="Funds that came in together, and are spent and expire together.")
class Lot(Node):
    source: LotSource = strawberry.field(description="How they came in.")
    status: LotStatus = strawberry.field(description="What the lot is at the account's present instant.")
    amount: Money = strawberry.field(description="What came in.")
    remaining: Money = strawberry.field(description="What it still holds.")
    priority: int = strawberry.field(description="Lower is spent first, before any question of expiry.")
    purchased_at: datetime = strawberry.field(description="When it came in.")
    starts_at: datetime = strawberry.field(description="From when on it can be spent.")
    expires_at: datetime | None = strawberry.field(
        description="The first instant at which it can no longer be spent; null: it never expires."
    )
    note: str = strawberry.field(description="What it was granted for, in the words of whoever granted it.")
    row: strawberry.Private[LotRow]
    account_state: strawberry.Private[AccountState]

    @classmethod
    def from_row(cls, row: LotRow, account: AccountState, now: int) -> Self:
        """A lot of an account; `now` is the machine's instant."""
        expires_at = never_as_none(row.expires_at)
        status = lot_status(
            remaining_micros=row.remaining_micros, starts_at=row.starts_at, expires_at=row.expires_at,
            voided_at=row.voided_at, forfeited_at=row.forfeited_at, now=account_now(account, now),
        )  # fmt: skip
        return cls(
            id=strawberry.ID(public_id("lot", row.account_id, row.lot_no)),
            source=LotSource(row.source),
            status=status,
            amount=Money.of(row.amount_micros, account.currency),
            remaining=Money.of(row.remaining_micros, account.currency),
            priority=row.priority,
            purchased_at=moment(row.purchased_at),
            starts_at=moment(row.starts_at),
            expires_at=None if expires_at is None else moment(expires_at),
            note=row.note,
            row=row,
            account_state=account,
        )

    @resolved("The recharge that bought it, when one did.")
    async def recharge(self, info: Info) -> Annotated["Recharge", strawberry.lazy("schema.recharges")] | None:
        number = self.row.recharge_no
        return None if number is None else await find(info.context, "rchg", self.row.account_id, number)


@found_by("lot")
async def find_lot(context: Context, account_id: int, lot_no: int) -> Lot | None:
    """A lot by its numbers."""
    account = await context.loaders.accounts_by_key.load((account_id,))
    row = await context.loaders.lots_by_key.load((account_id, lot_no))
    return None if row is None or account is None else Lot.from_row(row, account, context.now)


async def list_lots(info: Info, account: AccountState, status: LotStatus | None, wanted: Window) -> Connection[Lot]:
    """A page of an account's lots."""
    now = account_now(account, info.context.now)
    condition, parameters = "account_id = ?", [account.account_id]
    if status is not None:
        of_status, more = status_condition(status, now)
        condition, parameters = f"{condition} AND ({of_status})", parameters + more
    if status in (LotStatus.ACTIVE, LotStatus.PENDING):
        condition += " AND is_open"
    page, key = wanted.sql(_OPEN_FIRST)
    rows = await info.context.read(read_rows, LotRow, "lot", condition + page, *parameters, *key)
    return connection(
        wanted,
        rows,
        key=_key_of,
        node=lambda row: Lot.from_row(row, account, info.context.now),
        count=counting(info, "lot", condition, parameters),
    )


def _key_of(row: LotRow) -> Key:
    if row.is_open:
        return (0, row.priority, row.expires_at, row.purchased_at, row.lot_no)
    return (1, 0, 0, 0, -row.lot_no)


@strawberry.input(description="Credit to give.")
class GrantCreditInput:
    account_id: strawberry.ID = strawberry.field(description="To which account.")
    amount: Decimal = strawberry.field(description="How much, in the account's currency; more than zero.")
    description: str = strawberry.field(description="What for; it is shown in the ledger.")
    priority: int = strawberry.field(default=0, description="Lower is spent first; purchased lots have 0.")
    starts_at: datetime | None = strawberry.field(description="From when on it can be spent; left out: at once.")
    expires_at: datetime | None = strawberry.field(
        description="The first instant at which it can no longer be spent; left out: it never expires."
    )
    idempotency_key: str = strawberry.field(description="The same key with the same values gives once.")


@strawberry.input(description="A lot to take back.")
class VoidLotInput:
    account_id: strawberry.ID = strawberry.field(description="The account that holds it.")
    lot_id: strawberry.ID = strawberry.field(description="The lot.")
    reason: str = strawberry.field(description="Why; it is shown in the ledger.")
    idempotency_key: str = strawberry.field(description="The same key with the same values takes back once.")


@strawberry.type(description="What came of changing a lot.")
class LotPayload:
    lot: Lot | None = strawberry.field(default=None, description="The lot as it is now.")
    account: Annotated["Account", strawberry.lazy("schema.accounts")] | None = strawberry.field(
        default=None, description="Its account as it is now."
    )
    errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done; else empty.")


@strawberry.type
class LotMutations:
    @mutation(
        Needs(Scope.FUNDS),
        "Gives an account credit that nobody paid for. In a LIVE account the operator alone may; in a TEST account"
        " whoever may add funds.",
    )
    async def grant_credit(self, info: Info, input: Input[GrantCreditInput]) -> LotPayload:
        account_id = account_number(input.account_id)
        lot_no = await info.context.write(_grant, info.context, account_id, input)
        return await _payload(info.context, account_id, lot_no)

    @mutation(
        Needs(Scope.FUNDS),
        "Takes back what is left of a lot, whatever that is at the time. In a LIVE account the operator alone may.",
    )
    async def void_lot(self, info: Info, input: Input[VoidLotInput]) -> LotPayload:
        account_id = account_number(input.account_id)
        lot_no = await info.context.write(_void, info.context, account_id, input)
        return await _payload(info.context, account_id, lot_no)


def _grant(session: Session, context: Context, account_id: int, asked: GrantCreditInput) -> int:
    require_operator_or_test(context, accounts.look_up(session, account_id))
    return funds.grant_credit(
        session,
        account_id=account_id,
        amount_micros=micros_of(asked.amount),
        note=asked.description,
        priority=asked.priority,
        starts_at=None if asked.starts_at is None else instant(asked.starts_at),
        expires_at=None if asked.expires_at is None else instant(asked.expires_at),
        idempotency_key=asked.idempotency_key,
        now=context.now,
        terms=context.terms,
    )


def _void(session: Session, context: Context, account_id: int, asked: VoidLotInput) -> int:
    require_operator_or_test(context, accounts.look_up(session, account_id))
    return funds.void_lot(
        session,
        account_id=account_id,
        lot_no=read_id_within("lot", account_id, asked.lot_id, "lotId"),
        reason=asked.reason,
        idempotency_key=asked.idempotency_key,
        now=context.now,
        terms=context.terms,
    )


async def _payload(context: Context, account_id: int, lot_no: int) -> LotPayload:
    account = await find(context, "acct", account_id)
    return LotPayload(lot=await find_lot(context, account_id, lot_no), account=account)
