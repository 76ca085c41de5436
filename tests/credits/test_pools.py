"""Minute pools: whose minutes they are, how many, until when, and who is told when they run out."""

from datetime import UTC, datetime
from typing import Any

import pytest

from credits.accounts import update_account
from credits.instants import MINUTE, instant, month_of
from credits.minutes import pools_of_month
from credits.refusals import Code, Refusal
from credits.users import update_user
from db.kinds import LicenseChange, NoticeKind, RefusalReason, Service
from db.session import Database
from tests.calling import ABROAD, AT_HOME, CANADA, PUERTO_RICO, Callers, gather_callers
from tests.factories import NOW, micros
from tests.mail import ANN, mail_to, notices_of

CREDITS, CONFERENCES = "MCOPSTNPP", "MCOMEETADD"
CONFERENCE_OUT = Service.CONFERENCE_OUT
TOKYO = "+81312345678"
OCTOBER = month_of(NOW, "UTC")


@pytest.fixture
def callers(database: Database) -> Callers:
    """An account with a hundred dollars, in which nobody has called yet."""
    return gather_callers(database, amount=100)


def stand(callers: Callers, month: int | None = None) -> list[tuple[Any, ...]]:
    """The pools of a month: for which calls, where, whose; total, used and promised minutes."""
    return [
        (pool.key.scope, pool.key.country, pool.key.user_no, pool.total_minutes, pool.used_minutes, pool.held_minutes)
        for pool in callers.pools(month)
    ]


def at(text: str) -> int:
    """An instant, of UTC unless the text says otherwise."""
    moment = datetime.fromisoformat(text)
    return instant(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def move(callers: Callers, user_no: int, country: str) -> None:
    """Let a user move to another country."""
    with callers.database.transaction() as session:
        update_user(session, account_id=callers.books.account_id, user_no=user_no, now=NOW, country=country)


# ---- whose minutes they are ----


def test_users_of_the_identical_plan_in_the_same_country_share_their_minutes(callers: Callers) -> None:
    users = [callers.user("MCOPSTN5") for _ in range(3)]

    for user_no in users:
        callers.calls(user_no, seconds=60 * 100)

    assert stand(callers) == [("DOMESTIC", "US", 0, 360, 300, 0)]


def test_another_plan_and_another_country_have_pools_of_their_own(callers: Callers) -> None:
    for plan, country, to in (("MCOPSTN5", "US", AT_HOME), ("MCOPSTN6", "US", AT_HOME), ("MCOPSTN5", "GB", ABROAD)):
        callers.calls(callers.user(plan, country=country), to, seconds=60)

    assert stand(callers) == [
        ("DOMESTIC", "US", 0, 120, 1, 0), ("DOMESTIC", "US", 0, 240, 1, 0), ("DOMESTIC", "GB", 0, 120, 1, 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("country", "to"), [("US", PUERTO_RICO), ("PR", AT_HOME), ("PR", PUERTO_RICO), ("US", AT_HOME)]
)
def test_the_united_states_and_puerto_rico_are_one(callers: Callers, country: str, to: str) -> None:
    callers.user("MCOPSTN1", country="PR")
    callers.user("MCOPSTN1")

    callers.calls(callers.user("MCOPSTN1", country=country), to, seconds=61)

    assert stand(callers) == [("DOMESTIC", "US", 0, 9000, 2, 0)]


def test_canada_is_another_country(callers: Callers) -> None:
    user_no = callers.user("MCOPSTN1")

    assert callers.asks(user_no, CANADA).reason == RefusalReason.USER_NOT_LICENSED


def test_a_plan_of_minutes_per_user_is_shared_with_nobody(callers: Callers) -> None:
    mia, noah = callers.user("MCOPSTN8"), callers.user("MCOPSTN8")

    assert callers.asks(mia, seconds=200 * 60).max_duration_seconds == 120 * 60
    callers.calls(noah, seconds=60)

    assert stand(callers) == [("DOMESTIC", "US", mia, 120, 0, 120), ("DOMESTIC", "US", noah, 120, 1, 0)]


def test_domestic_and_international_minutes_are_used_independently(callers: Callers) -> None:
    user_no = callers.user("MCOPSTN2")

    callers.calls(user_no, AT_HOME, seconds=60 * 2990)
    callers.calls(user_no, ABROAD, seconds=60 * 600)

    assert stand(callers) == [("DOMESTIC", "US", 0, 3000, 2990, 0), ("INTERNATIONAL", "US", 0, 600, 600, 0)]
    assert callers.asks(user_no, AT_HOME, seconds=3600).max_duration_seconds == 600
    assert callers.asks(user_no, ABROAD, seconds=3600).reason == RefusalReason.USER_NOT_LICENSED


def test_the_conference_pool_belongs_to_the_whole_account(callers: Callers) -> None:
    organisers = [callers.user(CONFERENCES, country=country) for country in ("US", "GB", "JP") for _ in range(5)]
    organisers += [callers.user(CONFERENCES) for _ in range(100)]

    for organiser in organisers[:6]:
        callers.calls(organiser, TOKYO, seconds=59, service=CONFERENCE_OUT)

    assert stand(callers) == [("CONFERENCE", "", 0, 6900, 6, 0)]


@pytest.mark.parametrize("to", ["+263242700000", "+19005550123"], ids=["Zimbabwe", "premium"])
def test_conference_minutes_reach_neither_beyond_zone_a_nor_premium_numbers(callers: Callers, to: str) -> None:
    organiser = callers.user(CONFERENCES, CREDITS)

    call = callers.calls(organiser, to, seconds=60, service=CONFERENCE_OUT)

    assert (call.plan_seconds, call.charge_micros) == (0, micros("0.6"))
    assert stand(callers) == []


def test_a_call_without_a_user_uses_no_minutes(callers: Callers) -> None:
    callers.user("MCOPSTN1", CONFERENCES)

    for service in (Service.USER_OUT, CONFERENCE_OUT):
        assert callers.calls(None, seconds=60, service=service).charge_micros == micros("0.6")
    assert stand(callers) == []


# ---- how many, and until when ----


@pytest.mark.parametrize(("seconds", "minutes"), [(0, 0), (1, 1), (59, 1), (60, 1), (61, 2), (3600, 60)])
def test_minutes_round_up_to_whole_minutes_a_call(callers: Callers, seconds: int, minutes: int) -> None:
    callers.calls(callers.user("MCOPSTN5"), seconds=seconds)

    assert sum(pool.used_minutes for pool in callers.pools()) == minutes


@pytest.mark.parametrize(
    ("zone", "before", "after"),
    [
        ("America/New_York", "2026-11-01T03:59:59.999999", "2026-11-01T04:00:00"),
        ("Asia/Tokyo", "2026-10-31T14:59:59.999999", "2026-10-31T15:00:00"),
        ("UTC", "2026-10-31T23:59:59.999999", "2026-11-01T00:00:00"),
    ],
)
def test_months_are_those_of_the_accounts_zone_and_do_not_roll_over(
    database: Database, zone: str, before: str, after: str
) -> None:
    callers = gather_callers(database, time_zone=zone)
    user_no = callers.user("MCOPSTN5")
    callers.books.advance(at("2026-11-02T00:00:00"))

    for answered in (before, after, after):
        callers.calls(user_no, seconds=60, answered_at=at(answered))

    assert stand(callers, OCTOBER) == [("DOMESTIC", "US", 0, 120, 1, 0)]
    assert stand(callers, OCTOBER + 1) == [("DOMESTIC", "US", 0, 120, 2, 0)]


def test_a_licence_assigned_on_the_last_day_counts_for_the_whole_month(callers: Callers) -> None:
    user_no = callers.user("MCOPSTN5")
    callers.calls(user_no, seconds=60)
    callers.books.advance(at("2026-10-31T23:00:00"))

    callers.user("MCOPSTN5")

    assert stand(callers) == [("DOMESTIC", "US", 0, 240, 1, 0)]


def test_a_licence_taken_away_takes_its_minutes_with_it(callers: Callers) -> None:
    mia, noah = callers.user("MCOPSTN5"), callers.user("MCOPSTN5")
    callers.calls(mia, seconds=150 * 60)

    callers.assign(LicenseChange.REMOVE, [mia], "MCOPSTN5")

    assert stand(callers) == [("DOMESTIC", "US", 0, 120, 150, 0)]
    assert callers.asks(mia).reason == RefusalReason.USER_NOT_LICENSED
    assert callers.asks(noah).reason == RefusalReason.USER_NOT_LICENSED


def test_another_calling_plan_opens_another_pool_and_leaves_the_old_one(callers: Callers) -> None:
    mia, noah = callers.user("MCOPSTN5"), callers.user("MCOPSTN5")
    callers.calls(mia, seconds=60)

    callers.assign(LicenseChange.ADD, [mia], "MCOPSTN6")
    callers.calls(mia, seconds=60)
    callers.calls(noah, seconds=60)

    assert stand(callers) == [("DOMESTIC", "US", 0, 120, 2, 0), ("DOMESTIC", "US", 0, 240, 1, 0)]


def test_a_user_who_moves_takes_its_minutes_to_the_other_country(callers: Callers) -> None:
    mia, noah = callers.user("MCOPSTN1"), callers.user("MCOPSTN1", country="GB")
    callers.calls(mia, AT_HOME, seconds=60)
    callers.calls(noah, ABROAD, seconds=60)

    move(callers, mia, "GB")

    assert stand(callers) == [("DOMESTIC", "US", 0, 0, 1, 0), ("DOMESTIC", "GB", 0, 2400, 1, 0)]


def test_a_month_that_is_over_keeps_the_licences_that_it_ended_with(callers: Callers) -> None:
    mia = callers.user("MCOPSTN5")
    callers.user("MCOPSTN5")
    callers.calls(mia, seconds=60)
    callers.books.advance(at("2026-11-05T00:00:00"))

    callers.licenses(mia)

    assert stand(callers, OCTOBER) == [("DOMESTIC", "US", 0, 240, 1, 0)]


def test_a_late_call_finds_the_minutes_of_licences_held_at_the_end_of_its_month(callers: Callers) -> None:
    mia, noah = callers.user("MCOPSTN5"), callers.user("MCOPSTN5")
    callers.books.advance(at("2026-11-05T00:00:00"))
    callers.licenses(noah)
    callers.user("MCOPSTN5")

    call = callers.calls(mia, seconds=60, answered_at=NOW)

    assert call.plan_seconds == 60
    assert stand(callers, OCTOBER) == [("DOMESTIC", "US", 0, 240, 1, 0)]


# ---- who pays ----


def test_a_call_that_outlasts_its_pool_is_split(callers: Callers) -> None:
    user_no = callers.user("MCOPSTN5", CREDITS)
    callers.calls(user_no, seconds=118 * 60)

    call = callers.calls(user_no, seconds=301)

    assert (call.plan_seconds, call.billed_seconds, call.charge_micros) == (120, 240, micros("2.4"))
    assert stand(callers) == [("DOMESTIC", "US", 0, 120, 120, 0)]
    assert callers.books.breaches() == []


def test_what_was_promised_to_a_call_is_not_promised_to_another(callers: Callers) -> None:
    mia, noah = callers.user("MCOPSTN5"), callers.user("MCOPSTN5")

    assert callers.asks(mia, seconds=239 * 60, call_id="c1").max_duration_seconds == 239 * 60
    assert callers.asks(noah, seconds=120).max_duration_seconds == 60
    callers.books.settle("c1", 61)

    assert stand(callers) == [("DOMESTIC", "US", 0, 240, 2, 1)]
    assert callers.books.breaches() == []


@pytest.mark.parametrize("end", ["release", "lapse"])
def test_what_a_call_did_not_need_is_there_for_the_next(callers: Callers, end: str) -> None:
    user_no = callers.user("MCOPSTN5")
    callers.asks(user_no, seconds=120 * 60, call_id="c1")
    assert callers.asks(user_no).reason == RefusalReason.USER_NOT_LICENSED

    if end == "release":
        callers.books.release("c1")
    else:
        callers.books.advance(NOW + 120 * MINUTE + callers.books.terms.reservation_ttl)

    assert stand(callers) == [("DOMESTIC", "US", 0, 120, 0, 0)]
    assert callers.asks(user_no).authorized


@pytest.mark.parametrize("now_holds", [[], ["MCOPSTN6"], ["MCOPSTNPAYG"], ["MCOPSTN8"]])
def test_minutes_that_were_promised_are_the_calls_own_whatever_its_user_holds_by_now(
    callers: Callers, now_holds: list[str]
) -> None:
    user_no = callers.user("MCOPSTN5")
    callers.asks(user_no, seconds=3600, call_id="c1")

    callers.licenses(user_no, *now_holds)
    callers.books.settle("c1", 3601)

    call = callers.books.call("c1")
    assert (call.plan_seconds, call.charge_micros) == (3600, micros("0.6"))
    assert stand(callers) == [("DOMESTIC", "US", 0, 0, 60, 0)]
    assert callers.books.breaches() == []


def test_a_call_that_is_answered_in_the_next_month_uses_the_minutes_of_that_one(callers: Callers) -> None:
    user_no = callers.user("MCOPSTN5")
    callers.books.advance(at("2026-10-31T23:59:50"))
    callers.asks(user_no, seconds=3600, call_id="c1")
    callers.books.advance(at("2026-11-01T00:30:00"))

    callers.books.settle("c1", 60, answered_at=at("2026-11-01T00:00:00"))

    assert stand(callers, OCTOBER) == [("DOMESTIC", "US", 0, 120, 0, 0)]
    assert stand(callers) == [("DOMESTIC", "US", 0, 120, 1, 0)]


# ---- who is told ----


@pytest.fixture
def mailed(database: Database) -> Callers:
    """Callers of a Japanese account, whose mail goes to Ann."""
    callers = gather_callers(database, locale="ja", region="JP")
    mail_to(database, callers.books.account_id, ANN)
    return callers


def told(callers: Callers) -> list[str]:
    """The kinds of all notices of pools."""
    kinds = (NoticeKind.POOL_80_PERCENT, NoticeKind.POOL_USED_UP)
    return [each.kind for each in notices_of(callers.database, callers.books.account_id) if each.kind in kinds]


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        ((95,), []),
        ((96,), ["POOL_80_PERCENT"]),
        ((97,), ["POOL_80_PERCENT"]),
        ((95, 1, 1), ["POOL_80_PERCENT"]),
        ((96, 23), ["POOL_80_PERCENT"]),
        ((96, 24), ["POOL_80_PERCENT", "POOL_USED_UP"]),
        ((120,), ["POOL_USED_UP"]),
        ((119, 5, 5), ["POOL_80_PERCENT", "POOL_USED_UP"]),
    ],
)
def test_mail_tells_at_four_fifths_and_at_the_end_once_each(
    mailed: Callers, minutes: tuple[int, ...], expected: list[str]
) -> None:
    user_no = mailed.user("MCOPSTN5", CREDITS)

    for each in minutes:
        mailed.calls(user_no, seconds=60 * each)

    assert told(mailed) == expected


def test_it_tells_of_each_pool_and_each_month_anew(mailed: Callers) -> None:
    mia, noah = mailed.user("MCOPSTN5", CREDITS), mailed.user("MCOPSTN6", CREDITS)
    mailed.calls(mia, seconds=60 * 120)
    mailed.calls(noah, seconds=60 * 240)
    mailed.books.advance(at("2026-11-05T00:00:00"))

    mailed.calls(mia, seconds=60 * 120)

    assert told(mailed) == ["POOL_USED_UP"] * 3


def test_it_tells_in_the_accounts_language(mailed: Callers) -> None:
    mailed.calls(mailed.user("MCOPSTN5"), seconds=60 * 100)

    with mailed.database.reading() as session:
        ((letter,),) = session.rows("SELECT letter FROM notice")
    assert "今月は 120 分中 100 分を使用しました。" in letter
    assert "国内通話プラン (120 分)" in letter
    assert "アメリカ合衆国" in letter


def test_it_tells_whose_minutes_they_are_where_users_do_not_share_them(mailed: Callers) -> None:
    mailed.calls(mailed.user("MCOPSTN8", name="Mia Park"), seconds=60 * 120)
    mailed.calls(mailed.user("MCOPSTN5", name="Noah Park"), seconds=60 * 120)

    with mailed.database.reading() as session:
        (own,), (shared,) = session.rows("SELECT letter FROM notice ORDER BY notice_no")
    assert "Mia Park" in own
    assert "Noah Park" not in shared


def test_a_promise_is_no_use_and_tells_of_nothing(mailed: Callers) -> None:
    mailed.asks(mailed.user("MCOPSTN5"), seconds=60 * 120)

    assert told(mailed) == []


def test_minutes_whose_licences_are_gone_are_not_told_of_as_used_up(mailed: Callers) -> None:
    user_no = mailed.user("MCOPSTN5")
    mailed.asks(user_no, seconds=600, call_id="c1")
    mailed.licenses(user_no)

    mailed.books.settle("c1", 600)

    assert told(mailed) == []


# ---- what people see ----


def shown(callers: Callers, month: int | None = None) -> list[tuple[Any, ...]]:
    """The pools of a month as people see them: whose plan, for which calls, where, whose; total, used and free."""
    with callers.database.reading() as session:
        pools = pools_of_month(session, callers.books.account(), month=month, now=callers.books.now)
    return [(pool.plan.code, *pool.key[2:], pool.total_minutes, pool.used_minutes, pool.free_minutes) for pool in pools]


def test_pools_that_nobody_has_used_yet_are_seen_as_their_licences_make_them(callers: Callers) -> None:
    mia = callers.user("MCOPSTN8", CONFERENCES, CREDITS)
    callers.user("MCOPSTN2", CONFERENCES)
    callers.user("MCOPSTN2", country="PR")
    callers.user("MCOPSTN2", country="JP")
    callers.user("MCOPSTNPAYG")

    assert shown(callers) == [
        ("MCOPSTN2", "DOMESTIC", "JP", 0, 1200, 0, 1200),
        ("MCOPSTN2", "DOMESTIC", "US", 0, 6000, 0, 6000),
        ("MCOPSTN2", "INTERNATIONAL", "JP", 0, 600, 0, 600),
        ("MCOPSTN2", "INTERNATIONAL", "US", 0, 1200, 0, 1200),
        ("MCOMEETADD", "CONFERENCE", "", 0, 120, 0, 120),
        ("MCOPSTN8", "DOMESTIC", "US", mia, 120, 0, 120),
    ]


def test_what_is_used_and_promised_is_seen_in_its_pool(callers: Callers) -> None:
    mia = callers.user("MCOPSTN5")
    callers.user("MCOPSTN5")
    callers.calls(mia, seconds=60 * 10)
    callers.asks(mia, seconds=60 * 20)

    assert shown(callers) == [("MCOPSTN5", "DOMESTIC", "US", 0, 240, 10, 210)]


def test_a_pool_that_was_used_is_seen_though_nobody_holds_its_licences_any_more(callers: Callers) -> None:
    mia = callers.user("MCOPSTN5")
    callers.calls(mia, seconds=60)

    callers.licenses(mia)

    assert shown(callers) == [("MCOPSTN5", "DOMESTIC", "US", 0, 0, 1, 0)]


def test_a_month_that_is_over_is_seen_as_it_ended(callers: Callers) -> None:
    mia, noah = callers.user("MCOPSTN5"), callers.user("MCOPSTN6")
    callers.calls(mia, seconds=60)
    callers.books.advance(at("2026-11-05T00:00:00"))
    for user_no in (mia, noah):
        callers.licenses(user_no, CREDITS)

    assert shown(callers) == []
    assert shown(callers, OCTOBER) == [
        ("MCOPSTN5", "DOMESTIC", "US", 0, 120, 1, 119),
        ("MCOPSTN6", "DOMESTIC", "US", 0, 240, 0, 240),
    ]
    assert shown(callers, OCTOBER - 1) == []


def test_a_month_to_come_is_not_seen(callers: Callers) -> None:
    with pytest.raises(Refusal) as refused:
        shown(callers, OCTOBER + 1)

    assert (refused.value.code, refused.value.field) == (Code.INVALID, ("month",))


@pytest.mark.parametrize(("before", "after"), [("UTC", "America/New_York"), ("America/New_York", "UTC")])
def test_a_call_that_goes_on_keeps_its_minutes_when_its_accounts_months_begin_otherwise_by_then(
    database: Database, before: str, after: str
) -> None:
    callers = gather_callers(database, time_zone=before, clock_at=at("2026-10-01T00:00"))
    callers.asks(callers.user("MCOPSTN5"), seconds=600, call_id="c1")
    with database.transaction() as session:
        update_account(session, account_id=callers.books.account_id, time_zone=after)

    goes_on = callers.books.extend("c1", 500, 600)

    assert (goes_on.authorized, goes_on.max_duration_seconds) == (True, 1_100)
    assert callers.books.breaches() == []
    callers.books.settle("c1", 1_100)
    assert callers.books.breaches() == []
