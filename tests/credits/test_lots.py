"""Lots: the order of spending, when a lot is usable, how an amount falls on lots, and what a lot is at an instant."""

from itertools import permutations
from typing import Any

import pytest

from credits.lots import OpenLot, draw, lot_status, status_condition
from db.kinds import LotStatus
from db.session import Database
from db.tables import NEVER
from tests.books import open_books


def a_lot(lot_no: int = 1, **values: int) -> OpenLot:
    """A lot of 100 that starts at 10 and never expires."""
    chosen: dict[str, Any] = {
        "priority": 0,
        "expires_at": NEVER,
        "purchased_at": 10,
        "starts_at": 10,
        "remaining_micros": 100,
        **values,
    }
    return OpenLot(lot_no=lot_no, **chosen)


def test_lots_are_spent_by_priority_then_soonest_expiry_then_oldest_then_number() -> None:
    in_order = [
        a_lot(9, priority=-1),
        a_lot(8, expires_at=50, purchased_at=40),
        a_lot(7, expires_at=60, purchased_at=11),
        a_lot(6, expires_at=60, purchased_at=12),
        a_lot(4, purchased_at=12),
        a_lot(5, purchased_at=12),
        a_lot(1, priority=1, expires_at=20),
    ]
    for shuffled in permutations(in_order):
        assert sorted(shuffled, key=lambda lot: lot.spending_key) == in_order


def test_a_lot_is_usable_from_its_start_until_just_before_its_expiry() -> None:
    lot = a_lot(starts_at=10, expires_at=20)

    assert [lot.usable(at) for at in (9, 10, 19, 20)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("amount", "expected", "left"),
    [
        (99, [(1, 99)], 0),
        (100, [(1, 100)], 0),
        (101, [(1, 100), (2, 1)], 0),
        (199, [(1, 100), (2, 99)], 0),
        (200, [(1, 100), (2, 100)], 0),
        (201, [(1, 100), (2, 100)], 1),
    ],
)
def test_an_amount_falls_on_one_lot_after_the_other(amount: int, expected: list[tuple[int, int]], left: int) -> None:
    draws, rest = draw([a_lot(1), a_lot(2)], amount, at=10)

    assert [(lot.lot_no, taken) for lot, taken in draws] == expected
    assert rest == left


def test_a_draw_passes_over_what_is_empty_expired_or_not_started() -> None:
    lots = [a_lot(1, remaining_micros=0), a_lot(2, expires_at=15), a_lot(3, starts_at=16), a_lot(4)]

    draws, left = draw(lots, 30, at=15)

    assert [(lot.lot_no, taken) for lot, taken in draws] == [(4, 30)]
    assert left == 0


def test_dividing_an_amount_moves_nothing() -> None:
    lot = a_lot()

    draw([lot], 70, at=10)

    assert lot.remaining_micros == 100


@pytest.mark.parametrize(
    ("facts", "now", "expected"),
    [
        ({}, 9, LotStatus.PENDING),
        ({}, 10, LotStatus.ACTIVE),
        ({}, 19, LotStatus.ACTIVE),
        ({}, 20, LotStatus.EXPIRED),
        ({"remaining_micros": 0}, 15, LotStatus.EXHAUSTED),
        ({"remaining_micros": 0}, 25, LotStatus.EXHAUSTED),
        ({"remaining_micros": 0, "forfeited_at": 22}, 25, LotStatus.EXPIRED),
        ({"remaining_micros": 0, "voided_at": 12}, 15, LotStatus.VOIDED),
        ({"remaining_micros": 0, "voided_at": 12}, 25, LotStatus.VOIDED),
    ],
)
def test_a_lot_has_one_status_at_an_instant(facts: dict[str, int], now: int, expected: LotStatus) -> None:
    lot: dict[str, Any] = {
        "remaining_micros": 100, "starts_at": 10, "expires_at": 20, "voided_at": None, "forfeited_at": None, **facts,
    }  # fmt: skip

    assert lot_status(**lot, now=now) == expected


def test_the_tables_are_asked_for_a_status_by_the_same_rule(database: Database) -> None:
    books = open_books(database)
    day = 24 * 3600 * 1_000_000
    start = books.now
    books.grant(10, starts_at=start + day)
    books.grant(10, expires_at=start + 2 * day)
    books.grant(10, expires_at=start + 5 * day)
    books.void(books.grant(10))
    books.grant(5, priority=-1)
    books.charge(5)
    books.grant(10, starts_at=start + 3 * day, expires_at=start + 4 * day)
    seen = set()
    for hours in range(0, 24 * 10, 8):
        books.advance(start + hours * 3600 * 1_000_000)
        lots = books.lots()
        for status in LotStatus:
            condition, parameters = status_condition(status, books.now)
            with database.reading() as session:
                found = session.rows(f"SELECT lot_no FROM lot WHERE {condition} ORDER BY lot_no", *parameters)

            assert [lot_no for (lot_no,) in found] == [lot.lot_no for lot in lots if lot.status(books.now) == status]

            seen |= {status for _ in found}
    assert seen == set(LotStatus)
