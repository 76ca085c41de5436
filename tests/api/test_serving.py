"""`credits serve` and `credits worker` as processes: they start, do their work, and end when told to."""

from pathlib import Path

import pytest

from db.session import Database
from tests.factories import make_account, make_lot
from tests.serving import answers, free_port, program, soon


def _expired_lot(database: Database) -> None:
    """A lot whose settlement window is over at the real present."""
    long_ago = 1_600_000_000_000_000
    account_id = make_account(database, now=long_ago)
    make_lot(database, account_id, now=long_ago, expires_at=long_ago + 1)


def _is_forfeited(database: Database) -> bool:
    with database.reading() as session:
        return session.rows("SELECT 1 FROM ledger_entry WHERE kind = 'EXPIRY'") != []


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
