"""Statements that travel together: what comes back, what goes wrong, and what the server has forgotten meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from db.bulk import array_text
from db.exchange import Exchange
from db.session import Database
from tests.db.test_session import insert_deck, numbers


@contextmanager
def asking(database: Database) -> Iterator[tuple[Any, Exchange]]:
    """A connection in a transaction, and an exchange on it."""
    with database.transaction() as session:
        driver: Any = session.connection.connection.driver_connection
        yield driver, Exchange(driver)


def known_to_server(exchange: Exchange) -> list[str]:
    """The statements that exchanges have prepared on a connection, as its server knows them."""
    found = exchange._driver.execute("SELECT statement FROM pg_prepared_statements WHERE name LIKE 'credits%'")
    return [statement for (statement,) in found.fetchall()]


def test_each_statement_has_its_rows_after_the_journey(postgresql_database: Database) -> None:
    with asking(postgresql_database) as (_, exchange):
        fetches = [
            exchange.add("SELECT ?::bigint, ?::text, ?::boolean, ?::bigint", (2**40, "a?%$1", True, None)),
            exchange.add("SELECT unnest(?::text[])", (["plain", 'a "b" \\ {c}', "", "NULL", None],)),
            exchange.add("SELECT 1 WHERE false"),
        ]
        before = [len(fetch()) for fetch in fetches]
        exchange.send()

        assert before == [0, 0, 0]
        assert [fetch() for fetch in fetches] == [
            [(2**40, "a?%$1", True, None)],
            [("plain",), ('a "b" \\ {c}',), ("",), ("NULL",), (None,)],
            [],
        ]


def test_a_statement_is_prepared_once_for_a_connection(postgresql_database: Database) -> None:
    with asking(postgresql_database) as (driver, exchange):
        for number in range(3):
            exchange.add("SELECT ?::bigint", (number,))
            exchange.add("SELECT ?::bigint", (number,))
            exchange.send()

        counted = "SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT $1::bigint'"

        assert driver.execute(counted).fetchall() == [(1,)]


def test_the_first_error_is_raised_and_nothing_after_it_is_done(postgresql_database: Database) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero), postgresql_database.transaction() as session:
        insert_deck(session, 1)
        session.only_write_from_here()
        session.execute("SELECT 1 / ?::bigint", 0)
        insert_deck(session, 2)

    with postgresql_database.transaction() as session, session.together():
        insert_deck(session, 3)
    with postgresql_database.reading() as session:
        assert numbers(session) == [3]


def test_a_statement_that_is_wrong_leaves_the_others_prepared(postgresql_database: Database) -> None:
    for statement in ("SELECT 1", "SELECT nothing", "SELECT 2"):
        with postgresql_database.transaction() as session:
            with session.together():
                first = session.ask("SELECT 0")
                second = session.ask(statement) if statement != "SELECT nothing" else None
            if second is None:
                with pytest.raises(psycopg.errors.UndefinedColumn), session.together():
                    session.ask(statement)
                break
            assert (first(), second()) == ([(0,)], [(1,)])

    with postgresql_database.transaction() as session:
        with session.together():
            fetches = [session.ask("SELECT 0"), session.ask("SELECT 2")]
        assert [fetch() for fetch in fetches] == [[(0,)], [(2,)]]


def test_what_the_server_forgot_is_prepared_again(postgresql_database: Database) -> None:
    with asking(postgresql_database) as (driver, exchange):
        exchange.add("SELECT 1")
        exchange.send()
        for name in driver.names.values():  # past the driver, as a pooler between it and the server might
            driver.pgconn.exec_(b"DEALLOCATE " + name)

    with pytest.raises(psycopg.errors.InvalidSqlStatementName), asking(postgresql_database) as (_, exchange):
        exchange.add("SELECT 1")
        exchange.send()
    with asking(postgresql_database) as (_, exchange):
        fetch = exchange.add("SELECT 1")
        exchange.send()
        assert fetch() == [(1,)]


def test_what_the_server_forgot_in_part_is_prepared_again(postgresql_database: Database) -> None:
    with asking(postgresql_database) as (driver, exchange):
        for statement in ("SELECT 1", "SELECT 2"):
            exchange.add(statement)
        exchange.send()
        driver.pgconn.exec_(b"DEALLOCATE " + driver.names["SELECT 2", ()])

    with pytest.raises(psycopg.errors.InvalidSqlStatementName), asking(postgresql_database) as (_, exchange):
        exchange.add("SELECT 2")
        exchange.send()
    with asking(postgresql_database) as (_, exchange):
        fetches = [exchange.add(statement) for statement in ("SELECT 2", "SELECT 1")]
        exchange.send()
        assert [fetch() for fetch in fetches] == [[(2,)], [(1,)]]


def test_what_the_driver_has_the_server_forget_is_prepared_again_at_once(postgresql_database: Database) -> None:
    with asking(postgresql_database) as (driver, exchange):
        exchange.add("SELECT 1")
        exchange.send()
        for _ in range(5):
            driver.execute("SELECT 2", prepare=True)
        driver.execute("CREATE TEMPORARY TABLE passing (number bigint)")
        driver.execute("DROP TABLE passing")
        fetch = exchange.add("SELECT 1")
        exchange.send()

        assert fetch() == [(1,)]


def test_more_statements_than_are_kept_travel_in_one_exchange(postgresql_database: Database) -> None:
    with asking(postgresql_database) as (_, exchange):
        for _ in range(2):
            fetches = [exchange.add(f"SELECT {number}") for number in range(300)]
            exchange.send()
            assert [fetch() for fetch in fetches] == [[(number,)] for number in range(300)]
        exchange.add("SELECT 0")
        exchange.send()

        assert len(known_to_server(exchange)) <= 250


def test_what_was_to_be_forgotten_when_something_went_wrong_is_forgotten_later(postgresql_database: Database) -> None:
    with asking(postgresql_database) as (_, exchange):
        for number in range(250):
            exchange.add(f"SELECT {number}")
        exchange.send()
    for number in range(5):
        with pytest.raises(psycopg.errors.DivisionByZero), asking(postgresql_database) as (_, exchange):
            exchange.add(f"SELECT 1 / (0 * {number})")
            exchange.send()

    with asking(postgresql_database) as (_, exchange):
        exchange.add("SELECT 1")
        exchange.send()

        assert len(known_to_server(exchange)) <= 250


def test_what_is_to_be_forgotten_but_the_server_does_not_know_spoils_no_commit(postgresql_database: Database) -> None:
    with asking(postgresql_database) as (driver, exchange):
        for number in range(250):
            exchange.add(f"SELECT {number}")
        exchange.send()
        driver.pgconn.exec_(b"DEALLOCATE ALL")  # past the driver, as a pooler might

    with postgresql_database.transaction() as session:
        session.only_write_from_here()
        insert_deck(session, 1)

    with postgresql_database.reading() as session:
        assert numbers(session) == [1]


def test_a_statement_on_a_table_that_has_other_columns_by_now_is_prepared_again(postgresql_database: Database) -> None:
    with asking(postgresql_database) as (driver, exchange):
        driver.execute("CREATE TEMPORARY TABLE passing (number bigint)")
        exchange.add("SELECT * FROM passing")
        exchange.send()
        driver.pgconn.exec_(b"ALTER TABLE passing ADD other bigint")  # past the driver, as another process would

    with pytest.raises(psycopg.errors.FeatureNotSupported), asking(postgresql_database) as (_, exchange):
        exchange.add("SELECT * FROM passing")
        exchange.send()
    with asking(postgresql_database) as (_, exchange):
        fetch = exchange.add("SELECT * FROM passing")
        exchange.send()
        assert fetch() == []


def test_a_statement_that_cannot_wait_sees_what_was_handed_over_before_it(postgresql_database: Database) -> None:
    with postgresql_database.transaction() as session:
        session.only_write_from_here()
        insert_deck(session, 1)

        assert numbers(session) == [1]


def test_what_is_written_first_of_all_is_within_the_transaction(postgresql_database: Database) -> None:
    with pytest.raises(ZeroDivisionError), postgresql_database.transaction(hurried=True) as session:
        session.only_write_from_here()
        insert_deck(session, 1)
        numbers(session)  # it is sent
        raise ZeroDivisionError

    with postgresql_database.reading() as session:
        assert numbers(session) == []


def test_what_was_written_before_some_are_sent_together_is_sent_with_them(postgresql_database: Database) -> None:
    with postgresql_database.transaction() as session:
        session.only_write_from_here()
        insert_deck(session, 1)
        with session.together():
            fetch = session.ask("SELECT count(*) FROM rate_deck")
        found = fetch()
        insert_deck(session, 2)

    with postgresql_database.reading() as session:
        assert (found, numbers(session)) == ([(1,)], [1, 2])


def test_a_connection_lost_on_the_journey_is_an_error_and_the_next_is_a_new_one(postgresql_database: Database) -> None:
    with pytest.raises(psycopg.OperationalError), postgresql_database.transaction() as session, session.together():
        session.ask("SELECT pg_terminate_backend(pg_backend_pid())")
        session.ask("SELECT 1")

    with postgresql_database.transaction() as session, session.together():
        fetch = session.ask("SELECT 1")
    assert fetch() == [(1,)]


def test_what_no_exchange_can_carry_is_refused_before_anything_is_sent(postgresql_database: Database) -> None:
    with asking(postgresql_database) as (_, exchange), pytest.raises(TypeError, match="float"):
        exchange.add("SELECT ?::numeric", (0.5,))


def test_an_array_keeps_numbers_truths_and_nothing() -> None:
    assert array_text([1, None, -5]) == "{1,NULL,-5}"
    assert array_text([True, False]) == "{True,False}"
