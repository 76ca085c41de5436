"""A subscription by POST on a real server: server-sent events, line by line."""

from collections.abc import Iterator

import pytest

from credits.ids import public_id
from db.kinds import Scope
from tests.api.conftest import House
from tests.factories import make_lot
from tests.live import BALANCE, served, streaming

MIXED = "application/graphql-response+json, application/json, text/event-stream"


@pytest.fixture
def place(house: House) -> Iterator[str]:
    """Where the house is served."""
    with served(house.app) as place:
        yield place


@pytest.fixture
def token(house: House) -> str:
    """A program's token."""
    return house.token(Scope.READ)


def test_the_balance_comes_at_once_and_again_when_it_changes(house: House, place: str, token: str) -> None:
    with streaming(place, house.account, token=token) as events:
        first = events.next()
        make_lot(house.database, house.account_id, 5)

        assert first == ("next", {"data": {"balance": {"available": {"amount": "100.00"}}}})
        assert events.available() == "105.00"
        assert events.answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert "no-store" in events.answer.headers["cache-control"]


@pytest.mark.parametrize("accept", [MIXED, "text/event-stream;q=0.9, */*", "TEXT/EVENT-STREAM"])
def test_whoever_accepts_a_stream_among_others_gets_one_for_a_subscription(
    house: House, place: str, token: str, accept: str
) -> None:
    with streaming(place, house.account, token=token, headers={"Accept": accept}) as events:
        assert events.available() == "100.00"


def test_whoever_accepts_no_stream_is_told_how_to_subscribe(house: House, place: str, token: str) -> None:
    with streaming(place, house.account, token=token, headers={"Accept": "application/json"}) as events:
        assert events.answer.status == 406
        assert b"text/event-stream" in events.answer.read()


def test_a_query_comes_as_one_event_for_whoever_prefers_them(place: str, token: str) -> None:
    query = "query Q($a: ID!) { viewer { name } node(id: $a) { id } }"

    with streaming(place, "acct_7", token=token, query=query) as events:
        assert (answered := events.next())
        assert answered[0] == "next"
        assert answered[1]["data"] == {"viewer": {"name": "Switch"}, "node": None}
        assert events.next() == ("complete", None)
        assert events.next() is None


@pytest.mark.parametrize("query", ["subscription {", "subscription W($a: ID!) { nothing }", "{ nothing }", "fragment"])
def test_what_cannot_be_run_is_told_by_the_stream(place: str, token: str, query: str) -> None:
    with streaming(place, "acct_7", token=token, query=query) as events:
        assert events.answer.status == 200
        told = events.next()

        assert told is not None
        assert told[0] == "next"
        assert list(told[1]) == ["errors"]
        assert events.next() == ("complete", None)
        assert events.next() is None


def test_an_account_out_of_sight_does_not_exist(house: House, place: str, token: str) -> None:
    with streaming(place, public_id("acct", house.other_id), token=token) as events:
        told = events.next()

        assert told is not None
        assert told[1]["errors"][0]["extensions"]["code"] == "NOT_FOUND"
        assert events.next() == ("complete", None)


def test_what_is_no_request_is_answered_as_ever(place: str, token: str) -> None:
    with streaming(place, "acct_7", token=token, query="") as events:
        assert events.answer.status == 400
        assert events.answer.headers["content-type"].startswith("application/json")


def test_comments_keep_the_connection_open(
    house: House, place: str, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schema.event_stream.KEEP_ALIVE_SECONDS", 0.01)

    with streaming(place, house.account, token=token) as events:
        events.available()
        while events.comments < 3:
            events.comment()
        make_lot(house.database, house.account_id, 5)

        assert events.available() == "105.00"


def test_a_subscription_by_get_is_not_run(house: House, place: str, token: str) -> None:
    client = house.client()
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}

    answer = client.get("/graphql", params={"query": BALANCE}, headers=headers)

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
