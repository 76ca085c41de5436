"""What an account may owe on invoices: up to the house's limit, and no coin more."""

from typing import Any

import pytest

from credits.instants import DAY
from credits.invoices import invoices_open_micros
from credits.receipts import mark_invoice_paid
from credits.refunds import refund_recharge
from credits.refusals import Code, Refusal
from credits.terms import Terms
from db.kinds import AccountMode, DecisionOutcome
from db.session import Database
from tests.books import Books, open_books
from tests.credits.test_automatic import decisions, go_on, set_rule
from tests.factories import NOW, PROVIDERS, a_key, make_agreement, make_card, make_recharge, micros

LIMITED = Terms(usual_minimum_recharge_units=1, invoice_limit_units={"USD": 100})


@pytest.fixture
def books(database: Database) -> Books:
    """A LIVE account that may owe 100 dollars, and owes 40."""
    books = open_books(database, mode=AccountMode.LIVE, terms=LIMITED)
    make_agreement(database, books.account_id)
    buy(books, 40)
    return books


def buy(books: Books, amount: int | str, **values: Any) -> int:
    """Buy on invoice."""
    return make_recharge(books.database, books.account_id, amount, terms=books.terms, **values)


def owed(books: Books) -> int:
    """What the account owes on invoices."""
    with books.database.reading() as session:
        return invoices_open_micros(session, books.account_id)


@pytest.mark.parametrize("amount", ["59.99", "60"])
def test_an_account_may_owe_up_to_the_limit(books: Books, amount: str) -> None:
    buy(books, amount)

    assert owed(books) == micros(40) + micros(amount)


def test_more_than_the_limit_is_refused_at_the_amount(books: Books) -> None:
    with pytest.raises(Refusal) as refused:
        buy(books, "60.01")

    assert (refused.value.code, refused.value.field) == (Code.LIMIT_EXCEEDED, ("amount",))
    assert refused.value.values["limit"].micros == micros(100)
    assert owed(books) == micros(40)


def test_what_was_paid_counts_no_more(books: Books) -> None:
    with books.database.transaction() as session:
        mark_invoice_paid(session, account_id=books.account_id, recharge_no=1, reference="W-1", now=NOW)

    buy(books, 100)

    assert owed(books) == micros(100)


def test_what_was_refunded_counts_no_more(books: Books) -> None:
    refund_recharge(
        books.database, PROVIDERS, account_id=books.account_id, recharge_no=1, amount_micros=micros(15), reason="Less",
        idempotency_key=a_key(), now=NOW,
    )  # fmt: skip

    assert owed(books) == micros(25)


def test_the_same_request_again_is_no_other_invoice(books: Books) -> None:
    first = buy(books, 60, idempotency_key="same")

    assert buy(books, 60, idempotency_key="same") == first


def test_without_a_limit_an_account_owes_what_it_likes(database: Database) -> None:
    books = open_books(database, mode=AccountMode.LIVE)
    make_agreement(database, books.account_id)

    buy(books, 1_000_000)

    assert owed(books) == micros(1_000_000)


def test_cards_know_no_limit_of_invoices(database: Database) -> None:
    books = open_books(database, terms=LIMITED)
    make_card(database, books.account_id)

    buy(books, 500)

    assert owed(books) == 0


@pytest.mark.parametrize(("limit", "outcome"), [(19, "LIMIT_REACHED"), (20, "RECHARGED"), (21, "RECHARGED")])
def test_automatic_recharge_stays_within_the_limit(database: Database, limit: int, outcome: str) -> None:
    terms = Terms(usual_minimum_recharge_units=1, usual_invoice_limit_units=limit)
    books = open_books(database, terms=terms)
    make_agreement(database, books.account_id)
    buy(books, 10)
    books.charge(10)

    set_rule(books, trigger=5, amount=10)
    go_on(books)

    assert decisions(books)[-1][0] == DecisionOutcome(outcome)


def test_automatic_recharge_goes_on_the_day_after_an_invoice_was_paid(database: Database) -> None:
    terms = Terms(usual_minimum_recharge_units=1, usual_invoice_limit_units=10)
    books = open_books(database, terms=terms)
    make_agreement(database, books.account_id)
    buy(books, 10)
    books.charge(10)
    set_rule(books, trigger=5, amount=10)
    go_on(books)
    with database.transaction() as session:
        mark_invoice_paid(session, account_id=books.account_id, recharge_no=1, reference="W-1", now=books.now)

    books.advance(books.now + DAY)

    assert decisions(books)[-1][0] == DecisionOutcome.RECHARGED
