"""The page of rates: what a country's name finds, in either language, on the page and in its CSV."""

import csv
import io

import pytest

from db.session import Database
from tests.factories import a_rate, make_deck
from tests.web.conftest import Browser

PLACES = {"238": "Cape Verde", "45": "Denmark", "49": "Germany", "4915": "Mobile", "236": "Central African Republic"}


@pytest.mark.parametrize("typed", ["Germany", "ドイツ", "de"])
@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_country_finds_its_rates_in_the_order_of_their_prefixes(
    ada: Browser, sqlite_database: Database, typed: str, language: str
) -> None:
    make_deck(sqlite_database, *(a_rate(prefix, "0.06", destination=name) for prefix, name in PLACES.items()))

    page = ada.see(f"/rates?search={typed}", **{"accept-language": language}).text
    rows = list(csv.reader(io.StringIO(ada.see(f"/rates.csv?search={typed}").text)))

    assert [row[2] for row in rows[1:]] == ["Germany", "Mobile"]
    assert page.index("+49<") < page.index("+4915<")
    assert "Cape Verde" not in page
    assert f'value="{typed}"' in page
