"""Signing in and out."""

import asyncio
from pathlib import Path
from typing import Any

import pyotp
import pytest
from starlette.testclient import TestClient

from api import clock
from api.app import build_app
from api.identities import Credential
from api.settings import Settings
from credits.instants import MINUTE, SECOND
from credits.people import find_person
from credits.second_factor import confirm_second_factor, start_second_factor
from tests.api.conftest import ALICE, OLGA, House, ask, change_password_of, csrf_token, sign_in
from tests.factories import NOW


def test_the_right_password_opens_the_pages(house: House) -> None:
    client = house.client()

    answer = sign_in(client, ALICE)

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert client.get("/", headers={"Accept": "text/html"}).status_code in (200, 303)


def test_capitals_in_the_address_do_not_matter(house: House) -> None:
    assert sign_in(house.client(), "Alice@Example.com ").status_code == 303


@pytest.mark.parametrize("email", [ALICE, "nobody@example.com", ""])
def test_a_wrong_password_and_an_unknown_address_are_answered_alike(house: House, email: str) -> None:
    answer = sign_in(house.client(), email, "wrong password")

    assert answer.status_code == 422
    assert "do not belong together" in answer.text
    assert "wrong password" not in answer.text


def test_what_was_typed_is_kept_but_never_the_password(house: House) -> None:
    answer = sign_in(house.client(), ALICE, "a wrong one 123", next="/rates")

    assert f'value="{ALICE}"' in answer.text
    assert 'value="/rates"' in answer.text
    assert "a wrong one 123" not in answer.text


def test_guessing_is_slowed_down(house: House) -> None:
    client = house.client()
    for _ in range(3):
        assert sign_in(client, ALICE, "wrong password").status_code == 422

    answer = sign_in(client, ALICE)

    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert sign_in(client, OLGA).status_code == 303


def test_the_session_cookie_is_kept_from_scripts_and_from_other_sites(house: House) -> None:
    cookie = sign_in(house.client(), ALICE).headers["set-cookie"].lower()

    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie


def test_signing_in_opens_a_fresh_session(house: House) -> None:
    client = house.client()
    client.get("/sign-in")
    before = dict(client.cookies)

    sign_in(client, ALICE)

    assert dict(client.cookies) != before


def test_one_goes_on_to_where_one_wanted(house: House) -> None:
    assert sign_in(house.client(), ALICE, next="/rates?search=44").headers["location"] == "/rates?search=44"


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example", "/sign-in", ""])
def test_nobody_is_sent_to_another_site(house: House, elsewhere: str) -> None:
    assert sign_in(house.client(), ALICE, next=elsewhere).headers["location"] == "/"


def test_whoever_is_signed_in_need_not_sign_in_again(house: House) -> None:
    answer = house.signed_in().get("/sign-in?next=/rates")

    assert (answer.status_code, answer.headers["location"]) == (303, "/rates")


def test_without_a_cookie_nobody_signs_in(house: House) -> None:
    answer = house.client().post("/sign-in", data={"email": ALICE, "password": "correct horse battery"})

    assert answer.status_code == 403


def test_signing_out_ends_the_session_on_the_server(house: House) -> None:
    client = house.signed_in()
    kept = dict(client.cookies)

    answer = client.post("/sign-out", data={"csrf_token": csrf_token(client)})

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert client.get("/graphql").status_code == 401
    assert house.client(cookies=kept).get("/graphql").status_code == 401


def test_a_session_that_was_ended_leads_to_the_sign_in_and_from_there_to_a_new_one(house: House) -> None:
    client = house.signed_in()
    with house.database.transaction() as session:
        session.execute("UPDATE web_session SET ended_at = ?", NOW)

    assert client.get("/graphql").status_code == 401
    assert sign_in(client, ALICE).status_code == 303
    assert ask(client, **{"X-CSRF-Token": csrf_token(client)}).status_code == 200


def test_the_server_knows_where_somebody_is_signed_in(any_house: House) -> None:
    client = any_house.client(headers={"User-Agent": "Firefox"})
    sign_in(client, ALICE)

    with any_house.database.reading() as session:
        assert session.rows("SELECT agent, address FROM web_session") == [("Firefox", "testclient")]


def test_that_a_session_was_seen_is_written_down_now_and_then(
    any_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, running = any_house.signed_in(), any_house.app.state.running
    session = running.sessions.read(client.cookies[running.sessions.cookie], clock.now())
    with any_house.database.reading() as reading:
        ((opened,),) = reading.rows("SELECT seen_at FROM web_session")

    async def look() -> None:
        assert await running.identities.viewer(Credential(session=session)) is not None
        await running.identities.settled()

    def seen_after(later: int) -> int:
        monkeypatch.setattr("api.clock.now", lambda: opened + later)
        asyncio.run(look())
        with any_house.database.reading() as reading:
            ((seen_at,),) = reading.rows("SELECT seen_at FROM web_session")
        return int(seen_at - opened)

    assert [seen_after(5 * MINUTE - 1), seen_after(5 * MINUTE)] == [0, 5 * MINUTE]


def test_a_restart_forgives_no_wrong_password(any_house: House, tmp_path: Path) -> None:
    for _ in range(3):
        sign_in(any_house.client(), ALICE, "wrong password")

    again = build_app(Settings(data=tmp_path, database_url=any_house.database.url, worker=False))

    with TestClient(again, follow_redirects=False) as client:
        assert sign_in(client, ALICE).status_code == 429


def test_a_known_browser_signs_in_while_a_stranger_at_the_same_address_is_shut_out(any_house: House) -> None:
    known = any_house.signed_in()
    known.post("/sign-out", data={"csrf_token": csrf_token(known)})
    for _ in range(3):
        sign_in(any_house.client(), ALICE, "wrong password")

    assert sign_in(any_house.client(), ALICE).status_code == 429
    assert sign_in(known, ALICE).status_code == 303


def test_where_there_is_no_operator_yet_the_door_says_how_to_make_one(house: House) -> None:
    with house.database.transaction() as session:
        session.execute("UPDATE person SET is_operator = ?", False)

    assert "credits admin create" in house.client().get("/sign-in").text


def test_where_there_is_an_operator_the_door_says_nothing_of_it(house: House) -> None:
    assert "credits admin create" not in house.client().get("/sign-in").text


def test_the_audit_log_has_who_came_in_and_out_and_who_failed(any_house: House) -> None:
    sign_in(any_house.client(), ALICE, "wrong password")
    sign_in(any_house.client(), "nobody@example.com", "wrong password")
    client = any_house.signed_in()
    client.post("/sign-out", data={"csrf_token": csrf_token(client)})

    with any_house.database.reading() as session:
        told = session.rows("SELECT action, actor, address FROM audit_event ORDER BY at")
        everything = repr(session.rows("SELECT * FROM audit_event"))

    assert told == [
        ("signInFailed", "sign-in", "testclient"), ("signIn", ALICE, "testclient"), ("signOut", ALICE, "testclient"),
    ]  # fmt: skip
    assert "nobody@example.com" not in everything
    assert "wrong password" not in everything


def test_the_form_speaks_the_readers_language(house: House) -> None:
    client = house.client()
    token = csrf_token(client, "/sign-in")
    typed = {"email": ALICE, "password": "wrong", "csrf_token": token}

    assert '<html lang="ja"' in client.post("/sign-in", data=typed, headers={"Accept-Language": "ja"}).text


def set_up_second_factor(house: House, email: str = ALICE) -> tuple[str, list[str]]:
    """Somebody asks for a second factor from now on: its secret, and the recovery codes."""
    with house.database.transaction() as session:
        person = find_person(session, email)
        assert person is not None
        secret = start_second_factor(session, person_id=person.person_id)
        then = clock.now() - 10 * MINUTE
        codes = confirm_second_factor(session, person_id=person.person_id, code=code_at(secret, then), now=then)
    assert codes is not None
    return secret, codes


def code_at(secret: str, at: int) -> str:
    """What an app shows at an instant."""
    return pyotp.TOTP(secret).at(at // SECOND)


def show_code(client: TestClient, code: str, **fields: str) -> Any:
    """Fill in the form of the second step."""
    typed = {"code": code, "csrf_token": csrf_token(client, "/sign-in/code"), **fields}
    return client.post("/sign-in/code", data=typed)


def test_with_a_second_factor_the_password_opens_nothing_but_the_second_step(any_house: House) -> None:
    set_up_second_factor(any_house)
    client = any_house.client()

    answer = sign_in(client, ALICE, next="/rates?search=44")

    assert answer.headers["location"] == "/sign-in/code?next=/rates%3Fsearch%3D44"
    for path in ("/graphql", "/", "/rates", "/me"):
        assert client.get(path).status_code == 401
    with any_house.database.reading() as session:
        assert session.rows("SELECT * FROM web_session") == []


def test_the_right_code_opens_the_pages_and_leads_on(any_house: House) -> None:
    secret, _ = set_up_second_factor(any_house)
    client = any_house.client()
    sign_in(client, ALICE)

    answer = show_code(client, code_at(secret, clock.now()), next="/rates?search=44")

    assert (answer.status_code, answer.headers["location"]) == (303, "/rates?search=44")
    assert client.get("/rates").status_code == 200


def test_a_recovery_code_does_once(any_house: House) -> None:
    _, codes = set_up_second_factor(any_house)
    one, other = any_house.client(), any_house.client()
    sign_in(one, ALICE)
    sign_in(other, ALICE)

    assert show_code(one, codes[0]).status_code == 303
    assert show_code(other, codes[0]).status_code == 422


def test_the_same_code_opens_no_second_browser(any_house: House) -> None:
    secret, _ = set_up_second_factor(any_house)
    code = code_at(secret, clock.now())
    one, other = any_house.client(), any_house.client()
    sign_in(one, ALICE)
    sign_in(other, ALICE)

    assert show_code(one, code).status_code == 303
    assert show_code(other, code).status_code == 422


def test_guessing_codes_is_slowed_down_in_whatever_browser(any_house: House) -> None:
    _, codes = set_up_second_factor(any_house)
    for _ in range(3):
        client = any_house.client()
        sign_in(client, ALICE)
        assert show_code(client, "000000").status_code == 422

    client = any_house.client()
    sign_in(client, ALICE)

    assert show_code(client, codes[0]).status_code == 429


def test_the_second_step_is_closed_to_whoever_has_not_shown_the_password(any_house: House) -> None:
    _, codes = set_up_second_factor(any_house)
    client = any_house.client()
    client.get("/sign-in")
    typed = {"code": codes[0], "csrf_token": csrf_token(client, "/sign-in")}

    assert client.get("/sign-in/code").headers["location"] == "/sign-in"
    assert client.post("/sign-in/code", data=typed).headers["location"] == "/sign-in"
    assert client.get("/graphql").status_code == 401


def test_a_password_that_changes_between_the_steps_ends_the_sign_in(any_house: House) -> None:
    _, codes = set_up_second_factor(any_house)
    client = any_house.client()
    sign_in(client, ALICE)
    token = csrf_token(client, "/sign-in/code")
    change_password_of(any_house.database, ALICE)

    answer = client.post("/sign-in/code", data={"code": codes[0], "csrf_token": token})

    assert answer.headers["location"] == "/sign-in"
    assert client.get("/graphql").status_code == 401


def test_the_second_step_needs_the_pages_token(house: House) -> None:
    _, codes = set_up_second_factor(house)
    client = house.client()
    sign_in(client, ALICE)

    assert client.post("/sign-in/code", data={"code": codes[0]}).status_code == 403


def test_a_wrong_code_is_in_the_log_without_the_code(house: House) -> None:
    set_up_second_factor(house)
    client = house.client()
    sign_in(client, ALICE)
    show_code(client, "000000")

    with house.database.reading() as session:
        assert session.rows("SELECT action, after FROM audit_event") == [("signInFailed", '{"wrong": "second factor"}')]
