"""One's own sign-in on its page."""

import re
from typing import Any

import pyotp
import pytest
from starlette.testclient import TestClient

from api import clock
from credits.instants import SECOND
from db.kinds import Scope
from tests.api.conftest import ALICE, PASSWORD, House, csrf_token, sign_in
from web.browsers import browser_name
from web.pages.me import square_code

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
EDGE = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1 Version/19.0 Mobile Safari/604.1"
HTML = {"Accept": "text/html"}


def see(client: TestClient, address: str = "/me") -> str:
    """The page."""
    answer = client.get(address, headers=HTML)
    assert answer.status_code == 200, answer.text
    return answer.text


def send(client: TestClient, path: str, **typed: str) -> Any:
    """Fill in one of its forms."""
    return client.post(path, data={"csrf_token": csrf_token(client, "/me"), **typed}, headers=HTML)


def set_up(client: TestClient) -> tuple[str, list[str]]:
    """A second factor, as a person sets it up: its secret, and the recovery codes."""
    page = send(client, "/me/second-factor", start_password=PASSWORD).text
    secret = page.split('name="secret" value="')[1].split('"')[0]
    code = pyotp.TOTP(secret).at(clock.now() // SECOND)
    answer = send(client, "/me/second-factor/proof", code=code, secret=secret, uri="otpauth://totp/x")
    codes = re.findall(r"<li><code>([\w-]+)</code></li>", answer.text)
    assert len(codes) == 10, answer.text
    return secret, codes


def test_the_page_says_where_one_is_signed_in(house: House) -> None:
    client = house.client(headers={"User-Agent": FIREFOX})
    sign_in(client, ALICE)
    for _ in range(3):
        sign_in(house.client(headers={"User-Agent": SAFARI}), ALICE)

    text = see(client)

    assert text.count(">Safari, iPhone<") == 3
    assert text.count("This one") == 1
    assert text.index("Firefox, Linux") < text.index("This one") < text.index("Safari, iPhone")


def test_another_browser_is_signed_out(house: House) -> None:
    client, other = house.signed_in(), house.signed_in()
    (path,) = re.findall(r'action="(/me/sessions/sess_\w+/end)"', see(client))

    ended = send(client, path)

    assert "Ended: nobody is signed in there any more." in see(client, ended.headers["location"])
    assert other.get("/graphql").status_code == 401
    assert client.get("/me").status_code == 200


def test_all_others_are_signed_out(house: House) -> None:
    client, others = house.signed_in(), [house.signed_in() for _ in range(2)]

    assert send(client, "/me/sessions/others/end").status_code == 303
    assert [each.get("/graphql").status_code for each in others] == [401, 401]
    assert client.get("/me").status_code == 200


def test_another_password_is_chosen(house: House) -> None:
    client, other = house.signed_in(), house.signed_in()

    answer = send(
        client, "/me/password", present=PASSWORD, new_password="another password", repeated="another password"
    )

    assert answer.headers["location"] == "/me?done=password"
    assert "Your new password counts" in client.get("/me?done=password").text
    assert other.get("/graphql").status_code == 401
    assert sign_in(house.client(), ALICE, "another password").status_code == 303


@pytest.mark.parametrize(
    ("present", "new", "repeated", "said", "field"),
    [
        ("not the one", "another password", "another password", "This is not your password.", "present"),
        (PASSWORD, "short", "short", "A password has 10 to 1,024 characters.", "new_password"),
        (PASSWORD, "another password", "another passwords", "The two passwords differ.", "repeated"),
    ],
)
def test_what_is_wrong_with_a_password_stands_beside_its_field_and_none_is_shown(
    house: House, present: str, new: str, repeated: str, said: str, field: str
) -> None:
    client = house.signed_in()

    answer = send(client, "/me/password", present=present, new_password=new, repeated=repeated)

    assert answer.status_code == 422
    assert f'<a href="#{field}">{said}</a>' in answer.text
    assert all(f'value="{each}"' not in answer.text for each in (present, new, repeated))


def test_a_second_factor_is_set_up_and_asked_for(house: House) -> None:
    client = house.signed_in()
    set_up(client)

    assert "Recovery codes left: 10." in see(client)
    assert sign_in(house.client(), ALICE).headers["location"].startswith("/sign-in/code")


def test_a_wrong_code_shows_the_square_again(house: House) -> None:
    client = house.signed_in()
    page = send(client, "/me/second-factor", start_password=PASSWORD).text
    shown = {name: page.split(f'name="{name}" value="')[1].split('"')[0] for name in ("secret", "uri")}

    answer = send(client, "/me/second-factor/proof", code="000000", **shown)

    assert answer.status_code == 422
    assert 'class="square-code"' in page
    assert 'class="square-code"' in answer.text
    assert shown["secret"] in answer.text


def test_a_second_factor_is_not_begun_without_the_password(house: House) -> None:
    answer = send(house.signed_in(), "/me/second-factor", start_password="not the one")

    assert answer.status_code == 422
    assert "This is not your password." in answer.text
    assert "square-code" not in answer.text


def test_a_second_factor_is_switched_off_and_set_up_anew_at_once(house: House) -> None:
    client = house.signed_in()
    _, codes = set_up(client)

    answer = send(client, "/me/second-factor/removal", remove_password=PASSWORD, remove_code=codes[0])

    assert answer.headers["location"] == "/me?done=removed"
    assert sign_in(house.client(), ALICE).headers["location"] == "/"
    set_up(client)


def test_recovery_codes_are_made_anew(house: House) -> None:
    client = house.signed_in()
    _, codes = set_up(client)

    answer = send(client, "/me/recovery-codes", renew_password=PASSWORD, renew_code=codes[0])

    assert len(re.findall(r"<li><code>[\w-]+</code></li>", answer.text)) == 10
    assert codes[1] not in answer.text


def test_what_is_wrong_is_shown_where_it_is_folded_away(house: House) -> None:
    client = house.signed_in()
    set_up(client)

    answer = send(client, "/me/second-factor/removal", remove_password="not the one", remove_code="000000")

    assert answer.status_code == 422
    assert '<details class="unfolds" open>' in answer.text


def test_a_program_has_no_such_page(house: House) -> None:
    token = house.token(*Scope)

    assert house.client().get("/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_the_square_holds_nothing_that_the_page_may_not_run() -> None:
    drawn = square_code("otpauth://totp/x?secret=JBSWY3DP")

    assert drawn.startswith("<svg")
    assert "style=" not in drawn
    assert "<script" not in drawn


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (FIREFOX, "Firefox, Linux"), (EDGE, "Edge, Windows"), (SAFARI, "Safari, iPhone"), ("testclient", "testclient"),
        ("", ""), ("x" * 100, "x" * 40),
    ],
)  # fmt: skip
def test_a_browser_is_called_as_people_call_it(agent: str, name: str) -> None:
    assert browser_name(agent) == name
