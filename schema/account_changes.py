"""Opening accounts, changing them, and moving a TEST account's clock."""

from datetime import datetime
from decimal import Decimal

import strawberry

from credits import accounts, clocks, notices, standing
from credits.instants import instant
from credits.money import micros_of
from db.kinds import Scope
from db.session import Session
from schema.access import Needs, account_number, require_operator_or_test
from schema.accounts import Account, find_account
from schema.context import Context, Info
from schema.fields import Input, mutation
from schema.kinds import AccountMode, AccountStatus, ConferenceDialOut, UserDialOut
from schema.refusals import UserError


@strawberry.input(description="An account to open.")
class CreateAccountInput:
    name: str = strawberry.field(description="What people know it by.")
    currency: str = strawberry.field(description="The ISO 4217 code of the currency of all its money, for good.")
    time_zone: str = strawberry.field(default="UTC", description="IANA: Europe/Berlin.")
    region: str = strawberry.field(
        default="US", description="ISO 3166-1 alpha-2: the country in which numbers without + are read."
    )
    locale: str = strawberry.field(default="en", description="The language of its mail: en or ja.")
    mode: AccountMode = strawberry.field(default=AccountMode.LIVE, description="For real, or for tests; for good.")
    clock: datetime | None = strawberry.field(description="TEST: where its clock begins; left out: now.")
    rate_deck: str = strawberry.field(default="standard", description="The name of the deck that prices its calls.")
    idempotency_key: str | None = strawberry.field(description="The same key with the same values opens once.")


@strawberry.input(description="What to change in an account; what is left out stays.")
class UpdateAccountInput:
    account_id: strawberry.ID = strawberry.field(description="The account.")
    name: str | None = strawberry.field(description="What people know it by.")
    time_zone: str | None = strawberry.field(description="IANA: Europe/Berlin.")
    region: str | None = strawberry.field(
        description="ISO 3166-1 alpha-2: the country in which numbers without + are read."
    )
    locale: str | None = strawberry.field(description="The language of its mail: en or ja.")
    rate_deck: str | None = strawberry.field(
        description="The name of the deck that prices its calls; in a LIVE account for the operator to choose."
    )
    status: AccountStatus | None = strawberry.field(
        description="What it may do; in a LIVE account for the operator to say. A closed one stays closed. Rather use"
        " `suspendAccount`, `reactivateAccount` or `closeAccount`, which keep the reason."
    )
    notice_emails: list[str] | None = strawberry.field(description="Who gets its mail, all of them.")
    low_balance: Decimal | None = strawberry.field(
        description='Mail says when less than this can be spent, once each time; "0": never.'
    )
    conference_dial_out: ConferenceDialOut | None = strawberry.field(
        default=None, description="Whom users' conferences may dial out to, unless a user has a policy of its own."
    )
    user_dial_out: UserDialOut | None = strawberry.field(
        default=None, description="Whom users may call, unless a user has a policy of its own."
    )


@strawberry.input(description="Where to move a TEST account's clock.")
class AdvanceClockInput:
    account_id: strawberry.ID = strawberry.field(description="The account.")
    to: datetime = strawberry.field(description="Where to; a clock only moves forward.")


@strawberry.type(description="What came of changing an account.")
class AccountPayload:
    account: Account | None = strawberry.field(default=None, description="The account as it is now.")
    errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done; else empty.")


@strawberry.type
class AccountMutations:
    @mutation(Needs(Scope.ADMIN, operator=True), "Opens an account. For the operator.")
    async def create_account(self, info: Info, input: Input[CreateAccountInput]) -> AccountPayload:
        account_id = await info.context.write(
            accounts.create_account,
            name=input.name,
            currency=input.currency,
            time_zone=input.time_zone,
            region=input.region,
            locale=input.locale,
            mode=input.mode.value,
            clock_at=None if input.clock is None else instant(input.clock),
            rate_deck=input.rate_deck,
            idempotency_key=input.idempotency_key,
            now=info.context.now,
        )
        return AccountPayload(account=await find_account(info.context, account_id))

    @mutation(Needs(Scope.ADMIN), "Changes an account's settings.")
    async def update_account(self, info: Info, input: Input[UpdateAccountInput]) -> AccountPayload:
        account_id = account_number(input.account_id)
        await info.context.write(_update, info.context, account_id, input)
        return AccountPayload(account=await find_account(info.context, account_id))

    @mutation(
        Needs(Scope.ADMIN),
        "Moves a TEST account's clock forward, doing all that falls due on the way, in order of time.",
    )
    async def advance_clock(self, info: Info, input: Input[AdvanceClockInput]) -> AccountPayload:
        account_id, to = account_number(input.account_id), instant(input.to)
        context = info.context
        await context.write(clocks.advance_clock, account_id=account_id, to=to, now=context.now, terms=context.terms)
        return AccountPayload(account=await find_account(context, account_id))


def _update(session: Session, context: Context, account_id: int, asked: UpdateAccountInput) -> None:
    if asked.rate_deck is not None or asked.status is not None:
        require_operator_or_test(context, accounts.look_up(session, account_id))
    accounts.update_account(
        session,
        account_id=account_id,
        name=asked.name,
        time_zone=asked.time_zone,
        region=asked.region,
        locale=asked.locale,
        rate_deck=asked.rate_deck,
        notice_emails=asked.notice_emails,
        conference_dial_out=asked.conference_dial_out,
        user_dial_out=asked.user_dial_out,
    )
    if asked.status is not None:
        standing.set_status(session, account_id=account_id, status=asked.status.value, reason=None, now=context.now)
    if asked.low_balance is not None:
        low_balance_micros = micros_of(asked.low_balance, "lowBalance")
        notices.set_low_balance(session, account_id=account_id, low_balance_micros=low_balance_micros, now=context.now)
