"""Connections: lists in pages, as Relay defines them, with keyset cursors.

A cursor holds the sort key of its row, so that a page costs the same wherever it begins and nothing shifts
when rows are added. A cursor that was tampered with is the caller's mistake, never ours.
"""

import base64
import binascii
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import strawberry
from graphql import FieldNode

from credits.refusals import invalid
from schema.context import Info
from schema.fields import resolved
from schema.limits import storable

T = TypeVar("T")
Row = TypeVar("Row")
Key = tuple[Any, ...]
LARGEST_PAGE = 200
USUAL_PAGE = 50
_LARGEST_NUMBER = 2**63
# What is asked of a list without regard to its items.
_OF_NO_ITEM = ("totalCount", "__typename")

First = Annotated[int | None, strawberry.argument(description="How many to return at most, 1 to 200.")]
After = Annotated[str | None, strawberry.argument(description="Return what follows this cursor.")]
Before = Annotated[
    str | None, strawberry.argument(description="Return what comes right before this cursor, in the list's own order.")
]


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="More follows after this page.")
    has_previous_page: bool = strawberry.field(description="Something came before this page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the page's first item.")
    end_cursor: str | None = strawberry.field(description="The cursor of the page's last item; pass it as `after`.")


@strawberry.type(description="An item of a page, with its cursor.")
class Edge(Generic[T]):
    cursor: str = strawberry.field(description="Pass it as `after` to get what follows this item.")
    node: T = strawberry.field(description="The item.")


@strawberry.type(description="One page of a list.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(description="The items of this page with their cursors.")
    page_info: PageInfo = strawberry.field(description="Where this page lies in the list.")
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @resolved("The items of this page.")
    def nodes(self) -> list[T]:
        return [edge.node for edge in self.edges]

    @resolved("How many items the whole list has. Counted only when it is asked for.")
    async def total_count(self) -> int:
        return await self.count()


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list is wanted: so many rows after a key, or before it."""

    first: int
    key: Key | None
    backwards: bool

    def sql(self, columns: Sequence[str], *, descending: bool = False) -> tuple[str, list[Any]]:
        """What follows a WHERE condition to read this part of a list sorted by some columns, and its parameters.

        One row more is read than wanted, which tells whether the list goes on.
        """
        downwards = descending != self.backwards
        sign, order = ("<", " DESC") if downwards else (">", "")
        by = ", ".join(f"{column}{order}" for column in columns)
        limit = f" ORDER BY {by} LIMIT {self.first + 1}"
        if self.key is None:
            return limit, []
        return f" AND ({', '.join(columns)}) {sign} ({', '.join('?' * len(columns))}){limit}", list(self.key)

    def cut(self, rows: Sequence[Row], key: Callable[[Row], Key]) -> list[Row]:
        """This part of a list that is at hand as a whole, in its order; one row more than wanted, as by `sql`."""
        if self.backwards:
            assert self.key is not None, "only a cursor leads backwards"
            return [row for row in reversed(rows) if key(row) < self.key][: self.first + 1]
        return [row for row in rows if self.key is None or key(row) > self.key][: self.first + 1]


def window(first: int | None, after: str | None, before: str | None, *key: type) -> Window:
    """The part of a list that the arguments ask for; `key` are the types of the list's sort key."""
    size = USUAL_PAGE if first is None else first
    if not 1 <= size <= LARGEST_PAGE:
        raise invalid("first", "Ask for 1 to {most} at a time.", most=LARGEST_PAGE)
    if after is not None and before is not None:
        raise invalid("before", "Give `after` or `before`, not both.")
    cursor, field = (after, "after") if before is None else (before, "before")
    return Window(size, None if cursor is None else read_cursor(cursor, key, field), before is not None)


def connection(
    wanted: Window,
    rows: Sequence[Row] | None,
    *,
    key: Callable[[Row], Key],
    node: Callable[[Row], T],
    count: Callable[[], Awaitable[int]],
) -> Connection[T]:
    """A page of the rows that `Window.sql` read; None where nobody asks for items. `count` counts a list that does not
    end with its first page."""
    goes_on = len(rows or ()) > wanted.first
    shown = (rows or ())[: wanted.first]
    if rows is not None and wanted.key is None and not goes_on:
        count = known(len(shown))
    if wanted.backwards:
        shown = shown[::-1]
    edges = [Edge(cursor=write_cursor(key(row)), node=node(row)) for row in shown]
    info = PageInfo(
        has_next_page=wanted.backwards or goes_on,
        has_previous_page=goes_on if wanted.backwards else wanted.key is not None,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Connection(edges=edges, page_info=info, count=count)


def asks_for_items(info: Info) -> bool:
    """Whether a list is asked for more than its count."""
    nodes = info._raw_info.field_nodes
    selected = [each for node in nodes for each in (node.selection_set.selections if node.selection_set else ())]
    return not all(isinstance(each, FieldNode) and each.name.value in _OF_NO_ITEM for each in selected)


def counting(info: Info, table: str, condition: str, parameters: Sequence[Any]) -> Callable[[], Awaitable[int]]:
    """A count of the rows that meet a condition, for when it is asked for."""
    statement = f'SELECT count(*) FROM "{table}" WHERE {condition}'

    async def count() -> int:
        found = await info.context.read(lambda session: session.row(statement, *parameters))
        assert found is not None
        return int(found[0])

    return count


def known(count: int) -> Callable[[], Awaitable[int]]:
    """A count that is known already."""

    async def give() -> int:
        return count

    return give


def write_cursor(key: Key) -> str:
    """A sort key as the text that clients hand back."""
    return base64.urlsafe_b64encode(json.dumps(key, separators=(",", ":")).encode()).decode().rstrip("=")


def read_cursor(text: str, types: Sequence[type], field: str) -> Key:
    """The sort key of a cursor; what is none, or one of another list, is refused at `field`."""
    try:
        key = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        key = None
    if not isinstance(key, list) or len(key) != len(types) or not all(map(_fits, key, types)):
        raise invalid(field, "This is no cursor of this list.")
    return tuple(key)


def _fits(part: Any, wanted: type) -> bool:
    if type(part) is not wanted:
        return False
    return abs(part) < _LARGEST_NUMBER if isinstance(part, int) else storable(part)
