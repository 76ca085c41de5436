"""Who pays for a call: policy, then plan minutes, then credit, by the tables of plans.md."""

import json
from pathlib import Path
from typing import Any

import pytest

from credits.accounts import update_account
from credits.catalogue import update_plan
from credits.instants import DAY
from credits.plans import catalogue_of
from credits.rating import Tier
from credits.users import update_user
from db.kinds import AccountStatus, CallStatus, RefusalReason, Service
from db.session import Database
from tests.calling import ABROAD, AT_HOME, CANADA, PUERTO_RICO, ZIMBABWE, Callers, gather_callers
from tests.factories import NOW, a_rate, make_deck, micros

CREDITS, CONFERENCES, PAYG = "MCOPSTNPP", "MCOMEETADD", "MCOPSTNPAYG"
DOMESTIC, INTERNATIONAL = "MCOPSTN1", "MCOPSTN2"
USER, CONFERENCE = Service.USER_OUT, Service.CONFERENCE_OUT
NOT_LICENSED = "USER_NOT_LICENSED"
NO_CREDIT = "INSUFFICIENT_CREDIT"
PREMIUM = "+19005550123"
JAPAN = "+81312345678"


@pytest.fixture
def callers(database: Database) -> Callers:
    """An account with a hundred dollars, in which nobody has called yet."""
    return gather_callers(database, amount=100)


def use_up(callers: Callers) -> None:
    """Leave no plan any minutes."""
    with callers.database.transaction() as session:
        for plan_id in catalogue_of(session).plans:
            session.execute(
                "UPDATE plan SET domestic_minutes = 0, domestic_by_country = '{}', international_minutes = 0,"
                " conference_minutes = 0 WHERE plan_id = ?",
                plan_id,
            )


def who_pays(callers: Callers, user_no: int | None, to: str, service: Service = USER) -> str:
    """Who pays for a minute: a plan, credit, nobody (it is free), or why it is refused."""
    answer = callers.asks(user_no, to, service=service)
    if not answer.authorized:
        return str(answer.reason)
    assert answer.call is not None
    held = {"plan": answer.call.held_minutes > 0, "credit": answer.call.held_micros > 0}
    return " and ".join(payer for payer, pays in held.items() if pays) or "free"


# ---- who needs which licence ----


@pytest.mark.parametrize(
    ("codes", "to", "left", "beyond"),
    [
        # domestic calls: a calling plan; beyond its minutes also Communications Credits
        ([DOMESTIC], AT_HOME, "plan", NOT_LICENSED),
        ([DOMESTIC, CREDITS], AT_HOME, "plan", "credit"),
        ([INTERNATIONAL], AT_HOME, "plan", NOT_LICENSED),
        ([INTERNATIONAL, CREDITS], AT_HOME, "plan", "credit"),
        (["MCOPSTN5"], AT_HOME, "plan", NOT_LICENSED),
        (["MCOPSTN6", CREDITS], AT_HOME, "plan", "credit"),
        (["MCOPSTN8"], AT_HOME, "plan", NOT_LICENSED),
        (["MCOPSTN8", CREDITS], PUERTO_RICO, "plan", "credit"),
        # international calls: the international plan, or any calling plan or pay-as-you-go with credits
        ([INTERNATIONAL], ABROAD, "plan", NOT_LICENSED),
        ([INTERNATIONAL], CANADA, "plan", NOT_LICENSED),
        ([INTERNATIONAL, CREDITS], ABROAD, "plan", "credit"),
        ([DOMESTIC], ABROAD, NOT_LICENSED, NOT_LICENSED),
        ([DOMESTIC], CANADA, NOT_LICENSED, NOT_LICENSED),
        ([DOMESTIC, CREDITS], ABROAD, "credit", "credit"),
        (["MCOPSTN8", CREDITS], ABROAD, "credit", "credit"),
        # any outgoing call on pay-as-you-go: that and credits
        ([PAYG], AT_HOME, NOT_LICENSED, NOT_LICENSED),
        ([PAYG], ABROAD, NOT_LICENSED, NOT_LICENSED),
        ([PAYG, CREDITS], AT_HOME, "credit", "credit"),
        ([PAYG, CREDITS], ABROAD, "credit", "credit"),
        # without any of them
        ([], AT_HOME, NOT_LICENSED, NOT_LICENSED),
        ([CREDITS], AT_HOME, NOT_LICENSED, NOT_LICENSED),
        ([CONFERENCES, CREDITS], AT_HOME, NOT_LICENSED, NOT_LICENSED),
    ],
)
def test_a_users_call_is_paid_as_its_licences_say(
    callers: Callers, codes: list[str], to: str, left: str, beyond: str
) -> None:
    user_no = callers.user(*codes)

    with_minutes = who_pays(callers, user_no, to)
    use_up(callers)

    assert (with_minutes, who_pays(callers, user_no, to)) == (left, beyond)


@pytest.mark.parametrize(
    ("codes", "country", "to", "left", "beyond"),
    [
        # to Zone A within the pool: audio conferencing; beyond it also credits
        ([CONFERENCES], "US", AT_HOME, "plan", NOT_LICENSED),
        ([CONFERENCES], "US", ABROAD, "plan", NOT_LICENSED),
        ([CONFERENCES, CREDITS], "US", ABROAD, "plan", "credit"),
        ([CONFERENCES], "ZW", AT_HOME, "plan", NOT_LICENSED),
        ([CONFERENCES, CREDITS], "ZW", ABROAD, "plan", "credit"),
        # elsewhere: audio conferencing and credits
        ([CONFERENCES], "US", ZIMBABWE, NOT_LICENSED, NOT_LICENSED),
        ([CONFERENCES, CREDITS], "US", ZIMBABWE, "credit", "credit"),
        ([CONFERENCES, CREDITS], "GB", ZIMBABWE, "credit", "credit"),
        ([CONFERENCES], "ZW", ZIMBABWE, NOT_LICENSED, NOT_LICENSED),
        ([CONFERENCES, CREDITS], "ZW", ZIMBABWE, "credit", "credit"),
        ([CONFERENCES], "US", PREMIUM, NOT_LICENSED, NOT_LICENSED),
        ([CONFERENCES, CREDITS], "US", PREMIUM, "credit", "credit"),
        # without audio conferencing
        ([], "US", AT_HOME, NOT_LICENSED, NOT_LICENSED),
        ([INTERNATIONAL, CREDITS], "US", AT_HOME, NOT_LICENSED, NOT_LICENSED),
    ],
)
def test_a_conference_that_dials_out_is_paid_as_its_organisers_licences_say(
    callers: Callers, codes: list[str], country: str, to: str, left: str, beyond: str
) -> None:
    organiser = callers.user(*codes, country=country)

    with_minutes = who_pays(callers, organiser, to, CONFERENCE)
    use_up(callers)

    assert (with_minutes, who_pays(callers, organiser, to, CONFERENCE)) == (left, beyond)


@pytest.mark.parametrize("service", [Service.TOLL_FREE_IN, Service.CONFERENCE_IN])
def test_calls_that_come_in_need_nothing_on_the_user_but_positive_credit(callers: Callers, service: Service) -> None:
    user_no = callers.user()

    assert [who_pays(callers, each, "+18005550142", service) for each in (user_no, None)] == ["credit", "credit"]
    callers.books.charge(99)
    assert who_pays(callers, None, "+18005550142", service) == NO_CREDIT


@pytest.mark.parametrize("service", Service)
def test_a_call_without_a_user_goes_straight_to_credit(callers: Callers, service: Service) -> None:
    assert who_pays(callers, None, "+18005550142", service) == "credit"


def test_the_credits_licence_alone_does_not_make_up_for_credit_that_is_gone(database: Database) -> None:
    callers = gather_callers(database)
    user_no = callers.user(DOMESTIC, CREDITS)

    assert who_pays(callers, user_no, AT_HOME) == "plan"
    assert who_pays(callers, user_no, ABROAD) == NO_CREDIT


def test_a_call_is_granted_the_minutes_and_then_what_credit_pays(database: Database) -> None:
    callers = gather_callers(database, amount="1.20")
    user_no = callers.user("MCOPSTN5", CREDITS)
    callers.calls(user_no, seconds=119 * 60)

    answer = callers.asks(user_no, seconds=3600)

    assert (answer.max_duration_seconds, answer.reason) == (180, None)
    assert answer.call is not None
    assert (answer.call.held_minutes, answer.call.held_micros) == (1, micros("1.2"))


# ---- split calls ----


def test_a_published_fact_of_included_seconds_holds(database: Database, shared_data: Path) -> None:
    facts = json.loads((shared_data / "golden" / "money_facts.json").read_text())
    (fact,) = [each for each in facts if each["id"] == "rer-001"]
    callers = gather_callers(database)
    user_no = callers.user("MCOPSTN5", CREDITS)
    with database.transaction() as session:
        update_plan(session, plan_id=3, domestic_minutes=fact["given"]["included_s"] // 60)

    balances, costs = [], []
    for seconds in fact["given"]["calls"]:
        costs.append(callers.calls(user_no, seconds=seconds).charge_micros)
        balances.append(callers.books.balance().current_micros)

    assert costs == [micros(cost) for cost in fact["expect"]["costs"]]
    assert balances == [micros(money) for money in fact["expect"]["money"][:2]]
    assert callers.books.breaches() == []


def test_tiers_are_counted_from_the_answer_though_a_plan_pays_the_first_minutes(callers: Callers) -> None:
    tiers = (Tier(0, 1_200_000_000, 60), Tier(120, 300_000_000, 60))
    make_deck(callers.database, a_rate("1", tiers=tiers), effective_from=NOW)
    user_no = callers.user("MCOPSTN5", CREDITS)
    callers.calls(user_no, seconds=119 * 60)

    call = callers.calls(user_no, seconds=180)

    assert (call.plan_seconds, call.billed_seconds, call.charge_micros) == (60, 120, micros("1.5"))


def test_a_call_that_minutes_pay_whole_needs_no_rate(callers: Callers) -> None:
    make_deck(callers.database, a_rate("49"), effective_from=NOW)
    user_no = callers.user(DOMESTIC)

    call = callers.calls(user_no, seconds=61)

    assert (call.status, call.plan_seconds, call.charge_micros) == (CallStatus.SETTLED, 61, 0)
    assert callers.books.breaches() == []


# ---- dial-out policies ----


def policy(callers: Callers, **policies: Any) -> None:
    """Set the account's dial-out policies."""
    with callers.database.transaction() as session:
        update_account(session, account_id=callers.books.account_id, **policies)


def own_policy(callers: Callers, user_no: int, **policies: Any) -> None:
    """Set a user's own dial-out policies."""
    with callers.database.transaction() as session:
        update_user(session, account_id=callers.books.account_id, user_no=user_no, now=NOW, **policies)


CONFERENCE_POLICIES = [
    ("ANY", {AT_HOME: True, ABROAD: True, ZIMBABWE: True}),
    ("SAME_COUNTRY", {AT_HOME: True, PUERTO_RICO: True, ABROAD: False, CANADA: False, ZIMBABWE: False}),
    ("ZONE_A", {AT_HOME: True, ABROAD: True, CANADA: True, ZIMBABWE: False}),
    ("NONE", {AT_HOME: False, ABROAD: False, ZIMBABWE: False}),
]
USER_POLICIES = [
    ("ANY", {AT_HOME: True, ABROAD: True}),
    ("DOMESTIC", {AT_HOME: True, PUERTO_RICO: True, CANADA: False, ABROAD: False}),
    ("NONE", {AT_HOME: False, ABROAD: False}),
]


@pytest.mark.parametrize(("name", "allowed"), CONFERENCE_POLICIES)
def test_the_accounts_policy_says_whom_conferences_dial(callers: Callers, name: str, allowed: dict[str, bool]) -> None:
    organiser = callers.user(CONFERENCES, PAYG, CREDITS)

    policy(callers, conference_dial_out=name)

    assert {to: who_pays(callers, organiser, to, CONFERENCE) != "POLICY" for to in allowed} == allowed
    assert who_pays(callers, organiser, ZIMBABWE) == "credit"


@pytest.mark.parametrize(("name", "allowed"), USER_POLICIES)
def test_the_accounts_policy_says_whom_users_call(callers: Callers, name: str, allowed: dict[str, bool]) -> None:
    user_no = callers.user(CONFERENCES, PAYG, CREDITS)

    policy(callers, user_dial_out=name)

    assert {to: who_pays(callers, user_no, to) != "POLICY" for to in allowed} == allowed
    assert who_pays(callers, user_no, ZIMBABWE, CONFERENCE) == "credit"


def test_a_users_own_policy_counts_instead_of_the_accounts_until_it_is_taken_back(callers: Callers) -> None:
    mia, noah = callers.user(PAYG, CREDITS), callers.user(PAYG, CREDITS)
    policy(callers, user_dial_out="NONE")

    own_policy(callers, mia, user_dial_out="ANY")
    found = [who_pays(callers, each, ABROAD) for each in (mia, noah)]
    own_policy(callers, mia, user_dial_out=None)

    assert found == ["credit", "POLICY"]
    assert who_pays(callers, mia, ABROAD) == "POLICY"


def test_same_country_is_that_of_the_organiser(callers: Callers) -> None:
    organiser = callers.user(CONFERENCES, country="JP")

    policy(callers, conference_dial_out="SAME_COUNTRY")

    assert who_pays(callers, organiser, JAPAN, CONFERENCE) == "plan"
    assert who_pays(callers, organiser, AT_HOME, CONFERENCE) == "POLICY"


def test_a_policy_says_nothing_of_calls_without_a_user_or_that_come_in(callers: Callers) -> None:
    policy(callers, user_dial_out="NONE", conference_dial_out="NONE")

    assert who_pays(callers, None, ABROAD) == "credit"
    assert who_pays(callers, callers.user(), "+18005550142", Service.TOLL_FREE_IN) == "credit"


# ---- emergency numbers ----


@pytest.mark.parametrize(
    ("to", "country"), [("911", "US"), ("911", "JP"), ("119", "JP"), ("110", "DE"), ("112", "DE"), ("999", "GB")]
)
@pytest.mark.parametrize("service", [USER, CONFERENCE])
def test_emergency_numbers_of_the_account_and_of_the_user_are_never_refused_and_never_charged(
    database: Database, to: str, country: str, service: Service
) -> None:
    callers = gather_callers(database, region="US")
    user_no = callers.user(country=country, monthly_limit_micros=0, user_dial_out="NONE", conference_dial_out="NONE")
    with database.transaction() as session:
        update_account(session, account_id=callers.books.account_id, status=AccountStatus.SUSPENDED)

    answer = callers.asks(user_no, to, 7200, service=service)
    call = callers.calls(user_no, to, 3600, service=service)

    assert (answer.authorized, answer.max_duration_seconds, answer.reason) == (True, 7200, None)
    assert (call.status, call.charge_micros, call.to_number) == (CallStatus.SETTLED, 0, to)


def test_what_is_an_emergency_number_elsewhere_is_none_here(callers: Callers) -> None:
    assert callers.asks(callers.user(PAYG, CREDITS), "119").reason == RefusalReason.INVALID_NUMBER


# ---- monthly limits ----


def limited(callers: Callers, amount: str, *codes: str) -> int:
    """A user who may spend an amount a month."""
    return callers.user(*(codes or (PAYG, CREDITS)), monthly_limit_micros=micros(amount))


@pytest.mark.parametrize(
    ("limit", "seconds"), [("1.199999", 60), ("1.2", 120), ("1.200001", 120), ("0.6", 60), ("0.599999", 0), ("0", 0)]
)
def test_a_user_may_spend_its_limit_and_no_more(callers: Callers, limit: str, seconds: int) -> None:
    answer = callers.asks(limited(callers, limit), seconds=120)

    assert answer.max_duration_seconds == seconds
    assert (answer.reason == RefusalReason.USER_LIMIT_REACHED) == (seconds == 0)


def test_what_was_spent_and_what_is_promised_count_alike(callers: Callers) -> None:
    user_no = limited(callers, "1.8")
    callers.calls(user_no, seconds=60)
    assert callers.asks(user_no, seconds=60, call_id="c1").authorized

    assert callers.asks(user_no, seconds=3600).max_duration_seconds == 60
    callers.books.release("c1")
    assert callers.asks(user_no, seconds=3600).max_duration_seconds == 60


def test_minutes_of_a_plan_are_beside_the_limit(callers: Callers) -> None:
    user_no = limited(callers, "0", "MCOPSTN5", CREDITS)

    answer = callers.asks(user_no, seconds=121 * 60)

    assert answer.max_duration_seconds == 120 * 60


def test_a_new_month_begins_at_nought(callers: Callers) -> None:
    user_no = limited(callers, "0.6")
    callers.calls(user_no, seconds=60)
    assert callers.asks(user_no).reason == RefusalReason.USER_LIMIT_REACHED

    callers.books.advance(NOW + 31 * DAY)

    assert callers.asks(user_no).authorized


def test_one_users_limit_is_not_another_ones(callers: Callers) -> None:
    callers.calls(limited(callers, "0.6"), seconds=60)

    assert callers.asks(callers.user(PAYG, CREDITS)).authorized


def test_a_finished_call_is_charged_though_it_goes_beyond_the_limit(callers: Callers) -> None:
    user_no = limited(callers, "0.6")

    assert callers.calls(user_no, seconds=600).charge_micros == micros(6)


def test_a_limit_that_is_raised_counts_at_once(callers: Callers) -> None:
    user_no = limited(callers, "0")
    values: dict[str, Any] = {"account_id": callers.books.account_id, "user_no": user_no, "now": NOW}

    found = []
    for micros_a_month in (micros("0.6"), None):
        with callers.database.transaction() as session:
            update_user(session, **values, monthly_limit_micros=micros_a_month)
        found.append(callers.asks(user_no, seconds=600).max_duration_seconds)

    assert found == [60, 600]
