"""Statements through the API."""

from datetime import UTC, datetime
from typing import Any

import pytest

from credits.instants import DAY, instant
from credits.terms import Terms
from tests.books import Books, open_books
from tests.factories import NOW
from tests.schema.asking import Api, acct

SHAPE = """
  month isOver opening { amount } lines { item entries amount { amount currency } } closing { amount } url pdfUrl issuer
  days { day lines { item entries amount { amount } } closing { amount } }
"""
ONE = f"query One($a: ID!, $month: Date!) {{ account(id: $a) {{ statement(month: $month) {{ {SHAPE} }} }} }}"
LIST = """
query List($a: ID!, $first: Int, $after: String, $before: String) {
  account(id: $a) { statements(first: $first, after: $after, before: $before) {
    totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes { month opening { amount } closing { amount } days { day } }
  } }
}
"""


def two_months(api: Api) -> Books:
    """An account that was granted 10 in October, of which calls cost 3 then and 2 in November."""
    books = open_books(api.database)
    books.grant(10)
    books.charge(3)
    books.advance(NOW + 40 * DAY)
    books.charge(2)
    return books


def listed(api: Api, books: Books, **asked: Any) -> Any:
    """A page of an account's statements."""
    return api.ask(LIST, a=acct(books.account_id), **asked)["account"]["statements"]


def test_a_statement_adds_up(api: Api) -> None:
    books = two_months(api)
    api.base_url, api.terms = "https://credits.example", Terms(seller=("Example Ltd",))

    found = api.ask(ONE, a=acct(books.account_id), month="2026-10-31")["account"]["statement"]

    assert found == {
        "month": "2026-10-01", "isOver": True, "opening": {"amount": "0.00"},
        "lines": [
            {"item": "GRANT", "entries": 1, "amount": {"amount": "10.00", "currency": "USD"}},
            {"item": "CALLS", "entries": 1, "amount": {"amount": "-3.00", "currency": "USD"}},
        ],
        "closing": {"amount": "7.00"},
        "url": f"https://credits.example/accounts/{acct(books.account_id)}/statements/2026-10",
        "pdfUrl": f"https://credits.example/accounts/{acct(books.account_id)}/statements/2026-10.pdf",
        "issuer": ["Example Ltd"],
        "days": [{
            "day": "2026-10-01",
            "lines": [
                {"item": "GRANT", "entries": 1, "amount": {"amount": "10.00"}},
                {"item": "CALLS", "entries": 1, "amount": {"amount": "-3.00"}},
            ],
            "closing": {"amount": "7.00"},
        }],
    }  # fmt: skip


@pytest.mark.parametrize(("month", "is_there"), [("2026-09-30", False), ("2026-11-30", True), ("2026-12-01", False)])
def test_there_is_no_statement_before_the_account_and_after_its_present(api: Api, month: str, is_there: bool) -> None:
    books = two_months(api)

    found = api.ask(ONE, a=acct(books.account_id), month=month)["account"]["statement"]

    assert (found is not None) == is_there
    assert found is None or not found["isOver"]


def test_statements_are_listed_the_newest_first(api: Api) -> None:
    books = two_months(api)

    found = listed(api, books)

    assert [(row["month"], row["opening"]["amount"], row["closing"]["amount"]) for row in found["nodes"]] == [
        ("2026-11-01", "7.00", "5.00"), ("2026-10-01", "0.00", "7.00"),
    ]  # fmt: skip
    assert found["totalCount"] == 2


def test_statements_are_turned_page_by_page_both_ways(api: Api) -> None:
    books = two_months(api)
    books.advance(instant(datetime(2027, 2, 15, tzinfo=UTC)))

    first = listed(api, books, first=2)
    second = listed(api, books, first=2, after=first["pageInfo"]["endCursor"])
    back = listed(api, books, first=2, before=second["pageInfo"]["startCursor"])

    assert [row["month"][:7] for row in first["nodes"]] == ["2027-02", "2027-01"]
    assert [row["month"][:7] for row in second["nodes"]] == ["2026-12", "2026-11"]
    assert second["pageInfo"]["hasNextPage"]
    assert back["nodes"] == first["nodes"]
    assert not back["pageInfo"]["hasPreviousPage"]
