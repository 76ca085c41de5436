"""Readings of one snapshot that go side by side answer as they would one after the other."""

from collections.abc import Callable
from contextvars import ContextVar
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from db.beside import side_by_side
from db.exchange import Exchange
from db.kinds import Rounding
from db.session import Database, Session

DECK = ("deck_id", "name", "currency", "effective_from", "decimals", "rounding", "rate_count", "published_at")
SAYING = ContextVar("saying", default="nothing")


@pytest.fixture
def decks(database: Database) -> Database:
    """A database with three decks."""
    with database.transaction() as session:
        rows = [(number, f"deck {number}", "USD", 0, 4, Rounding.HALF_UP, 0, 0) for number in (1, 2, 3)]
        session.insert("rate_deck", DECK, rows)
    return database


def name_of(number: int) -> Callable[[Session], Any]:
    def read(session: Session) -> Any:
        found = session.row("SELECT name FROM rate_deck WHERE deck_id = ?", number)
        return None if found is None else found[0]

    return read


def after_the_first(session: Session) -> list[Any]:
    """A reading that asks thrice, each time with what it has heard."""
    found = [name_of(1)(session)]
    found += session.rows("SELECT deck_id FROM rate_deck WHERE name > ? ORDER BY deck_id LIMIT ?", found[0], 1)
    return [*found, name_of(found[1][0] + 1)(session)]


def outcomes(database: Database, *readings: Callable[[Session], Any]) -> list[Any]:
    with database.reading() as session:
        return [value for value, _ in side_by_side(session, readings)]


def test_each_has_its_own_rows_in_the_order_of_the_readings(decks: Database) -> None:
    found = outcomes(decks, name_of(2), after_the_first, name_of(9), lambda _session: "asks nothing", name_of(1))

    assert found == ["deck 2", ["deck 1", (2,), "deck 3"], None, "asks nothing", "deck 1"]


def test_values_of_all_kinds_are_taken_as_a_statement_alone_would_take_them(decks: Database) -> None:
    def listed(session: Session) -> Any:
        numbers = session.rows(
            f"SELECT deck_id FROM rate_deck WHERE {session.among('deck_id')} ORDER BY 1", session.listed([3, 1])
        )
        texts = session.rows(f"SELECT deck_id FROM rate_deck WHERE {session.among('name')}", session.listed(["deck 2"]))
        none = session.rows(f"SELECT deck_id FROM rate_deck WHERE {session.among('deck_id')}", session.listed([]))
        return numbers, texts, none

    def lone(session: Session) -> Any:
        return session.row("SELECT ?, ?, coalesce(?, 1)", 7, 2**40, None)

    def exact(session: Session) -> Any:
        """A kind that does not travel with others."""
        return session.row("SELECT deck_id FROM rate_deck WHERE decimals < ? AND deck_id = 2", Decimal("4.5"))

    with decks.reading() as session:
        alone = [listed(session), lone(session)]

    together = outcomes(decks, listed, lone, *([exact] if decks.is_postgresql else []))

    assert together[:2] == alone == [([(1,), (3,)], [(2,)], []), (7, 2**40, 1)]
    assert together[2:] in ([], [(2,)])


def test_one_that_fails_takes_no_other_along(decks: Database) -> None:
    def failing(session: Session) -> Any:
        return 1 // len(session.rows("SELECT deck_id FROM rate_deck WHERE deck_id = ?", 9))

    with decks.reading() as session:
        found = side_by_side(session, [name_of(1), failing, after_the_first])

    assert [type(trouble) for _, trouble in found] == [type(None), ZeroDivisionError, type(None)]
    assert found[2][0] == ["deck 1", (2,), "deck 3"]


def test_a_statement_that_fails_is_told_to_all_that_wait_and_the_next_snapshot_works(
    postgresql_database: Database,
) -> None:
    def wrong(session: Session) -> Any:
        return session.rows("SELECT 1 / ?", 0)

    with pytest.raises(psycopg.Error), postgresql_database.reading() as session:
        found = side_by_side(session, [wrong, wrong, lambda _session: "asks nothing"])
        raise found[0][1] or AssertionError

    assert [type(trouble) for _, trouble in found] == [psycopg.errors.DivisionByZero] * 2 + [type(None)]
    assert outcomes(postgresql_database, name_of(1), name_of(2)) == [None, None]


def test_what_is_asked_at_the_same_time_travels_together(
    postgresql_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    send = Exchange.send

    def watched(exchange: Exchange) -> None:
        sent.append(len(exchange._asked))
        send(exchange)

    monkeypatch.setattr(Exchange, "send", watched)

    outcomes(postgresql_database, name_of(1), name_of(2), lambda session: [name_of(each)(session) for each in (1, 2)])

    assert [count for count in sent if count] == [3, 1]


def test_each_knows_what_is_said_around_it(decks: Database) -> None:
    SAYING.set("around")

    assert outcomes(decks, lambda _session: SAYING.get(), lambda _session: SAYING.get()) == ["around", "around"]


def test_statements_beyond_so_many_are_forgotten_and_prepared_anew(postgresql_database: Database) -> None:
    def variety(session: Session) -> Any:
        return [session.rows(f"SELECT {number} + ?", 1)[0][0] for number in range(300)]

    for _ in range(2):
        assert outcomes(postgresql_database, variety, name_of(1))[0] == list(range(1, 301))

    with postgresql_database.reading() as session:
        ((prepared,),) = session.rows("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'credits%'")
    assert prepared <= 260
