"""Does it live, and may it be sent requests?"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api import clock
from api.app import build_app
from api.settings import Settings
from credits.instants import SECOND
from db.kinds import AccountMode
from db.session import Database
from tests.factories import make_account


@contextmanager
def _serving(tmp_path: Path, url: str, **settings: int) -> Iterator[TestClient]:
    values: dict[str, Any] = {"data": tmp_path, "database_url": url, "worker": False, **settings}
    with TestClient(build_app(Settings(**values))) as client:
        yield client


def test_it_is_ready_when_the_tables_are_current(tmp_path: Path, database: Database) -> None:
    with _serving(tmp_path, database.url) as client:
        first, again = client.get("/readyz"), client.get("/readyz")

    assert (first.status_code, first.text, again.status_code) == (200, "ready\n", 200)


@pytest.mark.parametrize("bare_database", ["sqlite", "postgresql"], indirect=True)
def test_without_tables_it_lives_but_is_not_ready(tmp_path: Path, bare_database: Database) -> None:
    with _serving(tmp_path, bare_database.url) as client:
        lives, ready = client.get("/healthz"), client.get("/readyz")

    assert (lives.status_code, ready.status_code) == (200, 503)
    assert "version" in ready.text


def test_without_a_database_it_lives_but_is_not_ready(tmp_path: Path) -> None:
    with _serving(tmp_path, "postgresql://nobody@127.0.0.1:1/nothing") as client:
        lives, ready = client.get("/healthz"), client.get("/readyz")

    assert (lives.status_code, ready.status_code) == (200, 503)


@pytest.mark.parametrize(("late_seconds", "is_late"), [(30, False), (90, True)])
def test_work_that_is_late_is_told_and_keeps_from_serving_only_for_whoever_asks_so(
    tmp_path: Path, database: Database, late_seconds: int, is_late: bool
) -> None:
    account_id = make_account(database)
    with database.transaction() as session:
        due_at = clock.now() - late_seconds * SECOND
        session.execute("UPDATE account SET due_at = ? WHERE account_id = ?", due_at, account_id)

    with _serving(tmp_path, database.url, worker_lag_seconds=60) as client:
        asked, asked_with_worker = client.get("/readyz"), client.get("/readyz?with=worker")

    assert asked.status_code == 200
    if is_late:
        assert asked.text.startswith("ready, but background work is late: account 9")
        assert asked_with_worker.status_code == 503
        assert asked_with_worker.text.startswith("not ready: background work is late: account 9")
    else:
        assert (asked.text, asked_with_worker.text, asked_with_worker.status_code) == ("ready\n", "ready\n", 200)


def test_the_work_of_test_accounts_is_never_late(tmp_path: Path, sqlite_database: Database) -> None:
    account_id = make_account(sqlite_database, mode=AccountMode.TEST)
    with sqlite_database.transaction() as session:
        session.execute("UPDATE account SET due_at = 1 WHERE account_id = ?", account_id)

    with _serving(tmp_path, sqlite_database.url, worker_lag_seconds=60) as client:
        assert client.get("/readyz?with=worker").status_code == 200
