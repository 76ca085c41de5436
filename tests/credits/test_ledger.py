"""Posting: how charges fall on lots, what is owed and repaid, and late calls; each as the tables show it."""

import pytest

from credits.instants import DAY, HOUR
from db.kinds import AccountMode, EntryKind
from db.session import Database
from tests.books import Books, EntryRow, a_call, open_books, remaining
from tests.factories import NOW, micros


def last_entry(books: Books) -> EntryRow:
    """The newest entry."""
    return books.entries()[-1]


def test_a_charge_draws_on_the_lots_in_spending_order(books: Books) -> None:
    never = books.grant(10)
    later = books.grant(10, expires_at=NOW + 2 * DAY)
    sooner = books.grant(10, expires_at=NOW + DAY)
    first = books.grant(10, priority=-1)

    books.charge(35)

    assert last_entry(books).draws == {
        first: -micros(10), sooner: -micros(10), later: -micros(10), never: -micros(5),
    }  # fmt: skip


def test_among_bought_lots_the_first_in_is_the_first_out(books: Books) -> None:
    older = books.grant(10, expires_at=NOW + DAY)
    newer = books.grant(10, expires_at=NOW + DAY)

    books.charge(11)

    assert last_entry(books).draws == {older: -micros(10), newer: -micros(1)}


def test_a_charge_within_one_batch_sees_what_the_one_before_it_took(books: Books) -> None:
    books.grant(10)
    books.grant(10)

    books.record(a_call(6), a_call(6), a_call(6), a_call(6))

    charges = books.entries()[2:]
    assert [entry.draws for entry in charges] == [
        {1: -micros(6)}, {1: -micros(4), 2: -micros(2)}, {2: -micros(6)}, {2: -micros(2)},
    ]  # fmt: skip
    assert [entry.owed_change_micros for entry in charges] == [0, 0, 0, -micros(4)]
    assert [entry.balance_after_micros for entry in charges] == [micros(amount) for amount in (14, 8, 2, -4)]


@pytest.mark.parametrize(("charge", "left", "owed"), [("9.999", "0.001", 0), (10, 0, 0), ("10.001", 0, "0.001")])
def test_a_charge_larger_than_what_the_lots_hold_is_owed(books: Books, charge: str, left: str, owed: str) -> None:
    books.grant(10)

    books.charge(charge)

    assert remaining(books.lots()) == [micros(left)]
    assert books.balance().owed_micros == micros(owed)
    assert books.balance().current_micros == micros(left) - micros(owed)


def test_an_account_without_lots_owes_the_whole_charge(books: Books) -> None:
    books.charge(3)
    books.charge(4)

    assert books.balance().current_micros == -micros(7)
    assert [entry.draws for entry in books.entries()] == [{}, {}]


@pytest.mark.parametrize(("granted", "left", "owed"), [("6.999999", 0, 1), (7, 0, 0), ("7.000001", 1, 0)])
def test_the_next_lot_repays_what_is_owed_first(books: Books, granted: str, left: int, owed: int) -> None:
    books.charge(7)

    lot_no = books.grant(granted)

    added, repaid = books.entries()[-2:]
    assert (added.kind, added.amount_micros) == (EntryKind.GRANT, micros(granted))
    assert (repaid.kind, repaid.amount_micros) == (EntryKind.ADJUSTMENT, 0)
    assert repaid.owed_change_micros == -repaid.draws[lot_no] == micros(7) - owed
    assert books.lot(lot_no).remaining_micros == left
    assert books.balance().owed_micros == owed


def test_several_lots_repay_until_nothing_is_owed(books: Books) -> None:
    books.charge(25)

    for _ in range(3):
        books.grant(10)

    assert remaining(books.lots()) == [0, 0, micros(5)]
    assert books.balance().current_micros == micros(5)


@pytest.mark.parametrize("mode", AccountMode)
def test_a_lot_that_starts_later_repays_when_it_starts(database: Database, mode: AccountMode) -> None:
    books = open_books(database, mode=mode)
    books.charge(25)
    books.grant(100, starts_at=NOW + HOUR)

    books.advance(NOW + HOUR - 1)
    assert (books.balance().current_micros, books.balance().owed_micros) == (-micros(25), micros(25))

    books.advance(NOW + HOUR)
    assert (books.balance().current_micros, books.balance().owed_micros) == (micros(75), 0)
    books.bring_up_to_date()
    assert books.lot(1).remaining_micros == micros(75)
    assert last_entry(books).occurred_at == NOW + HOUR


@pytest.mark.parametrize("mode", AccountMode)
def test_a_lot_that_started_and_expired_before_anyone_looked_has_repaid(database: Database, mode: AccountMode) -> None:
    books = open_books(database, mode=mode)
    books.charge(25)
    books.grant(20, starts_at=NOW + HOUR, expires_at=NOW + 2 * HOUR)
    books.grant(100, starts_at=NOW + 2 * HOUR, expires_at=NOW + 3 * HOUR)

    books.advance(NOW + 4 * HOUR)

    assert (books.balance().current_micros, books.balance().owed_micros) == (0, 0)
    books.bring_up_to_date()
    assert remaining(books.lots()) == [0, micros(95)]
    assert (books.balance().current_micros, books.balance().owed_micros) == (0, 0)


def test_lots_that_started_meanwhile_repay_in_the_order_they_started(database: Database) -> None:
    books = open_books(database, mode=AccountMode.LIVE)
    books.charge(25)
    late = books.grant(20, priority=-1, starts_at=NOW + 3 * HOUR, expires_at=NOW + 4 * HOUR)
    early = books.grant(20, starts_at=NOW + 2 * HOUR)
    books.advance(NOW + 3 * HOUR)

    books.charge(1)

    assert books.lot(early).remaining_micros == 0
    assert books.lot(late).remaining_micros == micros(14)
    assert books.breaches() == []


def test_what_lay_in_a_lot_that_expired_before_the_debt_repays_nothing(books: Books) -> None:
    books.grant(100, expires_at=NOW + HOUR)
    books.advance(NOW + HOUR)

    books.charge(25)
    books.bring_up_to_date()

    assert books.balance().current_micros == -micros(25)
    assert remaining(books.lots()) == [micros(100)]


def test_nothing_forgives_what_is_owed_not_even_a_year(books: Books) -> None:
    books.grant(10, expires_at=NOW + HOUR)
    books.charge(25)

    books.advance(NOW + 400 * DAY)

    assert books.balance().current_micros == -micros(15)
    assert books.breaches() == []


@pytest.mark.parametrize(("answered", "drawn"), [(-1, True), (0, False), (1, False)])
def test_a_call_draws_on_the_lots_that_were_usable_when_it_was_answered(
    books: Books, answered: int, drawn: bool
) -> None:
    """At the microsecond of expiry a lot is no longer usable."""
    expiring = books.grant(10, expires_at=NOW + HOUR)
    lasting = books.grant(10)
    books.advance(NOW + 2 * HOUR)

    books.charge(4, answered_at=NOW + HOUR + answered)

    assert last_entry(books).draws == {expiring if drawn else lasting: -micros(4)}
    assert last_entry(books).occurred_at == NOW + HOUR + answered
    assert last_entry(books).posted_at == NOW + 2 * HOUR


@pytest.mark.parametrize(("late", "drawn"), [(-1, True), (0, False), (1, False)])
@pytest.mark.parametrize("mode", AccountMode)
def test_a_late_call_draws_on_an_expired_lot_until_the_settlement_window_closes(
    database: Database, mode: AccountMode, late: int, drawn: bool
) -> None:
    books = open_books(database, mode=mode)
    books.grant(10, expires_at=NOW + HOUR)
    books.advance(NOW + HOUR + books.terms.settlement_window + late)

    books.charge(4, answered_at=NOW)

    assert last_entry(books).draws == ({1: -micros(4)} if drawn else {})
    assert books.balance().owed_micros == (0 if drawn else micros(4))


def test_a_late_call_takes_the_rest_from_what_is_usable_now(books: Books) -> None:
    expired = books.grant(10, expires_at=NOW + HOUR)
    books.advance(NOW + 2 * HOUR)
    started_since = books.grant(10)

    books.charge(25, answered_at=NOW)

    assert last_entry(books).draws == {expired: -micros(10), started_since: -micros(10)}
    assert books.balance().owed_micros == micros(5)


@pytest.mark.parametrize(("answered", "drawn_on"), [(-1, "nothing yet"), (0, "the past"), (1, "the past")])
def test_a_lot_given_for_the_past_pays_calls_answered_since_its_start(
    books: Books, answered: int, drawn_on: str
) -> None:
    """A call answered before any lot was usable falls on what is usable now, by priority."""
    names = {books.grant(10, priority=1, starts_at=NOW - HOUR): "the past", books.grant(10): "nothing yet"}

    books.charge(4, answered_at=NOW - HOUR + answered)

    (lot_no,) = last_entry(books).draws
    assert names[lot_no] == drawn_on


def test_a_charge_may_fall_on_more_lots_than_are_read_at_a_time(books: Books) -> None:
    for _ in range(150):
        books.grant(1)

    books.record(a_call("149.5"), a_call("0.25"), a_call(1))

    assert sum(remaining(books.lots())) == 0
    assert [len(entry.draws) for entry in books.entries()[150:]] == [150, 1, 1]
    assert books.balance().owed_micros == micros("0.75")
    assert books.breaches() == []


def test_every_entry_says_when_it_happened_and_when_it_was_written(books: Books) -> None:
    books.grant(10)
    books.advance(NOW + DAY)

    books.charge(4, answered_at=NOW + HOUR)

    assert (last_entry(books).occurred_at, last_entry(books).posted_at) == (NOW + HOUR, NOW + DAY)


def test_entries_carry_the_book_balance_after_them(books: Books) -> None:
    books.grant(10)
    books.charge(4)
    books.charge(9)
    books.grant(5)

    balance = 0
    for entry in books.entries():
        balance += entry.amount_micros
        assert entry.balance_after_micros == balance
    assert books.account().book_balance_micros == balance == micros(2)
