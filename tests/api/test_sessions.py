"""The session cookie: signed, of limited life, perhaps half a sign-in; and its CSRF token."""

import pytest

from api.sessions import Sessions, WebSession
from credits.instants import HOUR, MINUTE
from credits.people import PersonState
from tests.factories import NOW

ALICE = PersonState(7, "alice@example.com", "$argon2id$one", False, {})
KEY = "k" * 48
OPEN = WebSession(11, NOW + 12 * HOUR, 7)


def _sessions(key: str = KEY, *, is_https: bool = False) -> Sessions:
    return Sessions(key, is_https=is_https, lifetime=12 * HOUR)


def test_a_session_names_its_person() -> None:
    read = _sessions().read(_sessions().write(OPEN), NOW)

    assert read == OPEN
    assert read.is_open


def test_a_cookie_of_nobody_opens_nothing() -> None:
    read = _sessions().read(_sessions().write(_sessions().of_nobody(NOW)), NOW)

    assert read is not None
    assert not read.is_open


def test_half_a_sign_in_awaits_its_person_for_ten_minutes_and_opens_nothing() -> None:
    written = _sessions().write(_sessions().half(ALICE, NOW))

    read = _sessions().read(written, NOW + 10 * MINUTE - 1)

    assert read is not None
    assert read.awaits(ALICE)
    assert not read.is_open
    assert _sessions().read(written, NOW + 10 * MINUTE) is None


def test_half_a_sign_in_ends_with_the_password_that_it_was_for() -> None:
    half = _sessions().half(ALICE, NOW)
    changed = PersonState(7, "alice@example.com", "$argon2id$two", False, {})

    assert not half.awaits(changed)
    assert not half.awaits(PersonState(8, "bob@example.com", ALICE.password_hash, False, {}))


def test_a_session_of_an_earlier_version_is_none() -> None:
    sessions = _sessions()
    written = sessions.write(WebSession("a text", NOW + HOUR, 7, "stamp"))  # type: ignore[arg-type]

    assert sessions.read(written, NOW) is None


def test_a_session_ends_at_its_time_and_not_before() -> None:
    written = _sessions().write(OPEN)

    assert _sessions().read(written, NOW + 12 * HOUR - 1) is not None
    assert _sessions().read(written, NOW + 12 * HOUR) is None


def test_a_session_signed_with_another_key_is_none() -> None:
    written = _sessions("x" * 48).write(OPEN)

    assert _sessions().read(written, NOW) is None


@pytest.mark.parametrize("value", [None, "", "nonsense", "e30.e30", "[]"])
def test_what_is_not_signed_is_no_session(value: str | None) -> None:
    assert _sessions().read(value, NOW) is None


def test_a_changed_sign_invalidates_the_cookie() -> None:
    written = _sessions().write(OPEN)

    assert all(
        _sessions().read(_with_another_sign(written, place), NOW) is None for place in range(0, len(written) - 1, 7)
    )


def test_each_session_has_a_csrf_token_of_its_own() -> None:
    sessions = _sessions()
    one, other = sessions.of_nobody(NOW), sessions.of_nobody(NOW)

    assert sessions.csrf_token(one) == sessions.csrf_token(one)
    assert sessions.csrf_token(one) != sessions.csrf_token(other)


def test_over_tls_the_cookies_name_binds_it_to_this_host() -> None:
    assert _sessions(is_https=True).cookie.startswith("__Host-")
    assert not _sessions(is_https=False).cookie.startswith("__")


def _with_another_sign(text: str, place: int) -> str:
    return text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
