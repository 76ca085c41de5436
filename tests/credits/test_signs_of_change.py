"""What those who watch compare: it never stays when a balance changes, whoever or whatever changed it."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credits.balances import signs_of_change
from credits.instants import DAY, HOUR
from credits.refusals import Refusal
from db.kinds import AccountMode
from db.session import Database
from tests.books import Books, open_books
from tests.factories import NOW

STEPS: dict[str, Callable[[Books], Any]] = {
    "grant": lambda books: books.grant(1),
    "grant for a while": lambda books: books.grant(2, expires_at=books.now + 2 * HOUR),
    "grant for later": lambda books: books.grant(4, starts_at=books.now + HOUR, expires_at=books.now + 3 * HOUR),
    "charge little": lambda books: books.charge("0.5"),
    "charge much": lambda books: books.charge(5),
    "authorize": lambda books: books.authorize(600, "c1"),
    "extend": lambda books: books.extend("c1", 60, 900),
    "settle": lambda books: books.settle("c1", 61),
    "release": lambda books: books.release("c1"),
    "void": lambda books: books.void(1),
    "an hour": lambda books: books.advance(books.now + HOUR),
    "four days": lambda books: books.advance(books.now + 4 * DAY),
    "the worker comes": lambda books: books.bring_up_to_date(),
}


def signs(books: Books) -> tuple[Any, ...]:
    """What is compared."""
    with books.database.reading() as session:
        return signs_of_change(session, [books.account_id], books.now)[books.account_id]


def take(books: Books, step: str) -> None:
    """Take a step, as far as the rules allow it."""
    with suppress(Refusal):
        STEPS[step](books)


@pytest.mark.parametrize(
    "course",
    [
        ["grant"], ["grant", "charge little"], ["grant", "charge much"], ["grant", "void"], ["charge much", "grant"],
        ["grant", "authorize"], ["grant", "authorize", "extend"], ["grant", "authorize", "settle"],
        ["grant", "authorize", "release"], ["grant for a while", "an hour", "an hour"],
        ["grant for later", "an hour"], ["grant for later", "an hour", "an hour", "an hour"],
        ["charge little", "grant for later", "an hour"], ["grant for a while", "authorize", "an hour", "an hour"],
    ],
)  # fmt: skip
@pytest.mark.parametrize("mode", AccountMode)
def test_the_last_step_of_a_course_that_changes_the_balance_shows(
    database: Database, mode: AccountMode, course: list[str]
) -> None:
    books = open_books(database, mode=mode)
    for step in course[:-1]:
        take(books, step)
    before, shown_before = signs(books), books.balance()

    take(books, course[-1])

    assert books.balance() != shown_before
    assert signs(books) != before


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(course=st.lists(st.sampled_from(sorted(STEPS)), max_size=10), mode=st.sampled_from(AccountMode))
def test_no_course_of_things_changes_a_balance_in_silence(
    sqlite_database: Database, course: list[str], mode: AccountMode
) -> None:
    books = open_books(sqlite_database, mode=mode)
    for step in course:
        before, shown_before = signs(books), books.balance()

        take(books, step)

        assert signs(books) != before or books.balance() == shown_before


def test_while_nothing_happens_nothing_changes(database: Database) -> None:
    books = open_books(database, mode=AccountMode.LIVE)
    books.grant(1, expires_at=NOW + DAY)
    before = signs(books)

    books.advance(NOW + DAY - 1)

    assert signs(books) == before


def test_a_test_account_is_read_at_its_own_instant(database: Database) -> None:
    books = open_books(database)
    books.grant(1, expires_at=NOW + DAY)
    before = signs(books)

    with database.reading() as session:
        assert signs_of_change(session, [books.account_id], NOW + 2 * DAY)[books.account_id] == before
