"""What the tests of the schema share."""

from typing import Any

import pytest

from db.session import Database, Session
from tests.schema.asking import Api


@pytest.fixture
def api(database: Database) -> Api:
    """The schema over a fresh database of each kind."""
    return Api(database)


@pytest.fixture
def small_api(sqlite_database: Database) -> Api:
    """The schema over a fresh SQLite database, for what no engine can change."""
    return Api(sqlite_database)


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that is sent while the test runs."""
    sent: list[str] = []

    def watch(name: str) -> None:
        real = getattr(Session, name)

        def watched(self: Session, sql: str, *parameters: Any) -> Any:
            if not sql.startswith("PRAGMA"):
                sent.append(sql)
            return real(self, sql, *parameters)

        monkeypatch.setattr(Session, name, watched)

    for name in ("rows", "row", "execute"):
        watch(name)
    return sent
