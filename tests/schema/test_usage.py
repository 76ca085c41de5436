"""Usage through the API."""

from typing import Any

import pytest

from tests.calling import ABROAD, gather_callers
from tests.factories import a_rate, make_account, make_deck
from tests.schema.asking import Api, acct
from tests.schema.test_calls import a_call, record

USAGE = """
query Usage($a: ID!, $from: DateTime!, $to: DateTime!, $by: [UsageDimension!]!) {
  account(id: $a) { usage(from: $from, to: $to, groupBy: $by) {
    day month service country destination department calls minutes planMinutes charge { amount currency }
  } }
}
"""
NOTHING = dict.fromkeys(("day", "month", "service", "country", "destination", "department"))
OCTOBER = {"from": "2026-09-01T00:00:00Z", "to": "2026-11-01T00:00:00Z"}


def use(api: Api, account_id: int, *group_by: str, **asked: Any) -> list[dict[str, Any]]:
    """The usage of an account in September and October."""
    rows: list[dict[str, Any]] = api.ask(USAGE, a=acct(account_id), by=list(group_by), **{**OCTOBER, **asked})[
        "account"
    ]["usage"]
    return rows


def test_usage_is_told_in_minutes_and_money(api: Api) -> None:
    make_deck(api.database, a_rate("49", "0.06", destination="Germany", country="DE"))
    account_id = make_account(api.database)
    record(
        api, account_id, a_call(durationSeconds=61), a_call(durationSeconds=1),
        a_call(answeredAt="2026-09-30T23:59:59Z", to="+33123456789", durationSeconds=60),
    )  # fmt: skip

    by_day = use(api, account_id, "DAY", "SERVICE")
    by_place = use(api, account_id, "MONTH", "COUNTRY", "DESTINATION")

    free, charged = {"amount": "0.00", "currency": "USD"}, {"amount": "0.18", "currency": "USD"}
    assert by_day == [
        {**NOTHING, "day": "2026-09-30", "service": "USER_OUT", "calls": 1, "minutes": "1.0000",
         "planMinutes": "0.0000", "charge": free},
        {**NOTHING, "day": "2026-10-01", "service": "USER_OUT", "calls": 2, "minutes": "1.0333",
         "planMinutes": "0.0000", "charge": charged},
    ]  # fmt: skip
    assert [(row["month"], row["country"], row["destination"]) for row in by_place] == [
        ("2026-09-01", None, None), ("2026-10-01", "DE", "Germany"),
    ]  # fmt: skip


def test_usage_is_by_day_unless_said_otherwise(api: Api) -> None:
    account_id = make_account(api.database)
    record(api, account_id, a_call())

    days = api.ask(
        'query D($a: ID!) { account(id: $a) { usage(from: "2026-10-01T00:00:00Z", to: "2026-10-02T00:00:00Z")'
        " { day calls } } }",
        a=acct(account_id),
    )["account"]["usage"]

    assert days == [{"day": "2026-10-01", "calls": 1}]


def test_what_plans_paid_is_told_apart(api: Api) -> None:
    callers = gather_callers(api.database, amount=10)
    callers.calls(callers.user("MCOPSTN2", "MCOPSTNPP", department="Sales"), ABROAD, 90)
    callers.calls(None, ABROAD, 60)

    rows = use(api, callers.books.account_id, "DEPARTMENT")

    assert [(row["department"], row["minutes"], row["planMinutes"], row["charge"]["amount"]) for row in rows] == [
        ("Sales", "1.5000", "1.5000", "0.00"), (None, "1.0000", "0.0000", "0.60"),
    ]  # fmt: skip


def test_users_are_told_by_who_they_are_with_one_look_at_all_of_them(
    api: Api,
    statements: list[str],
) -> None:
    callers = gather_callers(api.database)
    for name in ("ann", "bob", "cid"):
        callers.calls(callers.user("MCOPSTN2", user_name=name), ABROAD)
    callers.calls(None, ABROAD)
    document = (
        "query U($a: ID!, $from: DateTime!, $to: DateTime!) { account(id: $a) {"
        " usage(from: $from, to: $to, groupBy: [USER]) { calls user { userName } } } }"
    )
    statements.clear()

    rows = api.ask(document, a=acct(callers.books.account_id), **OCTOBER)["account"]["usage"]

    assert [(row["user"] or {}).get("userName") for row in rows] == ["ann", "bob", "cid", None]
    assert len([sql for sql in statements if "phone_user" in sql]) == 1


@pytest.mark.parametrize(
    ("asked", "code", "field"),
    [
        ({"to": "2026-08-31T23:59:59Z"}, "BAD_USER_INPUT", ["to"]),
        ({"from": "2020-01-01T00:00:00Z"}, "LIMIT_EXCEEDED", ["to"]),
    ],
)
def test_a_time_that_cannot_be_answered_says_why(
    small_api: Api, asked: dict[str, str], code: str, field: list[str]
) -> None:
    account_id = make_account(small_api.database)

    error = small_api.error(USAGE, a=acct(account_id), by=["DAY"], **{**OCTOBER, **asked})

    assert error["extensions"] == {"code": code, "field": field}
