"""What one document may ask: at the limit it runs, one beyond it does not."""

import itertools
import time

import pytest
from graphql import get_introspection_query

from schema.limits import MOST_ALIASES, MOST_DIRECTIVES, MOST_FIELDS, MOST_LEVELS, MOST_TOKENS
from tests.schema.asking import Api


def refused(api: Api, document: str) -> bool:
    """Tell whether a document is refused, as the caller's mistake."""
    errors = api.run(document).errors
    if errors:
        assert {(error.extensions or {})["code"] for error in errors} == {"BAD_USER_INPUT"}
    return bool(errors)


@pytest.mark.parametrize("beyond", [False, True])
def test_aliases(small_api: Api, beyond: bool) -> None:
    aliases = " ".join(f"a{number}: __typename" for number in range(MOST_ALIASES + beyond))

    assert refused(small_api, f"{{ {aliases} }}") is beyond


@pytest.mark.parametrize("beyond", [False, True])
def test_fields(small_api: Api, beyond: bool) -> None:
    assert refused(small_api, "{" + " __typename" * (MOST_FIELDS + beyond) + " }") is beyond


@pytest.mark.parametrize("beyond", [False, True])
def test_directives(small_api: Api, beyond: bool) -> None:
    fields = " __typename @include(if: true)" * (MOST_DIRECTIVES + beyond)

    assert refused(small_api, f"{{ {fields} }}") is beyond


@pytest.mark.parametrize("beyond", [False, True])
def test_tokens(small_api: Api, beyond: bool) -> None:
    document = "{ __typename @skip(if: false) " + "#" * 10_000
    padding = "\n" + " ".join(["..."] * (MOST_TOKENS + 1)) if beyond else "\n"

    assert refused(small_api, document + padding + "}") is beyond


def nested(levels: int) -> str:
    """A selection on an account that goes so many levels deep."""
    path = ["lots", "nodes", *itertools.islice(itertools.cycle(["recharge", "lot"]), levels - 3)]
    return " { ".join([*path, "id"]) + " }" * len(path)


@pytest.mark.parametrize("beyond", [False, True])
@pytest.mark.parametrize("by_fragment", [False, True])
def test_levels(small_api: Api, beyond: bool, by_fragment: bool) -> None:
    inner = nested(MOST_LEVELS - 2 + beyond)
    document = f"{{ accounts {{ nodes {{ {inner} }} }} }}"
    if by_fragment:
        document = f"{{ accounts {{ nodes {{ ...Deep }} }} }} fragment Deep on Account {{ {inner} }}"

    assert refused(small_api, document) is beyond


def test_fragments_that_multiply_are_measured_once_each(small_api: Api) -> None:
    count = 60
    fragments = " ".join(f"fragment F{each} on Query {{ ...F{each + 1} ...F{each + 1} }}" for each in range(count))
    started = time.perf_counter()

    refused(small_api, f"{{ ...F0 }} {fragments} fragment F{count} on Query {{ __typename }}")

    assert time.perf_counter() - started < 5


def test_fragments_that_are_unknown_or_contain_themselves_are_the_callers_mistake(small_api: Api) -> None:
    assert refused(small_api, "{ ...Unknown }")
    assert refused(small_api, "{ ...Loop } fragment Loop on Query { viewer { name } ...Loop }")


def test_introspection_is_within_the_limits(small_api: Api) -> None:
    assert not refused(small_api, get_introspection_query(descriptions=True))
