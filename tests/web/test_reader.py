"""Which language and theme a reader gets, and where a form may lead back to."""

import pytest
from starlette.requests import Request

from web.reader import language_of, safe_way_back, theme_of


def request(cookie: str = "", accept: str = "") -> Request:
    """A request with these headers."""
    headers = [(b"cookie", cookie.encode()), (b"accept-language", accept.encode())]
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize(
    ("cookie", "accept", "code"),
    [
        ("", "", "en"),
        ("", "ja", "ja"),
        ("", "ja-JP,en;q=0.5", "ja"),
        ("", "en;q=0.5,ja;q=0.9", "ja"),
        ("", "fr,de;q=0.9", "en"),
        ("lang=en", "ja", "en"),
        ("lang=xx", "ja", "ja"),
        ("", "ja;q=nonsense,en", "en"),
    ],
)
def test_the_chosen_language_comes_before_the_browsers(cookie: str, accept: str, code: str) -> None:
    assert language_of(request(cookie, accept)).code == code


@pytest.mark.parametrize(("cookie", "theme"), [("", "auto"), ("theme=dark", "dark"), ("theme=<script>", "auto")])
def test_a_theme_that_is_none_follows_the_system(cookie: str, theme: str) -> None:
    assert theme_of(request(cookie)) == theme


@pytest.mark.parametrize(
    ("path", "way_back"),
    [("/rates?x=1", "/rates?x=1"), ("//evil", "/"), ("https://evil", "/"), ("/\\evil", "/"), ("/a\nb", "/"), ("", "/")],
)
def test_the_way_back_stays_on_this_site(path: str, way_back: str) -> None:
    assert safe_way_back(path) == way_back
