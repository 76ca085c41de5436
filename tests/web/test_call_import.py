"""Importing call records in the pages: whose calls they are, and what a plan has paid."""

import pytest

from credits.call_states import call_states
from credits.ids import read_id
from db.session import Database
from tests.factories import make_user
from tests.web.conftest import Browser

IMPORT = "/accounts/{account}/calls/import"
REPORT = (
    "UsageId,Call ID,UPN,Call Type,Number Type,Caller ID,Destination Number,Start Time,Duration Seconds,Charge,"
    "Capability\n"
    "u1,c,Ann@contoso.example,user_out,Subscriber,,+4930123456,2026-10-01T10:00:00Z,60,0.00,MCOPSTN2\n"
    "u2,c,bob@contoso.example,user_out,Subscriber,,+4930123456,2026-10-01T10:00:00Z,60,0.00,MCOPSTN2\n"
    "u3,c,bob@contoso.example,user_out,Subscriber,,+4930123456,2026-10-01T10:00:00Z,60,0.10,MCOPSTNPP\n"
)


def take_in(browser: Browser, content: str | bytes, name: str = "calls.csv") -> str:
    """Upload a file of calls, and return the page that says what became of it."""
    body = content.encode() if isinstance(content, str) else content
    answer = browser.send(IMPORT, files={"file": (name, body)}, time_zone="UTC")
    assert answer.status_code == 200
    return str(answer.text)


def test_a_usage_report_gives_calls_to_the_users_that_it_names(
    ada: Browser, sqlite_database: Database, account_id: int
) -> None:
    ann = make_user(sqlite_database, account_id, "MCOPSTN2", user_name="ann@contoso.example")
    bob = make_user(sqlite_database, account_id, "MCOPSTNPP", user_name="bob@contoso.example")

    page = take_in(ada, REPORT)

    assert "Calls charged: 2, $0.06 in all." in page
    assert "Rows left out, as there is nothing to charge: 1." in page
    with sqlite_database.reading() as session:
        found = call_states(session, account_id, "call_id <> 'call-1' ORDER BY call_id")
    assert [(call.call_id, call.user_no, call.plan_seconds) for call in found] == [("u1", ann, 60), ("u3", bob, 0)]


@pytest.mark.parametrize("kind", ["csv", "zip"])
def test_an_accounts_own_report_charges_nothing_again(ada: Browser, kind: str) -> None:
    report = ada.see("/accounts/{account}/calls/report." + kind).content

    page = take_in(ada, report, f"report.{kind}")

    assert "Calls charged: 0, $0.00 in all." in page
    assert "Known already, and not charged again: 1." in page


def test_rows_of_another_account_cannot_be_taken_and_a_column_of_no_accounts_is_told_of(ada: Browser) -> None:
    row = "{},x-1,+4930123456,2026-10-01T10:00:00Z,30\n"
    header = "account,call_id,to,answered_at,duration_seconds\n"
    assert read_id("acct", ada.other)

    refused = take_in(ada, header + row.format(ada.other))
    taken = take_in(ada, header + row.format("site 7"))

    assert f"This call is of the account {ada.other}, and not of {ada.account}." in refused
    assert "Calls charged: 1" in taken
    assert "The column account names no accounts as they are known here (site 7)" in taken
