"""Balances as people see them: what can be spent now, less what is owed."""

import pytest

from credits.balances import balance_of, balances_of, expiring_micros
from credits.instants import DAY, HOUR
from credits.refusals import Code, Refusal
from db.kinds import AccountMode
from db.session import Database
from tests.books import Books, open_books
from tests.factories import NOW, micros


def expiring(books: Books, days: int) -> int:
    """What expires within some days."""
    with books.database.reading() as session:
        return expiring_micros(session, books.account_id, days, books.now)


def test_a_new_account_has_nothing_and_may_not_call(books: Books) -> None:
    balance = books.balance()

    assert (balance.currency, balance.current_micros, balance.available_micros, balance.owed_micros) == ("USD", 0, 0, 0)
    assert balance.next_expiry_at is None
    assert not balance.calls_allowed


@pytest.mark.parametrize(("charge", "allowed"), [("9.999", True), (10, False), ("10.001", False)])
def test_calls_are_allowed_while_anything_is_available(books: Books, charge: str, allowed: bool) -> None:
    books.grant(10)

    books.charge(charge)

    assert books.balance().calls_allowed == allowed


def test_what_has_not_started_or_has_expired_is_in_the_book_but_not_in_the_balance(books: Books) -> None:
    books.grant(1, starts_at=NOW + DAY)
    books.grant(2, expires_at=NOW + HOUR)
    books.grant(4)

    books.advance(NOW + HOUR)

    assert books.balance().current_micros == micros(4)
    assert books.account().book_balance_micros == micros(7)


def test_the_next_expiry_is_that_of_the_soonest_usable_lot_with_money(books: Books) -> None:
    books.grant(1, expires_at=NOW + HOUR)
    books.grant(2, expires_at=NOW + 3 * HOUR)
    books.grant(4, starts_at=NOW + HOUR, expires_at=NOW + 2 * HOUR)
    books.grant(8)
    assert books.balance().next_expiry_at == NOW + HOUR

    books.charge(1)
    assert books.balance().next_expiry_at == NOW + 3 * HOUR

    books.advance(NOW + HOUR)
    assert books.balance().next_expiry_at == NOW + 2 * HOUR

    books.advance(NOW + 3 * HOUR)
    assert books.balance().next_expiry_at is None


def test_a_balance_is_right_before_a_worker_writes_what_a_lot_repaid(database: Database) -> None:
    books = open_books(database, mode=AccountMode.LIVE)
    books.charge(30)
    books.grant(20, starts_at=NOW + HOUR, expires_at=NOW + DAY)
    books.grant(20, starts_at=NOW + 2 * HOUR, expires_at=NOW + 2 * DAY)
    books.grant(50, starts_at=NOW + 3 * HOUR)
    seen = []
    for hours in range(60):
        books.advance(NOW + hours * HOUR)
        seen.append(books.balance())

    written = []
    for hours in range(60):
        books.advance(NOW + hours * HOUR)
        books.bring_up_to_date()
        written.append(books.balance())

    assert seen == written


def test_the_balances_of_many_accounts_are_each_accounts_own(database: Database) -> None:
    rich, poor, early = (open_books(database) for _ in range(3))
    rich.grant(100, expires_at=NOW + DAY)
    poor.charge(5)
    early.grant(7, starts_at=NOW + DAY)
    early.charge(3)
    early.advance(NOW + DAY)

    with database.reading() as session:
        found = balances_of(session, [rich.account_id, poor.account_id, early.account_id, 1], NOW)

    assert {account_id: balance.current_micros for account_id, balance in found.items()} == {
        rich.account_id: micros(100), poor.account_id: -micros(5), early.account_id: micros(4),
    }  # fmt: skip
    assert found == {books.account_id: books.balance() for books in (rich, poor, early)}


def test_no_accounts_have_no_balances(database: Database) -> None:
    with database.reading() as session:
        assert balances_of(session, [], NOW) == {}


def test_an_account_that_is_not_there_has_no_balance(database: Database) -> None:
    with database.reading() as session, pytest.raises(Refusal) as refused:
        balance_of(session, 1, NOW)

    assert (refused.value.code, refused.value.field) == (Code.NOT_FOUND, ("accountId",))


def test_what_expires_within_some_days_counts_to_the_microsecond(books: Books) -> None:
    books.grant(1, expires_at=NOW + 7 * DAY)
    books.grant(2, expires_at=NOW + 7 * DAY + 1)
    books.grant(4)
    books.grant(8, starts_at=NOW + HOUR, expires_at=NOW + DAY)

    assert [expiring(books, days) for days in (0, 6, 7, 8)] == [0, 0, micros(1), micros(3)]


@pytest.mark.parametrize("days", [-1, 36_501])
def test_the_days_to_look_ahead_are_limited(books: Books, days: int) -> None:
    with pytest.raises(Refusal) as refused:
        expiring(books, days)

    assert refused.value.field == ("withinDays",)
