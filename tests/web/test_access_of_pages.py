"""Who may open what, walked over every address of the pages: strangers nothing, a member nothing of another account,
and whoever only looks changes nothing. What a page shows and does is what its reader could ask of the API."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from credits.ids import public_id
from db.session import Database
from tests.web.conftest import Browser
from web import pages

ROUTES = [
    (route.path, method)
    for route in pages.routes()
    if isinstance(route, Route)
    for method in sorted(route.methods or ())
]
READS = sorted({path for path, method in ROUTES if method == "GET"})
FORMS = sorted({path for path, method in ROUTES if method == "POST"} - {"/preferences"})
OF_ACCOUNT = "/accounts/{account}"
# The operator's own pages: for others they do not exist, or are forbidden.
FOR_OPERATORS = (
    "/accounts/new", "/audit", "/audit.csv", "/audit.jsonl", "/invoices", "/invoices.csv", "/people", "/rates/publish",
    "/tokens", "/tokens.csv",
)  # fmt: skip
# What is nobody's in particular, and therefore open to whoever has signed in.
FOR_ALL = {"/", "/me", "/accounts.csv", "/rates", "/rates.csv", "/rates/{deck}", "/rates/{deck}.csv"}


def address(path: str, account: str, deck: str = public_id("deck", 1)) -> str:
    """An address of a page: of this account, and of the first of whatever else it is about."""
    kinds = {"recharge": "rchg", "call": "call", "user": "user", "method": "pm", "notice": "ntc", "member": "mbr"}
    firsts = {name: account.replace("acct", kind) + "-1" for name, kind in kinds.items()}
    given = {
        **firsts,
        "account": account,
        "deck": deck,
        "plan": public_id("plan", 1),
        "month": "2026-03",
        "correction": "reverse",
        "session": public_id("sess", 1),
        "invitation": public_id("inv", 1),
        "token": public_id("tok", 1),
        "operator": public_id("opr", 1),
    }
    return re.sub(r"{(\w+)(:\w+)?}", lambda found: given[found[1]], path)


def rows_of(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All that the database holds of accounts, people and rates."""
    with database.reading() as session:
        tables = [name for (name,) in session.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(session.rows(f'SELECT * FROM "{name}"'), key=repr) for name in tables}


def token_of(browser: Browser) -> str:
    """The token that this browser's forms carry."""
    return str(browser.client.get("/rates").text.split('name="csrf_token" value="')[1].split('"')[0])


@pytest.mark.parametrize("path", sorted({path for path, _ in ROUTES}))
def test_a_stranger_is_shown_the_way_to_sign_in_whatever_they_ask_for(app: Any, account_id: int, path: str) -> None:
    stranger = TestClient(app, follow_redirects=False)
    there = address(path, public_id("acct", account_id))

    seen = stranger.get(there)

    assert seen.status_code == (401 if path != "/preferences" else 405)


@pytest.mark.parametrize("path", sorted(path for path in READS if path.startswith(OF_ACCOUNT)))
def test_of_another_account_there_is_no_page(ada: Browser, path: str) -> None:
    assert ada.client.get(address(path, ada.other)).status_code == 404


@pytest.mark.parametrize("path", FOR_OPERATORS)
def test_the_operators_pages_are_no_pages_for_others(ada: Browser, olga: Browser, path: str) -> None:
    assert ada.client.get(path).status_code in (403, 404)
    assert olga.client.get(path).status_code == 200


def test_every_page_is_of_an_account_or_the_operators_or_for_all() -> None:
    rest = {path for path in READS if not path.startswith(OF_ACCOUNT)}

    assert rest == FOR_ALL | set(FOR_OPERATORS)


@pytest.mark.parametrize("path", sorted(path for path in FORMS if path.startswith(OF_ACCOUNT)))
def test_a_form_about_another_account_changes_nothing_and_leads_nowhere(
    ada: Browser, sqlite_database: Database, path: str
) -> None:
    token, before = token_of(ada), rows_of(sqlite_database)

    answer = ada.client.post(address(path, ada.other), data={"csrf_token": token, **TYPED})

    end = ada.client.get(answer.headers["location"]) if answer.status_code == 303 else answer
    assert end.status_code in (403, 404, 422)
    assert rows_of(sqlite_database) == before


@pytest.mark.parametrize("path", [path for path in FORMS if not path.startswith("/me/")])
def test_whoever_only_looks_changes_nothing_by_any_form(vera: Browser, sqlite_database: Database, path: str) -> None:
    token, before = token_of(vera), rows_of(sqlite_database)

    vera.client.post(address(path, vera.account), data={"csrf_token": token, **TYPED})

    assert rows_of(sqlite_database) == before


TYPED = {
    "name": "Renamed", "currency": "USD", "amount": "50", "kind": "CARD", "token": "tok_ok", "key": "k",
    "method": "pm_1-1", "trigger": "10", "strategy": "FIXED_AMOUNT", "reason": "Mistake", "to": "2027-01-01",
    "reference": "X", "emails": "x@example.com", "country": "US", "userName": "new", "countries": "JP", "code": "NEW",
    "enabled": "on", "confirmed": "yes",
}  # fmt: skip


def test_pages_reach_nothing_but_through_the_api() -> None:
    """No page opens the database, or knows of the running program: what it shows comes of GraphQL documents, run as its
    reader."""
    root = Path(pages.__file__).parent.parent
    reaching = [
        f"{path.name}: {name}"
        for path in root.rglob("*.py")
        for name in (*imported_by(path), *re.findall(r"app\.state", path.read_text(encoding="utf-8")))
        if name.startswith(("db.session", "schema", "api", "app.state"))
    ]

    assert reaching == []


def imported_by(path: Path) -> list[str]:
    """The modules that a module imports from."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    plain = [each.name for node in nodes if isinstance(node, ast.Import) for each in node.names]
    return plain + [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
