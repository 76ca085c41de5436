"""What an operation costs: objects and look-ups, times the pages that hold them; known before anything is run."""

from typing import Any

import pytest
from graphql import get_introspection_query

from schema.costs import CALL_FIELDS, CHANGE, INTROSPECTION
from schema.documents import Documents
from schema.limits import MOST_COST
from schema.schema import schema
from tests.factories import make_account
from tests.schema.asking import MUTATIONS, Api, acct
from web.documents import QUERIES, document


def cost(text: str, **variables: Any) -> int:
    """The points of a document's only operation."""
    prepared = Documents(schema._schema).prepare(text)
    assert prepared.errors == []
    return prepared.cost(None).points(variables)


@pytest.mark.parametrize(
    ("asked", "points"),
    [
        ("{ __typename }", 0),
        ("{ viewer { name roles } }", 1),
        ("{ zoneA }", 1),
        ('{ account(id: "a") { name balance { available { amount } } } }', 3),
        ("{ accounts { totalCount } }", 2),
        ("{ accounts { nodes { id } } }", 1 + 20),
        ("{ accounts(first: 7) { nodes { id } } }", 1 + 7),
        ("{ accounts(first: 7) { edges { cursor node { id } } pageInfo { endCursor } } }", 1 + 7 * 2 + 1),
        ("{ accounts(first: 7) { nodes { lots(first: 3) { nodes { id } } } } }", 1 + 7 * (1 + 1 + 3)),
        ("{ plans { code } }", 10),
        ('{ account(id: "a") { balanceHistory(days: 30) { day } } }', 1 + 30),
        ('{ account(id: "a") { usersNamed(names: ["x", "y"]) { name } } }', 1 + 2),
        ("{ __schema { types { name } } }", INTROSPECTION),
        ('{ a: account(id: "a") { id } b: account(id: "b") { id } }', 2),
        ('{ node(id: "a") { id ... on Lot { remaining { amount } } } }', 2),
        ("{ ...A } fragment A on Query { zoneA ...B } fragment B on Query { accounts(first: 7) { nodes { id } } }", 9),
    ],
)  # fmt: skip
def test_objects_and_what_must_be_looked_up_cost_a_point_each(asked: str, points: int) -> None:
    assert cost(asked) == points


def test_pages_are_as_large_as_variables_say() -> None:
    text = """query ($accounts: Int = 4, $lots: Int) {
        accounts(first: $accounts) { nodes { lots(first: $lots) { nodes { id } } } } }"""

    assert cost(text) == 1 + 4 * (1 + 1 + 20)
    assert cost(text, accounts=2, lots=5) == 1 + 2 * (1 + 1 + 5)


@pytest.mark.parametrize(
    ("said", "counts"), [(0, 1), (-5, 1), (200, 200), (201, 200), (7.0, 7), ("many", 20), (None, 20)]
)
def test_a_page_that_will_be_refused_counts_as_the_nearest_that_would_not(said: Any, counts: int) -> None:
    assert cost("query ($n: Int) { accounts(first: $n) { nodes { id } } }", n=said) == 1 + counts


def test_a_change_costs_more_than_a_reading_and_a_call_does_not() -> None:
    change = "mutation ($input: VoidLotInput!) { voidLot(input: $input) { lot { id } errors { code } } }"
    call = "mutation ($input: AuthorizeCallInput!) { authorizeCall(input: $input) { authorized errors { code } } }"

    assert cost(change) == CHANGE + 3
    assert cost(call) == 2


def test_fragments_that_multiply_are_added_up_once_each() -> None:
    fragments = " ".join(f"fragment F{each} on Query {{ ...F{each + 1} ...F{each + 1} }}" for each in range(60))
    last = "fragment F60 on Query { accounts(first: $n) { nodes { id } } }"

    assert cost(f"query ($n: Int) {{ ...F0 }} {fragments} {last}", n=7) == 8 * 2**60


@pytest.mark.parametrize("first", [None, 100])
@pytest.mark.parametrize("name", sorted(path.stem for path in QUERIES.glob("*.graphql") if path.stem != "fragments"))
def test_every_page_is_within_the_limit(name: str, first: int | None) -> None:
    variables = {} if first is None else {"first": first}

    assert cost(document(name), **variables) <= MOST_COST / 2


def test_introspection_is_cheap_enough() -> None:
    assert cost(get_introspection_query(descriptions=True)) <= MOST_COST / 10


def test_what_is_said_of_calls_is_known_by_its_fields() -> None:
    documents = Documents(schema._schema)
    release = 'releaseCall(input: {accountId: "a", callId: "c"}) { errors { code } }'
    alone, with_more = (
        f"mutation {{ {release} }}",
        f'mutation {{ {release} rateCalls(input: {{accountId: "a"}}) {{ errors {{ code }} }} }}',
    )

    assert set(MUTATIONS) >= CALL_FIELDS
    assert documents.prepare(alone).cost(None).is_of_calls
    assert not documents.prepare(with_more).cost(None).is_of_calls
    assert not documents.prepare("{ viewer { name } }").cost(None).is_of_calls


def test_the_operation_that_runs_is_the_one_that_is_paid_for() -> None:
    prepared = Documents(schema._schema).prepare("query A { viewer { name } } query B { accounts { nodes { id } } }")

    assert prepared.cost("A").points({}) == 1
    assert prepared.cost("B").points({}) == 21


def accounts_with_lots(points: int) -> str:
    """A document of so many points, more than 202."""
    rows, rest = divmod(points - 1 - 1, 202)
    fill = f" fill: lots(first: {rest}) {{ nodes {{ id }} }}" if rest else ""
    return (
        f"query ($account: ID!) {{ accounts(first: {rows}) {{ nodes {{ lots(first: 200) {{ nodes {{ id }} }} }} }}"
        f" account(id: $account) {{ id{fill} }} }}"
    )


@pytest.mark.parametrize("beyond", [False, True])
def test_an_answer_says_what_it_cost_and_what_costs_too_much_is_not_run(
    small_api: Api, statements: list[str], beyond: bool
) -> None:
    account = acct(make_account(small_api.database))
    statements.clear()
    text = accounts_with_lots(MOST_COST + beyond - 1)

    result = small_api.run(text, account=account)

    assert result.extensions == {"cost": {"requested": MOST_COST + beyond, "allowed": MOST_COST}}
    assert bool(result.errors) is beyond
    assert bool(statements) is not beyond


def test_whoever_asks_for_too_much_is_told_how_much_in_their_language(small_api: Api) -> None:
    text = "{ accounts(first: 200) { nodes { lots(first: 200) { nodes { id } } } } }"

    english, japanese = small_api.error(text), small_api.error(text, said_in="ja")

    assert english["extensions"] == {"code": "LIMIT_EXCEEDED"}
    assert "40401" in english["message"].replace(",", "")
    assert japanese["message"] != english["message"]
