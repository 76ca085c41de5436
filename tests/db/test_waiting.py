"""Waiting for PostgreSQL on an event loop: the loop goes on, and what is cancelled leaves no trace."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest
import sqlalchemy

from db.session import Database, Session
from db.waiting import aside, on_loop
from tests.db.test_session import insert_deck, numbers

PATIENCE_SECONDS = 30
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def run(course: Coroutine[Any, Any, Any]) -> Any:
    """Run a course on a loop of its own; one that stands still for ever fails."""
    return asyncio.run(asyncio.wait_for(course, PATIENCE_SECONDS))


def renaming(database: Database, name: str, *, hurried: bool = False) -> Callable[[], None]:
    """The work of giving the deck another name."""

    def rename() -> None:
        with database.transaction(hurried=hurried) as session, session.together():
            session.execute("UPDATE rate_deck SET name = ?", name)

    return rename


async def until_somebody_waits(database: Database) -> None:
    """Come back when a transaction waits for another's lock; it asks on a thread."""
    while await asyncio.to_thread(_waiting_for_locks, database) == 0:
        pass


def _waiting_for_locks(database: Database) -> int:
    with database.reading() as session:
        ((count,),) = session.rows(_WAITING)
    return int(count)


@contextmanager
def locked(database: Database) -> Iterator[Session]:
    """A transaction that holds the row of the deck."""
    with database.transaction() as session:
        session.execute("UPDATE rate_deck SET rate_count = 1")
        yield session


@pytest.fixture
def deck(postgresql_database: Database) -> Database:
    """A database with one deck."""
    with postgresql_database.transaction() as session:
        insert_deck(session, 1, "before")
    return postgresql_database


def name_of_deck(database: Database) -> str:
    with database.reading() as session:
        ((name,),) = session.rows("SELECT name FROM rate_deck")
    return str(name)


@pytest.mark.parametrize("hurried", [False, True])
def test_the_loop_goes_on_while_a_statement_waits_for_a_lock(deck: Database, hurried: bool) -> None:
    """The loop itself lets go of what the statement waits for."""

    async def wait_and_let_go() -> bool:
        with locked(deck):
            work = asyncio.create_task(on_loop(renaming(deck, "after", hurried=hurried)))
            await until_somebody_waits(deck)
            was_waiting = not work.done()
        await work
        return was_waiting

    assert run(wait_and_let_go())
    assert name_of_deck(deck) == "after"


def test_work_that_is_cancelled_while_it_waits_leaves_no_trace_and_the_next_works(deck: Database) -> None:
    async def cancel() -> None:
        with locked(deck):
            work = asyncio.create_task(on_loop(renaming(deck, "never")))
            await until_somebody_waits(deck)
            work.cancel()
            await asyncio.wait([work])
            assert work.cancelled()
        await on_loop(renaming(deck, "next"))

    run(cancel())

    assert name_of_deck(deck) == "next"


def test_an_error_goes_to_whoever_asked_and_leaves_no_trace(deck: Database) -> None:
    def insert_again() -> None:
        with deck.transaction() as session:
            insert_deck(session, 2)
            insert_deck(session, 1)

    with pytest.raises(psycopg.IntegrityError):
        run(on_loop(insert_again))
    with deck.reading() as session:
        assert numbers(session) == [1]


def test_the_loop_goes_on_while_a_server_does_not_answer() -> None:
    """The loop itself is the server: it takes the connection, and hangs up."""
    asked = []

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(True)
        writer.close()

    async def connect() -> None:
        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        database = Database(f"postgresql://nobody@127.0.0.1:{port}/nothing?sslmode=disable&gssencmode=disable")
        async with server:
            await on_loop(renaming(database, "nowhere"))

    with pytest.raises(sqlalchemy.exc.OperationalError):
        run(connect())
    assert asked


def test_the_loop_goes_on_while_others_hold_all_connections(deck: Database) -> None:
    """The loop itself gives back the only one."""

    async def wait_and_give_back() -> None:
        with closing(Database(deck.url, pool_size=1)) as database:
            with database.transaction() as session:
                session.execute("UPDATE rate_deck SET rate_count = 1")
                work = asyncio.create_task(on_loop(renaming(database, "after")))
                await asyncio.sleep(0)
            await work

    run(wait_and_give_back())

    assert name_of_deck(deck) == "after"


def test_what_is_done_aside_is_done_on_a_thread_with_the_same_transaction(deck: Database) -> None:
    def read() -> tuple[int, list[int]]:
        with deck.transaction() as session:
            insert_deck(session, 2)
            return aside(lambda: (threading.get_ident(), numbers(session)))

    thread, found = run(on_loop(read))

    assert thread != threading.get_ident()
    assert found == [1, 2]


def test_without_a_loop_nothing_is_done_aside() -> None:
    assert aside(threading.get_ident) == threading.get_ident()
