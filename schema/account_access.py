"""Who has access to an account, as fields of it: members, invitations, and programs' tokens; and the operator's."""

from typing import Annotated

import strawberry

from db.kinds import Scope
from schema.access import Needs, OfAccount
from schema.context import Info
from schema.fields import query
from schema.invitations import Invitation, list_invitations
from schema.kinds import TokenStatus
from schema.members import MEMBER_KEY, Member, Operator, list_members, list_operators
from schema.paging import After, Before, Connection, First, window
from schema.tokens import TOKEN_KEY, Token, list_tokens

Only = Annotated[TokenStatus | None, strawberry.argument(description="Only these.")]


@strawberry.type
class AccountAccess(OfAccount):
    @query(Needs(Scope.ADMIN), "The people who sign in and belong to it, by address.")
    async def members(
        self,
        info: Info,
        search: Annotated[str | None, strawberry.argument(description="Part of an address.")] = None,
        first: First = 50,
        after: After = None,
        before: Before = None,
    ) -> Connection[Member]:
        wanted = window(first, after, before, *MEMBER_KEY)
        return await list_members(info, self.state.account_id, (search or "").strip(), wanted)

    @query(Needs(Scope.ADMIN), "The tokens of its programs, the newest first; also those that are over.")
    async def tokens(
        self,
        info: Info,
        status: Only = None,
        first: First = 20,
        after: After = None,
        before: Before = None,
    ) -> Connection[Token]:
        return await list_tokens(info, self.state.account_id, status, window(first, after, before, *TOKEN_KEY))

    @query(Needs(Scope.ADMIN), "The people who are invited to it and have not accepted yet, the newest first.")
    async def invitations(self, info: Info) -> list[Invitation]:
        return await list_invitations(info.context, self.state.account_id)


@strawberry.type
class AccessQueries:
    @query(
        Needs(Scope.ADMIN, operator=True),
        "The people who are invited to operate and have not accepted yet, the newest first.",
    )
    async def invitations(self, info: Info) -> list[Invitation]:
        return await list_invitations(info.context, None)

    @query(Needs(Scope.ADMIN, operator=True), "The people who operate: who see and do everything. By address.")
    async def operators(self, info: Info) -> list[Operator]:
        return await list_operators(info)

    @query(
        Needs(Scope.ADMIN, operator=True),
        "The operator's tokens, which are for all accounts, the newest first; also those that are over.",
    )
    async def tokens(
        self,
        info: Info,
        status: Only = None,
        first: First = 20,
        after: After = None,
        before: Before = None,
    ) -> Connection[Token]:
        return await list_tokens(info, None, status, window(first, after, before, *TOKEN_KEY))
