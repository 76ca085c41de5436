"""Signing in and out."""

import pytest

from tests.api.conftest import ALICE, OLGA, House, csrf_token, sign_in


def test_the_right_password_opens_the_pages(house: House) -> None:
    client = house.client()

    answer = sign_in(client, ALICE)

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert client.get("/", headers={"Accept": "text/html"}).status_code in (200, 303)


def test_capitals_in_the_address_do_not_matter(house: House) -> None:
    assert sign_in(house.client(), "Alice@Example.com ").status_code == 303


@pytest.mark.parametrize("email", [ALICE, "nobody@example.com", ""])
def test_a_wrong_password_and_an_unknown_address_are_answered_alike(house: House, email: str) -> None:
    answer = sign_in(house.client(), email, "wrong password")

    assert answer.status_code == 422
    assert "do not belong together" in answer.text
    assert "wrong password" not in answer.text


def test_what_was_typed_is_kept_but_never_the_password(house: House) -> None:
    answer = sign_in(house.client(), ALICE, "a wrong one 123", next="/rates")

    assert f'value="{ALICE}"' in answer.text
    assert 'value="/rates"' in answer.text
    assert "a wrong one 123" not in answer.text


def test_guessing_is_slowed_down(house: House) -> None:
    client = house.client()
    for _ in range(3):
        assert sign_in(client, ALICE, "wrong password").status_code == 422

    answer = sign_in(client, ALICE)

    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert sign_in(client, OLGA).status_code == 303


def test_the_session_cookie_is_kept_from_scripts_and_from_other_sites(house: House) -> None:
    cookie = sign_in(house.client(), ALICE).headers["set-cookie"].lower()

    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie


def test_signing_in_opens_a_fresh_session(house: House) -> None:
    client = house.client()
    client.get("/sign-in")
    before = dict(client.cookies)

    sign_in(client, ALICE)

    assert dict(client.cookies) != before


def test_one_goes_on_to_where_one_wanted(house: House) -> None:
    assert sign_in(house.client(), ALICE, next="/rates?search=44").headers["location"] == "/rates?search=44"


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example", "/sign-in", ""])
def test_nobody_is_sent_to_another_site(house: House, elsewhere: str) -> None:
    assert sign_in(house.client(), ALICE, next=elsewhere).headers["location"] == "/"


def test_whoever_is_signed_in_need_not_sign_in_again(house: House) -> None:
    answer = house.signed_in().get("/sign-in?next=/rates")

    assert (answer.status_code, answer.headers["location"]) == (303, "/rates")


def test_without_a_cookie_nobody_signs_in(house: House) -> None:
    answer = house.client().post("/sign-in", data={"email": ALICE, "password": "correct horse battery"})

    assert answer.status_code == 403


def test_signing_out_forgets_the_session(house: House) -> None:
    client = house.signed_in()

    answer = client.post("/sign-out", data={"csrf_token": csrf_token(client)})

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert client.get("/graphql").status_code == 401


def test_the_form_speaks_the_readers_language(house: House) -> None:
    client = house.client()
    token = csrf_token(client, "/sign-in")
    typed = {"email": ALICE, "password": "wrong", "csrf_token": token}

    assert '<html lang="ja"' in client.post("/sign-in", data=typed, headers={"Accept-Language": "ja"}).text
