"""Bearer tokens of programs: making them, taking them back, and what is known of them. A secret is told once."""

from datetime import datetime
from typing import Self

import strawberry

from credits import tokens
from credits.ids import public_id, read_id
from credits.instants import instant, moment
from credits.refusals import invalid
from credits.tokens import Giver, TokenState, find_token, of_owner, of_status, read_tokens
from db.kinds import Scope
from db.session import Session
from schema.access import Needs, Viewer, account_number, forbidden, signed_in
from schema.context import Context, Info
from schema.fields import Input, mutation
from schema.kinds import TokenStatus
from schema.nodes import Node, found_by
from schema.paging import Connection, Window, connection, counting
from schema.refusals import UserError

TOKEN_KEY = (int, int)


@strawberry.type(description="A bearer token of a program. Its secret is told when it is made, and never again.")
class Token(Node):
    name: str = strawberry.field(description="What it is for, as its maker called it.")
    scopes: list[Scope] = strawberry.field(description="What it may do.")
    status: TokenStatus = strawberry.field(description="What it is good for now.")
    created_at: datetime = strawberry.field(description="When it was made.")
    created_by: str | None = strawberry.field(
        description="Who made it: a person's address, or a token's name; null: somebody at the server's command line."
    )
    expires_at: datetime | None = strawberry.field(
        description="Exclusive: from this instant on it is worth nothing. null: never."
    )
    last_used_at: datetime | None = strawberry.field(
        description="When it was last used, to a minute or so; null: not yet."
    )
    revoked_at: datetime | None = strawberry.field(description="When it was taken back.")

    @classmethod
    def from_state(cls, state: TokenState, now: int) -> Self:
        """A token as it is at an instant."""
        return cls(
            id=strawberry.ID(public_id("tok", state.token_id)),
            name=state.name,
            scopes=[scope for scope in Scope if scope in state.scopes],
            status=TokenStatus(state.status(now)),
            created_at=moment(state.created_at),
            created_by=state.created_by,
            expires_at=_moment(state.expires_at),
            last_used_at=_moment(state.used_at),
            revoked_at=_moment(state.revoked_at),
        )


@found_by("tok", of_everyone=True)
async def find_token_node(context: Context, token_id: int) -> Token | None:
    """A token by its number, for whoever manages it."""
    state = await context.read(tokens.look_up_token, token_id)
    if state is None or Scope.ADMIN not in _powers(signed_in(context), state.account_id):
        return None
    return Token.from_state(state, context.now)


@strawberry.input(description="A token to make.")
class CreateTokenInput:
    account_id: strawberry.ID | None = strawberry.field(
        default=None, description="The account that it is for; left out: all accounts, which is for the operator."
    )
    name: str = strawberry.field(description="What it is for: Switch in Reno.")
    scopes: list[Scope] = strawberry.field(description="What it may do: no more than whoever makes it.")
    expires_at: datetime | None = strawberry.field(
        default=None, description="From when on it is worth nothing; left out, like `expiresInDays`: never."
    )
    expires_in_days: int | None = strawberry.field(
        default=None, description="The same, as so many times 24 hours from now: 1 to 3650."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="The same key makes one token; the second time is refused, since it cannot be told."
    )


@strawberry.input(description="A token to take back.")
class RevokeTokenInput:
    account_id: strawberry.ID | None = strawberry.field(
        default=None, description="The account that it is for; left out: it is the operator's."
    )
    token_id: strawberry.ID = strawberry.field(description="The token.")


@strawberry.type(description="What came of making a token.")
class CreateTokenPayload:
    secret: str | None = strawberry.field(
        default=None,
        description="What the program sends as `Authorization: Bearer …`. It is told here, and never again.",
    )
    token: Token | None = strawberry.field(default=None, description="The token.")
    errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done; else empty.")


@strawberry.type(description="What came of taking a token back.")
class TokenPayload:
    token: Token | None = strawberry.field(default=None, description="The token as it is now.")
    errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done; else empty.")


@strawberry.type
class TokenMutations:
    @mutation(
        Needs(Scope.ADMIN),
        "Makes a token. It may do no more than whoever makes it, and lasts no longer than a token that makes it.",
    )
    async def create_token(self, info: Info, input: Input[CreateTokenInput]) -> CreateTokenPayload:
        context = info.context
        account_id = _whose(context, input.account_id)
        secret, state = await context.write(
            _create, account_id=account_id, asked=input, giver=_giver(signed_in(context), account_id), now=context.now
        )
        return CreateTokenPayload(secret=secret, token=Token.from_state(state, context.now))

    @mutation(
        Needs(Scope.ADMIN),
        "Takes a token back, for good. Within seconds it opens nothing any more. Again changes nothing.",
    )
    async def revoke_token(self, info: Info, input: Input[RevokeTokenInput]) -> TokenPayload:
        context = info.context
        account_id = _whose(context, input.account_id)
        (token_id,) = read_id("tok", input.token_id, "tokenId")
        await context.write(tokens.revoke_token, token_id=token_id, account_id=account_id, now=context.now)
        return TokenPayload(token=await find_token_node(context, token_id))


async def list_tokens(
    info: Info, account_id: int | None, status: TokenStatus | None, wanted: Window
) -> Connection[Token]:
    """A page of the tokens of an account, or of the operator's, the newest first."""
    context = info.context
    condition, parameters = of_owner(account_id)
    if status is not None:
        such, values = of_status(status, context.now)
        condition, parameters = f"{condition} AND {such}", [*parameters, *values]
    page, key = wanted.sql(["created_at", "token_id"], descending=True)
    found = await context.read(read_tokens, condition + page, *parameters, *key)
    return connection(
        wanted,
        found,
        key=lambda state: (state.created_at, state.token_id),
        node=lambda state: Token.from_state(state, context.now),
        count=counting(info, "token", condition, parameters),
    )


def _create(
    session: Session, *, account_id: int | None, asked: CreateTokenInput, giver: Giver, now: int
) -> tuple[str, TokenState]:
    secret = tokens.create_token(
        session,
        name=asked.name,
        scopes=asked.scopes,
        account_id=account_id,
        expires_at=_end(asked, now),
        giver=giver,
        idempotency_key=asked.idempotency_key,
        now=now,
    )
    state = find_token(session, secret, now)
    assert state is not None, "it was made a moment ago"
    return secret, state


def _end(asked: CreateTokenInput, now: int) -> int | None:
    if asked.expires_in_days is None:
        return None if asked.expires_at is None else instant(asked.expires_at)
    if asked.expires_at is not None:
        raise invalid("expiresInDays", "Give `expiresAt` or `expiresInDays`, not both.")
    return tokens.expiry_in_days(asked.expires_in_days, now)


def _whose(context: Context, account: str | None) -> int | None:
    """The account that a token is for; None for the operator, who alone may say so."""
    if account is not None:
        return account_number(account)
    if not signed_in(context).is_operator:
        raise forbidden(context.language)
    return None


def _giver(viewer: Viewer, account_id: int | None) -> Giver:
    return Giver(viewer.name, _powers(viewer, account_id), viewer.expires_at)


def _powers(viewer: Viewer, account_id: int | None) -> frozenset[Scope]:
    """What a viewer may do in an account, or as the operator."""
    if account_id is not None:
        return viewer.scopes_in(account_id)
    return viewer.scopes if viewer.is_operator else frozenset()


def _moment(at: int | None) -> datetime | None:
    return None if at is None else moment(at)
