"""The background work does what has fallen due, each thing once, and one thing's trouble stops no other."""

import itertools
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from api import clock
from api.mail import Folder
from api.worker import LEFT_ALONE, Loop, Post, Worker
from credits import recharging
from credits.due import bring_up_to_date
from credits.instants import DAY, HOUR, MINUTE, SECOND
from credits.payment_methods import add_payment_method
from credits.providers import PaymentAnswer, PaymentRequest, Providers, TestProvider
from credits.refusals import conflict
from credits.terms import Terms
from db.session import Database
from tests.factories import NOW, PROVIDERS, make_account, make_agreement, make_card, make_lot, make_test_account, micros
from tests.measured import counted, growing


def worker_on(database: Database, folder: Path) -> Worker:
    """A worker that writes its mail into a folder."""
    post = Post(Folder(folder), "credits@example.com", "https://credits.example")
    return Worker(database, Terms(), PROVIDERS, post, interval_seconds=60)


def forfeited(database: Database) -> int:
    """How many lots are forfeited."""
    with database.reading() as session:
        return len(session.rows("SELECT 1 FROM lot WHERE forfeited_at IS NOT NULL"))


def test_an_expired_lot_is_forfeited_once_its_settlement_window_is_over(database: Database, tmp_path: Path) -> None:
    make_lot(database, make_account(database), expires_at=NOW + DAY)
    worker = worker_on(database, tmp_path)

    done = [worker.do_money(NOW + after) for after in (DAY - 1, DAY, DAY + 72 * HOUR - 1, DAY + 72 * HOUR, 200 * HOUR)]

    assert done == [0, 1, 0, 1, 0]
    assert forfeited(database) == 1


def test_a_recharge_whose_process_died_is_taken_up(database: Database, tmp_path: Path) -> None:
    account_id = make_account(database)
    make_agreement(database, account_id)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(recharging, "drive", interrupted)
        recharging.recharge(
            database, Providers(), account_id=account_id, amount_micros=micros(100), idempotency_key="k", now=NOW
        )

    worker_on(database, tmp_path).do_money(NOW)

    with database.reading() as session:
        assert session.rows("SELECT status FROM recharge") == [("SUCCEEDED",)]
        assert session.rows("SELECT amount_micros FROM lot") == [(micros(100),)]


def interrupted(*_: object, **__: object) -> None:
    """The process dies here."""
    raise KeyboardInterrupt


def test_a_test_accounts_recharge_waits_for_its_own_clock(database: Database, tmp_path: Path) -> None:
    account_id = make_test_account(database)
    make_card(database, account_id, "tok_timeout")
    recharging.recharge(
        database, Providers(), account_id=account_id, amount_micros=micros(100), idempotency_key="k", now=NOW
    )

    assert worker_on(database, tmp_path).do_money(NOW + DAY) == 0


def test_one_things_fault_stops_no_other_and_is_left_alone_for_a_while(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    accounts = sorted(make_account(sqlite_database) for _ in range(3))
    for account_id in accounts:
        make_lot(sqlite_database, account_id, expires_at=NOW + DAY)
    tried = []

    def fails_for_the_first(session: object, account_id: int, *rest: object) -> int:
        tried.append(account_id)
        if account_id == accounts[0]:
            raise RuntimeError("broken")
        return bring_up_to_date(session, account_id, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("api.worker.bring_up_to_date", fails_for_the_first)
    worker = worker_on(sqlite_database, tmp_path)
    with capture_logs() as logged, growing("worker_jobs") as grown:
        worker.do_money(NOW + 30 * DAY)
        worker.do_money(NOW + 30 * DAY + LEFT_ALONE - 1)
        worker.do_money(NOW + 30 * DAY + LEFT_ALONE)
        worker.do_money(NOW + 30 * DAY + MINUTE // 2)

    assert forfeited(sqlite_database) == 2
    assert grown == {"worker_jobs_total account done": 2, "worker_jobs_total account failed": 2}
    assert [line["thing"] for line in logged if line["event"] == "work_failed"] == [accounts[0]] * 2
    assert tried.count(accounts[0]) == 2


def counting_on(rounds: threading.Semaphore) -> Callable[[], int]:
    """A round of work that is counted."""

    def work() -> int:
        rounds.release()
        return 1

    return work


def test_a_loop_works_on_a_thread_until_it_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = threading.Semaphore(0)
    monkeypatch.setattr("api.worker.SHORTEST_ROUND_SECONDS", 0.001)
    loop = Loop("money", counting_on(rounds), interval_seconds=0.001)

    loop.start()

    assert all(rounds.acquire(timeout=5) for _ in range(3))
    loop.stop()
    loop.join()
    assert not any(thread.name == "money" for thread in threading.enumerate())


def test_when_a_loop_last_ended_a_round_is_told_and_one_that_failed_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rounds = threading.Semaphore(0)
    monkeypatch.setattr("api.worker.SHORTEST_ROUND_SECONDS", 0.001)

    def fails() -> int:
        rounds.release()
        raise RuntimeError("broken")

    for name, work in (("round that ends", counting_on(rounds)), ("round that fails", fails)):
        loop = Loop(name, work, interval_seconds=0.001)
        loop.start()
        assert all(rounds.acquire(timeout=5) for _ in range(3))
        loop.stop()
        loop.join()

    told = counted()
    assert abs(told["worker_last_round_timestamp_seconds round that ends"] - clock.now() / SECOND) < 60
    assert "worker_last_round_timestamp_seconds round that fails" not in told


def test_a_nudge_makes_a_loop_work_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = threading.Semaphore(0)
    monkeypatch.setattr("api.worker.SHORTEST_ROUND_SECONDS", 0.001)
    loop = Loop("money", counting_on(rounds), interval_seconds=3600)
    loop.start()
    assert rounds.acquire(timeout=5)

    loop.nudge()

    assert rounds.acquire(timeout=5)
    loop.stop()
    loop.join()


def test_a_slow_answer_of_the_provider_holds_up_no_other_recharge(database: Database, tmp_path: Path) -> None:
    """Two cards are asked for money, and each is answered only when both have been asked."""
    both_asked = threading.Barrier(2)

    class Slow(TestProvider):
        def take(self, request: PaymentRequest) -> PaymentAnswer:
            both_asked.wait(timeout=20)
            return super().take(request)

    providers = Providers(Slow(), "https://credits.example")
    for _ in range(2):
        account_id = make_account(database)
        add_payment_method(database, providers, account_id=account_id, kind="CARD", token="tok_ok", now=NOW)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(recharging, "drive", lambda *_, **__: None)
            recharging.recharge(
                database, providers, account_id=account_id, amount_micros=micros(100), idempotency_key="k", now=NOW
            )

    worker = worker_on(database, tmp_path)
    worker.providers = providers
    worker.do_money(NOW)

    with database.reading() as session:
        assert session.rows("SELECT status FROM recharge") == [("SUCCEEDED",)] * 2


def test_a_refusal_is_no_fault_but_is_left_alone_too(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    make_lot(sqlite_database, make_account(sqlite_database), expires_at=NOW + DAY)

    def refuses(*_: object) -> int:
        raise conflict("Not now.")

    monkeypatch.setattr("api.worker.bring_up_to_date", refuses)
    worker = worker_on(sqlite_database, tmp_path)
    with capture_logs() as logged:
        worker.do_money(NOW + 30 * DAY)
        worker.do_money(NOW + 30 * DAY + LEFT_ALONE - 1)

    assert [(line["event"], line["log_level"], line["reason"]) for line in logged] == [
        ("work_refused", "warning", "Not now.")
    ]


def test_a_line_that_is_logged_while_a_thing_is_done_says_which(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    account_id = make_account(sqlite_database)
    make_lot(sqlite_database, account_id, expires_at=NOW + DAY)

    def notes(*_: object) -> int:
        structlog.get_logger("tests").info("noted")
        return 1

    monkeypatch.setattr("api.worker.bring_up_to_date", notes)
    with capture_logs(processors=[merge_contextvars]) as logged:
        worker_on(sqlite_database, tmp_path).keep_books(NOW + 30 * DAY)

    noted, worked = logged
    assert (noted["event"], noted["kind"], noted["thing"]) == ("noted", "account", account_id)
    assert (worked["event"], "thing" in worked) == ("worked", False)


def test_more_than_one_list_of_things_is_done_and_what_stays_due_hides_nothing(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    accounts = sorted(make_account(sqlite_database) for _ in range(9))
    for account_id in accounts:
        make_lot(sqlite_database, account_id, expires_at=NOW + DAY)

    def fails_for_the_first_five(session: object, account_id: int, *rest: object) -> int:
        if account_id in accounts[:5]:
            raise conflict("Not now.")
        return bring_up_to_date(session, account_id, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("api.worker.LISTED_AT_ONCE", 2)
    monkeypatch.setattr("api.worker.bring_up_to_date", fails_for_the_first_five)

    worker_on(sqlite_database, tmp_path).do_money(NOW + 30 * DAY)

    assert forfeited(sqlite_database) == 4


def test_each_thing_is_done_at_the_instant_at_which_it_begins(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for _ in range(3):
        make_lot(sqlite_database, make_account(sqlite_database), expires_at=NOW + DAY)
    ticks, instants = itertools.count(NOW + 30 * DAY, MINUTE), list[int]()

    def begun_at(_session: object, _account_id: int, now: int, _terms: Terms) -> int:
        instants.append(now)
        return 1

    monkeypatch.setattr("api.worker.clock.now", lambda: next(ticks))
    monkeypatch.setattr("api.worker.bring_up_to_date", begun_at)

    worker_on(sqlite_database, tmp_path).keep_books()

    assert instants == [NOW + 30 * DAY + minutes * MINUTE for minutes in (1, 2, 3)]


def test_what_time_brings_about_does_not_wait_for_the_payment_provider(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answered, asked, expired = threading.Event(), threading.Event(), threading.Event()

    def no_answer_yet(*_: object) -> list[object]:
        asked.set()
        assert answered.wait(timeout=20)
        return []

    def expires(*_: object) -> list[object]:
        if asked.is_set():
            expired.set()
        return []

    monkeypatch.setattr("api.worker.SHORTEST_ROUND_SECONDS", 0.001)
    monkeypatch.setattr("api.worker.recharges_due", no_answer_yet)
    monkeypatch.setattr("api.worker.accounts_with_something_due", expires)
    worker = worker_on(sqlite_database, tmp_path)
    worker.start()
    assert asked.wait(timeout=20)
    worker.nudge()

    happened_meanwhile = expired.wait(timeout=20)

    answered.set()
    worker.stop()
    assert happened_meanwhile
