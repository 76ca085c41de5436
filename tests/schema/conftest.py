"""What the tests of the schema share."""

import pytest

from db.session import Database
from tests.schema.asking import Api


@pytest.fixture
def api(database: Database) -> Api:
    """The schema over a fresh database of each kind."""
    return Api(database)


@pytest.fixture
def small_api(sqlite_database: Database) -> Api:
    """The schema over a fresh SQLite database, for what no engine can change."""
    return Api(sqlite_database)
