"""Receipts, invoices and refunds on pages and as PDF."""

from dataclasses import replace

import pytest

from db.session import Database
from tests.factories import make_agreement, make_recharge
from tests.web.conftest import Browser
from tests.web.test_forms_of_pages import the_key_of
from web.paper import Line, Paper
from web.pdf import pdf_of

RECEIPT = "/accounts/{account}/receipts/{recharge}"
REFUND = "/accounts/{account}/refunds/{recharge}"

PAPER = Paper(
    title="Receipt", number="R-2D-000012", stamp="", is_alarming=False, seller=["Example Ltd", "1 High Street"],
    addressed="For", buyer=["Contoso <& sons>"], facts=[("Number", "R-2D-000012"), ("Paid with", "Visa •••• 4242")],
    lines=[Line("Prepaid credit for telephone calls", "$100.00", "To be used through November 23, 2027.")],
    total=Line("Total, USD", "$100.00"), returns=[], rest=None, notes=[], is_letter=False,
)  # fmt: skip


@pytest.fixture
def invoice(sqlite_database: Database, account_id: int) -> str:
    """The id of the second recharge, of 70 on invoice."""
    make_agreement(sqlite_database, account_id, "PO-4711")
    make_recharge(sqlite_database, account_id, 70)
    return "{account}-2"


def test_the_funds_lead_to_the_receipt_and_to_the_refund(ada: Browser, vera: Browser) -> None:
    page = ada.see("/accounts/{account}/funds").text

    assert f'href="{ada.path(RECEIPT)}"' in page
    assert f'href="{ada.path(REFUND)}"' in page
    assert f'href="{vera.path(REFUND)}"' not in vera.see("/accounts/{account}/funds").text


def test_a_receipt_says_who_what_and_how_much(vera: Browser) -> None:
    page = vera.see(RECEIPT).text

    for said in ("Contoso &lt;&amp; sons&gt;", "R-", "-000001", "Visa •••• 4242", "$50.00", "127.0.0.1", "no money"):
        assert said in page


@pytest.mark.parametrize("suffix", ["", ".pdf"])
def test_what_has_no_receipt_is_not_there(ada: Browser, suffix: str) -> None:
    recharge = ada.path("{recharge}")
    for path in (
        f"/accounts/{ada.account}/receipts/{recharge}9{suffix}",
        f"/accounts/{ada.account}/receipts/{ada.account}{suffix}",
        f"/accounts/{ada.account}/receipts/nonsense{suffix}",
        f"/accounts/{ada.other}/receipts/{recharge}{suffix}",
    ):
        assert ada.see(path).status_code == 404


def test_a_receipt_of_another_account_is_not_there_even_for_the_operator(olga: Browser) -> None:
    assert olga.see("/accounts/{other}/receipts/{recharge}").status_code == 404
    assert olga.see("/accounts/{other}/refunds/{recharge}").status_code == 404


def test_the_pdf_is_the_same_bytes_each_time(vera: Browser) -> None:
    first, second = (vera.see(RECEIPT + ".pdf") for _ in range(2))

    assert first.headers["content-type"] == "application/pdf"
    assert "attachment" in first.headers["content-disposition"]
    assert first.content.startswith(b"%PDF-")
    assert first.content == second.content


def test_the_pdf_speaks_the_readers_language(vera: Browser) -> None:
    english, japanese = (vera.see(RECEIPT + ".pdf", **{"Accept-Language": code}).content for code in ("en", "ja"))

    assert b"HeiseiKakuGo" in japanese
    assert b"HeiseiKakuGo" not in english


@pytest.mark.parametrize(
    "text", ["株式会社コントソ", "서울 전화", "上海电话", "Łódź", "a < b & c", "😀 \x00 \t", "₹ ￥ −", "x" * 600, ""]
)
def test_a_pdf_is_written_whatever_the_texts_are(text: str) -> None:
    line = Line(text, text, text)
    paper = replace(PAPER, seller=[text], buyer=[text, text], lines=[line], rest=line, stamp=text, notes=[text])

    assert pdf_of(paper).startswith(b"%PDF-")


def test_a_receipt_with_many_refunds_goes_on_on_the_next_sheet() -> None:
    long = replace(PAPER, returns=[Line(f"Refunded {number}", "−$1.00", "Because " * 9) for number in range(60)])

    assert pdf_of(PAPER).count(b"/Type /Page\n") == 1
    assert pdf_of(long).count(b"/Type /Page\n") > 1


def test_a_receipt_without_a_seller_can_be_printed() -> None:
    assert pdf_of(replace(PAPER, seller=[])).startswith(b"%PDF-")


def test_paper_is_that_of_the_accounts_country() -> None:
    assert b"595.2" in pdf_of(PAPER)
    assert b"612" in pdf_of(replace(PAPER, is_letter=True))


def test_the_operator_marks_an_invoice_as_paid(olga: Browser, invoice: str) -> None:
    page = olga.see("/invoices").text
    assert "Contoso &lt;&amp; sons&gt;" in page
    assert "PO-4711" in page
    recharge = olga.account.replace("acct", "rchg") + "-2"

    answer = olga.send("/invoices", account=olga.account, recharge=recharge, reference="BACS 1", number="R-1")

    assert answer.headers["location"] == "/invoices?paid=R-1"
    after = olga.see("/invoices?paid=R-1").text
    assert "R-1 is marked as paid." in after
    assert "No invoice is open" in after
    assert "BACS 1" in olga.see(f"/accounts/{{account}}/receipts/{recharge}").text


def test_a_reference_that_is_missing_is_asked_for_and_nothing_is_marked(olga: Browser, invoice: str) -> None:
    recharge = olga.account.replace("acct", "rchg") + "-2"

    answer = olga.send("/invoices", account=olga.account, recharge=recharge, reference=" ")

    assert answer.status_code == 422
    assert "A reference has 1 to 100 characters." in answer.text
    assert '<details class="sure" open>' in answer.text


def test_nobody_but_the_operator_sees_the_open_invoices(ada: Browser, invoice: str) -> None:
    assert ada.see("/invoices").status_code == 403
    assert ada.see("/invoices.csv").status_code == 403
    assert 'href="/invoices"' not in ada.see("/rates").text


def test_the_open_invoices_come_as_csv(olga: Browser, invoice: str) -> None:
    assert "PO-4711" in olga.see("/invoices.csv").text


def test_a_refund_asks_once_more_and_then_shows_its_effect(ada: Browser) -> None:
    question = ada.see(REFUND + "?amount=20&reason=Ordered+twice").text
    assert "Give $20.00 of $49.88 back to Visa" in question

    answer = ada.send(
        REFUND, on=REFUND + "?amount=20&reason=Ordered+twice", amount="20", reason="Ordered twice",
        idempotency_key=the_key_of(question),
    )  # fmt: skip

    page = ada.see(answer.headers["location"]).text
    assert "$20.00 was given back." in page
    assert "Ordered twice" in page
    assert "$20.00 was given back." in ada.see(answer.headers["location"], "content").text
    assert "Refunded on" in ada.see(RECEIPT).text


def test_the_same_refund_sent_twice_gives_back_once(ada: Browser) -> None:
    for _ in range(2):
        answer = ada.send(REFUND, amount="20", reason="Ordered twice", idempotency_key="k")
        assert answer.status_code == 303

    assert ada.see(REFUND).text.count("Ordered twice") == 1


@pytest.mark.parametrize(
    ("amount", "reason", "field"), [("", "Why", "amount"), ("50.01", "Why", "amount"), ("20", "", "reason")]
)
def test_a_refund_that_cannot_be_is_refused_beside_its_field(
    ada: Browser, amount: str, reason: str, field: str
) -> None:
    answer = ada.send(REFUND, amount=amount, reason=reason, idempotency_key="k")

    assert answer.status_code == 422
    assert f'id="{field}-wrong"' in answer.text
    assert "Given back" not in ada.see(REFUND).text


def test_who_may_only_look_is_offered_no_refund(vera: Browser, olga: Browser) -> None:
    assert 'name="amount"' not in vera.see(REFUND).text
    assert 'name="amount"' in olga.see(REFUND).text
