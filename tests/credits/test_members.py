"""Who belongs to an account and who operates: the last of them stays."""

import pytest

from credits.accounts import update_account
from credits.members import (
    find_member,
    read_members,
    read_operators,
    remove_member,
    remove_operator,
    set_member_role,
)
from credits.people import create_person
from credits.refusals import Refusal
from db.kinds import AccountStatus, Role
from db.session import Database
from tests.factories import NOW, make_account
from tests.faults.at_once import at_once


def join(database: Database, account_id: int, email: str, role: Role = Role.ADMIN) -> int:
    """Somebody new who belongs to an account."""
    with database.transaction() as session:
        return create_person(
            session, email=email, password="correct horse", is_operator=False, roles={account_id: role}, now=NOW
        )


def operate(database: Database, email: str) -> int:
    """Somebody new who operates."""
    with database.transaction() as session:
        return create_person(session, email=email, password="correct horse", is_operator=True, roles={}, now=NOW)


def set_role(database: Database, account_id: int, person_id: int, role: Role, *, by_operator: bool = False) -> None:
    with database.transaction() as session:
        set_member_role(session, account_id=account_id, person_id=person_id, role=role, by_operator=by_operator)


def remove(database: Database, account_id: int, person_id: int, *, by_operator: bool = False) -> None:
    with database.transaction() as session:
        remove_member(session, account_id=account_id, person_id=person_id, by_operator=by_operator)


def roles(database: Database, account_id: int) -> dict[str, Role]:
    """Who belongs to an account, and as what."""
    with database.reading() as session:
        return {member.email: member.role for member in read_members(session, "account_id = ?", account_id)}


def test_a_member_is_told_of_with_what_their_sign_in_is_like(database: Database) -> None:
    account_id = make_account(database)
    ada = join(database, account_id, "ada@example.com")
    with database.transaction() as session:
        session.execute("UPDATE person SET totp_since = ?", NOW)
        columns = ("session_id", "person_id", "opened_at", "seen_at", "until", "address", "agent")
        session.insert(
            "web_session", columns, [(number, ada, NOW, NOW + number, NOW + 9, "::1", "") for number in (1, 2)]
        )

    with database.reading() as session:
        found = find_member(session, account_id, ada)

    assert found is not None
    assert (found.email, found.role, found.joined_at) == ("ada@example.com", Role.ADMIN, NOW)
    assert (found.has_second_factor, found.seen_at) == (True, NOW + 2)


def test_a_role_is_changed_and_a_member_removed(database: Database) -> None:
    account_id = make_account(database)
    ada, bob = join(database, account_id, "ada@example.com"), join(database, account_id, "bob@example.com")

    set_role(database, account_id, bob, Role.BILLING)
    assert roles(database, account_id) == {"ada@example.com": Role.ADMIN, "bob@example.com": Role.BILLING}
    remove(database, account_id, bob)

    assert roles(database, account_id) == {"ada@example.com": Role.ADMIN}
    assert ada


@pytest.mark.parametrize("how", ["removed", "made a viewer"])
def test_the_last_administrator_stays_one_unless_the_operator_says_otherwise(database: Database, how: str) -> None:
    account_id, elsewhere = make_account(database), make_account(database)
    ada = join(database, account_id, "ada@example.com")
    join(database, account_id, "bill@example.com", Role.BILLING)
    join(database, elsewhere, "charlie@example.com")

    def do(*, by_operator: bool) -> None:
        if how == "removed":
            remove(database, account_id, ada, by_operator=by_operator)
        else:
            set_role(database, account_id, ada, Role.VIEWER, by_operator=by_operator)

    with pytest.raises(Refusal, match="last administrator"):
        do(by_operator=False)
    assert roles(database, account_id)["ada@example.com"] == Role.ADMIN
    do(by_operator=True)

    assert roles(database, account_id).get("ada@example.com") == (None if how == "removed" else Role.VIEWER)


def test_an_administrator_is_one_of_two_as_long_as_there_are_two(database: Database) -> None:
    account_id = make_account(database)
    ada, eve = join(database, account_id, "ada@example.com"), join(database, account_id, "eve@example.com")

    set_role(database, account_id, ada, Role.ADMIN)
    remove(database, account_id, ada)

    with pytest.raises(Refusal, match="last administrator"):
        remove(database, account_id, eve)


def test_two_administrators_who_remove_each_other_at_once_leave_one(database: Database) -> None:
    account_id = make_account(database)
    ada, eve = join(database, account_id, "ada@example.com"), join(database, account_id, "eve@example.com")

    answers = at_once(lambda: remove(database, account_id, ada), lambda: remove(database, account_id, eve))

    assert sorted(isinstance(answer, Refusal) for answer in answers) == [False, True]
    assert len(roles(database, account_id)) == 1


def test_who_does_not_belong_to_the_account_is_nobody_there(database: Database) -> None:
    account_id, elsewhere = make_account(database), make_account(database)
    join(database, account_id, "ada@example.com")
    charlie = join(database, elsewhere, "charlie@example.com")

    with pytest.raises(Refusal, match="no such member"):
        remove(database, account_id, charlie)
    with pytest.raises(Refusal, match="no such member"):
        set_role(database, account_id, 7, Role.ADMIN)

    assert roles(database, elsewhere) == {"charlie@example.com": Role.ADMIN}


def test_a_closed_account_can_be_taken_away_but_nothing_is_given(database: Database) -> None:
    account_id = make_account(database)
    join(database, account_id, "ada@example.com")
    bob = join(database, account_id, "bob@example.com", Role.VIEWER)
    with database.transaction() as session:
        update_account(session, account_id=account_id, status=AccountStatus.CLOSED)

    with pytest.raises(Refusal, match="closed"):
        set_role(database, account_id, bob, Role.ADMIN)
    remove(database, account_id, bob)

    assert list(roles(database, account_id)) == ["ada@example.com"]


def test_operators_are_taken_away_down_to_the_last(database: Database) -> None:
    olga, otto = operate(database, "olga@example.com"), operate(database, "otto@example.com")
    join(database, make_account(database), "ada@example.com")

    with database.transaction() as session:
        remove_operator(session, person_id=otto)
    for number, reason in ((otto, "no such operator"), (olga, "the last operator")):
        with pytest.raises(Refusal, match=reason), database.transaction() as session:
            remove_operator(session, person_id=number)

    with database.reading() as session:
        assert [operator.email for operator in read_operators(session)] == ["olga@example.com"]


def test_two_operators_who_remove_each_other_at_once_leave_one(database: Database) -> None:
    both = [operate(database, email) for email in ("olga@example.com", "otto@example.com")]

    def remove_one(person_id: int) -> None:
        with database.transaction() as session:
            remove_operator(session, person_id=person_id)

    answers = at_once(lambda: remove_one(both[0]), lambda: remove_one(both[1]))

    assert sorted(isinstance(answer, Refusal) for answer in answers) == [False, True]
    with database.reading() as session:
        assert len(read_operators(session)) == 1
