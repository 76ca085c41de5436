"""The schema as a whole: everything is described, and a document is read and checked once."""

from collections.abc import Iterator

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType, parse

from tests.schema.asking import SDL, Api


def described() -> Iterator[tuple[str, str | None]]:
    """Everything in the schema that a person may want explained, with its explanation."""
    for name, kind in SDL.type_map.items():
        if name.startswith("__") or name in ("String", "Int", "Boolean", "ID", "Float"):
            continue
        yield name, kind.description
        if isinstance(kind, GraphQLEnumType):
            yield from ((f"{name}.{word}", value.description) for word, value in kind.values.items())
        if isinstance(kind, GraphQLInputObjectType):
            yield from ((f"{name}.{field}", each.description) for field, each in kind.fields.items())
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for field, output in kind.fields.items():
                yield f"{name}.{field}", output.description
                yield from ((f"{name}.{field}({arg}:)", each.description) for arg, each in output.args.items())


def test_everything_in_the_schema_says_what_it_is() -> None:
    assert [name for name, description in described() if not description] == []


def test_descriptions_begin_in_capitals_and_end_in_a_full_stop() -> None:
    def shabby(text: str) -> bool:
        return not (text[0].isupper() or text[0] in "`19") or text[-1] not in ".)"

    assert [(name, text) for name, text in described() if text and shabby(text)] == []


@pytest.mark.parametrize("operation", ["Query", "Mutation"])
def test_a_root_type_can_be_asked_for_its_name(small_api: Api, operation: str) -> None:
    document = f"{'mutation' if operation == 'Mutation' else 'query'} {{ __typename }}"

    assert parse(document)
    assert small_api.ask(document, viewer=None) == {"__typename": operation}
