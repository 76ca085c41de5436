"""Passwords: stored as argon2id, and verified."""

import pytest

from credits.passwords import hash_password, verify_password
from credits.refusals import Refusal


def test_only_the_password_itself_fits_its_hash() -> None:
    stored = hash_password("correct horse")

    assert stored.startswith("$argon2id$")
    assert verify_password(stored, "correct horse")
    assert not verify_password(stored, "Correct horse")


def test_nobody_has_no_password() -> None:
    assert not verify_password(None, "nobody signs in with this")


def test_a_damaged_hash_fits_nothing() -> None:
    assert not verify_password("not a hash", "not a hash")


@pytest.mark.parametrize("password", ["", "x" * 9, "x" * 1025])
def test_a_password_too_short_or_too_long_is_refused(password: str) -> None:
    with pytest.raises(Refusal, match="10 to 1024"):
        hash_password(password)


@pytest.mark.parametrize("password", ["x" * 10, "x" * 1024])
def test_the_shortest_and_the_longest_password_are_taken(password: str) -> None:
    assert verify_password(hash_password(password), password)
