"""GraphiQL comes from this server alone, and from files only."""

import re

from tests.api.conftest import House


def _page(house: House) -> str:
    return str(house.signed_in().get("/graphql", headers={"Accept": "text/html"}).text)


def test_the_page_has_no_script_or_style_of_its_own(house: House) -> None:
    page = _page(house)

    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert "<style" not in page
    assert re.findall(r"\son\w+=|\sstyle=", page) == []


def test_everything_that_the_page_loads_is_served_here_and_kept(house: House) -> None:
    loaded = re.findall(r'(?:src|href)="([^"]+)"', _page(house))
    files = [address for address in loaded if address != "/"]

    assert len(files) >= 7
    for address in files:
        answer = house.client().get(address)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["cache-control"]


def test_nothing_is_loaded_from_elsewhere(house: House) -> None:
    assert "//" not in _page(house).replace("<!doctype html>", "")


def test_the_boot_script_keeps_nothing_beyond_the_tab(house: House) -> None:
    script = house.client().get("/static/graphiql.js").text

    assert "localStorage" not in script
    assert "sessionStorage" in script
    assert "shouldPersistHeaders: false" in script
