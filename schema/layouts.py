"""Queries laid out once, resolvers and all: what pages and clients ask for again and again.

The library that executes documents finds out for every request, and for every item of a list, what each field is, which
resolver answers it, and what its arguments are. Here that is settled once per document. A query changes nothing, and
can be asked again: whatever goes wrong, or is not usual, is left to the library, which runs the whole query anew. So
errors, and nulls in their place, are its own.
"""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
)
from graphql.execution.values import get_variable_values

from schema.laying import Complete, Fragments, Laying, NotLaidOut, Run

_MOST_ERRORS = 50
# Of a query with more variables that decide on some of it, there are too many ways to lay each of them out.
_MOST_DECIDING = 4
# What has more fields, in all ways together that are laid out, is not worth the memory: no page has a third of them.
_MOST_FIELDS = 500


class Layout:
    """A query that is laid out when it is first run: once for each way that its @include and @skip can go."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Fragments) -> None:
        self._schema = schema
        self._operation = operation
        self._fragments = fragments
        selections = [operation.selection_set, *(each.selection_set for each in fragments.values())]
        self._deciding = sorted({name for each in selections for name in _deciding(each)})
        self._laid_out: dict[tuple[Any, ...], Complete | None] = {}
        self._left = _MOST_FIELDS

    async def run(self, variables: dict[str, Any] | None, context: Any) -> dict[str, Any] | None:
        """The data that are asked for; None when they are the library's to find, or to say what is wrong."""
        defined = self._operation.variable_definitions or ()
        values = get_variable_values(self._schema, defined, variables or {}, _MOST_ERRORS, hide_suggestions=True)
        complete = None if isinstance(values, list) else self.laid_out(values.coerced)
        if complete is None:
            return None
        run = Run(values, context, asyncio.get_running_loop())
        try:
            data: dict[str, Any] = complete(run, ())
        except Exception as trouble:  # noqa: BLE001 - the library meets it again, and tells it
            run.trouble = trouble
        await run.end()
        return None if run.trouble is not None else data

    def laid_out(self, variables: Mapping[str, Any]) -> Complete | None:
        """How to answer with these variables; None where not all of it can be laid out."""
        decided = tuple(variables.get(name) for name in self._deciding)
        if not all(isinstance(each, bool) for each in decided) or len(decided) > _MOST_DECIDING:
            return None
        if decided not in self._laid_out:
            kind = self._schema.query_type
            assert kind is not None, "a schema has queries"
            laying = Laying(self._schema, self._operation, self._fragments, variables, self._left)
            try:
                self._laid_out[decided] = laying.object_of(kind, [self._operation.selection_set])
                self._left = laying.left
            except NotLaidOut:
                self._laid_out[decided] = None
        return self._laid_out[decided]


def lay_out(schema: GraphQLSchema, document: DocumentNode) -> Layout | None:
    """The only operation of a valid document, if it is a query."""
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    if len(operations) != 1 or operations[0].operation != OperationType.QUERY or operations[0].directives:
        return None
    return Layout(schema, operations[0], fragments)


def _deciding(selection: SelectionSetNode) -> Iterator[str]:
    """The variables on which it hangs whether parts of a selection are asked for."""
    for node in selection.selections:
        for directive in node.directives or ():
            yield from (
                each.value.name.value for each in directive.arguments or () if isinstance(each.value, VariableNode)
            )
        below: SelectionSetNode | None = getattr(node, "selection_set", None)
        yield from _deciding(below) if below else ()
