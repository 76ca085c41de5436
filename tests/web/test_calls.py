"""The pages about calls: what is in progress, what was refused and why, what may be put right, and whether a call may
go."""

import csv
import io
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest

from credits.call_messages import Authorization, CallAnswer, CallReport, Message, Release
from credits.calls import post_calls, record_calls
from credits.decks import RateBook
from credits.ids import public_id, read_id
from credits.instants import HOUR, MINUTE
from db.kinds import UserDialOut
from db.session import Database
from tests.factories import NOW, a_rate, make_deck, make_lot, make_user
from tests.web.conftest import Browser

CALLS = "/accounts/{account}/calls"
BERLIN, PARIS = "+4930123456", "+33142685300"
Say = Callable[..., str]


def text_of(answer: Any) -> str:
    """What a person reads on a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", "", answer.text)).split())


def rows_of(answer: Any) -> list[dict[str, str]]:
    """The rows of a CSV, by their titles."""
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


@pytest.fixture
def say(sqlite_database: Database, account_id: int) -> Say:
    """Lets a switch say something, and gives the address of the call that it is about."""

    def send(message: Message) -> str:
        with sqlite_database.transaction() as session:
            (answer,) = post_calls(session, [message], rates=RateBook(), now=NOW)
        assert isinstance(answer, CallAnswer)
        assert answer.call is not None
        owner = public_id("acct", answer.call.account_id)
        return f"/accounts/{owner}/calls/{public_id('call', answer.call.account_id, answer.call.call_no)}"

    return send


@pytest.fixture
def ask(say: Say, account_id: int) -> Say:
    """Asks for a call, of half an hour to Berlin unless said otherwise, and gives its address."""

    def authorize(call_id: str, to: str = BERLIN, seconds: int = 1_800) -> str:
        return say(Authorization(account_id, call_id, to, seconds))

    return authorize


def report(database: Database, account_id: int, *reports: CallReport) -> None:
    """Record finished calls."""
    with database.transaction() as session:
        record_calls(session, rates=RateBook(), account_id=account_id, reports=reports, now=NOW)


def wait(database: Database, account_id: int, count: int) -> None:
    """Record calls to Paris, which has no rate."""
    calls = [CallReport(f"p{number}", PARIS, NOW - HOUR, 60) for number in range(count)]
    for start in range(0, count, 1_000):
        report(database, account_id, *calls[start : start + 1_000])


@pytest.fixture
def unrated(sqlite_database: Database, account_id: int) -> str:
    """The address of one of two calls that had no rate: one to Paris and one to Madrid."""
    calls = [CallReport("p1", PARIS, NOW - HOUR, 60), CallReport("m1", "+34914000000", NOW - HOUR, 60)]
    report(sqlite_database, account_id, *calls)
    return f"{CALLS}/{public_id('call', account_id, 2)}"


def test_a_call_in_progress_is_listed_with_what_it_may_last_and_holds(ada: Browser, ask: Say) -> None:
    ask("now-1")

    page = text_of(ada.see(CALLS))

    assert "Calls in progress: 1, holding $1.80." in page
    assert "Thursday, October 1, 2026 today" in page
    assert "up to 30:00" in page
    assert "In progress $1.80 held" in page


def test_a_call_that_nobody_has_answered_stands_under_the_day_that_it_was_asked_for(ada: Browser, ask: Say) -> None:
    ada.send("/accounts/{account}/clock", to="2026-10-02T12:00")
    ask("refused", to=PARIS)

    found = ada.see(f"{CALLS}?status=REFUSED&from=2026-10-02&to=2026-10-02")

    assert PARIS in text_of(found)
    assert "Friday, October 2, 2026" in text_of(found)


def test_a_call_in_progress_tells_since_when_and_until_when(ada: Browser, ask: Say) -> None:
    page = text_of(ada.see(ask("now-1")))

    assert "$1.80 held" in page
    assert "In progress: allowed just now, for up to 30 min." in page
    assert "in 35 minutes, if nothing is heard of it" in page
    assert "How this charge came about" not in page


@pytest.mark.parametrize(
    ("to", "says"),
    [
        (PARIS, "no rate for this number. Oct 1"),
        (BERLIN, "not enough credit. Oct 1"),
        ("12", "not a telephone number. Oct 1"),
    ],
)
def test_a_refused_call_says_why_and_what_to_do(ada: Browser, ask: Say, to: str, says: str) -> None:
    ask("all", seconds=2_000_000)

    page = text_of(ada.see(ask("refused", to=to)))

    assert f"Refused: {says}" in page
    assert "Why it was refused" in page


def test_what_to_do_is_what_the_reader_may_do(ada: Browser, vera: Browser, ask: Say) -> None:
    ask("all", seconds=2_000_000)
    refused = ask("refused")

    for_ada, for_vera = ada.see(refused).text, text_of(vera.see(refused))

    assert f'<a href="{ada.path("/accounts/{account}/funds")}">Add funds</a>' in for_ada
    assert f'<a href="{ada.path("/accounts/{account}/funds/automatic")}">turn on automatic recharge</a>' in for_ada
    assert "Ask one of the account's administrators to add funds." in for_vera
    assert "/funds/automatic" not in vera.see(refused).text


def test_calls_that_came_to_nothing_are_listed_with_their_state(
    ada: Browser, ask: Say, say: Say, account_id: int
) -> None:
    ask("lost")
    ask("busy")
    say(Release(account_id, "busy"))
    ada.send("/accounts/{account}/clock", to="2026-10-02T12:00")

    page = text_of(ada.see(CALLS))

    assert "Never settled" in page
    assert "Not connected" in page
    assert "Calls in progress" not in page


def test_the_csv_has_what_was_asked_granted_and_held(ada: Browser, ask: Say) -> None:
    ask("now-1")

    asked, charged = rows_of(ada.see(f"{CALLS}.csv"))

    assert (asked["Answered"], asked["Asked for"], asked["State"]) == ("", "2026-10-01T12:00:00Z", "In progress")
    assert (asked["Seconds granted"], asked["Held"], asked["Seconds"]) == ("1800", "1.80", "")
    assert (charged["State"], charged["Held"], charged["Seconds paid by a plan"]) == ("Charged", "", "0")


def test_a_charge_is_taken_back_after_it_was_asked_once_more(ada: Browser) -> None:
    call = f"{CALLS}/{{call}}"
    assert "Take this charge back" in text_of(ada.see(call))
    question = text_of(ada.see(f"{call}/reversal"))
    assert "Take back the $0.12 that this call cost? The money returns to the lots that paid it;" in question

    answer = ada.send(f"{call}/reversal", reason="Wrong route")

    assert (answer.status_code, answer.headers["location"]) == (303, ada.path(f"{call}?done=reversal"))
    page = text_of(ada.see(f"{call}?done=reversal"))
    assert "The charge was taken back. Available is now $150.00." in page
    assert "Charge taken back: call to +4930123456 (Wrong route) just now+0.12" in page
    assert "Take this charge back" not in page
    assert "Charge taken back" in text_of(ada.see(CALLS))


def test_without_a_reason_no_charge_is_taken_back(ada: Browser) -> None:
    answer = ada.send(f"{CALLS}/{{call}}/reversal", reason=" ")

    assert answer.status_code == 422
    assert "Say why: it stands in the ledger." in answer.text
    assert "$149.88" in text_of(ada.see(CALLS))


def test_a_charge_that_was_taken_back_is_not_asked_about_again_and_moves_nothing_more(ada: Browser) -> None:
    call = f"{CALLS}/{{call}}"
    page = ada.see(f"{call}/reversal").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    typed = {"csrf_token": token, "reason": "Wrong route"}

    answers = [ada.client.post(ada.path(f"{call}/reversal"), data=typed).status_code for _ in range(2)]

    assert answers == [303, 303]
    assert "$150.00" in text_of(ada.see(CALLS))
    assert ada.see(f"{call}/reversal").headers["location"] == ada.path(call)


def test_in_a_live_account_only_the_operator_takes_a_charge_back(
    ada: Browser, olga: Browser, sqlite_database: Database, account_id: int
) -> None:
    with sqlite_database.transaction() as session:
        session.execute("UPDATE account SET mode = 'LIVE', clock_at = NULL WHERE account_id = ?", account_id)
    call = f"{CALLS}/{{call}}"

    assert "Take this charge back" not in ada.see(call).text
    assert ada.see(f"{call}/reversal").status_code == 303
    assert "Take this charge back" in olga.see(call).text


def test_whoever_may_only_look_puts_nothing_right(vera: Browser, ask: Say, unrated: str) -> None:
    in_progress = ask("now-1")

    pages = [vera.see(path).text for path in (f"{CALLS}/{{call}}", in_progress, unrated, CALLS)]

    assert not [page for page in pages if "Take this charge back" in page or "Rate " in page or "Give back" in page]
    assert vera.see(f"{CALLS}/rating").status_code == 403
    assert vera.send(f"{CALLS}/{{call}}/reversal", on=CALLS, reason="Mine").status_code == 403


def test_a_call_in_progress_gives_back_what_it_holds(ada: Browser, ask: Say) -> None:
    call = ask("now-1")
    assert "Give back the $1.80 that this call holds?" in text_of(ada.see(f"{call}/release"))

    answer = ada.send(f"{call}/release")

    assert answer.headers["location"] == f"{call}?done=release"
    page = text_of(ada.see(answer.headers["location"]))
    assert "What it held was given back. Available is now $149.88." in page
    assert "Not connected" in page


def test_calls_without_a_rate_are_told_of_and_rated_when_there_is_one(
    ada: Browser, sqlite_database: Database, unrated: str
) -> None:
    assert "Calls without a rate: 2. They were made, and have cost nothing so far." in text_of(ada.see(CALLS))
    assert "Price these calls (2)" in text_of(ada.see(f"{CALLS}/rating"))
    too_early = text_of(ada.send(f"{CALLS}/rating"))
    make_deck(sqlite_database, a_rate("33", "0.05"), effective_from=1)

    answer = text_of(ada.send(f"{CALLS}/rating"))

    assert "Calls that have a rate now" not in too_early
    assert "Calls that still have none: 2." in too_early
    assert "Calls that have a rate now: 1. They were charged $0.05 in all." in answer
    assert "Calls that still have none: 1." in answer
    assert "Available $149.83" in answer


def test_however_many_calls_wait_each_is_tried(ada: Browser, sqlite_database: Database, account_id: int) -> None:
    newer = [CallReport(f"p{number}", PARIS, NOW - HOUR, 60) for number in range(205)]
    report(sqlite_database, account_id, *newer, CallReport("m1", "+34914000000", NOW - 2 * HOUR, 60))
    make_deck(sqlite_database, a_rate("34", "0.05"), effective_from=1)

    answer = text_of(ada.send(f"{CALLS}/rating"))

    assert "Calls that have a rate now: 1. They were charged $0.05 in all." in answer
    assert "Calls that still have none: 205." in answer


def go_on(browser: Browser, answer: Any) -> str:
    """Send the form that offers to go on with the calls that wait."""
    fields = dict(re.findall(r'<input type="hidden" name="(csrf_token|after)" value="([^"]+)"', answer.text))
    return text_of(browser.client.post(browser.path(f"{CALLS}/rating"), data=fields))


def test_more_calls_than_one_go_takes_are_rated_in_a_second(
    ada: Browser, sqlite_database: Database, account_id: int
) -> None:
    wait(sqlite_database, account_id, 1_003)
    make_deck(sqlite_database, a_rate("33", "0.001"), effective_from=1)

    asked = text_of(ada.see(f"{CALLS}/rating"))
    first = ada.send(f"{CALLS}/rating")
    second = go_on(ada, first)
    again = go_on(ada, first)

    assert "Price these calls (1,003)" in asked
    assert "Up to 1,000 are tried in one go." in asked
    assert "Calls that have a rate now: 1,000. They were charged $1.00 in all." in text_of(first)
    assert "Calls that are left: 3." in text_of(first)
    assert "Calls that have a rate now: 3. They were charged $0.003 in all." in second
    assert "Calls that are left" not in second
    assert "Calls that have a rate now" not in again
    assert "Available $148.877" in again


def test_those_behind_a_thousand_that_still_have_no_rate_are_tried_by_going_on(
    ada: Browser, sqlite_database: Database, account_id: int
) -> None:
    wait(sqlite_database, account_id, 1_000)
    report(sqlite_database, account_id, CallReport("m1", "+34914000000", NOW - 2 * HOUR, 60))
    make_deck(sqlite_database, a_rate("34", "0.05"), effective_from=1)

    first = ada.send(f"{CALLS}/rating")
    second = go_on(ada, first)

    assert "None of the calls that were tried has a rate by now. Calls that are left: 1,001." in text_of(first)
    assert "Calls that have a rate now: 1. They were charged $0.05 in all." in second
    assert "Calls that still have none: 1,000." in second


@pytest.mark.parametrize(
    ("prefix", "says"),
    [("33", "It has a rate now, and was charged $0.05."), ("44", "There is still no rate for it")],
)
def test_one_call_without_a_rate_is_rated_from_its_own_page(
    ada: Browser, sqlite_database: Database, unrated: str, prefix: str, says: str
) -> None:
    make_deck(sqlite_database, a_rate(prefix, "0.05"), effective_from=1)
    assert "Made, but not priced: no rate for this number." in text_of(ada.see(unrated))
    assert "Price this call by the rate that counts" in text_of(ada.see(f"{unrated}/rating"))

    answer = ada.send(f"{unrated}/rating")

    assert says in text_of(ada.see(answer.headers["location"]))


def test_what_the_rules_refuse_is_said_where_it_was_asked(
    ada: Browser, sqlite_database: Database, unrated: str, account_id: int
) -> None:
    page = ada.see(CALLS).text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    with sqlite_database.transaction() as session:
        session.execute("UPDATE account SET status = 'CLOSED' WHERE account_id = ?", account_id)
    typed = {"csrf_token": token, "reason": "Wrong route"}

    answers = [
        ada.client.post(ada.path(path), data=typed)
        for path in (f"{CALLS}/rating", f"{unrated}/rating", f"{CALLS}/{{call}}/reversal")
    ]

    assert [answer.status_code for answer in answers] == [422, 422, 422]
    assert all("This could not be done." in answer.text for answer in answers)
    assert "Rate it now" not in ada.see(unrated).text


@pytest.mark.parametrize("correction", ["nonsense", "check"])
def test_what_cannot_be_done_to_a_call_is_not_there(ada: Browser, correction: str) -> None:
    assert ada.send(f"{CALLS}/{{call}}/{correction}", on=CALLS).status_code == 404


def test_a_call_is_not_shown_under_another_account(olga: Browser) -> None:
    assert olga.see("/accounts/{other}/calls/{call}").status_code == 404


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("to=030 123456&minutes=30", "No: not a telephone number. Dial it with + and the country code"),
        ("to=%2B4930123456&minutes=30", "Yes, for all of the 30 min. $1.80 for 30 min"),
        ("to=%2B4930123456&minutes=1440", "Yes, for all of the 24 hr. $86.40"),
        ("to=%2B4915123456&minutes=1440", "Yes, but only for 20 hr 49 min: not enough credit. Add funds"),
        ("to=%2B33142685300", "No: no rate for this number. The price list has no rate for it;"),
        ("to=911", "Yes, for all of the 10 min. $0.00"),
        ("to=%2B4930123456&caller=%2B12125550100", "Yes, for all of the 10 min."),
    ],
)
def test_a_call_may_go_or_not_and_the_page_says_for_how_long(ada: Browser, asked: str, says: str) -> None:
    page = text_of(ada.see(f"{CALLS}/check?{asked}"))

    assert says in page
    assert "How this is decided" in page


def test_what_is_held_by_other_calls_is_told_where_it_stands_in_the_way(ada: Browser, ask: Say) -> None:
    ask("all", seconds=2_000_000)

    page = text_of(ada.see(f"{CALLS}/check?to=%2B4930123456"))

    assert "No: not enough credit." in page
    assert "Calls in progress hold $149.88; what they do not use comes back when they end. Add funds" in page


def test_an_account_that_is_not_active_says_who_can_change_that(
    ada: Browser, sqlite_database: Database, account_id: int
) -> None:
    with sqlite_database.transaction() as session:
        session.execute("UPDATE account SET status = 'SUSPENDED' WHERE account_id = ?", account_id)

    page = text_of(ada.see(f"{CALLS}/check?to=%2B4930123456"))

    assert "No: the account is not active. Only the operator can make the account active again." in page


def test_the_overview_tells_calmly_what_calls_in_progress_hold(ada: Browser, ask: Say) -> None:
    assert "in progress" not in text_of(ada.see("/accounts/{account}"))
    ask("now-1")
    one = text_of(ada.see("/accounts/{account}"))
    ask("now-2")

    two = text_of(ada.see("/accounts/{account}"))

    assert "Available $148.08 $1.80 more is held for 1 call in progress; what it does not need comes back." in one
    assert "Available $146.28 $3.60 more is held for 2 calls in progress;" in two
    assert "Calls are allowed." in two


def test_calls_that_hold_nothing_are_counted_all_the_same(ada: Browser, ask: Say) -> None:
    ask("help", to="911")

    page = text_of(ada.see("/accounts/{account}"))

    assert "Available $149.88 1 call in progress" in page
    assert "is held for" not in page


def test_the_overview_says_when_calls_in_progress_hold_all_that_is_left(
    ada: Browser, sqlite_database: Database, ask: Say, account_id: int
) -> None:
    ask("all", seconds=2_000_000)

    page = text_of(ada.see("/accounts/{account}"))

    assert "Available $0.00 $149.88 more is held for 1 call in progress" in page
    assert "New calls that need credit are refused: calls in progress hold all that is left." in page
    make_lot(sqlite_database, account_id, 5)
    assert "Calls are allowed." in text_of(ada.see("/accounts/{account}"))


def test_how_long_the_balance_lasts_does_not_drop_with_every_call_that_begins(ada: Browser, ask: Say) -> None:
    lasts = re.compile(r"this lasts about [^.]+\.")
    before = lasts.search(text_of(ada.see("/accounts/{account}")))

    ask("long", seconds=100_000)

    after = lasts.search(text_of(ada.see("/accounts/{account}")))
    assert before is not None
    assert after is not None
    assert before[0] == after[0]


@pytest.fixture
def ann(sqlite_database: Database, account_id: int) -> int:
    """Ann, who may call on credit; beside her Anna, whom the dial-out policy lets call nobody, and Bo without a
    licence."""
    ann = make_user(sqlite_database, account_id, "MCOPSTNPAYG", "MCOPSTNPP", name="Ann Lee", user_name="ann@contoso")
    policy = {"user_dial_out": UserDialOut.NONE}
    make_user(sqlite_database, account_id, "MCOPSTN1", name="Anna Day", user_name="anna@contoso", **policy)
    make_user(sqlite_database, account_id, name="Bo", user_name="bo@contoso")
    return ann


@pytest.mark.parametrize(
    ("user", "says"),
    [
        ("ann@contoso", "Yes, for all of the 10 min."),
        ("ANN LEE", "Yes, for all of the 10 min."),
        ("anna", "No: the user's dial-out policy. An administrator can change the dial-out policy"),
        ("Bo", "No: the user has no licence for it. An administrator can give the user a licence that allows it."),
        ("ann", "Several users are like that, such as Ann Lee (ann@contoso), Anna Day (anna@contoso)."),
        ("Cy", "No user is like that."),
        ("", "Yes, for all of the 10 min."),
    ],
)
def test_whether_a_users_call_may_go(ada: Browser, ann: int, user: str, says: str) -> None:
    page = ada.see(f"{CALLS}/check?to=%2B4930123456&user={user}")

    assert says in text_of(page)
    assert f'value="{user}"' in page.text


def test_the_next_step_leads_to_the_user(ada: Browser, ann: int, account_id: int) -> None:
    page = ada.see(f"{CALLS}/check?to=%2B4930123456&user=bo@contoso").text

    assert f'/users/{public_id("user", account_id, ann + 2)}">See the licences</a>' in page


def test_without_users_nobody_is_asked_for_one(olga: Browser) -> None:
    assert 'name="user"' not in olga.see("/accounts/{other}/calls/check").text


def test_a_call_tells_which_user_made_it(ada: Browser, sqlite_database: Database, ann: int, account_id: int) -> None:
    report(sqlite_database, account_id, CallReport("by-ann", BERLIN, NOW - MINUTE, 60, user_no=ann))

    listed, row = text_of(ada.see(CALLS)), rows_of(ada.see(f"{CALLS}.csv"))[0]
    call = ada.see(f"{CALLS}/{public_id('call', account_id, 2)}").text

    assert "+4930123456 Germany Ann Lee 1:00" in listed
    assert (row["User"], row["User name"]) == ("Ann Lee", "ann@contoso")
    assert f'/users/{public_id("user", account_id, ann)}">Ann Lee</a>' in call


def test_what_a_plan_paid_is_told_and_can_be_given_back(
    ada: Browser, sqlite_database: Database, account_id: int
) -> None:
    user = make_user(sqlite_database, account_id, "MCOPSTN2", name="Ann Lee", user_name="ann@contoso")
    report(sqlite_database, account_id, CallReport("by-plan", BERLIN, NOW - MINUTE, 90, user_no=user))
    call = f"{CALLS}/{public_id('call', account_id, 2)}"
    assert "Paid by a plan" in text_of(ada.see(CALLS))
    assert "Give its plan back the 1:30 that paid for this call?" in text_of(ada.see(f"{call}/reversal"))

    answer = ada.send(f"{call}/reversal", reason="Wrong route")

    page = text_of(ada.see(answer.headers["location"]))
    assert "The minutes were given back." in page
    assert "In the ledger" not in page


def test_minutes_that_a_call_in_progress_holds_are_shown(ada: Browser, say: Say, sqlite_database: Database) -> None:
    account_id = read_id("acct", ada.account)[0]
    user = make_user(sqlite_database, account_id, "MCOPSTN2", name="Ann Lee", user_name="ann@contoso")
    call = say(Authorization(account_id, "now-1", BERLIN, 1_800, user_no=user))

    assert "In progress 30 min held" in text_of(ada.see(CALLS))
    assert "30 of a plan" in text_of(ada.see(call))
    assert "Give back the 30 minutes of a plan that this call holds?" in text_of(ada.see(f"{call}/release"))
