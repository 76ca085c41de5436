"""How values without parts are written: the library's way, with a shorter one for values that are what they should be.

The library tells anew for each value what it is, and looks an enumeration's member up by going through all of them.
"""

from collections.abc import Callable
from typing import Any

from graphql import GraphQLBoolean, GraphQLID, GraphQLInt, GraphQLString
from graphql.pyutils import Undefined
from strawberry.schema.schema_converter import CustomGraphQLEnumType

Write = Callable[[Any], Any]
_TEXTS = (GraphQLString, GraphQLID)
_LARGEST_INT = 2**31 - 1


def writing(kind: Any) -> Write:
    """How a leaf type writes a value that is not null; raises for what is none of its values."""
    write = _checked(kind)
    if isinstance(kind, CustomGraphQLEnumType):
        return _enumeration(kind, write)
    if kind in _TEXTS:
        return lambda value: value if type(value) is str else write(value)
    if kind is GraphQLBoolean:
        return lambda value: value if value is True or value is False else write(value)
    if kind is GraphQLInt:
        return lambda value: value if type(value) is int and abs(value) <= _LARGEST_INT else write(value)
    return write


def _checked(kind: Any) -> Write:
    def written(value: Any) -> Any:
        done = kind.coerce_output_value(value)
        if done is None or done is Undefined:
            raise TypeError(f"A {kind} cannot be written as {done}.")
        return done

    return written


def _enumeration(kind: CustomGraphQLEnumType, write: Write) -> Write:
    of_enum: Any = kind.wrapped_cls
    names = {member: write(member) for member in of_enum}
    return lambda value: names[value] if type(value) is of_enum else write(value)
