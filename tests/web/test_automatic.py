"""The page of automatic recharge: how it stands, the question before it counts, and what it decided."""

import csv
import io
from html import unescape
from typing import Any

import pytest

from credits.call_messages import CallReport
from credits.calls import record_calls
from credits.decks import RateBook
from credits.ids import read_id
from credits.instants import HOUR
from db.session import Database
from tests.factories import NOW, a_key
from tests.web.conftest import Browser

PAGE = "/accounts/{account}/funds/automatic"
RULE = {"strategy": "FIXED_AMOUNT", "trigger": "20", "amount": "100"}


def text_of(answer: Any) -> str:
    """What a page says, with figures in one piece."""
    return unescape(answer.text).replace("<small>", "").replace("</small>", "")


def spend(database: Database, browser: Browser, minutes: int) -> None:
    """Call Germany, at 6 cents a minute."""
    (account_id,) = read_id("acct", browser.account)
    report = CallReport(a_key(), "+4930123456", NOW - 100 * HOUR, minutes * 60)
    with database.transaction() as session:
        record_calls(session, rates=RateBook(), account_id=account_id, reports=[report], now=NOW)


def work(app: Any) -> None:
    """Let the worker do what is due."""
    app.state.running.worker.do_money(NOW)


def test_whoever_switches_it_on_is_asked_with_the_figures(ada: Browser) -> None:
    answer = ada.see(f"{PAGE}?strategy=FIXED_AMOUNT&trigger=20&amount=100")

    asked = "When less than $20.00 is available, $100.00 is charged to Visa •••• 4242, 12/99, at most $1,000.00 a day."
    assert asked in text_of(answer)
    assert "It is off." in text_of(answer), "asking switches nothing on"


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("strategy=TOP_UP_TO&trigger=20&amount=100", "what is missing to $100.00 is charged to Visa"),
        ("strategy=FIXED_AMOUNT&trigger=20&amount=100&daily_limit=250", "at most $250.00 a day."),
        ("strategy=FIXED_AMOUNT&trigger=150&amount=100", "Only $149.88 is available now, so this happens at once."),
        ("strategy=FIXED_AMOUNT&trigger=1,000&amount=１００", "When less than $1,000.00 is available, $100.00"),
    ],
)
def test_the_question_says_what_will_happen(ada: Browser, typed: str, asked: str) -> None:
    assert asked in text_of(ada.see(f"{PAGE}?{typed}"))


def test_the_question_is_silent_about_at_once_when_it_is_not(ada: Browser) -> None:
    assert "so this happens at once" not in ada.see(f"{PAGE}?trigger=149.88&amount=100").text


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"trigger": "", "amount": "100"}, "trigger"),
        ({"trigger": "20", "amount": "a lot"}, "amount"),
        ({"trigger": "20", "amount": "49"}, "amount"),
        ({"trigger": "20", "amount": "100.50"}, "amount"),
        ({"trigger": "120", "amount": "100", "strategy": "TOP_UP_TO"}, "amount"),
        ({"trigger": "20", "amount": "100", "daily_limit": "99"}, "daily_limit"),
        ({"trigger": "20", "amount": "100", "daily_limit": "x"}, "daily_limit"),
    ],
)
def test_what_would_be_refused_is_said_beside_its_field_before_the_question(
    ada: Browser, typed: dict[str, str], field: str
) -> None:
    query = "&".join(f"{name}={value}" for name, value in typed.items())
    answer = ada.see(f"{PAGE}?{query}")

    assert answer.status_code == 422
    assert f'id="{field}-wrong"' in answer.text
    assert f'href="#{field}"' in answer.text
    assert all(f'value="{typed[name]}"' in answer.text for name in ("trigger", "amount"))


def test_switched_on_it_says_so_and_offers_to_switch_it_off(ada: Browser) -> None:
    answer = ada.send(PAGE, **RULE)
    page = ada.see(answer.headers["location"])

    assert answer.status_code == 303
    assert "It is on." in text_of(page)
    assert "$100.00 is charged to Visa" in text_of(page)
    assert "Switch it off" in page.text


def test_switched_off_it_keeps_its_values(ada: Browser) -> None:
    ada.send(
        PAGE,
        **RULE | {"strategy": "TOP_UP_TO", "daily_limit": "400", "method": ada.account.replace("acct", "pm") + "-1"},
    )

    answer = ada.send(f"{PAGE}/off", on=PAGE)
    page = ada.see(answer.headers["location"]).text

    assert "It is off." in page
    assert 'value="TOP_UP_TO" checked' in page
    assert 'value="20.00"' in page
    assert 'value="400.00"' in page
    assert f'value="{ada.account.replace("acct", "pm")}-1" selected' in page


def test_what_was_refused_after_the_question_is_shown_with_what_was_typed(ada: Browser) -> None:
    answer = ada.send(PAGE, **RULE | {"amount": "10"})

    assert answer.status_code == 422
    assert 'id="amount-wrong"' in answer.text
    assert 'value="10"' in answer.text


def test_without_a_way_to_pay_that_comes_first(ada: Browser) -> None:
    methods = "/accounts/{account}/funds/methods"
    ada.send(f"{methods}/{ada.account.replace('acct', 'pm')}-1/remove", on=methods)

    assert "First say how this account pays." in ada.see(PAGE).text


def test_what_it_decided_is_kept_with_its_reason_and_its_recharge(
    ada: Browser, app: Any, sqlite_database: Database
) -> None:
    ada.send(PAGE, **RULE)
    spend(sqlite_database, ada, 2200)
    underway = text_of(ada.see(PAGE))
    work(app)

    page = text_of(ada.see(PAGE))
    rows = list(csv.reader(io.StringIO(ada.see(f"{PAGE}.csv").text.removeprefix("\ufeff"))))
    recharge = ada.account.replace("acct", "rchg") + "-2"

    assert "A recharge of $100.00 is underway." in underway
    assert "is underway" not in page
    assert "$17.88 was left, below $20.00: $100.00 was asked for." in page
    assert f"/funds?done={recharge}" in page
    assert [rows[1][4:], len(rows)] == [["17.88", "20.00", "100.00", "USD", recharge], 2]


def test_a_declined_card_shows_its_next_try_and_in_the_end_that_it_stands_still(
    ada: Browser, olga: Browser, app: Any, sqlite_database: Database
) -> None:
    ada.send("/accounts/{account}/funds/methods", kind="CARD", token="tok_declined", make_default="yes")
    ada.send(PAGE, **RULE | {"trigger": "149.88"})
    spend(sqlite_database, ada, 1)
    work(app)
    waiting = text_of(ada.see(PAGE))
    for _ in range(5):
        ada.send("/accounts/{account}/clock", by="day", back=ada.path(PAGE))
    stopped = text_of(ada.see(PAGE))
    overview, accounts = text_of(ada.see("/accounts/{account}")), text_of(olga.see("/"))
    ada.send(f"{PAGE}/off", on=PAGE)
    off, accounts_then = text_of(ada.see(PAGE)), text_of(olga.see("/"))

    assert "The card was declined." in waiting
    assert "It is tried again" in waiting
    assert "in 1 hour" in waiting
    assert "It stands still since" in stopped
    assert "The card was declined four times." in stopped
    assert "strategy=FIXED_AMOUNT&trigger=149.88&amount=100" in stopped, "the way to start it again"
    assert "paused: The card was declined four times." in overview
    assert "Automatic recharge paused" in accounts
    assert "It is off." in off
    assert "Automatic recharge paused" not in accounts_then


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (RULE, "adds $100.00 when less than $20.00 is left"),
        (RULE | {"strategy": "TOP_UP_TO"}, "fills up to $100.00 when less than $20.00 is left"),
    ],
)
def test_the_overview_says_it_in_a_sentence(ada: Browser, rule: dict[str, str], says: str) -> None:
    before = text_of(ada.see("/accounts/{account}"))
    ada.send(PAGE, **rule)

    assert 'automatic">off</a>' in before
    assert says in text_of(ada.see("/accounts/{account}"))


def test_the_overview_offers_it_where_calls_are_refused(ada: Browser, sqlite_database: Database) -> None:
    spend(sqlite_database, ada, 2498)

    assert "Add funds or turn on automatic recharge." in text_of(ada.see("/accounts/{account}"))


def test_who_may_only_look_sees_it_and_can_change_nothing(vera: Browser) -> None:
    page = vera.see(PAGE).text

    assert "It is off." in page
    assert 'name="trigger"' not in page
    assert vera.send(PAGE, **RULE).status_code == 403
