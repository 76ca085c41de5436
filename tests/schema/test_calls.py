"""Calls and the ledger through the API."""

from typing import Any

import pytest

from db.kinds import Scope
from db.session import Database
from schema.paging import write_cursor
from tests.factories import NOW, a_key, a_rate, make_account, make_deck, make_lot
from tests.schema.asking import Api, acct, program

RESULTS = (
    "results { callId duplicate error { code message field } call { id callId status charge { amount } destination } }"
    " account { balance { current { amount } } }"
)
CALLS = """
query Calls($a: ID!, $status: CallStatus, $from: DateTime, $to: DateTime, $s: String, $after: String) {
  account(id: $a) { calls(status: $status, from: $from, to: $to, search: $s, after: $after) {
    totalCount nodes { callId } } }
}
"""
LEDGER = """
query Ledger($a: ID!, $kind: EntryKind) {
  account(id: $a) { ledger(kind: $kind) { totalCount nodes {
    kind description amount { amount } balanceAfter { amount } owedChange { amount } occurredAt postedAt
    draws { amount { amount } lot { remaining { amount } } } call { callId } recharge { id }
  } } }
}
"""


def a_call(**values: Any) -> dict[str, Any]:
    """A finished call's input: one minute to Germany, at a minute before `NOW`."""
    usual = {"callId": a_key(), "to": "+4930123456", "answeredAt": "2026-10-01T11:59:00Z", "durationSeconds": 60}
    return {**usual, **values}


def record(api: Api, account_id: int, *calls: dict[str, Any]) -> Any:
    """Record calls, and return the payload."""
    return api.change("recordCalls", RESULTS, {"accountId": acct(account_id), "calls": list(calls)})


def account_with_money(api: Api, amount: int = 10) -> int:
    """An account with a lot, and a deck that asks 0.06 a minute to Germany."""
    make_deck(api.database, a_rate("49", "0.06", destination="Germany"))
    account_id = make_account(api.database)
    make_lot(api.database, account_id, amount)
    return account_id


def test_finished_calls_are_charged_each_for_itself(api: Api) -> None:
    account_id = account_with_money(api)

    payload = record(
        api, account_id, a_call(callId="a"), a_call(callId="b", to="x"), a_call(callId="c", to="+33123456789")
    )

    good, bad, unrated = payload["results"]
    assert (good["call"]["status"], good["call"]["charge"], good["error"]) == ("SETTLED", {"amount": "0.06"}, None)
    assert good["call"]["destination"] == "Germany"
    assert bad["call"] is None
    assert (bad["error"]["code"], bad["error"]["field"]) == ("INVALID", ["input", "calls", "1", "to"])
    assert (unrated["call"]["status"], unrated["call"]["charge"]) == ("UNRATED", {"amount": "0.00"})
    assert payload["account"] == {"balance": {"current": {"amount": "9.94"}}}
    assert payload["errors"] == []


def test_a_call_seen_before_answers_as_it_did_then(api: Api) -> None:
    account_id = account_with_money(api)
    call = a_call(callId="same")
    first = record(api, account_id, call)

    again = record(api, account_id, call)
    other = record(api, account_id, {**call, "durationSeconds": 61})

    assert (first["results"][0]["duplicate"], again["results"][0]["duplicate"]) == (False, True)
    assert again["results"][0]["call"] == first["results"][0]["call"]
    assert again["account"] == first["account"]
    assert other["results"][0]["error"]["code"] == "IDEMPOTENCY_KEY_REUSED"


def test_more_than_a_thousand_calls_are_refused_whole(small_api: Api) -> None:
    account_id = account_with_money(small_api)

    payload = record(small_api, account_id, *(a_call() for _ in range(1_001)))

    assert payload["results"] == []
    assert [(error["code"], error["field"]) for error in payload["errors"]] == [("LIMIT_EXCEEDED", ["input", "calls"])]


def test_a_call_of_a_user_that_there_is_not_is_refused(api: Api) -> None:
    account_id = account_with_money(api)

    payload = record(api, account_id, a_call(userId="user_1-1"))

    assert payload["results"][0]["error"]["field"] == ["input", "calls", "0", "userId"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["late", "other", "early"]),
        ({"status": "UNRATED"}, ["other"]),
        ({"from": "2026-10-01T11:00:00Z"}, ["late", "other"]),
        ({"from": "2026-10-01T10:00:00Z", "to": "2026-10-01T11:00:00Z"}, ["early"]),
        ({"s": "+49 30 12"}, ["late", "early"]),
        ({"s": "oth"}, ["other"]),
        ({"s": "%"}, []),
    ],
)
def test_calls_are_found_the_last_first(api: Api, asked: dict[str, Any], found: list[str]) -> None:
    account_id = account_with_money(api)
    record(
        api,
        account_id,
        a_call(callId="early", answeredAt="2026-10-01T10:00:00Z"),
        a_call(callId="other", to="+33123456789", answeredAt="2026-10-01T11:00:00Z"),
        a_call(callId="late", answeredAt="2026-10-01T11:30:00Z"),
    )

    calls = api.ask(CALLS, a=acct(account_id), **asked)["account"]["calls"]

    assert [node["callId"] for node in calls["nodes"]] == found
    assert calls["totalCount"] == len(found)


def test_a_call_tells_all_that_is_known_of_it(api: Api) -> None:
    account_id = account_with_money(api)
    call_id = record(api, account_id, a_call(callId="a", **{"from": "+493099"}))["results"][0]["call"]["id"]
    shape = (
        "callId service status from to startedAt durationSeconds billedSeconds planSeconds refusal country explanation"
        " rate { prefix deck { name } }"
    )

    call = api.ask(f"query C($id: ID!) {{ node(id: $id) {{ ... on Call {{ {shape} }} }} }}", id=call_id)["node"]

    steps = call.pop("explanation")
    assert call == {
        "callId": "a", "service": "USER_OUT", "status": "SETTLED", "from": "+493099", "to": "+4930123456",
        "startedAt": "2026-10-01T11:59:00Z", "durationSeconds": 60, "billedSeconds": 60, "planSeconds": 0,
        "refusal": None, "country": "DE", "rate": {"prefix": "49", "deck": {"name": "standard"}},
    }  # fmt: skip
    assert any("$0.06" in step for step in steps)


def test_the_ledger_says_what_each_entry_drew_and_owes(api: Api) -> None:
    account_id = account_with_money(api, 1)
    record(api, account_id, a_call(callId="long", durationSeconds=1_200))

    charge, grant = api.ask(LEDGER, a=acct(account_id))["account"]["ledger"]["nodes"]

    assert charge == {
        "kind": "CALL_CHARGE", "description": "Call to +4930123456", "amount": {"amount": "-1.20"},
        "balanceAfter": {"amount": "-0.20"}, "owedChange": {"amount": "-0.20"},
        "occurredAt": "2026-10-01T11:59:00Z", "postedAt": "2026-10-01T12:00:00Z",
        "draws": [{"amount": {"amount": "-1.00"}, "lot": {"remaining": {"amount": "0.00"}}}],
        "call": {"callId": "long"}, "recharge": None,
    }  # fmt: skip
    assert (grant["kind"], grant["amount"], grant["call"]) == ("GRANT", {"amount": "1.00"}, None)


def test_a_call_tells_what_it_moved_in_the_ledger(api: Api) -> None:
    account_id = account_with_money(api)
    record(api, account_id, a_call(callId="other"), a_call(callId="wrong"))
    undo = {"accountId": acct(account_id), "callId": "wrong", "reason": "Wrong route"}
    shape = "call { entries { kind description amount { amount } } }"
    entries = api.change("reverseCall", shape, undo)["call"]["entries"]

    assert entries == [
        {"kind": "CALL_CHARGE", "description": "Call to +4930123456", "amount": {"amount": "-0.06"}},
        {
            "kind": "REVERSAL", "description": "Charge taken back: call to +4930123456 (Wrong route)",
            "amount": {"amount": "0.06"},
        },
    ]  # fmt: skip


def test_a_program_that_may_not_read_is_not_told_what_a_call_moved(api: Api) -> None:
    account_id = account_with_money(api)
    values = {"accountId": acct(account_id), "calls": [a_call()]}
    document = "mutation R($i: RecordCallsInput!) { recordCalls(input: $i) { results { call { entries { id } } } } }"

    error = api.error(document, viewer=program(account_id, Scope.CALLS), i=values)

    assert error["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize(
    ("status", "index"),
    [
        ("AUTHORIZED", "ix_call_in_progress"),
        ("UNRATED", "ix_call_unrated"),
        ("REFUSED", "ix_call_not_made"),
        ("RELEASED", "ix_call_not_made"),
        ("EXPIRED", "ix_call_not_made"),
    ],
)
@pytest.mark.parametrize("within", [{}, {"from": "2026-10-01T10:00:00Z", "to": "2026-10-01T11:00:00Z"}])
def test_calls_of_a_state_other_than_settled_are_found_by_an_index_of_their_own(
    api: Api, statements: list[str], status: str, index: str, within: dict[str, Any]
) -> None:
    account_id = account_with_money(api)
    statements.clear()

    api.ask(CALLS, a=acct(account_id), status=status, after=write_cursor((NOW, 1)), **within)

    listed, counted = (statement for statement in statements if 'FROM "call"' in statement)
    assert index in plan_of(api.database, listed)
    assert index in plan_of(api.database, counted)


def plan_of(database: Database, sql: str) -> str:
    """How a statement is answered; as in all transactions, PostgreSQL reads no table from end to end if it need not."""
    explain = "EXPLAIN" if database.is_postgresql else "EXPLAIN QUERY PLAN"
    with database.transaction() as session:
        return "\n".join(str(row[-1]) for row in session.rows(f"{explain} {sql}", *(0,) * sql.count("?")))


def test_calls_of_a_rare_state_come_in_pages_too(api: Api) -> None:
    account_id = account_with_money(api)
    record(api, account_id, *(a_call(callId=each, to="+33123456789") for each in "abc"))
    pages = """
        query P($a: ID!, $after: String) { account(id: $a) { calls(status: UNRATED, first: 2, after: $after) {
            nodes { callId } pageInfo { endCursor hasNextPage } } } }"""

    first = api.ask(pages, a=acct(account_id))["account"]["calls"]
    rest = api.ask(pages, a=acct(account_id), after=first["pageInfo"]["endCursor"])["account"]["calls"]

    assert [node["callId"] for node in first["nodes"] + rest["nodes"]] == ["c", "b", "a"]
    assert (first["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (True, False)


@pytest.mark.parametrize(("kind", "count"), [("CALL_CHARGE", 2), ("GRANT", 1), ("EXPIRY", 0), (None, 3)])
def test_the_ledger_is_read_by_kind(api: Api, kind: str | None, count: int) -> None:
    account_id = account_with_money(api)
    record(api, account_id, a_call(), a_call())

    ledger = api.ask(LEDGER, a=acct(account_id), kind=kind)["account"]["ledger"]

    assert ledger["totalCount"] == len(ledger["nodes"]) == count
