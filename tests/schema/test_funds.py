"""Funds through the API: lots, payment methods, recharges."""

from typing import Any

import pytest

from credits.ids import public_id
from tests.factories import a_key, make_account, make_card, make_lot, make_recharge, make_test_account
from tests.schema.asking import Api, acct

LOTS = """
query Lots($a: ID!, $s: LotStatus) { account(id: $a) { lots(status: $s) { totalCount nodes { amount { amount } } } } }
"""
RECHARGES = """
query R($a: ID!, $s: RechargeStatus) { account(id: $a) { recharges(status: $s) { totalCount nodes { status } } } }
"""
SUMS = "account { balance { current { amount } } ledger { totalCount } }"


def lots(api: Api, account_id: int, status: str | None = None) -> list[str]:
    """The amounts of an account's lots as the API lists them."""
    found = api.ask(LOTS, a=acct(account_id), s=status)["account"]["lots"]
    assert found["totalCount"] == len(found["nodes"])
    return [node["amount"]["amount"] for node in found["nodes"]]


def grant(account_id: int, **values: Any) -> dict[str, Any]:
    """An input of grantCredit."""
    return {"accountId": acct(account_id), "amount": "10", "description": "Sorry", "idempotencyKey": a_key(), **values}


def test_lots_are_listed_as_they_will_be_spent_and_then_those_that_are_gone(api: Api) -> None:
    account_id = make_account(api.database)
    gone = make_lot(api.database, account_id, 1)
    make_lot(api.database, account_id, 2)
    make_lot(api.database, account_id, 3, expires_at=api.now + 1)
    make_lot(api.database, account_id, 4, priority=-1)
    void = {
        "accountId": acct(account_id),
        "lotId": public_id("lot", account_id, gone),
        "reason": "No",
        "idempotencyKey": "v",
    }
    api.change("voidLot", "", void)

    assert lots(api, account_id) == ["4.00", "3.00", "2.00", "1.00"]
    assert lots(api, account_id, "ACTIVE") == ["4.00", "3.00", "2.00"]
    assert lots(api, account_id, "VOIDED") == ["1.00"]


def test_a_lot_that_has_not_started_is_pending_and_one_past_its_time_expired(api: Api) -> None:
    account_id = make_account(api.database)
    make_lot(api.database, account_id, 1, starts_at=api.now + 5)
    make_lot(api.database, account_id, 2, expires_at=api.now + 5)
    assert (lots(api, account_id, "PENDING"), lots(api, account_id, "EXPIRED")) == (["1.00"], [])

    api.now += 5

    assert (lots(api, account_id, "PENDING"), lots(api, account_id, "EXPIRED")) == ([], ["2.00"])


def test_credit_is_granted_once_for_a_key(api: Api) -> None:
    account_id = make_account(api.database)
    values = grant(account_id, expiresAt="2026-12-01T00:00:00Z", priority=3)
    lot = "id source status amount { amount } remaining { amount } priority expiresAt note recharge { id }"
    shape = f"lot {{ {lot} }} {SUMS}"

    first, again = (api.change("grantCredit", shape, values) for _ in range(2))

    assert first == again
    assert first["lot"] == {
        "id": public_id("lot", account_id, 1), "source": "GRANT", "status": "ACTIVE", "amount": {"amount": "10.00"},
        "remaining": {"amount": "10.00"}, "priority": 3, "expiresAt": "2026-12-01T00:00:00Z", "note": "Sorry",
        "recharge": None,
    }  # fmt: skip
    assert first["account"] == {"balance": {"current": {"amount": "10.00"}}, "ledger": {"totalCount": 1}}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"amount": "0"}, "amount"),
        ({"amount": "-1"}, "amount"),
        ({"amount": "0.0000001"}, "amount"),
        ({"amount": "9" * 24}, "amount"),
        ({"description": ""}, "description"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
        ({"idempotencyKey": ""}, "idempotencyKey"),
    ],
)
def test_a_grant_that_is_refused_leaves_no_trace(api: Api, values: dict[str, Any], field: str) -> None:
    account_id = make_account(api.database)

    payload = api.change("grantCredit", "lot { id } account { id }", grant(account_id, **values))

    assert (payload["lot"], payload["account"]) == (None, None)
    assert [(error["code"], error["field"]) for error in payload["errors"]] == [("INVALID", ["input", field])]
    assert lots(api, account_id) == []


def test_a_lot_of_another_account_cannot_be_voided(api: Api) -> None:
    mine, other = make_account(api.database), make_account(api.database)
    lot = public_id("lot", other, make_lot(api.database, other))
    values = {"accountId": acct(mine), "lotId": lot, "reason": "No", "idempotencyKey": "v"}

    payload = api.change("voidLot", "lot { id }", values)

    assert [(error["code"], error["field"]) for error in payload["errors"]] == [("NOT_FOUND", ["input", "lotId"])]
    assert lots(api, other, "ACTIVE") == ["100.00"]


def test_payment_methods_are_added_preferred_and_removed(api: Api) -> None:
    account_id = make_test_account(api.database)
    account = {"accountId": acct(account_id)}
    shape = "paymentMethod { id kind label isDefault expiresOn }"

    card = api.change("addPaymentMethod", shape, {**account, "kind": "CARD", "token": "tok_ok"})["paymentMethod"]
    invoice = api.change(
        "addPaymentMethod", shape, {**account, "kind": "INVOICE", "purchaseOrder": "4711", "makeDefault": False}
    )["paymentMethod"]
    preferred = api.change("setDefaultPaymentMethod", shape, {**account, "paymentMethodId": invoice["id"]})
    removed = api.change("removePaymentMethod", shape, {**account, "paymentMethodId": card["id"]})

    assert (card["label"], card["isDefault"], card["expiresOn"]) == ("Visa •••• 4242, 12/99", True, "2099-12-31")
    assert (invoice["label"], invoice["isDefault"], invoice["expiresOn"]) == ("Invoice, PO 4711", False, None)
    assert preferred["paymentMethod"]["isDefault"] is True
    assert removed["paymentMethod"]["id"] == card["id"]
    left = api.ask("query M($a: ID!) { account(id: $a) { paymentMethods { id isDefault } } }", a=acct(account_id))
    assert left["account"]["paymentMethods"] == [{"id": invoice["id"], "isDefault": True}]


def test_a_recharge_brings_a_lot_and_names_what_paid(api: Api) -> None:
    account_id = make_test_account(api.database)
    make_card(api.database, account_id)
    shape = (
        "recharge { trigger status amount { amount currency } attempts failureReason paymentMethod { label }"
        " lot { source amount { amount } expiresAt recharge { status } } } account { balance { available { amount } } }"
    )

    payload = api.change("recharge", shape, {"accountId": acct(account_id), "amount": 50, "idempotencyKey": "first"})

    assert payload == {
        "recharge": {
            "trigger": "MANUAL", "status": "SUCCEEDED", "amount": {"amount": "50.00", "currency": "USD"}, "attempts": 1,
            "failureReason": None, "paymentMethod": {"label": "Visa •••• 4242, 12/99"},
            "lot": {"source": "PURCHASE", "amount": {"amount": "50.00"}, "expiresAt": "2027-10-02T00:00:00Z",
                    "recharge": {"status": "SUCCEEDED"}},
        },
        "account": {"balance": {"available": {"amount": "50.00"}}},
        "errors": [],
    }  # fmt: skip


def test_a_declined_card_makes_a_failed_recharge_and_no_error(api: Api) -> None:
    account_id = make_test_account(api.database)
    make_card(api.database, account_id, "tok_declined")

    payload = api.change(
        "recharge",
        "recharge { status failureReason lot { id } }",
        {"accountId": acct(account_id), "amount": "50", "idempotencyKey": "first"},
    )

    assert payload["errors"] == []
    assert (payload["recharge"]["status"], payload["recharge"]["lot"]) == ("FAILED", None)
    assert payload["recharge"]["failureReason"]


@pytest.mark.parametrize("amount", ["49.99", "50.001", "0"])
def test_a_recharge_below_the_minimum_or_finer_than_the_coins_is_refused(api: Api, amount: str) -> None:
    account_id = make_test_account(api.database)
    make_card(api.database, account_id)

    payload = api.change(
        "recharge", "recharge { id }", {"accountId": acct(account_id), "amount": amount, "idempotencyKey": "k"}
    )

    assert [(error["code"], error["field"]) for error in payload["errors"]] == [("INVALID", ["input", "amount"])]


def test_recharges_are_listed_by_status(api: Api) -> None:
    account_id = make_test_account(api.database)
    make_card(api.database, account_id, "tok_declined")
    make_recharge(api.database, account_id, 50)

    counted = {
        status: api.ask(RECHARGES, a=acct(account_id), s=status)["account"]["recharges"]["totalCount"]
        for status in (None, "FAILED", "SUCCEEDED")
    }

    assert counted == {None: 1, "FAILED": 1, "SUCCEEDED": 0}


def test_an_amount_cannot_be_sent_as_a_number_with_a_fraction(small_api: Api) -> None:
    document = "mutation R($input: RechargeInput!) { recharge(input: $input) { errors { code } } }"
    values = {"accountId": acct(make_account(small_api.database)), "amount": 50.5, "idempotencyKey": "k"}

    assert small_api.error(document, input=values)["extensions"]["code"] == "BAD_USER_INPUT"
