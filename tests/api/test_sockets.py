"""GraphQL over WebSocket on a real server: the protocol, kept and broken."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs
from websockets.exceptions import InvalidStatus

from credits.ids import public_id
from db.kinds import Scope
from schema.sockets import LONGEST_ID, MOST_OPERATIONS
from tests.api.conftest import House
from tests.factories import make_lot
from tests.live import BALANCE, Talk, served, talking

QUERY = {"query": "{ viewer { name } }"}


@pytest.fixture
def place(house: House) -> Iterator[str]:
    """Where the house is served."""
    with served(house.app) as place:
        yield place


@pytest.fixture
def token(house: House) -> str:
    """A program's token."""
    return house.token(Scope.READ)


@pytest.fixture
def talk(place: str, token: str) -> Iterator[Talk]:
    """A connection that has begun."""
    with talking(place, token=token) as talk:
        talk.greet()
        yield talk


def test_the_balance_comes_at_once_and_again_when_it_changes(house: House, talk: Talk) -> None:
    talk.subscribe(house.account, "watch")
    first = talk.hear()
    make_lot(house.database, house.account_id, 5)

    assert first == {
        "id": "watch", "type": "next", "payload": {"data": {"balance": {"available": {"amount": "100.00"}}}}
    }  # fmt: skip
    assert talk.available() == "105.00"


def test_the_token_may_come_with_the_first_message_instead(house: House, place: str, token: str) -> None:
    with talking(place) as talk:
        talk.greet(token)
        talk.subscribe(house.account)

        assert talk.available() == "100.00"


def test_several_operations_share_a_connection_and_each_can_be_stopped(house: House, talk: Talk) -> None:
    for name in ("one", "two"):
        talk.subscribe(house.account, name)
        talk.available()
    talk.say(id="one", type="complete")
    talk.say(type="ping")
    assert talk.hear() == {"type": "pong"}
    make_lot(house.database, house.account_id, 5)

    assert talk.hear()["id"] == "two"
    talk.subscribe(house.account, "one")
    assert talk.hear()["id"] == "one"


def test_the_end_of_an_operation_that_is_unknown_changes_nothing(house: House, talk: Talk) -> None:
    talk.say(id="never begun", type="complete")
    talk.subscribe(house.account)

    assert talk.available() == "100.00"


def test_a_query_has_one_result_and_its_id_is_free_again(talk: Talk) -> None:
    for _ in range(2):
        talk.say(id="q", type="subscribe", payload=QUERY)

        told = talk.hear()
        assert (told["id"], told["type"]) == ("q", "next")
        assert told["payload"]["data"] == {"viewer": {"name": "Switch"}}
        assert talk.hear() == {"id": "q", "type": "complete"}


@pytest.mark.parametrize("query", ["subscription {", "subscription { nothing }", "{ nothing }"])
def test_what_cannot_be_run_is_an_error_and_the_connection_goes_on(house: House, talk: Talk, query: str) -> None:
    talk.say(id="bad", type="subscribe", payload={"query": query})

    message = talk.hear()
    assert (message["id"], message["type"]) == ("bad", "error")
    assert message["payload"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    talk.subscribe(house.account, "bad")
    assert talk.available() == "100.00"


def test_an_account_out_of_sight_does_not_exist(house: House, talk: Talk) -> None:
    talk.subscribe(public_id("acct", house.other_id))

    message = talk.hear()
    assert message["type"] == "error"
    assert message["payload"][0]["extensions"]["code"] == "NOT_FOUND"


def test_a_ping_comes_back_with_what_it_brought_even_before_the_beginning(place: str, token: str) -> None:
    with talking(place, token=token) as talk:
        talk.say(type="ping", payload={"n": 1})
        assert talk.hear() == {"type": "pong", "payload": {"n": 1}}
        talk.say(type="pong")
        talk.greet()


MALFORMED: list[str | bytes] = [
    "", "{", "[]", "7", "null", '"connection_init"', "[" * 50_000, '{"type": NaN}', "{}", '{"type": 1}',
    '{"type": "start"}', '{"type": "subscribe"}', '{"type": "subscribe", "id": "1"}',
    '{"type": "subscribe", "id": 1, "payload": {"query": "{ __typename }"}}',
    '{"type": "subscribe", "id": "", "payload": {"query": "{ __typename }"}}',
    '{"type": "subscribe", "id": ["1"], "payload": {"query": "{ __typename }"}}',
    json.dumps({"type": "subscribe", "id": "x" * (LONGEST_ID + 1), "payload": QUERY}),
    '{"type": "subscribe", "id": "1", "payload": []}', '{"type": "subscribe", "id": "1", "payload": {"query": 1}}',
    '{"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }", "variables": []}}',
    '{"type": "complete"}', '{"type": "complete", "id": {}}', b"\x00\x01",
]  # fmt: skip


def test_a_malformed_message_ends_the_connection(place: str, token: str) -> None:
    for sent in MALFORMED:
        with talking(place, token=token) as talk:
            talk.greet()
            talk.socket.send(sent)

            code, reason = talk.ended()
            assert (sent, code) == (sent, 4400)
            assert reason


@pytest.mark.parametrize("message", [{"type": "connection_init", "payload": [1]}, {"type": "complete", "id": "1"}])
def test_a_malformed_beginning_ends_it_too(place: str, token: str, message: dict[str, Any]) -> None:
    with talking(place, token=token) as talk:
        talk.say(**message)

        assert talk.ended()[0] == 4400


def test_a_message_larger_than_the_limit_is_not_read(talk: Talk) -> None:
    talk.say(id="1", type="subscribe", payload={"query": "#" * 64 * 1024})

    assert talk.ended()[0] == 1009


def test_to_begin_twice_is_too_often(talk: Talk) -> None:
    talk.say(type="connection_init")

    assert talk.ended() == (4429, "Too many initialisation requests")


def test_nothing_runs_before_the_beginning(place: str, token: str, house: House) -> None:
    with talking(place, token=token) as talk:
        talk.subscribe(house.account)

        assert talk.ended() == (4401, "Unauthorized")


def test_whoever_never_begins_is_left(place: str, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schema.sockets.INIT_SECONDS", 0.1)

    with talking(place, token=token) as talk:
        assert talk.ended() == (4408, "Connection initialisation timeout")


def test_an_id_in_use_cannot_be_used_again(house: House, talk: Talk) -> None:
    talk.subscribe(house.account, "same")
    talk.available()
    talk.subscribe(house.account, "same")

    assert talk.ended() == (4409, "Subscriber for 'same' already exists")


def test_one_operation_more_than_the_limit_is_refused_and_the_others_go_on(house: House, talk: Talk) -> None:
    for number in range(MOST_OPERATIONS):
        talk.subscribe(house.account, f"n{number}")
        talk.available()

    talk.subscribe(house.account, "beyond")
    refused = talk.hear()
    make_lot(house.database, house.account_id, 5)
    told = {talk.hear()["id"] for _ in range(MOST_OPERATIONS)}

    assert (refused["id"], refused["type"]) == ("beyond", "error")
    assert refused["payload"][0]["extensions"] == {"code": "LIMIT_EXCEEDED"}
    assert told == {f"n{number}" for number in range(MOST_OPERATIONS)}


def test_another_protocol_is_not_spoken(place: str, token: str) -> None:
    with talking(place, token=token, subprotocols=None) as talk:
        assert talk.ended() == (4406, "Subprotocol not acceptable")


@pytest.mark.parametrize("path", ["/", "/static/htmx.min.js", "/graphql/", "/healthz"])
def test_no_other_address_speaks_websocket(place: str, token: str, path: str) -> None:
    with pytest.raises(InvalidStatus) as refused, talking(place, path, token=token):
        pass

    assert refused.value.response.status_code == 403


def test_a_connection_that_breaks_off_leaves_nobody_watching(house: House, place: str, token: str) -> None:
    running = house.app.state.running
    with talking(place, token=token) as talk:
        talk.greet()
        talk.subscribe(house.account)
        talk.available()
        assert running.watching.is_looking
        talk.socket.socket.close()

    with talking(place, token=token) as after:
        after.greet()
        after.say(id="q", type="subscribe", payload=QUERY)
        after.hear()

        assert running.seats.taken == 1
        assert not running.watching.is_looking


def test_a_fault_of_ours_closes_the_connection_and_is_logged(
    house: House, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr("schema.sockets.results_of", broken)

    with capture_logs() as logs:
        talk.subscribe(house.account)
        code, reason = talk.ended()

    assert (code, reason) == (1011, "")
    assert ("fault", "WEBSOCKET") in [(line["event"], line.get("method")) for line in logs]


def test_a_subscription_document_is_the_one_that_is_asked_for(house: House, talk: Talk) -> None:
    payload = {"query": BALANCE + " query Other { viewer { name } }", "variables": {"a": house.account}}
    talk.say(id="1", type="subscribe", payload={**payload, "operationName": "Watch"})
    assert talk.available() == "100.00"

    talk.say(id="2", type="subscribe", payload={**payload, "operationName": "Other", "variables": None})
    assert talk.hear()["payload"]["data"] == {"viewer": {"name": "Switch"}}
