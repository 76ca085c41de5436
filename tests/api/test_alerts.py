"""What was done to a sign-in is told to its owner by mail: what, when, from where, and what to do about it."""

from typing import Any

import pyotp
import pytest

from api import clock
from credits.alerts import ALERTS
from credits.audit_words import ACTIONS
from credits.instants import SECOND
from credits.second_factor import STEP
from tests.api.conftest import ALICE, OLGA, PASSWORD, House, sign_in
from tests.api.test_doors import NEW, ask_for_link, follow, link_in, mails
from tests.api.test_me import send, set_up


def told(house: House) -> list[tuple[str, str]]:
    """To whom and under which subject mail left, once all that was due has left."""
    return [(mail["To"], mail["Subject"]) for mail in mails(house)]


def text_of(mail: Any) -> str:
    """A mail as plain text."""
    return " ".join(mail.get_body(("plain",)).get_content().split())


def test_a_changed_password_is_told_with_what_to_do_if_it_was_somebody_else(any_house: House) -> None:
    client = any_house.signed_in()

    send(client, "/me/password", present=PASSWORD, new_password=NEW, repeated=NEW)

    (mail,) = mails(any_house)
    said = text_of(mail)
    assert (mail["To"], mail["Subject"]) == (ALICE, "Your password was changed")
    assert "by somebody who knew the one before" in said
    assert "From where: testclient" in said
    assert " UTC " in said
    assert "If it was not you, choose a new password now" in said
    assert "http://127.0.0.1:8000/forgotten" in said
    assert "code=" not in said


def test_a_password_that_was_chosen_by_a_link_is_told_beside_what_waits_to_be_told(house: House) -> None:
    ask_for_link(house)
    link = link_in(mails(house)[0])
    send(house.signed_in(), "/me/password", present=PASSWORD, new_password=f"{NEW}!", repeated=f"{NEW}!")

    follow(house.client(), link)

    said = [text_of(mail) for mail in mails(house)]
    assert sum("by somebody who knew the one before" in each for each in said) == 1
    assert sum("by a link, and you were signed out everywhere" in each for each in said) == 1


def test_each_thing_that_is_done_to_a_second_factor_is_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    client = house.signed_in()
    secret, codes = set_up(client)
    other = house.client()
    page = sign_in(other, ALICE).headers["location"]
    token = other.get(page).text.split('name="csrf_token" value="')[1].split('"')[0]
    other.post("/sign-in/code", data={"csrf_token": token, "code": codes[0]})
    send(client, "/me/recovery-codes", renew_password=PASSWORD, renew_code=codes[1])
    now = clock.now() + 10 * STEP
    monkeypatch.setattr("api.clock.now", lambda: now)

    code = pyotp.TOTP(secret).at(now // SECOND)
    send(client, "/me/second-factor/removal", remove_password=PASSWORD, remove_code=code)

    assert sorted(told(house)) == sorted(
        (ALICE, subject)
        for subject in (
            "A second factor was set up", "A recovery code was used", "A recovery code was used",
            "New recovery codes were made", "Your second factor was switched off",
        )
    )  # fmt: skip
    left = [said for said in map(text_of, mails(house)) if "Codes left: 9." in said or "Codes left: 8." in said]
    assert len(left) == 2


def test_a_code_from_the_app_is_no_news(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, _ = set_up(house.signed_in())
    now = clock.now() + 10 * STEP
    monkeypatch.setattr("api.clock.now", lambda: now)
    client = house.client()
    page = sign_in(client, ALICE).headers["location"]
    token = client.get(page).text.split('name="csrf_token" value="')[1].split('"')[0]

    answer = client.post("/sign-in/code", data={"csrf_token": token, "code": pyotp.TOTP(secret).at(now // SECOND)})

    assert answer.headers["location"] == "/"
    assert told(house) == [(ALICE, "A second factor was set up")]


def test_what_was_refused_is_not_told(house: House) -> None:
    send(house.signed_in(), "/me/password", present="not my password", new_password=NEW, repeated=NEW)

    assert mails(house) == []


def test_it_is_told_in_the_language_of_ones_account_or_else_of_whoever_did_it(house: House) -> None:
    with house.database.transaction() as session:
        session.execute("UPDATE account SET locale = 'ja'")
    alice, olga = house.signed_in(), house.signed_in(OLGA)
    olga.headers["Accept-Language"] = "ja"

    for client in (alice, olga):
        send(client, "/me/password", present=PASSWORD, new_password=NEW, repeated=NEW)

    assert {(mail["To"], mail["Content-Language"]) for mail in mails(house)} == {(ALICE, "ja"), (OLGA, "ja")}
    assert {mail["Subject"] for mail in mails(house)} == {"パスワードが変更されました"}


def test_such_mail_opens_nothing_and_is_not_taken_for_an_open_link(house: House) -> None:
    send(house.signed_in(), "/me/password", present=PASSWORD, new_password=NEW, repeated=NEW)

    with house.database.reading() as session:
        ((code_hash, is_open),) = session.rows("SELECT code_hash, withdrawn_at IS NULL FROM invitation")
    client = house.client()
    for code in (code_hash, code_hash.removeprefix("event ")):
        assert client.get(f"/link?code={code}").headers["location"] == "/join"
    assert client.get("/new-password").status_code == 404
    assert not is_open
    for _ in range(3):
        ask_for_link(house)
    assert len(mails(house)) == 4


def test_every_alert_is_of_an_action_that_the_log_has_a_sentence_for() -> None:
    assert set(ALERTS) <= set(ACTIONS)
