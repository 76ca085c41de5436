"""The rig says what is missing, and leaves nothing behind."""

from pathlib import Path

import psycopg
import pytest

from tests import postgres


def test_without_postgresql_it_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_candidates", lambda: iter([Path("/nowhere")]))
    monkeypatch.delenv(postgres.SERVER_URL_VARIABLE, raising=False)

    with pytest.raises(postgres.NoServer, match="apt-get install postgresql"), postgres.server():
        pass


def test_the_server_that_is_named_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(postgres.SERVER_URL_VARIABLE, "postgresql://somewhere/postgres")

    with postgres.server() as url:
        assert url == "postgresql://somewhere/postgres"


def test_a_server_of_our_own_is_gone_afterwards_with_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(postgres.SERVER_URL_VARIABLE, raising=False)

    with postgres.server() as url:
        folder = Path(url.partition("host=")[2])
        assert folder.is_dir()

    assert not folder.exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
