"""Passwords: stored as argon2id, verified, and slow to guess."""

import pytest

from credits.passwords import Attempts, hash_password, verify_password
from credits.refusals import Refusal

IP, EMAIL = "192.0.2.7", "alice@example.com"


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


def test_two_slips_cost_no_pause() -> None:
    attempts = Attempts()

    attempts.failed(IP, EMAIL, at=0)
    attempts.failed(IP, EMAIL, at=0)

    assert attempts.pause_left(IP, EMAIL, at=0) == 0


def test_from_the_third_wrong_password_on_the_pause_doubles_up_to_a_minute() -> None:
    attempts = Attempts()
    pauses = []

    for _ in range(12):
        attempts.failed(IP, EMAIL, at=0)
        pauses.append(attempts.pause_left(IP, EMAIL, at=0))

    assert pauses == [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]


def test_a_pause_ends() -> None:
    attempts = Attempts()
    for _ in range(4):
        attempts.failed(IP, EMAIL, at=100)

    assert attempts.pause_left(IP, EMAIL, at=101.5) == 1
    assert attempts.pause_left(IP, EMAIL, at=102) == 0


def test_a_stranger_elsewhere_locks_nobody_out() -> None:
    attempts = Attempts()
    for _ in range(20):
        attempts.failed("203.0.113.9", EMAIL, at=0)

    assert attempts.pause_left(IP, EMAIL, at=0) == 0


def test_the_right_password_clears_the_count() -> None:
    attempts = Attempts()
    for _ in range(5):
        attempts.failed(IP, EMAIL, at=0)

    attempts.succeeded(IP, EMAIL)

    assert attempts.pause_left(IP, EMAIL, at=0) == 0


def test_the_memory_of_wrong_passwords_is_bounded() -> None:
    attempts = Attempts()
    attempts.REMEMBERED = 10

    for number in range(50):
        attempts.failed(f"192.0.2.{number}", EMAIL, at=0)

    assert len(attempts._failures) == 10
