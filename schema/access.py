"""Who may do what. Every field that opens something states what it needs, as a `Needs` among its extensions.

What a caller may not see does not exist for it. What it sees but may not do is FORBIDDEN.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLError
from strawberry.extensions import FieldExtension
from strawberry.extensions.field_extension import AsyncExtensionResolver

from credits.accounts import AccountState
from credits.ids import read_id
from credits.language import Language
from credits.refusals import Refusal, invalid, not_found
from db.kinds import AccountMode, ActorKind, Role, Scope

# What each role may do in its account. Publishing rates is for the operator, whatever the role.
_OF_ROLE = {
    Role.ADMIN: frozenset({Scope.READ, Scope.CALLS, Scope.FUNDS, Scope.ADMIN}),
    Role.BILLING: frozenset({Scope.READ, Scope.FUNDS}),
    Role.VIEWER: frozenset({Scope.READ}),
}


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks: a person by their roles, or a program by its token's account and scopes.

    `scopes` limits the roles: a person has all of them, a token those it was given. `number` is the person's or the
    token's, `session_id` that of the person's session. From `expires_at` on a token is worth nothing.
    """

    name: str
    is_operator: bool = False
    account_roles: Mapping[int, Role] = field(default_factory=dict)
    scopes: frozenset[Scope] = frozenset()
    kind: ActorKind = ActorKind.PERSON
    number: int | None = None
    session_id: int | None = None
    expires_at: int | None = None

    def is_over(self, clock: Callable[[], int]) -> bool:
        """Tell whether what they showed has come to its end; most never do, and ask no clock."""
        return self.expires_at is not None and clock() >= self.expires_at

    @property
    def is_person(self) -> bool:
        """Somebody who signed in, and no program."""
        return self.kind == ActorKind.PERSON and self.number is not None

    def sees(self, account_id: int) -> bool:
        """Tell whether an account exists for this viewer."""
        return self.is_operator or account_id in self.account_roles

    def may(self, scope: Scope, account_id: int) -> bool:
        """Tell whether this viewer may use a scope in an account."""
        return scope in self.scopes_in(account_id)

    def scopes_in(self, account_id: int) -> frozenset[Scope]:
        """Everything that this viewer may do in an account."""
        if self.is_operator:
            return self.scopes
        role = self.account_roles.get(account_id)
        return self.scopes & _OF_ROLE[role] if role is not None else frozenset()


class OfAccount:
    """A type whose fields are about one account; what a field needs, it needs there."""

    state: AccountState


class Needs(FieldExtension):
    """What a field needs: one of some scopes, and perhaps the operator, or a person, not a program.

    It also guards the account that the field's input names, or that the field is one of, so that a field cannot forget
    to: an account out of sight is refused as NOT_FOUND, one in sight without the scope is FORBIDDEN.
    """

    def __init__(self, *scopes: Scope, operator: bool = False, person: bool = False) -> None:
        self.scopes = scopes
        self.operator = operator
        self.person = person

    async def resolve_async(self, next_: AsyncExtensionResolver, source: Any, info: Any, **kwargs: Any) -> Any:
        """Let the request through, or not."""
        account = getattr(source, "state", None)
        if isinstance(account, AccountState):
            self._admit_to(signed_in(info.context), account.account_id, info.context.language)
        self.admit(info.context, kwargs.get("account_id") or getattr(kwargs.get("input"), "account_id", None))
        return await next_(source, info, **kwargs)

    def admit(self, context: Any, account: str | None) -> None:
        """Refuse whoever may not use the field, or not for the account with this public id."""
        viewer, language = signed_in(context), context.language
        if not viewer.scopes.intersection(self.scopes):
            raise forbidden(language)
        if account is not None:
            self._admit_to(viewer, account_number(account), language)
        if self.operator and not viewer.is_operator:
            raise forbidden(language)
        if self.person and not viewer.is_person:
            raise forbidden(language)

    def _admit_to(self, viewer: Viewer, account_id: int, language: Language) -> None:
        if not viewer.sees(account_id):
            raise no_such_account()
        if not viewer.scopes_in(account_id).intersection(self.scopes):
            raise forbidden(language)


def signed_in(context: Any) -> Viewer:
    """The viewer, or the error that tells a stranger to sign in."""
    viewer: Viewer | None = context.viewer
    if viewer is None:
        message = context.language.say("Sign in, or send a valid bearer token.")
        raise GraphQLError(message, extensions={"code": "UNAUTHENTICATED"})
    return viewer


def forbidden(language: Language) -> GraphQLError:
    """The error for what the caller may see, but not do."""
    return GraphQLError(language.say("You may not do this."), extensions={"code": "FORBIDDEN"})


def no_such_account(name: str = "accountId") -> Refusal:
    """The refusal for an account that does not exist, or not for this caller."""
    return not_found(name, "There is no such account.")


def account_number(public_id: str, name: str = "accountId") -> int:
    """The number of an account from its public id; what is no such id names no account."""
    try:
        (account_id,) = read_id("acct", public_id, name)
    except Refusal:
        raise no_such_account(name) from None
    return account_id


def require_having(viewer: Viewer, role: Role, account_id: int) -> None:
    """Nobody gives a role in an account that is good for more than they may do there themselves."""
    if not viewer.scopes_in(account_id) >= _OF_ROLE[role]:
        raise invalid("role", "You cannot give a role that may do more than you.")


def require_operator_or_test(context: Any, account: AccountState) -> None:
    """Only the operator gives money away, or chooses prices; in a TEST account, whoever may use it."""
    if not (signed_in(context).is_operator or account.mode == AccountMode.TEST):
        raise forbidden(context.language)
