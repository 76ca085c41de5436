"""The catalogue of plans and the minute pools through the API."""

from datetime import date
from typing import Any

import pytest

from credits.ids import public_id
from db.kinds import Role
from tests.factories import make_account, make_user
from tests.schema.asking import Api, acct, person
from tests.schema.test_calls import a_call, account_with_money, record

PLAN = 'plan { code name kind domesticMinutes inJapan: domesticMinutes(country: "JP")'
PLAN += " domesticMinutesByCountry { country minutes } internationalMinutes conferenceMinutes pooled }"
POOLS = """
query Pools($a: ID!, $month: Date, $shared: Boolean) {
  account(id: $a) { minutePools(month: $month, shared: $shared) {
    plan { code } country scope minutesTotal minutesUsed minutesPromised minutesLeft month licenses user { name }
  } }
}
"""
OWN = """
query Own($a: ID!, $s: String, $first: Int, $after: String, $before: String) {
  account(id: $a) { userMinutePools(search: $s, first: $first, after: $after, before: $before) {
    totalCount nodes { user { name } minutesTotal } pageInfo { hasNextPage endCursor startCursor }
  } }
}
"""


def pools(api: Api, account_id: int, **asked: Any) -> list[dict[str, Any]]:
    """The pools of an account."""
    found: list[dict[str, Any]] = api.ask(POOLS, a=acct(account_id), **asked)["account"]["minutePools"]
    return found


def test_the_catalogue_tells_of_every_plan(api: Api) -> None:
    shown = api.ask(
        '{ plans { code pooled domesticMinutes us: domesticMinutes(country: "US")'
        ' pr: domesticMinutes(country: "PR") gb: domesticMinutes(country: "GB") } zoneA }'
    )

    assert [plan["code"] for plan in shown["plans"]] == [
        "MCOPSTN1", "MCOPSTN2", "MCOPSTN5", "MCOPSTN6", "MCOPSTN8", "MCOPSTNPAYG", "MCOMEETADD", "MCOPSTNPP",
    ]  # fmt: skip
    assert {name: shown["plans"][0][name] for name in ("domesticMinutes", "us", "pr", "gb")} == {
        "domesticMinutes": 1200, "us": 3000, "pr": 3000, "gb": 1200,
    }  # fmt: skip
    assert len(shown["zoneA"]) == 44


def test_the_operator_adds_and_changes_plans(api: Api) -> None:
    added = api.change(
        "createPlan", PLAN,
        {"code": "OWN", "name": "Our own", "kind": "CALLING_PLAN", "domesticMinutes": 10, "pooled": False,
         "domesticMinutesByCountry": [{"country": "JP", "minutes": 20}]},
    )  # fmt: skip
    changed = api.change(
        "updatePlan", PLAN,
        {"planId": public_id("plan", 9), "domesticMinutes": 30, "internationalMinutes": 5, "pooled": True},
    )  # fmt: skip

    assert added["plan"] == {
        "code": "OWN", "name": "Our own", "kind": "CALLING_PLAN", "domesticMinutes": 10, "inJapan": 20,
        "domesticMinutesByCountry": [{"country": "JP", "minutes": 20}], "internationalMinutes": 0,
        "conferenceMinutes": 0, "pooled": False,
    }  # fmt: skip
    assert changed["plan"] == {**added["plan"], "domesticMinutes": 30, "internationalMinutes": 5, "pooled": True}


def test_a_country_that_is_named_twice_is_refused(small_api: Api) -> None:
    twice = [{"country": "JP", "minutes": minutes} for minutes in (1, 2)]

    (error,) = small_api.refused("updatePlan", {"planId": public_id("plan", 1), "domesticMinutesByCountry": twice})

    assert (error["code"], error["field"]) == ("INVALID", ["input", "domesticMinutesByCountry"])


@pytest.mark.parametrize("plan", ["plan_9z", "user_1-1", "nothing"])
def test_what_is_no_plan_is_not_found(small_api: Api, plan: str) -> None:
    (error,) = small_api.refused("updatePlan", {"planId": plan, "name": "New"})

    assert (error["code"], error["field"]) == ("NOT_FOUND", ["input", "planId"])


def test_the_operator_says_which_countries_zone_a_has(api: Api) -> None:
    payload = api.change("setZoneA", "countries", {"countries": ["KR", "JP"]})

    assert payload == {"countries": ["JP", "KR"], "errors": []}
    assert api.ask("{ zoneA }") == {"zoneA": ["JP", "KR"]}


def test_pools_are_told_with_what_is_used_promised_and_left(api: Api) -> None:
    account_id = account_with_money(api)
    make_user(api.database, account_id, "MCOPSTN5", name="Mia", country="DE")
    make_user(api.database, account_id, "MCOPSTN8", "MCOMEETADD", name="Noah")
    mia = public_id("user", account_id, 1)
    record(api, account_id, a_call(userId=mia, durationSeconds=61))
    asked = {"accountId": acct(account_id), "callId": "c1", "to": "+4930123456", "userId": mia}
    api.change("authorizeCall", "authorized", {**asked, "requestedSeconds": 600})

    mine, conference, own = pools(api, account_id)

    assert mine == {
        "plan": {"code": "MCOPSTN5"}, "country": "DE", "scope": "DOMESTIC", "minutesTotal": 120, "minutesUsed": 2,
        "minutesPromised": 10, "minutesLeft": 108, "month": "2026-10-01", "licenses": 1, "user": None,
    }  # fmt: skip
    assert (conference["scope"], conference["country"], conference["minutesTotal"]) == ("CONFERENCE", None, 60)
    assert (own["user"], own["minutesTotal"]) == ({"name": "Noah"}, 120)
    assert pools(api, account_id, shared=True) == [mine, conference]
    assert pools(api, account_id, shared=False) == [own]


def test_a_month_is_named_by_any_of_its_days(api: Api) -> None:
    account_id = account_with_money(api)
    make_user(api.database, account_id, "MCOPSTN5", country="DE", now=0)
    call = a_call(userId=public_id("user", account_id, 1), answeredAt="2026-09-17T10:00:00Z")
    record(api, account_id, call)

    assert [pool["minutesUsed"] for pool in pools(api, account_id, month="2026-09-30")] == [1]
    assert [pool["minutesUsed"] for pool in pools(api, account_id, month="2026-10-31")] == [0]
    assert pools(api, account_id, month=date.min.isoformat()) == []


def test_a_month_to_come_has_no_pools_yet(small_api: Api) -> None:
    account_id = make_account(small_api.database)

    error = small_api.error(POOLS, a=acct(account_id), month="2026-11-01")

    assert error["extensions"] == {"code": "BAD_USER_INPUT", "field": ["month"]}


def test_users_own_pools_come_in_pages_by_name(api: Api) -> None:
    account_id = make_account(api.database)
    for number, name in enumerate(("C", "A", "B", "A")):
        make_user(api.database, account_id, "MCOPSTN8", name=name, user_name=f"{name}@{number}")
    make_user(api.database, account_id, "MCOPSTN5", name="A")

    first = api.ask(OWN, a=acct(account_id), first=3)["account"]["userMinutePools"]
    info = first["pageInfo"]
    last = api.ask(OWN, a=acct(account_id), first=3, after=info["endCursor"])["account"]["userMinutePools"]
    start = last["pageInfo"]["startCursor"]
    before = api.ask(OWN, a=acct(account_id), first=2, before=start)["account"]["userMinutePools"]

    shown = [[pool["user"]["name"] for pool in page["nodes"]] for page in (first, last, before)]
    assert shown == [["A", "A", "B"], ["C"], ["A", "B"]]
    assert (first["totalCount"], info["hasNextPage"], last["pageInfo"]["hasNextPage"]) == (4, True, False)
    assert api.ask(OWN, a=acct(account_id), s="b@")["account"]["userMinutePools"]["totalCount"] == 1


def test_whoever_looks_at_the_account_sees_its_users_and_minutes(small_api: Api) -> None:
    account_id = make_account(small_api.database)
    make_user(small_api.database, account_id, "MCOPSTN5", name="Mia")
    vera = person(Role.VIEWER, account_id)

    seen = small_api.ask(
        "query See($a: ID!) { account(id: $a) { users { nodes { name } } minutePools { minutesLeft } } }",
        viewer=vera, a=acct(account_id),
    )  # fmt: skip

    assert seen["account"] == {"users": {"nodes": [{"name": "Mia"}]}, "minutePools": [{"minutesLeft": 120}]}
