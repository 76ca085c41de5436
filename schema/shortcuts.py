"""The input of an operation read from its one variable, and its resolver called, without the library's detours.

The library looks up every field's type and name again for each request, and builds the chain of a field's extensions
anew. For a field that takes one input of plain values, declared with `built_quickly`, both are settled once. Whatever
is unusual about the values that come is left to the library, which also knows how to say what is wrong with them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNonNull,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableNode,
    is_equal_type,
    is_leaf_type,
    is_required_input_field,
    type_from_ast,
)
from graphql.pyutils import Undefined
from graphql.utilities.coerce_input_value import coerce_default_value
from strawberry.extensions import FieldExtension
from strawberry.extensions.field_extension import build_field_extension_resolvers
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types import Info
from strawberry.types.field import StrawberryField

from schema.inputs import python_names

_ONLY_ARGUMENT = "input"


@dataclass(frozen=True, slots=True)
class Shortcut:
    """How to read a field's input from the variables of a request, and how to call the field's resolver with it."""

    variable: str
    build: Callable[[Any], Any]
    field: StrawberryField
    chain: Callable[..., Any]

    def read(self, variables: dict[str, Any] | None) -> Any:
        """The input; None when the library has to read it."""
        return self.build(variables.get(self.variable)) if variables else None

    def resolve(self, asked: Any, info: GraphQLResolveInfo[Any]) -> Any:
        """Call the resolver, through all of its field's extensions."""
        return self.chain(None, Info(_raw_info=info, _field=self.field), **{_ONLY_ARGUMENT: asked})


def shortcut(
    schema: GraphQLSchema, operation: OperationDefinitionNode, node: FieldNode, field: GraphQLField
) -> Shortcut | None:
    """The shorter way for a root field of a valid operation, if it has one."""
    variable = _only_variable(schema, operation, node, field)
    definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if variable is None or not isinstance(definition, StrawberryField) or not _is_plain(definition):
        return None
    build = _building(_inner(field.args[_ONLY_ARGUMENT].type), definition.arguments[0].type)
    if build is None:
        return None
    chain = called_through(definition)
    return Shortcut(variable, build, definition, chain)


def called_through(definition: StrawberryField) -> Callable[..., Any]:
    """A field's resolver behind the extensions of its field, to be called with the parent, the info and the arguments
    by their names. It takes its parent as `self`; if there are extensions it is a coroutine."""
    resolver = definition.base_resolver
    assert resolver is not None, "the field has one"
    function: Any = resolver.wrapped_func
    chain = _told(function, resolver.info_parameter.name) if resolver.info_parameter else _untold(function)
    for extension in build_field_extension_resolvers(definition) if definition.extensions else ():
        chain = partial(extension, chain)
    return chain


def _told(function: Any, name: str) -> Callable[..., Any]:
    if name == "info":
        return lambda source, info, **arguments: function(source, info=info, **arguments)
    return lambda source, info, **arguments: function(source, **{name: info}, **arguments)


def _untold(function: Any) -> Callable[..., Any]:
    return lambda source, _info, **arguments: function(source, **arguments)


def _only_variable(
    schema: GraphQLSchema, operation: OperationDefinitionNode, node: FieldNode, field: GraphQLField
) -> str | None:
    """The variable that is all of the field's only argument, an input that must be there."""
    defined, given = operation.variable_definitions or (), node.arguments or ()
    if len(defined) != 1 or len(given) != 1 or list(field.args) != [_ONLY_ARGUMENT]:
        return None
    (variable,), (argument,) = defined, given
    kind = field.args[_ONLY_ARGUMENT].type
    if not (isinstance(kind, GraphQLNonNull) and isinstance(kind.of_type, GraphQLInputObjectType)):
        return None
    of_variable = type_from_ast(schema, variable.type)
    is_usual = isinstance(argument.value, VariableNode) and variable.default_value is None and not variable.directives
    if not is_usual or of_variable is None or not is_equal_type(of_variable, kind):
        return None
    return variable.variable.name.value


def _is_plain(definition: StrawberryField) -> bool:
    """Its resolver is a coroutine that takes its parent, the info and the input, as the field takes it."""
    resolver = definition.base_resolver
    if resolver is None or not resolver.is_async or resolver.self_parameter is None or resolver.info_parameter is None:
        return False
    reshapes = any(type(each).map_arguments is not FieldExtension.map_arguments for each in definition.extensions)
    return resolver.info_parameter.name == "info" and len(definition.arguments) == 1 and not reshapes


def _building(kind: GraphQLInputObjectType, declared: Any) -> Callable[[Any], Any] | None:
    """How to build an input from what JSON said, or None for what is unusual; None where it has more than leaves."""
    names = python_names(declared)
    if names is None or not all(is_leaf_type(_inner(each.type)) for each in kind.fields.values()):
        return None
    reads = {name: (names[name], _inner(each.type).coerce_input_value) for name, each in kind.fields.items()}
    sure = {name for name, each in kind.fields.items() if isinstance(each.type, GraphQLNonNull)}
    required = {name for name, each in kind.fields.items() if is_required_input_field(each)}
    defaults = {names[name]: coerce_default_value(each) for name, each in kind.fields.items() if name not in required}
    usual = {name: None if value is Undefined else value for name, value in defaults.items()}

    def build(value: Any) -> Any:
        if not isinstance(value, dict) or not required <= value.keys():
            return None
        given = usual.copy()
        try:
            for name, part in value.items():
                python_name, read = reads[name]
                if part is None and name not in sure:
                    given[python_name] = None
                    continue
                given[python_name] = coerced = read(part)
                if coerced is Undefined:
                    return None
        except Exception:  # noqa: BLE001 - the library meets it again, and says what is wrong
            return None
        return declared(**given)

    return build


def _inner(kind: Any) -> Any:
    return kind.of_type if isinstance(kind, GraphQLNonNull) else kind
