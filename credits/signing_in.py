"""Signing in: the password, perhaps a second factor, then a session; every try is counted, and what came of it is in
the audit log.

The functions here open their own transactions, because a password is verified outside of any: that takes a tenth of a
second. An unknown address is answered like a wrong password, after the same work.
"""

from dataclasses import dataclass

from credits import second_factor
from credits.alerts import record_and_tell
from credits.attempts import Tries, Visitor, count_try, tries_of, was_right, was_wrong
from credits.audit import Actor, record
from credits.ids import public_id
from credits.invitations import accept_invitation
from credits.keys import Keys
from credits.passwords import verify_password
from credits.people import PersonState, find_person, look_up_person
from credits.refusals import Refusal, invalid
from credits.second_factor import Proof
from credits.sessions import end_session, find_session, open_session
from db.kinds import ActorKind
from db.session import Database, Session


@dataclass(frozen=True, slots=True)
class Entry:
    """What came of a right password or a link: a session, or none yet, because more is to be shown."""

    person: PersonState
    session_id: int | None


def sign_in(
    database: Database, keys: Keys, *, email: str, password: str, visitor: Visitor, now: int, lasts: int
) -> Entry:
    """Open a session for whoever knows an address and its password, unless a second factor is to come.

    Refused as LIMIT_EXCEEDED when it is too soon after wrong tries, as INVALID when the two do not belong together.
    """
    address = email.strip().lower()
    tries = tries_of(keys, "password", address, visitor)
    with database.transaction() as session:
        count_try(session, tries, now)
    with database.reading() as session:
        person = find_person(session, address)
    if not verify_password(None if person is None else person.password_hash, password) or person is None:
        _note_failure(database, tries, person, visitor, "password", now)
        raise _wrong()
    with database.transaction() as session:
        was_right(session, tries)
        if person.has_second_factor:
            return Entry(person, None)
        session_id = _open(session, person, visitor, now, lasts)
    if session_id is None:
        raise _wrong()
    return Entry(person, session_id)


def show_second_factor(
    database: Database, keys: Keys, *, person: PersonState, code: str, visitor: Visitor, now: int, lasts: int
) -> Entry:
    """Open a session for somebody whose password was right, and who shows a code now. Refused like a password."""
    tries = tries_of(keys, "code", person.person_id, visitor)
    with database.transaction() as session:
        count_try(session, tries, now)
    with database.transaction() as session:
        proof = second_factor.use_code(session, person_id=person.person_id, code=code, now=now)
        session_id = None if proof is None else _open(session, person, visitor, now, lasts)
        if proof is not None:
            was_right(session, tries)
        if proof == Proof.RECOVERY_CODE:
            _tell_of_recovery_code(session, person, visitor, now)
    if proof is None:
        _note_failure(database, tries, person, visitor, "second factor", now)
        raise second_factor.wrong_code()
    if session_id is None:
        raise _wrong()
    return Entry(person, session_id)


def join(
    database: Database, *, code: str, password_hash: str | None, visitor: Visitor, is_here: bool, now: int, lasts: int
) -> Entry:
    """Accept an invitation, and open a session for whoever chose a password with it and is not here as somebody else.

    A sign-in that was there before is opened by its own password and second factor, never by a link.
    """
    with database.transaction() as session:
        person_id = accept_invitation(
            session, code=code, password_hash=password_hash, now=now, address=visitor.address,
            request_id=visitor.request_id,
        )  # fmt: skip
        person = look_up_person(session, person_id)
        assert person is not None, "whoever accepts has a sign-in by then"
        is_new = person.password_hash == password_hash
        session_id = _open(session, person, visitor, now, lasts) if is_new and not is_here else None
    return Entry(person, session_id)


def sign_out_of(database: Database, *, session_id: int, visitor: Visitor, now: int) -> None:
    """End a session from the browser in which it is; one that is over already stays so."""
    with database.transaction() as session:
        found = find_session(session, session_id, now)
        if found is None:
            return
        end_session(session, person_id=found[1].person_id, session_id=session_id, now=now)
        record(session, _actor(found[1], visitor), "signOut", at=now, subject=public_id("sess", session_id))


def _open(session: Session, person: PersonState, visitor: Visitor, now: int, lasts: int) -> int | None:
    session_id = open_session(
        session, person=person, address=visitor.address, agent=visitor.agent, now=now, lasts=lasts
    )
    if session_id is not None:
        record(session, _actor(person, visitor), "signIn", at=now, subject=public_id("sess", session_id))
    return session_id


def _tell_of_recovery_code(session: Session, person: PersonState, visitor: Visitor, now: int) -> None:
    left = second_factor.second_factor_of(session, person.person_id).recovery_codes_left
    record_and_tell(
        session, _actor(person, visitor), "useRecoveryCode", person_id=person.person_id, email=person.email,
        locale=visitor.locale, at=now, after={"recovery_codes_left": left},
    )  # fmt: skip


def _note_failure(
    database: Database, tries: Tries, person: PersonState | None, visitor: Visitor, what: str, now: int
) -> None:
    """Let the pause begin, and tell the log, where the address is somebody's: what strangers type is not kept."""
    with database.transaction() as session:
        was_wrong(session, tries, now)
        if person is not None:
            somebody = Actor(ActorKind.SYSTEM, "sign-in", None, visitor.address, visitor.request_id)
            record(session, somebody, "signInFailed", at=now, subject=person.email, after={"wrong": what})


def _actor(person: PersonState, visitor: Visitor) -> Actor:
    return Actor(ActorKind.PERSON, person.email, person.person_id, visitor.address, visitor.request_id)


def _wrong() -> Refusal:
    return invalid("password", "This address and this password do not belong together.")
