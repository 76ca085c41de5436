"""Connections that last: who may open one, how many, and when they end."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from websockets.exceptions import InvalidStatus

from db.kinds import Scope
from db.session import Database
from tests.api.conftest import ALICE, OLGA, House, ask, change_password_of, csrf_token, open_house
from tests.factories import NOW, make_lot
from tests.live import PATIENCE_SECONDS, Events, Talk, served, streaming, talking
from tests.serving import soon

EVIL = "https://evil.example"


@pytest.fixture
def place(house: House) -> Iterator[str]:
    """Where the house is served."""
    with served(house.app) as place:
        yield place


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks is looked up again many times a second."""
    monkeypatch.setattr("api.identities.TOKEN_SECONDS", 0.02)
    monkeypatch.setattr("api.identities.LOOK_UP_SECONDS", 0.02)
    monkeypatch.setattr("schema.live.ASKED_AGAIN_SECONDS", 0.02)


def cookie_of(house: House, email: str = ALICE) -> tuple[str, str]:
    """The cookie of somebody who has signed in, and the token that a page of theirs knows."""
    client = house.signed_in(email)
    ((name, value),) = ((name, value) for name, value in client.cookies.items() if name.endswith("session"))
    return f"{name}={value}", csrf_token(client)


def refused_with(place: str, **options: Any) -> int:
    """The status with which a WebSocket is refused."""
    with pytest.raises(InvalidStatus) as refused, talking(place, **options):
        pass
    answer = refused.value.response
    assert "content-security-policy" in answer.headers
    assert b'"code"' in (answer.body or b"")
    return answer.status_code


def watch(talk: Talk, house: House) -> None:
    """Begin to watch the house's account."""
    talk.greet()
    talk.subscribe(house.account)
    assert talk.available() == "100.00"


@contextmanager
def watching(way: str, place: str, house: House, token: str) -> Iterator[Events | Talk]:
    """Somebody who watches, by one way or the other."""
    if way == "events":
        with streaming(place, house.account, token=token) as events:
            yield events
    else:
        with talking(place, token=token) as talk:
            talk.greet()
            talk.subscribe(house.account)
            yield talk


WAYS = pytest.mark.parametrize("way", ["events", "socket"])


@WAYS
def test_a_change_that_somebody_else_made_is_told_within_a_second_or_so(any_house: House, way: str) -> None:
    elsewhere = Database(any_house.database.url)

    with (
        served(any_house.app) as place,
        watching(way, place, any_house, any_house.token(Scope.READ)) as watcher,
    ):
        assert watcher.available() == "100.00"
        began = time.monotonic()
        make_lot(elsewhere, any_house.account_id, 20)

        assert watcher.available() == "120.00"
        assert time.monotonic() - began < 5
    elsewhere.close()


@WAYS
def test_a_change_that_this_process_made_is_told_at_once(any_house: House, way: str) -> None:
    any_house.app.state.running.watching.interval_seconds = 3600  # nothing is noticed but what is told
    grant = (
        f'mutation {{ grantCredit(input: {{ accountId: "{any_house.account}", amount: "5", description: "Thanks",'
        ' idempotencyKey: "k" }) { errors { code } } }'
    )
    giving = any_house.token(Scope.FUNDS, operator=True)

    with (
        served(any_house.app) as place,
        watching(way, place, any_house, any_house.token(Scope.READ)) as watcher,
        streaming(place, any_house.account, token=giving, query=grant) as giver,
    ):
        assert watcher.available() == "100.00"
        assert (given := giver.next())
        assert given[1]["data"] == {"grantCredit": {"errors": []}}

        assert watcher.available() == "105.00"


def test_a_program_needs_no_origin(house: House, place: str) -> None:
    with talking(place, token=house.token(Scope.CALLS)) as talk:
        watch(talk, house)


def test_a_person_watches_from_a_page_of_ours(house: House, place: str) -> None:
    cookie, _ = cookie_of(house)

    with talking(place, headers={"Cookie": cookie}, origin=f"http://{place}") as talk:
        watch(talk, house)


def test_a_page_of_another_site_cannot_use_a_visitors_session(house: House, place: str) -> None:
    cookie, _ = cookie_of(house)

    for origin in (EVIL, "null", "http://127.0.0.1:1", "http://", "", "http://[", f"http://{place}.evil.example"):
        assert (origin, refused_with(place, headers={"Cookie": cookie}, origin=origin)) == (origin, 403)


def test_a_session_without_an_origin_counts_for_nothing(house: House, place: str) -> None:
    cookie, _ = cookie_of(house)

    with talking(place, headers={"Cookie": cookie}) as talk:
        talk.say(type="connection_init")

        assert talk.ended() == (4403, "Forbidden")


def test_behind_a_proxy_the_address_that_is_set_is_ours(sqlite_database: Database, tmp_path: Path) -> None:
    public = "https://credits.example"
    with open_house(sqlite_database, tmp_path, base_url=public) as house, served(house.app) as place:
        token = house.token(Scope.READ)

        with talking(place, origin=public) as talk:
            talk.greet(token)

        assert refused_with(place, origin=f"http://{place}") == 403


def test_a_stranger_may_connect_and_nothing_more(place: str) -> None:
    with talking(place) as talk:
        talk.say(type="connection_init")

        assert talk.ended() == (4403, "Forbidden")


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"Authorization": "Bearer nonsense"}, 4403),
        ({"authorization": "nonsense"}, 4400),
        ({"AUTHORIZATION": 7}, 4400),
        ({"token": "nonsense"}, 4403),
    ],
)
def test_a_wrong_token_in_the_first_message_ends_it(place: str, payload: dict[str, Any], code: int) -> None:
    with talking(place) as talk:
        talk.say(type="connection_init", payload=payload)

        assert talk.ended()[0] == code


def test_a_wrong_token_in_the_header_is_refused_whatever_else_comes_along(house: House, place: str) -> None:
    cookie, _ = cookie_of(house)

    assert refused_with(place, token="nonsense", headers={"Cookie": cookie}, origin=f"http://{place}") == 401


def test_an_event_stream_with_a_cookie_needs_the_pages_token(house: House, place: str) -> None:
    cookie, csrf = cookie_of(house)

    shown = {"Cookie": cookie, "X-CSRF-Token": csrf}

    with streaming(place, house.account, headers={"Cookie": cookie}) as events:
        assert events.answer.status == 403
    with streaming(place, house.account, headers={**shown, "Origin": EVIL}) as events:
        assert events.answer.status == 403
    with streaming(place, house.account, headers=shown) as events:
        assert events.available() == "100.00"


def test_a_stranger_gets_no_event_stream(house: House, place: str) -> None:
    for token in (None, "nonsense"):
        with streaming(place, house.account, token=token) as events:
            assert events.answer.status == 401


@pytest.mark.usefixtures("impatient")
def test_a_revoked_token_ends_an_event_stream(house: House, place: str) -> None:
    with streaming(place, house.account, token=house.token(Scope.READ)) as events:
        assert events.available() == "100.00"
        with house.database.transaction() as session:
            session.execute("UPDATE token SET revoked_at = ?", NOW)

        last = events.next()

        assert last is not None
        assert last[1]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert events.next() == ("complete", None)
        assert events.next() is None


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("watches", [True, False])
def test_a_revoked_token_ends_a_socket_idle_or_not(house: House, place: str, watches: bool) -> None:
    with talking(place, token=house.token(Scope.READ)) as talk:
        talk.greet()
        if watches:
            talk.subscribe(house.account)
            talk.available()
        with house.database.transaction() as session:
            session.execute("UPDATE token SET revoked_at = ?", NOW)

        assert talk.ended() == (4403, "Forbidden")


@pytest.mark.usefixtures("impatient")
def test_a_role_that_is_taken_away_ends_what_it_allowed_and_a_new_password_the_rest(house: House, place: str) -> None:
    cookie, _ = cookie_of(house)

    with talking(place, headers={"Cookie": cookie}, origin=f"http://{place}") as talk:
        watch(talk, house)
        with house.database.transaction() as session:
            session.execute("DELETE FROM membership")
        message = talk.hear()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "NOT_FOUND")

        change_password_of(house.database, ALICE)
        assert talk.ended() == (4403, "Forbidden")


@pytest.mark.usefixtures("impatient")
def test_a_session_that_is_ended_ends_what_it_began(house: House, place: str) -> None:
    cookie, _ = cookie_of(house)

    with talking(place, headers={"Cookie": cookie}, origin=f"http://{place}") as talk:
        watch(talk, house)
        with house.database.transaction() as session:
            session.execute("UPDATE web_session SET ended_at = ?", NOW)

        assert talk.ended() == (4403, "Forbidden")


@pytest.mark.usefixtures("impatient")
def test_a_session_whose_time_is_over_ends_what_it_began(
    house: House, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookie, _ = cookie_of(house)

    with talking(place, headers={"Cookie": cookie}, origin=f"http://{place}") as talk:
        watch(talk, house)
        tomorrow = time.time_ns() // 1_000 + 24 * 3_600_000_000
        monkeypatch.setattr("api.clock.now", lambda: tomorrow)

        assert talk.ended() == (4403, "Forbidden")


@pytest.mark.usefixtures("impatient")
def test_a_database_that_is_away_for_a_while_ends_nothing(house: House, place: str) -> None:
    running = house.app.state.running
    failures: list[Any] = []
    find = running.identities._find_token

    def away(token: str) -> Any:
        failures.append(token)
        raise ConnectionError("the database is away")

    with talking(place, token=house.token(Scope.READ)) as talk, capture_logs() as logs:
        watch(talk, house)
        running.identities._find_token = away
        assert soon(lambda: len(failures) >= 3)
        running.identities._find_token = find
        make_lot(house.database, house.account_id, 5)

        assert talk.available() == "105.00"
    assert {line["event"] for line in logs} >= {"look_up_failed"}


def test_one_viewer_has_so_many_connections_whichever_they_are(sqlite_database: Database, tmp_path: Path) -> None:
    with open_house(sqlite_database, tmp_path, live_connections_per_viewer=2) as house, served(house.app) as place:
        token, other = house.token(Scope.READ), house.token(Scope.READ)
        with ExitStack() as stack:
            stack.enter_context(streaming(place, house.account, token=token)).available()
            watch(stack.enter_context(talking(place, token=token)), house)

            assert refused_with(place, token=token) == 429
            with streaming(place, house.account, token=token) as events:
                assert events.answer.status == 429
                assert events.answer.headers["retry-after"]
                assert b"LIMIT_EXCEEDED" in events.answer.read()
            with talking(place) as talk:
                talk.say(type="connection_init", payload={"Authorization": f"Bearer {token}"})
                assert talk.ended() == (1013, "Too many connections")
            with talking(place, token=other) as talk:
                watch(talk, house)
        assert soon(lambda: house.app.state.running.seats.taken == 0)
        with talking(place, token=token) as talk:
            watch(talk, house)


def test_two_sessions_of_one_person_are_counted_together(sqlite_database: Database, tmp_path: Path) -> None:
    with open_house(sqlite_database, tmp_path, live_connections_per_viewer=1) as house, served(house.app) as place:
        page = {"origin": f"http://{place}"}
        with talking(place, headers={"Cookie": cookie_of(house)[0]}, **page) as talk:
            watch(talk, house)

            assert refused_with(place, headers={"Cookie": cookie_of(house)[0]}, **page) == 429
            with talking(place, headers={"Cookie": cookie_of(house, OLGA)[0]}, **page) as other:
                watch(other, house)


def test_a_process_that_is_full_says_so_and_strangers_never_fill_it(sqlite_database: Database, tmp_path: Path) -> None:
    with open_house(sqlite_database, tmp_path, live_connections=3) as house, served(house.app) as place:
        tokens = [house.token(Scope.READ) for _ in range(3)]
        with ExitStack() as stack:
            stack.enter_context(talking(place))
            assert refused_with(place) == 503  # of three seats, one is for those who have not said who they are
            for token in tokens[:2]:
                watch(stack.enter_context(talking(place, token=token)), house)

            assert refused_with(place, token=tokens[2]) == 503
            assert ask(house.client(), Authorization=f"Bearer {tokens[2]}").status_code == 200


@WAYS
def test_a_slow_reader_gets_the_latest_and_nothing_piles_up(house: House, way: str) -> None:
    changes, names = 30, [f"a{number:0400}" for number in range(25)]
    fields = " ".join(f"{name}: current {{ amount }}" for name in names)
    large = f"subscription Watch($a: ID!) {{ balance(accountId: $a) {{ available {{ amount }} {fields} }} }}"
    token = house.token(Scope.READ)
    house.app.state.running.watching.interval_seconds = 0.05

    with served(house.app, send_buffer=4096) as place, ExitStack() as stack:
        quick = stack.enter_context(talking(place, token=token))
        watch(quick, house)
        slow: Events | Talk
        if way == "events":
            slow = stack.enter_context(streaming(place, house.account, token=token, query=large, receive_buffer=4096))
        else:
            slow = stack.enter_context(talking(place, token=token, max_queue=1, receive_buffer=4096))
            slow.greet()
            slow.subscribe(house.account, query=large)
        for number in range(changes):
            make_lot(house.database, house.account_id, 1)
            assert quick.available() == f"{101 + number}.00"
        read = [slow.available()]
        while read[-1] != f"{100 + changes}.00":
            read.append(slow.available())

    assert len(read) < changes - 5


@WAYS
def test_a_reader_who_takes_nothing_at_all_is_left(house: House, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"schema.{'event_stream' if way == 'events' else 'sockets'}.SEND_SECONDS", 0.2)
    fields = " ".join(f"a{number:0400}: current {{ amount }}" for number in range(25))
    large = f"subscription Watch($a: ID!) {{ balance(accountId: $a) {{ available {{ amount }} {fields} }} }}"
    running, token = house.app.state.running, house.token(Scope.READ)
    running.watching.interval_seconds, seats = 0.05, running.seats

    with served(house.app, send_buffer=4096) as place, ExitStack() as stack:
        if way == "events":
            stack.enter_context(streaming(place, house.account, token=token, query=large, receive_buffer=4096))
        else:
            deaf = stack.enter_context(talking(place, token=token, max_queue=1, receive_buffer=4096))
            deaf.greet()
            deaf.subscribe(house.account, query=large)
        assert soon(lambda: seats.taken == 1)
        until = time.monotonic() + PATIENCE_SECONDS
        while seats.taken and time.monotonic() < until:
            make_lot(house.database, house.account_id, 1)

        assert seats.taken == 0
