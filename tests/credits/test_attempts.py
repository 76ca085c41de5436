"""Guessing is slow, for whoever tries, over restarts and for all processes; and nobody keeps the owner out for long."""

import pytest

from credits.attempts import FADES_AFTER, ONE_ADDRESS, Visitor, count_try, tries_of, was_right, was_wrong
from credits.instants import MINUTE, SECOND
from credits.keys import Keys
from credits.refusals import Refusal
from db.session import Database
from tests.factories import NOW
from tests.faults.at_once import at_once

KEYS = Keys("k" * 48)
EMAIL = "alice@example.com"
HERE, ELSEWHERE = Visitor("192.0.2.7"), Visitor("203.0.113.9")


def _try(
    database: Database, visitor: Visitor = HERE, *, email: str = EMAIL, right: bool = False, now: int = NOW
) -> int:
    """Try once; returns how many seconds to wait when it is too soon, else 0."""
    tries = tries_of(KEYS, "password", email, visitor)
    try:
        with database.transaction() as session:
            count_try(session, tries, now)
    except Refusal as refusal:
        return int(refusal.values["seconds"])
    with database.transaction() as session:
        if right:
            was_right(session, tries)
        else:
            was_wrong(session, tries, now)
    return 0


def _fail(database: Database, times: int, visitor: Visitor = HERE, *, email: str = EMAIL, now: int = NOW) -> int:
    """Fail so many times, each as soon as it is allowed; returns when the last one was."""
    for _ in range(times):
        while pause := _try(database, visitor, email=email, now=now):
            now += pause * SECOND
    return now


def test_two_slips_cost_no_pause(database: Database) -> None:
    assert [_try(database) for _ in range(3)] == [0, 0, 0]


def test_the_pause_doubles_up_to_a_minute_and_then_the_door_is_shut_for_a_quarter_of_an_hour(
    database: Database,
) -> None:
    pauses, at = [], NOW

    for number in range(11):
        at = _fail(database, 1, now=at)
        pauses.append(_try(database, now=at) if number >= 2 else 0)

    assert pauses == [0, 0, 1, 2, 4, 8, 16, 32, 60, 15 * 60, 15 * 60]


@pytest.mark.parametrize(("later", "seconds"), [(0, 2), (2 * SECOND - 1, 1), (2 * SECOND, 0)])
def test_a_pause_ends(database: Database, later: int, seconds: int) -> None:
    at = _fail(database, 4)

    assert _try(database, now=at + later) == seconds


def test_the_right_one_clears_the_count_of_its_place(database: Database) -> None:
    at = _fail(database, 5) + MINUTE

    assert _try(database, right=True, now=at) == 0

    assert [_try(database, now=at) for _ in range(3)] == [0, 0, 0]


def test_a_right_try_is_no_step_towards_a_pause(database: Database) -> None:
    assert [_try(database, right=True) for _ in range(40)] == [0] * 40


@pytest.mark.parametrize(("after", "pause"), [(FADES_AFTER - 1, True), (FADES_AFTER, False)])
def test_wrong_tries_fade_after_an_hour(database: Database, after: int, pause: bool) -> None:
    at = _fail(database, 9) + after
    _try(database, now=at)

    assert bool(_try(database, now=at)) == pause


def test_one_strangers_tries_cost_the_owner_nothing(database: Database) -> None:
    at = _fail(database, 12, ELSEWHERE)

    assert _try(database, HERE, right=True, now=at) == 0


def test_many_strangers_make_a_new_browser_of_the_owner_wait_for_a_minute_at_most(database: Database) -> None:
    for number in range(40):
        at = _fail(database, 1, Visitor(f"203.0.113.{number}"), now=NOW + number * MINUTE)

    assert 0 < _try(database, HERE, now=at) <= 60
    assert _try(database, HERE, right=True, now=at + MINUTE) == 0


def test_many_strangers_cost_a_known_browser_nothing(database: Database) -> None:
    for number in range(40):
        at = _fail(database, 1, Visitor(f"203.0.113.{number}"), now=NOW + number * MINUTE)

    assert _try(database, Visitor("192.0.2.7", device="known"), right=True, now=at) == 0


def test_a_known_browser_is_slowed_down_itself(database: Database) -> None:
    known = Visitor("192.0.2.7", device="known")

    at = _fail(database, 10, known)

    assert _try(database, known, now=at) == 15 * 60


def test_one_address_that_tries_many_sign_ins_is_slowed_down(database: Database) -> None:
    for number in range(ONE_ADDRESS.slow_from):
        assert _try(database, HERE, email=f"{number}@example.com") == 0

    assert _try(database, HERE, email="another@example.com") == 1
    assert _try(database, ELSEWHERE, email="another@example.com") == 0


def test_all_addresses_of_one_network_of_ipv6_are_one_place(database: Database) -> None:
    at = _fail(database, 4, Visitor("2001:db8:1:2::1"))

    assert _try(database, Visitor("2001:db8:1:2:ffff::9"), now=at) == 2
    assert _try(database, Visitor("2001:db8:1:3::1"), now=at) == 0


def test_another_sign_in_is_counted_for_itself(database: Database) -> None:
    at = _fail(database, 4)

    assert _try(database, email="bob@example.com", now=at) == 0


def test_no_address_is_stored(database: Database) -> None:
    _fail(database, 3)

    with database.reading() as session:
        rows = session.rows("SELECT * FROM sign_in_failure")

    assert len(rows) == 3
    assert EMAIL not in repr(rows)
    assert HERE.address not in repr(rows)


def test_of_many_tries_at_once_no_more_are_let_through_than_one_after_the_other(database: Database) -> None:
    came = at_once(*[lambda: _try(database)] * 8)

    assert came.count(0) == 3
