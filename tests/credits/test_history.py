"""What each day closed with: the same, whether it is read for the first time or remembered."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credits.accounts import look_up
from credits.history import BalanceDay, History
from credits.instants import DAY, HOUR, local_day, start_of_day
from credits.refusals import Refusal
from db.kinds import AccountMode
from db.session import Database
from tests.books import Books, open_books
from tests.factories import micros

ZONES = ["UTC", "Asia/Tokyo", "America/New_York"]


def read(books: Books, history: History, days: int) -> list[BalanceDay]:
    with books.database.reading() as session:
        return history.days(session, account_id=books.account_id, days=days, now=books.now)


def move(books: Books, zone: str) -> None:
    """Let the account's days begin elsewhere."""
    with books.database.transaction() as session:
        session.execute("UPDATE account SET time_zone = ? WHERE account_id = ?", zone, books.account_id)


def test_a_day_is_remembered_once_nothing_can_be_posted_on_it_any_more(database: Database) -> None:
    books, history = open_books(database, mode=AccountMode.TEST), History()
    books.grant(10)
    books.charge(1)
    assert [day.charged_micros for day in read(books, history, 2)] == [0, micros(1)]
    books.charge(2)
    assert read(books, history, 1)[0].charged_micros == micros(3)
    books.advance(books.now + DAY)
    assert [day.charged_micros for day in read(books, history, 2)] == [micros(3), 0]

    books.charge(4)

    assert [day.charged_micros for day in read(books, history, 2)] == [micros(3), micros(4)]
    assert [day.closing_micros for day in read(books, history, 2)] == [micros(7), micros(3)]


def test_today_is_never_taken_from_memory_even_when_a_clock_is_behind(database: Database) -> None:
    """Of two machines one may be past midnight, and remember a day that the other is still in."""
    books, history = open_books(database, mode=AccountMode.LIVE), History()
    books.grant(10)
    books.now += DAY
    books.charge(1)
    read(books, history, 2)
    books.now -= DAY

    shown = read(books, history, 2)

    assert [day.day for day in shown][-1] == local_day(books.now, "UTC")
    assert shown == read(books, History(), 2)


@pytest.mark.parametrize("days", [0, 401])
def test_so_many_days_are_not_told(database: Database, days: int) -> None:
    books = open_books(database)

    with pytest.raises(Refusal):
        read(books, History(), days)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    course=st.lists(
        st.one_of(
            st.tuples(st.just("grant"), st.integers(1, 9)),
            st.tuples(st.just("charge"), st.integers(1, 9)),
            st.tuples(st.just("advance"), st.integers(1, 60)),
            st.tuples(st.just("move"), st.sampled_from(ZONES)),
            st.tuples(st.just("read"), st.integers(1, 40)),
        ),
        max_size=14,
    )
)
def test_what_is_remembered_is_what_would_be_read(
    sqlite_database: Database, course: list[tuple[str, int | str]]
) -> None:
    books, history = open_books(sqlite_database, mode=AccountMode.TEST), History()
    for step, how in course:
        match step, how:
            case "grant", int():
                books.grant(how)
            case "charge", int():
                books.charge(how)
            case "advance", int():
                books.advance(books.now + how * 5 * HOUR)
            case "move", str():
                move(books, how)
            case _, int():
                read(books, history, how)

    remembered = read(books, history, 40)

    assert remembered == read(books, History(), 40)
    with books.database.reading() as session:
        zone = look_up(session, books.account_id).time_zone
    first, last = remembered[0].day, remembered[-1].day
    assert [day.day for day in remembered] == [first + timedelta(days=each) for each in range(40)]
    assert start_of_day(last, zone) <= books.now < start_of_day(last + timedelta(days=1), zone)
