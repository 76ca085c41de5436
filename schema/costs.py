"""What an operation costs, in points, before it is run.

An object in the answer costs a point, and so does a value that has to be looked up; values that are there already cost
nothing. A page of a list costs as many times what one item costs as `first` says, and pages within pages multiply. A
list without pages counts as a usual number of items. Changing something costs more than reading; what a switch says
thousands of times a second does not.

All that does not depend on variables is added up once, when a document is made ready.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    value_from_ast_untyped,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter

from schema.paging import LARGEST_PAGE, USUAL_PAGE

# What a switch says while calls go on, and after: these have a budget of their own, and cost no more than a reading.
CALL_FIELDS = frozenset({"authorizeCall", "extendCall", "settleCall", "releaseCall", "recordCalls"})
# The points of a change, beside those of what it answers.
CHANGE = 10
# The points of a look into the schema, however deep.
INTROSPECTION = 100
# The arguments that say how many items there will be, and the most that they may say.
_SIZED_BY = {"first": LARGEST_PAGE, "days": 1_000, "names": 1_000}
_USUAL_LIST = 10
# Lists without pages of which more, or less, is known.
_LISTS = {"errors": 1, "licenses": 3, "usage": 100}


class Variable(NamedTuple):
    """A size that a variable holds."""

    name: str
    usual: int
    most: int

    def size(self, variables: Mapping[str, Any]) -> int:
        """How many it says; what it may not say is refused when it is read, and counts as the nearest it may."""
        return _as_size(variables.get(self.name, self.usual), self.usual, self.most)


@dataclass(frozen=True, slots=True)
class Cost:
    """Points that are known, and parts that a size in a variable multiplies. `is_of_calls` tells that the operation
    only says something of calls."""

    fixed: int
    parts: tuple[tuple[Variable | int, "Cost"], ...] = ()
    is_of_calls: bool = False

    def points(self, variables: Mapping[str, Any] | None) -> int:
        """What it costs with these variables."""
        return _points(self, variables or {}, {}) if self.parts else self.fixed


def cost_of(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> Cost:
    """The cost of an operation of a valid document."""
    return _Measuring(schema, document, operation).cost


class _Measuring:
    """One operation being measured; each of its fragments is measured once."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._operation = operation
        self._fragments = {
            each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
        }
        self._measured: dict[tuple[str, Variable | int], Cost] = {}

    @cached_property
    def cost(self) -> Cost:
        """The whole of it."""
        root = self._schema.get_root_type(self._operation.operation)
        selected = self._operation.selection_set.selections
        below = self._below(selected, root, _USUAL_LIST)
        names = {each.name.value if isinstance(each, FieldNode) else None for each in selected}
        return Cost(below.fixed, below.parts, names <= CALL_FIELDS)

    def _below(self, selected: tuple[SelectionNode, ...], parent: Any, size: Variable | int) -> Cost:
        """What is selected of one object; `size` is how many items its page has, where it is one."""
        return _sum(self._selection(each, parent, size) for each in selected)

    def _selection(self, node: SelectionNode, parent: Any, size: Variable | int) -> Cost:
        if isinstance(node, FieldNode):
            return self._field(node, parent, size)
        if isinstance(node, FragmentSpreadNode):
            return self._spread(node.name.value, size)
        assert isinstance(node, InlineFragmentNode)
        kind = self._schema.get_type(node.type_condition.name.value) if node.type_condition else parent
        return self._below(node.selection_set.selections, kind, size)

    def _spread(self, name: str, size: Variable | int) -> Cost:
        found = self._measured.get((name, size))
        if found is None:
            fragment = self._fragments[name]
            kind = self._schema.get_type(fragment.type_condition.name.value)
            found = self._measured[name, size] = self._below(fragment.selection_set.selections, kind, size)
        return found

    def _field(self, node: FieldNode, parent: Any, size: Variable | int) -> Cost:
        name = node.name.value
        if name.startswith("__"):
            return Cost(0 if name == "__typename" else INTROSPECTION)
        field = parent.fields[name]
        own = CHANGE if parent is self._schema.mutation_type and name not in CALL_FIELDS else 0
        kind = get_named_type(field.type)
        if is_leaf_type(kind):
            return Cost(own + (not _is_there_already(field)))
        assert node.selection_set is not None
        asked_for = self._size_asked_for(node, field)
        below = _sum((Cost(1), self._below(node.selection_set.selections, kind, asked_for or _USUAL_LIST)))
        if is_list_type(get_nullable_type(field.type)):
            items = size if name in ("nodes", "edges") else _USUAL_LIST
            below = _times(_LISTS.get(name) or asked_for or items, below)
        return _sum((Cost(own), below))

    def _size_asked_for(self, node: FieldNode, field: GraphQLField) -> Variable | int | None:
        """How many items an argument asks for; None where no argument says so."""
        for name, most in _SIZED_BY.items():
            if name in field.args:
                usual = _as_size(field.args[name].default_value, USUAL_PAGE, most)
                given = next((each.value for each in node.arguments or () if each.name.value == name), None)
                if isinstance(given, VariableNode):
                    return Variable(given.name.value, self._usual(given.name.value, usual, most), most)
                if isinstance(given, IntValueNode | ListValueNode):
                    return _as_size(value_from_ast_untyped(given), usual, most)
                return usual
        return None

    def _usual(self, variable: str, usual: int, most: int) -> int:
        """What counts when the variable is not sent."""
        for each in self._operation.variable_definitions or ():
            if each.variable.name.value == variable and each.default_value is not None:
                return _as_size(value_from_ast_untyped(each.default_value), usual, most)
        return usual


def _is_there_already(field: GraphQLField) -> bool:
    definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    return definition is None or definition.is_basic_field


def _as_size(value: Any, usual: int, most: int) -> int:
    said = len(value) if isinstance(value, list) else value
    return int(min(max(said, 1), most)) if isinstance(said, int | float) else usual


def _sum(costs: Iterator[Cost] | tuple[Cost, ...]) -> Cost:
    fixed, parts = 0, list[tuple[Variable | int, Cost]]()
    for cost in costs:
        fixed += 0 if cost.parts else cost.fixed
        parts += [(1, cost)] if cost.parts else []
    return Cost(fixed, tuple(parts))


def _times(size: Variable | int, cost: Cost) -> Cost:
    if isinstance(size, int) and not cost.parts:
        return Cost(size * cost.fixed)
    return Cost(0, ((size, cost),))


def _points(cost: Cost, variables: Mapping[str, Any], known: dict[int, int]) -> int:
    """The points; what fragments share is added up once."""
    if id(cost) not in known:
        known[id(cost)] = cost.fixed + sum(
            (size if isinstance(size, int) else size.size(variables)) * _points(part, variables, known)
            for size, part in cost.parts
        )
    return known[id(cost)]
