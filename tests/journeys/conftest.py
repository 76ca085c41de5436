"""A served app with an administrator and an operator, and a browser that fails a test when the console complains."""

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

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
from tests.factories import NOW, a_rate, make_card, make_deck, make_lot, make_test_account

PASSWORD = "correct horse battery"
ADA, OLGA = "ada@example.com", "olga@example.com"
_STARTS_WITHIN_SECONDS = 20
_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync",
          "--no-first-run")  # fmt: skip


@dataclass(frozen=True)
class Site:
    """Where the app is, the account that the journeys are about, and the app itself."""

    address: str
    account: str
    app: Any

    def work(self) -> None:
        """Let the worker do what is due."""
        self.app.state.running.worker.do_money(NOW)


@pytest.fixture
def site(sqlite_database: Database, tmp_path: Path) -> Iterator[Site]:
    """The app on a port of its own, with a TEST account that has 100 dollars, a card and a call."""
    account_id = _fill(sqlite_database)
    with serving(data=tmp_path, database_url=sqlite_database.url) as (address, app):
        yield Site(address, public_id("acct", account_id), app)


@contextmanager
def serving(**settings: Any) -> Iterator[tuple[str, Any]]:
    """The app on a port of its own, which it knows; gives its address and the app."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        app = build_app(Settings(base_url=address, worker=False, log_level="ERROR", **settings))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        running = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        running.start()
        _wait_until_started(server)
        yield address, app
        server.should_exit = True
        running.join()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser, started once for a module of journeys: while it runs, its event loop is that of the thread, and
    no other test could run one."""
    if _CHROMIUM is None:
        pytest.fail("The journeys need a browser: install chromium (apt-get install chromium).", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=list(_FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, site: Site) -> Iterator[Page]:
    """A fresh window. Whatever the console or the Content-Security-Policy complains of fails the test."""
    context = chromium.new_context(base_url=site.address, viewport={"width": 1280, "height": 800}, locale="en-US")
    page, complaints = context.new_page(), list[str]()
    page.on("console", lambda message: complaints.extend(_complaint(message)))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


@pytest.fixture
def phone(chromium: Browser, site: Site) -> Iterator[Page]:
    """A window as narrow as a small phone."""
    context = chromium.new_context(base_url=site.address, viewport={"width": 360, "height": 740}, locale="en-US")
    yield context.new_page()
    context.close()


@pytest.fixture
def page_without_scripts(chromium: Browser, site: Site) -> Iterator[Page]:
    """A window whose browser runs no scripts."""
    context = chromium.new_context(base_url=site.address, java_script_enabled=False, locale="en-US")
    yield context.new_page()
    context.close()


def sign_in(page: Page, email: str = ADA) -> None:
    """Sign in as somebody, as a person does it."""
    page.goto("/sign-in")
    page.get_by_label("Mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main button").click()
    page.wait_for_url(lambda address: "/sign-in" not in address)


def _complaint(message: ConsoleMessage) -> list[str]:
    """Errors and warnings; that a form was refused with 422 is no fault."""
    expected = "status of 422" in message.text
    return [] if expected or message.type not in ("error", "warning") else [f"{message.type}: {message.text}"]


def _fill(database: Database) -> int:
    account_id = make_test_account(database, name="Contoso", time_zone="Europe/Berlin")
    make_lot(database, account_id, 100)
    make_card(database, account_id)
    make_deck(database, a_rate("49", "0.06", destination="Germany"), a_rate("33", "0.05", destination="France"))
    report = CallReport("call-1", "+4930123456", NOW - HOUR, 61)
    with database.transaction() as session:
        record_calls(session, rates=RateBook(), account_id=account_id, reports=[report], now=NOW)
        for email, roles in ((ADA, {account_id: Role.ADMIN}), (OLGA, dict[Any, Any]())):
            create_person(session, email=email, password=PASSWORD, is_operator=email == OLGA, roles=roles, now=NOW)
    return account_id


def _wait_until_started(server: uvicorn.Server) -> None:
    until = time.monotonic() + _STARTS_WITHIN_SECONDS
    while not server.started:
        assert time.monotonic() < until, "the app did not start"
        time.sleep(0.02)
