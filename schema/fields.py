"""How fields are declared: what they need, and what becomes of a refusal.

A mutation that the rules refuse answers with its payload's `errors`, and nothing is done. What one changes is recorded
in the audit log, unless it says why not. In a query a refusal is a mistake in the request: see `schema.faults`.
"""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.extensions.field_extension import AsyncExtensionResolver

from credits.refusals import Refusal
from schema.access import Needs
from schema.deeds import Recorded
from schema.refusals import UserError

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
Input = Annotated[T, strawberry.argument(description="The values.")]


class RefusalsAsErrors(FieldExtension):
    """Answers a refusal with the field's payload type, empty but for its errors."""

    async def resolve_async(self, next_: AsyncExtensionResolver, source: Any, info: Any, **kwargs: Any) -> Any:
        """Run the mutation, or say why not."""
        try:
            return await next_(source, info, **kwargs)
        except Refusal as refusal:
            return info.return_type(errors=[UserError.of(refusal, info.context.language, "input")])


def mutation(needs: Needs, description: str, *, unrecorded: str | None = None) -> Callable[[F], F]:
    """A mutation: what it needs, that its refusals become data, and that the audit log has what it changes.

    `unrecorded` says why the log has nothing of it; docs/audit.md says so, too.
    """
    recorded = () if unrecorded else (Recorded(),)
    return _declared(description, needs, RefusalsAsErrors(), *recorded)


def query(needs: Needs, description: str) -> Callable[[F], F]:
    """A field that needs something."""
    return _declared(description, needs)


def subscription(needs: Needs, description: str) -> Callable[[F], F]:
    """A field to watch, and what it needs to begin with: whoever watches is to be asked for it again and again."""
    return _declared(description, needs, declare_as=strawberry.subscription)


def resolved(description: str) -> Callable[[F], F]:
    """A field that is open to whoever came to its parent."""
    return _declared(description)


def _declared(
    description: str, *extensions: FieldExtension, declare_as: Callable[..., Any] = strawberry.field
) -> Callable[[F], F]:
    def declare(resolver: F) -> F:
        declared: Any = declare_as(resolver, description=description, extensions=list(extensions))
        return declared  # type: ignore[no-any-return] # type checkers see the method, strawberry the field

    return declare
