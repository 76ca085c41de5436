"""Receipts and invoices: what each says, how they are numbered, and the marking of invoices as paid."""

import re

import pytest

from credits.instants import DAY, end_of_day_after
from credits.receipts import (
    Receipt,
    ReceiptKind,
    ReceiptStatus,
    ReturnKind,
    mark_invoice_paid,
    receipt_number,
    receipt_of,
)
from credits.refusals import Code, Refusal
from credits.terms import Terms
from db.session import Database
from tests.bank import Bought, buy, buy_live
from tests.books import Books, open_books
from tests.factories import NOW, make_agreement, make_card, make_recharge, micros


@pytest.fixture
def invoiced(books: Books) -> Bought:
    """A TEST account that has bought 100 on invoice."""
    make_agreement(books.database, books.account_id, "PO-4711")
    return Bought(books, make_recharge(books.database, books.account_id))


def receipt(bought: Bought, recharge_no: int | None = None) -> Receipt:
    """The document of a recharge."""
    with bought.books.database.reading() as session:
        number = bought.recharge_no if recharge_no is None else recharge_no
        return receipt_of(session, account_id=bought.books.account_id, recharge_no=number, now=bought.books.now)


def mark_paid(bought: Bought, reference: str = "BACS 17", recharge_no: int | None = None) -> None:
    """Mark the invoice as paid."""
    with bought.books.database.transaction() as session:
        mark_invoice_paid(
            session, account_id=bought.books.account_id, reference=reference, now=bought.books.now,
            recharge_no=bought.recharge_no if recharge_no is None else recharge_no,
        )  # fmt: skip


def refused(bought: Bought, reference: str = "BACS 17", recharge_no: int | None = None) -> Refusal:
    """The refusal to mark an invoice as paid, which must have left no trace."""
    before = bought.books.dump()

    with pytest.raises(Refusal) as refused:
        mark_paid(bought, reference, recharge_no)

    assert bought.books.dump() == before
    return refused.value


def test_a_number_names_the_account_and_its_place_there() -> None:
    assert receipt_number(77, 12) == "R-2D-000012"
    assert re.fullmatch(r"R-[0-9A-Z]+-1000000", receipt_number(2**47 + 5, 1_000_000))


def test_a_card_that_paid_has_a_receipt(books: Books) -> None:
    bought = buy(books)

    found = receipt(bought)

    assert (found.kind, found.status, found.number) == (
        ReceiptKind.RECEIPT, ReceiptStatus.PAID, receipt_number(books.account_id, 1)
    )  # fmt: skip
    assert (found.issued_at, found.paid_at, found.due_at) == (NOW, NOW, None)
    assert (found.amount_micros, found.remaining_micros) == (micros(100), micros(100))
    assert found.expires_at == books.lot(1).expires_at


def test_only_what_succeeded_is_numbered_and_without_gaps(books: Books) -> None:
    first = buy(books)
    make_card(books.database, books.account_id, "tok_declined")
    failed = make_recharge(books.database, books.account_id)
    make_card(books.database, books.account_id)
    last = make_recharge(books.database, books.account_id)

    assert receipt(first).number == receipt_number(books.account_id, 1)
    assert receipt(first, last).number == receipt_number(books.account_id, 2)
    for none in (failed, 99):
        with pytest.raises(Refusal) as refused:
            receipt(first, none)
        assert refused.value.code == Code.NOT_FOUND


@pytest.mark.parametrize(("later", "status"), [(-1, ReceiptStatus.OPEN), (0, ReceiptStatus.OVERDUE)])
def test_an_invoice_is_open_through_the_last_day_of_its_term(
    database: Database, later: int, status: ReceiptStatus
) -> None:
    books = open_books(database, terms=Terms(invoice_days=14), time_zone="Asia/Tokyo")
    make_agreement(database, books.account_id)
    invoiced = Bought(books, make_recharge(database, books.account_id, terms=books.terms))
    due_at = end_of_day_after(NOW, "Asia/Tokyo", 14)

    books.advance(due_at + later)

    found = receipt(invoiced)
    assert (found.kind, found.due_at, found.paid_at) == (ReceiptKind.INVOICE, due_at, None)
    assert found.status == status


def test_an_invoice_that_is_marked_as_paid_says_when_and_how(invoiced: Bought) -> None:
    invoiced.books.advance(NOW + DAY)

    for _ in range(2):
        mark_paid(invoiced, " BACS 17 ")

    found = receipt(invoiced)
    assert (found.status, found.paid_at, found.reference) == (ReceiptStatus.PAID, NOW + DAY, "BACS 17")
    assert found.purchase_order == "PO-4711"


def test_another_reference_is_refused(invoiced: Bought) -> None:
    mark_paid(invoiced)

    assert refused(invoiced, "BACS 18").code == Code.CONFLICT


@pytest.mark.parametrize("reference", ["", " ", "x" * 101])
def test_a_reference_has_1_to_100_characters(invoiced: Bought, reference: str) -> None:
    assert refused(invoiced, reference).code == Code.INVALID


def test_what_a_card_paid_is_no_invoice(books: Books) -> None:
    assert refused(buy(books)).code == Code.CONFLICT


def test_what_does_not_exist_is_not_marked(invoiced: Bought) -> None:
    assert refused(invoiced, recharge_no=9).code == Code.NOT_FOUND


def test_an_invoice_that_was_refunded_in_full_is_not_paid_any_more(invoiced: Bought) -> None:
    invoiced.refund("99.99")
    assert receipt(invoiced).status == ReceiptStatus.OPEN
    invoiced.refund("0.01")

    assert receipt(invoiced).status == ReceiptStatus.REFUNDED
    assert refused(invoiced).code == Code.CONFLICT


def test_what_went_back_stands_on_the_receipt_in_its_order(database: Database) -> None:
    live = buy_live(database)
    live.refund(10)
    live.books.advance(NOW + DAY)
    live.bank.contests(50)
    live.hear_disputes()
    assert receipt(live).remaining_micros == micros(90)

    live.bank.contests(50, "LOST")
    live.hear_disputes()

    found = receipt(live)
    assert [(each.kind, each.amount_micros, each.at) for each in found.returns] == [
        (ReturnKind.REFUND, micros(10), NOW),
        (ReturnKind.DISPUTE, micros(50), NOW + DAY),
    ]
    assert found.remaining_micros == micros(40)
