"""Statements in the pages: the months, one on a sheet of paper, and as CSV and PDF."""

import csv
import io
from decimal import Decimal

import pytest

from tests.web.conftest import Browser

MONTHS = "/accounts/{account}/statements"
OCTOBER = MONTHS + "/2026-10"


def table(browser: Browser, path: str) -> list[list[str]]:
    """A CSV of the pages, without its titles."""
    return list(csv.reader(io.StringIO(browser.see(path).text.removeprefix("\ufeff"))))[1:]


def test_each_month_tells_what_came_in_and_what_calls_cost(vera: Browser) -> None:
    assert table(vera, MONTHS + ".csv") == [["2026-10", "0.00", "150.00", "-0.12", "0.00", "149.88", "USD"]]
    page = vera.see(MONTHS).text
    assert f'href="{vera.path(OCTOBER)}"' in page
    assert "until now" in page


def test_a_statement_is_one_sheet_that_adds_up(vera: Browser) -> None:
    page = vera.see(OCTOBER).text

    for said in (
        "The month is not over", "Contoso &lt;&amp; sons&gt;", "Funds bought", "$50.00", "Credit that was given",
        "$100.00", "−$0.12", "$149.88", "America/New_York", "no money was moved", "Day by day, USD",
    ):  # fmt: skip
        assert said in page


def test_the_csv_of_a_statement_adds_up(vera: Browser) -> None:
    opening, *moved, closing = table(vera, OCTOBER + ".csv")

    assert (opening[1], opening[4]) == ("Opening balance", "0.00")
    assert [row[:4] for row in moved] == [
        ["2026-10-01", "Funds bought", "1", "50.00"],
        ["2026-10-01", "Credit that was given", "1", "100.00"],
        ["2026-10-01", "Calls", "1", "-0.12"],
    ]
    assert Decimal(opening[4]) + sum(Decimal(row[3]) for row in moved) == Decimal(closing[4]) == Decimal(moved[-1][4])


def test_a_statement_is_a_pdf_too(vera: Browser) -> None:
    first, second = (vera.see(OCTOBER + ".pdf") for _ in range(2))

    assert first.headers["content-disposition"] == 'attachment; filename="statement-2026-10.pdf"'
    assert first.content.startswith(b"%PDF-")
    assert first.content == second.content


@pytest.mark.parametrize("month", ["2026-09", "2026-11", "2026-13", "october", "2026-10-01"])
@pytest.mark.parametrize("suffix", ["", ".csv", ".pdf"])
def test_a_month_without_a_statement_is_not_there(vera: Browser, month: str, suffix: str) -> None:
    assert vera.see(f"{MONTHS}/{month}{suffix}").status_code == 404


def test_another_accounts_statements_are_not_there(ada: Browser) -> None:
    for path in ("/statements", "/statements.csv", "/statements/2026-10", "/statements/2026-10.pdf"):
        assert ada.see("/accounts/{other}" + path).status_code == 404
