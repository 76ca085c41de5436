"""Queries that are laid out answer as the library that executes documents does; what it must tell is left to it."""

import asyncio
from itertools import pairwise, product
from pathlib import Path
from typing import Annotated, Any

import graphql
import pytest
import strawberry
from graphql import ExecutionResult, OperationDefinitionNode, OperationType, parse

from schema.layouts import lay_out
from schema.schema import schema
from web.documents import QUERIES, document

BROKEN: Any = None


@strawberry.interface
class Thing:
    name: str


@strawberry.type
class Stone(Thing):
    weight: int = 3


@strawberry.type
class Bird(Thing):
    @strawberry.field
    async def sings(self, times: int = 1, words: list[str] | None = None) -> str:
        await asyncio.sleep(0)
        if self.name == "dodo":
            raise RuntimeError("gone")
        return f"{self.name} " * times + " ".join(words or [])

    @strawberry.field
    def chick(self, named: str = "chick") -> "Bird | None":
        return None if self.name == "chick" else Bird(name=named)

    @strawberry.field
    async def mate(self) -> "Bird":
        return BROKEN if self.name == "single" else Bird(name="mate")


@strawberry.type
class Query:
    @strawberry.field
    async def things(self, info: strawberry.Info, names: list[str]) -> list[Thing]:
        info.context.append(names)
        return [Stone(name=name) if name == "stone" else Bird(name=name) for name in names]

    @strawberry.field
    async def bird(self, name: Annotated[str, strawberry.argument(name="called")] = "wren") -> Bird | None:
        return None if name == "none" else Bird(name=name)

    @strawberry.field
    def sure(self, name: str) -> Bird:
        return BROKEN if name == "none" else Bird(name=name)


WOODS = strawberry.Schema(Query, types=[Stone, Bird])._schema
DOCUMENTS = [
    "query ($name: String!) { bird(called: $name) { name sings } sure(name: $name) { name chick { name } } }",
    "query ($name: String!) { first: bird { name } again: bird(called: $name) { mate { name }"
    ' sings(times: 2, words: ["a"]) } }',
    "query ($name: String!) { things(names: [$name, \"stone\"]) { __typename name ... on Stone { weight } ...B } }"
    " fragment B on Bird { sings(times: 3) ...C chick { ...C } ...C } fragment C on Bird { name mate { name } }",
    "query ($name: String!) { bird(called: $name) { ...A } bird(called: $name) { chick { sings } } __typename }"
    " fragment A on Thing { name ... { name } ... on Bird { chick { name chick { name } } } ... on Stone { weight } }",
    "query ($name: String!, $with: Boolean = true, $words: [String!]) { bird(called: $name) { name @skip(if: $with)"
    " chick @include(if: $with) { sings(words: $words) } ... @include(if: false) { mate { name } } } }",
]  # fmt: skip
NAMES = ["wren", "dodo", "single", "none", "chick", "stone"]


def run_by_library(text: str, variables: dict[str, Any]) -> Any:
    async def executed() -> ExecutionResult:
        result = graphql.execute(WOODS, parse(text), variable_values=variables, context_value=[])
        return result if isinstance(result, ExecutionResult) else await result

    return asyncio.run(executed()).formatted


def run_laid_out(text: str, variables: dict[str, Any]) -> Any:
    """The data, twice: when the query is laid out, and when it is remembered."""
    layout = lay_out(WOODS, parse(text))
    assert layout is not None, "it is a query"
    first, second = (asyncio.run(layout.run(variables, [])) for _ in range(2))
    assert first == second
    return first


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", DOCUMENTS)
def test_the_data_are_the_librarys_in_its_order_and_with_anything_wrong_it_is_left_to_it(text: str, name: str) -> None:
    theirs = run_by_library(text, {"name": name})

    ours = run_laid_out(text, {"name": name})

    if "errors" in theirs:
        assert ours is None
    else:
        assert repr(ours) == repr(theirs["data"])


@pytest.mark.parametrize("with_it", [True, False])
def test_what_a_variable_decides_is_decided_each_time(with_it: bool) -> None:
    layout = lay_out(WOODS, parse(DOCUMENTS[-1]))
    assert layout is not None
    asyncio.run(layout.run({"name": "wren", "with": not with_it}, []))

    found = asyncio.run(layout.run({"name": "wren", "with": with_it, "words": ["tu"]}, []))

    assert found == {"bird": {"chick": {"sings": "chick tu"}} if with_it else {"name": "wren"}}


@pytest.mark.parametrize("variables", [{}, {"name": None}, {"name": 7}, {"name": "wren", "with": None}])
def test_wrong_variables_are_left_to_the_library(variables: dict[str, Any]) -> None:
    assert run_laid_out(DOCUMENTS[-1], variables) is None


@pytest.mark.parametrize(
    "text",
    ["mutation { __typename }", "query A { __typename } query B { __typename }", "query @odd { __typename }"],
)
def test_what_is_no_single_query_is_not_laid_out(text: str) -> None:
    assert lay_out(WOODS, parse(text)) is None


@pytest.mark.parametrize(
    "text",
    [
        "{ __schema { description } }",
        "{ bird { name @odd } }",
        "{ " + "".join(f"b{number}: bird {{ name chick {{ name }} }}" for number in range(200)) + " }",
        "{ bird { ...A } }" + "".join(
            f" fragment {this} on Bird {{ x: chick {{ ...{below} }} y: chick {{ ...{below} }} }}"
            for this, below in zip("ABCDEFGHIJ", "BCDEFGHIJK", strict=True)
        ) + " fragment K on Bird { name }",
    ],
)  # fmt: skip
def test_what_is_unusual_or_very_large_is_left_to_the_library(text: str) -> None:
    layout = lay_out(WOODS, parse(text))

    assert layout is not None
    assert layout.laid_out({}) is None


def test_a_query_that_can_go_many_ways_is_not_remembered_in_more_than_a_large_one_may_have() -> None:
    many = " ".join(f"b{number}: bird @include(if: ${'abcd'[number % 4]}) {{ name }}" for number in range(100))
    layout = lay_out(WOODS, parse(f"query ($a: Boolean!, $b: Boolean!, $c: Boolean!, $d: Boolean!) {{ {many} }}"))
    assert layout is not None

    ways = [layout.laid_out(dict(zip("abcd", way, strict=True))) for way in product([True, False], repeat=4)]

    assert [way is not None for way in ways[:4]] == [True, True, True, False]
    assert layout.laid_out(dict.fromkeys("abcd", True)) is ways[0]


def test_fragments_that_spread_each_other_again_and_again_cost_no_time() -> None:
    names = [f"F{number}" for number in range(60)]
    parts = [f"fragment {this} on Bird {{ name ...{next_} ...{next_} }}" for this, next_ in pairwise(names)]
    text = "{ bird { ...F0 } } " + " ".join(parts) + " fragment F59 on Bird { name }"

    assert run_laid_out(text, {}) == {"bird": {"name": "wren"}}


def test_resolvers_of_one_object_are_at_work_side_by_side() -> None:
    @strawberry.type
    class Meeting:
        @strawberry.field
        async def one(self, info: strawberry.Info) -> str:
            info.context[0].set()
            await info.context[1].wait()
            return "one"

        @strawberry.field
        async def other(self, info: strawberry.Info) -> str:
            info.context[1].set()
            await info.context[0].wait()
            return "other"

    layout = lay_out(strawberry.Schema(Meeting)._schema, parse("{ one other }"))
    assert layout is not None

    async def met() -> Any:
        return await asyncio.wait_for(layout.run({}, [asyncio.Event(), asyncio.Event()]), 30)

    assert asyncio.run(met()) == {"one": "one", "other": "other"}


def test_all_resolvers_have_ended_before_the_library_begins() -> None:
    """One that is called off would leave a loader a question that is never answered."""

    @strawberry.type
    class Work:
        @strawberry.field
        async def failing(self) -> str:
            raise RuntimeError("broken")

        @strawberry.field
        async def long(self, info: strawberry.Info) -> str:
            for _ in range(10):
                await asyncio.sleep(0)
            info.context.append("ended")
            return "long"

    layout = lay_out(strawberry.Schema(Work)._schema, parse("{ failing long }"))
    assert layout is not None
    ended: list[str] = []

    assert asyncio.run(layout.run({}, ended)) is None
    assert ended == ["ended"]


def test_whoever_hangs_up_takes_the_resolvers_along() -> None:
    @strawberry.type
    class Work:
        @strawberry.field
        async def endless(self, info: strawberry.Info) -> str:
            info.context[0].set()
            try:
                await asyncio.Event().wait()
            finally:
                info.context[1].set()
            return ""

    layout = lay_out(strawberry.Schema(Work)._schema, parse("{ endless }"))
    assert layout is not None

    async def hung_up() -> bool:
        began, ended = asyncio.Event(), asyncio.Event()
        running = asyncio.ensure_future(layout.run({}, [began, ended]))
        await began.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await asyncio.wait_for(ended.wait(), 30)
        return True

    assert asyncio.run(hung_up())


def test_a_resolver_that_was_called_off_is_no_null() -> None:
    @strawberry.type
    class Work:
        @strawberry.field
        async def long(self) -> str:
            for _ in range(10):
                await asyncio.sleep(0)
            return "long"

        @strawberry.field
        async def called_off(self) -> str:
            raise asyncio.CancelledError

    layout = lay_out(strawberry.Schema(Work)._schema, parse("{ long calledOff }"))
    assert layout is not None

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(layout.run({}, []))


def _page_queries() -> list[str]:
    names = sorted(path.stem for path in Path(QUERIES).glob("*.graphql") if path.stem != "fragments")
    texts = {name: parse(document(name)).definitions[0] for name in names}
    return [
        name
        for name, operation in texts.items()
        if isinstance(operation, OperationDefinitionNode) and operation.operation == OperationType.QUERY
    ]


@pytest.mark.parametrize("name", _page_queries())
@pytest.mark.parametrize("decided", [True, False])
def test_every_page_asks_for_what_can_be_laid_out(name: str, decided: bool) -> None:
    text = parse(document(name))
    (operation,) = (each for each in text.definitions if isinstance(each, OperationDefinitionNode))
    given = {each.variable.name.value: decided for each in operation.variable_definitions or ()}

    layout = lay_out(schema._schema, text)

    assert layout is not None
    assert layout.laid_out(given) is not None
