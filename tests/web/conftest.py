"""The browser of these tests: it signs in, reads the token from each form, and follows no redirect by itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import build_app
from api.settings import Settings
from credits.call_messages import CallReport
from credits.calls import record_calls
from credits.decks import RateBook
from credits.ids import public_id
from credits.instants import HOUR
from credits.people import create_person
from db.kinds import Role
from db.session import Database
from tests.api.conftest import PASSWORD, sign_in
from tests.factories import (
    NOW,
    a_rate,
    make_account,
    make_card,
    make_deck,
    make_lot,
    make_recharge,
    make_test_account,
    make_user,
    micros,
)

ADA, OLGA, VERA = "ada@example.com", "olga@example.com", "vera@example.com"


@dataclass
class Browser:
    """Somebody's browser, without scripts unless a block is asked for."""

    client: TestClient
    account: str
    other: str
    deck: str

    def see(self, path: str, block: str | None = None, **headers: str) -> Any:
        """Load a page, or as htmx would the block of it that is to be replaced."""
        asked = {} if block is None else {"HX-Request": "true", "HX-Target": f"section#{block}"}
        return self.client.get(self.path(path), headers={**asked, **headers})

    def send(self, path: str, on: str | None = None, files: Any = None, **typed: str) -> Any:
        """Fill in the form of a page and send it."""
        page = self.see(on or path).text
        token = page.split('name="csrf_token" value="')[1].split('"')[0]
        return self.client.post(self.path(path), data={"csrf_token": token, **typed}, files=files)

    def path(self, path: str) -> str:
        """A path with the account's id where {account} stands, its first recharge's where {recharge} does, its first
        call's where {call} does, its first user's where {user} does."""
        mine = {name: self.account.replace("acct", kind) + "-1"
                for name, kind in (("recharge", "rchg"), ("call", "call"), ("user", "user"))}  # fmt: skip
        return path.format(account=self.account, other=self.other, deck=self.deck, **mine)


@pytest.fixture
def account_id(sqlite_database: Database) -> int:
    """A TEST account with a card, 100 dollars of a grant, 50 bought, one call charged, and two users."""
    number = make_test_account(sqlite_database, name="Contoso <& sons>", time_zone="America/New_York")
    make_lot(sqlite_database, number, 100)
    make_card(sqlite_database, number)
    make_recharge(sqlite_database, number, 50)
    make_deck(
        sqlite_database, a_rate("49", "0.06", destination="Germany"), a_rate("4915", "0.12", destination="Mobile")
    )
    make_user(
        sqlite_database, number, "MCOPSTN5", "MCOPSTNPP",
        name="Mia Chen", user_name="mia@contoso.example", department="Sales", monthly_limit_micros=micros(20),
    )  # fmt: skip
    make_user(sqlite_database, number, "MCOPSTN8", name="Noah <b>", user_name="noah", country="JP")
    report = CallReport("call-1", "+4930123456", NOW - HOUR, 61)
    with sqlite_database.transaction() as session:
        record_calls(session, rates=RateBook(), account_id=number, reports=[report], now=NOW)
    return number


@pytest.fixture
def app(sqlite_database: Database, account_id: int, tmp_path: Any) -> Iterator[Any]:
    """The app, with Ada who administers the account, Vera who only looks, and Olga the operator."""
    roles = {ADA: {account_id: Role.ADMIN}, VERA: {account_id: Role.VIEWER}, OLGA: {}}
    with sqlite_database.transaction() as session:
        for email, held in roles.items():
            create_person(session, email=email, password=PASSWORD, is_operator=email == OLGA, roles=held, now=NOW)
    application = build_app(Settings(data=tmp_path, database_url=sqlite_database.url, worker=False))
    with TestClient(application):
        yield application


@pytest.fixture
def browsers(app: Any, sqlite_database: Database, account_id: int) -> Any:
    """Opens the browser of somebody by their address."""
    other = public_id("acct", make_account(sqlite_database, name="Fabrikam"))

    def of(email: str) -> Browser:
        client = TestClient(app, follow_redirects=False)
        assert sign_in(client, email).status_code == 303
        return Browser(client, public_id("acct", account_id), other, public_id("deck", 1))

    return of


@pytest.fixture
def ada(browsers: Any) -> Browser:
    """The browser of the account's administrator."""
    browser: Browser = browsers(ADA)
    return browser


@pytest.fixture
def olga(browsers: Any) -> Browser:
    """The operator's browser."""
    browser: Browser = browsers(OLGA)
    return browser


@pytest.fixture
def vera(browsers: Any) -> Browser:
    """The browser of somebody who may only look."""
    browser: Browser = browsers(VERA)
    return browser
