"""Accounts through the API: opening, changing, the clock, the balance."""

from typing import Any

import pytest

from credits.accounts import update_account
from tests.factories import NOW, make_account, make_lot, make_test_account
from tests.schema.asking import Api, acct

BALANCE = """
query Balance($account: ID!) {
  account(id: $account) {
    now
    balance {
      current { amount currency } reserved { amount } available { amount } owed { amount }
      nextExpiry callsAllowed soon: expiring(withinDays: 30) { amount } later: expiring(withinDays: 400) { amount }
    }
  }
}
"""


def test_an_account_is_opened_with_the_usual_settings(api: Api) -> None:
    shape = "account { name currency timeZone region locale mode status rateDeck noticeEmails viewerRole }"

    payload = api.change("createAccount", shape, {"name": "Contoso", "currency": "EUR"})

    assert payload == {
        "account": {
            "name": "Contoso", "currency": "EUR", "timeZone": "UTC", "region": "US", "locale": "en", "mode": "LIVE",
            "status": "ACTIVE", "rateDeck": "standard", "noticeEmails": [], "viewerRole": "OPERATOR",
        },
        "errors": [],
    }  # fmt: skip


def test_the_same_key_opens_one_account(api: Api) -> None:
    values = {"name": "Contoso", "currency": "EUR", "idempotencyKey": "once"}

    first, again = (api.change("createAccount", "account { id }", values) for _ in range(2))
    other = api.change("createAccount", "account { id }", {**values, "name": "Fabrikam"})

    assert first["account"] == again["account"]
    assert other["account"] is None
    assert other["errors"][0]["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert other["errors"][0]["field"] == ["input", "idempotencyKey"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"currency": "XXQ"}, "currency"),
        ({"timeZone": "Mars/Base"}, "timeZone"),
        ({"region": "ZZ"}, "region"),
        ({"locale": "tlh"}, "locale"),
        ({"clock": "2026-01-01T00:00:00Z"}, "clock"),
    ],
)
def test_a_refusal_names_the_field_and_opens_nothing(api: Api, values: dict[str, Any], field: str) -> None:
    payload = api.change("createAccount", "account { id }", {"name": "Contoso", "currency": "EUR", **values})

    assert payload["account"] is None
    assert [(error["code"], error["field"]) for error in payload["errors"]] == [("INVALID", ["input", field])]
    assert api.ask("{ accounts { totalCount } }")["accounts"]["totalCount"] == 0


def test_a_refusal_is_told_in_the_language_of_the_request(small_api: Api) -> None:
    values = {"name": "Contoso", "currency": "XXQ"}

    said = {
        code: small_api.change("createAccount", "", values, said_in=code)["errors"][0]["message"]
        for code in ("en", "ja")
    }

    assert said["en"] == "XXQ is not an ISO 4217 currency code."
    assert "XXQ" in said["ja"]


def test_what_is_left_out_of_an_update_stays(api: Api) -> None:
    account_id = make_account(api.database, region="DE")

    payload = api.change(
        "updateAccount",
        "account { name region noticeEmails status }",
        {"accountId": acct(account_id), "name": "Renamed", "noticeEmails": ["a@example.com"]},
    )

    assert payload["account"] == {
        "name": "Renamed", "region": "DE", "noticeEmails": ["a@example.com"], "status": "ACTIVE",
    }  # fmt: skip


def test_the_balance_says_what_can_be_spent_and_what_expires(api: Api) -> None:
    account_id = make_account(api.database)
    make_lot(api.database, account_id, 10, expires_at=api.now + 10 * 86_400_000_000)
    make_lot(api.database, account_id, 5)
    make_lot(api.database, account_id, 7, starts_at=api.now + 1)

    account = api.ask(BALANCE, account=acct(account_id))["account"]

    assert account["now"] == "2026-10-01T12:00:00Z"
    assert account["balance"] == {
        "current": {"amount": "15.00", "currency": "USD"}, "reserved": {"amount": "0.00"},
        "available": {"amount": "15.00"}, "owed": {"amount": "0.00"}, "nextExpiry": "2026-10-11T12:00:00Z",
        "callsAllowed": True, "soon": {"amount": "10.00"}, "later": {"amount": "10.00"},
    }  # fmt: skip


def test_an_empty_account_allows_no_calls(api: Api) -> None:
    account = api.ask(BALANCE, account=acct(make_account(api.database)))["account"]

    assert account["balance"]["callsAllowed"] is False
    assert account["balance"]["nextExpiry"] is None


def test_a_clock_moves_forward_and_forfeits_on_the_way(api: Api) -> None:
    account_id = make_test_account(api.database)
    make_lot(api.database, account_id, 10, expires_at=api.now + 1)
    shape = "account { now balance { current { amount } } ledger { nodes { kind description amount { amount } } } }"

    payload = api.change("advanceClock", shape, {"accountId": acct(account_id), "to": "2027-01-01T00:00:00+01:00"})

    assert payload["account"] == {
        "now": "2026-12-31T23:00:00Z",
        "balance": {"current": {"amount": "0.00"}},
        "ledger": {
            "nodes": [
                {"kind": "EXPIRY", "description": "Expired unused", "amount": {"amount": "-10.00"}},
                {"kind": "GRANT", "description": "Credit granted: Welcome", "amount": {"amount": "10.00"}},
            ]
        },
    }


def test_a_live_account_has_no_clock_to_move(api: Api) -> None:
    account_id = make_account(api.database)

    payload = api.change(
        "advanceClock", "account { id }", {"accountId": acct(account_id), "to": "2027-01-01T00:00:00Z"}
    )

    assert payload["account"] is None
    assert payload["errors"][0]["code"] == "CONFLICT"


@pytest.mark.parametrize(("search", "found"), [("con", 1), ("CONTOSO", 1), ("%", 0), ("_", 0), ("tailwind", 0)])
def test_accounts_are_found_by_a_part_of_their_name(api: Api, search: str, found: int) -> None:
    make_account(api.database, name="Contoso")

    answer = api.ask("query Find($s: String) { accounts(search: $s) { totalCount nodes { name } } }", s=search)

    assert answer["accounts"]["totalCount"] == len(answer["accounts"]["nodes"]) == found


def test_an_account_is_found_by_its_id(api: Api) -> None:
    account_id = make_account(api.database)
    make_account(api.database)

    answer = api.ask("query Find($s: String) { accounts(search: $s) { nodes { id } } }", s=acct(account_id))

    assert answer["accounts"]["nodes"] == [{"id": acct(account_id)}]


@pytest.mark.parametrize(
    "text", ["", "acct_", "acct_!", "acct_0", "lot_1-1", "tok_1", "user_1-1", "x" * 5000, "acct_1-2"]
)
def test_an_id_that_is_none_is_no_node_and_no_fault(small_api: Api, text: str) -> None:
    answer = small_api.ask("query Find($id: ID!) { node(id: $id) { id } account(id: $id) { id } }", id=text)

    assert answer == {"node": None, "account": None}


def test_an_id_that_is_none_names_no_account_to_change(small_api: Api) -> None:
    payload = small_api.change("updateAccount", "account { id }", {"accountId": "lot_1-1", "name": "New"})

    assert [(error["code"], error["field"]) for error in payload["errors"]] == [("NOT_FOUND", ["input", "accountId"])]


def test_the_history_closes_each_day(api: Api) -> None:
    account_id = make_account(api.database)
    make_lot(api.database, account_id, 10)

    fields = "balanceHistory(days: 2) { day closing { amount } charged { amount } }"
    document = f"query Days($a: ID!) {{ account(id: $a) {{ {fields} }} }}"
    answer = api.ask(document, a=acct(account_id))

    assert answer["account"]["balanceHistory"] == [
        {"day": "2026-09-30", "closing": {"amount": "0.00"}, "charged": {"amount": "0.00"}},
        {"day": "2026-10-01", "closing": {"amount": "10.00"}, "charged": {"amount": "0.00"}},
    ]


def names(api: Api, **wanted: Any) -> list[str]:
    """The accounts of a list, by name."""
    document = (
        "query L($search: String, $currency: String, $mode: AccountMode, $status: AccountStatus, $needs: Boolean)"
        " { accounts(search: $search, currency: $currency, mode: $mode, status: $status, needsAttention: $needs)"
        " { totalCount nodes { name } } }"
    )
    found = api.ask(document, **wanted)["accounts"]
    assert found["totalCount"] == len(found["nodes"])
    return [node["name"] for node in found["nodes"]]


def test_accounts_are_found_by_what_they_are(api: Api) -> None:
    make_account(api.database, name="Live in dollars")
    make_test_account(api.database, name="Test in yen", currency="JPY")
    closed = make_account(api.database, name="Closed")
    with api.database.transaction() as session:
        update_account(session, account_id=closed, status="CLOSED")

    assert names(api, currency="JPY") == ["Test in yen"]
    assert names(api, mode="LIVE") == ["Closed", "Live in dollars"]
    assert names(api, status="CLOSED") == ["Closed"]
    assert names(api, search="IN", mode="TEST", status="ACTIVE") == ["Test in yen"]
    assert names(api, currency="EUR") == []


def test_what_needs_attention_is_suspended_empty_low_or_does_not_recharge_itself(api: Api) -> None:
    funded, low, level, suspended, closed, paused, off = (
        make_account(api.database, name=name)
        for name in ("Funded", "Low", "Level", "Suspended", "Closed", "Paused", "Paused but off")
    )
    make_account(api.database, name="Empty")
    for account_id in (funded, low, level, suspended, closed, paused, off):
        make_lot(api.database, account_id, 10)
    with api.database.transaction() as session:
        for account_id, micros in ((low, 10_000_001), (level, 10_000_000)):
            session.execute("UPDATE account SET low_balance_micros = ? WHERE account_id = ?", micros, account_id)
        for account_id, status in ((suspended, "SUSPENDED"), (closed, "CLOSED")):
            update_account(session, account_id=account_id, status=status)
        columns = ("account_id", "enabled", "paused_reason", "paused_at", "strategy")
        for account_id, enabled in ((paused, True), (off, False)):
            session.insert("auto_recharge", columns, [(account_id, enabled, "DECLINED", NOW, "FIXED_AMOUNT")])

    assert names(api, needs=True) == ["Empty", "Low", "Paused", "Suspended"]
    assert names(api, needs=False) == ["Closed", "Funded", "Level", "Paused but off"]
