"""The background work writes down what has fallen due, and one account's trouble stops no other."""

import threading

import pytest
from structlog.testing import capture_logs

from api.bookkeeping import Bookkeeper
from credits.due import bring_up_to_date
from credits.instants import DAY, HOUR
from credits.terms import Terms
from db.session import Database
from tests.factories import NOW, make_account, make_lot


def _forfeited(database: Database) -> int:
    with database.reading() as session:
        return len(session.rows("SELECT 1 FROM lot WHERE forfeited_at IS NOT NULL"))


def test_an_expired_lot_is_forfeited_once_its_settlement_window_is_over(database: Database) -> None:
    make_lot(database, make_account(database), expires_at=NOW + DAY)
    keeper = Bookkeeper(database, Terms(), interval_seconds=60)

    before = keeper.run_once(NOW + DAY + 72 * HOUR - 1)
    then = keeper.run_once(NOW + DAY + 72 * HOUR)
    again = keeper.run_once(NOW + DAY + 73 * HOUR)

    assert (before, then, again) == (0, 1, 0)
    assert _forfeited(database) == 1


def test_one_accounts_fault_stops_no_other(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = sorted(make_account(sqlite_database) for _ in range(3))
    for account_id in accounts:
        make_lot(sqlite_database, account_id, expires_at=NOW + DAY)

    def fails_for_the_first(session: object, account_id: int, *rest: object) -> int:
        if account_id == accounts[0]:
            raise RuntimeError("broken")
        return bring_up_to_date(session, account_id, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("api.bookkeeping.bring_up_to_date", fails_for_the_first)
    with capture_logs() as logged:
        done = Bookkeeper(sqlite_database, Terms(), interval_seconds=60).run_once(NOW + 30 * DAY)

    assert done == 2
    assert _forfeited(sqlite_database) == 2
    assert [line["account"] for line in logged if line["event"] == "bookkeeping_failed"] == [accounts[0]]


def test_it_works_on_a_thread_until_it_is_stopped(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = threading.Semaphore(0)
    keeper = Bookkeeper(sqlite_database, Terms(), interval_seconds=0.001)
    monkeypatch.setattr(keeper, "run_once", lambda _now: rounds.release())

    keeper.start()

    assert all(rounds.acquire(timeout=5) for _ in range(3))
    keeper.stop()
    assert not any(thread.name == "bookkeeper" for thread in threading.enumerate())
