"""Transactions: what commits, what leaves no trace, what a reader sees, and who waits for whom."""

import threading
from contextlib import closing

import psycopg
import pytest
from pysqlite3 import dbapi2 as sqlite
from sqlmodel import select

from db.kinds import EntryKind, Rounding
from db.session import COPY_FROM_ROWS, Database, Session
from db.tables.rates import RateDeck

DECK = ("deck_id", "name", "currency", "effective_from", "decimals", "rounding", "rate_count", "published_at")


def deck(number: int, name: str = "standard") -> tuple[object, ...]:
    """A row of the table rate_deck."""
    return (number, name, "USD", 0, 4, Rounding.HALF_UP, 0, 0)


def insert_deck(session: Session, number: int, name: str = "standard") -> None:
    session.insert("rate_deck", DECK, [deck(number, name)])


def numbers(session: Session) -> list[int]:
    return [number for (number,) in session.rows("SELECT deck_id FROM rate_deck ORDER BY deck_id")]


def test_what_a_transaction_wrote_is_there_afterwards(database: Database) -> None:
    with database.transaction() as session:
        insert_deck(session, 1)

    with database.reading() as session:
        assert numbers(session) == [1]


def test_an_error_within_a_transaction_leaves_no_trace(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.transaction() as session:
        insert_deck(session, 1)
        raise ZeroDivisionError

    with database.reading() as session:
        assert numbers(session) == []


def test_a_broken_constraint_leaves_no_trace_and_the_next_transaction_works(database: Database) -> None:
    with pytest.raises((sqlite.IntegrityError, psycopg.IntegrityError)), database.transaction() as session:
        insert_deck(session, 1)
        insert_deck(session, 1)

    with database.transaction() as session:
        assert numbers(session) == []


def test_a_foreign_key_that_leads_nowhere_is_refused(database: Database) -> None:
    with pytest.raises((sqlite.IntegrityError, psycopg.IntegrityError)), database.transaction() as session:
        session.execute("INSERT INTO membership (account_id, person_id, role) VALUES (?, ?, ?)", 1, 1, "ADMIN")


def test_a_reader_sees_one_moment_whatever_is_committed_meanwhile(database: Database) -> None:
    with database.reading() as reader:
        before = numbers(reader)
        with database.transaction() as session:
            insert_deck(session, 1)
        meanwhile = numbers(reader)

    assert (before, meanwhile) == ([], [])


def test_what_several_need_is_read_once_in_a_snapshot_and_each_time_where_it_can_change(database: Database) -> None:
    with database.transaction() as session:
        first = session.once("numbers", lambda: numbers(session))
        insert_deck(session, 1)
        again = session.once("numbers", lambda: numbers(session))
    with database.reading() as session:
        kept = session.once("numbers", lambda: numbers(session))
        same = session.once("numbers", lambda: numbers(session))
    with database.transaction() as session:
        insert_deck(session, 2)
    with database.reading() as session:
        later = session.once("numbers", lambda: numbers(session))

    assert (first, again, kept, later) == ([], [1], [1], [1, 2])
    assert same is kept


def test_a_reader_cannot_write(database: Database) -> None:
    refused = (sqlite.OperationalError, psycopg.errors.ReadOnlySqlTransaction)

    with pytest.raises(refused), database.reading() as session:
        insert_deck(session, 1)

    with database.transaction() as session:
        insert_deck(session, 2)
        assert numbers(session) == [2]


@pytest.mark.parametrize("count", [0, 1, COPY_FROM_ROWS - 1, COPY_FROM_ROWS, 500])
def test_rows_are_inserted_in_bulk(database: Database, count: int) -> None:
    names = ['tab\t, newline\n, "quotes", back\\slash, 100 % ?, 東京', "\\N", ""]
    rows = [deck(number, names[number % 3]) for number in range(count)]

    with database.transaction() as session:
        session.insert("rate_deck", DECK, rows)
        written = session.rows("SELECT deck_id, name, rounding FROM rate_deck ORDER BY deck_id")

    assert written == [(number, names[number % 3], "HALF_UP") for number in range(count)]


def test_the_words_of_a_closed_list_are_stored_as_their_text(database: Database) -> None:
    with database.transaction() as session:
        session.insert("token", ("token_id", "name", "token_hash", "scopes", "created_at"),
                       [(number, EntryKind.GRANT, str(number), "read", 0) for number in range(20)])  # fmt: skip
        session.execute("UPDATE token SET scopes = ? WHERE token_id = ?", EntryKind.REFUND, 1)

        assert session.row("SELECT name, scopes FROM token WHERE token_id = ?", 1) == ("GRANT", "REFUND")


ODD_TEXTS = [
    "",
    " ",
    "NULL",
    "null",
    'a "quoted" one',
    "back\\slash",
    "{}",
    "{a,b}",
    "a,b",
    "two\nlines",
    "日本語",
    "'",
    "%s",
]


@pytest.mark.parametrize("count", [1, 2, COPY_FROM_ROWS])
def test_every_text_is_inserted_and_changed_as_it_is(database: Database, count: int) -> None:
    texts = (ODD_TEXTS * count)[: max(count, len(ODD_TEXTS))] if count > 1 else ODD_TEXTS[:1]
    columns = ("deck_id", "name", "currency", "effective_from", "decimals", "rounding", "rate_count", "published_at")
    with database.transaction() as session:
        rows = [(number, text, "USD", 0, 2, "UP", 0, 0) for number, text in enumerate(texts)]
        session.insert("rate_deck", columns, rows)
        inserted = session.rows("SELECT name FROM rate_deck ORDER BY deck_id")

        changed = [(number, text, -number) for number, text in enumerate(reversed(texts))]
        session.update("rate_deck", ("deck_id",), ("name", "effective_from"), changed)

        assert [text for (text,) in inserted] == texts
        assert session.rows("SELECT deck_id, name, effective_from FROM rate_deck ORDER BY deck_id") == changed


@pytest.mark.parametrize("count", [1, 3])
def test_nothing_is_a_value_too(database: Database, count: int) -> None:
    with database.transaction() as session:
        session.insert(
            "token", ("token_id", "account_id", "name", "token_hash", "scopes", "created_at", "revoked_at"),
            [(number, None, "n", f"h{number}", "read", 0, 7) for number in range(count)],
        )  # fmt: skip

        session.update("token", ("token_id",), ("revoked_at",), [(number, None) for number in range(count)])

        assert session.rows("SELECT account_id, revoked_at FROM token") == [(None, None)] * count


def test_one_statement_runs_for_each_row_of_parameters(database: Database) -> None:
    with database.transaction() as session:
        session.insert("rate_deck", DECK, [deck(1), deck(2), deck(3)])
        session.execute_many("UPDATE rate_deck SET name = ? WHERE deck_id = ?", [("first", 1), ("third", 3)])

        assert session.rows("SELECT name FROM rate_deck ORDER BY deck_id") == [("first",), ("standard",), ("third",)]


def test_execute_tells_how_many_rows_it_changed(database: Database) -> None:
    with database.transaction() as session:
        session.insert("rate_deck", DECK, [deck(1), deck(2)])

        assert session.execute("UPDATE rate_deck SET name = ? WHERE deck_id > ?", "new", 0) == 2


def test_a_percent_sign_in_a_statement_is_a_percent_sign(database: Database) -> None:
    with database.transaction() as session:
        insert_deck(session, 1, "100%")

        assert session.row("SELECT deck_id FROM rate_deck WHERE name LIKE '%0%' AND deck_id = ?", 1) == (1,)


@pytest.mark.parametrize("wanted", [[], [2], [1, 3, 99]])
def test_rows_are_found_among_a_list_of_numbers(database: Database, wanted: list[int]) -> None:
    with database.transaction() as session:
        session.insert("rate_deck", DECK, [deck(number) for number in (1, 2, 3)])
        sql = f"SELECT deck_id FROM rate_deck WHERE {session.among('deck_id')} ORDER BY deck_id"

        assert session.rows(sql, session.listed(wanted)) == [(number,) for number in (1, 2, 3) if number in wanted]


def test_rows_are_found_among_a_list_of_texts(database: Database) -> None:
    with database.transaction() as session:
        session.insert("rate_deck", DECK, [deck(1, "a"), deck(2, "b"), deck(3, "c")])
        sql = f"SELECT deck_id FROM rate_deck WHERE {session.among('name')} ORDER BY deck_id"

        assert session.rows(sql, session.listed(["a", "c", "x"])) == [(1,), (3,)]


def test_the_orm_reads_what_the_same_transaction_wrote(database: Database) -> None:
    with database.transaction() as session:
        insert_deck(session, 1, "before")
        first = session.orm.exec(select(RateDeck.name)).all()
        object_before = session.orm.exec(select(RateDeck)).one()
        session.execute("UPDATE rate_deck SET name = ?", "after")
        object_after = session.orm.exec(select(RateDeck)).one()

        assert first == ["before"]
        assert object_after is object_before
        assert object_after.name == "after"


def test_what_the_orm_was_used_in_commits_and_its_objects_keep_their_values(database: Database) -> None:
    with database.transaction() as session:
        insert_deck(session, 1)
        found = session.orm.exec(select(RateDeck)).one()

    with database.reading() as session:
        assert numbers(session) == [1]
    assert found.name == "standard"


def test_an_error_after_the_orm_was_used_leaves_no_trace(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.transaction() as session:
        insert_deck(session, 1)
        session.orm.exec(select(RateDeck)).all()
        raise ZeroDivisionError

    with database.reading() as session:
        assert numbers(session) == []


def test_writers_wait_for_each_other_and_lose_no_update(database: Database) -> None:
    with database.transaction() as session:
        insert_deck(session, 1)

    def count_up() -> None:
        for _ in range(25):
            with database.transaction() as session:
                lock = f"SELECT rate_count FROM rate_deck WHERE deck_id = 1{session.for_update}"
                ((count,),) = session.rows(lock)
                session.execute("UPDATE rate_deck SET rate_count = ? WHERE deck_id = 1", count + 1)

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with database.reading() as session:
        assert session.row("SELECT rate_count FROM rate_deck") == (100,)


def test_a_second_writer_on_sqlite_begins_when_the_first_has_ended(sqlite_database: Database) -> None:
    order: list[str] = []
    first_is_in = threading.Event()

    def second() -> None:
        first_is_in.wait()
        with sqlite_database.transaction():
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with sqlite_database.transaction() as session:
        first_is_in.set()
        thread.join(timeout=0.1)
        insert_deck(session, 1)
        order.append("first")
    thread.join()

    assert order == ["first", "second"]


def test_another_process_of_sqlite_waits_too(sqlite_database: Database) -> None:
    with closing(Database(sqlite_database.url)) as other, other.transaction() as session:
        insert_deck(session, 1)
        thread = threading.Thread(target=lambda: insert_two(sqlite_database))
        thread.start()
        thread.join(timeout=0.1)
        assert thread.is_alive()
    thread.join()

    with sqlite_database.reading() as session:
        assert numbers(session) == [1, 2]


def insert_two(database: Database) -> None:
    with database.transaction() as session:
        insert_deck(session, 2)


def test_sqlite_is_durable_and_checks_foreign_keys(sqlite_database: Database) -> None:
    with sqlite_database.reading() as session:
        assert session.row("PRAGMA journal_mode") == ("wal",)
        assert session.row("PRAGMA synchronous") == (2,)
        assert session.row("PRAGMA foreign_keys") == (1,)


def test_sqlite_is_of_a_version_without_the_wal_reset_race() -> None:
    assert sqlite.sqlite_version_info >= (3, 51, 3)


def drop_connections(database: Database) -> None:
    """Let the server drop two connections that wait in the pool."""
    with database.transaction() as first, database.transaction() as second:
        backends = [session.row("SELECT pg_backend_pid()") for session in (first, second)]
    with closing(Database(database.url)) as other, other.transaction() as session:
        for backend in backends:
            assert backend is not None
            session.rows("SELECT pg_terminate_backend(?, 5000)", *backend)


def test_connections_that_the_server_dropped_are_replaced(postgresql_database: Database) -> None:
    drop_connections(postgresql_database)

    with postgresql_database.transaction() as session:
        insert_deck(session, 1)

    with postgresql_database.reading() as session:
        assert numbers(session) == [1]


def test_a_connection_lost_within_a_transaction_is_an_error_and_then_forgotten(postgresql_database: Database) -> None:
    with pytest.raises(psycopg.OperationalError), postgresql_database.transaction() as session:
        session.orm.exec(select(RateDeck)).all()
        session.rows("SELECT pg_terminate_backend(pg_backend_pid())")

    with postgresql_database.transaction() as session:
        assert numbers(session) == []


def test_a_connection_on_which_no_transaction_could_begin_is_clean_when_it_is_used_again(
    postgresql_database: Database,
) -> None:
    with closing(Database(postgresql_database.url, pool_size=1)) as narrow:
        with pytest.raises(psycopg.errors.DivisionByZero):
            narrow._begun("BEGIN; SELECT 1 / 0")

        with narrow.transaction() as session:
            assert session.row("SELECT 1") == (1,)


def test_a_hurried_transaction_commits_and_leaves_no_trace_when_it_fails(database: Database) -> None:
    with database.transaction(hurried=True) as session, session.together():
        insert_deck(session, 1)
    with pytest.raises(ZeroDivisionError), database.transaction(hurried=True) as session:
        insert_deck(session, 2)
        raise ZeroDivisionError
    with database.transaction(hurried=True):
        pass

    with database.reading() as session:
        assert numbers(session) == [1]


def test_a_hurried_transaction_on_a_dropped_connection_fails_and_the_next_finds_a_new_one(
    postgresql_database: Database,
) -> None:
    drop_connections(postgresql_database)

    with pytest.raises(psycopg.OperationalError), postgresql_database.transaction(hurried=True) as session:
        insert_deck(session, 1)
    with postgresql_database.transaction(hurried=True) as session:
        insert_deck(session, 2)

    with postgresql_database.reading() as session:
        assert numbers(session) == [2]
