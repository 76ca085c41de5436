"""`credits serve` and `credits worker` as processes: they start, do their work, and end when told to."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from db.session import Database
from tests.factories import make_account, make_lot

PATIENCE_SECONDS = 90


@contextmanager
def _process(tmp_path: Path, database: Database, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CREDITS_")}
    settings = {"CREDITS_DATA": str(tmp_path), "CREDITS_DATABASE_URL": database.url, "CREDITS_LOG_FORMAT": "json"}
    process = subprocess.Popen(
        [sys.executable, "-c", "from api.cli import main; main()", *words],
        stderr=subprocess.DEVNULL, env={**clean, **settings},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=PATIENCE_SECONDS)


def _soon(happens: object) -> bool:
    assert callable(happens)
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if happens():
            return True
        time.sleep(0.1)
    return False


def _expired_lot(database: Database) -> None:
    """A lot whose settlement window is over at the real present."""
    long_ago = 1_600_000_000_000_000
    account_id = make_account(database, now=long_ago)
    make_lot(database, account_id, now=long_ago, expires_at=long_ago + 1)


def _is_forfeited(database: Database) -> bool:
    with database.reading() as session:
        return session.rows("SELECT 1 FROM ledger_entry WHERE kind = 'EXPIRY'") != []


def _answers(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/readyz").status_code == 200
    except httpx2.TransportError:
        return False


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def test_the_worker_writes_down_what_is_due_and_ends_in_order(tmp_path: Path, sqlite_database: Database) -> None:
    _expired_lot(sqlite_database)

    with _process(tmp_path, sqlite_database, "worker") as process:
        assert _soon(lambda: _is_forfeited(sqlite_database))

    assert process.returncode == 0


@pytest.mark.parametrize(("words", "works"), [((), True), (("--no-worker",), False)])
def test_serving_does_the_background_work_unless_told_not_to(
    tmp_path: Path, sqlite_database: Database, words: tuple[str, ...], works: bool
) -> None:
    _expired_lot(sqlite_database)
    port = _free_port()

    with _process(tmp_path, sqlite_database, "serve", "--port", str(port), *words):
        assert _soon(lambda: _answers(f"http://127.0.0.1:{port}"))
        if works:
            assert _soon(lambda: _is_forfeited(sqlite_database))

    assert _is_forfeited(sqlite_database) is works
