"""GraphiQL comes from this server alone, and from files only."""

import re

from db.kinds import Scope
from tests.api.conftest import House, ask


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


def test_the_schema_and_its_explorer_are_for_those_who_have_signed_in(house: House) -> None:
    stranger, looking = house.client(), {"query": "{ __schema { types { name } } }"}

    page = stranger.get("/graphql", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["location"]) == (303, "/sign-in?next=/graphql")
    assert stranger.post("/graphql", json=looking).status_code == 401
    assert stranger.get("/graphql", params=looking).status_code == 401
    assert house.signed_in().get("/graphql", params=looking).json()["data"]["__schema"]["types"]
    assert ask(house.client(), looking["query"], Authorization=f"Bearer {house.token(Scope.CALLS)}").json()["data"]


def test_an_introspection_that_goes_round_in_circles_is_refused(house: House) -> None:
    circle = (
        "{ __schema { types { fields { type { fields { type { fields { type { fields { type { name } } } } } } } } } }"
    )

    answer = house.signed_in().get("/graphql", params={"query": circle}).json()

    assert "data" not in answer
