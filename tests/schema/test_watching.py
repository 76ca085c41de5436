"""One look for all who watch: cheap, only while somebody does, and undaunted."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from db.session import Database, Session
from schema.watching import Watching
from tests.factories import NOW, make_account, make_lot

PATIENCE_SECONDS = 30


def keeper_of(database: Database, interval_seconds: float = 0.02) -> Watching:
    return Watching(database, lambda: NOW, interval_seconds)


def test_fifty_accounts_are_looked_at_in_one_statement(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    account_ids = [make_account(database) for _ in range(50)]
    statements: list[str] = []
    rows = Session.rows

    def counting(self: Session, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        statements.append(sql)
        return rows(self, sql, *parameters)

    async def watch() -> None:
        keeper = keeper_of(database, PATIENCE_SECONDS)
        with ExitStack() as stack:
            watches = [stack.enter_context(keeper.watch(account_id)) for account_id in account_ids]
            assert all(await asyncio.gather(*(each.changed(PATIENCE_SECONDS) for each in watches)))

    monkeypatch.setattr(Session, "rows", counting)
    asyncio.run(watch())

    assert len(statements) == 1


def test_only_those_who_watch_the_account_that_changed_are_woken(database: Database) -> None:
    changing, staying = make_account(database), make_account(database)

    async def watch() -> None:
        keeper = keeper_of(database)
        with keeper.watch(changing) as one, keeper.watch(staying) as other:
            await asyncio.gather(one.changed(PATIENCE_SECONDS), other.changed(PATIENCE_SECONDS))
            await asyncio.to_thread(make_lot, database, changing, 1)

            assert await one.changed(PATIENCE_SECONDS)
            assert not await other.changed(0)

    asyncio.run(watch())


def test_a_nudge_from_any_thread_is_looked_into_at_once(sqlite_database: Database) -> None:
    account_id = make_account(sqlite_database)

    async def watch() -> None:
        keeper = keeper_of(sqlite_database, 3600)
        with keeper.watch(account_id) as watch:
            await watch.changed(PATIENCE_SECONDS)
            await asyncio.to_thread(make_lot, sqlite_database, account_id, 1)
            await asyncio.to_thread(keeper.nudge)

            assert await watch.changed(PATIENCE_SECONDS)

    asyncio.run(watch())


def test_nudges_while_nobody_watches_start_nothing_and_spoil_nothing(sqlite_database: Database) -> None:
    account_id = make_account(sqlite_database)

    async def watch() -> None:
        keeper = keeper_of(sqlite_database, 3600)
        for _ in range(2):
            keeper.nudge()
            assert not keeper.is_looking
            with keeper.watch(account_id) as watch:
                assert await watch.changed(PATIENCE_SECONDS)
                make_lot(sqlite_database, account_id, 1)
                keeper.nudge()
                assert await watch.changed(PATIENCE_SECONDS)

    asyncio.run(watch())


def test_a_look_that_fails_is_logged_and_the_next_one_sees_what_was_missed(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id = make_account(sqlite_database)
    reading, fails = Database.reading, [True, True]

    @contextmanager
    def away_at_first(self: Database) -> Iterator[Session]:
        if fails:
            fails.pop()
            raise ConnectionError("the database is away")
        with reading(self) as session:
            yield session

    async def watch() -> bool:
        keeper = keeper_of(sqlite_database)
        with keeper.watch(account_id) as watch:
            return await watch.changed(PATIENCE_SECONDS)

    monkeypatch.setattr(Database, "reading", away_at_first)
    with capture_logs() as logs:
        assert asyncio.run(watch())

    assert [line["event"] for line in logs] == ["look_failed", "look_failed"]
