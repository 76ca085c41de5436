"""The requests in the docs can be sent as they stand: their documents fit the schema, and so do their variables."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse, validate
from graphql.execution.values import get_variable_values

from tests.schema.asking import SDL

ROOT = Path(__file__).resolve().parents[2]
# A body that is handed to curl; and a document set off from the text, perhaps with its variables in a comment.
BODY = re.compile(r" -d '(\{.*?\})'$", re.MULTILINE)
DOCUMENT = re.compile(r"(?<=\n\n)((?: {4}(?:query|mutation|subscription)\b[^\n]*\n)(?: {4}.*\n)*)")


def requests() -> Iterator[tuple[str, str, dict[str, Any] | None]]:
    """Each request in the docs: in which file, its document, and its variables where they are there."""
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        written = path.read_text()
        for body in map(json.loads, BODY.findall(written)):
            yield path.name, body["query"], body.get("variables", {})
        for block in DOCUMENT.findall(written):
            lines = [line[4:] for line in block.splitlines()]
            values = " ".join(line.removeprefix("#").strip() for line in lines if line.startswith("#"))
            document = "\n".join(line for line in lines if not line.startswith("#"))
            yield path.name, document, json.loads(values) if values else None


@pytest.mark.parametrize(("name", "document", "variables"), list(requests()))
def test_a_request_in_the_docs_fits_the_schema(name: str, document: str, variables: dict[str, Any] | None) -> None:
    read = parse(document)
    (operation,) = read.definitions
    assert isinstance(operation, OperationDefinitionNode)

    assert [str(error) for error in validate(SDL, read)] == []
    if variables is not None:
        coerced = get_variable_values(SDL, operation.variable_definitions or (), variables)
        assert not isinstance(coerced, list), coerced


def test_every_message_of_a_switch_is_shown_in_its_docs() -> None:
    shown = " ".join(document for name, document, _ in requests() if name == "switches.md")

    assert [
        verb
        for verb in ("authorizeCall", "extendCall", "settleCall", "releaseCall", "recordCalls")
        if f"{verb}(input: $input)" not in shown
    ] == []
