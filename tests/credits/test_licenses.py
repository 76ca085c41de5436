"""Licences: given to one user or to many at once, one of a kind, whole or not at all."""

from typing import Any

import pytest

from credits.instants import DAY
from credits.language import language
from credits.licenses import LARGEST_ASSIGNMENT
from credits.refusals import Code, Refusal
from db.kinds import LicenseChange, RefusalReason
from db.session import Database
from tests.calling import Callers, gather_callers
from tests.factories import NOW

ADD, REMOVE, REPLACE = LicenseChange.ADD, LicenseChange.REMOVE, LicenseChange.REPLACE
CREDITS, CONFERENCES = "MCOPSTNPP", "MCOMEETADD"


@pytest.fixture
def callers(database: Database) -> Callers:
    """An account with a hundred dollars, in which nobody has called yet."""
    return gather_callers(database, amount=100)


def held(callers: Callers) -> list[tuple[int, str, int]]:
    """Every licence that is held: whose, of which plan, since when (in days from `NOW`)."""
    with callers.database.reading() as session:
        found = session.rows(
            "SELECT user_no, code, assigned_at FROM license JOIN plan ON plan.plan_id = license.plan_id"
            " WHERE account_id = ? AND removed_at IS NULL ORDER BY user_no, code",
            callers.books.account_id,
        )
    return [(user_no, code, (assigned_at - NOW) // DAY) for user_no, code, assigned_at in found]


def later(callers: Callers, days: int = 1) -> None:
    """Let days pass."""
    callers.books.advance(callers.books.now + days * DAY)


def test_a_user_holds_the_plans_that_were_set_and_no_others(callers: Callers) -> None:
    user_no = callers.user("MCOPSTN1", CREDITS)
    later(callers)

    callers.licenses(user_no, "MCOPSTN2", CREDITS)

    assert held(callers) == [(1, "MCOPSTN2", 1), (1, CREDITS, 0)]


def test_the_same_licences_again_stay_as_they_were_assigned(callers: Callers) -> None:
    user_no = callers.user("MCOPSTN1", CREDITS)
    before = callers.books.dump()

    later(callers)
    callers.licenses(user_no, CREDITS, "MCOPSTN1", CREDITS)

    assert callers.books.dump()["license"] == before["license"]


def test_no_plans_at_all_are_none(callers: Callers) -> None:
    callers.licenses(callers.user("MCOPSTN1", CREDITS))

    assert held(callers) == []


def test_what_was_held_stays_on_record_with_its_end(callers: Callers) -> None:
    user_no = callers.user(CREDITS)
    later(callers)
    callers.licenses(user_no)
    later(callers)

    callers.licenses(user_no, CREDITS)

    with callers.database.reading() as session:
        found = session.rows("SELECT assigned_at, removed_at FROM license ORDER BY assigned_at")
    assert found == [(NOW, NOW + DAY), (NOW + 2 * DAY, None)]


def test_a_licence_taken_away_and_given_back_at_one_instant_was_never_away(callers: Callers) -> None:
    user_no = callers.user(CREDITS)

    callers.licenses(user_no)
    callers.licenses(user_no, CREDITS)

    assert held(callers) == [(1, CREDITS, 0)]


@pytest.mark.parametrize(
    ("change", "codes", "expected"),
    [
        (ADD, ["MCOPSTN5", CONFERENCES], [["MCOMEETADD", "MCOPSTN5", CREDITS], ["MCOMEETADD", "MCOPSTN5"]]),
        (ADD, ["MCOPSTNPAYG"], [["MCOPSTNPAYG", CREDITS], ["MCOMEETADD", "MCOPSTNPAYG"]]),
        (ADD, [], [["MCOPSTN1", CREDITS], ["MCOMEETADD"]]),
        (REMOVE, ["MCOPSTN1", CONFERENCES], [[CREDITS], []]),
        (REMOVE, ["MCOPSTN5"], [["MCOPSTN1", CREDITS], ["MCOMEETADD"]]),
        (REPLACE, [CREDITS], [[CREDITS], [CREDITS]]),
        (REPLACE, [], [[], []]),
    ],
)
def test_the_licences_of_many_change_at_once(
    callers: Callers, change: LicenseChange, codes: list[str], expected: list[list[str]]
) -> None:
    users = [callers.user("MCOPSTN1", CREDITS), callers.user(CONFERENCES)]
    callers.user("MCOPSTN8")

    callers.assign(change, users, *codes)

    found = held(callers)
    assert [sorted(code for user_no, code, _ in found if user_no == each) for each in users] == expected
    assert [code for user_no, code, _ in found if user_no == 3] == ["MCOPSTN8"]


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        (["MCOPSTN1", "MCOPSTN2"], Code.INVALID),
        (["MCOPSTN1", "MCOPSTNPAYG"], Code.INVALID),
        (["MCOPSTN9"], Code.NOT_FOUND),
        (["mcopstn1"], Code.NOT_FOUND),
    ],
)
@pytest.mark.parametrize("change", LicenseChange)
def test_plans_that_exclude_each_other_or_do_not_exist_are_refused_and_leave_no_trace(
    callers: Callers, change: LicenseChange, codes: list[str], code: Code
) -> None:
    user_no = callers.user("MCOPSTN6")
    before = callers.books.dump()

    with pytest.raises(Refusal) as refused:
        callers.assign(change, [user_no], *codes)

    assert (refused.value.code, refused.value.field) == (code, ("planCodes",))
    assert callers.books.dump() == before


def test_plans_that_exclude_each_other_are_named_as_their_reader_knows_them(callers: Callers) -> None:
    with pytest.raises(Refusal) as refused:
        callers.user("MCOPSTN5", "MCOPSTN6")

    assert str(refused.value).startswith("Domestic Calling Plan (120 minutes) and Domestic Calling Plan (240 minutes)")
    said = language("ja").say(refused.value.message, **refused.value.values)
    assert said.startswith("「国内通話プラン (120 分)」と「国内通話プラン (240 分)」")


def test_of_many_users_one_that_is_not_there_spoils_the_whole(callers: Callers) -> None:
    users = [callers.user(), 99]
    before = callers.books.dump()

    with pytest.raises(Refusal) as refused:
        callers.assign(ADD, users, CREDITS)

    assert (refused.value.code, refused.value.field) == (Code.NOT_FOUND, ("userIds",))
    assert callers.books.dump() == before


def test_users_of_another_account_are_nobody_here(database: Database, callers: Callers) -> None:
    stranger = gather_callers(database)
    stranger.user()

    with pytest.raises(Refusal) as refused:
        callers.licenses(1, CREDITS)

    assert (refused.value.code, refused.value.field) == (Code.NOT_FOUND, ("userId",))


@pytest.mark.parametrize(("count", "code"), [(LARGEST_ASSIGNMENT, Code.NOT_FOUND), (LARGEST_ASSIGNMENT + 1, None)])
def test_at_most_a_thousand_users_are_named_at_once(callers: Callers, count: int, code: Any) -> None:
    with pytest.raises(Refusal) as refused:
        callers.assign(ADD, list(range(1, count + 1)), CREDITS)

    assert refused.value.code == (code or Code.LIMIT_EXCEEDED)
    assert refused.value.field == ("userIds",)


def test_naming_nobody_changes_nobody(callers: Callers) -> None:
    before = callers.books.dump()

    callers.assign(ADD, [], CREDITS)

    assert callers.books.dump() == before


def test_taking_the_licence_away_stops_spending_at_once(callers: Callers) -> None:
    user_no = callers.user("MCOPSTNPAYG", CREDITS)
    assert callers.asks(user_no).authorized

    callers.licenses(user_no, "MCOPSTNPAYG")

    assert callers.asks(user_no).reason == RefusalReason.USER_NOT_LICENSED
