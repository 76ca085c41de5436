"""Connections: pages forwards and backwards, cursors, counts."""

import base64
from typing import Any

import pytest

from schema.paging import write_cursor
from tests.factories import make_account, make_lot, make_test_account
from tests.schema.asking import Api, acct

LEDGER = """
query Ledger($account: ID!, $first: Int, $after: String, $before: String) {
  account(id: $account) {
    ledger(first: $first, after: $after, before: $before) {
      totalCount
      nodes { id amount { amount } }
      edges { cursor node { id } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
}
"""


def page(api: Api, account_id: int, **asked: Any) -> Any:
    """A page of an account's ledger."""
    return api.ask(LEDGER, account=acct(account_id), **asked)["account"]["ledger"]


def amounts(found: Any) -> list[str]:
    """The amounts on a page."""
    return [node["amount"]["amount"] for node in found["nodes"]]


def account_with_five_lots(api: Api) -> int:
    account_id = make_account(api.database)
    for amount in (1, 2, 3, 4, 5):
        make_lot(api.database, account_id, amount)
    return account_id


def test_pages_follow_each_other_without_gap_or_repetition(api: Api) -> None:
    account_id = account_with_five_lots(api)

    first = page(api, account_id, first=2)
    second = page(api, account_id, first=2, after=first["pageInfo"]["endCursor"])
    third = page(api, account_id, first=2, after=second["pageInfo"]["endCursor"])

    assert [amounts(each) for each in (first, second, third)] == [["5.00", "4.00"], ["3.00", "2.00"], ["1.00"]]
    assert [each["pageInfo"]["hasNextPage"] for each in (first, second, third)] == [True, True, False]
    assert [each["pageInfo"]["hasPreviousPage"] for each in (first, second, third)] == [False, True, True]
    assert first["totalCount"] == 5


def test_the_way_back_shows_the_same_pages(api: Api) -> None:
    account_id = account_with_five_lots(api)
    first = page(api, account_id, first=2)
    second = page(api, account_id, first=2, after=first["pageInfo"]["endCursor"])

    back = page(api, account_id, first=2, before=second["pageInfo"]["startCursor"])

    assert back["nodes"] == first["nodes"]
    assert (back["pageInfo"]["hasPreviousPage"], back["pageInfo"]["hasNextPage"]) == (False, True)


def test_what_is_added_meanwhile_shifts_nothing(api: Api) -> None:
    account_id = account_with_five_lots(api)
    first = page(api, account_id, first=2)
    make_lot(api.database, account_id, 6)

    assert amounts(page(api, account_id, first=2, after=first["pageInfo"]["endCursor"])) == ["3.00", "2.00"]


def test_an_empty_list_has_an_empty_page(api: Api) -> None:
    found = page(api, make_account(api.database))

    assert found == {
        "totalCount": 0,
        "nodes": [],
        "edges": [],
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None},
    }


@pytest.mark.parametrize("first", [1, 200])
def test_a_page_has_one_to_two_hundred_items(small_api: Api, first: int) -> None:
    assert len(page(small_api, account_with_five_lots(small_api), first=first)["nodes"]) == min(first, 5)


@pytest.mark.parametrize("first", [0, -1, 201, 2**31 - 1])
def test_another_size_is_the_callers_mistake(small_api: Api, first: int) -> None:
    account_id = make_account(small_api.database)

    error = small_api.error(LEDGER, account=acct(account_id), first=first)

    assert error["extensions"] == {"code": "BAD_USER_INPUT", "field": ["first"]}


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "!!!!", "é", encoded("[]"), encoded("[1,2]"), encoded('["a"]'), encoded("[true]"), encoded("[1.5]"),
     encoded("[null]"), encoded("[9223372036854775808]"), encoded("{}"), encoded("["), encoded("[" * 5000)],
)  # fmt: skip
def test_what_is_no_cursor_of_the_list_is_the_callers_mistake(small_api: Api, cursor: str) -> None:
    account_id = account_with_five_lots(small_api)

    error = small_api.error(LEDGER, account=acct(account_id), after=cursor)

    assert error["extensions"] == {"code": "BAD_USER_INPUT", "field": ["after"]}


def test_after_and_before_do_not_go_together(small_api: Api) -> None:
    account_id = account_with_five_lots(small_api)
    cursor = page(small_api, account_id, first=1)["pageInfo"]["endCursor"]

    error = small_api.error(LEDGER, account=acct(account_id), after=cursor, before=cursor)

    assert error["extensions"] == {"code": "BAD_USER_INPUT", "field": ["before"]}


@pytest.mark.parametrize("field", ["accounts", "rates", 'rates(search: "44")', "viewer { accounts"])
def test_every_list_can_be_walked_from_end_to_end(api: Api, field: str) -> None:
    for name in ("B", "A", "Ä", "a", "B"):
        make_test_account(api.database, name=name)
    shape = "{ totalCount nodes { id } pageInfo { endCursor hasNextPage } }"
    close = "}" if "{" in field else ""
    opened = field.replace(")", ", first: 2, after: $after)") if ")" in field else f"{field}(first: 2, after: $after)"
    document = f"query Walk($after: String) {{ {opened} {shape} {close} }}"
    seen: list[str] = []
    after, more = None, True
    while more:
        found = api.ask(document, after=after)
        found = found["viewer"]["accounts"] if close else found[field.partition("(")[0]]
        seen += [node["id"] for node in found["nodes"]]
        after, more = found["pageInfo"]["endCursor"], found["pageInfo"]["hasNextPage"]

    assert len(seen) == len(set(seen)) == found["totalCount"]


LOTS = """query ($account: ID!, $first: Int, $after: String) {
  account(id: $account) { lots(first: $first, after: $after) %s }
}"""


@pytest.mark.parametrize(("first", "counted"), [(4, 1), (5, 0), (6, 0)])
def test_a_list_that_ends_with_its_first_page_is_counted_by_it(
    api: Api, statements: list[str], first: int, counted: int
) -> None:
    account_id = account_with_five_lots(api)
    statements.clear()

    found = api.ask(LOTS % "{ totalCount nodes { id } }", account=acct(account_id), first=first)

    assert found["account"]["lots"]["totalCount"] == 5
    assert sum("count(*)" in each for each in statements) == counted


def test_a_later_page_says_how_many_there_are_in_all(api: Api) -> None:
    account_id = account_with_five_lots(api)
    wanted = LOTS % "{ totalCount nodes { id } pageInfo { endCursor } }"
    first = api.ask(wanted, account=acct(account_id), first=3)["account"]["lots"]

    last = api.ask(wanted, account=acct(account_id), first=3, after=first["pageInfo"]["endCursor"])["account"]["lots"]

    assert (last["totalCount"], len(last["nodes"])) == (5, 2)


@pytest.mark.parametrize("name", ["half of a \ud800", "nothing \0 more"])
def test_a_cursor_with_a_text_that_no_database_can_keep_is_the_callers_mistake(api: Api, name: str) -> None:
    after = write_cursor((name, 1))

    error = api.error("query ($after: String) { accounts(after: $after) { nodes { id } } }", after=after)

    assert (error["extensions"]["code"], error["extensions"]["field"]) == ("BAD_USER_INPUT", ["after"])


CALLS = "query ($account: ID!) { account(id: $account) { calls(status: AUTHORIZED, first: 1) %s } }"


@pytest.mark.parametrize(
    ("asked", "is_read"),
    [("{ totalCount }", False), ("{ totalCount nodes { id } }", True), ("{ pageInfo { hasNextPage } }", True),
     ("{ totalCount __typename }", False), ("{ ... { totalCount } }", True)],
)  # fmt: skip
def test_of_a_list_of_calls_of_which_only_the_count_is_asked_for_no_call_is_read(
    api: Api, statements: list[str], asked: str, is_read: bool
) -> None:
    account_id = account_with_five_lots(api)
    statements.clear()

    found = api.ask(CALLS % asked, account=acct(account_id))["account"]["calls"]

    assert found.get("totalCount", 0) == 0
    assert any('FROM "call"' in each and "count(*)" not in each for each in statements) == is_read
