"""Forgotten passwords: whoever gets mail at an address, by a link, chooses a new one. Every session ends.

Whether an address is known is told to nobody who asks for a link: the answer is the same, after the same work.
"""

from credits.alerts import record_and_tell
from credits.attempts import Pace, Tries, Visitor, count_try, network_of
from credits.audit import Actor, record
from credits.instants import DAY, HOUR, MINUTE
from credits.keys import Keys
from credits.links import Link, code_of, find_link, make_link, use_link
from credits.passwords import hash_password
from credits.people import PersonState, find_person, set_password
from credits.refusals import invalid, not_found
from credits.sessions import end_sessions
from db.kinds import ActorKind, InvitationKind
from db.session import Session

LASTS = HOUR
# So many links may be open at a time for one address; who asks for more gets none.
MOST_OPEN = 3
# How fast one network address may ask for links.
ASKING = Pace(slow_from=10, longest_pause=MINUTE, locked_from=50, locked_for=HOUR)


def request_reset(session: Session, keys: Keys, *, email: str, visitor: Visitor, now: int) -> None:
    """Have a link mailed by which whoever gets the mail chooses a new password; refused when asked for too often.

    For an address that is nobody's, a link is written that opens nothing, so that it takes as long.
    """
    count_try(session, _asking(keys, visitor), now)
    person = find_person(session, email)
    address = "" if person is None else person.email
    open_links = session.rows(
        "SELECT invitation_id FROM invitation"
        " WHERE email = ? AND kind = ? AND used_at IS NULL AND withdrawn_at IS NULL AND expires_at > ? LIMIT ?",
        address, InvitationKind.RESET.value, now, MOST_OPEN,
    )  # fmt: skip
    is_mailed = person is not None and len(open_links) < MOST_OPEN
    make_link(
        session, keys, kind=InvitationKind.RESET, email=address if is_mailed else "", invited_by="",
        locale=visitor.locale, now=now, lasts=LASTS, is_mailed=is_mailed,
    )  # fmt: skip
    if person is not None:
        somebody = Actor(ActorKind.SYSTEM, "sign-in", None, visitor.address, visitor.request_id)
        record(session, somebody, "requestPasswordReset", at=now, subject=person.email)


def make_reset_code(session: Session, keys: Keys, actor: Actor, *, person: PersonState, now: int) -> str:
    """The code of a link that is handed over, not mailed: for whoever has no mail."""
    invitation_id = make_link(
        session, keys, kind=InvitationKind.RESET, email=person.email, invited_by=actor.name,
        locale="en", now=now, lasts=DAY, is_mailed=False,
    )  # fmt: skip
    record(session, actor, "makeResetLink", at=now, subject=person.email)
    return code_of(keys, invitation_id)


def find_reset(session: Session, code: str, now: int) -> Link:
    """The link that a code opens; a refusal when it is of no use any more."""
    return find_link(session, code, InvitationKind.RESET, now)


def reset_password(session: Session, *, code: str, password_hash: str, visitor: Visitor, now: int) -> PersonState:
    """Let a new password count for the owner of the link; all their sessions, and their other links, end."""
    link = find_link(session, code, InvitationKind.RESET, now, lock=True)
    person = find_person(session, link.email)
    if person is None:
        raise not_found("code", "This link was used, was withdrawn, or is too old. Ask for another.")
    use_link(session, link, now)
    set_password(session, person_id=person.person_id, password_hash=password_hash)
    end_sessions(session, person_id=person.person_id, but=None, now=now)
    session.execute(
        "UPDATE invitation SET withdrawn_at = ?, due_at = NULL"
        " WHERE email = ? AND kind = ? AND used_at IS NULL AND withdrawn_at IS NULL",
        now, person.email, InvitationKind.RESET.value,
    )  # fmt: skip
    actor = Actor(ActorKind.PERSON, person.email, person.person_id, visitor.address, visitor.request_id)
    record_and_tell(
        session, actor, "resetPassword", person_id=person.person_id, email=person.email, locale=visitor.locale, at=now
    )
    return person


def new_hash(password: str, repeated: str | None = None) -> str:
    """The hash of a password that somebody chose; refused when it is too short or long, or was mistyped."""
    if repeated is not None and repeated != password:
        raise invalid("repeated", "The two passwords differ.")
    return hash_password(password)


def _asking(keys: Keys, visitor: Visitor) -> Tries:
    return [(keys.derived("tries", "reset", "address", network_of(visitor.address)), ASKING)]
