"""Suspending, reactivating and closing accounts through the API."""

from typing import Any

import pytest

from db.kinds import Role
from tests.factories import make_account, make_test_account
from tests.schema.asking import Api, acct, person

SHAPE = "account { status statusReason statusChangedAt }"


def change(api: Api, mutation: str, account_id: int, **values: Any) -> Any:
    """Change an account's standing as the operator."""
    return api.change(mutation, SHAPE, {"accountId": acct(account_id), "reason": "Because", **values})


def test_an_account_tells_why_it_is_suspended_and_since_when(api: Api) -> None:
    account_id = make_account(api.database)

    payload = change(api, "suspendAccount", account_id, reason="Unpaid since May")
    again = change(api, "reactivateAccount", account_id, reason="Paid")

    assert payload == {
        "account": {
            "status": "SUSPENDED",
            "statusReason": "Unpaid since May",
            "statusChangedAt": "2026-10-01T12:00:00Z",
        },
        "errors": [],
    }
    assert (again["account"]["status"], again["account"]["statusReason"]) == ("ACTIVE", "Paid")


def test_its_members_can_read_the_reason(small_api: Api) -> None:
    account_id = make_account(small_api.database)
    change(small_api, "suspendAccount", account_id, reason="Unpaid")

    told = small_api.ask(
        "query R($a: ID!) { account(id: $a) { statusReason } }",
        viewer=person(Role.VIEWER, account_id),
        a=acct(account_id),
    )

    assert told == {"account": {"statusReason": "Unpaid"}}


@pytest.mark.parametrize(
    ("values", "field"), [({"name": "Fabrikam"}, "name"), ({"name": "Contoso", "reason": "  "}, "reason")]
)
def test_an_account_is_not_closed_by_mistake(small_api: Api, values: dict[str, str], field: str) -> None:
    account_id = make_account(small_api.database)

    payload = change(small_api, "closeAccount", account_id, **values)

    assert [error["field"] for error in payload["errors"]] == [["input", field]]
    assert small_api.ask("query S($a: ID!) { account(id: $a) { status } }", a=acct(account_id)) == {
        "account": {"status": "ACTIVE"}
    }


def test_a_closed_account_can_be_read_and_refuses_all_else(small_api: Api) -> None:
    account_id = make_account(small_api.database)

    closed = change(small_api, "closeAccount", account_id, name="Contoso")

    assert closed["account"]["status"] == "CLOSED"
    for mutation, values in (
        ("reactivateAccount", {}),
        ("updateAccount", {"name": "Contoso again", "reason": None}),
        ("createToken", {"name": "Switch", "scopes": ["READ"], "reason": None}),
    ):
        given = {"accountId": acct(account_id), "reason": "Because", **values}
        refused = small_api.refused(mutation, {name: value for name, value in given.items() if value is not None})
        assert [error["code"] for error in refused] == ["CONFLICT"], mutation
    assert small_api.ask("query S($a: ID!) { account(id: $a) { name } }", a=acct(account_id)) == {
        "account": {"name": "Contoso"}
    }


def test_to_set_the_status_alone_keeps_no_reason(small_api: Api) -> None:
    account_id = make_account(small_api.database)
    change(small_api, "suspendAccount", account_id, reason="Unpaid")

    payload = small_api.change("updateAccount", SHAPE, {"accountId": acct(account_id), "status": "ACTIVE"})

    assert payload["account"] == {
        "status": "ACTIVE",
        "statusReason": None,
        "statusChangedAt": "2026-10-01T12:00:00Z",
    }


def test_whoever_administers_a_test_account_closes_it(small_api: Api) -> None:
    account_id = make_test_account(small_api.database)
    values = {"accountId": acct(account_id), "name": "Contoso", "reason": "Tried out"}

    payload = small_api.change("closeAccount", SHAPE, values, viewer=person(Role.ADMIN, account_id))

    assert payload["account"]["status"] == "CLOSED"
