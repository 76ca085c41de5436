"""Invitations: for a week, for one use, and for the owner of one address."""

from typing import Any

import pytest

from credits import links
from credits.audit import Actor
from credits.instants import DAY
from credits.invitations import (
    MOST_OPEN,
    accept_invitation,
    find_invitation,
    invite_member,
    invite_operator,
    open_invitations,
    withdraw_invitation,
)
from credits.keys import Keys
from credits.links import code_of
from credits.passwords import hash_password, verify_password
from credits.people import PersonState, create_person, find_person
from credits.refusals import Code, Refusal
from db.kinds import ActorKind, Role
from db.session import Database
from tests.factories import NOW, make_account
from tests.faults.at_once import Meeting, at_once

ALICE = Actor(ActorKind.PERSON, "alice@example.com")
KEYS = Keys("k" * 48)


def _invite(database: Database, account_id: int, email: str = "bob@example.com", **values: Any) -> int:
    chosen = {"role": Role.BILLING, "now": NOW, **values}
    with database.transaction() as session:
        return invite_member(session, KEYS, ALICE, account_id=account_id, email=email, **chosen)


def _accept(
    database: Database, invitation_id: int, password: str | None = "correct horse battery", *, now: int = NOW
) -> int:
    hashed = None if password is None else hash_password(password)
    with database.transaction() as session:
        return accept_invitation(
            session, code=code_of(KEYS, invitation_id), password_hash=hashed, now=now, address="192.0.2.1"
        )


def _person(database: Database, email: str = "bob@example.com") -> PersonState:
    with database.reading() as session:
        found = find_person(session, email)
    assert found is not None
    return found


def _refusal_of(database: Database, invitation_id: int, *, now: int = NOW) -> Code:
    with pytest.raises(Refusal) as refused:
        _accept(database, invitation_id, now=now)
    return refused.value.code


def test_who_has_no_sign_in_chooses_a_password_and_gets_the_role(database: Database) -> None:
    account_id = make_account(database)
    invitation_id = _invite(database, account_id, "Bob@Example.com")

    person_id = _accept(database, invitation_id)

    bob = _person(database)
    assert bob.person_id == person_id
    assert bob.roles == {account_id: Role.BILLING}
    assert verify_password(bob.password_hash, "correct horse battery")


def test_who_has_a_sign_in_keeps_it_and_gets_the_role(database: Database) -> None:
    account_id, other = make_account(database), make_account(database)
    with database.transaction() as session:
        create_person(
            session, email="bob@example.com", password="a first password", is_operator=False,
            roles={other: Role.ADMIN}, now=NOW,
        )  # fmt: skip

    _accept(database, _invite(database, account_id), "another password")

    bob = _person(database)
    assert bob.roles == {other: Role.ADMIN, account_id: Role.BILLING}
    assert verify_password(bob.password_hash, "a first password")


def test_an_operator_is_invited_to_all_accounts(database: Database) -> None:
    with database.transaction() as session:
        invitation_id = invite_operator(session, KEYS, ALICE, email="bob@example.com", locale="ja", now=NOW)

    _accept(database, invitation_id)

    assert _person(database).is_operator


def test_a_link_is_good_for_one_use(database: Database) -> None:
    invitation_id = _invite(database, make_account(database))
    _accept(database, invitation_id)

    assert _refusal_of(database, invitation_id) == Code.NOT_FOUND


def test_of_two_who_use_a_link_at_once_one_is_let_in(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    _accept(database, _invite(database, make_account(database)))
    invitation_id = _invite(database, make_account(database))
    Meeting(monkeypatch, "credits.invitations.find_person")

    came = at_once(*[lambda: _accept(database, invitation_id)] * 2)

    assert sorted(isinstance(each, Refusal) for each in came) == [False, True]


def test_who_accepts_two_invitations_at_once_gets_one_sign_in(database: Database) -> None:
    invitations = [_invite(database, make_account(database)) for _ in range(3)]

    came = at_once(*[lambda number=number: _accept(database, number) for number in invitations])

    assert {each.code for each in came if isinstance(each, Refusal)} <= {Code.CONFLICT}
    assert len(_person(database).roles) == len([each for each in came if not isinstance(each, Refusal)]) > 0


@pytest.mark.parametrize(("after", "is_open"), [(7 * DAY - 1, True), (7 * DAY, False), (7 * DAY + 1, False)])
def test_a_link_lasts_seven_days(database: Database, after: int, is_open: bool) -> None:
    invitation_id = _invite(database, make_account(database))

    if is_open:
        assert _accept(database, invitation_id, now=NOW + after)
    else:
        assert _refusal_of(database, invitation_id, now=NOW + after) == Code.NOT_FOUND


def test_an_invitation_that_was_withdrawn_opens_nothing(database: Database) -> None:
    account_id = make_account(database)
    invitation_id = _invite(database, account_id)

    with database.transaction() as session:
        withdraw_invitation(session, ALICE, account_id=account_id, invitation_id=invitation_id, now=NOW)

    assert _refusal_of(database, invitation_id) == Code.NOT_FOUND
    with database.reading() as session:
        assert open_invitations(session, account_id, NOW) == []
        assert links.links_to_mail(session, NOW) == []


def test_an_invitation_of_another_account_cannot_be_withdrawn(database: Database) -> None:
    invitation_id = _invite(database, make_account(database))
    other = make_account(database)

    for elsewhere in (other, None):
        with pytest.raises(Refusal), database.transaction() as session:
            withdraw_invitation(session, ALICE, account_id=elsewhere, invitation_id=invitation_id, now=NOW)

    assert _accept(database, invitation_id)


def test_inviting_again_withdraws_the_link_before(database: Database) -> None:
    account_id = make_account(database)
    before = _invite(database, account_id)

    again = _invite(database, account_id, role=Role.ADMIN)

    assert _refusal_of(database, before) == Code.NOT_FOUND
    _accept(database, again)
    assert _person(database).roles == {account_id: Role.ADMIN}


def test_who_belongs_to_the_account_is_not_invited(database: Database) -> None:
    account_id = make_account(database)
    _accept(database, _invite(database, account_id))

    with pytest.raises(Refusal) as refused:
        _invite(database, account_id)

    assert refused.value.code == Code.CONFLICT


def test_so_many_invitations_are_open_and_no_more(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("credits.invitations.MOST_OPEN", 2)
    account_id = make_account(database)
    for name in ("one", "two"):
        _invite(database, account_id, f"{name}@example.com")

    with pytest.raises(Refusal) as refused:
        _invite(database, account_id, "three@example.com")

    assert refused.value.code == Code.LIMIT_EXCEEDED
    assert _invite(database, account_id, "two@example.com")
    assert MOST_OPEN >= 100


def test_a_link_made_under_another_secret_opens_nothing(database: Database) -> None:
    invitation_id = _invite(database, make_account(database))

    with pytest.raises(Refusal), database.reading() as session:
        find_invitation(session, code_of(Keys("x" * 48), invitation_id), NOW)


def test_no_code_is_stored(database: Database) -> None:
    invitation_id = _invite(database, make_account(database))
    code = code_of(KEYS, invitation_id)

    with database.reading() as session:
        rows = session.rows("SELECT * FROM invitation") + session.rows("SELECT * FROM audit_event")

    assert code not in repr(rows)


def test_the_log_says_who_invited_whom_and_that_they_came(database: Database) -> None:
    account_id = make_account(database)
    _accept(database, _invite(database, account_id), now=NOW + 1)

    with database.reading() as session:
        told = session.rows("SELECT actor, action, account_id FROM audit_event ORDER BY at")

    assert told == [
        ("alice@example.com", "inviteMember", account_id), ("bob@example.com", "acceptInvitation", account_id)
    ]  # fmt: skip
