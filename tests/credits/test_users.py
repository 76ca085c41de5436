"""Users: entered once by name, changed field by field, removed while their calls stay; a refusal leaves no trace."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from credits.accounts import update_account
from credits.refusals import Code, Refusal
from credits.users import LARGEST_IMPORT, NewUser, UserValues, create_users, remove_user, update_user
from db.kinds import AccountStatus, CallStatus, RefusalReason
from db.session import Database
from tests.books import a_call
from tests.calling import AT_HOME, Callers, gather_callers
from tests.factories import NOW, make_user, micros

COLUMNS = (
    "user_name, name, country, department, monthly_limit_micros, conference_dial_out, user_dial_out, created_at,"
    " removed_at"
)


@pytest.fixture
def callers(database: Database) -> Callers:
    """An account with a hundred dollars, in which nobody has called yet."""
    return gather_callers(database, amount=100)


def rows(callers: Callers) -> list[tuple[Any, ...]]:
    """All users, as they stand in their table."""
    with callers.database.reading() as session:
        return session.rows(
            f"SELECT {COLUMNS} FROM phone_user WHERE account_id = ? ORDER BY user_no", callers.books.account_id
        )


def enter(callers: Callers, *users: NewUser) -> list[int | Refusal]:
    """Enter several users at once."""
    with callers.database.transaction() as session:
        return create_users(session, account_id=callers.books.account_id, users=users, now=callers.books.now)


def change(callers: Callers, user_no: int, **changes: Any) -> None:
    """Change a user."""
    with callers.database.transaction() as session:
        update_user(session, account_id=callers.books.account_id, user_no=user_no, now=callers.books.now, **changes)


def remove(callers: Callers, user_no: int) -> None:
    """Remove a user."""
    with callers.database.transaction() as session:
        remove_user(session, account_id=callers.books.account_id, user_no=user_no, now=callers.books.now)


def a_user(user_name: str, *plan_codes: str) -> NewUser:
    """Somebody in the US, to be entered."""
    return NewUser(UserValues(name="Mia Chen", user_name=user_name, country="US"), plan_codes)


def test_a_user_is_entered_with_all_that_is_known_of_it(callers: Callers) -> None:
    user_no = callers.user(
        name=" Mia Chen ", user_name="mia@contoso.example", country="JP", department="Sales",
        monthly_limit_micros=micros(10), conference_dial_out="ZONE_A", user_dial_out="NONE",
    )  # fmt: skip

    assert user_no == 1
    assert rows(callers) == [
        ("mia@contoso.example", "Mia Chen", "JP", "Sales", micros(10), "ZONE_A", "NONE", NOW, None)
    ]


def test_users_are_numbered_and_begin_with_nothing_of_their_own(callers: Callers) -> None:
    assert [callers.user(), callers.user(department=" ")] == [1, 2]
    assert [row[3:7] for row in rows(callers)] == [(None, None, None, None)] * 2


@pytest.mark.parametrize("user_name", ["mia@contoso.example", " Mia@Contoso.example", "MIA@CONTOSO.EXAMPLE"])
def test_a_name_that_another_user_goes_by_is_a_conflict_and_leaves_no_trace(callers: Callers, user_name: str) -> None:
    callers.user(user_name="mia@contoso.example")
    before = callers.books.dump()

    with pytest.raises(Refusal) as refused:
        callers.user("MCOPSTNPP", user_name=user_name)

    assert (refused.value.code, refused.value.field) == (Code.CONFLICT, ("userName",))
    assert callers.books.dump() == before


def test_a_name_outside_ascii_is_a_conflict_when_it_is_the_very_same(callers: Callers) -> None:
    callers.user(user_name="Ä佐藤")

    (outcome,) = enter(callers, a_user("Ä佐藤"))

    assert isinstance(outcome, Refusal)
    assert outcome.code == Code.CONFLICT


def test_accounts_do_not_share_names(database: Database, callers: Callers) -> None:
    callers.user(user_name="mia")

    assert make_user(database, gather_callers(database).books.account_id, user_name="mia") == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"user_name": ""}, "userName"),
        ({"user_name": "a\0b"}, "userName"),
        ({"department": "x" * 201}, "department"),
        ({"country": "XX"}, "country"),
        ({"country": "us"}, "country"),
        ({"monthly_limit_micros": -1}, "monthlyLimit"),
        ({"conference_dial_out": "SOME"}, "conferenceDialOut"),
        ({"user_dial_out": "ZONE_A"}, "userDialOut"),
    ],
)
def test_what_can_never_be_right_is_refused_at_its_field(callers: Callers, values: dict[str, Any], field: str) -> None:
    user_no = callers.user()
    before = callers.books.dump()

    for attempt in (lambda: callers.user(**values), lambda: change(callers, user_no, **values)):
        with pytest.raises(Refusal) as refused:
            attempt()
        assert (refused.value.code, refused.value.field) == (Code.INVALID, (field,))

    assert callers.books.dump() == before


def test_what_is_at_the_edge_of_what_is_allowed_is_kept(callers: Callers) -> None:
    callers.user(name="山田　太郎", user_name="x" * 200, department="y" * 200, monthly_limit_micros=0)

    assert rows(callers)[0][:5] == ("x" * 200, "山田　太郎", "US", "y" * 200, 0)


def test_of_many_users_a_bad_one_spoils_no_other(callers: Callers) -> None:
    callers.user(user_name="known")

    outcomes = enter(
        callers, a_user("a", "MCOPSTN1"), a_user("Known"), a_user("b", "MCOPSTN"), a_user("A"), a_user("c")
    )

    assert [each for each in outcomes if isinstance(each, int)] == [2, 3]
    assert [(each.code, each.field) for each in outcomes if isinstance(each, Refusal)] == [
        (Code.CONFLICT, ("userName",)), (Code.NOT_FOUND, ("planCodes",)), (Code.CONFLICT, ("userName",)),
    ]  # fmt: skip
    assert [row[0] for row in rows(callers)] == ["known", "a", "c"]


@pytest.mark.parametrize(("count", "taken"), [(LARGEST_IMPORT, True), (LARGEST_IMPORT + 1, False)])
def test_at_most_a_thousand_users_are_entered_at_once(callers: Callers, count: int, taken: bool) -> None:
    users = [a_user(f"user-{number}") for number in range(count)]

    if taken:
        assert enter(callers, *users) == list(range(1, count + 1))
    else:
        with pytest.raises(Refusal) as refused:
            enter(callers, *users)
        assert (refused.value.code, refused.value.field) == (Code.LIMIT_EXCEEDED, ("users",))
        assert rows(callers) == []


def test_what_is_given_changes_and_the_rest_stays(callers: Callers) -> None:
    user_no = callers.user(user_name="mia", department="Sales", monthly_limit_micros=micros(10), user_dial_out="NONE")

    change(callers, user_no, name="Mia Schulz", user_name="Mia", department=None, user_dial_out=None)

    assert rows(callers)[0][:7] == ("Mia", "Mia Schulz", "US", None, micros(10), None, None)


def test_changing_nothing_changes_nothing(callers: Callers) -> None:
    user_no = callers.user()
    before = callers.books.dump()

    change(callers, user_no)

    assert callers.books.dump() == before


def test_a_user_does_not_take_the_name_of_another(callers: Callers) -> None:
    callers.user(user_name="mia")
    user_no = callers.user(user_name="noah")

    with pytest.raises(Refusal) as refused:
        change(callers, user_no, user_name="MIA")

    assert (refused.value.code, refused.value.field) == (Code.CONFLICT, ("userName",))


def test_a_removed_user_is_unknown_to_the_desk_and_leaves_its_name_and_its_calls(callers: Callers) -> None:
    user_no = callers.user("MCOPSTN1", "MCOPSTNPP", user_name="mia")
    charged = callers.calls(user_no, "+442079460000")

    remove(callers, user_no)

    assert callers.asks(user_no).reason == RefusalReason.UNKNOWN_USER
    assert callers.books.call(charged.call_id).user_no == user_no
    assert callers.user(user_name="mia") == 2
    with pytest.raises(Refusal) as refused:
        remove(callers, user_no)
    assert (refused.value.code, refused.value.field) == (Code.NOT_FOUND, ("userId",))


def test_a_call_in_progress_of_a_removed_user_is_still_settled(callers: Callers) -> None:
    user_no = callers.user("MCOPSTNPAYG", "MCOPSTNPP")
    asked = callers.asks(user_no, call_id="c1")
    assert asked.authorized

    remove(callers, user_no)
    callers.books.settle("c1", 60)

    settled = callers.books.call("c1")
    assert (settled.status, settled.charge_micros, settled.user_no) == (CallStatus.SETTLED, micros("0.6"), user_no)
    assert callers.books.breaches() == []


def test_a_finished_call_of_a_user_removed_since_is_charged_on_credit_and_kept_with_the_user(callers: Callers) -> None:
    user_no = callers.user("MCOPSTN1", monthly_limit_micros=micros(1))
    remove(callers, user_no)

    call = callers.calls(user_no, seconds=120)

    assert (call.status, call.charge_micros) == (CallStatus.SETTLED, micros("1.2"))
    assert (call.user_no, call.plan_seconds) == (user_no, 0)
    assert callers.books.breaches() == []


def test_a_finished_call_of_a_user_who_never_was_is_refused(callers: Callers) -> None:
    before = callers.books.dump()

    (told,) = callers.books.record(a_call(2, user_no=7))

    assert told.refusal is not None
    assert (told.refusal.code, told.refusal.field) == (Code.NOT_FOUND, ("userId",))
    assert callers.books.dump() == before


def test_an_emergency_call_is_settled_though_the_user_in_whose_country_it_is_one_was_removed(callers: Callers) -> None:
    user_no = callers.user(country="GB")
    asked = callers.asks(user_no, "999", call_id="c1")

    remove(callers, user_no)
    ended = callers.books.settle("c1", 60)
    (reported,) = callers.books.record(a_call(1, call_id="c2", to_number="999", user_no=user_no))

    assert (asked.authorized, ended.error) == (True, None)
    assert (reported.status, reported.charge_micros) == (CallStatus.SETTLED, 0)


@pytest.mark.parametrize("verb", ["create", "update", "remove", "licenses"])
def test_a_closed_account_changes_no_users(callers: Callers, verb: str) -> None:
    user_no = callers.user()
    with callers.database.transaction() as session:
        update_account(session, account_id=callers.books.account_id, status=AccountStatus.CLOSED)
    verbs: dict[str, Callable[[], object]] = {
        "create": lambda: callers.user(),
        "update": lambda: change(callers, user_no, name="New"),
        "remove": lambda: remove(callers, user_no),
        "licenses": lambda: callers.licenses(user_no, "MCOPSTNPP"),
    }
    before = callers.books.dump()

    with pytest.raises(Refusal) as refused:
        verbs[verb]()

    assert (refused.value.code, refused.value.field) == (Code.CONFLICT, ("accountId",))
    assert callers.books.dump() == before


def test_what_was_done_is_written_at_the_accounts_own_instant(callers: Callers) -> None:
    callers.books.advance(NOW + 86_400_000_000)
    with callers.database.transaction() as session:
        (user_no,) = create_users(
            session, account_id=callers.books.account_id, users=[a_user("mia", "MCOPSTN1")], now=NOW
        )
    with callers.database.reading() as session:
        found = session.rows("SELECT assigned_at FROM license WHERE user_no = ?", user_no)

    assert rows(callers)[0][7] == callers.books.now
    assert found == [(callers.books.now,)]


def test_a_user_who_calls_home_is_found_in_its_own_country(callers: Callers) -> None:
    user_no = callers.user("MCOPSTN1", country="GB")

    assert callers.asks(user_no, "+442079460000").authorized
    assert not callers.asks(user_no, AT_HOME).authorized


def test_of_several_who_enter_the_same_user_at_once_one_succeeds(callers: Callers) -> None:
    outcomes: list[int | Refusal] = []

    def attempt() -> None:
        outcomes.extend(enter(callers, a_user("mia", "MCOPSTN5")))

    threads = [threading.Thread(target=attempt) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [each for each in outcomes if isinstance(each, int)] == [1]
    assert {each.code for each in outcomes if isinstance(each, Refusal)} == {Code.CONFLICT}
    assert len(rows(callers)) == 1
