"""Who belongs to an account, and who operates: listing them, changing what they may do, and taking it away.

An account keeps an administrator, unless the operator takes the last one away; the house keeps an operator. A closed
account can be taken away, too.
"""

from dataclasses import dataclass
from typing import Any

from credits import audit
from credits.accounts import lock, require_open
from credits.refusals import conflict, not_found
from db.kinds import Role
from db.session import Session

_SEEN = "(SELECT max(seen_at) FROM web_session WHERE web_session.person_id = person.person_id)"
_MEMBERS = (
    f"SELECT account_id, person.person_id, email, role, joined_at, totp_since IS NOT NULL, {_SEEN}"
    " FROM membership JOIN person ON person.person_id = membership.person_id WHERE "
)
_OPERATORS = f"SELECT person_id, email, created_at, totp_since IS NOT NULL, {_SEEN} FROM person WHERE is_operator"


@dataclass(frozen=True, slots=True)
class MemberState:
    """Somebody who belongs to an account. `joined_at` is None for who joined before it was kept."""

    account_id: int
    person_id: int
    email: str
    role: Role
    joined_at: int | None
    has_second_factor: bool
    seen_at: int | None


@dataclass(frozen=True, slots=True)
class OperatorState:
    """Somebody who operates; `created_at` is when they got a sign-in."""

    person_id: int
    email: str
    created_at: int
    has_second_factor: bool
    seen_at: int | None


def read_members(session: Session, rest: str, *parameters: Any) -> list[MemberState]:
    """Members; `rest` is the SQL after WHERE."""
    return [
        MemberState(account_id, person_id, email, Role(role), joined_at, bool(has_second_factor), seen_at)
        for account_id, person_id, email, role, joined_at, has_second_factor, seen_at in session.rows(
            _MEMBERS + rest, *parameters
        )
    ]


def find_member(session: Session, account_id: int, person_id: int) -> MemberState | None:
    """Somebody in an account, if they belong to it."""
    found = read_members(session, "account_id = ? AND person.person_id = ?", account_id, person_id)
    return found[0] if found else None


def read_operators(session: Session, rest: str = "", *parameters: Any) -> list[OperatorState]:
    """Operators; `rest` is the SQL after the condition that they are."""
    return [
        OperatorState(person_id, email, created_at, bool(has_second_factor), seen_at)
        for person_id, email, created_at, has_second_factor, seen_at in session.rows(_OPERATORS + rest, *parameters)
    ]


def set_member_role(session: Session, *, account_id: int, person_id: int, role: Role, by_operator: bool) -> None:
    """Change what a member may do; the last administrator stays one, unless the operator says otherwise."""
    require_open(lock(session, account_id))
    member = _member(session, account_id, person_id)
    if role != Role.ADMIN:
        _keep_an_administrator(session, member, by_operator)
    audit.changed(session, member.email, {"role": member.role.value}, {"role": role.value})
    session.execute(
        "UPDATE membership SET role = ? WHERE account_id = ? AND person_id = ?", role.value, account_id, person_id
    )


def remove_member(session: Session, *, account_id: int, person_id: int, by_operator: bool) -> None:
    """Take an account away from a member, who keeps their sign-in; the last administrator stays, unless the operator
    says otherwise."""
    lock(session, account_id)
    member = _member(session, account_id, person_id)
    _keep_an_administrator(session, member, by_operator)
    audit.changed(session, member.email, {"role": member.role.value})
    session.execute("DELETE FROM membership WHERE account_id = ? AND person_id = ?", account_id, person_id)


def remove_operator(session: Session, *, person_id: int) -> None:
    """Let somebody operate no more, who keeps their sign-in and the roles they have in accounts. The last one stays."""
    statement = f"SELECT person_id, email FROM person WHERE is_operator ORDER BY person_id{session.for_update}"
    operators = dict(session.rows(statement))
    if person_id not in operators:
        raise not_found("operatorId", "There is no such operator.")
    if len(operators) == 1:
        raise conflict("This is the last operator. Invite another one first.", field=("operatorId",))
    audit.changed(session, operators[person_id], {"operator": True}, {"operator": False})
    session.execute("UPDATE person SET is_operator = ? WHERE person_id = ?", False, person_id)


def _member(session: Session, account_id: int, person_id: int) -> MemberState:
    """Somebody in a locked account."""
    member = find_member(session, account_id, person_id)
    if member is None:
        raise not_found("memberId", "There is no such member.")
    return member


def _keep_an_administrator(session: Session, member: MemberState, by_operator: bool) -> None:
    if by_operator or member.role != Role.ADMIN:
        return
    others = session.row(
        "SELECT 1 FROM membership WHERE account_id = ? AND role = ? AND person_id <> ? LIMIT 1",
        member.account_id, Role.ADMIN.value, member.person_id,
    )  # fmt: skip
    if others is None:
        raise conflict(
            "{email} is the last administrator of this account. Make somebody else one first.",
            field=("memberId",), email=member.email,
        )  # fmt: skip
