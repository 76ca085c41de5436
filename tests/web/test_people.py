"""The pages about people: users, their licences and policies, the minutes of a month, and the catalogue of plans."""

import csv
import io
import itertools
import re
from html import unescape
from typing import Any

import pytest

from credits.call_messages import CallReport
from credits.calls import record_calls
from credits.catalogue import update_plan
from credits.decks import RateBook
from credits.plans import catalogue_of
from credits.users import UserValues
from db.kinds import ConferenceDialOut, UserDialOut
from db.session import Database
from tests.factories import NOW, make_user, micros
from tests.web.conftest import Browser

USERS = "/accounts/{account}/users"
MIA = "/accounts/{account}/users/{user}"
POOLS = "/accounts/{account}/pools"
PLANS = "/accounts/{account}/plans"
KNOWN = {"name": "Mia Chen", "user_name": "mia@contoso.example", "country": "US"}
CALLING, CONFERENCES, CREDITS = "plan-calling-plan", "plan-audio-conferencing", "plan-communications-credits"


def ids(browser: Browser) -> list[str]:
    """The ids of the account's two users, Mia and Noah."""
    return [browser.account.replace("acct", "user") + f"-{number}" for number in (1, 2)]


def tick(browser: Browser, *, on: str = USERS, **typed: Any) -> Any:
    """Send the form that changes the licences of several, where a name may stand several times."""
    token = browser.see(on).text.split('name="csrf_token" value="')[1].split('"')[0]
    return browser.client.post(browser.path(on), data={"csrf_token": token, **typed})


def rows(browser: Browser, path: str) -> list[dict[str, str]]:
    """A list as CSV, without what has no use here."""
    return list(csv.DictReader(io.StringIO(browser.see(path).text.removeprefix("\ufeff"))))


def licences(browser: Browser) -> dict[str, str]:
    """Each user's licences, by name."""
    return {row["Name"]: row["Licences"] for row in rows(browser, "/accounts/{account}/users.csv")}


def text(answer: Any) -> str:
    """What a person reads on a page."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.text)))


# ---- the list, and licences for many ----


def test_the_list_tells_of_each_user(ada: Browser) -> None:
    page = text(ada.see(USERS))

    assert "Mia Chen mia@contoso.example Sales United States" in page
    assert "Domestic Calling Plan (120 minutes) Communications Credits 0 .00 20 .00" in page
    assert "Noah <b> noah Japan Domestic Calling Plan (120 minutes per user)" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [("search=sales", ["Mia Chen"]), ("plan=MCOPSTN8", ["Noah <b>"]), ("search=nobody", []), ("plan=NONE", [])],
)
def test_the_list_is_narrowed_by_its_address_and_so_is_its_csv(ada: Browser, query: str, found: list[str]) -> None:
    assert [row["Name"] for row in rows(ada, f"/accounts/{{account}}/users.csv?{query}")] == found
    assert ("No user is like that." in text(ada.see(f"{USERS}?{query}"))) == (not found)


def test_licences_of_those_who_are_ticked_change_at_once(ada: Browser) -> None:
    answer = tick(ada, user=ids(ada), change="ADD", **{CALLING: "MCOPSTN6", CONFERENCES: "MCOMEETADD"})
    page = ada.client.get(answer.headers["location"])

    assert answer.status_code == 303
    assert "Licences of 2 users changed." in text(page)
    assert licences(ada) == {"Mia Chen": "MCOPSTN6 MCOMEETADD MCOPSTNPP", "Noah <b>": "MCOPSTN6 MCOMEETADD"}


def test_everyone_on_the_page_means_those_that_it_lists(ada: Browser) -> None:
    answer = tick(ada, on=f"{USERS}?search=mia", everyone="yes", listed=ids(ada)[0], change="REMOVE",
                  **{CREDITS: "MCOPSTNPP"})  # fmt: skip

    assert answer.headers["location"] == ada.path("/accounts/{account}/users?search=mia&assigned=1")
    assert "Licences of 1 user changed." in text(ada.client.get(answer.headers["location"]))
    assert licences(ada) == {"Mia Chen": "MCOPSTN5", "Noah <b>": "MCOPSTN8"}


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({CALLING: "MCOPSTN6"}, "Tick the users first, or everyone on this page."),
        ({"user": "MIA", CALLING: ""}, "Choose the licences."),
        ({"user": "user_1-1", CALLING: "MCOPSTN6"}, "There is no such thing."),
        ({"user": "MIA", CALLING: "NOPLAN"}, "There is no plan NOPLAN."),
    ],
)
def test_what_cannot_be_assigned_is_explained_and_what_was_chosen_stays(
    ada: Browser, typed: dict[str, str], says: str
) -> None:
    chosen = {name: ids(ada)[0] if value == "MIA" else value for name, value in typed.items()}

    answer = tick(ada, on=f"{USERS}?search=mia", change="REPLACE", **chosen)

    assert answer.status_code == 422
    assert says in text(answer)
    assert "noah" not in answer.text
    assert '<option value="REPLACE" selected>' in answer.text
    if "MIA" in typed.values():
        assert f'value="{ids(ada)[0]}" form="licences" aria-label="Mia Chen" checked' in answer.text
    if typed.get(CALLING) == "MCOPSTN6":
        assert 'value="MCOPSTN6" checked' in answer.text
    assert licences(ada) == {"Mia Chen": "MCOPSTN5 MCOPSTNPP", "Noah <b>": "MCOPSTN8"}


def test_the_accounts_policies_are_set_beside_its_users(ada: Browser) -> None:
    answer = ada.send(f"{USERS}/policies", on=USERS, user_policy="DOMESTIC", conference_policy="ZONE_A")

    assert answer.headers["location"] == ada.path("/accounts/{account}/users?saved=yes")
    page = ada.see(MIA)
    assert "May call Domestic only as the account Conferences may dial Zone A only as the account" in text(page)


def test_whoever_only_looks_is_offered_no_change(vera: Browser) -> None:
    pages = [vera.see(path).text for path in (USERS, MIA, POOLS, PLANS)]

    assert not any('name="user"' in page or "/users/new" in page or "plan-calling-plan" in page for page in pages)
    assert "Users may call International and domestic" in text(vera.see(USERS))
    assert vera.see(f"{USERS}/new").status_code == 403
    assert vera.see(f"{USERS}/import").status_code == 403


def test_an_account_without_users_says_what_to_do_first(olga: Browser) -> None:
    page = text(olga.see("/accounts/{other}/users"))

    assert "No users yet." in page
    assert "Add a user" in page


# ---- one user ----


def test_a_user_is_entered_with_its_licences(ada: Browser) -> None:
    answer = ada.send(
        f"{USERS}/new", name="Lena Vogt", user_name="lena@contoso.example", country="DE", department="Berlin",
        monthly_limit="1,250.50", user_policy="DOMESTIC", **{CALLING: "MCOPSTN6", CREDITS: "MCOPSTNPP"},
    )  # fmt: skip
    page = text(ada.client.get(answer.headers["location"]))

    assert answer.status_code == 303
    assert "Lena Vogt was added." in page
    assert "of at most $1,250 .50 a month" in page
    assert "May call Domestic only Conferences" in page
    assert "Domestic: 240 of 240 minutes left this month" in page
    assert licences(ada)["Lena Vogt"] == "MCOPSTN6 MCOPSTNPP"


@pytest.mark.parametrize(
    ("typed", "field", "says"),
    [
        ({"name": ""}, "name", "A name has 1 to 200 characters."),
        (
            {"user_name": "MIA@contoso.example"},
            "user_name",
            "Another user goes by the name MIA@contoso.example already.",
        ),
        ({"monthly_limit": "much"}, "monthly_limit", "Type an amount, such as 50 or 1,250.00."),
        ({"monthly_limit": "-5"}, "monthly_limit", "An amount cannot be negative."),
        ({"country": "XX"}, "country", "XX is not a country code"),
        ({CALLING: "NOPLAN"}, "plans", "There is no plan NOPLAN."),
    ],
)
def test_a_user_that_is_refused_keeps_what_was_typed(
    ada: Browser, typed: dict[str, str], field: str, says: str
) -> None:
    usual = {"name": "Lena", "user_name": "lena", "country": "DE", "department": "Berlin", CREDITS: "MCOPSTNPP"}

    answer = ada.send(f"{USERS}/new", **{**usual, **typed})

    assert answer.status_code == 422
    assert says in text(answer)
    assert f'href="#{field}"' in answer.text
    assert 'value="Berlin"' in answer.text
    assert 'value="MCOPSTNPP" checked' in answer.text
    assert len(licences(ada)) == 2


def test_what_is_emptied_is_taken_away(ada: Browser) -> None:
    answer = ada.send(MIA, **KNOWN, department="", monthly_limit="", user_policy="NONE", conference_policy="")

    assert answer.headers["location"] == ada.path(f"{MIA}?saved=known")
    (mia,) = rows(ada, "/accounts/{account}/users.csv?search=mia")
    assert (mia["Department"], mia["Monthly limit"], mia["May call"]) == ("", "", "Nobody")


def test_a_change_that_is_refused_keeps_what_was_typed(ada: Browser) -> None:
    answer = ada.send(MIA, **{**KNOWN, "user_name": "noah", "department": "Law"})

    assert answer.status_code == 422
    assert "Another user goes by the name noah already." in text(answer)
    assert 'value="Law"' in answer.text


def test_the_licences_of_one_user_are_set_as_a_whole(ada: Browser) -> None:
    answer = ada.send(f"{MIA}/licenses", on=MIA, **{CALLING: "", CONFERENCES: "MCOMEETADD"})
    page = text(ada.client.get(answer.headers["location"]))

    assert "The licences of Mia Chen are changed." in page
    assert "Conference dial-out: 60 of 60 minutes left this month" in page
    assert licences(ada)["Mia Chen"] == "MCOMEETADD"


def test_licences_that_are_refused_stay_chosen(ada: Browser) -> None:
    answer = ada.send(f"{MIA}/licenses", on=MIA, **{CALLING: "NOPLAN", CONFERENCES: "MCOMEETADD"})

    assert answer.status_code == 422
    assert 'value="MCOMEETADD" checked' in answer.text


def test_a_removed_user_is_gone_from_the_list_and_can_still_be_read_about(ada: Browser) -> None:
    answer = ada.send(f"{MIA}/remove", on=MIA)
    page = ada.client.get(answer.headers["location"])

    assert "The calls stay on record." in text(page)
    assert f"{MIA}/remove".format(account=ada.account, user=ids(ada)[0]) not in page.text
    assert list(licences(ada)) == ["Noah <b>"]
    again = tick(ada, on=USERS, user=ids(ada)[0], change="ADD", **{CREDITS: "MCOPSTNPP"})
    assert again.status_code == 422


def test_a_user_of_another_account_is_not_shown(ada: Browser, sqlite_database: Database) -> None:
    stranger = ids(ada)[0].replace(ada.account.removeprefix("acct_"), ada.other.removeprefix("acct_"))

    assert ada.see(f"{USERS}/{stranger}").status_code == 404
    assert ada.see(f"{USERS}/{ada.account}").status_code == 404


# ---- from a file ----


def hand_in(browser: Browser, content: str | bytes, account: str = "account") -> Any:
    """Hand in a file of users, to the other account where that is said."""
    packed = content.encode() if isinstance(content, str) else content
    return browser.send(f"/accounts/{{{account}}}/users/import", files={"file": ("users.csv", packed, "text/csv")})


def test_users_are_entered_from_a_file_and_bad_rows_are_told(ada: Browser) -> None:
    answer = hand_in(
        ada,
        "Display name;User principal name;Usage location;Department;Monthly limit;Licenses\n"
        "Lena Vogt;lena@contoso.example;Germany;Berlin;12,50;MCOPSTN6 MCOPSTNPP\n"
        "Mia Again;MIA@contoso.example;US;;;\n"
        "Ken;ken;JP;;lots;\n"
        "Kim;kim;Korea, South;;;\n"
        "Ana;ana;BR;;5;MCOPSTN6,MCOPSTN5\n",
    )
    page = text(answer)

    assert answer.status_code == 200
    assert "Users entered: 1. There already, and left as they are: 1. Rows that could not be taken: 3." in page
    assert "Another user goes by the name MIA@contoso.example already." in page
    assert "lots is not an amount." in page
    assert "exclude each other" in page
    (lena,) = rows(ada, "/accounts/{account}/users.csv?search=lena")
    assert (lena["Country code"], lena["Monthly limit"], lena["Licences"]) == ("DE", "12.50", "MCOPSTN6 MCOPSTNPP")


def test_our_own_list_is_such_a_file_in_either_language(ada: Browser) -> None:
    for language in ("en", "ja"):
        listed = ada.see("/accounts/{account}/users.csv", **{"Accept-Language": language}).text

        answer = hand_in(ada, listed.replace("mia@", f"mia-{language}@").replace(",noah,", f",noah-{language},"))

        assert "Users entered: 2." in text(answer), language
    assert len(licences(ada)) == 2  # by name: they are called the same
    assert len(rows(ada, "/accounts/{account}/users.csv")) == 6


def test_a_list_of_users_who_are_all_there_already_is_no_cause_for_alarm(ada: Browser) -> None:
    before = rows(ada, "/accounts/{account}/users.csv")

    answer = hand_in(ada, ada.see("/accounts/{account}/users.csv").text)

    assert "Users entered: 0. There already, and left as they are: 2." in text(answer)
    assert "could not be taken" not in answer.text
    assert "amber" not in answer.text
    assert rows(ada, "/accounts/{account}/users.csv") == before


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_list_of_one_account_enters_the_same_users_in_another(
    olga: Browser, sqlite_database: Database, account_id: int, language: str
) -> None:
    limits = itertools.cycle([None, 0, micros("1.234"), micros(1_250)])
    odd = ["#1 in the hall", "=1+1", "+4930", '"Kim; Korea", desk\'s']
    names = itertools.chain(odd, map(str, itertools.count()))
    for conferences, calls in itertools.product([None, *ConferenceDialOut], [None, *UserDialOut]):
        make_user(
            sqlite_database, account_id, "MCOPSTN8", name=next(names), monthly_limit_micros=next(limits),
            conference_dial_out=conferences, user_dial_out=calls,
        )  # fmt: skip
    listed = olga.see("/accounts/{account}/users.csv", **{"Accept-Language": language}).text

    answer = hand_in(olga, listed, "other")

    assert "Users entered: 22." in text(answer)
    with sqlite_database.reading() as session:
        known = f"SELECT {', '.join(UserValues.__annotations__)} FROM phone_user WHERE account_id {{}} ? ORDER BY name"
        assert session.rows(known.format("<>"), account_id) == session.rows(known.format("="), account_id)
    first, second = (rows(olga, f"/accounts/{{{each}}}/users.csv") for each in ("account", "other"))
    assert [row["Licences"] for row in first] == [row["Licences"] for row in second]


def test_a_policy_is_known_by_its_words_and_by_its_name_in_the_api(ada: Browser) -> None:
    hand_in(
        ada,
        "name,user name,country,May call,Conferences may dial\n"
        "A,a,US,DOMESTIC,zone_a\nB,b,US,国内のみ,Nobody\nC,c,US,,as the account\n",
    )

    found = {row["Name"]: row for row in rows(ada, "/accounts/{account}/users.csv")}
    assert [(found[name]["May call"], found[name]["Conferences may dial"]) for name in "ABC"] == [
        ("Domestic only", "Zone A only"), ("Domestic only", "Nobody"), ("as the account", "as the account"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("May call", "Zone A only", "Zone A only is not a dial-out policy."),
        ("Conferences may dial", "everybody", "everybody is not a dial-out policy."),
        ("Monthly limit", "-1", "An amount cannot be negative."),
        ("Monthly limit", "€5", "€ is not the currency of this account, USD."),
        ("Monthly limit,Currency", "5,EUR", "EUR is not the currency of this account, USD."),
        ("Licences", "NOPLAN", "There is no plan NOPLAN."),
    ],
)
def test_a_value_that_can_never_be_right_is_told_with_its_row(ada: Browser, column: str, value: str, says: str) -> None:
    answer = hand_in(ada, f"name,user name,country,{column}\nA,a,US,{value}\nB,b,US\n")

    assert "Users entered: 1. Rows that could not be taken: 1." in text(answer)
    assert f"2 A,a,US,{value} {says}" in text(answer)


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", b"PK\x03\x04 no archive"])
def test_what_is_no_list_of_users_is_refused_whole(ada: Browser, content: str | bytes) -> None:
    answer = hand_in(ada, content)

    assert answer.status_code == 422
    assert 'href="#file"' in answer.text
    assert len(licences(ada)) == 2


# ---- minutes ----


def test_the_bars_of_a_month_tell_what_is_used_and_left(
    ada: Browser, sqlite_database: Database, account_id: int
) -> None:
    reports = [
        CallReport("p1", "+12125550123", NOW, 97 * 60, user_no=1),
        CallReport("p2", "+81312345678", NOW, 130 * 60, user_no=2),
    ]
    with sqlite_database.transaction() as session:
        record_calls(session, rates=RateBook(), account_id=account_id, reports=reports, now=NOW)

    page = ada.see(POOLS)

    assert 'aria-label="97 of 120 minutes used, 0 promised"' in page.text
    assert "Domestic Calling Plan (120 minutes) 80 % used 1 licence" in text(page)
    assert "Noah <b> Used up Domestic Calling Plan (120 minutes per user) Domestic Japan" in text(page)
    assert 'class="bar pool gone"' in page.text


def test_months_lead_from_one_to_the_next_and_end_with_the_present_one(ada: Browser) -> None:
    present, before = ada.see(POOLS).text, ada.see(f"{POOLS}?month=2026-09").text

    assert ada.path('href="/accounts/{account}/pools?month=2026-09"') in present
    assert 'rel="next"' not in present
    assert ada.path('rel="next" href="/accounts/{account}/pools"') in before
    assert "September 2026" in text(ada.see(f"{POOLS}?month=2026-09"))


@pytest.mark.parametrize("month", ["nonsense", "2026-13", "2026-9"])
def test_what_is_no_month_shows_the_present_one(ada: Browser, month: str) -> None:
    assert "October 2026" in text(ada.see(f"{POOLS}?month={month}"))


def test_a_month_to_come_says_that_it_has_not_begun(ada: Browser) -> None:
    answer = ada.see(f"{POOLS}?month=2026-11")

    assert answer.status_code == 422
    assert "This month has not begun." in text(answer)


def test_users_own_minutes_are_searched_and_paged(ada: Browser, sqlite_database: Database, account_id: int) -> None:
    for number in range(60):
        make_user(sqlite_database, account_id, "MCOPSTN8", name=f"User {number:02}")

    first = ada.see(POOLS).text
    (following,) = re.findall(r'rel="next" href="([^"]+after[^"]+)"', first)
    rest = ada.client.get(unescape(following)).text

    assert ("User 48" in first, "User 59" in first) == (True, False)
    assert ("User 48" in rest, "User 59" in rest) == (False, True)
    assert "No user is like that." in text(ada.see(f"{POOLS}?search=nobody"))
    assert len(rows(ada, "/accounts/{account}/pools.csv")) == 62


def test_without_licences_the_page_says_what_gives_minutes(olga: Browser) -> None:
    assert "No licence gives minutes yet." in text(olga.see("/accounts/{other}/pools"))


# ---- plans ----


def plans_of(database: Database) -> dict[str, Any]:
    """The catalogue, by code."""
    with database.reading() as session:
        return {plan.code: plan for plan in catalogue_of(session).plans.values()}


def test_the_plans_are_told_in_the_readers_language_unless_the_operator_named_them(
    ada: Browser, sqlite_database: Database
) -> None:
    with sqlite_database.transaction() as session:
        update_plan(session, plan_id=2, name="Around the world")

    page = text(ada.see(PLANS, **{"Accept-Language": "ja"}))

    assert "国内通話プラン 国内 3,000 分: アメリカ合衆国、カナダ、プエルトリコ MCOPSTN1 1,200" in page
    assert "Around the world" in page
    assert "プエルトリコ、ベルギー" in page


def test_the_operator_changes_a_plan(olga: Browser, sqlite_database: Database) -> None:
    path = f"{PLANS}/plan_2"

    answer = olga.send(
        path, name="Everywhere", domestic="1500", international="700", by_country="us 2000\nPR 2000\n", pooled="yes"
    )

    plan = plans_of(sqlite_database)["MCOPSTN2"]
    assert answer.headers["location"] == olga.path("/accounts/{account}/plans?saved=yes")
    assert (plan.name, plan.domestic_minutes, plan.international_minutes) == ("Everywhere", 1500, 700)
    assert (plan.domestic_by_country, plan.pooled) == ({"PR": 2000, "US": 2000}, True)


def test_the_operator_adds_a_plan(olga: Browser, sqlite_database: Database) -> None:
    olga.send(f"{PLANS}/new", name="Ours", code="OURS", kind="AUDIO_CONFERENCING", domestic="", international="",
              conference="90", by_country="")  # fmt: skip

    plan = plans_of(sqlite_database)["OURS"]
    assert (plan.name, plan.kind, plan.conference_minutes, plan.pooled) == ("Ours", "AUDIO_CONFERENCING", 90, False)


@pytest.mark.parametrize(
    ("typed", "field", "says"),
    [
        ({"domestic": "many"}, "domestic", "Type whole minutes."),
        ({"domestic": "-1"}, "domestic", "Type whole minutes."),
        ({"by_country": "US"}, "by_country", "Type a country code and its minutes on each line: US 3000."),
        ({"by_country": "XX 5"}, "by_country", "XX is not a country code"),
        ({"name": ""}, "name", "A name has 1 to 200 characters."),
    ],
)
def test_a_plan_that_is_refused_keeps_what_was_typed(
    olga: Browser, sqlite_database: Database, typed: dict[str, str], field: str, says: str
) -> None:
    before = plans_of(sqlite_database)

    answer = olga.send(f"{PLANS}/plan_1", **{"name": "Typed", "domestic": "77", "international": "0", **typed})

    assert answer.status_code == 422
    assert says in text(answer)
    assert f'id="{field}-wrong"' in answer.text
    assert 'value="0"' in answer.text
    assert plans_of(sqlite_database) == before


def test_the_operator_says_which_countries_zone_a_has(olga: Browser) -> None:
    good = olga.send(f"{PLANS}/zone", on=PLANS, countries="jp, KR\nus")
    bad = olga.send(f"{PLANS}/zone", on=PLANS, countries="JP XX")

    assert good.status_code == 303
    assert "Zone A 3 Japan, South Korea, United States" in text(olga.see(PLANS))
    assert bad.status_code == 422
    assert "JP XX" in bad.text


def test_a_plan_that_is_not_there_is_not_shown(olga: Browser) -> None:
    assert olga.see(f"{PLANS}/plan_9z").status_code == 404
