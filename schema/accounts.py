"""Accounts: what each is, holds and has done, and who may see which."""

from datetime import date, datetime
from typing import Annotated, Self

import strawberry

from credits.accounts import AccountState, account_now
from credits.ids import public_id, read_id
from credits.instants import moment
from credits.refusals import Refusal
from db.kinds import Scope
from schema.access import Needs, Viewer, forbidden, signed_in
from schema.account_access import AccountAccess
from schema.account_audit import AccountAudit
from schema.account_filter import AccountFilter
from schema.account_reports import AccountReports
from schema.auto_recharge import AutoRecharge, RechargeDecision, find_rule, list_decisions
from schema.balances import Balance, BalanceDay
from schema.calls import Call, CallFilter, list_calls
from schema.context import Context, Info
from schema.fields import query, resolved
from schema.kinds import (
    AccountMode,
    AccountStatus,
    CallStatus,
    ConferenceDialOut,
    EntryKind,
    LotStatus,
    NoticeKind,
    NoticeStatus,
    RechargeStatus,
    UserDialOut,
)
from schema.ledger import LedgerEntry, list_entries
from schema.lots import LOT_KEY, Lot, list_lots
from schema.minute_pools import MinutePool, list_own_pools, list_pools
from schema.money import Money
from schema.nodes import Node, found_by
from schema.notices import Notice, list_notices
from schema.paging import After, Before, Connection, First, Window, asks_for_items, connection, counting, window
from schema.payment_methods import PaymentMethod, list_methods
from schema.recharges import Recharge, list_recharges
from schema.rows import read_rows
from schema.sign_ins import SignIn, find_sign_in
from schema.standing import AccountStanding
from schema.users import User, list_users

_OPERATOR = "OPERATOR"
_USUAL_DAYS = 90


@strawberry.type(description="A prepaid account for telephone calls.")
class Account(AccountReports, AccountAccess, AccountAudit, AccountStanding, Node):
    name: str = strawberry.field(description="What people know it by.")
    currency: str = strawberry.field(description="The ISO 4217 code of the currency of all its money.")
    time_zone: str = strawberry.field(description="IANA; days of expiry, months and reports follow it.")
    region: str = strawberry.field(description="ISO 3166-1 alpha-2: the country in which numbers without + are read.")
    locale: str = strawberry.field(description="The language of its mail: en or ja.")
    mode: AccountMode = strawberry.field(description="For real, or for tests.")
    status: AccountStatus = strawberry.field(description="What it may do.")
    rate_deck: str = strawberry.field(description="The name of the deck that prices its calls, in its currency.")
    conference_dial_out: ConferenceDialOut = strawberry.field(
        description="Whom its users' conferences may dial out to, where a user has no policy of its own."
    )
    user_dial_out: UserDialOut = strawberry.field(
        description="Whom its users may call, where a user has no policy of its own."
    )
    now: datetime = strawberry.field(description="Its present instant: a TEST account's own clock, else the server's.")

    @classmethod
    def from_state(cls, state: AccountState, now: int) -> Self:
        """An account; `now` is the machine's instant."""
        return cls(
            id=strawberry.ID(public_id("acct", state.account_id)),
            name=state.name,
            currency=state.currency,
            time_zone=state.time_zone,
            region=state.region,
            locale=state.locale,
            mode=AccountMode(state.mode),
            status=AccountStatus(state.status),
            rate_deck=state.rate_deck,
            conference_dial_out=ConferenceDialOut(state.conference_dial_out),
            user_dial_out=UserDialOut(state.user_dial_out),
            now=moment(account_now(state, now)),
            state=state,
        )

    @query(Needs(Scope.READ, Scope.CALLS, Scope.FUNDS), "What it can spend.")
    async def balance(self, info: Info) -> Balance:
        balance = await info.context.loaders.balance_by_account.load(self.state.account_id)
        assert balance is not None, "an account has a balance"
        return Balance.from_state(balance, self.state)

    @query(Needs(Scope.READ), "How it closed day by day, the oldest first, today included.")
    async def balance_history(
        self,
        info: Info,
        days: Annotated[int | None, strawberry.argument(description="How many days, 1 to 400.")] = _USUAL_DAYS,
    ) -> list[BalanceDay]:
        context = info.context
        wanted = _USUAL_DAYS if days is None else days
        account_id = self.state.account_id
        found = await context.read(context.history.days, account_id=account_id, days=wanted, now=context.now)
        return [BalanceDay.from_state(day, self.state.currency) for day in found]

    @query(
        Needs(Scope.READ),
        "Its funds as they came in. Those that still hold money come first, in the order in which they are spent.",
    )
    async def lots(
        self,
        info: Info,
        status: Annotated[LotStatus | None, strawberry.argument(description="Only these.")] = None,
        first: First = 20,
        after: After = None,
        before: Before = None,
    ) -> Connection[Lot]:
        return await list_lots(info, self.state, status, window(first, after, before, *LOT_KEY))

    @query(Needs(Scope.READ), "Every movement of its book balance, the newest first.")
    async def ledger(
        self,
        info: Info,
        kind: Annotated[EntryKind | None, strawberry.argument(description="Only these.")] = None,
        first: First = 50,
        after: After = None,
        before: Before = None,
    ) -> Connection[LedgerEntry]:
        return await list_entries(info, self.state, kind, window(first, after, before, int))

    @query(Needs(Scope.READ), "Its buying of funds, the newest first.")
    async def recharges(
        self,
        info: Info,
        status: Annotated[RechargeStatus | None, strawberry.argument(description="Only these.")] = None,
        first: First = 20,
        after: After = None,
        before: Before = None,
    ) -> Connection[Recharge]:
        return await list_recharges(info, self.state, status, window(first, after, before, int))

    @query(Needs(Scope.READ, Scope.FUNDS), "The rule by which it recharges itself.")
    async def auto_recharge(self, info: Info) -> AutoRecharge:
        return await find_rule(info, self.state)

    @query(Needs(Scope.READ, Scope.FUNDS), "What automatic recharge decided below its trigger, and why; newest first.")
    async def recharge_decisions(
        self, info: Info, first: First = 20, after: After = None, before: Before = None
    ) -> Connection[RechargeDecision]:
        return await list_decisions(info, self.state, window(first, after, before, int))

    @resolved("Cards can be added on the payment provider's page: see `startCardSetup`.")
    def takes_cards(self, info: Info) -> bool:
        return info.context.providers.of(self.state.mode) is not None

    @query(Needs(Scope.READ, Scope.FUNDS), "How it can pay.")
    async def payment_methods(self, info: Info) -> list[PaymentMethod]:
        return await list_methods(info, self.state.account_id)

    @query(Needs(Scope.READ), "Its users, who make calls, by name; without those that were removed.")
    async def users(
        self,
        info: Info,
        search: Annotated[
            str | None, strawberry.argument(description="Part of a name, a user name or a department.")
        ] = None,
        plan_code: Annotated[str | None, strawberry.argument(description="Only those who hold this plan.")] = None,
        first: First = 50,
        after: After = None,
        before: Before = None,
    ) -> Connection[User]:
        wanted = window(first, after, before, str, int)
        return await list_users(info, self.state, (search or "").strip(), plan_code, wanted)

    @query(
        Needs(Scope.READ),
        "The pools of minutes of a calendar month, also those that nobody has used yet; what is shared comes first."
        " A month that is over is as it ended.",
    )
    async def minute_pools(
        self,
        info: Info,
        month: Annotated[
            date | None, strawberry.argument(description="Any day of the month; left out: the present one.")
        ] = None,
        shared: Annotated[
            bool | None, strawberry.argument(description="Only those that users share; false: only users' own.")
        ] = None,
    ) -> list[MinutePool]:
        return await list_pools(info, self.state, month, shared)

    @query(Needs(Scope.READ), "The pools of minutes of a calendar month that are users' own, by the user's name.")
    async def user_minute_pools(
        self,
        info: Info,
        month: Annotated[
            date | None, strawberry.argument(description="Any day of the month; left out: the present one.")
        ] = None,
        search: Annotated[str | None, strawberry.argument(description="Part of a name or user name.")] = None,
        first: First = 50,
        after: After = None,
        before: Before = None,
    ) -> Connection[MinutePool]:
        wanted = window(first, after, before, str, int, int, str, str)
        return await list_own_pools(info, self.state, month, (search or "").strip(), wanted)

    @query(Needs(Scope.READ), "Its calls, the one answered last first.")
    async def calls(
        self,
        info: Info,
        status: Annotated[CallStatus | None, strawberry.argument(description="Only these.")] = None,
        from_: Annotated[
            datetime | None, strawberry.argument(name="from", description="Answered at this instant or later.")
        ] = None,
        to: Annotated[datetime | None, strawberry.argument(description="Answered before this instant.")] = None,
        search: Annotated[
            str | None, strawberry.argument(description="Part of a number that called or was called, or of a call id.")
        ] = None,
        first: First = 50,
        after: After = None,
        before: Before = None,
    ) -> Connection[Call]:
        asked = CallFilter(status, from_, to, (search or "").strip())
        return await list_calls(info, self.state, asked, window(first, after, before, int, int))

    @resolved("The least that a recharge may buy.")
    def minimum_recharge(self, info: Info) -> Money:
        return Money.of(info.context.terms.minimum_recharge_micros(self.state.currency), self.state.currency)

    @query(Needs(Scope.READ), "The addresses that were set to get its mail; none: its administrators get it.")
    async def notice_emails(self, info: Info) -> list[str]:
        return await info.context.loaders.notice_emails_by_account.load(self.state.account_id)

    @query(Needs(Scope.READ), "Who gets its mail now.")
    async def notice_recipients(self, info: Info) -> list[str]:
        return await info.context.loaders.recipients_by_account.load(self.state.account_id)

    @query(Needs(Scope.READ), "Its mail, the newest first.")
    async def notices(
        self,
        info: Info,
        status: Annotated[NoticeStatus | None, strawberry.argument(description="Only these.")] = None,
        kind: Annotated[NoticeKind | None, strawberry.argument(description="Only these.")] = None,
        first: First = 20,
        after: After = None,
        before: Before = None,
    ) -> Connection[Notice]:
        return await list_notices(info, self.state, status, kind, window(first, after, before, int))

    @resolved("Mail says when less than this can be spent; null: it does not.")
    def low_balance(self) -> Money | None:
        micros = self.state.low_balance_micros
        return None if micros is None else Money.of(micros, self.currency)

    @resolved("Whether its mail is sent; false where no mail server is set, so that it is written into a folder.")
    def mail_is_sent(self, info: Info) -> bool:
        return info.context.mail_leaves

    @resolved("As what the viewer sees it: OPERATOR, ADMIN, BILLING or VIEWER.")
    def viewer_role(self, info: Info) -> str:
        viewer = signed_in(info.context)
        return _OPERATOR if viewer.is_operator else viewer.account_roles[self.state.account_id].value


@found_by("acct")
async def find_account(context: Context, account_id: int) -> Account | None:
    """An account by its number."""
    state = await context.loaders.accounts_by_key.load((account_id,))
    return None if state is None else Account.from_state(state, context.now)


async def list_accounts(info: Info, viewer: Viewer, wanted: AccountFilter, part: Window) -> Connection[Account]:
    """A page of the accounts that a viewer may read, by name."""
    condition, parameters = wanted.sql(viewer)
    page, key = part.sql(["name", "account_id"])
    rows = None
    if asks_for_items(info):
        rows = await info.context.read(read_rows, AccountState, "account", condition + page, *parameters, *key)
    return connection(
        part,
        rows,
        key=lambda row: (row.name, row.account_id),
        node=lambda row: Account.from_state(row, info.context.now),
        count=counting(info, "account", condition, parameters),
    )


@strawberry.type(name="Viewer", description="Who asks.")
class ViewerAnswer:
    name: str = strawberry.field(description="A person's address, or a token's name.")
    roles: list[str] = strawberry.field(
        description="OPERATOR, who sees all accounts; else the roles held in any account: ADMIN, BILLING, VIEWER."
    )
    scopes: list[str] = strawberry.field(
        description="What the sign-in or token is good for: read, calls, funds, rates, admin."
    )
    now: datetime = strawberry.field(description="The server's present instant, by which access begins and ends.")
    viewer: strawberry.Private[Viewer]

    @query(Needs(*Scope), "How they sign in, and where they are signed in; null for a program.")
    async def sign_in(self, info: Info) -> SignIn | None:
        return await find_sign_in(info.context, self.viewer) if self.viewer.is_person else None

    @query(Needs(Scope.READ), "The accounts that are open to this viewer, by name.")
    async def accounts(
        self, info: Info, first: First = 20, after: After = None, before: Before = None
    ) -> Connection[Account]:
        return await list_accounts(info, self.viewer, AccountFilter(), window(first, after, before, str, int))


@strawberry.type
class AccountQueries:
    @query(Needs(*Scope), "Who asks, and what they may do.")
    async def viewer(self, info: Info) -> ViewerAnswer:
        viewer = signed_in(info.context)
        roles = [_OPERATOR] if viewer.is_operator else sorted({role.value for role in viewer.account_roles.values()})
        return ViewerAnswer(
            name=viewer.name, roles=roles, scopes=sorted(viewer.scopes), now=moment(info.context.now), viewer=viewer
        )

    @query(Needs(Scope.READ), "An account; null when there is none, or none that is open to the viewer.")
    async def account(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
    ) -> Account | None:
        try:
            (account_id,) = read_id("acct", id)
        except Refusal:
            return None
        viewer = signed_in(info.context)
        if not viewer.sees(account_id):
            return None
        if not viewer.may(Scope.READ, account_id):
            raise forbidden(info.context.language)
        return await find_account(info.context, account_id)

    @query(Needs(Scope.READ), "The accounts that are open to the viewer, by name.")
    async def accounts(
        self,
        info: Info,
        search: Annotated[str | None, strawberry.argument(description="Part of a name, or a whole id.")] = None,
        currency: Annotated[str | None, strawberry.argument(description="Only those of this currency.")] = None,
        mode: Annotated[AccountMode | None, strawberry.argument(description="Only these.")] = None,
        status: Annotated[AccountStatus | None, strawberry.argument(description="Only these.")] = None,
        needs_attention: Annotated[
            bool | None,
            strawberry.argument(
                description="Only those that are suspended, refuse calls, have less than the amount below which mail"
                " says so, or do not recharge themselves though they should; false: the others."
            ),
        ] = None,
        first: First = 20,
        after: After = None,
        before: Before = None,
    ) -> Connection[Account]:
        wanted = AccountFilter((search or "").strip(), currency, mode, status, needs_attention)
        return await list_accounts(info, signed_in(info.context), wanted, window(first, after, before, str, int))
