"""The pages' documents are questions that the schema understands."""

import pytest
from graphql import build_schema, parse, validate

from schema.schema import sdl
from web.documents import QUERIES, document

SCHEMA = build_schema(sdl())


@pytest.mark.parametrize("name", sorted(path.stem for path in QUERIES.glob("*.graphql") if path.stem != "fragments"))
def test_a_document_fits_the_schema(name: str) -> None:
    assert [error.message for error in validate(SCHEMA, parse(document(name)))] == []
