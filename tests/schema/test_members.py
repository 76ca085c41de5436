"""Members and operators through the API."""

from typing import Any

import pytest

from credits.ids import public_id
from credits.people import create_person
from db.kinds import Role, Scope
from schema.access import Viewer
from tests.factories import NOW, make_account
from tests.schema.asking import OPERATOR, Api, acct, person, program

MEMBERS = """
query Members($a: ID!, $search: String, $first: Int, $after: String) {
  account(id: $a) { members(search: $search, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor }
    nodes { id email role joinedAt hasSecondFactor lastSeenAt }
  } }
}
"""
NODE = "query N($id: ID!) { node(id: $id) { id } }"


def join(api: Api, account_id: int, name: str, role: Role = Role.ADMIN, *, is_operator: bool = False) -> str:
    """Somebody new who belongs to an account; returns their id as a member there."""
    roles = {} if is_operator else {account_id: role}
    with api.database.transaction() as session:
        person_id = create_person(
            session,
            email=f"{name}@example.com",
            password="correct horse",
            is_operator=is_operator,
            roles=roles,
            now=NOW,
        )
    return public_id("opr", person_id) if is_operator else public_id("mbr", account_id, person_id)


def listed(api: Api, account_id: int, viewer: Viewer = OPERATOR, **asked: Any) -> Any:
    """The members of an account."""
    return api.ask(MEMBERS, viewer=viewer, a=acct(account_id), **asked)["account"]["members"]


def test_an_administrator_sees_who_belongs_to_the_account(api: Api) -> None:
    account_id = make_account(api.database)
    member = join(api, account_id, "ada")
    join(api, make_account(api.database), "charlie")

    assert listed(api, account_id, person(Role.ADMIN, account_id))["nodes"] == [
        {
            "id": member,
            "email": "ada@example.com",
            "role": "ADMIN",
            "joinedAt": "2026-10-01T12:00:00Z",
            "hasSecondFactor": False,
            "lastSeenAt": None,
        }
    ]


def test_members_are_searched_and_paged_by_address(api: Api) -> None:
    account_id = make_account(api.database)
    for name in ("eve", "ada", "bob", "b.ill"):
        join(api, account_id, name)

    first = listed(api, account_id, first=3)
    rest = listed(api, account_id, first=3, after=first["pageInfo"]["endCursor"])
    found = listed(api, account_id, search=" B")

    assert [node["email"][:3] for page in (first, rest) for node in page["nodes"]] == ["ada", "b.i", "bob", "eve"]
    assert (found["totalCount"], [node["email"][:3] for node in found["nodes"]]) == (2, ["b.i", "bob"])


@pytest.mark.parametrize("who", [Role.BILLING, Role.VIEWER])
def test_members_are_for_administrators_to_see(small_api: Api, who: Role) -> None:
    account_id = make_account(small_api.database)
    member = join(small_api, account_id, "ada")

    error = small_api.error(MEMBERS, viewer=person(who, account_id), a=acct(account_id))

    assert error["extensions"]["code"] == "FORBIDDEN"
    assert small_api.ask(NODE, viewer=person(who, account_id), id=member) == {"node": None}
    assert small_api.ask(NODE, viewer=person(Role.ADMIN, account_id), id=member) == {"node": {"id": member}}


def test_a_role_is_changed_at_once(api: Api) -> None:
    account_id = make_account(api.database)
    join(api, account_id, "ada")
    bob = join(api, account_id, "bob", Role.VIEWER)
    values = {"accountId": acct(account_id), "memberId": bob, "role": "BILLING"}

    payload = api.change("setMemberRole", "member { email role }", values, viewer=person(Role.ADMIN, account_id))

    assert payload == {"member": {"email": "bob@example.com", "role": "BILLING"}, "errors": []}


def test_a_member_is_removed_and_is_gone(api: Api) -> None:
    account_id = make_account(api.database)
    ada, bob = join(api, account_id, "ada"), join(api, account_id, "bob", Role.VIEWER)
    alice = person(Role.ADMIN, account_id)

    payload = api.change(
        "removeMember", "member { id }", {"accountId": acct(account_id), "memberId": bob}, viewer=alice
    )
    last = api.change("removeMember", "member { id }", {"accountId": acct(account_id), "memberId": ada}, viewer=alice)
    by_operator = api.change("removeMember", "member { id }", {"accountId": acct(account_id), "memberId": ada})

    assert payload == by_operator == {"member": None, "errors": []}
    assert [(error["code"], error["field"]) for error in last["errors"]] == [("CONFLICT", ["input", "memberId"])]
    assert listed(api, account_id)["totalCount"] == 0


def test_a_program_gives_no_role_that_may_do_more_than_it(small_api: Api) -> None:
    account_id = make_account(small_api.database)
    bob = join(small_api, account_id, "bob", Role.VIEWER)
    helper = program(account_id, Scope.ADMIN, Scope.READ)
    values = {"accountId": acct(account_id), "memberId": bob}

    refused, done = (
        small_api.change("setMemberRole", "member { role }", {**values, "role": role}, viewer=helper)
        for role in ("BILLING", "VIEWER")
    )
    invited = {"accountId": acct(account_id), "email": "eve@example.com", "role": "ADMIN"}
    uninvited = small_api.change("inviteMember", "invitation { id }", invited, viewer=helper)

    assert [error["field"] for error in refused["errors"] + uninvited["errors"]] == [["input", "role"]] * 2
    assert done == {"member": {"role": "VIEWER"}, "errors": []}


def test_a_member_of_another_account_is_nobody_here(small_api: Api) -> None:
    account_id, elsewhere = make_account(small_api.database), make_account(small_api.database)
    charlie = join(small_api, elsewhere, "charlie")

    for mutation, more in (("removeMember", {}), ("setMemberRole", {"role": "VIEWER"})):
        refused = small_api.refused(mutation, {"accountId": acct(account_id), "memberId": charlie, **more})
        assert [error["code"] for error in refused] == ["NOT_FOUND"]

    assert listed(small_api, elsewhere)["totalCount"] == 1


def test_operators_see_and_take_away_each_other_down_to_the_last(api: Api) -> None:
    olga, otto = (join(api, 0, name, is_operator=True) for name in ("olga", "otto"))

    before = api.ask("{ operators { id email createdAt hasSecondFactor lastSeenAt } }")["operators"]
    payload = api.change("removeOperator", "operators { email }", {"operatorId": otto})
    last = api.change("removeOperator", "operators { email }", {"operatorId": olga})

    assert [each["email"] for each in before] == ["olga@example.com", "otto@example.com"]
    assert payload == {"operators": [{"email": "olga@example.com"}], "errors": []}
    assert [error["code"] for error in last["errors"]] == ["CONFLICT"]
    assert api.ask(NODE, id=olga) == {"node": {"id": olga}}
    assert api.ask(NODE, id=otto) == {"node": None}
    assert api.ask(NODE, viewer=program(None, Scope.READ), id=olga) == {"node": None}
