"""The cast: Alice is admin of an account, Olga the operator; a stranger is whoever has not signed in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from api.app import build_app
from api.settings import Settings
from credits.ids import public_id
from credits.passwords import hash_password
from credits.people import create_person, find_person, set_password
from credits.sessions import end_sessions
from credits.tokens import create_token
from db.kinds import Role, Scope
from db.session import Database
from tests.factories import NOW, make_account, make_lot

PASSWORD = "correct horse battery"
ALICE, OLGA = "alice@example.com", "olga@example.com"


@dataclass(frozen=True)
class House:
    """A running app over a database with the cast in it."""

    app: Starlette
    database: Database
    account_id: int
    other_id: int
    data: Path

    @property
    def account(self) -> str:
        """The public id of Alice's account."""
        return public_id("acct", self.account_id)

    def client(self, **options: Any) -> TestClient:
        """Somebody's browser, or a program; it has no cookies yet."""
        return TestClient(self.app, follow_redirects=False, **options)

    def signed_in(self, email: str = ALICE) -> TestClient:
        """The browser of somebody who has signed in."""
        client = self.client()
        answer = sign_in(client, email)
        assert answer.status_code == 303, answer.text
        return client

    def token(self, *scopes: Scope, operator: bool = False) -> str:
        """A program's token, for Alice's account unless it is the operator's."""
        account_id = None if operator else self.account_id
        with self.database.transaction() as session:
            return create_token(session, name="Switch", scopes=scopes, account_id=account_id, now=NOW)


@pytest.fixture
def house(sqlite_database: Database, tmp_path: Path) -> Iterator[House]:
    """The app, without its background work."""
    with open_house(sqlite_database, tmp_path) as house:
        yield house


@pytest.fixture
def any_house(database: Database, tmp_path: Path) -> Iterator[House]:
    """The same on each engine."""
    with open_house(database, tmp_path) as house:
        yield house


@contextmanager
def open_house(database: Database, data: Path, **settings: Any) -> Iterator[House]:
    """The app over a database, in which there is now the cast."""
    account_id, other_id = make_account(database, name="Contoso"), make_account(database, name="Fabrikam")
    make_lot(database, account_id, 100)
    with database.transaction() as session:
        for email, is_operator, roles in ((ALICE, False, {account_id: Role.ADMIN}), (OLGA, True, {})):
            create_person(session, email=email, password=PASSWORD, is_operator=is_operator, roles=roles, now=NOW)
    app = build_app(Settings(data=data, database_url=database.url, worker=False, **settings))
    with TestClient(app):
        yield House(app, database, account_id, other_id, data)


def sign_in(client: TestClient, email: str, password: str = PASSWORD, **fields: str) -> Any:
    """Fill in the form as a browser would."""
    client.get("/sign-in")
    typed = {"email": email, "password": password, "csrf_token": csrf_token(client, "/sign-in"), **fields}
    return client.post("/sign-in", data=typed)


def change_password_of(database: Database, email: str, password: str = "another password") -> None:
    """Let another password count for somebody, who is signed out everywhere."""
    with database.transaction() as session:
        person = find_person(session, email)
        assert person is not None
        set_password(session, person_id=person.person_id, password_hash=hash_password(password))
        end_sessions(session, person_id=person.person_id, but=None, now=NOW)


def csrf_token(client: TestClient, page: str = "/graphql") -> str:
    """The token of this browser's session, read from a page as its script would."""
    mark = 'name="csrf-token" content="' if page == "/graphql" else 'name="csrf_token" value="'
    text = client.get(page, headers={"Accept": "text/html"}).text
    return str(text.split(mark)[1].split('"')[0])


def ask(client: TestClient, query: str = "{ viewer { name } }", **headers: str) -> Any:
    """Send a query to the API."""
    return client.post("/graphql", json={"query": query}, headers=headers)
