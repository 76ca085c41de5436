"""Documents are made ready once, and the last ones are remembered."""

import pytest
from graphql import OperationType

from schema.documents import REMEMBERED, Documents
from tests.schema.asking import SDL

VIEWER = "{ viewer { name scopes roles } }"


@pytest.fixture
def documents() -> Documents:
    """The documents of the schema, none of them seen yet."""
    return Documents(SDL)


def test_a_document_is_parsed_and_validated_once(documents: Documents) -> None:
    first = documents.prepare(VIEWER)

    assert documents.prepare(VIEWER) is first
    assert first.errors == []
    assert first.document is not None


def test_what_is_wrong_with_a_document_is_remembered_too(documents: Documents) -> None:
    first = documents.prepare("{ nothing }")

    assert [error.message for error in first.errors] == ["Cannot query field 'nothing' on type 'Query'."]
    assert documents.prepare("{ nothing }") is first


def test_the_document_that_was_used_longest_ago_is_forgotten(documents: Documents) -> None:
    first, second = documents.prepare(VIEWER), documents.prepare("{ rateDecks { id } }")
    for number in range(REMEMBERED - 2):
        documents.prepare(f"{{ viewer {{ name{number}: name }} }}")
    assert documents.prepare(VIEWER) is first

    documents.prepare("{ viewer { scopes } }")

    assert documents.prepare(VIEWER) is first
    assert documents.prepare("{ rateDecks { id } }") is not second


def test_a_long_text_is_not_remembered(documents: Documents) -> None:
    long = VIEWER + " " * 20_000

    assert documents.prepare(long) is not documents.prepare(long)


def test_the_operations_of_a_document_are_known_by_their_names(documents: Documents) -> None:
    prepared = documents.prepare("query Q { viewer { name } } mutation M { __typename }")

    assert prepared.operation_type("M") == OperationType.MUTATION
    assert prepared.operation_type(None) == OperationType.QUERY
    assert prepared.operation_type("Nope") is None


def test_a_document_that_nests_without_end_is_refused(documents: Documents) -> None:
    prepared = documents.prepare("{ a(b: " + "[" * 1_500 + "]" * 1_500 + ") }")

    assert prepared.errors
