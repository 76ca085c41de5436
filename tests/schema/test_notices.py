"""Notices through the API: reading them, who gets them, sending one again, and the low balance that is told of."""

from dataclasses import replace
from typing import Any

import pytest

from credits import notices
from credits.ids import public_id
from db.kinds import NoticeKind, Role
from db.session import Database
from schema.context import Context
from tests.factories import NOW, make_account, make_lot, make_test_account
from tests.mail import ANN, BEN, mail_to, make_notice
from tests.schema.asking import Api, acct, person

LIST = """
query Notices($account: ID!, $status: NoticeStatus, $kind: NoticeKind, $first: Int, $after: String) {
  account(id: $account) {
    notices(status: $status, kind: $kind, first: $first, after: $after) {
      totalCount pageInfo { hasNextPage endCursor }
      nodes { id kind status subject recipients undelivered attempts failure createdAt sentAt nextAttemptAt }
    }
  }
}
"""
ONE = """
query Notice($id: ID!) {
  node(id: $id) {
    id
    ... on Notice {
      subject locale greeting paragraphs figures { label value } link { label path url } footer body
    }
  }
}
"""
WHO = """
query Who($account: ID!) {
  account(id: $account) { noticeEmails noticeRecipients mailIsSent lowBalance { amount } }
}
"""


class ApiWithoutMail(Api):
    """The schema where no mail server is set."""

    def context(self, *asked: Any) -> Context:
        """What one request works with."""
        return replace(super().context(*asked), mail_leaves=False)


@pytest.fixture
def account_id(database: Database) -> int:
    """A TEST account whose mail goes to Ann and Ben."""
    number = make_test_account(database)
    mail_to(database, number, ANN, BEN)
    return number


def listed(api: Api, account_id: int, **asked: Any) -> Any:
    """A page of an account's notices."""
    return api.ask(LIST, account=acct(account_id), **asked)["account"]["notices"]


def test_notices_are_listed_newest_first_and_counted(api: Api, account_id: int) -> None:
    for kind in (NoticeKind.LOT_EXPIRED, NoticeKind.BALANCE_LOW, NoticeKind.BALANCE_BELOW_ZERO):
        make_notice(api.database, account_id, kind)

    page = listed(api, account_id, first=2)
    rest = listed(api, account_id, first=2, after=page["pageInfo"]["endCursor"])

    assert page["totalCount"] == 3
    assert [node["kind"] for node in page["nodes"]] == ["BALANCE_BELOW_ZERO", "BALANCE_LOW"]
    assert [node["kind"] for node in rest["nodes"]] == ["LOT_EXPIRED"]
    assert (page["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (True, False)


def test_a_notice_on_its_way_says_to_whom(api: Api, account_id: int) -> None:
    make_notice(api.database, account_id)

    assert listed(api, account_id)["nodes"] == [
        {
            "id": public_id("ntc", account_id, 1), "kind": "BALANCE_LOW", "status": "QUEUED",
            "subject": "[TEST] Balance low, $8.12 left: Contoso", "recipients": [ANN, BEN], "undelivered": [ANN, BEN],
            "attempts": 0, "failure": None, "createdAt": "2026-10-01T12:00:00Z", "sentAt": None, "nextAttemptAt": None,
        }
    ]  # fmt: skip


def test_a_notice_that_failed_says_why_and_when_it_is_tried_again(api: Api, account_id: int) -> None:
    make_notice(api.database, account_id)
    with api.database.transaction() as session:
        outgoing = notices.claim_notice(session, account_id, 1, NOW)
        assert outgoing is not None
        notices.delivered(session, outgoing, undelivered={BEN: "450 Busy"}, now=NOW)

    (node,) = listed(api, account_id)["nodes"]

    assert (node["status"], node["attempts"], node["undelivered"]) == ("QUEUED", 1, [BEN])
    assert (node["failure"], node["nextAttemptAt"]) == (f"{BEN}: 450 Busy", "2026-10-01T12:01:00Z")


def test_lists_are_narrowed_by_kind_and_by_status(api: Api, account_id: int) -> None:
    make_notice(api.database, account_id, NoticeKind.LOT_EXPIRED)
    make_notice(api.database, account_id, NoticeKind.BALANCE_LOW)
    mail_to(api.database, account_id)
    make_notice(api.database, account_id, NoticeKind.BALANCE_LOW)

    low, failed = listed(api, account_id, kind="BALANCE_LOW"), listed(api, account_id, status="FAILED")
    both = listed(api, account_id, kind="BALANCE_LOW", status="FAILED")

    assert (low["totalCount"], failed["totalCount"], both["totalCount"]) == (2, 1, 1)
    assert [node["kind"] for node in low["nodes"]] == ["BALANCE_LOW", "BALANCE_LOW"]


def test_mail_to_nobody_says_so_in_the_readers_language(api: Api) -> None:
    account_id = make_account(api.database)
    make_notice(api.database, account_id)

    (node,) = listed(api, account_id, said_in="ja")["nodes"]

    assert node["failure"] == "このアカウントのメールの送信先が設定されていません。"


def test_a_notice_is_found_by_its_id_with_its_letter(api: Api) -> None:
    account_id = make_account(api.database)
    make_notice(api.database, account_id, NoticeKind.BALANCE_BELOW_ZERO)

    node = api.ask(ONE, id=public_id("ntc", account_id, 1))["node"]

    path = f"/accounts/{acct(account_id)}/funds"
    assert node["figures"] == [{"label": "Available", "value": "-$1.24"}, {"label": "Owed", "value": "$1.24"}]
    assert node["link"] == {"label": "Add funds", "path": path, "url": path}
    assert "Calls that need credit are refused now." in node["paragraphs"][0]
    assert node["body"].startswith("Hello,\n\nThe balance of Contoso is used up.")


def test_a_stranger_s_notice_does_not_exist(api: Api, account_id: int) -> None:
    make_notice(api.database, account_id)
    charlie = person(Role.ADMIN, make_account(api.database))

    assert api.ask(ONE, id=public_id("ntc", account_id, 1), viewer=charlie)["node"] is None


def test_who_is_mailed_is_told(api: Api, account_id: int) -> None:
    account = api.ask(WHO, account=acct(account_id))["account"]

    assert account == {
        "noticeEmails": [ANN, BEN], "noticeRecipients": [ANN, BEN], "mailIsSent": True, "lowBalance": None,
    }  # fmt: skip


def test_an_account_says_where_its_mail_does_not_leave(api: Api, account_id: int) -> None:
    without_server = ApiWithoutMail(api.database)

    assert without_server.ask(WHO, account=acct(account_id))["account"]["mailIsSent"] is False


def test_a_notice_is_sent_again(api: Api, account_id: int) -> None:
    make_notice(api.database, account_id)
    with api.database.transaction() as session:
        outgoing = notices.claim_notice(session, account_id, 1, NOW)
        assert outgoing is not None
        notices.delivered(session, outgoing, undelivered={}, now=NOW)
    values = {"accountId": acct(account_id), "noticeId": public_id("ntc", account_id, 1)}

    first, again = (api.change("resendNotice", "notice { status sentAt }", values) for _ in range(2))

    assert first == {"notice": {"status": "QUEUED", "sentAt": None}, "errors": []}
    assert again["notice"] is None
    assert (again["errors"][0]["code"], again["errors"][0]["field"]) == ("CONFLICT", ["input", "noticeId"])


def test_another_accounts_notice_is_not_sent_again(api: Api, account_id: int) -> None:
    make_notice(api.database, account_id)
    other = make_account(api.database)
    values = {"accountId": acct(other), "noticeId": public_id("ntc", account_id, 1)}

    payload = api.change("resendNotice", "notice { id }", values)

    assert payload["errors"][0]["code"] == "NOT_FOUND"


def test_a_low_balance_is_set_and_switched_off(api: Api) -> None:
    account_id = make_account(api.database)
    make_lot(api.database, account_id, 100)
    shape = "account { lowBalance { amount currency } }"

    on = api.change("updateAccount", shape, {"accountId": acct(account_id), "lowBalance": "20.5"})
    kept = api.change("updateAccount", shape, {"accountId": acct(account_id), "name": "Renamed"})
    off = api.change("updateAccount", shape, {"accountId": acct(account_id), "lowBalance": "0"})

    assert on["account"]["lowBalance"] == kept["account"]["lowBalance"] == {"amount": "20.50", "currency": "USD"}
    assert off["account"]["lowBalance"] is None


@pytest.mark.parametrize("amount", ["-1", "0.0000001"])
def test_a_low_balance_that_can_be_none_is_refused_and_nothing_else_changes(api: Api, amount: str) -> None:
    account_id = make_account(api.database)
    values = {"accountId": acct(account_id), "name": "Renamed", "lowBalance": amount}

    payload = api.change("updateAccount", "account { id }", values)

    assert payload["errors"][0]["field"] == ["input", "lowBalance"]
    assert api.ask("query($id: ID!) { account(id: $id) { name } }", id=acct(account_id))["account"]["name"] == "Contoso"
