"""No secret is ever in the log: a program is handed recognisable ones wherever it takes any, and fails with some in
hand, while everything is logged that can be."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from sqlalchemy import make_url

from credits.ids import public_id
from credits.people import create_person
from credits.tokens import create_token
from db.kinds import Role, Scope
from db.session import Database
from tests.api.conftest import ALICE, ask, csrf_token, sign_in
from tests.factories import NOW, make_account
from tests.live import talking
from tests.mail import ANN, mail_to, make_notice
from tests.serving import LOG, answers, free_port, program, soon
from tests.stripe_peer import StripePeer

PASSWORD, WRONG_PASSWORD, UNKNOWN_TOKEN = "pa55-of-alice", "wr0ng-of-alice", "cct_unkn0wn"
KEY, OF_THE_DATABASE, OF_THE_MAIL_SERVER = "k3y-of-the-house" * 2, "pa55-of-the-database", "pa55-of-mail"
METHODS = "/accounts/{account}/funds/methods"


@pytest.fixture
def mail_server() -> Iterator[tuple[int, list[bytes]]]:
    """A mail server that lets nobody in; its port, and the passwords that it was shown."""
    shown: list[bytes] = []

    def turn_away(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        shown.append(given.password)
        return AuthResult(success=False, handled=False)

    controller = Controller(
        object(), hostname="127.0.0.1", port=free_port(), auth_require_tls=False, authenticator=turn_away
    )
    controller.start()
    yield controller.port, shown
    controller.stop()


def with_password(database: Database) -> str:
    """A database's address with a password in it, where there can be one. The tests' server asks for none."""
    url = make_url(database.url)
    if database.is_postgresql:
        url = url.set(password=OF_THE_DATABASE)
    return url.render_as_string(hide_password=False)


def give_card(client: Any, account: str, peer: StripePeer) -> list[str]:
    """Give a card on the provider's page, come back, and let the provider tell; returns what nobody else may know."""
    methods = METHODS.format(account=account)
    csrf = client.get(methods).text.split('name="csrf_token" value="')[1].split('"')[0]
    answer = client.post(f"{methods}/card", data={"csrf_token": csrf, "make_default": "yes"})
    assert answer.status_code == 200, answer.text
    (page,) = peer.objects.listed("checkout.session")
    address, back = page["url"], page["success_url"].partition("?")[2]
    peer.do("give_card", name=page["id"], token="pm_card_visa")
    assert "4242" in client.get(f"{methods}?{back}").text
    body, signature = peer.signed(peer.objects.events[-1])
    for signed in (signature, "t=1,v1=f0rged"):
        client.post("/webhooks/stripe", content=body, headers={"Stripe-Signature": signed})
    return [address, back.partition("=")[2], signature]


def show_passwords_and_tokens(client: Any, token: str) -> list[str]:
    """Sign in with a wrong and with the right password, and show tokens in every way that there is."""
    sign_in(client, ALICE, WRONG_PASSWORD)
    assert sign_in(client, ALICE, PASSWORD).status_code == 303
    for shown in (token, UNKNOWN_TOKEN):
        show_token(client, shown)
        client.get(f"/graphql?query={{viewer{{name}}}}&token={shown}")
        client.post("/graphql", json={"query": f"{{ viewer {{ name }} }} # {shown}", "variables": {"token": shown}})
    with talking(client.base_url.netloc.decode(), f"/graphql?token={token}") as talk:
        talk.greet(token)
    return [csrf_token(client), *client.cookies.values()]


def show_token(client: Any, token: str) -> Any:
    """Ask something with a token."""
    return ask(client, Authorization=f"Bearer {token}")


@contextmanager
def without(database: Database, *tables: str) -> Iterator[None]:
    """Tables are gone for a while, so that whoever needs them fails."""
    with database.transaction() as session:
        for table in tables:
            session.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
    yield
    with database.transaction() as session:
        for table in tables:
            session.execute(f"ALTER TABLE {table}_away RENAME TO {table}")


def test_whatever_is_shown_typed_set_or_failed_with_no_secret_is_logged(
    tmp_path: Path, database: Database, mail_server: tuple[int, list[bytes]]
) -> None:
    account_id, port = make_account(database, now=time.time_ns() // 1000), free_port()
    account, place = public_id("acct", account_id), f"http://127.0.0.1:{port}"
    with database.transaction() as session:
        roles = {account_id: Role.ADMIN}
        create_person(session, email=ALICE, password=PASSWORD, is_operator=False, roles=roles, now=NOW)
        token = create_token(session, name="Switch", scopes=[Scope.READ], account_id=account_id, now=NOW)
    mail_to(database, account_id, ANN)
    make_notice(database, account_id)
    smtp_port, shown_to_the_mail_server = mail_server
    with StripePeer() as peer:
        set_to = {
            "CREDITS_DATABASE_URL": with_password(database), "CREDITS_SECRET_KEY": KEY, "CREDITS_BASE_URL": place,
            "CREDITS_SMTP_URL": f"smtp://credits:{OF_THE_MAIL_SERVER}@127.0.0.1:{smtp_port}?starttls=no",
            "CREDITS_STRIPE_API_KEY": peer.key, "CREDITS_STRIPE_WEBHOOK_SECRET": peer.secret,
            "CREDITS_STRIPE_API_BASE": peer.url,
            "CREDITS_LOG_FORMAT": "json" if database.is_postgresql else "console",
        }  # fmt: skip
        with (
            program(tmp_path, database, "serve", "--port", str(port), log_level="DEBUG", set_to=set_to),
            httpx2.Client(base_url=place, headers={"Accept": "text/html"}) as client,
        ):
            assert soon(lambda: answers(place))
            secrets = [*show_passwords_and_tokens(client, token), *give_card(client, account, peer)]
            with without(database, "person", "token"):
                typed = {"email": ALICE, "password": PASSWORD, "csrf_token": secrets[0]}
                failed = [client.post("/sign-in", data=typed), show_token(client, f"{UNKNOWN_TOKEN}2")]
            assert soon(lambda: bool(shown_to_the_mail_server))
    log = (tmp_path / LOG).read_text()
    secrets += [PASSWORD, WRONG_PASSWORD, token, UNKNOWN_TOKEN, KEY, OF_THE_DATABASE, OF_THE_MAIL_SERVER, "f0rged"]
    secrets += [peer.key, peer.secret]

    assert [answer.status_code for answer in failed] == [500, 500]
    assert set(shown_to_the_mail_server) == {OF_THE_MAIL_SERVER.encode()}
    assert {event for event in ("fault", "notice_not_sent", "webhook_refused", "request") if event in log} == {
        "fault", "notice_not_sent", "webhook_refused", "request"
    }  # fmt: skip
    assert "Traceback" in log or "exc_type" in log
    assert [secret for secret in secrets if secret in log] == []
