"""Operations that are run straight answer as the library that executes documents does, errors and nulls included."""

import asyncio
from typing import Any

import graphql
import pytest
import strawberry
from graphql import DocumentNode, ExecutionResult, parse

from schema.branches import BranchingExecutor
from schema.straight import laid_out
from tests.schema.asking import SDL


@strawberry.type
class Leaf:
    number: int
    must: str
    may: str | None = None


@strawberry.type
class Tree:
    leaf: Leaf
    perhaps: Leaf | None
    leaves: list[Leaf]
    gaps: list[Leaf | None]
    words: list[str]
    lost: list[Leaf] | None = None

    @strawberry.field
    def worked_out(self) -> int:
        return 7


BROKEN: Any = None
GOOD = Leaf(number=1, must="a", may="b")
TREES: dict[str, Tree] = {
    "good": Tree(leaf=GOOD, perhaps=GOOD, leaves=[GOOD, GOOD], gaps=[GOOD, None], words=["x"], lost=[GOOD]),
    "empty": Tree(leaf=GOOD, perhaps=None, leaves=[], gaps=[], words=[]),
    "null where none may be": Tree(leaf=Leaf(number=1, must=BROKEN), perhaps=None, leaves=[], gaps=[], words=[]),
    "null in a list": Tree(leaf=GOOD, perhaps=GOOD, leaves=[GOOD, BROKEN], gaps=[], words=["x", BROKEN]),
    "bad deep in": Tree(
        leaf=GOOD, perhaps=Leaf(number=BROKEN, must="a"), leaves=[], gaps=[GOOD, Leaf(number=2, must=BROKEN)], words=[],
        lost=[Leaf(number=3, must=BROKEN)],
    ),
    "no number": Tree(leaf=Leaf(number="many", must="a"), perhaps=None, leaves=[], gaps=[], words=[]),  # type: ignore[arg-type]
    "not there": BROKEN,
}  # fmt: skip


@strawberry.type
class Query:
    @strawberry.field
    async def tree(self, name: str, deep: int = 1) -> Tree | None:
        if name == "fault":
            raise RuntimeError("broken")
        return TREES[name]

    @strawberry.field
    async def sure(self, name: str) -> Tree:
        return TREES[name]

    @strawberry.field
    async def trees(self) -> list[Tree | None] | None:
        return [*TREES.values()]


SCHEMA = strawberry.Schema(Query)._schema
WHOLE = "leaf { number must may } perhaps { number must } leaves { must } gaps { number must } words lost { must }"


def run_by_library(document: str, variables: dict[str, Any]) -> Any:
    """The answer of the library."""
    return asyncio.run(executed(parse(document), variables)).formatted


async def executed(document: DocumentNode, variables: dict[str, Any], **options: Any) -> ExecutionResult:
    result = graphql.execute(SCHEMA, document, variable_values=variables, hide_suggestions=True, **options)
    return result if isinstance(result, ExecutionResult) else await result


def run_straight(document: str, variables: dict[str, Any]) -> Any:
    """The answer of ours."""
    straight = laid_out(SCHEMA, parse(document))
    assert straight is not None, "it is run straight"
    return asyncio.run(straight.run(variables, None)).formatted


@pytest.mark.parametrize("name", [*TREES, "fault"])
@pytest.mark.parametrize("root", ["tree", "sure"])
def test_values_nulls_and_errors_are_the_librarys(root: str, name: str) -> None:
    document = f"query ($name: String!) {{ first: {root}(name: $name) {{ again: words {WHOLE} }} }}"

    ours, theirs = run_straight(document, {"name": name}), run_by_library(document, {"name": name})

    assert ours.get("data") == theirs.get("data")
    assert [without_words(each) for each in ours.get("errors", [])] == [
        without_words(each) for each in theirs.get("errors", [])
    ]


def without_words(error: dict[str, Any]) -> dict[str, Any]:
    """An error by its place: nobody is shown what a fault says."""
    return {key: value for key, value in error.items() if key != "message"}


@pytest.mark.parametrize("variables", [{}, {"name": None}, {"name": 7}, {"name": "good", "deep": "x"}, {"nam": "good"}])
def test_wrong_variables_are_told_as_the_library_tells_them(variables: dict[str, Any]) -> None:
    document = "query ($name: String!, $deep: Int) { tree(name: $name, deep: $deep) { words } }"

    assert run_straight(document, variables) == run_by_library(document, variables)


@pytest.mark.parametrize(
    "document",
    [
        '{ tree(name: "good") { words } sure(name: "good") { words } }',
        '{ tree(name: "good") { workedOut } }',
        '{ tree(name: "good") { __typename } }',
        '{ tree(name: "good") { words words } }',
        '{ tree(name: "good") { words @include(if: false) } }',
        '{ tree(name: "good") @skip(if: true) { words } }',
        'query A { tree(name: "good") { words } } query B { sure(name: "good") { words } }',
        '{ ...F } fragment F on Query { tree(name: "good") { words } }',
        "{ __typename }",
        "{ __schema { description } }",
    ],
)
def test_all_else_is_left_to_the_library(document: str) -> None:
    assert laid_out(SCHEMA, parse(document)) is None


def test_what_needs_a_resolver_below_its_root_is_left_to_the_library() -> None:
    assert laid_out(SDL, parse("{ viewer { accounts { nodes { id } } } }")) is None


BRANCHING = """
    query ($name: String!, $without: Boolean = false) {
      tree(name: $name) { ...Rows workedOut } sure(name: $name) { workedOut ... on Tree { gaps { ...Both } } }
      rows: tree(name: $name) { leaves { ...Both other: number @skip(if: $without) } lost { must must } }
      trees { ...Rows } trees { workedOut }
    }
    fragment Rows on Tree { leaves { ...Both } perhaps { ...Both } words gaps { number } }
    fragment Both on Leaf { ...One may } fragment One on Leaf { number must __typename }"""


@pytest.mark.parametrize("name", [*TREES, "fault"])
@pytest.mark.parametrize("document", [BRANCHING, BRANCHING.replace(" __typename", "")])
def test_branches_that_are_read_off_answer_as_the_library_does(document: str, name: str) -> None:
    """Also the second time, when they are remembered."""
    parsed, variables = parse(document), {"name": name}

    ours = [asyncio.run(executed(parsed, variables, executor_class=BranchingExecutor)).formatted for _ in range(2)]

    assert ours[0] == ours[1] == run_by_library(document, variables)
