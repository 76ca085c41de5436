"""People who sign in, and the accounts they belong to."""

import pytest

from credits.passwords import verify_password
from credits.people import add_role, create_person, find_person, look_up_person
from credits.refusals import Refusal
from db.kinds import Role
from db.session import Database
from tests.factories import NOW, make_account


def _create(database: Database, email: str = "alice@example.com", **values: object) -> int:
    chosen = {"password": "correct horse", "is_operator": False, "roles": {}, "now": NOW, **values}
    with database.transaction() as session:
        return create_person(session, email=email, **chosen)  # type: ignore[arg-type]


def test_somebody_is_found_with_their_roles(database: Database) -> None:
    one, other = make_account(database), make_account(database)
    person_id = _create(database, roles={one: Role.ADMIN, other: Role.VIEWER})

    with database.reading() as session:
        found = look_up_person(session, person_id)

    assert found is not None
    assert found.roles == {one: Role.ADMIN, other: Role.VIEWER}
    assert not found.is_operator
    assert verify_password(found.password_hash, "correct horse")


def test_capitals_and_spaces_do_not_matter_in_an_address(database: Database) -> None:
    _create(database, "Alice@Example.COM")

    with database.reading() as session:
        assert find_person(session, " ALICE@example.com ") is not None


def test_an_address_that_is_taken_is_refused(database: Database) -> None:
    _create(database)

    with pytest.raises(Refusal, match="has a sign-in already"):
        _create(database, "ALICE@example.com")


def test_no_address_at_all_is_asked_for(database: Database) -> None:
    with pytest.raises(Refusal, match="Enter a mail address"):
        _create(database, "  ")


@pytest.mark.parametrize("email", ["alice", "@example.com", "alice@", "al ice@example.com", "a" * 250 + "@x.de"])
def test_what_is_no_address_is_refused(database: Database, email: str) -> None:
    with pytest.raises(Refusal, match="not a mail address"):
        _create(database, email)


def test_a_person_for_no_such_account_leaves_no_trace(database: Database) -> None:
    with pytest.raises(Refusal, match="no such account"):
        _create(database, roles={404: Role.ADMIN})

    with database.reading() as session:
        assert find_person(session, "alice@example.com") is None


def test_a_role_is_added_and_changed(database: Database) -> None:
    account_id = make_account(database)
    person_id = _create(database)

    for role in (Role.VIEWER, Role.BILLING):
        with database.transaction() as session:
            add_role(session, person_id=person_id, account_id=account_id, role=role, now=NOW)

    with database.reading() as session:
        found = look_up_person(session, person_id)
    assert found is not None
    assert found.roles == {account_id: Role.BILLING}
