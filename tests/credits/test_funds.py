"""Grants and voids: they work, their boundaries, refusals without a trace, and the same key twice."""

from typing import Any

import pytest

from credits.accounts import update_account
from credits.funds import LARGEST_PRIORITY, LONGEST_NOTE
from credits.instants import HOUR
from credits.money import LARGEST_AMOUNT_MICROS
from credits.refusals import Code, Refusal
from db.kinds import AccountMode, AccountStatus, EntryKind, LotSource, LotStatus
from db.session import Database
from db.tables import NEVER
from tests.books import Books, a_call, open_books
from tests.factories import NOW, micros


def refusal_of(books: Books, verb: Any, *arguments: Any, **values: Any) -> Refusal:
    """The refusal of a verb, which must have left no trace in any table."""
    before = books.dump()

    with pytest.raises(Refusal) as refused:
        verb(*arguments, **values)

    assert books.dump() == before
    return refused.value


def test_a_grant_adds_a_lot_and_an_entry_of_its_amount(books: Books) -> None:
    lot_no = books.grant("12.345678")

    lot = books.lot(lot_no)
    assert (lot.amount_micros, lot.remaining_micros) == (12_345_678, 12_345_678)
    assert (lot.source, lot.purchased_at, lot.starts_at, lot.expires_at) == (LotSource.GRANT, NOW, NOW, NEVER)
    (entry,) = books.entries()
    assert (entry.kind, entry.amount_micros, entry.balance_after_micros) == (EntryKind.GRANT, 12_345_678, 12_345_678)
    assert entry.draws == {lot_no: 12_345_678}
    assert books.balance().current_micros == 12_345_678


def test_grants_are_numbered_and_add_up(books: Books) -> None:
    assert [books.grant(1), books.grant(2), books.grant(3)] == [1, 2, 3]

    assert books.balance().current_micros == micros(6)
    assert books.account().book_balance_micros == micros(6)


@pytest.mark.parametrize("amount", [1, LARGEST_AMOUNT_MICROS])
def test_the_smallest_and_the_largest_grant_are_taken(books: Books, amount: int) -> None:
    books.grant(amount_micros=amount)

    assert books.balance().current_micros == amount


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"amount_micros": 0}, "amount"),
        ({"amount_micros": -1}, "amount"),
        ({"amount_micros": LARGEST_AMOUNT_MICROS + 1}, "amount"),
        ({"note": "  "}, "description"),
        ({"note": "x" * (LONGEST_NOTE + 1)}, "description"),
        ({"priority": LARGEST_PRIORITY + 1}, "priority"),
        ({"priority": -LARGEST_PRIORITY - 1}, "priority"),
        ({"idempotency_key": ""}, "idempotencyKey"),
        ({"idempotency_key": "k" * 256}, "idempotencyKey"),
        ({"expires_at": NOW}, "expiresAt"),
        ({"expires_at": NOW - 1}, "expiresAt"),
        ({"starts_at": NOW - 10, "expires_at": NOW}, "expiresAt"),
        ({"starts_at": NOW + 10, "expires_at": NOW + 10}, "expiresAt"),
        ({"starts_at": NOW + 10, "expires_at": NOW + 9}, "expiresAt"),
    ],
)
def test_a_wrong_grant_is_refused_at_its_field_and_leaves_no_trace(
    books: Books, values: dict[str, Any], field: str
) -> None:
    books.grant(5)
    books.charge(7)

    refusal = refusal_of(books, books.grant, **values)

    assert refusal.code == Code.INVALID
    assert refusal.field == (field,)


@pytest.mark.parametrize(
    "values",
    [
        {"note": "x" * LONGEST_NOTE},
        {"priority": LARGEST_PRIORITY},
        {"priority": -LARGEST_PRIORITY},
        {"idempotency_key": "k" * 255},
        {"expires_at": NOW + 1},
        {"starts_at": NOW + 10, "expires_at": NOW + 11},
        {"starts_at": NOW - HOUR},
    ],
)
def test_a_grant_at_the_edge_of_what_is_allowed_is_taken(books: Books, values: dict[str, Any]) -> None:
    assert books.grant(5, **values) == 1


def test_a_grant_too_large_is_told_so(books: Books) -> None:
    with pytest.raises(Refusal, match="too large"):
        books.grant(amount_micros=LARGEST_AMOUNT_MICROS + 1)


def test_a_grant_counts_from_the_microsecond_it_starts(books: Books) -> None:
    lot_no = books.grant(5, starts_at=NOW + HOUR)

    books.advance(NOW + HOUR - 1)
    assert books.balance().current_micros == 0
    assert books.lot(lot_no).status(books.now) == LotStatus.PENDING

    books.advance(NOW + HOUR)
    assert books.balance().current_micros == micros(5)
    assert books.lot(lot_no).status(books.now) == LotStatus.ACTIVE


def test_an_account_that_is_not_there_gets_no_grant(books: Books) -> None:
    missing = Books(books.database, books.account_id + 1, books.rates)

    refusal = refusal_of(books, missing.grant)

    assert (refusal.code, refusal.field) == (Code.NOT_FOUND, ("accountId",))


def test_a_closed_account_is_neither_granted_nor_voided(books: Books) -> None:
    lot_no = books.grant(5)
    with books.database.transaction() as session:
        update_account(session, account_id=books.account_id, status=AccountStatus.CLOSED)

    assert refusal_of(books, books.grant).code == Code.CONFLICT
    assert refusal_of(books, books.void, lot_no).code == Code.CONFLICT


def test_a_suspended_account_may_be_granted_funds(books: Books) -> None:
    with books.database.transaction() as session:
        update_account(session, account_id=books.account_id, status=AccountStatus.SUSPENDED)

    assert books.grant(5) == 1


def test_the_same_grant_twice_is_one_lot(books: Books) -> None:
    first = books.grant(5, idempotency_key="once")
    before = books.dump()

    again = books.grant(5, idempotency_key="once")

    assert again == first
    assert books.dump() == before


def test_a_grant_is_remembered_after_its_lot_is_spent_and_its_account_closed(books: Books) -> None:
    first = books.grant(5, idempotency_key="once", expires_at=NOW + HOUR)
    books.charge(5)
    books.advance(NOW + 1000 * HOUR)
    with books.database.transaction() as session:
        update_account(session, account_id=books.account_id, status=AccountStatus.CLOSED)

    assert books.grant(5, idempotency_key="once", expires_at=NOW + HOUR) == first


@pytest.mark.parametrize(
    "other",
    [
        {"amount_micros": micros(5) + 1},
        {"note": "Goodbye"},
        {"priority": 1},
        {"starts_at": NOW},
        {"expires_at": NOW + HOUR},
    ],
)
def test_a_key_of_one_grant_is_refused_for_another(books: Books, other: dict[str, Any]) -> None:
    books.grant(5, idempotency_key="once")

    refusal = refusal_of(books, books.grant, 5, idempotency_key="once", **other)

    assert (refusal.code, refusal.field) == (Code.IDEMPOTENCY_KEY_REUSED, ("idempotencyKey",))


def test_a_key_of_a_grant_is_refused_for_a_void(books: Books) -> None:
    lot_no = books.grant(5, idempotency_key="once")

    refusal = refusal_of(books, books.void, lot_no, idempotency_key="once")

    assert refusal.code == Code.IDEMPOTENCY_KEY_REUSED


def test_two_accounts_may_use_the_same_key(books: Books) -> None:
    other = open_books(books.database)

    books.grant(5, idempotency_key="once")
    other.grant(7, idempotency_key="once")

    assert books.balance().current_micros == micros(5)
    assert other.balance().current_micros == micros(7)


def test_voiding_a_lot_takes_back_exactly_what_is_left_of_it(books: Books) -> None:
    other, lot_no = books.grant(100, priority=1), books.grant(10)
    books.charge(6)

    books.void(lot_no)

    lot = books.lot(lot_no)
    assert (lot.remaining_micros, lot.voided_at, lot.status(NOW)) == (0, NOW, LotStatus.VOIDED)
    entry = books.entries()[-1]
    assert (entry.kind, entry.amount_micros, entry.draws) == (EntryKind.ADJUSTMENT, -micros(4), {lot_no: -micros(4)})
    assert books.lot(other).remaining_micros == micros(100)
    assert books.balance().current_micros == micros(100)


def test_a_lot_that_has_not_started_can_be_voided(books: Books) -> None:
    lot_no = books.grant(10, starts_at=NOW + HOUR)

    books.void(lot_no)
    books.advance(NOW + HOUR)

    assert books.balance().current_micros == 0
    assert books.lot(lot_no).status(books.now) == LotStatus.VOIDED


def test_voiding_leaves_what_is_owed_as_it_was(books: Books) -> None:
    books.charge(30)
    lot_no = books.grant(100, starts_at=NOW + HOUR)

    books.void(lot_no)
    books.advance(NOW + HOUR)

    assert books.balance().current_micros == -micros(30)
    assert books.balance().owed_micros == micros(30)


def test_a_voided_lot_serves_no_call_not_even_one_answered_before(books: Books) -> None:
    lot_no = books.grant(10)
    books.advance(NOW + HOUR)
    books.void(lot_no)

    books.charge(4, answered_at=NOW)

    assert books.balance().current_micros == -micros(4)


def test_the_same_void_twice_takes_once(books: Books) -> None:
    lot_no = books.grant(10)
    books.void(lot_no, idempotency_key="void")
    before = books.dump()

    assert books.void(lot_no, idempotency_key="void") == lot_no

    assert books.dump() == before


@pytest.mark.parametrize("other", [{"reason": "Another reason"}, {"lot_no": 2}])
def test_a_key_of_one_void_is_refused_for_another(books: Books, other: dict[str, Any]) -> None:
    books.grant(10)
    books.grant(20)
    books.void(1, idempotency_key="void")

    refusal = refusal_of(books, books.void, **{"lot_no": 1, "idempotency_key": "void", **other})

    assert refusal.code == Code.IDEMPOTENCY_KEY_REUSED


def test_a_lot_is_voided_only_once(books: Books) -> None:
    lot_no = books.grant(10)
    books.void(lot_no)

    refusal = refusal_of(books, books.void, lot_no)

    assert (refusal.code, refusal.field) == (Code.CONFLICT, ("lotId",))


def test_a_lot_that_is_spent_has_nothing_to_void(books: Books) -> None:
    lot_no = books.grant(10)
    books.charge(10)

    assert refusal_of(books, books.void, lot_no).code == Code.CONFLICT


def test_the_last_millionth_of_a_lot_can_be_voided(books: Books) -> None:
    lot_no = books.grant("10.000001")
    books.charge(10)

    books.void(lot_no)

    assert books.entries()[-1].amount_micros == -1


def test_a_lot_that_is_not_there_cannot_be_voided(books: Books) -> None:
    books.grant(10)

    refusal = refusal_of(books, books.void, 2)

    assert (refusal.code, refusal.field) == (Code.NOT_FOUND, ("lotId",))


@pytest.mark.parametrize("reason", ["", " ", "x" * (LONGEST_NOTE + 1)])
def test_a_void_says_why(books: Books, reason: str) -> None:
    lot_no = books.grant(10)

    refusal = refusal_of(books, books.void, lot_no, reason=reason)

    assert (refusal.code, refusal.field) == (Code.INVALID, ("reason",))


@pytest.mark.parametrize(("late", "voided"), [(-1, True), (0, False), (1, False)])
def test_expired_funds_can_be_voided_until_their_settlement_window_closes(
    database: Database, late: int, voided: bool
) -> None:
    """Whether or not a worker has written their forfeiture by then."""
    books = open_books(database, mode=AccountMode.LIVE)
    lot_no = books.grant(10, expires_at=NOW + HOUR)
    books.advance(NOW + HOUR + books.terms.settlement_window + late)

    if voided:
        books.void(lot_no)
        assert books.lot(lot_no).status(books.now) == LotStatus.VOIDED
    else:
        assert refusal_of(books, books.void, lot_no).code == Code.CONFLICT


def test_a_grant_first_lets_what_started_meanwhile_repay_what_is_owed(database: Database) -> None:
    books = open_books(database, mode=AccountMode.LIVE)
    books.charge(30)
    early = books.grant(100, starts_at=NOW + HOUR)
    books.advance(NOW + 2 * HOUR)

    late = books.grant(100)

    assert books.lot(early).remaining_micros == micros(70)
    assert books.lot(late).remaining_micros == micros(100)


def test_books_stay_whole_through_grants_and_voids(books: Books) -> None:
    books.grant(10)
    books.void(books.grant(20))
    books.record(a_call(4), a_call(9))
    books.grant(1)

    assert books.breaches() == []
