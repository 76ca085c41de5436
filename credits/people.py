"""People who sign in: who they are, and which accounts they belong to in which role."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from credits import audit
from credits.accounts import look_up
from credits.passwords import hash_password
from credits.refusals import conflict, invalid
from db.kinds import Role
from db.session import Session


@dataclass(frozen=True, slots=True)
class PersonState:
    """A person with their roles by account."""

    person_id: int
    email: str
    password_hash: str
    is_operator: bool
    roles: dict[int, Role]
    has_second_factor: bool = False


# What `person_of` reads, in a statement in which `person` stands.
COLUMNS = "person.person_id, email, password_hash, is_operator, totp_since"


def create_person(
    session: Session, *, email: str, password: str, is_operator: bool, roles: dict[int, Role], now: int
) -> int:
    """Add somebody who may sign in. An address that is taken is refused."""
    for account_id in roles:
        look_up(session, account_id)
    password_hash = hash_password(password)
    person_id = add_person(session, email=email, password_hash=password_hash, is_operator=is_operator, now=now)
    members = [(account_id, person_id, role.value, now) for account_id, role in roles.items()]
    session.insert("membership", ("account_id", "person_id", "role", "joined_at"), members)
    address = checked_email(email)
    if is_operator or not roles:
        audit.changed(session, address, after={"operator": is_operator})
    for account_id, role in roles.items():
        audit.changed(session, address, after={"role": role.value}, account_id=account_id)
    return person_id


def add_person(session: Session, *, email: str, password_hash: str, is_operator: bool, now: int) -> int:
    """The same with a password that is hashed already, and without roles."""
    address = checked_email(email)
    person_id = secrets.randbits(48)
    added = session.execute(
        "INSERT INTO person (person_id, email, password_hash, is_operator, created_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (email) DO NOTHING",
        person_id, address, password_hash, is_operator, now,
    )  # fmt: skip
    if not added:
        raise conflict("{email} has a sign-in already.", field=("email",), email=address)
    return person_id


def add_role(session: Session, *, person_id: int, account_id: int, role: Role, now: int) -> None:
    """Let a person into one more account, or change what they may do there."""
    look_up(session, account_id)
    found = session.row(
        "SELECT email, (SELECT role FROM membership WHERE account_id = ? AND person_id = person.person_id)"
        " FROM person WHERE person_id = ?",
        account_id, person_id,
    )  # fmt: skip
    assert found is not None
    audit.changed(session, found[0], {"role": found[1]}, {"role": role.value}, account_id=account_id)
    session.execute(
        "INSERT INTO membership (account_id, person_id, role, joined_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (account_id, person_id) DO UPDATE SET role = excluded.role",
        account_id, person_id, role.value, now,
    )  # fmt: skip


def set_password(session: Session, *, person_id: int, password_hash: str) -> None:
    """Let another password count; whoever calls this ends the sessions that were opened with the one before."""
    session.execute("UPDATE person SET password_hash = ? WHERE person_id = ?", password_hash, person_id)


def make_operator(session: Session, person_id: int) -> None:
    """Let a person see and do everything."""
    session.execute("UPDATE person SET is_operator = ? WHERE person_id = ?", True, person_id)


def any_operator(session: Session) -> bool:
    """Tell whether there is an operator yet."""
    return session.row("SELECT 1 FROM person WHERE is_operator LIMIT 1") is not None


def find_person(session: Session, email: str) -> PersonState | None:
    """The person with an address, in whatever capitals it was typed."""
    return _person(session, "email = ?", email.strip().lower())


def look_up_person(session: Session, person_id: int) -> PersonState | None:
    """The person with a number, if there still is one."""
    return _person(session, "person_id = ?", person_id)


def checked_email(email: str) -> str:
    """A mail address in small letters, or a refusal."""
    address = email.strip().lower()
    if not address:
        raise invalid("email", "Enter a mail address.")
    name, at, host = address.partition("@")
    if not (name and at and host) or len(address) > 254 or any(sign.isspace() for sign in address):
        raise invalid("email", "{address} is not a mail address.", address=address)
    return address


def person_of(session: Session, row: Sequence[Any]) -> PersonState:
    """A person from a row of `COLUMNS`, with their roles."""
    person_id, email, password_hash, is_operator, totp_since = row
    members = session.rows("SELECT account_id, role FROM membership WHERE person_id = ?", person_id)
    roles = {account_id: Role(role) for account_id, role in members}
    return PersonState(person_id, email, password_hash, bool(is_operator), roles, totp_since is not None)


def _person(session: Session, condition: str, value: str | int) -> PersonState | None:
    row = session.row(f"SELECT {COLUMNS} FROM person WHERE {condition}", value)
    return None if row is None else person_of(session, row)
