"""Automatic recharge: the rule of an account, setting it, and what it decided."""

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple, Self

import strawberry

from credits import auto_recharge, automatic
from credits.accounts import AccountState
from credits.automatic import Rule
from credits.decisions import explain_decision, explain_pause
from credits.ids import public_id, read_id_within
from credits.instants import moment
from credits.money import micros_of
from credits.recharges import open_automatic
from db.kinds import Scope
from schema.access import Needs, account_number
from schema.context import Info
from schema.fields import Input, mutation, resolved
from schema.kinds import DecisionOutcome, RechargeStrategy
from schema.money import Money
from schema.paging import Connection, Window, connection, known
from schema.payment_methods import PaymentMethod, find_method
from schema.recharges import Recharge, find_recharge
from schema.refusals import UserError
from schema.rows import read_rows


@strawberry.type(description="The rule by which an account recharges itself.")
class AutoRecharge:
    enabled: bool = strawberry.field(description="It counts, unless it is paused.")
    trigger: Money | None = strawberry.field(
        description="It recharges when `available` falls below this, strictly below; 0 recharges only once something"
        " is owed."
    )
    amount: Money | None = strawberry.field(
        description="FIXED_AMOUNT: what is added each time. TOP_UP_TO: the balance to reach."
    )
    strategy: RechargeStrategy = strawberry.field(description="How much it buys.")
    daily_limit: Money | None = strawberry.field(
        description="What it may buy in a calendar day of the account; ten recharges, if not said otherwise."
    )
    has_own_daily_limit: bool = strawberry.field(description="`dailyLimit` was set, and is not the usual one.")
    usual_daily_recharges: int = strawberry.field(
        description="How many times `amount` may be bought in a day where no limit is set."
    )
    paused_since: datetime | None = strawberry.field(description="Since when it stands still, when it does.")
    rule: strawberry.Private[Rule]
    account_state: strawberry.Private[AccountState]

    @classmethod
    def from_rule(cls, rule: Rule, account: AccountState, daily_recharges: int) -> Self:
        """The rule of an account."""
        limit = None if rule.amount_micros is None else automatic.daily_limit(rule, daily_recharges)
        return cls(
            enabled=rule.enabled,
            trigger=_money(rule.trigger_micros, account),
            amount=_money(rule.amount_micros, account),
            strategy=RechargeStrategy(rule.strategy),
            daily_limit=_money(limit, account),
            has_own_daily_limit=rule.daily_limit_micros is not None,
            usual_daily_recharges=daily_recharges,
            paused_since=None if rule.paused_at is None else moment(rule.paused_at),
            rule=rule,
            account_state=account,
        )

    @resolved("Its own payment method; null: it pays with the default one.")
    async def payment_method(self, info: Info) -> PaymentMethod | None:
        if self.rule.method_no is None:
            return None
        return await find_method(info.context, self.account_state.account_id, self.rule.method_no)

    @resolved("The recharge that it is making now, or that waits for its next try or for the card's owner.")
    async def underway(self, info: Info) -> Recharge | None:
        account_id = self.account_state.account_id
        recharge = await info.context.read(open_automatic, account_id)
        return None if recharge is None else await find_recharge(info.context, account_id, recharge.recharge_no)

    @resolved("Why it stands still, when it does. Another payment method, or setting it again, starts it.")
    def paused_reason(self, info: Info) -> str | None:
        reason = self.rule.paused_reason
        return None if reason is None else info.context.language.say(explain_pause(reason).message)


def _money(micros: int | None, account: AccountState) -> Money | None:
    return None if micros is None else Money.of(micros, account.currency)


async def find_rule(info: Info, account: AccountState) -> AutoRecharge:
    """The rule of an account."""
    rule = await info.context.loaders.rule_by_account.load(account.account_id)
    return AutoRecharge.from_rule(rule, account, info.context.terms.daily_recharges)


class DecisionRow(NamedTuple):
    """A decision of automatic recharge."""

    decision_no: int
    outcome: str
    available_micros: int
    trigger_micros: int
    amount_micros: int | None
    recharge_no: int | None
    decided_at: int
    repeated_at: int
    times: int


@strawberry.type(description="What automatic recharge decided when the balance was below its trigger, and why.")
class RechargeDecision:
    outcome: DecisionOutcome = strawberry.field(description="What it decided.")
    available: Money = strawberry.field(description="What was available, when it decided so for the first time.")
    trigger: Money = strawberry.field(description="The trigger at that time.")
    amount: Money | None = strawberry.field(description="What it bought, or what was being bought.")
    recharge_id: strawberry.ID | None = strawberry.field(description="The recharge that this is about.")
    decided_at: datetime = strawberry.field(description="When it decided so for the first time.")
    repeated_at: datetime = strawberry.field(description="When it decided so again for the last time.")
    times: int = strawberry.field(description="How often it decided so in a row.")
    row: strawberry.Private[DecisionRow]
    account_state: strawberry.Private[AccountState]

    @classmethod
    def from_row(cls, row: DecisionRow, account: AccountState) -> Self:
        """A decision of an account's rule."""
        recharge = None if row.recharge_no is None else public_id("rchg", account.account_id, row.recharge_no)
        return cls(
            outcome=DecisionOutcome(row.outcome),
            available=Money.of(row.available_micros, account.currency),
            trigger=Money.of(row.trigger_micros, account.currency),
            amount=_money(row.amount_micros, account),
            recharge_id=None if recharge is None else strawberry.ID(recharge),
            decided_at=moment(row.decided_at),
            repeated_at=moment(row.repeated_at),
            times=row.times,
            row=row,
            account_state=account,
        )

    @resolved("The decision in a sentence, for a person.")
    def explanation(self, info: Info) -> str:
        told = explain_decision(
            self.row.outcome, available_micros=self.row.available_micros, trigger_micros=self.row.trigger_micros,
            amount_micros=self.row.amount_micros, currency=self.account_state.currency,
        )  # fmt: skip
        return info.context.language.say(told.message, **told.values)


async def list_decisions(info: Info, account: AccountState, wanted: Window) -> Connection[RechargeDecision]:
    """A page of what an account's rule decided, newest first."""
    page, key = wanted.sql(["decision_no"], descending=True)
    parameters: list[Any] = [account.account_id, *key]
    rows = await info.context.read(read_rows, DecisionRow, "recharge_decision", "account_id = ?" + page, *parameters)
    return connection(
        wanted,
        rows,
        key=lambda row: (row.decision_no,),
        node=lambda row: RechargeDecision.from_row(row, account),
        count=known(account.decision_count),
    )


@strawberry.input(description="The rule to set.")
class AutoRechargeInput:
    account_id: strawberry.ID = strawberry.field(description="For which account.")
    enabled: bool = strawberry.field(description="Whether it counts. Setting it again starts one that stood still.")
    trigger: Decimal | None = strawberry.field(
        description="Recharge when `available` falls below this; 0 recharges only once something is owed. Left out: as"
        " it is."
    )
    amount: Decimal | None = strawberry.field(
        description="In whole units. FIXED_AMOUNT: what to add each time. TOP_UP_TO: the balance to reach. Left out: as"
        " it is."
    )
    strategy: RechargeStrategy = strawberry.field(default=RechargeStrategy.FIXED_AMOUNT, description="How much to buy.")
    daily_limit: Decimal | None = strawberry.field(
        description="The most to buy in a calendar day of the account. Left out: ten recharges."
    )
    payment_method_id: strawberry.ID | None = strawberry.field(description="What pays. Left out: the default one.")
    dry_run: bool = strawberry.field(default=False, description="Only judge it, and tell what the rule would be.")


@strawberry.type(description="What came of setting the rule.")
class AutoRechargePayload:
    auto_recharge: AutoRecharge | None = strawberry.field(default=None, description="The rule as it is now.")
    errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done; else empty.")


@strawberry.type
class AutoRechargeMutations:
    @mutation(Needs(Scope.FUNDS), "Sets automatic recharge; below the trigger it recharges at once.")
    async def set_auto_recharge(self, info: Info, input: Input[AutoRechargeInput]) -> AutoRechargePayload:
        context, account_id = info.context, account_number(input.account_id)
        method_id = input.payment_method_id
        wanted = auto_recharge.Wanted(
            enabled=input.enabled,
            trigger_micros=None if input.trigger is None else micros_of(input.trigger, "trigger"),
            amount_micros=None if input.amount is None else micros_of(input.amount),
            strategy=input.strategy.value,
            daily_limit_micros=None if input.daily_limit is None else micros_of(input.daily_limit, "dailyLimit"),
            method_no=None if method_id is None else read_id_within("pm", account_id, method_id, "paymentMethodId"),
        )
        rule = await context.write(
            auto_recharge.set_auto_recharge,
            account_id=account_id, wanted=wanted, providers=context.providers, dry_run=input.dry_run, now=context.now,
            terms=context.terms,
        )  # fmt: skip
        account = await context.loaders.accounts_by_key.load((account_id,))
        assert account is not None
        found = AutoRecharge.from_rule(rule, account, context.terms.daily_recharges)
        return AutoRechargePayload(auto_recharge=found)
