"""The page of usage: its period, what it is grouped by, its chart, and the same rows as CSV."""

import csv
import io

import pytest

from credits.call_messages import CallReport
from credits.calls import record_calls
from credits.decks import RateBook
from credits.instants import DAY, HOUR
from db.session import Database
from tests.factories import NOW, a_key, make_user
from tests.web.conftest import Browser

USAGE = "/accounts/{account}/usage"
SEPTEMBER = "from=2026-09-01&to=2026-09-30"


def talk(database: Database, account_id: int, *calls: tuple[str, int, int, int | None]) -> None:
    """Record calls: to whom, how many days ago, how long, and by whom."""
    reports = [
        CallReport(a_key(), to, NOW - HOUR - days * DAY, seconds, user_no=user_no)
        for to, days, seconds, user_no in calls
    ]
    with database.transaction() as session:
        record_calls(session, rates=RateBook(), account_id=account_id, reports=reports, now=NOW)


def rows(browser: Browser, query: str) -> list[list[str]]:
    """The table as CSV, without its titles."""
    text = browser.see(f"{USAGE}.csv?{query}").text.removeprefix("\ufeff")
    return list(csv.reader(io.StringIO(text)))[1:]


def test_it_is_of_the_present_month_day_by_day_unless_said_otherwise(
    ada: Browser, sqlite_database: Database, account_id: int
) -> None:
    talk(sqlite_database, account_id, ("+4930123456", 1, 60, None))

    page = ada.see(USAGE).text

    assert 'value="2026-10-01"' in page
    assert "Oct 1, 2026" in page
    assert "Sep 30, 2026" not in page
    assert 'aria-current="true">This month' in page
    assert "chart-column" in page


def test_the_period_is_of_whole_days_of_the_accounts_zone(
    ada: Browser, sqlite_database: Database, account_id: int
) -> None:
    talk(sqlite_database, account_id, ("+4930123456", 1, 60, None))

    assert [row[0] for row in rows(ada, SEPTEMBER)] == ["2026-09-30"]
    assert [row[0] for row in rows(ada, "from=2026-09-30&to=2026-10-01")] == ["2026-09-30", "2026-10-01"]
    assert rows(ada, "from=2026-09-01&to=2026-09-29") == []


def test_what_cost_most_stands_first_and_the_csv_holds_the_same(
    ada: Browser, sqlite_database: Database, account_id: int
) -> None:
    talk(
        sqlite_database, account_id, ("+4915112345", 1, 60, None), ("+4930123456", 2, 600, None),
        ("+33142685300", 3, 30, None),
    )  # fmt: skip
    query = f"{SEPTEMBER}&by=DESTINATION"

    page = ada.see(f"{USAGE}?{query}").text

    assert rows(ada, query) == [
        ["Germany", "1", "10.0000", "0.0000", "0.60", "USD"],
        ["Mobile", "1", "1.0000", "0.0000", "0.12", "USD"],
        ["", "1", "0.5000", "0.0000", "0.00", "USD"],
    ]
    assert page.index("Germany") < page.index("Mobile") < page.index("no rate")
    assert "20 % of the most" in page
    assert "usage.csv?from=2026-09-01&amp;to=2026-09-30&amp;by=DESTINATION" in page
    assert "calls/report.zip?from=2026-09-01&amp;to=2026-09-30" in page


def test_users_and_plans_are_told(ada: Browser, sqlite_database: Database, account_id: int) -> None:
    ann = make_user(
        sqlite_database, account_id, "MCOPSTN2", "MCOPSTNPP", name="Ann", user_name="ann@x.example", department="Sales"
    )
    talk(sqlite_database, account_id, ("+4930123456", 0, 90, ann))

    page = ada.see(f"{USAGE}?by=USER&and=DEPARTMENT").text

    assert "Minutes of plans" in page
    assert "of them paid by plans" in page
    assert rows(ada, "by=USER&and=DEPARTMENT") == [
        ["", "", "", "1", "1.0167", "0.0000", "0.12", "USD"],
        ["Ann", "ann@x.example", "Sales", "1", "1.5000", "1.5000", "0.00", "USD"],
    ]


def test_within_each_day_the_largest_stands_first(ada: Browser, sqlite_database: Database, account_id: int) -> None:
    talk(sqlite_database, account_id, ("+4930123456", 1, 60, None), ("+4915112345", 1, 60, None))

    assert [row[:2] for row in rows(ada, "from=2026-09-30&to=2026-10-01&by=DAY&and=DESTINATION")] == [
        ["2026-09-30", "Mobile"], ["2026-09-30", "Germany"], ["2026-10-01", "Germany"],
    ]  # fmt: skip


@pytest.mark.parametrize("query", ["by=NONSENSE", "by=DAY&and=DAY", "by=&and=", "and=nonsense"])
def test_what_it_cannot_be_grouped_by_is_left_out(ada: Browser, query: str) -> None:
    assert [row[0] for row in rows(ada, query)] == ["2026-10-01"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("from=2026-10-02&to=2026-10-01", "The last day lies before the first."),
        ("from=soon", "This is no day."),
        ("to=2026-02-30", "This is no day."),
        ("from=2019-01-01&to=2026-10-01", "Ask for five years at most."),
    ],
)
def test_a_period_that_cannot_be_is_told_beside_the_form(ada: Browser, query: str, said: str) -> None:
    page, file = ada.see(f"{USAGE}?{query}"), ada.see(f"{USAGE}.csv?{query}")

    assert (page.status_code, file.status_code) == (422, 422)
    assert said in page.text
    assert said in file.text
    assert '<select id="by"' in page.text


def test_a_long_time_is_drawn_month_by_month(ada: Browser) -> None:
    page = ada.see(f"{USAGE}?from=2026-01-01&to=2026-12-31").text

    assert page.count("<rect") == 10  # up to the present one
    assert ">Oct<" in page


def test_where_nothing_cost_anything_minutes_are_compared(
    ada: Browser, sqlite_database: Database, account_id: int
) -> None:
    talk(sqlite_database, account_id, ("+33142685300", 1, 60, None), ("+33142685301", 2, 600, None))

    page = ada.see(f"{USAGE}?{SEPTEMBER}").text

    assert "The most was 10.0" in page


def test_a_time_without_calls_says_so(ada: Browser) -> None:
    page = ada.see(f"{USAGE}?{SEPTEMBER}").text

    assert "No call was answered in this time." in page
    assert "usage.csv" not in page
