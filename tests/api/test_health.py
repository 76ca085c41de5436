"""Does it live, and may it be sent requests?"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.app import build_app
from api.settings import Settings
from db.session import Database


@contextmanager
def _serving(tmp_path: Path, url: str) -> Iterator[TestClient]:
    with TestClient(build_app(Settings(data=tmp_path, database_url=url, worker=False))) as client:
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
