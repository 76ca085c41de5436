"""Inputs that come by the hundred thousand, or many times a second, built without the general way's detours.

The library builds each input by looking up every field's type and name again. For such inputs that is settled once,
when the class is declared.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from strawberry.types.arguments import InputContext

T = TypeVar("T")
# The Python names of the fields of inputs that hold no others, by their names in the API.
_NAMES: dict[type, dict[str, str]] = {}


def built_quickly(*nested: str) -> Any:
    """Declare an input that is built often; `nested` names, as in Python, the fields that hold inputs themselves."""

    def settle(cls: type[T]) -> type[T]:
        definition: Any = cls.__strawberry_definition__  # type: ignore[attr-defined]
        names = {each.graphql_name or _camel(each.python_name): each.python_name for each in definition.fields}
        nothing = dict.fromkeys(names.values())
        inner = {each.python_name: each for each in definition.fields if each.python_name in nested}

        def build(kind: type[T], value: Mapping[str, Any], context: InputContext) -> T:
            given = {**nothing, **{names[name]: part for name, part in value.items()}}
            for name, each in inner.items():
                if given[name] is not None:
                    given[name] = context.convert(given[name], each.resolve_type(type_definition=definition))
            return kind(**given)

        definition.from_input = build
        if not nested:
            _NAMES[cls] = names
        return cls

    return settle


def python_names(kind: Any) -> dict[str, str] | None:
    """The names in Python of an input's fields, by those in the API; None for one that is not built quickly, or holds
    others."""
    return _NAMES.get(kind) if isinstance(kind, type) else None


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
