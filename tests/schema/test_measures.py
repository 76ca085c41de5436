"""What is counted of the API: operations by the field they ask for, and what switches said."""

import asyncio
from typing import Any

import pytest

from credits.call_messages import Authorization
from db.session import Database
from schema.gathering import CallGatherer
from schema.measures import MEASURES
from tests.factories import NOW, a_rate, make_account, make_deck, make_lot
from tests.measured import growing
from tests.schema.asking import Api, acct

TO_GERMANY, TO_FRANCE = "+4930123456", "+33142685300"


@pytest.fixture
def account_id(small_api: Api) -> int:
    """An account with 1.00, whose calls to Germany cost 0.06 a minute."""
    make_deck(small_api.database, a_rate("49", "0.06"))
    account_id = make_account(small_api.database)
    make_lot(small_api.database, account_id, 1)
    return account_id


def say(api: Api, mutation: str, account_id: int, call_id: str, **values: Any) -> None:
    """Send a switch's message."""
    api.change(mutation, "call { status }", {"accountId": acct(account_id), "callId": call_id, **values})


def test_operations_are_counted_by_the_field_that_they_ask_for_whatever_they_are_called(small_api: Api) -> None:
    with growing("graphql") as grown:
        small_api.run("query Mine { viewer { name } }")
        small_api.run("query Yours { me: viewer { name } }")
        small_api.run("{ viewer { name } plans { code } }")
        small_api.run("{ ...All } fragment All on Query { viewer { name } }")
        small_api.run("{ __typename }")

    assert grown == {
        "graphql_operation_seconds_count viewer ok": 2,
        "graphql_operation_seconds_count several ok": 2,
        "graphql_operation_seconds_count __typename ok": 1,
    }


def test_what_is_refused_and_what_fails_is_told_apart(small_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    account = f'{{ account(id: "{acct(7)}") {{ name }} }}'

    with growing("graphql") as grown, monkeypatch.context() as patch:
        small_api.run("{ nothing }")
        small_api.run("{")
        small_api.run("query A { viewer { name } } query B { plans { code } }")
        small_api.run("{ viewer { name } }", viewer=None)
        patch.setattr(Database, "reading", lambda _: 1 / 0)
        small_api.run(account)

    assert grown == {
        "graphql_operation_seconds_count invalid refused": 2,
        "graphql_operation_seconds_count viewer refused": 2,
        "graphql_operation_seconds_count account fault": 1,
    }


def test_what_switches_say_is_counted_with_what_came_of_it(small_api: Api, account_id: int) -> None:
    with growing("call_messages") as grown:
        say(small_api, "authorizeCall", account_id, "c1", to=TO_GERMANY, requestedSeconds=60)
        say(small_api, "authorizeCall", account_id, "c2", to=TO_FRANCE)
        say(small_api, "authorizeCall", account_id, "c1", to=TO_FRANCE)
        say(small_api, "extendCall", account_id, "c1", usedSeconds=60, requestedSeconds=60)
        say(small_api, "extendCall", account_id, "c1", usedSeconds=60, requestedSeconds=86_400)
        say(small_api, "settleCall", account_id, "c1", durationSeconds=90)
        say(small_api, "extendCall", account_id, "c1", usedSeconds=90)
        say(small_api, "authorizeCall", account_id, "c3", to=TO_GERMANY, requestedSeconds=60)
        say(small_api, "releaseCall", account_id, "c3")

    assert grown == {
        "call_messages_total authorize AUTHORIZED": 2,
        "call_messages_total authorize NO_RATE": 1,
        "call_messages_total authorize IDEMPOTENCY_KEY_REUSED": 1,
        "call_messages_total extend AUTHORIZED": 1,
        "call_messages_total extend INSUFFICIENT_CREDIT": 1,
        "call_messages_total extend CONFLICT": 1,
        "call_messages_total settle SETTLED": 1,
        "call_messages_total release RELEASED": 1,
    }


def test_each_finished_call_of_a_report_is_counted(small_api: Api, account_id: int) -> None:
    def call(call_id: str, to: str = TO_GERMANY, seconds: int = 60) -> dict[str, Any]:
        answered_at = "2026-09-21T12:00:00Z"
        return {"callId": call_id, "to": to, "answeredAt": answered_at, "durationSeconds": seconds}

    calls = [call("a"), call("b"), call("a"), call("c", TO_FRANCE), call("d", seconds=-1)]
    with growing("call_messages") as grown:
        small_api.change("recordCalls", "results { callId }", {"accountId": acct(account_id), "calls": calls})

    assert grown == {
        "call_messages_total record SETTLED": 2,
        "call_messages_total record DUPLICATE": 1,
        "call_messages_total record UNRATED": 1,
        "call_messages_total record INVALID": 1,
    }


def test_messages_that_are_written_together_are_counted_as_one_batch(small_api: Api, account_id: int) -> None:
    async def asked_at_once() -> None:
        gatherer = CallGatherer(small_api.database, small_api.rates)
        asked = [Authorization(account_id, f"c{number}", TO_GERMANY, 60) for number in range(5)]
        await asyncio.gather(*(gatherer.post(each, NOW) for each in asked))

    before = sums()
    with growing("call_batch") as grown:
        asyncio.run(asked_at_once())
    after = sums()

    assert grown["call_batch_messages_count"] == grown["call_batch_seconds_count"] <= 5
    assert after["credits_call_batch_messages_sum"] - before["credits_call_batch_messages_sum"] == 5
    assert after["credits_call_batch_seconds_sum"] > before["credits_call_batch_seconds_sum"]


def sums() -> dict[str, float]:
    """The sums of the histograms that have no labels."""
    samples = [sample for metric in MEASURES.collect() for sample in metric.samples]
    return {sample.name: sample.value for sample in samples if sample.name.endswith("_sum") and not sample.labels}


def test_a_fault_is_counted_as_what_came_of_it(
    small_api: Api, account_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schema.gathering.post_calls", lambda *_, **__: 1 / 0)

    with growing("call_messages") as grown, pytest.raises(ZeroDivisionError):
        asyncio.run(small_api.context().post(Authorization(account_id, "c1", TO_GERMANY)))

    assert grown == {"call_messages_total authorize FAULT": 1}
