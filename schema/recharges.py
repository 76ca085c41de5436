"""Recharges: the buying of funds."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Self

import strawberry

from credits.accounts import AccountState, account_now
from credits.ids import public_id, read_id_within
from credits.instants import moment
from credits.money import micros_of
from credits.recharging import recharge
from credits.refusals import not_found
from credits.returns import Returns, still_held
from db.kinds import PaymentMethodKind, Scope
from schema.access import Needs, account_number
from schema.context import Context, Info
from schema.fields import Input, mutation, resolved
from schema.kinds import RechargeStatus, RechargeTrigger
from schema.lots import Lot
from schema.money import Money
from schema.nodes import Node, find, found_by
from schema.paging import Connection, Window, connection, counting, known
from schema.payment_methods import PaymentMethod, find_method
from schema.receipts import Receipt, find_receipt, receipt_url
from schema.refusals import UserError
from schema.returns import Dispute, Refund
from schema.rows import RechargeRow, read_rows

if TYPE_CHECKING:
    from schema.accounts import Account


@strawberry.type(description="The buying of funds, from the asking to the lot.")
class Recharge(Node):
    trigger: RechargeTrigger = strawberry.field(description="Who asked for it.")
    status: RechargeStatus = strawberry.field(description="How far it is.")
    amount: Money = strawberry.field(description="What is bought.")
    created_at: datetime = strawberry.field(description="When it was asked for.")
    completed_at: datetime | None = strawberry.field(description="When it succeeded, failed or was given up.")
    attempts: int = strawberry.field(description="How often the payment provider was asked.")
    next_attempt_at: datetime | None = strawberry.field(description="When a declined card will be tried again.")
    is_being_canceled: bool = strawberry.field(description="It is to be given up, and the provider has yet to agree.")
    action_url: str | None = strawberry.field(
        description="ACTION_REQUIRED: the bank's page on which the card's owner confirms it; ask `confirmRecharge` for"
        " one when this is null."
    )
    row: strawberry.Private[RechargeRow]
    account_state: strawberry.Private[AccountState]

    @classmethod
    def from_row(cls, row: RechargeRow, account: AccountState) -> Self:
        """A recharge of an account."""
        return cls(
            id=strawberry.ID(public_id("rchg", row.account_id, row.recharge_no)),
            trigger=RechargeTrigger(row.trigger),
            status=RechargeStatus(row.status),
            amount=Money.of(row.amount_micros, account.currency),
            created_at=moment(row.created_at),
            completed_at=None if row.completed_at is None else moment(row.completed_at),
            attempts=row.attempts,
            next_attempt_at=None if row.next_attempt_at is None else moment(row.next_attempt_at),
            is_being_canceled=bool(row.cancel_wanted) and row.completed_at is None,
            action_url=row.action_url,
            row=row,
            account_state=account,
        )

    @resolved("Why it was not paid, or not yet.")
    def failure_reason(self, info: Info) -> str | None:
        reason = self.row.failure_reason
        return None if reason is None else info.context.language.translated(reason)

    @resolved("What pays for it.")
    async def payment_method(self, info: Info) -> PaymentMethod | None:
        return await find_method(info.context, self.row.account_id, self.row.method_no)

    @resolved("The funds that it brought, once it succeeded.")
    async def lot(self, info: Info) -> Lot | None:
        row = await info.context.loaders.lots_by_recharge.load((self.row.account_id, self.row.recharge_no))
        return None if row is None else Lot.from_row(row, self.account_state, info.context.now)

    @resolved("Its receipt or invoice, once it succeeded.")
    async def receipt(self, info: Info) -> Receipt | None:
        return await find_receipt(info.context, self.row.account_id, self.row.recharge_no)

    @resolved("Where its printable receipt is, once it succeeded.")
    def receipt_url(self, info: Info) -> str | None:
        row = self.row
        return receipt_url(info.context, row.account_id, row.recharge_no) if row.status == "SUCCEEDED" else None

    @resolved("What was given back of it, or is to be, the oldest first.")
    async def refunds(self, info: Info) -> list[Refund]:
        states = await info.context.loaders.refunds_by_recharge.load((self.row.account_id, self.row.recharge_no))
        return [Refund.from_state(each, self.account_state.currency, info.context.language) for each in states]

    @resolved("What could be given back of it now.")
    async def refundable(self, info: Info) -> Money:
        loaders, key = info.context.loaders, (self.row.account_id, self.row.recharge_no)
        account, lot = self.account_state, await loaders.lots_by_recharge.load(key)
        refunds, disputes = await loaders.refunds_by_recharge.load(key), await loaders.disputes_by_recharge.load(key)
        if lot is None:
            return Money.of(0, account.currency)
        now = account_now(account, info.context.now)
        held_micros = still_held(lot.remaining_micros - lot.held_micros, lot.expires_at, now, info.context.terms)
        returns = Returns(self.row.amount_micros, refunds, disputes)
        method = await loaders.methods_by_key.load((self.row.account_id, self.row.method_no))
        is_card = method is not None and method.kind == PaymentMethodKind.CARD
        return Money.of(returns.refundable_micros(held_micros, account.currency, is_card=is_card), account.currency)

    @resolved("The newest dispute about it, if its payer's bank contests or has contested it.")
    async def dispute(self, info: Info) -> Dispute | None:
        states = await info.context.loaders.disputes_by_recharge.load((self.row.account_id, self.row.recharge_no))
        return Dispute.from_state(states[-1], self.account_state.currency) if states else None


@found_by("rchg")
async def find_recharge(context: Context, account_id: int, recharge_no: int) -> Recharge | None:
    """A recharge by its numbers."""
    account = await context.loaders.accounts_by_key.load((account_id,))
    row = await context.loaders.recharges_by_key.load((account_id, recharge_no))
    return None if row is None or account is None else Recharge.from_row(row, account)


async def known_recharge(context: Context, account_id: int, recharge_no: int) -> None:
    """Refuse, as NOT_FOUND, a recharge that the account does not have."""
    if await context.loaders.recharges_by_key.load((account_id, recharge_no)) is None:
        raise not_found("rechargeId", "There is no such recharge.")


async def list_recharges(
    info: Info, account: AccountState, status: RechargeStatus | None, wanted: Window
) -> Connection[Recharge]:
    """A page of an account's recharges, newest first."""
    condition, parameters = "account_id = ?", list[Any]([account.account_id])
    if status is not None:
        condition += " AND status = ?"
        parameters.append(status.value)
    page, key = wanted.sql(["recharge_no"], descending=True)
    rows = await info.context.read(read_rows, RechargeRow, "recharge", condition + page, *parameters, *key)
    return connection(
        wanted,
        rows,
        key=lambda row: (row.recharge_no,),
        node=lambda row: Recharge.from_row(row, account),
        count=counting(info, "recharge", condition, parameters) if status else known(account.recharge_count),
    )


@strawberry.input(description="Funds to buy.")
class RechargeInput:
    account_id: strawberry.ID = strawberry.field(description="For which account.")
    amount: Decimal = strawberry.field(description="How much, in the account's currency and in its coins.")
    payment_method_id: strawberry.ID | None = strawberry.field(description="What pays; left out: the default.")
    idempotency_key: str = strawberry.field(description="The same key with the same values buys once.")


@strawberry.type(description="What came of buying funds.")
class RechargePayload:
    recharge: Recharge | None = strawberry.field(
        default=None, description="The recharge. Its status tells whether it was paid: a declined one is here, too."
    )
    account: Annotated["Account", strawberry.lazy("schema.accounts")] | None = strawberry.field(
        default=None, description="Its account as it is now."
    )
    errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done; else empty.")


@strawberry.type
class RechargeMutations:
    @mutation(
        Needs(Scope.FUNDS),
        "Buys funds. A card that is declined makes a FAILED recharge, which is no error: read its status.",
    )
    async def recharge(self, info: Info, input: Input[RechargeInput]) -> RechargePayload:
        context, account_id = info.context, account_number(input.account_id)
        method_id = input.payment_method_id
        recharge_no = await context.work(
            recharge,
            context.database,
            context.providers,
            account_id=account_id,
            amount_micros=micros_of(input.amount),
            method_no=None if method_id is None else read_id_within("pm", account_id, method_id, "paymentMethodId"),
            idempotency_key=input.idempotency_key,
            now=context.now,
            terms=context.terms,
        )
        return RechargePayload(
            recharge=await find_recharge(context, account_id, recharge_no),
            account=await find(context, "acct", account_id),
        )
