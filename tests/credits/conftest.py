"""Books to work with: a TEST account with an empty ledger, on each engine."""

import pytest

from db.session import Database
from tests.books import Books, open_books


@pytest.fixture
def books(database: Database) -> Books:
    """A TEST account in US dollars and UTC, its clock at `NOW`, its calls priced by the second."""
    return open_books(database)
