"""The pages of notices: the list, one of them, the form for who is mailed, and the mail as it was mailed."""

import json
from html import unescape

import pytest

from credits import notices
from credits.ids import read_id
from db.kinds import NoticeKind
from db.session import Database
from tests.factories import NOW
from tests.mail import ANN, BEN, FACTS, mail_to, make_notice, notices_of
from tests.web.conftest import ADA, Browser

NOTICES = "/accounts/{account}/notices"


@pytest.fixture
def number(account_id: int, sqlite_database: Database) -> int:
    """The account with one more notice, for Ann and Ben: its balance is low."""
    mail_to(sqlite_database, account_id, ANN, BEN)
    make_notice(sqlite_database, account_id)
    return account_id


@pytest.fixture
def newest(ada: Browser, number: int, sqlite_database: Database) -> str:
    """The path of that notice."""
    row = notices_of(sqlite_database, number)[-1]
    return f"{NOTICES}/ntc_{ada.account.removeprefix('acct_')}-{row.notice_no}"


def finish(database: Database, account_id: int, **undelivered: str) -> None:
    """Let the newest notice be taken by the mail server, but for some."""
    notice_no = notices_of(database, account_id)[-1].notice_no
    with database.transaction() as session:
        outgoing = notices.claim_notice(session, account_id, notice_no, NOW)
        assert outgoing is not None
        refused = {{"ann": ANN, "ben": BEN}[name]: why for name, why in undelivered.items()}
        notices.delivered(session, outgoing, undelivered=refused, now=NOW)


def test_the_list_says_what_was_mailed_to_whom(ada: Browser, number: int) -> None:
    page = ada.see(NOTICES).text

    assert "[TEST] Balance low, $8.12 left" in page
    assert ANN in page
    assert "On its way" in page
    assert "no mail server is set" in page


def test_the_list_is_narrowed_by_kind_and_state(ada: Browser, number: int) -> None:
    low, sent = ada.see(f"{NOTICES}?kind=BALANCE_LOW").text, ada.see(f"{NOTICES}?status=SENT").text

    assert "Balance low, $8.12" in low
    assert "$50.00 added" not in low
    assert "No notice is like that." in sent


def test_without_any_notice_the_page_says_what_mail_tells(olga: Browser) -> None:
    page = olga.see("/accounts/{other}/notices").text

    assert "Nothing was mailed yet." in page
    assert "Nobody gets this account&#39;s mail. Set an address below." in page


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_notice_opens_to_its_letter(
    ada: Browser, newest: str, number: int, sqlite_database: Database, kind: NoticeKind
) -> None:
    make_notice(sqlite_database, number, kind, **FACTS[kind])
    path = f"{newest.rpartition('-')[0]}-{notices_of(sqlite_database, number)[-1].notice_no}"

    answer = ada.see(path)

    assert answer.status_code == 200
    assert "This is a test account: no money was moved." in answer.text
    assert ada.see(path, **{"Accept-Language": "ja"}).status_code == 200


def test_one_that_was_refused_shows_who_has_not_got_it_and_why(
    ada: Browser, newest: str, number: int, sqlite_database: Database
) -> None:
    finish(sqlite_database, number, ben="550 No such user")

    page = ada.see(newest).text

    assert "Not reached" in page
    assert f"{BEN}: 550 No such user" in page
    assert "the next one" in page
    assert "Tried again soon" in ada.see(NOTICES).text


def test_a_notice_is_kept_as_it_was_mailed(ada: Browser, newest: str) -> None:
    answer = ada.see(f"{newest}/mail")

    assert answer.headers["content-disposition"].startswith('attachment; filename="ntc_')
    assert "Contoso &lt;&amp; sons&gt;" in answer.text
    assert 'href="http://127.0.0.1:8000/accounts/acct_' in answer.text


def test_a_notice_is_sent_again(ada: Browser, newest: str, number: int, sqlite_database: Database) -> None:
    finish(sqlite_database, number)
    assert f"Send it once more to {ANN}, {BEN}?" in ada.see(newest).text

    answer = ada.send(newest)

    assert (answer.status_code, answer.headers["location"]) == (303, ada.path(newest))
    assert notices_of(sqlite_database, number)[-1].status == "QUEUED"


def test_one_on_its_way_is_not_sent_again(ada: Browser, newest: str) -> None:
    answer = ada.send(newest)

    assert answer.status_code == 422
    assert "This notice is on its way already." in answer.text


def test_whoever_may_only_look_changes_nothing(vera: Browser, number: int, newest: str) -> None:
    page, letter = vera.see(NOTICES).text, vera.see(newest).text

    assert "<textarea" not in page
    assert "Send again" not in letter
    assert vera.send(NOTICES, on="/rates", addresses="eve@example.com").status_code == 403


@pytest.mark.parametrize("path", ["ntc_1-1", "ntc_x", "lot_1-1"])
def test_a_notice_that_is_none_of_this_account_is_not_there(ada: Browser, path: str) -> None:
    assert ada.see(f"{NOTICES}/{path}").status_code == 404
    assert ada.see(f"{NOTICES}/{path}/mail").status_code == 404


def test_the_notice_of_one_account_is_not_there_under_another(olga: Browser, newest: str) -> None:
    assert olga.see(newest).status_code == 200
    assert olga.see(newest.replace("/accounts/{account}", "/accounts/{other}")).status_code == 404


def test_without_addresses_the_administrators_are_named(ada: Browser) -> None:
    page = ada.see(NOTICES).text

    assert f"Mail goes to {ADA}." in page
    assert "administrators get it" in unescape(page)


def test_addresses_are_kept_however_they_are_parted(ada: Browser, sqlite_database: Database) -> None:
    answer = ada.send(NOTICES, addresses=f"{ANN}\r\n  {BEN}, cleo@contoso.example;", low_balance="1,250")
    page = ada.see(answer.headers["location"]).text

    assert answer.status_code == 303
    assert "Saved." in page
    assert f"{ANN}\n{BEN}\ncleo@contoso.example</textarea>" in page
    assert 'value="1250.00"' in page


def test_the_list_stays_narrowed_when_addresses_are_kept(ada: Browser) -> None:
    page = ada.see(f"{NOTICES}?kind=BALANCE_LOW").text

    answer = ada.send(f"{NOTICES}?kind=BALANCE_LOW", addresses=ANN)

    assert f'action="{ada.path(NOTICES)}?kind=BALANCE_LOW"' in page
    assert answer.headers["location"] == ada.path(f"{NOTICES}?kind=BALANCE_LOW&saved=yes")


def test_an_empty_form_mails_the_administrators_and_tells_only_when_nothing_is_left(
    ada: Browser, sqlite_database: Database
) -> None:
    ada.send(NOTICES, addresses=ANN, low_balance="20")

    ada.send(NOTICES, addresses="", low_balance="")

    (account_id,) = read_id("acct", ada.account)
    with sqlite_database.reading() as session:
        found = session.row("SELECT notice_emails, low_balance_micros FROM account WHERE account_id = ?", account_id)
    assert found is not None
    assert (json.loads(found[0]), found[1]) == ([], None)


@pytest.mark.parametrize(
    ("addresses", "low_balance", "wrong"),
    [("nobody", "", "addresses"), (ANN, "much", "low_balance"), (ANN, "-5", "low_balance")],
)
def test_what_is_wrong_stays_where_it_was_typed_and_nothing_is_kept(
    ada: Browser, addresses: str, low_balance: str, wrong: str
) -> None:
    answer = ada.send(NOTICES, addresses=addresses, low_balance=low_balance)

    assert answer.status_code == 422
    assert f'id="{wrong}-wrong"' in answer.text
    assert f"{addresses}</textarea>" in answer.text
    assert f"Mail goes to {ADA}." in ada.see(NOTICES).text
