"""Asking the schema as somebody, and the cast who ask.

Alice administers the account that a test is about, Bob pays its bills, Vera only looks; Charlie administers
another one. The operator sees them all. A switch is a program with a token for one account.
"""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from graphql import build_schema
from strawberry.types import ExecutionResult

from credits.decks import RateBook
from credits.ids import public_id
from credits.keys import Keys
from credits.language import language
from credits.providers import Providers
from credits.terms import USUAL_TERMS, Terms
from db.kinds import ActorKind, Role, Scope
from db.session import Database
from schema.access import Viewer
from schema.context import Context
from schema.http import Asked, subscription_results
from schema.schema import schema
from tests.factories import NOW

SDL = build_schema(schema.as_str())
assert SDL.query_type
assert SDL.mutation_type
assert SDL.subscription_type
QUERIES, MUTATIONS, SUBSCRIPTIONS = SDL.query_type.fields, SDL.mutation_type.fields, SDL.subscription_type.fields
EVERYTHING = frozenset(Scope)
OPERATOR = Viewer("operator@example.com", True, {}, EVERYTHING, number=1)


def person(role: Role, account_id: int) -> Viewer:
    """Somebody with a role in one account."""
    return Viewer(f"{role.lower()}@example.com", False, {account_id: role}, EVERYTHING, number=2)


def program(account_id: int | None, *scopes: Scope) -> Viewer:
    """A program's token: bound to an account, or to the operator."""
    roles = {} if account_id is None else {account_id: Role.ADMIN}
    return Viewer("switch", account_id is None, roles, frozenset(scopes), ActorKind.TOKEN, 3)


def acct(account_id: int) -> str:
    """An account's public id."""
    return public_id("acct", account_id)


@dataclass
class Api:
    """The schema over a database, with the clock at `NOW` unless a test moves it."""

    database: Database
    rates: RateBook = field(default_factory=RateBook)
    now: int = NOW
    terms: Terms = USUAL_TERMS
    base_url: str = ""
    providers: Providers = field(default_factory=Providers)
    keys: Keys = field(default_factory=Keys)

    def context(self, viewer: Viewer | None = OPERATOR, said_in: str = "en") -> Context:
        """What one request works with."""
        return Context(
            self.database, self.rates, viewer, language(said_in), lambda: self.now, self.terms,
            base_url=self.base_url, providers=self.providers, keys=self.keys,
        )  # fmt: skip

    def run(
        self, document: str, *, viewer: Viewer | None = OPERATOR, said_in: str = "en", **variables: Any
    ) -> ExecutionResult:
        """Run a document and return all that came of it."""
        context = self.context(viewer, said_in)
        result = asyncio.run(schema.execute(document, variable_values=variables, context_value=context))
        assert isinstance(result, ExecutionResult)
        return result

    def begin(self, document: str, *, viewer: Viewer | None = OPERATOR, **variables: Any) -> ExecutionResult:
        """Begin a subscription, and return the first that comes of it."""

        async def first() -> ExecutionResult:
            asked = Asked(document, variables, None)
            async with aclosing(subscription_results(asked, self.context(viewer))) as results:
                return await anext(results)

        return asyncio.run(first())

    def ask(self, document: str, **asked: Any) -> Any:
        """Run a document that must succeed, and return its data."""
        result = self.run(document, **asked)
        assert not result.errors, result.errors
        assert result.data is not None
        return result.data

    def error(self, document: str, **asked: Any) -> dict[str, Any]:
        """Run a document that must fail, and return its one error."""
        result = self.run(document, **asked)
        assert result.errors is not None
        assert len(result.errors) == 1, result.errors
        return dict(result.errors[0].formatted)

    def change(self, mutation: str, shape: str, values: dict[str, Any], **asked: Any) -> Any:
        """Run one mutation with an input, and return its payload."""
        kind = MUTATIONS[mutation].args["input"].type
        fields = f"{shape} errors {{ code message field }}"
        document = f"mutation Change($input: {kind}) {{ {mutation}(input: $input) {{ {fields} }} }}"
        return self.ask(document, input=values, **asked)[mutation]

    def refused(self, mutation: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        """Run one mutation that the rules refuse, and return its errors."""
        errors: list[dict[str, Any]] = self.change(mutation, "", values)["errors"]
        assert errors
        return errors
