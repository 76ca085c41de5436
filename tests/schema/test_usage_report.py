"""The usage report through the API, part by part; and the users whom such a file names."""

from typing import Any

import pytest

from credits.ids import public_id, uuid_of
from db.kinds import Role, Scope
from tests.factories import make_account, make_user
from tests.schema.asking import Api, acct, person, program
from tests.schema.test_calls import a_call, account_with_money, record

REPORT = """
query Report($a: ID!, $from: DateTime, $to: DateTime, $first: Int, $after: String) {
  account(id: $a) { usageReport(from: $from, to: $to) {
    fileName url zipUrl part(first: $first, after: $after) { csv calls endCursor }
  } }
}
"""
NAMED = """
query Named($a: ID!, $names: [String!]!) {
  account(id: $a) { usersNamed(names: $names) { name user { id userName licenses { plan { code } } } } }
}
"""


def report(api: Api, account_id: int, **asked: Any) -> Any:
    """The usage report of an account, or a part of it."""
    return api.ask(REPORT, a=acct(account_id), **asked)["account"]["usageReport"]


def test_the_parts_of_a_report_are_the_file(api: Api) -> None:
    account_id = account_with_money(api)
    record(api, account_id, *(a_call(callId=name) for name in "abc"))

    whole = report(api, account_id)["part"]
    first = report(api, account_id, first=2)["part"]
    second = report(api, account_id, first=2, after=first["endCursor"])["part"]

    assert (whole["calls"], whole["endCursor"]) == (3, None)
    assert [line.split(",")[1] for line in whole["csv"].split("\r\n")[:-1]] == ["Call ID", "a", "b", "c"]
    assert first["csv"] + second["csv"] == whole["csv"]
    assert second["endCursor"] is None


def test_a_report_says_what_it_is_called_and_where_it_can_be_had(api: Api) -> None:
    api.base_url = "https://credits.example"
    account_id = account_with_money(api)
    record(api, account_id, a_call(answeredAt="2026-09-30T12:00:00Z"), a_call())
    place = f"https://credits.example/accounts/{acct(account_id)}/calls/report"

    of_all = report(api, account_id)
    of_october = report(api, account_id, **{"from": "2026-10-01T00:00:00Z", "to": "2026-11-01T00:00:00Z"})

    assert (of_all["fileName"], of_all["url"]) == ("PSTN.calls.2026-09-30_2026-10-01.csv", f"{place}.csv")
    assert of_october["fileName"] == "PSTN.calls.2026-10-01_2026-10-31.csv"
    assert of_october["zipUrl"] == f"{place}.zip?from=2026-10-01T00%3A00%3A00Z&to=2026-11-01T00%3A00%3A00Z"
    assert of_october["part"]["calls"] == 1


@pytest.mark.parametrize(("asked", "field"), [({"first": 10_001}, "first"), ({"after": "nonsense"}, "after")])
def test_a_part_that_cannot_be_is_the_clients_mistake(small_api: Api, asked: dict[str, Any], field: str) -> None:
    error = small_api.error(REPORT, a=acct(make_account(small_api.database)), **asked)

    assert error["extensions"] == {"code": "BAD_USER_INPUT", "field": [field]}


def test_users_are_found_by_the_names_that_a_file_gives_them(api: Api) -> None:
    account_id = make_account(api.database)
    ann = make_user(api.database, account_id, "MCOPSTN1", user_name="Ann@contoso.example")
    make_user(api.database, account_id, user_name="bob@contoso.example")
    make_user(api.database, make_account(api.database), user_name="cid@contoso.example")
    names = ["ann@CONTOSO.example", uuid_of("user", account_id, ann), "cid@contoso.example"]

    found = api.ask(NAMED, a=acct(account_id), names=names)["account"]["usersNamed"]

    assert found == [
        {
            "name": name,
            "user": {"id": public_id("user", account_id, ann), "userName": "Ann@contoso.example",
                     "licenses": [{"plan": {"code": "MCOPSTN1"}}]},
        }
        for name in names[:2]
    ]  # fmt: skip


@pytest.mark.parametrize(("count", "is_refused"), [(0, False), (1_000, False), (1_001, True)])
def test_a_thousand_names_are_the_most_at_a_time(small_api: Api, count: int, is_refused: bool) -> None:
    asked: dict[str, Any] = {"a": acct(make_account(small_api.database)), "names": ["nobody"] * count}

    if is_refused:
        assert small_api.error(NAMED, **asked)["extensions"]["code"] == "LIMIT_EXCEEDED"
    else:
        assert small_api.ask(NAMED, **asked)["account"]["usersNamed"] == []


def test_who_may_not_read_an_account_gets_no_report_of_it(small_api: Api) -> None:
    account_id, elsewhere = make_account(small_api.database), make_account(small_api.database)

    assert small_api.ask(REPORT, a=acct(account_id), viewer=person(Role.ADMIN, elsewhere)) == {"account": None}
    error = small_api.error(REPORT, a=acct(account_id), viewer=program(account_id, Scope.CALLS))
    assert error["extensions"]["code"] == "FORBIDDEN"
