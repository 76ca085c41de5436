"""Forgotten passwords, and links that are mailed: what they open, once, and what they tell."""

import email
import email.policy
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from api import clock
from credits.audit import Actor
from credits.ids import public_id
from credits.invitations import invite_member, invite_operator, withdraw_invitation
from credits.people import PersonState, find_person
from db.kinds import ActorKind, Role
from tests.api.conftest import ALICE, OLGA, House, csrf_token, sign_in
from tests.faults.at_once import at_once

BOB = "bob@example.com"
NEW = "a password of my own"
HTML = {"Accept": "text/html"}


def invite(house: House, address: str = BOB, role: Role = Role.BILLING) -> int:
    """Alice invites somebody to her account."""
    with house.database.transaction() as session:
        return invite_member(
            session, house.app.state.running.keys, Actor(ActorKind.PERSON, ALICE),
            account_id=house.account_id, email=address, role=role, now=clock.now(),
        )  # fmt: skip


def mails(house: House) -> list[Any]:
    """The mail that left, once all that was due has left."""
    house.app.state.running.worker.send_mail()
    files = sorted(Path(house.data / "mail").glob("*.eml"), key=lambda each: each.stat().st_mtime_ns)
    return [email.message_from_bytes(each.read_bytes(), policy=email.policy.default) for each in files]


def link_in(message: Any) -> str:
    """The path of the link in a mail, as its text has it."""
    text = message.get_body(("plain",)).get_content()
    found = re.search(r"http://127\.0\.0\.1:8000(/link\?code=[\w-]+)", text)
    assert found is not None, text
    return found[1]


def ask_for_link(house: House, address: str = ALICE, **headers: str) -> Any:
    """Say that one forgot one's password."""
    client = house.client()
    token = csrf_token(client, "/forgotten")
    return client.post("/forgotten", data={"email": address, "csrf_token": token}, headers=headers)


def follow(client: TestClient, link: str, password: str = NEW, repeated: str | None = None) -> Any:
    """Open a link, and fill in the form that it leads to."""
    page = client.get(link).headers["location"]
    token = csrf_token(client, page)
    typed = {"password": password, "repeated": password if repeated is None else repeated, "csrf_token": token}
    return client.post(page, data=typed)


def person(house: House, address: str) -> PersonState | None:
    """Somebody with a sign-in."""
    with house.database.reading() as session:
        return find_person(session, address)


def test_a_forgotten_password_is_chosen_anew_by_mail(any_house: House) -> None:
    before = any_house.signed_in()
    assert ask_for_link(any_house).status_code == 200
    (mail,) = mails(any_house)

    answer = follow(any_house.client(), link_in(mail))

    assert mail["To"] == ALICE
    assert answer.headers["location"] == "/sign-in?done=password"
    assert sign_in(any_house.client(), ALICE, NEW).status_code == 303
    assert sign_in(any_house.client(), ALICE).status_code == 422
    assert before.get("/graphql").status_code == 401


def test_an_unknown_address_is_answered_alike_and_gets_no_mail(any_house: House) -> None:
    known, unknown = ask_for_link(any_house), ask_for_link(any_house, "nobody@example.com")

    assert f"If {ALICE} is the address of a sign-in" in known.text
    assert _without_tokens(known.text).replace(ALICE, "nobody@example.com") == _without_tokens(unknown.text)
    assert [mail["To"] for mail in mails(any_house)] == [ALICE]


@pytest.mark.parametrize(
    ("address", "says"), [(" ", "Enter a mail address."), ("alice", "alice is not a mail address.")]
)
def test_what_is_no_address_is_said_to_be_none(house: House, address: str, says: str) -> None:
    answer = ask_for_link(house, address)

    assert answer.status_code == 422
    assert says in answer.text
    assert "Send the link" in answer.text


def test_for_an_unknown_address_the_same_is_written_as_for_a_known_one(house: House) -> None:
    ask_for_link(house, "nobody@example.com")

    with house.database.reading() as session:
        assert session.rows("SELECT email, due_at FROM invitation") == [("", None)]


def test_a_link_for_a_password_is_good_for_one_use(any_house: House) -> None:
    ask_for_link(any_house)
    link = link_in(mails(any_house)[0])
    follow(any_house.client(), link)

    again = any_house.client()
    gone = again.get(again.get(link).headers["location"])

    assert gone.status_code == 404
    assert "Send another link" in gone.text


def test_of_two_who_use_a_link_at_once_one_chooses_the_password(any_house: House) -> None:
    ask_for_link(any_house)
    link = link_in(mails(any_house)[0])
    clients = [any_house.client() for _ in range(2)]
    pages = [client.get(link).headers["location"] for client in clients]
    forms = [
        {"password": f"{NEW} {number}", "repeated": f"{NEW} {number}", "csrf_token": csrf_token(client, page)}
        for number, (client, page) in enumerate(zip(clients, pages, strict=True))
    ]

    answers = at_once(
        *[
            lambda client=client, page=page, form=form: client.post(page, data=form)
            for client, page, form in zip(clients, pages, forms, strict=True)
        ]
    )

    assert sorted(answer.status_code == 303 for answer in answers) == [False, True]


def test_a_link_for_a_password_lasts_an_hour(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    ask_for_link(house)
    link, now = link_in(mails(house)[0]), clock.now()
    client = house.client()
    monkeypatch.setattr("api.clock.now", lambda: now + 3_600_000_000)

    assert client.get(client.get(link).headers["location"]).status_code == 404


def test_opening_a_link_changes_nothing_and_leaves_no_code_in_the_address(house: House) -> None:
    ask_for_link(house)
    link = link_in(mails(house)[0])

    for _ in range(2):
        client = house.client()
        answer = client.get(link)
        assert (answer.headers["location"], answer.headers["cache-control"]) == ("/new-password", "no-store")
        page = client.get("/new-password")
        assert page.status_code == 200
        assert link.partition("=")[2] not in page.text


def test_the_code_is_not_in_the_log(house: House) -> None:
    with capture_logs() as logged:
        ask_for_link(house)
        link = link_in(mails(house)[0])
        follow(house.client(), link)

    assert link.partition("=")[2] not in repr(logged)
    assert any(line.get("path") == "/link" for line in logged)


def test_a_new_password_withdraws_the_other_links(house: House) -> None:
    ask_for_link(house)
    ask_for_link(house)
    one, other = (link_in(mail) for mail in mails(house))
    follow(house.client(), one)
    client = house.client()

    assert client.get(client.get(other).headers["location"]).status_code == 404


def test_no_more_than_three_links_are_open_for_one_address(house: House) -> None:
    for _ in range(5):
        assert ask_for_link(house).status_code == 200

    assert len(mails(house)) == 3


def test_whoever_asks_for_link_after_link_is_slowed_down(house: House) -> None:
    for number in range(10):
        assert ask_for_link(house, f"{number}@example.com").status_code == 200

    assert ask_for_link(house).status_code == 429


def test_the_mail_is_in_the_language_of_who_asked(house: House) -> None:
    ask_for_link(house, **{"Accept-Language": "ja"})

    assert mails(house)[0]["Content-Language"] == "ja"


@pytest.mark.parametrize(("password", "repeated"), [("short", "short"), (NEW, "another one here")])
def test_a_password_that_is_short_or_mistyped_leaves_the_link_good(house: House, password: str, repeated: str) -> None:
    ask_for_link(house)
    link = link_in(mails(house)[0])

    assert follow(house.client(), link, password, repeated).status_code == 422
    assert follow(house.client(), link).status_code == 303


def test_who_chose_a_password_by_mail_is_kept_out_by_no_stranger(house: House) -> None:
    for _ in range(3):
        sign_in(house.client(), ALICE, "wrong password")
    ask_for_link(house)
    client = house.client()
    follow(client, link_in(mails(house)[0]))

    assert sign_in(house.client(), ALICE, NEW).status_code == 429
    assert sign_in(client, ALICE, NEW).status_code == 303


def test_a_form_without_the_pages_token_is_refused(house: House) -> None:
    ask_for_link(house)
    link = link_in(mails(house)[0])
    client = house.client()
    page = client.get(link).headers["location"]
    client.get(page)

    assert client.post("/forgotten", data={"email": ALICE}).status_code == 403
    assert client.post(page, data={"password": NEW, "repeated": NEW}).status_code == 403
    assert client.post("/join", data={"password": NEW, "repeated": NEW}).status_code == 403


def test_who_is_invited_chooses_a_password_and_belongs_to_the_account(any_house: House) -> None:
    invite(any_house)
    (mail,) = mails(any_house)
    client = any_house.client()

    answer = follow(client, link_in(mail))

    assert (mail["To"], mail["Subject"]) == (BOB, "You are invited to Contoso")
    assert answer.headers["location"] == f"/accounts/{public_id('acct', any_house.account_id)}"
    assert "Contoso" in client.get(answer.headers["location"], headers=HTML).text
    assert sign_in(any_house.client(), BOB, NEW).status_code == 303
    bob = person(any_house, BOB)
    assert bob is not None
    assert bob.roles == {any_house.account_id: Role.BILLING}


def test_who_is_signed_in_at_the_invited_address_accepts_with_one_button(house: House) -> None:
    with house.database.transaction() as session:
        session.execute("DELETE FROM membership")
    client = house.signed_in()
    invite(house, ALICE, Role.VIEWER)
    page = client.get(link_in(mails(house)[0])).headers["location"]

    shown = client.get(page).text
    answer = client.post(page, data={"csrf_token": csrf_token(client, page)})

    assert 'type="password"' not in shown
    assert answer.headers["location"] == f"/accounts/{public_id('acct', house.account_id)}"
    alice = person(house, ALICE)
    assert alice is not None
    assert alice.roles == {house.account_id: Role.VIEWER}


def test_a_link_alone_opens_no_sign_in_that_was_there_before(house: House) -> None:
    with house.database.transaction() as session:
        session.execute("DELETE FROM membership")
    invite(house, ALICE, Role.VIEWER)
    client = house.client()

    answer = follow(client, link_in(mails(house)[0]))

    assert answer.headers["location"] == "/sign-in?done=joined"
    assert client.get("/graphql").status_code == 401
    form = client.get("/sign-in?done=joined", headers=HTML).text
    assert "You have joined." in form
    assert f'value="{ALICE}"' in form
    assert f'value="{ALICE}"' not in house.client().get("/sign-in", headers=HTML).text


def test_whoever_joins_is_signed_in_by_the_first_use_of_the_link_alone(house: House) -> None:
    invite(house)
    link, clients = link_in(mails(house)[0]), [house.client() for _ in range(2)]
    pages = [client.get(link).headers["location"] for client in clients]
    tokens = [csrf_token(client, page) for client, page in zip(clients, pages, strict=True)]

    for client, page, token in zip(clients, pages, tokens, strict=True):
        client.post(page, data={"password": NEW, "repeated": NEW, "csrf_token": token})

    assert [client.get("/graphql", headers=HTML).status_code for client in clients] == [200, 303]
    with house.database.reading() as session:
        assert session.rows("SELECT count(*) FROM web_session") == [(1,)]


def test_the_address_is_filled_in_for_whoever_chose_a_new_password(house: House) -> None:
    ask_for_link(house)
    client = house.client()

    page = client.get(follow(client, link_in(mails(house)[0])).headers["location"], headers=HTML).text

    assert f'value="{ALICE}"' in page


def test_an_invitation_gives_nothing_to_whoever_is_signed_in_elsewise(house: House) -> None:
    invite(house, BOB)
    client = house.signed_in(OLGA)

    follow(client, link_in(mails(house)[0]))

    olga = person(house, OLGA)
    assert olga is not None
    assert olga.roles == {}
    assert person(house, BOB) is not None
    assert OLGA in client.get("/me", headers=HTML).text


def test_an_operator_is_invited_in_the_language_of_the_one_who_does(house: House) -> None:
    with house.database.transaction() as session:
        invite_operator(
            session,
            house.app.state.running.keys,
            Actor(ActorKind.PERSON, OLGA),
            email=BOB,
            locale="ja",
            now=clock.now(),
        )
    (mail,) = mails(house)

    follow(house.client(), link_in(mail))

    assert mail["Content-Language"] == "ja"
    bob = person(house, BOB)
    assert bob is not None
    assert bob.is_operator


def test_an_invitation_that_was_withdrawn_is_not_mailed_and_opens_nothing(house: House) -> None:
    invitation_id = invite(house)
    (mail,) = mails(house)
    with house.database.transaction() as session:
        withdraw_invitation(
            session, Actor(ActorKind.PERSON, ALICE),
            account_id=house.account_id, invitation_id=invitation_id, now=clock.now(),
        )  # fmt: skip
    client = house.client()

    assert client.get(client.get(link_in(mail)).headers["location"]).status_code == 404


def test_a_link_of_one_kind_is_not_good_for_the_other(house: House) -> None:
    ask_for_link(house)
    client = house.client()
    client.get(link_in(mails(house)[0]))

    assert client.get("/join").status_code == 404


@pytest.mark.parametrize("link", ["/link", "/link?code=nonsense", "/link?code=" + "x" * 5000, "/link?code=%00%ff"])
def test_a_link_that_nobody_was_sent_is_of_no_use(any_house: House, link: str) -> None:
    client = any_house.client()

    answer = client.get(client.get(link).headers["location"])

    assert answer.status_code == 404
    assert "of no use" in answer.text


def _without_tokens(text: str) -> str:
    return re.sub(r'[0-9a-f]{64}|value="[^"]*"', "", text)
