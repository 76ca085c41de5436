"""Sessions: found while they last, listed, ended; and what they say of their browsers."""

import pytest

from credits.instants import HOUR, MINUTE
from credits.people import create_person, find_person
from credits.refusals import Refusal
from credits.sessions import (
    LONGEST_AGENT,
    end_session,
    end_sessions,
    find_session,
    note_seen,
    open_session,
    sessions_of,
)
from db.kinds import Role
from db.session import Database
from tests.factories import NOW, make_account

ALICE, BOB = "alice@example.com", "bob@example.com"


def make_person(database: Database, email: str = ALICE) -> int:
    with database.transaction() as session:
        return create_person(
            session, email=email, password="correct horse", is_operator=False, roles={}, now=NOW
        )  # fmt: skip


def _open(database: Database, email: str = ALICE, *, now: int = NOW, agent: str = "Firefox") -> int:
    with database.transaction() as session:
        person = find_person(session, email)
        assert person is not None
        found = open_session(session, person=person, address="192.0.2.7", agent=agent, now=now, lasts=HOUR)
    assert found is not None
    return found


def _is_found(database: Database, session_id: int, now: int = NOW) -> bool:
    with database.reading() as session:
        return find_session(session, session_id, now) is not None


def _listed(database: Database, person_id: int, now: int = NOW) -> list[int]:
    with database.reading() as session:
        return [each.session_id for each in sessions_of(session, person_id, now)]


def test_a_session_leads_to_its_person_with_their_roles_of_now(database: Database) -> None:
    account_id = make_account(database)
    with database.transaction() as session:
        create_person(
            session, email=ALICE, password="correct horse", is_operator=False, roles={account_id: Role.ADMIN}, now=NOW
        )
    session_id = _open(database)

    with database.reading() as session:
        found = find_session(session, session_id, NOW)

    assert found is not None
    state, person = found
    assert (state.address, state.agent, state.opened_at) == ("192.0.2.7", "Firefox", NOW)
    assert (person.email, person.roles) == (ALICE, {account_id: Role.ADMIN})


@pytest.mark.parametrize(("at", "is_found"), [(NOW + HOUR - 1, True), (NOW + HOUR, False)])
def test_a_session_is_over_at_its_time_and_not_before(database: Database, at: int, is_found: bool) -> None:
    person_id = make_person(database)
    session_id = _open(database)

    assert _is_found(database, session_id, at) == is_found
    assert (session_id in _listed(database, person_id, at)) == is_found


def test_a_session_that_was_ended_is_no_more(database: Database) -> None:
    person_id = make_person(database)
    one, other = _open(database), _open(database)

    with database.transaction() as session:
        end_session(session, person_id=person_id, session_id=one, now=NOW)

    assert not _is_found(database, one)
    assert _listed(database, person_id) == [other]


def test_nobody_ends_a_session_of_another(database: Database) -> None:
    make_person(database)
    bob = make_person(database, BOB)
    session_id = _open(database)

    with pytest.raises(Refusal), database.transaction() as session:
        end_session(session, person_id=bob, session_id=session_id, now=NOW)

    assert _is_found(database, session_id)


def test_all_others_are_ended_and_nobody_elses(database: Database) -> None:
    alice = make_person(database)
    make_person(database, BOB)
    here, there, bobs = _open(database), _open(database), _open(database, BOB)

    with database.transaction() as session:
        assert end_sessions(session, person_id=alice, but=here, now=NOW) == 1

    assert [_is_found(database, each) for each in (here, there, bobs)] == [True, False, True]


def test_the_one_seen_last_comes_first(database: Database) -> None:
    person_id = make_person(database)
    first, second = _open(database), _open(database, now=NOW + 1)

    with database.transaction() as session:
        note_seen(session, first, NOW + 2)

    assert _listed(database, person_id) == [first, second]


@pytest.mark.parametrize(("later", "is_stale"), [(5 * MINUTE - 1, False), (5 * MINUTE, True)])
def test_that_a_session_was_seen_is_written_every_five_minutes(database: Database, later: int, is_stale: bool) -> None:
    person_id = make_person(database)
    _open(database)

    with database.reading() as session:
        (state,) = sessions_of(session, person_id, NOW)

    assert state.is_stale(NOW + later) == is_stale


def test_a_password_that_was_changed_meanwhile_opens_nothing(database: Database) -> None:
    person_id = make_person(database)
    with database.reading() as session:
        as_it_was = find_person(session, ALICE)
    assert as_it_was is not None
    with database.transaction() as session:
        session.execute("UPDATE person SET password_hash = 'another' WHERE person_id = ?", person_id)

    with database.transaction() as session:
        opened = open_session(session, person=as_it_was, address="", agent="", now=NOW, lasts=HOUR)

    assert opened is None
    assert _listed(database, person_id) == []


def test_a_browser_with_a_long_name_is_called_by_its_beginning(database: Database) -> None:
    person_id = make_person(database)
    _open(database, agent="x" * 5000)

    with database.reading() as session:
        assert len(sessions_of(session, person_id, NOW)[0].agent) == LONGEST_AGENT
