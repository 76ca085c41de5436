"""The session cookie: signed, of limited life, ended by a new password; and its CSRF token."""

import pytest

from api.sessions import Sessions
from credits.instants import HOUR
from credits.people import PersonState
from tests.factories import NOW

ALICE = PersonState(7, "alice@example.com", "$argon2id$one", False, {})
KEY = "k" * 48


def _sessions(key: str = KEY, *, is_https: bool = False) -> Sessions:
    return Sessions(key, is_https=is_https, lifetime=12 * HOUR)


def test_a_session_names_its_person() -> None:
    written = _sessions().write(_sessions().open(ALICE, NOW))

    read = _sessions().read(written, NOW)

    assert read is not None
    assert read.person_id == 7
    assert read.belongs_to(ALICE)


def test_a_session_ends_at_its_time_and_not_before() -> None:
    written = _sessions().write(_sessions().open(ALICE, NOW))

    assert _sessions().read(written, NOW + 12 * HOUR - 1) is not None
    assert _sessions().read(written, NOW + 12 * HOUR) is None


def test_a_session_signed_with_another_key_is_none() -> None:
    written = _sessions("x" * 48).write(_sessions().open(ALICE, NOW))

    assert _sessions().read(written, NOW) is None


@pytest.mark.parametrize("value", [None, "", "nonsense", "e30.e30", "[]"])
def test_what_is_not_signed_is_no_session(value: str | None) -> None:
    assert _sessions().read(value, NOW) is None


def test_a_changed_sign_invalidates_the_cookie() -> None:
    written = _sessions().write(_sessions().open(ALICE, NOW))

    assert all(
        _sessions().read(_with_another_sign(written, place), NOW) is None for place in range(0, len(written) - 1, 7)
    )


def test_a_new_password_ends_every_session() -> None:
    session = _sessions().open(ALICE, NOW)
    changed = PersonState(7, "alice@example.com", "$argon2id$two", False, {})

    assert not session.belongs_to(changed)


def test_each_session_has_a_csrf_token_of_its_own() -> None:
    sessions = _sessions()
    one, other = sessions.open(ALICE, NOW), sessions.open(ALICE, NOW)

    assert sessions.csrf_token(one) == sessions.csrf_token(one)
    assert sessions.csrf_token(one) != sessions.csrf_token(other)


def test_over_tls_the_cookies_name_binds_it_to_this_host() -> None:
    assert _sessions(is_https=True).cookie.startswith("__Host-")
    assert not _sessions(is_https=False).cookie.startswith("__")


def _with_another_sign(text: str, place: int) -> str:
    return text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
