"""What people do with their own sign-in: another password, a second factor, and ending where they are signed in.

What would let somebody else take the sign-in over needs the present password; wrong ones are counted. The functions
that ask for it open their own transactions, because it is verified outside of any.
"""

from dataclasses import dataclass

from credits import second_factor, sessions
from credits.alerts import record_and_tell
from credits.attempts import Visitor, count_try, tries_of, was_right, was_wrong
from credits.audit import Actor, record
from credits.ids import public_id
from credits.keys import Keys
from credits.passwords import hash_password, verify_password
from credits.people import PersonState, look_up_person, set_password
from credits.refusals import invalid, not_found
from credits.second_factor import Proof
from db.kinds import ActorKind
from db.session import Database, Session


@dataclass(frozen=True, slots=True)
class Owner:
    """A person who is signed in, in which session, and from where."""

    person_id: int
    email: str
    session_id: int | None
    visitor: Visitor

    @property
    def actor(self) -> Actor:
        """Who they are in the audit log."""
        return Actor(ActorKind.PERSON, self.email, self.person_id, self.visitor.address, self.visitor.request_id)


def change_password(
    database: Database, keys: Keys, owner: Owner, *, password: str, new_password: str, now: int
) -> None:
    """Let another password count; all sessions but this one end."""
    _require_password(database, keys, owner, password, now)
    password_hash = hash_password(new_password, "newPassword")
    with database.transaction() as session:
        set_password(session, person_id=owner.person_id, password_hash=password_hash)
        sessions.end_sessions(session, person_id=owner.person_id, but=owner.session_id, now=now)
        _record(session, owner, "changePassword", now)


def start_second_factor(database: Database, keys: Keys, owner: Owner, *, password: str, now: int) -> tuple[str, str]:
    """Make the secret of a second factor; returns it, and what an app reads from the square code."""
    _require_password(database, keys, owner, password, now)
    with database.transaction() as session:
        secret = second_factor.start_second_factor(session, person_id=owner.person_id)
    return secret, second_factor.address_of(secret, owner.email)


def confirm_second_factor(database: Database, keys: Keys, owner: Owner, *, code: str, now: int) -> list[str]:
    """Ask for the second factor from now on, and return the recovery codes."""
    tries = tries_of(keys, "code", owner.person_id, owner.visitor)
    with database.transaction() as session:
        count_try(session, tries, now)
    with database.transaction() as session:
        codes = second_factor.confirm_second_factor(session, person_id=owner.person_id, code=code, now=now)
        if codes is None:
            was_wrong(session, tries, now)
        else:
            was_right(session, tries)
            _record(session, owner, "confirmSecondFactor", now)
    if codes is None:
        raise second_factor.wrong_code()
    return codes


def remove_second_factor(database: Database, keys: Keys, owner: Owner, *, password: str, code: str, now: int) -> None:
    """Ask for no second factor any more; that takes the password and a code."""
    _require_password(database, keys, owner, password, now)
    _require_code(database, keys, owner, code, now)
    with database.transaction() as session:
        second_factor.remove_second_factor(session, person_id=owner.person_id)
        _record(session, owner, "removeSecondFactor", now)


def renew_recovery_codes(
    database: Database, keys: Keys, owner: Owner, *, password: str, code: str, now: int
) -> list[str]:
    """Make new recovery codes; that takes the password and a code."""
    _require_password(database, keys, owner, password, now)
    _require_code(database, keys, owner, code, now)
    with database.transaction() as session:
        codes = second_factor.renew_recovery_codes(session, person_id=owner.person_id)
        _record(session, owner, "renewRecoveryCodes", now)
    return codes


def end_session(session: Session, owner: Owner, *, session_id: int, now: int) -> None:
    """End one of one's own sessions."""
    ended = sessions.end_session(session, person_id=owner.person_id, session_id=session_id, now=now)
    record(
        session, owner.actor, "endSession", at=now,
        subject=public_id("sess", session_id), before={"address": ended.address, "browser": ended.agent},
    )  # fmt: skip


def end_other_sessions(session: Session, owner: Owner, *, keep: int | None, now: int) -> None:
    """End all of one's own sessions but one: the one that is named, or else this one."""
    own = [each.session_id for each in sessions.sessions_of(session, owner.person_id, now)]
    if keep is not None and keep not in own:
        raise not_found("keepSessionId")
    but = owner.session_id if keep is None else keep
    count = sessions.end_sessions(session, person_id=owner.person_id, but=but, now=now)
    if count:
        record(session, owner.actor, "endOtherSessions", at=now, subject=owner.email, before={"sessions": count})


def _require_password(database: Database, keys: Keys, owner: Owner, password: str, now: int) -> PersonState:
    tries = tries_of(keys, "own password", owner.person_id, owner.visitor)
    with database.transaction() as session:
        count_try(session, tries, now)
    with database.reading() as session:
        person = look_up_person(session, owner.person_id)
    is_right = person is not None and verify_password(person.password_hash, password)
    with database.transaction() as session:
        if is_right:
            was_right(session, tries)
        else:
            was_wrong(session, tries, now)
    if person is None or not is_right:
        raise invalid("password", "This is not your password.")
    return person


def _require_code(database: Database, keys: Keys, owner: Owner, code: str, now: int) -> None:
    tries = tries_of(keys, "code", owner.person_id, owner.visitor)
    with database.transaction() as session:
        count_try(session, tries, now)
    with database.transaction() as session:
        proof = second_factor.use_code(session, person_id=owner.person_id, code=code, now=now)
        if proof is None:
            was_wrong(session, tries, now)
        else:
            was_right(session, tries)
        if proof == Proof.RECOVERY_CODE:
            left = second_factor.second_factor_of(session, owner.person_id).recovery_codes_left
            _record(session, owner, "useRecoveryCode", now, recovery_codes_left=left)
    if proof is None:
        raise second_factor.wrong_code()


def _record(session: Session, owner: Owner, action: str, now: int, **after: int) -> None:
    """Record what they did to their sign-in, and tell them by mail."""
    record_and_tell(
        session, owner.actor, action, person_id=owner.person_id, email=owner.email, locale=owner.visitor.locale, at=now,
        after=after,
    )  # fmt: skip
