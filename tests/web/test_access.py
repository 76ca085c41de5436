"""The pages about who has access: tokens, members, operators."""

import csv
import io
import re
from typing import Any

import pytest
from structlog.testing import capture_logs

from credits.tokens import find_token
from db.kinds import Scope
from db.session import Database
from tests.factories import NOW
from tests.web.conftest import Browser
from tests.web.test_people import text

TOKENS = "/accounts/{account}/tokens"


def send(browser: Browser, path: str, on: str | None = None, **typed: Any) -> Any:
    """Send a form in which a name may stand several times."""
    token = browser.see(on or path).text.split('name="csrf_token" value="')[1].split('"')[0]
    return browser.client.post(browser.path(path), data={"csrf_token": token, **typed})


def secret_in(answer: Any) -> str:
    """The secret that a page shows."""
    (found,) = re.findall(r'<code id="secret">(cct_[\w-]{43})</code>', answer.text)
    return str(found)


def rows(browser: Browser, path: str) -> list[dict[str, str]]:
    """A list as CSV."""
    return list(csv.DictReader(io.StringIO(browser.see(path).text.removeprefix("\ufeff"))))


# ---- tokens ----


@pytest.mark.parametrize("place", [TOKENS, "/tokens"])
def test_a_new_tokens_secret_stands_in_the_one_answer_and_nowhere_else(
    olga: Browser, sqlite_database: Database, place: str
) -> None:
    with capture_logs() as logs:
        answer = send(olga, place, name="Switch in Reno", scope=["CALLS", "READ"], days="30", idempotency_key="k")
        later = [olga.see(path) for path in (place, f"{place}.csv", f"{place}?status=ACTIVE")]

    secret = secret_in(answer)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "Copy it now: it is shown this once." in text(answer)
    assert answer.text.count(secret) == 1
    assert not any(secret in page.text for page in later)
    assert secret not in str(logs)
    with sqlite_database.reading() as session:
        found = find_token(session, secret, NOW)
    assert found is not None
    assert (found.name, found.account_id is None) == ("Switch in Reno", place == "/tokens")
    assert found.scopes == {Scope.CALLS, Scope.READ}
    assert found.created_by == "olga@example.com"
    assert found.expires_at is not None


def test_a_second_click_makes_no_second_token(ada: Browser) -> None:
    once, again = (send(ada, TOKENS, name="Switch", scope="CALLS", days="", idempotency_key="k") for _ in range(2))

    assert secret_in(once)
    assert again.status_code == 422
    assert "was made already" in text(again)
    assert [row["Name"] for row in rows(ada, f"{TOKENS}.csv")] == ["Switch"]


@pytest.mark.parametrize(
    ("typed", "field", "says"),
    [
        ({"name": " "}, "name", "A name has 1 to 200 characters."),
        ({"scope": []}, "scopes", "A token needs at least one scope."),
        ({"scope": ["RATES"]}, "scopes", "You cannot give what you do not have: rates."),
    ],
)
def test_a_token_that_is_refused_keeps_what_was_typed(
    ada: Browser, typed: dict[str, Any], field: str, says: str
) -> None:
    answer = send(ada, TOKENS, **{"name": "Typed", "scope": ["FUNDS"], "days": "90", **typed})

    assert answer.status_code == 422
    assert says in text(answer)
    assert f'id="{field}-wrong"' in answer.text
    assert '<option value="90" selected>' in answer.text
    assert ('value="FUNDS" checked' in answer.text) == ("scope" not in typed)
    assert rows(ada, f"{TOKENS}.csv") == []


def test_a_token_is_revoked_and_the_list_says_so(ada: Browser) -> None:
    send(ada, TOKENS, name="Switch <b>", scope="CALLS", days="")
    (token,) = rows(ada, f"{TOKENS}.csv")

    answer = send(ada, f"{TOKENS}/{token['Id']}/revocation", on=TOKENS)
    page = ada.client.get(answer.headers["location"])

    assert answer.status_code == 303
    assert "Switch <b> is revoked." in text(page)
    assert "/revocation" not in page.text
    assert [row["State"] for row in rows(ada, f"{TOKENS}.csv")] == ["Revoked"]
    assert rows(ada, f"{TOKENS}.csv?status=ACTIVE") == []
    assert "No token is like that." in text(ada.see(f"{TOKENS}?status=ACTIVE"))


def test_a_token_of_elsewhere_is_not_revoked(ada: Browser, olga: Browser) -> None:
    send(olga, "/tokens", name="Console", scope="READ", days="")
    (token,) = rows(olga, "/tokens.csv")

    answer = send(ada, f"{TOKENS}/{token['Id']}/revocation", on=TOKENS)

    assert answer.status_code == 422
    assert "There is no such token." in text(answer)
    assert [row["State"] for row in rows(olga, "/tokens.csv")] == ["Good"]


def test_who_does_not_administer_sees_no_tokens(vera: Browser, ada: Browser) -> None:
    assert vera.see(TOKENS).status_code == 403
    assert vera.see(f"{TOKENS}.csv").status_code == 403
    assert vera.path(TOKENS) not in vera.see("/accounts/{account}/notices").text
    assert ada.see("/tokens").status_code == 403
    assert ada.see("/accounts/{other}/tokens").status_code == 404
