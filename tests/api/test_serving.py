"""`credits serve` and `credits worker` as processes: they start, do their work, and end when told to."""

import signal
import time
from pathlib import Path

import httpx2
import pytest

from credits.ids import public_id
from credits.tokens import create_token
from db.kinds import Scope
from db.session import Database
from tests.factories import NOW, make_account, make_lot
from tests.live import streaming, talking
from tests.serving import LOG, PATIENCE_SECONDS, answers, free_port, program, soon


def _expired_lot(database: Database) -> None:
    """A lot whose settlement window is over at the real present."""
    long_ago = 1_600_000_000_000_000
    account_id = make_account(database, now=long_ago)
    make_lot(database, account_id, now=long_ago, expires_at=long_ago + 1)


def _is_forfeited(database: Database) -> bool:
    with database.reading() as session:
        return session.rows("SELECT 1 FROM ledger_entry WHERE kind = 'EXPIRY'") != []


def _live_connections_end(tmp_path: Path, database: Database, *words: str) -> None:
    """Watch from this process what another one serves, and change it from this one; then have the other end."""
    account_id = make_account(database)
    account, port = public_id("acct", account_id), free_port()
    with database.transaction() as session:
        token = create_token(session, name="Wallboard", scopes=[Scope.READ], account_id=account_id, now=NOW)
    words = ("serve", "--port", str(port), "--no-worker", *words)
    with program(tmp_path, database, *words, log_level="DEBUG") as process:
        place = f"127.0.0.1:{port}"
        assert soon(lambda: answers(f"http://{place}"))
        with streaming(place, account, token=token) as events, talking(place, "/graphql?secret=4711") as talk:
            talk.greet(token)
            talk.subscribe(account)
            told = [events.available(), talk.available()]
            make_lot(database, account_id, 5)
            told += [events.available(), talk.available()]
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)

            assert told == ["0.00", "0.00", "5.00", "5.00"]
            assert events.next() is None  # and no `complete`: clients are to come back
            assert talk.ended()[0] == 1012
        process.wait(timeout=PATIENCE_SECONDS)
        assert time.monotonic() - began < 15  # the server would wait 20 seconds for an answer that does not end
    log = (tmp_path / LOG).read_text()
    assert [secret for secret in (token, "4711") if secret in log] == []
    assert '"method": "WEBSOCKET"' in log


def test_a_server_that_is_told_to_end_ends_what_lasts_and_logs_no_secret(tmp_path: Path, database: Database) -> None:
    _live_connections_end(tmp_path, database)


def test_so_do_several_processes_that_share_a_port(tmp_path: Path, sqlite_database: Database) -> None:
    _live_connections_end(tmp_path, sqlite_database, "--workers", "2")


@pytest.mark.parametrize("told", [None, "https://credits.example"])
def test_links_lead_to_where_it_serves_unless_it_is_told_another_address(
    tmp_path: Path, sqlite_database: Database, told: str | None
) -> None:
    account_id, port = make_account(sqlite_database), free_port()
    with sqlite_database.transaction() as session:
        token = create_token(session, name="Books", scopes=[Scope.READ], account_id=account_id, now=NOW)
    document = f'{{ account(id: "{public_id("acct", account_id)}") {{ usageReport {{ url }} }} }}'
    settings = {} if told is None else {"CREDITS_BASE_URL": told}

    with program(tmp_path, sqlite_database, "serve", "--port", str(port), "--no-worker", set_to=settings):
        place = f"http://127.0.0.1:{port}"
        assert soon(lambda: answers(place))
        answer = httpx2.post(
            f"{place}/graphql", json={"query": document}, headers={"Authorization": f"Bearer {token}"}
        ).json()

    assert answer["data"]["account"]["usageReport"]["url"].startswith(f"{told or place}/accounts/")


def test_the_worker_writes_down_what_is_due_and_ends_in_order(tmp_path: Path, sqlite_database: Database) -> None:
    _expired_lot(sqlite_database)

    with program(tmp_path, sqlite_database, "worker") as process:
        assert soon(lambda: _is_forfeited(sqlite_database))

    assert process.returncode == 0


@pytest.mark.parametrize(("words", "works"), [((), True), (("--no-worker",), False)])
def test_serving_does_the_background_work_unless_told_not_to(
    tmp_path: Path, sqlite_database: Database, words: tuple[str, ...], works: bool
) -> None:
    _expired_lot(sqlite_database)
    port = free_port()

    with program(tmp_path, sqlite_database, "serve", "--port", str(port), *words):
        assert soon(lambda: answers(f"http://127.0.0.1:{port}"))
        if works:
            assert soon(lambda: _is_forfeited(sqlite_database))

    assert _is_forfeited(sqlite_database) is works
