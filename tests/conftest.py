"""The rig: databases of both kinds, fresh for each test, and the sample data beside the project."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import settings

from db.migrations import upgrade
from db.session import Database
from tests import postgres
from tests.kept import KeptDatabase
from tests.postgres import create_database, database_url, drop_database

_SHARED_DATA = Path(
    os.environ.get("CREDITS_SHARED_DATA") or Path(__file__).resolve().parent.parent.parent / "shared" / "data"
)
_MEMORY, _MEMORY_NEEDED_BYTES = Path("/dev/shm"), 2 << 30


# How long one example takes is the machine's matter, on which others are at work, too.
settings.register_profile("credits", deadline=None)
settings.load_profile("credits")


def pytest_configure() -> None:
    """Let the tests write in memory, where nothing waits for a disk, unless TMPDIR says where or there is no room."""
    if "TMPDIR" in os.environ or not os.access(_MEMORY, os.W_OK | os.X_OK):
        return
    if shutil.disk_usage(_MEMORY).free >= _MEMORY_NEEDED_BYTES:
        os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are hashed as cheaply as argon2 can; that they are slow to guess is not the tests' matter."""
    monkeypatch.setattr("credits.passwords._HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """A database with migrated, empty tables; the test runs once on each engine."""
    found: Database = request.getfixturevalue(f"{request.param}_database")
    return found


@pytest.fixture
def sqlite_database(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    """An empty SQLite database with migrated tables."""
    path = tmp_path / "credits.db"
    shutil.copyfile(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


@pytest.fixture
def postgresql_database(kept_database: KeptDatabase) -> Iterator[Database]:
    """An empty PostgreSQL database with migrated tables."""
    with kept_database.lent() as database:
        yield database


@pytest.fixture
def bare_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any tables, of the kind that the test's parameter names."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'bare.db'}")
        yield database
        database.close()
        return
    server = request.getfixturevalue("postgresql_server")
    name = create_database(server)
    database = Database(database_url(server, name))
    yield database
    database.close()
    drop_database(server, name)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "credits.db"
    database = Database(f"sqlite:///{path}")
    upgrade(database)
    database.close()
    return path


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a PostgreSQL server on which databases may be created."""
    with ExitStack() as running:
        try:
            url = running.enter_context(postgres.server())
        except postgres.NoServer as trouble:
            pytest.fail(str(trouble), pytrace=False)
        yield url


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> Iterator[str]:
    """The name of a migrated PostgreSQL database to copy."""
    name = create_database(postgresql_server)
    database = Database(database_url(postgresql_server, name))
    upgrade(database)
    database.close()
    yield name
    drop_database(postgresql_server, name)


@pytest.fixture(scope="session")
def kept_database(postgresql_server: str, postgresql_template: str) -> Iterator[KeptDatabase]:
    """The PostgreSQL database that the tests of this process use one after the other."""
    kept = KeptDatabase(postgresql_server, postgresql_template)
    yield kept
    kept.throw_away()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of sample decks, call records and golden cases beside the project."""
    return _SHARED_DATA


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests on the sample data where there is none; the summary says so."""
    if _SHARED_DATA.is_dir():
        return
    left_out = [item for item in items if "shared_data" in getattr(item, "fixturenames", ())]
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say aloud that there was no sample data."""
    if not _SHARED_DATA.is_dir():
        terminalreporter.section("sample data")
        terminalreporter.line(
            f"There is no folder {_SHARED_DATA}: the tests on sample data were left out."
            " Set CREDITS_SHARED_DATA to where it is."
        )
