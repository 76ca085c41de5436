"""Tokens through the API: told once, no more than their makers, seen by whoever manages them."""

from typing import Any

import pytest

from credits.ids import public_id
from credits.instants import DAY
from credits.tokens import create_token, find_token
from db.kinds import Role, Scope
from schema.access import Viewer
from tests.factories import NOW, make_account
from tests.schema.asking import OPERATOR, Api, acct, person, program

SHAPE = "secret token { id name scopes status createdBy expiresAt lastUsedAt revokedAt }"
OF_ACCOUNT = """
query Tokens($a: ID!, $status: TokenStatus, $first: Int, $after: String) {
  account(id: $a) { tokens(status: $status, first: $first, after: $after) {
    totalCount nodes { id name status } pageInfo { hasNextPage endCursor }
  } }
}
"""


def make(api: Api, account_id: int | None = None, *, viewer: Viewer = OPERATOR, **values: Any) -> Any:
    """Make a token, and return the payload."""
    chosen = {"name": "Switch", "scopes": ["READ"], **values}
    if account_id is not None:
        chosen["accountId"] = acct(account_id)
    return api.change("createToken", SHAPE, chosen, viewer=viewer)


def listed(api: Api, account_id: int, *, viewer: Viewer = OPERATOR, **asked: Any) -> Any:
    """The tokens of an account."""
    return api.ask(OF_ACCOUNT, viewer=viewer, a=acct(account_id), **asked)["account"]["tokens"]


def test_an_accounts_administrator_makes_a_token_that_opens_the_account(api: Api) -> None:
    account_id = make_account(api.database)
    alice = person(Role.ADMIN, account_id)

    made = make(api, account_id, viewer=alice, name=" Switch in Reno ", scopes=["CALLS", "READ"], expiresInDays=30)

    assert made["errors"] == []
    assert made["token"]["name"] == "Switch in Reno"
    assert made["token"]["scopes"] == ["READ", "CALLS"]
    assert (made["token"]["status"], made["token"]["createdBy"]) == ("ACTIVE", "admin@example.com")
    assert made["token"]["expiresAt"] == "2026-10-31T12:00:00Z"
    with api.database.reading() as session:
        found = find_token(session, made["secret"], NOW)
    assert found is not None
    assert found.account_id == account_id
    assert found.scopes == {Scope.CALLS, Scope.READ}


def test_the_secret_is_told_once(small_api: Api) -> None:
    account_id = make_account(small_api.database)
    made = make(small_api, account_id)

    told = small_api.run(
        "query All($a: ID!, $t: ID!) { account(id: $a) { tokens { nodes { id name } } } node(id: $t) { id } }",
        a=acct(account_id), t=made["token"]["id"],
    )  # fmt: skip

    assert made["secret"].startswith("cct_")
    assert made["secret"] not in str(told)
    assert "secret" not in str(small_api.ask('{ __type(name: "Token") { fields { name } } }'))


def test_the_same_key_makes_no_second_token(small_api: Api) -> None:
    account_id = make_account(small_api.database)
    make(small_api, account_id, idempotencyKey="k")

    again = make(small_api, account_id, idempotencyKey="k")

    assert (again["secret"], again["token"]) == (None, None)
    assert [error["code"] for error in again["errors"]] == ["CONFLICT"]
    assert listed(small_api, account_id)["totalCount"] == 1


@pytest.mark.parametrize("scopes", [["RATES"], ["READ", "RATES"]])
def test_an_accounts_administrator_cannot_give_what_is_the_operators(small_api: Api, scopes: list[str]) -> None:
    account_id = make_account(small_api.database)

    made = make(small_api, account_id, viewer=person(Role.ADMIN, account_id), scopes=scopes)

    assert [error["field"] for error in made["errors"]] == [["input", "scopes"]]
    assert listed(small_api, account_id)["totalCount"] == 0


def test_a_token_gives_only_scopes_that_it_has_itself(small_api: Api) -> None:
    account_id = make_account(small_api.database)
    helper = program(account_id, Scope.ADMIN, Scope.READ)

    less, more = (make(small_api, account_id, viewer=helper, scopes=each) for each in (["READ"], ["CALLS"]))

    assert (less["errors"], less["token"]["createdBy"]) == ([], "switch")
    assert [error["message"] for error in more["errors"]] == ["You cannot give what you do not have: calls."]


def test_a_token_that_ends_makes_none_that_outlasts_it(small_api: Api) -> None:
    account_id = make_account(small_api.database)
    helper = Viewer("helper", False, {account_id: Role.ADMIN}, frozenset(Scope), expires_at=NOW + 5 * DAY)

    until_then, longer, forever = (
        make(small_api, account_id, viewer=helper, **{"expiresInDays": days} if days else {}) for days in (5, 6, None)
    )

    assert until_then["errors"] == []
    for refused in (longer, forever):
        assert [error["field"] for error in refused["errors"]] == [["input", "expiresAt"]]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"scopes": []}, "scopes"),
        ({"expiresAt": "2026-10-01T12:00:00Z"}, "expiresAt"),
        ({"expiresInDays": 0}, "expiresInDays"),
        ({"expiresInDays": 1, "expiresAt": "2026-12-01T00:00:00Z"}, "expiresInDays"),
        ({"idempotencyKey": ""}, "idempotencyKey"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_field(small_api: Api, values: dict[str, Any], field: str) -> None:
    account_id = make_account(small_api.database)

    made = make(small_api, account_id, **values)

    assert [error["field"] for error in made["errors"]] == [["input", field]]
    assert listed(small_api, account_id)["totalCount"] == 0


@pytest.mark.parametrize("who", ["admin", "billing", "a program of the account"])
def test_the_operators_tokens_are_made_by_operators_alone(small_api: Api, who: str) -> None:
    account_id = make_account(small_api.database)
    viewer = program(account_id, *Scope) if who.startswith("a ") else person(Role(who.upper()), account_id)
    document = 'mutation Try { createToken(input: {name: "All", scopes: [READ]}) { secret } }'
    revoking = 'mutation Try { revokeToken(input: {tokenId: "tok_1"}) { token { id } } }'

    codes = [small_api.error(each, viewer=viewer)["extensions"]["code"] for each in (document, revoking)]

    assert codes == ["FORBIDDEN"] * 2
    with small_api.database.reading() as session:
        assert session.rows("SELECT 1 FROM token") == []


def test_a_token_of_the_operator_gives_to_accounts_and_to_all_no_more_than_it_has(small_api: Api) -> None:
    account_id = make_account(small_api.database)
    console = program(None, Scope.ADMIN, Scope.CALLS)

    for owner in (account_id, None):
        assert make(small_api, owner, viewer=console, scopes=["CALLS"])["errors"] == []
        assert make(small_api, owner, viewer=console, scopes=["READ"])["errors"] != []


def test_a_token_is_taken_back_and_stays_on_the_list(api: Api) -> None:
    account_id = make_account(api.database)
    made, kept = make(api, account_id), make(api, account_id, name="Kept")
    values = {"accountId": acct(account_id), "tokenId": made["token"]["id"]}

    payload = api.change("revokeToken", "token { status revokedAt }", values, viewer=person(Role.ADMIN, account_id))

    assert payload == {"token": {"status": "REVOKED", "revokedAt": "2026-10-01T12:00:00Z"}, "errors": []}
    assert [node["id"] for node in listed(api, account_id, status="ACTIVE")["nodes"]] == [kept["token"]["id"]]
    assert [node["id"] for node in listed(api, account_id, status="REVOKED")["nodes"]] == [made["token"]["id"]]
    assert listed(api, account_id)["totalCount"] == 2


def test_a_token_of_another_account_or_of_the_operator_cannot_be_taken_back_through_ones_own(small_api: Api) -> None:
    account_id, elsewhere = make_account(small_api.database), make_account(small_api.database)
    foreign = [make(small_api, elsewhere)["token"]["id"], make(small_api)["token"]["id"], "tok_7"]

    for token in foreign:
        refused = small_api.refused("revokeToken", {"accountId": acct(account_id), "tokenId": token})
        assert [error["code"] for error in refused] == ["NOT_FOUND"]

    with small_api.database.reading() as session:
        assert session.rows("SELECT 1 FROM token WHERE revoked_at IS NOT NULL") == []


def test_the_list_is_paged_newest_first(api: Api) -> None:
    account_id = make_account(api.database)
    for minute in range(5):
        api.now = NOW + minute
        make(api, account_id, name=f"Token {minute}")

    first = listed(api, account_id, first=3)
    rest = listed(api, account_id, first=3, after=first["pageInfo"]["endCursor"])

    names = [node["name"] for page in (first, rest) for node in page["nodes"]]
    assert names == [f"Token {minute}" for minute in (4, 3, 2, 1, 0)]
    assert (first["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (True, False)


@pytest.mark.parametrize("who", [Role.BILLING, Role.VIEWER])
def test_tokens_are_for_administrators_to_see(small_api: Api, who: Role) -> None:
    account_id, elsewhere = make_account(small_api.database), make_account(small_api.database)
    token = make(small_api, account_id)["token"]["id"]
    # Administering another account helps nobody here.
    roles = Viewer("bob@example.com", False, {account_id: who, elsewhere: Role.ADMIN}, frozenset(Scope))

    error = small_api.error(OF_ACCOUNT, viewer=roles, a=acct(account_id))

    assert error["extensions"]["code"] == "FORBIDDEN"
    node = "query N($id: ID!) { node(id: $id) { id } }"
    assert small_api.ask(node, viewer=roles, id=token) == {"node": None}
    assert small_api.ask(node, viewer=person(Role.ADMIN, account_id), id=token) == {"node": {"id": token}}


def test_the_operators_list_holds_the_operators_tokens_alone(small_api: Api) -> None:
    account_id = make_account(small_api.database)
    make(small_api, account_id)
    with small_api.database.transaction() as session:
        create_token(session, name="Console", scopes=[Scope.READ], account_id=None, now=NOW)

    answer = small_api.ask("{ tokens { totalCount nodes { name createdBy lastUsedAt } } }")

    assert answer["tokens"] == {
        "totalCount": 1,
        "nodes": [{"name": "Console", "createdBy": None, "lastUsedAt": None}],
    }


def test_an_operators_token_is_no_node_for_an_accounts_administrator(small_api: Api) -> None:
    account_id = make_account(small_api.database)
    token = make(small_api)["token"]["id"]
    node = "query N($id: ID!) { node(id: $id) { id } }"

    assert small_api.ask(node, viewer=person(Role.ADMIN, account_id), id=token) == {"node": None}
    assert small_api.ask(node, id=token) == {"node": {"id": token}}
    assert small_api.ask(node, id=public_id("tok", 7)) == {"node": None}
