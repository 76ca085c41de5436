"""Invitations: who is asked to join an account or the operators, by a link that is good for a week and for one use.

An invitation is for the owner of the address that it is mailed to, whoever opens it: who has a sign-in gets the role,
who has none chooses a password. Inviting the same address again withdraws the link before it.
"""

from credits import accounts
from credits.audit import Actor, record
from credits.instants import DAY
from credits.keys import Keys
from credits.links import OPEN, READ, Link, find_link, links_of, make_link, use_link
from credits.people import add_person, add_role, checked_email, find_person, make_operator
from credits.refusals import Code, Refusal, conflict, not_found
from db.kinds import ActorKind, InvitationKind, Role
from db.session import Session

LASTS = 7 * DAY
# So many invitations may be open at a time: of an account, or to the operators.
MOST_OPEN = 200


def invite_member(
    session: Session, keys: Keys, actor: Actor, *, account_id: int, email: str, role: Role, now: int
) -> int:
    """Invite somebody to an account, by mail in the account's language; returns the invitation's number.

    Refused as CONFLICT when they belong to it already, or the account is closed.
    """
    address = checked_email(email)
    account = accounts.lock(session, account_id)
    accounts.require_open(account)
    known = find_person(session, address)
    if known is not None and account_id in known.roles:
        raise conflict("{email} belongs to this account already.", field=("email",), email=address)
    _make_room(session, address, account_id, now)
    invitation_id = make_link(
        session, keys, kind=InvitationKind.INVITATION, email=address, account_id=account_id, role=role,
        invited_by=actor.name, locale=account.locale, now=now, lasts=LASTS,
    )  # fmt: skip
    record(
        session, actor, "inviteMember", at=now, account_id=account_id,
        subject=address, after={"role": role.value},
    )  # fmt: skip
    return invitation_id


def invite_operator(session: Session, keys: Keys, actor: Actor, *, email: str, locale: str, now: int) -> int:
    """Invite somebody to be an operator, by mail in a language; returns the invitation's number.

    Refused as CONFLICT when they are one already.
    """
    address = checked_email(email)
    known = find_person(session, address)
    if known is not None and known.is_operator:
        raise conflict("{email} is an operator already.", field=("email",), email=address)
    _make_room(session, address, None, now)
    invitation_id = make_link(
        session, keys, kind=InvitationKind.INVITATION, email=address, to_operators=True,
        invited_by=actor.name, locale=locale, now=now, lasts=LASTS,
    )  # fmt: skip
    record(session, actor, "inviteOperator", at=now, subject=address, after={"operator": True})
    return invitation_id


def withdraw_invitation(
    session: Session, actor: Actor, *, account_id: int | None, invitation_id: int, now: int
) -> None:
    """Let an invitation to an account (None: to the operators) be of no use any more.

    Refused as NOT_FOUND when there is no such invitation, as CONFLICT when it was accepted.
    """
    found = links_of(session.rows(f"{READ} WHERE invitation_id = ?{session.for_update}", invitation_id))
    if not found or found[0].kind != InvitationKind.INVITATION or found[0].account_id != account_id:
        raise not_found("invitationId")
    link = found[0]
    if link.used_at is not None:
        raise conflict("{email} has accepted this invitation.", field=("invitationId",), email=link.email)
    if link.withdrawn_at is not None:
        return
    _withdraw(session, [invitation_id], now)
    record(
        session, actor, "withdrawInvitation", at=now, account_id=account_id,
        subject=link.email,
    )  # fmt: skip


def look_up_invitation(session: Session, invitation_id: int) -> Link:
    """An invitation by its number, open or not."""
    (link,) = links_of(session.rows(f"{READ} WHERE invitation_id = ?", invitation_id))
    return link


def open_invitations(session: Session, account_id: int | None, now: int) -> list[Link]:
    """The invitations to an account (None: to the operators) that can still be accepted, the newest first."""
    return _open(session, account_id, now, " ORDER BY created_at DESC, invitation_id")


def find_invitation(session: Session, code: str, now: int) -> Link:
    """The invitation that a link's code opens; a refusal when it can be accepted no more."""
    return find_link(session, code, InvitationKind.INVITATION, now)


def accept_invitation(
    session: Session, *, code: str, password_hash: str | None, now: int, address: str, request_id: str | None = None
) -> int:
    """Let the owner of the invited address in, and return their number; the link is used up.

    Who has no sign-in yet needs `password_hash`, of a password that they chose.
    """
    link = find_link(session, code, InvitationKind.INVITATION, now, lock=True)
    known = find_person(session, link.email)
    if known is not None:
        person_id = known.person_id
    else:
        if password_hash is None:
            raise not_found("code", "There is no sign-in for {email} any more. Open the link again.", email=link.email)
        person_id = add_person(session, email=link.email, password_hash=password_hash, is_operator=False, now=now)
    if link.account_id is not None and link.role is not None:
        add_role(session, person_id=person_id, account_id=link.account_id, role=link.role, now=now)
    if link.to_operators:
        make_operator(session, person_id)
    use_link(session, link, now)
    joined = Actor(ActorKind.PERSON, link.email, person_id, address, request_id)
    record(
        session, joined, "acceptInvitation", at=now, account_id=link.account_id,
        subject=link.email,
        after={"operator": True} if link.role is None else {"role": link.role.value},
    )  # fmt: skip
    return person_id


def _make_room(session: Session, email: str, account_id: int | None, now: int) -> None:
    """Withdraw what the address was sent before, and refuse when too many invitations are open."""
    links = _open(session, account_id, now)
    before = [each.invitation_id for each in links if each.email == email]
    if len(links) - len(before) >= MOST_OPEN:
        raise Refusal(
            Code.LIMIT_EXCEEDED, "Up to {most} invitations can be open at a time. Withdraw some.",
            field=("email",), most=MOST_OPEN,
        )  # fmt: skip
    _withdraw(session, before, now)


def _open(session: Session, account_id: int | None, now: int, order: str = "") -> list[Link]:
    where, to = ("account_id = ?", [account_id]) if account_id is not None else ("to_operators", [])
    kind = InvitationKind.INVITATION.value
    return links_of(session.rows(f"{READ} WHERE {where} AND kind = ? AND {OPEN}{order}", *to, kind, now))


def _withdraw(session: Session, invitation_ids: list[int], now: int) -> None:
    session.update(
        "invitation", ["invitation_id"], ["withdrawn_at", "due_at"], [(each, now, None) for each in invitation_ids]
    )
