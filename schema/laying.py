"""How each field of a query is answered, settled once per document (schema/layouts.py).

A field is read off its parent, or asked of a resolver through the extensions of its field; what a resolver is told is
the same in all of a run. Resolvers that take their time run side by side, as the library runs them, so that loaders
gather what they ask for.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import partial
from operator import attrgetter
from types import NoneType
from typing import Any

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    ListValueNode,
    NamedTypeNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    is_abstract_type,
    is_leaf_type,
)
from graphql.execution.values import get_argument_values
from graphql.pyutils import Path
from strawberry.execution.is_awaitable import optimized_is_awaitable
from strawberry.extensions import FieldExtension
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types import Info
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from schema.leaves import Write, writing
from schema.shortcuts import called_through

_TYPENAME = "__typename"
# With these, a directive leaves in what it is about.
_WANTED = {"include": True, "skip": False}
_NULL = "Null where none may be."

# Turns what a resolver gave into what is answered; raises what is wrong with it.
Complete = Callable[["Run", Any], Any]
# Puts a field's answer in its place, now or later.
_Answer = Callable[["Run", Any, dict[str, Any]], None]
# What a resolver is told, and its arguments.
_Tell = Callable[["Run"], tuple[Info, dict[str, Any]]]
# Values that no resolver can change, so that all runs may share them.
_SETTLED = (str, int, date, Decimal, Enum, NoneType)
Fragments = Mapping[str, FragmentDefinitionNode]


class NotLaidOut(Exception):
    """The document has something that only the library executes."""


@dataclass(slots=True)
class Run:
    """One run of a query: what it was asked with, and the resolvers that are still at work."""

    variables: Any
    context: Any
    loop: asyncio.AbstractEventLoop
    told: dict[Any, tuple[Info, dict[str, Any]]] = field(default_factory=dict)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    trouble: BaseException | None = None

    def later(self, resolving: Any, complete: Complete, answer: dict[str, Any], key: str) -> None:
        """Put in its place what a resolver will give."""
        self.tasks.append(self.loop.create_task(self._put(resolving, complete, answer, key)))

    async def _put(self, resolving: Any, complete: Complete, answer: dict[str, Any], key: str) -> None:
        try:
            answer[key] = complete(self, await resolving)
        except Exception as trouble:  # noqa: BLE001 - the library meets it again, and tells it
            self.trouble = trouble

    async def end(self) -> None:
        """Wait for all resolvers: those that were called first call others."""
        try:
            for task in self.tasks:  # it grows meanwhile
                await task  # also one that has ended: if it was called off, it has put nothing in its place
        finally:
            for task in self.tasks:
                task.cancel()


class Laying:
    """One operation being laid out; `left` is how many fields it may still have."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Fragments,
        variables: Mapping[str, Any],
        left: int,
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._fragments = fragments
        self._variables = variables
        self.left = left

    def object_of(self, kind: GraphQLObjectType, selections: list[SelectionSetNode]) -> Complete:
        """An object with what some selections ask of it."""
        gathered: dict[str, list[FieldNode]] = {}
        spread: set[str] = set()
        for selection in selections:
            for node in self._nodes(kind, selection, spread):
                gathered.setdefault(_key_of(node), []).append(node)
        self.left -= len(gathered)
        if self.left < 0:
            raise NotLaidOut
        answers = [self._answer(kind, key, nodes) for key, nodes in gathered.items()]

        def completed(run: Run, value: Any) -> dict[str, Any] | None:
            if value is None:
                return None
            done: dict[str, Any] = {}
            for answer in answers:
                answer(run, value, done)
            return done

        return completed

    def _nodes(self, kind: GraphQLObjectType, selection: SelectionSetNode, spread: set[str]) -> Iterator[FieldNode]:
        """The fields of a selection, and of the fragments in it that are of its type, each of which counts once."""
        for node in selection.selections:
            if not all(map(self._lets_through, node.directives or ())):
                continue
            if isinstance(node, FieldNode):
                yield node
                continue
            fragment: Any = node
            if isinstance(node, FragmentSpreadNode):
                if node.name.value in spread:
                    continue
                spread.add(node.name.value)
                fragment = self._fragments[node.name.value]
                if fragment.directives or getattr(node, "arguments", None):
                    raise NotLaidOut
            if self._is_of(kind, fragment.type_condition):
                yield from self._nodes(kind, fragment.selection_set, spread)

    def _is_of(self, kind: GraphQLObjectType, condition: NamedTypeNode | None) -> bool:
        if condition is None or condition.name.value == kind.name:
            return True
        of = self._schema.type_map[condition.name.value]
        return is_abstract_type(of) and self._schema.is_sub_type(of, kind)

    def _lets_through(self, directive: DirectiveNode) -> bool:
        """Whether an @include or @skip leaves its node in."""
        name, arguments = directive.name.value, directive.arguments or ()
        if name not in _WANTED or len(arguments) != 1:
            raise NotLaidOut
        value: Any = arguments[0].value
        decided = self._variables[value.name.value] if isinstance(value, VariableNode) else value.value
        return decided is _WANTED[name]

    def _answer(self, parent: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> _Answer:
        name = nodes[0].name.value
        if name == _TYPENAME:
            return partial(_put_typename, parent.name, key)
        found = parent.fields.get(name)
        definition = found.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF) if found else None
        if found is None or not isinstance(definition, StrawberryField):
            raise NotLaidOut
        is_there_already = definition.is_basic_field and not found.args
        if not is_there_already:
            return self._resolving(parent, found, definition, nodes, self._completing(found.type, nodes))
        read = attrgetter(definition.python_name)
        kind, is_sure = _without_never_null(found.type)
        if is_leaf_type(kind):
            return _leaf_read_off(key, read, _written_by(kind, is_sure=is_sure))
        return _read_off(key, read, self._completing(found.type, nodes))

    def _completing(self, kind: Any, nodes: list[FieldNode]) -> Complete:
        inner, is_sure = _without_never_null(kind)
        if is_leaf_type(inner):
            return _leaf(_written_by(inner, is_sure=is_sure))
        if isinstance(inner, GraphQLList):
            done = _each(self._completing(inner.of_type, nodes))
        elif isinstance(inner, GraphQLObjectType):
            done = self.object_of(inner, [each.selection_set for each in nodes if each.selection_set])
        elif is_abstract_type(inner):
            done = self._one_of(inner, [each.selection_set for each in nodes if each.selection_set])
        else:
            raise NotLaidOut
        return _never_null(done) if is_sure else done

    def _one_of(self, kind: Any, selections: list[SelectionSetNode]) -> Complete:
        """An object of one of several types."""
        kinds = self._schema.get_possible_types(kind)
        completes = {_class_of(each): self.object_of(each, selections) for each in kinds}
        return lambda run, value: None if value is None else completes[type(value)](run, value)

    def _resolving(
        self,
        parent: GraphQLObjectType,
        found: GraphQLField,
        definition: StrawberryField,
        nodes: list[FieldNode],
        complete: Complete,
    ) -> _Answer:
        """How to answer with what a resolver gives."""
        resolver = definition.base_resolver
        reshapes = any(type(each).map_arguments is not FieldExtension.map_arguments for each in definition.extensions)
        if resolver is None or resolver.self_parameter is None or reshapes:
            raise NotLaidOut
        if definition.extensions and not resolver.is_async:
            raise NotLaidOut
        key = _key_of(nodes[0])
        call = called_through(definition)
        tell = self._telling(parent, found, definition, nodes)
        return _called_later(key, call, tell, complete) if resolver.is_async else _called(key, call, tell, complete)

    def _telling(
        self, parent: GraphQLObjectType, found: GraphQLField, definition: StrawberryField, nodes: list[FieldNode]
    ) -> _Tell:
        """What a resolver is told beside its parent: the same in all of a run."""
        node, schema = nodes[0], self._schema
        path = Path(None, _key_of(node), parent.name)
        about: tuple[Any, ...] = (node.name.value, nodes, found.type, parent, path, schema, {}, None, self._operation)
        read = partial(_arguments, schema, found, definition, node)
        settled = None if any(_has_variables(each.value) for each in node.arguments or ()) else read(None)
        if settled is not None and not all(isinstance(each, _SETTLED) for each in settled.values()):
            settled = None

        def tell(run: Run) -> tuple[Info, dict[str, Any]]:
            told = run.told.get(tell)
            if told is None:
                told_of: Any = (*about, run.variables.coerced, run.context, optimized_is_awaitable, None, None)
                info = Info(_raw_info=GraphQLResolveInfo(*told_of), _field=definition)
                told = run.told[tell] = info, read(run.variables) if settled is None else settled
            return told

        return tell


def _arguments(
    schema: GraphQLSchema, found: GraphQLField, definition: StrawberryField, node: FieldNode, variables: Any
) -> dict[str, Any]:
    """A field's arguments, as its resolver takes them."""
    values = get_argument_values(found, node, variables, hide_suggestions=True)
    of: Any = schema._strawberry_schema  # type: ignore[attr-defined]
    return convert_arguments(values, definition.arguments, of.schema_converter.scalar_registry, of.config)


def _has_variables(value: Any) -> bool:
    """Whether a value in a document has variables in it."""
    if isinstance(value, ListValueNode):
        return any(map(_has_variables, value.values))
    if isinstance(value, ObjectValueNode):
        return any(_has_variables(each.value) for each in value.fields)
    return isinstance(value, VariableNode)


def _class_of(kind: GraphQLObjectType) -> type:
    """The class whose objects are of a type."""
    definition: Any = kind.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
    of: type = definition.origin
    return of


def _without_never_null(kind: Any) -> tuple[Any, bool]:
    """A type, and whether it is never null."""
    return (kind.of_type, True) if isinstance(kind, GraphQLNonNull) else (kind, False)


def _key_of(node: FieldNode) -> str:
    return node.alias.value if node.alias else node.name.value


def _put_typename(name: str, key: str, _run: Run, _value: Any, done: dict[str, Any]) -> None:
    done[key] = name


def _read_off(key: str, read: Callable[[Any], Any], complete: Complete) -> _Answer:
    def answer(run: Run, value: Any, done: dict[str, Any]) -> None:
        done[key] = complete(run, read(value))

    return answer


def _leaf_read_off(key: str, read: Callable[[Any], Any], write: Write) -> _Answer:
    def answer(_run: Run, value: Any, done: dict[str, Any]) -> None:
        done[key] = write(read(value))

    return answer


def _called(key: str, call: Callable[..., Any], tell: _Tell, complete: Complete) -> _Answer:
    def answer(run: Run, value: Any, done: dict[str, Any]) -> None:
        info, arguments = tell(run)
        done[key] = complete(run, call(value, info, **arguments))

    return answer


def _called_later(key: str, call: Callable[..., Any], tell: _Tell, complete: Complete) -> _Answer:
    def answer(run: Run, value: Any, done: dict[str, Any]) -> None:
        info, arguments = tell(run)
        done[key] = None  # fields stand in the order in which they are asked for
        run.later(call(value, info, **arguments), complete, done, key)

    return answer


def _leaf(write: Write) -> Complete:
    return lambda _run, value: write(value)


def _written_by(kind: Any, *, is_sure: bool) -> Write:
    """How a leaf is written, or no value where that may be."""
    write = writing(kind)

    def written(value: Any) -> Any:
        if value is not None:
            return write(value)
        if is_sure:
            raise TypeError(_NULL)
        return None

    return written


def _each(complete: Complete) -> Complete:
    def completed(run: Run, value: Any) -> Any:
        return None if value is None else [complete(run, item) for item in value]

    return completed


def _never_null(complete: Complete) -> Complete:
    def completed(run: Run, value: Any) -> Any:
        if value is None:
            raise TypeError(_NULL)
        return complete(run, value)

    return completed
