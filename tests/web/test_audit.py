"""The pages of the audit log: of an account for its administrator, of all for the operator, and both as files."""

import csv
import io
import json
import re
from typing import Any

import pytest

from credits.audit import Actor, record
from credits.ids import public_id
from credits.instants import DAY, HOUR
from db.kinds import ActorKind
from db.session import Database
from tests.factories import NOW
from tests.web.conftest import ADA, VERA, Browser

LOG = "/accounts/{account}/audit"


def make_event(database: Database, account_id: int | None, action: str, **values: Any) -> None:
    """Something that Eve did."""
    eve = Actor(ActorKind.PERSON, "eve@example.com", 1, "192.0.2.1", "request-77")
    with database.transaction() as session:
        record(session, eve, action, account_id=account_id, **{"at": NOW, "subject": "thing", **values})


@pytest.fixture
def lively(account_id: int, sqlite_database: Database) -> int:
    """The account, in which two things happened, a day apart; and one that was done for everyone."""
    user = public_id("user", account_id, 1)
    change = {"before": {"department": "Sales"}, "after": {"department": "<b>Research</b>"}}
    make_event(sqlite_database, account_id, "updateUser", subject=user, **change)
    make_event(sqlite_database, account_id, "setAutoRecharge", at=NOW + DAY, after={"enabled": True})
    make_event(sqlite_database, None, "setZoneA", subject="Zone A", at=NOW + 2 * DAY)
    return account_id


def test_a_change_is_told_in_a_sentence_with_its_details(ada: Browser, lively: int) -> None:
    page = ada.see(LOG).text

    assert "eve@example.com changed the user Mia Chen." in page
    assert "<dt>Department</dt>" in page
    assert "<del>Sales</del>" in page
    assert "<ins>&lt;b&gt;Research&lt;/b&gt;</ins>" in page
    assert f'href="/accounts/{ada.account}/users/{public_id("user", lively, 1)}"' in page
    assert "192.0.2.1" in page
    assert "request-77" in page
    assert "Zone A" not in page.partition('<table class="stack')[2]


def test_a_change_is_told_in_japanese(ada: Browser, lively: int) -> None:
    page = ada.see(LOG, **{"Accept-Language": "ja"}).text

    assert "eve@example.com がユーザー Mia Chen を変更しました。" in page
    assert "<dt>部署</dt>" in page


def test_what_was_done_in_the_pages_is_in_the_log_with_who_did_it(ada: Browser, lively: int) -> None:
    ada.send("/accounts/{account}/notices", addresses="ada@example.com", low_balance="12")

    page = ada.see(f"{LOG}?action=updateAccount").text

    assert f"{ADA} changed the account&#39;s settings." in page
    assert "<ins>$12.00</ins>" in page
    assert "testclient" in page
    assert "eve@example.com" not in page


def test_the_list_is_narrowed_by_who_what_and_when(ada: Browser, lively: int) -> None:
    """In New York it is morning at NOW."""
    by = {
        "actor=EVE": (True, True),
        "actor=ada": (False, False),
        "action=updateUser": (True, False),
        "subject=user_": (True, False),
        "from=2026-10-02": (False, True),
        "to=2026-10-01": (True, False),
        "from=2026-10-01&to=2026-10-02": (True, True),
    }
    for query, expected in by.items():
        rows = ada.see(f"{LOG}?{query}").text.partition('<table class="stack')[2]
        assert ("changed the user Mia Chen" in rows, "set automatic recharge" in rows) == expected, query
    assert "No change is like that." in ada.see(f"{LOG}?actor=nobody").text
    assert ada.see(f"{LOG}?from=soon").status_code == 422


def test_what_was_done_is_chosen_by_what_it_was_done_to(ada: Browser, olga: Browser) -> None:
    own, whole = _choices(ada.see(LOG).text), _choices(olga.see("/audit").text)

    assert list(own) == [
        "Account", "Funds", "Payment methods", "Calls", "Users and licences", "Members and operators", "Tokens",
    ]  # fmt: skip
    assert set(whole) - set(own) == {"Rates and plans", "Signing in", "Passwords and second factors"}
    assert own["Tokens"] == ["createToken", "revokeToken"]
    assert "inviteOperator" in whole["Members and operators"]
    assert "inviteOperator" not in own["Members and operators"]
    assert _choices(ada.see(LOG, **{"Accept-Language": "ja"}).text)["トークン"] == own["Tokens"]


def _choices(page: str) -> dict[str, list[str]]:
    """The values to choose from, by the heading that they stand under."""
    select = page.partition('<select id="action"')[2].partition("</select>")[0]
    groups = re.findall(r'<optgroup label="([^"]+)">(.*?)</optgroup>', select, re.DOTALL)
    return {heading: re.findall(r'<option value="(\w+)"', options) for heading, options in groups}


def test_scripts_replace_the_list_alone(ada: Browser, lively: int) -> None:
    block = ada.see(LOG, block="audit").text

    assert block.lstrip().startswith('<section id="audit"')
    assert "</html>" not in block


def test_an_account_in_which_nothing_was_changed_says_so(olga: Browser) -> None:
    assert "Nothing was changed yet." in olga.see("/accounts/{other}/audit").text


def test_the_operator_sees_everything_with_its_account(olga: Browser, lively: int) -> None:
    page = olga.see("/audit").text

    assert "eve@example.com changed the countries of Zone A." in page
    assert f'<a href="/accounts/{olga.account}/audit">Contoso &lt;&amp; sons&gt;</a>' in page
    assert 'href="/audit" aria-current="page"' in olga.see("/audit").text
    assert 'href="/audit"' in olga.see("/").text


def test_whoever_does_not_administer_the_account_sees_no_log(browsers: Any, ada: Browser, lively: int) -> None:
    vera = browsers(VERA)

    assert "/audit" not in vera.see("/accounts/{account}").text
    for path in (LOG, f"{LOG}.csv", f"{LOG}.jsonl", "/audit", "/audit.csv", "/audit.jsonl"):
        assert vera.see(path).status_code == 403
    for path in ("/audit", "/audit.csv", "/audit.jsonl"):
        assert ada.see(path).status_code == 403
    for path in ("/accounts/{other}/audit", "/accounts/{other}/audit.csv"):
        assert ada.see(path).status_code == 404


def test_the_files_have_what_is_shown(ada: Browser, olga: Browser, lively: int, sqlite_database: Database) -> None:
    for number in range(60):
        make_event(sqlite_database, lively, "updateAccount", subject=f"={number}", at=NOW - number * HOUR)

    lines = ada.see(f"{LOG}.jsonl")
    table = ada.see(f"{LOG}.csv?action=updateAccount")
    whole = olga.see("/audit.jsonl?subject=zone")

    assert len(lines.text.splitlines()) == 62
    assert lines.headers["content-disposition"] == 'attachment; filename="audit.jsonl"'
    rows = list(csv.DictReader(io.StringIO(table.text.removeprefix("\ufeff"), newline="")))
    assert [row["subject"] for row in rows] == [f"'={number}" for number in range(60)]
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert [json.loads(line)["subject"] for line in whole.text.splitlines()] == ["Zone A"]
    assert (
        f'href="/accounts/{ada.account}/audit.jsonl?action=updateAccount"'
        in ada.see(f"{LOG}?action=updateAccount").text
    )
