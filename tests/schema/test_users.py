"""Users and their licences through the API."""

from typing import Any

import pytest

from credits.ids import public_id
from tests.factories import a_key, make_account, make_test_account, make_user, micros
from tests.schema.asking import Api, acct
from tests.schema.test_calls import a_call, account_with_money, record

USER = """
user { id name userName country department licenses { plan { code } assignedAt } monthlyLimit { amount currency }
  spentThisMonth { amount currency } conferenceDialOut userDialOut effectiveConferenceDialOut effectiveUserDialOut
  createdAt removedAt }
"""
HOLDINGS = "users { name licenses { plan { code } } }"
LIST = """
query Users($a: ID!, $s: String, $plan: String, $first: Int, $after: String, $before: String) {
  account(id: $a) { users(search: $s, planCode: $plan, first: $first, after: $after, before: $before) {
    totalCount nodes { name } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  } }
}
"""


def user_id(account_id: int, user_no: int) -> str:
    """A user's public id."""
    return public_id("user", account_id, user_no)


def create(api: Api, account_id: int, **values: Any) -> Any:
    """Enter a user through the API, and return the payload."""
    usual = {"accountId": acct(account_id), "name": "Mia Chen", "userName": a_key(), "country": "US"}
    return api.change("createUser", USER, {**usual, **values})


def change(api: Api, account_id: int, user_no: int, **values: Any) -> Any:
    """Change a user through the API, and return the payload."""
    named = {"accountId": acct(account_id), "userId": user_id(account_id, user_no)}
    return api.change("updateUser", USER, {**named, **values})


def names(api: Api, account_id: int, **asked: Any) -> list[str]:
    """The names on a page of users."""
    found = api.ask(LIST, a=acct(account_id), **asked)
    return [user["name"] for user in found["account"]["users"]["nodes"]]


def test_a_user_is_entered_with_all_that_is_known_of_it(api: Api) -> None:
    account_id = make_account(api.database)

    payload = create(
        api, account_id, userName="mia@contoso.example", department="Sales", monthlyLimit="12.50",
        planCodes=["MCOPSTN1", "MCOPSTNPP"], userDialOut="DOMESTIC",
    )  # fmt: skip

    at = "2026-10-01T12:00:00Z"
    assert payload["errors"] == []
    assert payload["user"] == {
        "id": user_id(account_id, 1), "name": "Mia Chen", "userName": "mia@contoso.example", "country": "US",
        "department": "Sales", "createdAt": at, "removedAt": None,
        "licenses": [
            {"plan": {"code": "MCOPSTN1"}, "assignedAt": at}, {"plan": {"code": "MCOPSTNPP"}, "assignedAt": at},
        ],
        "monthlyLimit": {"amount": "12.50", "currency": "USD"}, "spentThisMonth": {"amount": "0.00", "currency": "USD"},
        "conferenceDialOut": None, "userDialOut": "DOMESTIC",
        "effectiveConferenceDialOut": "ANY", "effectiveUserDialOut": "DOMESTIC",
    }  # fmt: skip


def test_the_same_user_again_is_a_conflict_and_is_entered_once(api: Api) -> None:
    account_id = make_account(api.database)
    create(api, account_id, userName="mia")

    (error,) = create(api, account_id, userName="mia")["errors"]

    assert (error["code"], error["field"]) == ("CONFLICT", ["input", "userName"])
    assert "mia" in error["message"]
    assert names(api, account_id) == ["Mia Chen"]


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"country": "XX"}, "INVALID", "country"),
        ({"monthlyLimit": "-1"}, "INVALID", "monthlyLimit"),
        ({"monthlyLimit": "0.0000001"}, "INVALID", "monthlyLimit"),
        ({"planCodes": ["MCOPSTN1", "MCOPSTNPAYG"]}, "INVALID", "planCodes"),
        ({"planCodes": ["NONE"]}, "NOT_FOUND", "planCodes"),
    ],
)
def test_a_refusal_names_the_field_of_the_input(small_api: Api, values: dict[str, Any], code: str, field: str) -> None:
    account_id = make_account(small_api.database)

    (error,) = create(small_api, account_id, **values)["errors"]

    assert (error["code"], error["field"]) == (code, ["input", field])


def test_many_users_are_entered_each_for_itself(api: Api) -> None:
    account_id = make_account(api.database)
    someone = {"name": "Somebody", "country": "US"}
    values = [
        {**someone, "userName": "a", "planCodes": ["MCOPSTN5"]}, {**someone, "userName": "A"},
        {**someone, "userName": "b", "monthlyLimit": "0.0000001"}, {**someone, "userName": "c", "country": "usa"},
        {**someone, "userName": "d", "monthlyLimit": "5"},
    ]  # fmt: skip

    payload = api.change(
        "createUsers",
        "results { user { userName licenses { plan { code } } monthlyLimit { amount } } error { code field } }",
        {"accountId": acct(account_id), "users": values},
    )

    assert payload["errors"] == []
    assert payload["results"] == [
        {"user": {"userName": "a", "licenses": [{"plan": {"code": "MCOPSTN5"}}], "monthlyLimit": None}, "error": None},
        {"user": None, "error": {"code": "CONFLICT", "field": ["input", "users", "1", "userName"]}},
        {"user": None, "error": {"code": "INVALID", "field": ["input", "users", "2", "monthlyLimit"]}},
        {"user": None, "error": {"code": "INVALID", "field": ["input", "users", "3", "country"]}},
        {"user": {"userName": "d", "licenses": [], "monthlyLimit": {"amount": "5.00"}}, "error": None},
    ]


def test_what_is_left_out_stays_and_null_takes_away(api: Api) -> None:
    account_id = make_account(api.database)
    everything = {
        "department": "Sales", "monthlyLimit": "5", "conferenceDialOut": "NONE", "userDialOut": "NONE",
    }  # fmt: skip
    create(api, account_id, **everything)

    renamed = change(api, account_id, 1, name="Mia Schulz", country="JP")["user"]
    cleared = change(api, account_id, 1, name=None, **dict.fromkeys(everything))["user"]

    assert (renamed["name"], renamed["country"], renamed["department"]) == ("Mia Schulz", "JP", "Sales")
    assert (renamed["monthlyLimit"]["amount"], renamed["userDialOut"]) == ("5.00", "NONE")
    assert cleared["name"] == "Mia Schulz"
    assert [cleared[name] for name in everything] == [None] * 4
    assert (cleared["effectiveConferenceDialOut"], cleared["effectiveUserDialOut"]) == ("ANY", "ANY")


def test_a_user_without_a_policy_follows_the_accounts(api: Api) -> None:
    account_id = make_account(api.database)
    api.change(
        "updateAccount", "account { conferenceDialOut userDialOut }",
        {"accountId": acct(account_id), "conferenceDialOut": "ZONE_A", "userDialOut": "DOMESTIC"},
    )  # fmt: skip

    user = create(api, account_id, conferenceDialOut="ANY")["user"]

    assert (user["effectiveConferenceDialOut"], user["effectiveUserDialOut"]) == ("ANY", "DOMESTIC")


def test_a_removed_user_is_listed_no_more_but_is_found_by_its_calls(api: Api) -> None:
    account_id = account_with_money(api)
    make_user(api.database, account_id, "MCOPSTNPP", name="Mia")
    mia = user_id(account_id, 1)
    record(api, account_id, a_call(userId=mia))

    removed = api.change("removeUser", USER, {"accountId": acct(account_id), "userId": mia})["user"]

    assert (removed["removedAt"], removed["licenses"]) == ("2026-10-01T12:00:00Z", [])
    assert names(api, account_id) == []
    found = api.ask(
        "query C($a: ID!) { account(id: $a) { calls { nodes { user { name removedAt } } } } }", a=acct(account_id)
    )
    assert found["account"]["calls"]["nodes"] == [{"user": {"name": "Mia", "removedAt": "2026-10-01T12:00:00Z"}}]


def test_licences_are_set_as_a_whole(api: Api) -> None:
    account_id = make_account(api.database)
    create(api, account_id, planCodes=["MCOPSTN1", "MCOPSTNPP"])

    payload = api.change(
        "setLicenses", "user { licenses { plan { code name kind } } }",
        {"accountId": acct(account_id), "userId": user_id(account_id, 1), "planCodes": ["MCOMEETADD"]},
    )  # fmt: skip

    assert payload["user"]["licenses"] == [
        {"plan": {"code": "MCOMEETADD", "name": "Audio Conferencing", "kind": "AUDIO_CONFERENCING"}}
    ]


def test_the_licences_of_many_change_at_once(api: Api) -> None:
    account_id = make_account(api.database)
    for name in ("Mia", "Noah"):
        create(api, account_id, name=name, planCodes=["MCOPSTN1"])
    both = {"accountId": acct(account_id), "userIds": [user_id(account_id, number) for number in (1, 2)]}

    added = api.change("assignLicenses", HOLDINGS, {**both, "planCodes": ["MCOPSTNPP", "MCOPSTNPAYG"]})
    removed = api.change("assignLicenses", HOLDINGS, {**both, "planCodes": ["MCOPSTNPAYG"], "change": "REMOVE"})

    assert [[each["plan"]["code"] for each in user["licenses"]] for user in added["users"]] == [
        ["MCOPSTNPAYG", "MCOPSTNPP"]
    ] * 2
    assert [[each["plan"]["code"] for each in user["licenses"]] for user in removed["users"]] == [["MCOPSTNPP"]] * 2


@pytest.mark.parametrize("change_name", ["updateUser", "removeUser", "setLicenses", "assignLicenses"])
def test_a_user_of_another_account_is_not_found(small_api: Api, change_name: str) -> None:
    account_id, elsewhere = make_account(small_api.database), make_account(small_api.database)
    make_user(small_api.database, account_id)
    make_user(small_api.database, elsewhere)
    stranger = user_id(elsewhere, 1)
    named = {"userIds": [stranger]} if change_name == "assignLicenses" else {"userId": stranger}
    codes: dict[str, Any] = {"planCodes": []} if "Licenses" in change_name else {}

    (error,) = small_api.refused(change_name, {"accountId": acct(account_id), **named, **codes})

    assert (error["code"], error["field"]) == ("NOT_FOUND", ["input", *named])


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["Ann", "Ben", "Mia"]),
        ({"s": "MIA"}, ["Mia"]),
        ({"s": "ben@"}, ["Ben"]),
        ({"s": "sales"}, ["Ann", "Mia"]),
        ({"s": "%"}, []),
        ({"plan": "MCOPSTN5"}, ["Ann"]),
        ({"plan": "MCOPSTN5", "s": "mia"}, []),
    ],
)
def test_users_are_found_by_name_user_name_department_and_plan(
    api: Api, asked: dict[str, Any], found: list[str]
) -> None:
    account_id = make_account(api.database)
    for name, department, code in (
        ("Mia", "Sales", "MCOPSTN1"), ("Ann", "Sales", "MCOPSTN5"), ("Ben", None, "MCOPSTN1"),
    ):  # fmt: skip
        make_user(api.database, account_id, code, name=name, user_name=f"{name}@contoso.example", department=department)

    page = api.ask(LIST, a=acct(account_id), **asked)["account"]["users"]

    assert ([user["name"] for user in page["nodes"]], page["totalCount"]) == (found, len(found))


def test_users_come_in_pages_forwards_and_backwards(api: Api) -> None:
    account_id = make_account(api.database)
    for name in ("C", "A", "B", "A"):
        make_user(api.database, account_id, name=name)

    first = api.ask(LIST, a=acct(account_id), first=3)["account"]["users"]
    last = api.ask(LIST, a=acct(account_id), first=3, after=first["pageInfo"]["endCursor"])["account"]["users"]

    assert [user["name"] for user in first["nodes"] + last["nodes"]] == ["A", "A", "B", "C"]
    assert (first["pageInfo"]["hasNextPage"], last["pageInfo"]["hasNextPage"]) == (True, False)
    assert names(api, account_id, first=2, before=last["pageInfo"]["startCursor"]) == ["A", "B"]


def test_what_a_user_spent_is_that_of_the_accounts_own_month(api: Api) -> None:
    account_id = account_with_money(api)
    make_user(api.database, account_id, "MCOPSTNPP", monthly_limit_micros=micros(1))
    calls = [("2026-10-01T11:00:00Z", "a"), ("2026-09-30T11:00:00Z", "b"), ("2026-10-01T11:30:00Z", "c")]
    record(api, account_id, *(a_call(userId=user_id(account_id, 1), answeredAt=at, callId=name) for at, name in calls))

    found = api.ask(
        "query U($u: ID!) { node(id: $u) { ... on User { spentThisMonth { amount } } } }", u=user_id(account_id, 1)
    )

    assert found["node"]["spentThisMonth"] == {"amount": "0.12"}


def test_a_user_in_a_test_account_is_entered_at_its_clock(small_api: Api) -> None:
    account_id = make_test_account(small_api.database)
    small_api.now += 3_600_000_000

    assert create(small_api, account_id)["user"]["createdAt"] == "2026-10-01T12:00:00Z"


def test_the_pools_that_pay_for_a_users_calls_are_told_with_it(api: Api) -> None:
    account_id = make_account(api.database)
    make_user(api.database, account_id, "MCOPSTN2", "MCOMEETADD", "MCOPSTNPP", country="PR", name="Mia")
    make_user(api.database, account_id, "MCOPSTN8", name="Noah")
    make_user(api.database, account_id, "MCOPSTN2", country="JP")
    make_user(api.database, account_id, "MCOPSTN2")

    found = api.ask(
        "query U($a: ID!) { account(id: $a) { users { nodes {"
        " name minutePools { scope minutesTotal user { name } } } } } }",
        a=acct(account_id),
    )["account"]["users"]["nodes"]

    pools = {user["name"]: [(each["scope"], each["minutesTotal"]) for each in user["minutePools"]] for user in found}
    assert pools["Mia"] == [("DOMESTIC", 6000), ("INTERNATIONAL", 1200), ("CONFERENCE", 60)]
    assert pools["Noah"] == [("DOMESTIC", 120)]
    assert next(user for user in found if user["name"] == "Noah")["minutePools"][0]["user"] == {"name": "Noah"}
