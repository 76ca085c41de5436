"""Forgotten passwords: what a link does, once, and what asking for it costs."""

import pytest

from credits.attempts import Visitor
from credits.audit import Actor
from credits.forgotten import make_reset_code, new_hash, request_reset, reset_password
from credits.instants import DAY, HOUR
from credits.keys import Keys
from credits.passwords import hash_password, verify_password
from credits.people import create_person, find_person
from credits.refusals import Code, Refusal
from credits.sessions import open_session, sessions_of
from db.kinds import ActorKind
from db.session import Database
from tests.factories import NOW
from tests.faults.at_once import Meeting, at_once

ALICE, KEYS = "alice@example.com", Keys("k" * 48)


@pytest.fixture
def person_id(database: Database) -> int:
    """Alice, who is signed in somewhere."""
    with database.transaction() as session:
        create_person(session, email=ALICE, password="correct horse", is_operator=False, roles={}, now=NOW)
        alice = find_person(session, ALICE)
        assert alice is not None
        open_session(session, person=alice, address="", agent="", now=NOW, lasts=30 * DAY)
    return alice.person_id


def _code(database: Database, now: int = NOW) -> str:
    with database.transaction() as session:
        alice = find_person(session, ALICE)
        assert alice is not None
        return make_reset_code(session, KEYS, Actor(ActorKind.COMMAND, "root"), person=alice, now=now)


def _choose(database: Database, code: str, password: str = "another password", now: int = NOW) -> None:
    hashed = hash_password(password)
    with database.transaction() as session:
        reset_password(session, code=code, password_hash=hashed, visitor=Visitor("192.0.2.7"), now=now)


@pytest.mark.usefixtures("person_id")
def test_of_two_who_use_a_link_at_once_one_chooses(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    code = _code(database)
    Meeting(monkeypatch, "credits.forgotten.find_person")

    came = at_once(*[lambda: _choose(database, code)] * 2)

    assert sorted(isinstance(each, Refusal) for each in came) == [False, True]


def test_a_new_password_ends_every_session_and_every_other_link(database: Database, person_id: int) -> None:
    code, other = _code(database), _code(database)

    _choose(database, code)

    with database.reading() as session:
        alice = find_person(session, ALICE)
        assert sessions_of(session, person_id, NOW) == []
    assert alice is not None
    assert verify_password(alice.password_hash, "another password")
    with pytest.raises(Refusal):
        _choose(database, other)


@pytest.mark.usefixtures("person_id")
@pytest.mark.parametrize(("at", "is_good"), [(NOW + DAY - 1, True), (NOW + DAY, False)])
def test_a_link_that_is_handed_over_lasts_a_day(database: Database, at: int, is_good: bool) -> None:
    code = _code(database)

    if is_good:
        _choose(database, code, now=at)
    else:
        with pytest.raises(Refusal):
            _choose(database, code, now=at)


@pytest.mark.usefixtures("person_id")
def test_one_network_address_asks_for_links_slowly_whomever_it_asks_for(database: Database) -> None:
    def ask(address: str, visitor: str) -> None:
        with database.transaction() as session:
            request_reset(session, KEYS, email=address, visitor=Visitor(visitor), now=NOW)

    for number in range(10):
        ask(f"{number}@example.com", "192.0.2.7")

    with pytest.raises(Refusal) as refused:
        ask(ALICE, "192.0.2.7")
    assert refused.value.code == Code.LIMIT_EXCEEDED
    ask(ALICE, "192.0.2.8")


@pytest.mark.usefixtures("person_id")
def test_asking_is_in_the_log_for_who_has_a_sign_in_and_nothing_of_strangers_is_kept(database: Database) -> None:
    for address in (ALICE, "nobody@example.com"):
        with database.transaction() as session:
            request_reset(session, KEYS, email=address, visitor=Visitor("192.0.2.7"), now=NOW + HOUR)

    with database.reading() as session:
        assert session.rows("SELECT action, subject FROM audit_event") == [("requestPasswordReset", ALICE)]
        assert "nobody@example.com" not in repr(session.rows("SELECT * FROM invitation"))


@pytest.mark.parametrize(("repeated", "field"), [("another passwort", ("repeated",)), (None, None)])
def test_a_password_that_was_mistyped_is_refused(repeated: str | None, field: tuple[str] | None) -> None:
    if field is None:
        assert new_hash("another password", repeated)
        return
    with pytest.raises(Refusal) as refused:
        new_hash("another password", repeated)
    assert refused.value.field == field
