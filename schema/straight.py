"""Operations that ask for one thing, run straight: what switches send thousands of times a second.

The library that executes documents lays each of them out anew, whenever it comes. A document with one operation of one
root field, and below it only fields that are there already, take no arguments and have no fragments or directives, is
laid out here once. All others are the library's; its answers and these are the same, errors and nulls included, and
tests hold them side by side.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

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
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values
from graphql.pyutils import Path, Undefined
from strawberry.execution.is_awaitable import optimized_is_awaitable
from strawberry.schema.schema_converter import GraphQLCoreConverter

_MOST_ERRORS = 50
_NO_VARIABLES = VariableValues({}, {})


@dataclass(slots=True)
class _Run:
    """One execution: its variables, its context, and the errors that it has met."""

    variables: VariableValues
    context: Any
    errors: list[GraphQLError] = field(default_factory=list)


Fragments = Mapping[str, FragmentDefinitionNode]
# Turns what a resolver gave into what is answered; raises what is wrong with it.
_Complete = Callable[[_Run, Any, Path], Any]


@dataclass(frozen=True, slots=True)
class _Step:
    """A field to be answered."""

    key: str
    nodes: list[FieldNode]
    field: GraphQLField
    parent: GraphQLObjectType
    read: Callable[[Any], Any] | None
    complete: _Complete

    def failed(self, run: _Run, trouble: Exception, path: Path) -> None:
        """Note an error where nothing may stand in its place; else let it take the field's parent along."""
        error = located_error(trouble, self.nodes, path.as_list())
        if isinstance(self.field.type, GraphQLNonNull):
            raise error from None
        run.errors.append(error)


class Straight:
    """An operation of one root field, laid out once."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode, root: _Step) -> None:
        self._schema = schema
        self._operation = operation
        self._root = root

    async def run(self, variables: dict[str, Any] | None, context: Any) -> ExecutionResult:
        """Run it."""
        defined = self._operation.variable_definitions or ()
        values = get_variable_values(self._schema, defined, variables or {}, _MOST_ERRORS, hide_suggestions=True)
        if isinstance(values, list):
            return ExecutionResult(None, values)
        run = _Run(values, context)
        try:
            data: dict[str, Any] | None = {self._root.key: await self._answer(run)}
        except GraphQLError as error:
            run.errors.append(error)
            data = None
        return ExecutionResult(data, run.errors or None)

    async def _answer(self, run: _Run) -> Any:
        step = self._root
        path = Path(None, step.key, step.parent.name)
        try:
            arguments = get_argument_values(step.field, step.nodes[0], run.variables, hide_suggestions=True)
            assert step.field.resolve is not None
            value = step.field.resolve(None, self._told(run, step, path), **arguments)
            if optimized_is_awaitable(value):
                value = await value
            return step.complete(run, value, path)
        except Exception as trouble:  # noqa: BLE001 - it becomes an error of the answer
            step.failed(run, trouble, path)
        return None

    def _told(self, run: _Run, step: _Step, path: Path) -> GraphQLResolveInfo[Any]:
        """What a resolver is told; like Strawberry's, with the variables as a plain dict."""
        told: Any = (
            step.nodes[0].name.value, step.nodes, step.field.type, step.parent, path, self._schema, {}, None,
            self._operation, run.variables.coerced, run.context, optimized_is_awaitable, None, None,
        )  # fmt: skip
        return GraphQLResolveInfo(*told)


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
    return Straight(schema, operation, _Step(_key_of(node), [node], found, parent, None, complete))


class Branch:
    """A field's selections, laid out once for the library that executes the rest of the document."""

    def __init__(self, complete: _Complete) -> None:
        self._complete = complete

    def answer(self, value: Any, path: Path) -> Any:
        """What is answered; Undefined when anything is wrong with it, which is the library's to tell."""
        run = _Run(_NO_VARIABLES, None)
        try:
            answer = self._complete(run, value, path)
        except Exception:  # noqa: BLE001 - the library meets it again
            return Undefined
        return Undefined if run.errors else answer


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
        yield _Step(_key_of(node), [node], found, parent, attrgetter(definition.python_name), complete)


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
    if isinstance(kind, GraphQLNonNull):
        return _never_null(_completing(kind.of_type, node, where, fragments), where)
    if isinstance(kind, GraphQLList):
        complete = _completing(kind.of_type, node, where, fragments)
        return _each(complete, node, is_null_allowed=not isinstance(kind.of_type, GraphQLNonNull))
    if is_leaf_type(kind):
        return _leaf(kind)
    if not isinstance(kind, GraphQLObjectType) or node.selection_set is None:
        raise _TooMuch
    return _object(list(_steps(kind, node.selection_set, fragments)))


def _never_null(complete: _Complete, where: str) -> _Complete:
    def completed(run: _Run, value: Any, path: Path) -> Any:
        done = complete(run, value, path)
        if done is None:
            raise TypeError(f"Cannot return null for non-nullable field {where}.")
        return done

    return completed


def _each(complete: _Complete, node: FieldNode, *, is_null_allowed: bool) -> _Complete:
    def completed(run: _Run, value: Any, path: Path) -> Any:
        if value is None:
            return None
        done = []
        for place, item in enumerate(value):
            there = Path(path, place, None)
            try:
                done.append(complete(run, item, there))
            except Exception as trouble:  # noqa: BLE001 - it becomes an error of the answer
                error = located_error(trouble, [node], there.as_list())
                if not is_null_allowed:
                    raise error from None
                run.errors.append(error)
                done.append(None)
        return done

    return completed


def _leaf(kind: Any) -> _Complete:
    write = kind.coerce_output_value

    def completed(_run: _Run, value: Any, _path: Path) -> Any:
        if value is None:
            return None
        written = write(value)
        if written is None or written is Undefined:
            raise TypeError(f"A {kind} cannot be written as {written}.")
        return written

    return completed


def _object(steps: list[_Step]) -> _Complete:
    def completed(run: _Run, value: Any, path: Path) -> Any:
        if value is None:
            return None
        answer: dict[str, Any] = {}
        for step in steps:
            there = Path(path, step.key, step.parent.name)
            answer[step.key] = None
            try:
                assert step.read is not None
                answer[step.key] = step.complete(run, step.read(value), there)
            except Exception as trouble:  # noqa: BLE001 - it becomes an error of the answer
                step.failed(run, trouble, there)
        return answer

    return completed


def _key_of(node: FieldNode) -> str:
    return node.alias.value if node.alias else node.name.value
