"""The pages' GraphQL documents, and how they are run: with the reader's own rights, like any client's.

A document may spread the fragments of `fragments.graphql`; those that it names are appended to it.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

from starlette.requests import Request

from web.errors import NotVisible

NOTHING = object()
QUERIES = Path(__file__).with_name("queries")


async def ask(request: Request, name: str, /, **variables: Any) -> dict[str, Any]:
    """Run a page's document and return its data; an account that the reader may not see is NotVisible.

    The question is remembered, so that the page can offer it in GraphiQL.
    """
    asked = {key: value for key, value in variables.items() if value is not None}
    request.state.asked = (document(name), asked)
    data: dict[str, Any] = await request.state.run(document(name), asked)
    if "account" in data and data["account"] is None and asked.get("account"):
        raise NotVisible
    return data


async def tell(request: Request, name: str, /, **values: Any) -> dict[str, Any]:
    """Run a mutation's document with one `input`, and return its payload with its `errors`.

    What is None is left out of the input; NOTHING is sent as null, which takes away what is there.
    """
    given = {key: None if value is NOTHING else value for key, value in values.items() if value is not None}
    data: dict[str, Any] = await request.state.run(document(name), {"input": given})
    (payload,) = data.values()
    assert isinstance(payload, dict)
    return payload


@cache
def document(name: str) -> str:
    """A document of `queries/` with the fragments that it spreads."""
    text = (QUERIES / f"{name}.graphql").read_text(encoding="utf-8")
    shared = _fragments()
    named: list[str] = []
    waiting = _spreads(text)
    while waiting:
        fragment = waiting.pop(0)
        if fragment in shared and fragment not in named:
            named.append(fragment)
            waiting += _spreads(shared[fragment])
    return "\n".join([text.strip(), *(shared[fragment] for fragment in named)])


@cache
def _fragments() -> dict[str, str]:
    text = (QUERIES / "fragments.graphql").read_text(encoding="utf-8")
    parts = re.split(r"^(?=fragment )", text, flags=re.MULTILINE)
    return {part.split()[1]: part.strip() for part in parts if part.startswith("fragment ")}


def _spreads(text: str) -> list[str]:
    return re.findall(r"\.\.\.([A-Z]\w*)", text)
