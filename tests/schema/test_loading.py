"""Reading: a longer list costs no more statements, and what is read together sees one moment."""

from typing import Any

import pytest

from credits.ids import public_id
from tests.factories import (
    a_rate,
    make_account,
    make_card,
    make_deck,
    make_lot,
    make_recharge,
    make_test_account,
    make_user,
)
from tests.schema.asking import Api, acct
from tests.schema.test_calls import a_call, record

EVERYTHING_NESTED = """
query Nested($a: ID!, $first: Int) {
  account(id: $a) {
    ledger(first: $first) { nodes {
      description
      draws { lot { id recharge { id paymentMethod { label } lot { id } receipt { number } refundable { amount }
        refunds { id } dispute { status } } } }
      call { id user { name licenses { plan { code } } spentThisMonth { amount } } entries { description }
        destination rate { id deck { id } effectiveFrom effectiveTo } }
      recharge { id lot { id } }
    } }
  }
}
"""
MANY_USERS = """
query Users($a: ID!, $first: Int) {
  account(id: $a) { users(first: $first) { nodes {
    name licenses { assignedAt plan { code } } monthlyLimit { amount } spentThisMonth { amount } effectiveUserDialOut
    minutePools { minutesLeft plan { code } user { name } }
  } } userMinutePools(first: $first) { nodes { minutesTotal plan { code } user { name licenses { plan { code } } } } } }
}
"""
MANY_ACCOUNTS = """
query Many($first: Int) {
  accounts(first: $first) { nodes {
    name noticeEmails balance { available { amount } } paymentMethods { label } autoRecharge { enabled pausedSince }
  } }
}
"""


def busy_account(api: Api) -> int:
    """An account with recharges, calls and many entries."""
    make_deck(api.database, a_rate("49", "0.06"))
    account_id = make_test_account(api.database)
    make_card(api.database, account_id)
    for _ in range(3):
        make_recharge(api.database, account_id, 50)
    users = [public_id("user", account_id, make_user(api.database, account_id, "MCOPSTNPP")) for _ in range(3)]
    record(api, account_id, *(a_call(userId=users[number % 3]) for number in range(30)))
    return account_id


def test_a_longer_list_costs_no_more_statements(api: Api, statements: list[str]) -> None:
    account_id = busy_account(api)
    counts = []
    for first in (2, 33):
        statements.clear()
        answer = api.ask(EVERYTHING_NESTED, a=acct(account_id), first=first)
        assert len(answer["account"]["ledger"]["nodes"]) == first
        counts.append(len(statements))

    assert counts[0] == counts[1]


def test_more_users_cost_no_more_statements(api: Api, statements: list[str]) -> None:
    account_id = make_account(api.database)
    for _ in range(8):
        make_user(api.database, account_id, "MCOPSTN8", "MCOPSTNPP")
    counts = []
    for first in (2, 8):
        statements.clear()
        account = api.ask(MANY_USERS, a=acct(account_id), first=first)["account"]
        assert [len(account[name]["nodes"]) for name in ("users", "userMinutePools")] == [first, first]
        counts.append(len(statements))

    assert counts[0] == counts[1]


def test_more_accounts_cost_no_more_statements(api: Api, statements: list[str]) -> None:
    for _ in range(8):
        make_lot(api.database, make_account(api.database))
    counts = []
    for first in (2, 8):
        statements.clear()
        assert len(api.ask(MANY_ACCOUNTS, first=first)["accounts"]["nodes"]) == first
        counts.append(len(statements))

    assert counts[0] == counts[1] <= 5


def test_a_count_that_nobody_asks_for_is_not_counted(small_api: Api, statements: list[str]) -> None:
    account_id = make_account(small_api.database)
    statements.clear()

    small_api.ask("query L($a: ID!) { account(id: $a) { lots { nodes { id } } } }", a=acct(account_id))

    assert not [statement for statement in statements if "count(" in statement]


def test_the_ledger_and_the_calls_are_not_counted_row_by_row(small_api: Api, statements: list[str]) -> None:
    account_id = busy_account(small_api)
    statements.clear()

    account = small_api.ask(
        "query L($a: ID!) { account(id: $a) { ledger { totalCount } calls { totalCount } recharges { totalCount } } }",
        a=acct(account_id),
    )["account"]

    assert [account[name]["totalCount"] for name in ("ledger", "calls", "recharges")] == [33, 30, 3]
    assert not [statement for statement in statements if "count(" in statement]


def test_what_a_page_reads_of_an_account_is_read_in_few_snapshots(
    small_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id = busy_account(small_api)
    opened = 0
    real = small_api.database.reading

    def counted() -> Any:
        nonlocal opened
        opened += 1
        return real()

    monkeypatch.setattr(small_api.database, "reading", counted)
    small_api.ask(
        "query P($a: ID!) { account(id: $a) { balance { current { amount } } lots { nodes { id } }"
        " ledger { nodes { id } } calls { nodes { id } } paymentMethods { id } } }",
        a=acct(account_id),
    )

    assert opened == 2


def test_a_change_is_seen_by_what_is_read_after_it_in_the_same_request(api: Api) -> None:
    account_id = make_account(api.database)
    inputs = {
        name: {"accountId": acct(account_id), "amount": "1", "description": "Gift", "idempotencyKey": name}
        for name in "ab"
    }
    shape = "{ account { balance { current { amount } } } }"

    answer = api.ask(
        "mutation Two($a: GrantCreditInput!, $b: GrantCreditInput!)"
        f" {{ a: grantCredit(input: $a) {shape} b: grantCredit(input: $b) {shape} }}",
        **inputs,
    )

    assert [answer[name]["account"]["balance"]["current"]["amount"] for name in "ab"] == ["1.00", "2.00"]


def test_a_branch_that_fails_takes_nothing_from_another_that_waits_for_the_same_row(api: Api) -> None:
    account_id = make_account(api.database)
    text = """
    query ($account: ID!) {
      __schema { description }
      failing: account(id: $account) { ledger(first: 0) { totalCount } balance { current { amount } } }
      other: account(id: $account) { balance { current { amount } } }
    }
    """

    found = api.run(text, account=acct(account_id))

    assert [error.path for error in found.errors or ()] == [["failing", "ledger"]]
    assert found.data is not None
    assert (found.data["failing"], found.data["other"]) == (None, {"balance": {"current": {"amount": "0.00"}}})
