"""`node(id:)`: anything that has an id, found by it."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import strawberry

from credits.ids import read_any_id
from credits.refusals import Refusal
from db.kinds import Scope
from schema.context import Context


@strawberry.interface(description="Anything that has an id of its own.")
class Node:
    id: strawberry.ID = strawberry.field(description="Opaque and stable; its prefix tells the type.")


# How to find a node by the numbers of its id. What belongs to an account has the account's number first.
Find = Callable[..., Awaitable[Any]]
F = TypeVar("F", bound=Find)
_of_account: dict[str, Find] = {}
_of_everyone: dict[str, Find] = {}


def found_by(kind: str, *, of_everyone: bool = False) -> Callable[[F], F]:
    """Register how the nodes of an id prefix are found."""

    def register(find: F) -> F:
        (_of_everyone if of_everyone else _of_account)[kind] = find
        return find

    return register


async def find(context: Context, kind: str, *numbers: int) -> Any:
    """A node by its numbers, for what the viewer came to by a way that was open to it."""
    return await (_of_account.get(kind) or _of_everyone[kind])(context, *numbers)


async def find_node(context: Context, public_id: str) -> Any:
    """The node with an id, or None when there is none, or none that this viewer may see."""
    try:
        wanted = read_any_id(public_id)
    except Refusal:
        return None
    if find := _of_everyone.get(wanted.kind):
        return await find(context, *wanted.numbers)
    find = _of_account.get(wanted.kind)
    if find is None or context.viewer is None or not context.viewer.may(Scope.READ, wanted.numbers[0]):
        return None
    return await find(context, *wanted.numbers)
