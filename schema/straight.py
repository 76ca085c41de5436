"""Operations that ask for one thing, run straight: what switches send thousands of times a second.

The library that executes documents lays each of them out anew, whenever it comes. A document with one operation of one
root field, and below it only fields that are there already, take no arguments and have no fragments or directives, is
laid out here once. All others are the library's; its answers and these are the same, errors and nulls included, and
tests hold them side by side.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any, Union

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    is_leaf_type,
    located_error,
)
from graphql.execution.values import get_argument_values, get_variable_values
from graphql.pyutils import Path, Undefined
from strawberry.execution.is_awaitable import optimized_is_awaitable
from strawberry.schema.schema_converter import GraphQLCoreConverter

from schema.leaves import writing
from schema.shortcuts import Shortcut, shortcut

_MOST_ERRORS = 50

Fragments = Mapping[str, FragmentDefinitionNode]
# Where in the answer something stands: below what, and under which name or number. The library's own paths cost more,
# and are needed for errors only.
_Place = Union["tuple[_Place, str | int]", Path, None]
# Turns what a resolver gave into what is answered; notes its errors, or raises what is wrong with it.
_Complete = Callable[[list[GraphQLError], Any, _Place], Any]


@dataclass(frozen=True, slots=True)
class _Step:
    """A field to be answered."""

    key: str
    nodes: list[FieldNode]
    field: GraphQLField
    read: Callable[[Any], Any]
    complete: _Complete

    def failed(self, errors: list[GraphQLError], trouble: Exception, place: _Place) -> None:
        """Note an error where nothing may stand in its place; else let it take the field's parent along."""
        error = located_error(trouble, self.nodes, _path_to(place))
        if isinstance(self.field.type, GraphQLNonNull):
            raise error from None
        errors.append(error)


class Straight:
    """An operation of one root field, laid out once."""

    def __init__(
        self, schema: GraphQLSchema, operation: OperationDefinitionNode, parent: GraphQLObjectType, root: _Step
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._root = root
        self._shortcut: Shortcut | None = shortcut(schema, operation, root.nodes[0], root.field)
        path = Path(None, root.key, parent.name)
        self._told: tuple[Any, ...] = (
            root.nodes[0].name.value, root.nodes, root.field.type, parent, path, schema, {}, None, operation,
        )  # fmt: skip

    async def run(self, variables: dict[str, Any] | None, context: Any) -> ExecutionResult:
        """Run it."""
        ask = self._asked_shortly(variables, context) or self._asked(variables, context)
        if isinstance(ask, list):
            return ExecutionResult(None, ask)
        errors: list[GraphQLError] = []
        try:
            data: dict[str, Any] | None = {self._root.key: await self._answer(ask, errors)}
        except GraphQLError as error:
            errors.append(error)
            data = None
        return ExecutionResult(data, errors or None)

    def _asked_shortly(self, variables: dict[str, Any] | None, context: Any) -> Callable[[], Any] | None:
        """How to ask with an input that was read on a shorter way; None when the library is to read it."""
        if self._shortcut is None:
            return None
        asked = self._shortcut.read(variables)
        return None if asked is None else partial(self._shortcut.resolve, asked, self._info(variables, context))

    def _asked(self, variables: dict[str, Any] | None, context: Any) -> Callable[[], Any] | list[GraphQLError]:
        """How to ask, or what is wrong with the variables."""
        defined = self._operation.variable_definitions or ()
        values = get_variable_values(self._schema, defined, variables or {}, _MOST_ERRORS, hide_suggestions=True)
        if isinstance(values, list):
            return values

        def ask() -> Any:
            root = self._root
            arguments = get_argument_values(root.field, root.nodes[0], values, hide_suggestions=True)
            assert root.field.resolve is not None
            return root.field.resolve(None, self._info(values.coerced, context), **arguments)

        return ask

    async def _answer(self, ask: Callable[[], Any], errors: list[GraphQLError]) -> Any:
        root, place = self._root, (None, self._root.key)
        try:
            value = ask()
            if optimized_is_awaitable(value):
                value = await value
            return root.complete(errors, value, place)
        except Exception as trouble:  # noqa: BLE001 - it becomes an error of the answer
            root.failed(errors, trouble, place)
        return None

    def _info(self, variables: Any, context: Any) -> GraphQLResolveInfo[Any]:
        """What a resolver is told; like Strawberry's, with the variables as a plain dict."""
        told: Any = (*self._told, variables, context, optimized_is_awaitable, None, None)
        return GraphQLResolveInfo(*told)


def _path_to(place: _Place) -> list[str | int]:
    steps: list[str | int] = []
    while isinstance(place, tuple) and not isinstance(place, Path):
        place, step = place
        steps.append(step)
    return [*(place.as_list() if place else ()), *reversed(steps)]


class _TooMuch(Exception):
    """The operation has something that only the library executes."""


def laid_out(schema: GraphQLSchema, document: DocumentNode) -> Straight | None:
    """The only operation of a valid document, if it is one to be run straight."""
    if len(document.definitions) != 1:
        return None
    (operation,) = document.definitions
    if not isinstance(operation, OperationDefinitionNode) or operation.directives:
        return None
    parent = {OperationType.QUERY: schema.query_type, OperationType.MUTATION: schema.mutation_type}.get(
        operation.operation
    )
    nodes = operation.selection_set.selections
    if parent is None or len(nodes) != 1 or not isinstance(nodes[0], FieldNode) or nodes[0].name.value[:2] == "__":
        return None
    node = nodes[0]
    try:
        if node.directives:
            raise _TooMuch
        found = parent.fields[node.name.value]
        complete = _completing(found.type, node, f"{parent.name}.{node.name.value}", {})
    except _TooMuch:
        return None
    return Straight(schema, operation, parent, _Step(_key_of(node), [node], found, _nothing, complete))


class Branch:
    """A field's selections, laid out once for the library that executes the rest of the document."""

    def __init__(self, complete: _Complete) -> None:
        self._complete = complete

    def answer(self, value: Any, path: Path) -> Any:
        """What is answered; Undefined when anything is wrong with it, which is the library's to tell."""
        errors: list[GraphQLError] = []
        try:
            answer = self._complete(errors, value, path)
        except Exception:  # noqa: BLE001 - the library meets it again
            return Undefined
        return Undefined if errors else answer


def laid_out_branch(kind: Any, node: FieldNode, fragments: Fragments, where: str) -> Branch | None:
    """How to answer with an object, or a list of them, of which only is asked what is there already; else None."""
    named = get_named_type(kind)
    if not isinstance(named, GraphQLObjectType) or node.selection_set is None:
        return None
    try:
        return Branch(_completing(kind, node, where, fragments))
    except _TooMuch:
        return None


def _steps(parent: GraphQLObjectType, selection: SelectionSetNode, fragments: Fragments) -> Iterator[_Step]:
    seen = set()
    for node in _fields_of(parent, selection, fragments):
        if node.directives or _key_of(node) in seen:
            raise _TooMuch
        seen.add(_key_of(node))
        name = node.name.value
        if name not in parent.fields:  # __typename
            raise _TooMuch
        found = parent.fields[name]
        definition = found.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        if found.args or definition is None or not definition.is_basic_field:
            raise _TooMuch
        complete = _completing(found.type, node, f"{parent.name}.{name}", fragments)
        yield _Step(_key_of(node), [node], found, attrgetter(definition.python_name), complete)


def _fields_of(parent: GraphQLObjectType, selection: SelectionSetNode, fragments: Fragments) -> Iterator[FieldNode]:
    """The fields of a selection, and of the fragments in it that are of its type."""
    for node in selection.selections:
        if isinstance(node, FieldNode):
            yield node
            continue
        spread = isinstance(node, FragmentSpreadNode)
        fragment: Any = fragments.get(node.name.value) if isinstance(node, FragmentSpreadNode) else node
        if fragment is None or node.directives or fragment.directives or (spread and getattr(node, "arguments", None)):
            raise _TooMuch
        if fragment.type_condition is None or fragment.type_condition.name.value != parent.name:
            raise _TooMuch
        yield from _fields_of(parent, fragment.selection_set, fragments)


def _completing(kind: Any, node: FieldNode, where: str, fragments: Fragments) -> _Complete:
    is_sure = isinstance(kind, GraphQLNonNull)
    inner = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if is_leaf_type(inner):
        done = _leaf(inner)
    elif isinstance(inner, GraphQLList):
        complete = _completing(inner.of_type, node, where, fragments)
        done = _each(complete, node, is_null_allowed=not isinstance(inner.of_type, GraphQLNonNull))
    elif isinstance(inner, GraphQLObjectType) and node.selection_set is not None:
        done = _object(list(_steps(inner, node.selection_set, fragments)))
    else:
        raise _TooMuch
    return _never_null(done, where) if is_sure else done


def _never_null(complete: _Complete, where: str) -> _Complete:
    def completed(errors: list[GraphQLError], value: Any, place: _Place) -> Any:
        if value is None:
            raise TypeError(f"Cannot return null for non-nullable field {where}.")
        return complete(errors, value, place)

    return completed


def _each(complete: _Complete, node: FieldNode, *, is_null_allowed: bool) -> _Complete:
    def completed(errors: list[GraphQLError], value: Any, place: _Place) -> Any:
        if value is None:
            return None
        done = []
        for number, item in enumerate(value):
            try:
                done.append(complete(errors, item, (place, number)))
            except Exception as trouble:  # noqa: BLE001 - it becomes an error of the answer
                error = located_error(trouble, [node], _path_to((place, number)))
                if not is_null_allowed:
                    raise error from None
                errors.append(error)
                done.append(None)
        return done

    return completed


def _leaf(kind: Any) -> _Complete:
    write = writing(kind)
    return lambda _errors, value, _place: None if value is None else write(value)


def _object(steps: list[_Step]) -> _Complete:
    laid_out = [(step.key, step.read, step.complete, step) for step in steps]

    def completed(errors: list[GraphQLError], value: Any, place: _Place) -> Any:
        if value is None:
            return None
        answer: dict[str, Any] = {}
        for key, read, complete, step in laid_out:
            answer[key] = None
            try:
                answer[key] = complete(errors, read(value), (place, key))
            except Exception as trouble:  # noqa: BLE001 - it becomes an error of the answer
                step.failed(errors, trouble, (place, key))
        return answer

    return completed


def _nothing(_parent: Any) -> None:
    """The root field has no parent of which it is read."""


def _key_of(node: FieldNode) -> str:
    return node.alias.value if node.alias else node.name.value
