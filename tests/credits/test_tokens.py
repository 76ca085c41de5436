"""Bearer tokens: shown once, stored as a hash, bound and scoped."""

import pytest

from credits.refusals import Refusal
from credits.tokens import create_token, find_token
from db.kinds import Scope
from db.session import Database
from tests.factories import NOW, make_account


def _make(database: Database, account_id: int | None = None, scopes: tuple[Scope, ...] = (Scope.READ,)) -> str:
    with database.transaction() as session:
        return create_token(session, name="Switch", scopes=scopes, account_id=account_id, now=NOW)


def test_a_token_is_found_with_its_account_and_scopes(database: Database) -> None:
    account_id = make_account(database)
    token = _make(database, account_id, (Scope.CALLS, Scope.READ, Scope.CALLS))

    with database.reading() as session:
        found = find_token(session, token)

    assert found is not None
    assert (found.name, found.account_id) == ("Switch", account_id)
    assert found.scopes == {Scope.CALLS, Scope.READ}


def test_a_token_without_an_account_is_the_operators(database: Database) -> None:
    token = _make(database)

    with database.reading() as session:
        found = find_token(session, token)

    assert found is not None
    assert found.account_id is None


def test_the_token_itself_is_stored_nowhere(database: Database) -> None:
    token = _make(database)

    with database.reading() as session:
        (row,) = session.rows("SELECT * FROM token")

    assert all(token not in str(value) and token[4:] not in str(value) for value in row)


def test_no_two_tokens_are_alike(database: Database) -> None:
    tokens = {_make(database) for _ in range(20)}

    assert len(tokens) == 20
    assert all(len(token) >= 43 for token in tokens)


def test_a_revoked_token_is_not_found(database: Database) -> None:
    token = _make(database)
    with database.transaction() as session:
        session.execute("UPDATE token SET revoked_at = ?", NOW)

    with database.reading() as session:
        assert find_token(session, token) is None


@pytest.mark.parametrize("token", ["", "cct_", "cct_" + "A" * 43, "' OR 1=1 --"])
def test_what_was_never_made_is_not_found(database: Database, token: str) -> None:
    _make(database)

    with database.reading() as session:
        assert find_token(session, token) is None


def test_a_token_for_no_such_account_is_refused_and_leaves_no_trace(database: Database) -> None:
    with pytest.raises(Refusal, match="no such account"):
        _make(database, account_id=12345)

    with database.reading() as session:
        assert session.rows("SELECT 1 FROM token") == []


def test_a_token_that_may_do_nothing_is_refused(database: Database) -> None:
    with pytest.raises(Refusal, match="at least one scope"):
        _make(database, scopes=())
