"""Another site cannot act with a visitor's cookie."""

import pytest

from db.kinds import Scope
from tests.api.conftest import ALICE, PASSWORD, House, ask, csrf_token


def test_a_query_with_the_cookie_alone_is_refused(house: House) -> None:
    assert ask(house.signed_in()).status_code == 403


def test_a_query_with_cookie_and_token_is_answered(house: House) -> None:
    client = house.signed_in()

    answer = ask(client, **{"X-CSRF-Token": csrf_token(client)})

    assert answer.json()["data"] == {"viewer": {"name": ALICE}}


@pytest.mark.parametrize("token", ["", "0" * 64, "\xe9"])
def test_a_token_that_is_not_this_sessions_is_refused(house: House, token: str) -> None:
    client = house.signed_in()

    answer = client.post("/graphql", json={"query": "{ viewer { name } }"}, headers={b"X-CSRF-Token": token.encode()})

    assert answer.status_code == 403


def test_the_token_of_another_session_is_refused(house: House) -> None:
    other = csrf_token(house.signed_in())

    assert ask(house.signed_in(), **{"X-CSRF-Token": other}).status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_the_browser_says_comes_from_another_site_is_refused(house: House, site: str) -> None:
    client = house.signed_in()

    answer = ask(client, **{"X-CSRF-Token": csrf_token(client), "Sec-Fetch-Site": site})

    assert answer.status_code == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "http://testserver.evil.example", "null"])
def test_without_fetch_metadata_the_origin_decides(house: House, origin: str) -> None:
    client = house.signed_in()
    token = csrf_token(client)

    assert ask(client, **{"X-CSRF-Token": token, "Origin": origin}).status_code == 403
    assert ask(client, **{"X-CSRF-Token": token, "Origin": "http://testserver"}).status_code == 200


def test_another_site_cannot_even_sign_a_visitor_in(house: House) -> None:
    client = house.client()
    typed = {"email": ALICE, "password": PASSWORD, "csrf_token": csrf_token(client, "/sign-in")}

    assert client.post("/sign-in", data=typed, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_a_form_carries_its_token_in_a_field_and_the_handler_still_reads_it_whole(house: House) -> None:
    client = house.client()
    typed = {"email": ALICE, "password": PASSWORD, "csrf_token": csrf_token(client, "/sign-in"), "next": "/rates"}

    assert client.post("/sign-in", data=typed).headers["location"] == "/rates"


def test_an_upload_carries_its_token_in_a_field_too(house: House) -> None:
    client = house.client()
    typed = {"email": ALICE, "password": PASSWORD, "csrf_token": csrf_token(client, "/sign-in"), "next": "/rates"}

    answer = client.post("/sign-in", data=typed, files={"file": ("rates.csv", b"1,2\n" * 300_000)})

    assert answer.headers["location"] == "/rates"


def test_a_file_in_the_tokens_place_is_no_token(house: House) -> None:
    client = house.client()
    csrf_token(client, "/sign-in")

    answer = client.post("/sign-in", data={"email": ALICE}, files={"csrf_token": ("token", b"x")})

    assert answer.status_code == 403


def test_a_program_with_its_own_token_needs_none_of_this(house: House) -> None:
    headers = {"Authorization": f"Bearer {house.token(Scope.READ)}", "Sec-Fetch-Site": "cross-site"}

    assert ask(house.client(), **headers).status_code == 200
