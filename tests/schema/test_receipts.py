"""Receipts, open invoices, refunds and disputes through the API."""

from typing import Any

import pytest

from credits.ids import public_id
from credits.instants import DAY, expiry_of_purchase
from credits.receipts import receipt_number
from credits.terms import Terms
from db.kinds import Role
from tests.bank import buy_live
from tests.factories import NOW, a_key, make_account, make_agreement, make_card, make_recharge, make_test_account
from tests.schema.asking import OPERATOR, Api, acct, person

RECEIPT = """
query See($id: ID!) { node(id: $id) { ... on Recharge { receiptUrl refundable { amount } receipt {
  number kind status issuedOn dueOn paidOn reference seller sellerTaxId buyer purchaseOrder url pdfUrl isTest
  usableThrough lines { description amount { amount } } amount { amount currency }
  returns { kind amount { amount } on reason isDone } returned { amount } remaining { amount }
  paymentMethod { label } recharge { id } account { name }
} refunds { id status amount { amount } reason byProvider } dispute { status amount { amount } held { amount } } } } }
"""
OPEN_INVOICES = (
    "query Open($first: Int) { openInvoices(first: $first)"
    " { totalCount nodes { number status dueOn remaining { amount } account { id name } recharge { id } } } }"
)


def see(api: Api, account_id: int, recharge_no: int, **asked: Any) -> Any:
    """A recharge with its receipt."""
    return api.ask(RECEIPT, id=public_id("rchg", account_id, recharge_no), **asked)["node"]


def give_back(api: Api, account_id: int, recharge_no: int, amount: str | None = None, **asked: Any) -> Any:
    """Refund a recharge."""
    values = {"accountId": acct(account_id), "rechargeId": public_id("rchg", account_id, recharge_no),
              "amount": amount, "reason": "Not needed", "idempotencyKey": a_key()}  # fmt: skip
    shape = "recharge { refundable { amount } refunds { status } } account { balance { available { amount } } }"
    return api.change("refundRecharge", shape, values, **asked)


@pytest.fixture
def invoiced(api: Api) -> tuple[int, int]:
    """A LIVE account in Tokyo that has bought 100 on invoice, and the recharge's number."""
    account_id = make_account(api.database, name="Contoso", time_zone="Asia/Tokyo")
    make_agreement(api.database, account_id, "PO-1")
    return account_id, make_recharge(api.database, account_id)


def test_a_receipt_says_all_that_its_page_prints(api: Api, invoiced: tuple[int, int]) -> None:
    account_id, _ = invoiced
    house = Terms(seller=("Example Ltd", "1 High Street"), seller_tax_id="GB 1")
    recharge_no = make_recharge(api.database, account_id, terms=house)

    found = see(api, account_id, recharge_no)["receipt"]

    assert found["number"] == receipt_number(account_id, 2)
    assert (found["kind"], found["status"], found["paidOn"]) == ("INVOICE", "OPEN", None)
    assert (found["seller"], found["sellerTaxId"]) == (["Example Ltd", "1 High Street"], "GB 1")
    assert (found["buyer"], found["purchaseOrder"], found["isTest"]) == ("Contoso", "PO-1", False)
    assert found["amount"] == {"amount": "100.00", "currency": "USD"}
    assert [line["amount"]["amount"] for line in found["lines"]] == ["100.00"]
    assert found["recharge"]["id"] == public_id("rchg", account_id, recharge_no)
    assert found["account"]["name"] == "Contoso"


def test_a_receipt_stays_as_it_was_issued(api: Api, invoiced: tuple[int, int]) -> None:
    account_id, _ = invoiced
    recharge_no = make_recharge(api.database, account_id, terms=Terms(seller=("Example Ltd",), seller_tax_id="GB 1"))
    api.terms = Terms(seller=("Other Ltd",), seller_tax_id="GB 2")
    api.change("updateAccount", "account { id }", {"accountId": acct(account_id), "name": "Fabrikam"})

    found = see(api, account_id, recharge_no)["receipt"]

    assert (found["seller"], found["sellerTaxId"], found["buyer"]) == (["Example Ltd"], "GB 1", "Contoso")


def test_a_receipt_is_found_at_an_absolute_address(api: Api, invoiced: tuple[int, int]) -> None:
    api.base_url = "https://credits.example"
    account_id, recharge_no = invoiced

    found = see(api, *invoiced)

    path = f"/accounts/{acct(account_id)}/receipts/{public_id('rchg', account_id, recharge_no)}"
    assert found["receiptUrl"] == found["receipt"]["url"] == f"https://credits.example{path}"
    assert found["receipt"]["pdfUrl"] == f"https://credits.example{path}.pdf"


def test_what_was_not_paid_has_no_receipt(api: Api) -> None:
    account_id = make_test_account(api.database)
    make_card(api.database, account_id, "tok_declined")

    found = see(api, account_id, make_recharge(api.database, account_id))

    assert (found["receipt"], found["receiptUrl"], found["refundable"]) == (None, None, {"amount": "0.00"})


def test_open_invoices_of_all_accounts_are_listed_by_when_they_are_due(api: Api, invoiced: tuple[int, int]) -> None:
    long_ago = NOW - 40 * DAY
    other = make_account(api.database, name="Fabrikam", now=long_ago)
    make_agreement(api.database, other, now=long_ago)
    early = make_recharge(api.database, other, now=long_ago)
    make_recharge(api.database, other, now=NOW + DAY)

    listed = api.ask(OPEN_INVOICES)["openInvoices"]

    assert listed["totalCount"] == 3
    assert [each["account"]["name"] for each in listed["nodes"]] == ["Fabrikam", "Contoso", "Fabrikam"]
    assert [each["status"] for each in listed["nodes"]] == ["OVERDUE", "OPEN", "OPEN"]
    assert listed["nodes"][0]["recharge"]["id"] == public_id("rchg", other, early)


@pytest.mark.parametrize("how", ["paid", "refunded"])
def test_an_invoice_is_open_until_it_is_paid_or_refunded_in_full(api: Api, invoiced: tuple[int, int], how: str) -> None:
    account_id, recharge_no = invoiced
    if how == "paid":
        values = {"accountId": acct(account_id), "rechargeId": public_id("rchg", *invoiced), "reference": "BACS 1"}
        payload = api.change("markInvoicePaid", "recharge { receipt { status reference } }", values)
        assert payload["recharge"] == {"receipt": {"status": "PAID", "reference": "BACS 1"}}
    else:
        give_back(api, account_id, recharge_no)

    assert api.ask(OPEN_INVOICES)["openInvoices"] == {"totalCount": 0, "nodes": []}


def test_longer_lists_of_invoices_cost_no_more_statements(
    api: Api,
    statements: list[str],
) -> None:
    for name in ("A", "B", "C"):
        account_id = make_account(api.database, name=name)
        make_agreement(api.database, account_id)
        for _ in range(3):
            make_recharge(api.database, account_id)
    counts = []
    for first in (1, 8):
        statements.clear()
        assert len(api.ask(OPEN_INVOICES, first=first)["openInvoices"]["nodes"]) == first
        counts.append(len(statements))

    assert counts[0] == counts[1]


def test_a_refund_leaves_the_balance_and_stands_on_the_receipt(api: Api, invoiced: tuple[int, int]) -> None:
    payload = give_back(api, *invoiced, "40")

    assert payload["recharge"] == {"refundable": {"amount": "60.00"}, "refunds": [{"status": "SUCCEEDED"}]}
    assert payload["account"]["balance"]["available"]["amount"] == "60.00"
    found = see(api, *invoiced)
    (line,) = found["receipt"]["returns"]
    assert (line["kind"], line["amount"]["amount"], line["reason"]) == ("REFUND", "40.00", "Not needed")
    assert found["receipt"]["remaining"] == {"amount": "60.00"}
    assert found["refunds"][0]["byProvider"] is False


@pytest.mark.parametrize(("later", "left"), [(-1, "100.00"), (0, "0.00")])
def test_nothing_can_be_given_back_once_its_settlement_window_has_closed(
    api: Api, invoiced: tuple[int, int], later: int, left: str
) -> None:
    expires_at = expiry_of_purchase(NOW, "Asia/Tokyo", 12)
    api.now = expires_at + api.terms.settlement_window + later

    assert see(api, *invoiced)["refundable"] == {"amount": left}


def test_too_large_a_refund_is_refused_in_the_readers_language(api: Api, invoiced: tuple[int, int]) -> None:
    payload = give_back(api, *invoiced, "100.01", said_in="ja")

    assert payload["errors"] == [
        {"code": "CONFLICT", "message": "返金できるのは $100.00 までです。", "field": ["input", "amount"]}
    ]
    assert payload["recharge"] is None


def test_in_a_test_account_whoever_may_add_funds_may_give_them_back(api: Api) -> None:
    account_id = make_test_account(api.database)
    make_card(api.database, account_id)
    recharge_no = make_recharge(api.database, account_id)

    payload = give_back(api, account_id, recharge_no, viewer=person(Role.BILLING, account_id))

    assert payload["recharge"]["refunds"] == [{"status": "SUCCEEDED"}]


def test_a_dispute_shows_what_it_keeps_back(api: Api) -> None:
    live = buy_live(api.database)
    live.bank.contests(60)
    live.hear_disputes()

    found = see(api, live.books.account_id, live.recharge_no, viewer=OPERATOR)

    assert found["dispute"] == {"status": "OPEN", "amount": {"amount": "60.00"}, "held": {"amount": "60.00"}}
    assert found["refundable"] == {"amount": "0.00"}
