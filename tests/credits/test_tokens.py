"""Bearer tokens: shown once, stored as a hash, bound and scoped."""

from typing import Any

import pytest

from credits.accounts import update_account
from credits.instants import DAY, MINUTE
from credits.refusals import Refusal
from credits.tokens import (
    Giver,
    TokenState,
    create_token,
    expiry_in_days,
    find_token,
    look_up_token,
    of_status,
    read_tokens,
    revoke_token,
    write_uses,
)
from db.kinds import AccountStatus, Scope, TokenStatus
from db.session import Database, Session
from tests.factories import NOW, make_account


def _make(
    database: Database, account_id: int | None = None, scopes: tuple[Scope, ...] = (Scope.READ,), **values: Any
) -> str:
    with database.transaction() as session:
        return create_token(session, name="Switch", scopes=scopes, account_id=account_id, now=NOW, **values)


def _numbers(database: Database) -> list[int]:
    with database.reading() as session:
        return [token_id for (token_id,) in session.rows("SELECT token_id FROM token")]


def _of_status(session: Session, status: TokenStatus, now: int) -> list[TokenState]:
    condition, values = of_status(status, now)
    return read_tokens(session, condition, *values)


def test_a_token_is_found_with_its_account_and_scopes(database: Database) -> None:
    account_id = make_account(database)
    token = _make(database, account_id, (Scope.CALLS, Scope.READ, Scope.CALLS))

    with database.reading() as session:
        found = find_token(session, token, NOW)

    assert found is not None
    assert (found.name, found.account_id) == ("Switch", account_id)
    assert found.scopes == {Scope.CALLS, Scope.READ}


def test_a_token_without_an_account_is_the_operators(database: Database) -> None:
    token = _make(database)

    with database.reading() as session:
        found = find_token(session, token, NOW)

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


def test_a_token_that_was_taken_back_is_not_found_and_only_the_first_time_counts(database: Database) -> None:
    token = _make(database)
    token_id = _numbers(database)[0]

    for at in (NOW, NOW + DAY):
        with database.transaction() as session:
            revoke_token(session, token_id=token_id, account_id=None, now=at)

    with database.reading() as session:
        found = look_up_token(session, token_id)
        assert find_token(session, token, NOW) is None
    assert found is not None
    assert (found.revoked_at, found.status(NOW)) == (NOW, TokenStatus.REVOKED)


def test_only_a_token_of_the_account_that_is_named_is_taken_back(database: Database) -> None:
    mine, elsewhere = make_account(database), make_account(database)
    token = _make(database, mine)
    (token_id,) = _numbers(database)

    for account_id in (elsewhere, None):
        with pytest.raises(Refusal, match="no such token"), database.transaction() as session:
            revoke_token(session, token_id=token_id, account_id=account_id, now=NOW)

    with database.reading() as session:
        assert find_token(session, token, NOW) is not None


@pytest.mark.parametrize(("after", "is_good"), [(-1, True), (0, False), (1, False)])
def test_a_token_is_worth_nothing_from_its_end_on(database: Database, after: int, is_good: bool) -> None:
    ends = expiry_in_days(1, NOW)
    token = _make(database, expires_at=ends)

    with database.reading() as session:
        found = find_token(session, token, ends + after)
        of_active = _of_status(session, TokenStatus.ACTIVE, ends + after)
        of_expired = _of_status(session, TokenStatus.EXPIRED, ends + after)

    assert (found is not None) == is_good
    assert (len(of_active), len(of_expired)) == ((1, 0) if is_good else (0, 1))


@pytest.mark.parametrize(("expires_at", "is_taken"), [(NOW - 1, False), (NOW, False), (NOW + 1, True)])
def test_a_token_ends_at_an_instant_to_come(database: Database, expires_at: int, is_taken: bool) -> None:
    if is_taken:
        assert _make(database, expires_at=expires_at)
        return

    with pytest.raises(Refusal, match="to come"):
        _make(database, expires_at=expires_at)

    assert _numbers(database) == []


@pytest.mark.parametrize(("days", "is_taken"), [(0, False), (1, True), (3650, True), (3651, False)])
def test_a_token_lives_for_a_day_to_ten_years(days: int, is_taken: bool) -> None:
    if is_taken:
        assert expiry_in_days(days, NOW) == NOW + days * DAY
        return

    with pytest.raises(Refusal, match="1 to 3650 days"):
        expiry_in_days(days, NOW)


def test_nobody_gives_a_token_more_than_they_have(database: Database) -> None:
    giver = Giver("Switch", frozenset({Scope.ADMIN, Scope.READ}))

    assert _make(database, scopes=(Scope.READ, Scope.ADMIN), giver=giver)
    with pytest.raises(Refusal, match="what you do not have: calls, funds"):
        _make(database, scopes=(Scope.FUNDS, Scope.READ, Scope.CALLS), giver=giver)

    assert len(_numbers(database)) == 1


@pytest.mark.parametrize(("later", "is_taken"), [(-1, True), (0, True), (1, False), (None, False)])
def test_a_token_does_not_outlast_the_one_that_makes_it(database: Database, later: int | None, is_taken: bool) -> None:
    giver = Giver("Switch", frozenset(Scope), expires_at=NOW + DAY)
    expires_at = None if later is None else NOW + DAY + later

    if is_taken:
        assert _make(database, expires_at=expires_at, giver=giver)
        return
    with pytest.raises(Refusal, match="no later than the one that makes it"):
        _make(database, expires_at=expires_at, giver=giver)


def test_the_same_key_makes_one_token_for_each_account(database: Database) -> None:
    account_id = make_account(database)
    for owner in (account_id, None):
        _make(database, owner, idempotency_key="k")

    with pytest.raises(Refusal, match="made already"):
        _make(database, account_id, idempotency_key="k")

    assert len(_numbers(database)) == 2


def test_a_closed_account_gets_no_token(database: Database) -> None:
    account_id = make_account(database)
    with database.transaction() as session:
        update_account(session, account_id=account_id, status=AccountStatus.CLOSED)

    with pytest.raises(Refusal, match="closed"):
        _make(database, account_id)


def test_a_last_use_is_written_once_a_minute(database: Database) -> None:
    _make(database)
    (token_id,) = _numbers(database)
    written = []

    for after in (0, MINUTE - 1, MINUTE, MINUTE + 1):
        with database.transaction() as session:
            write_uses(session, {token_id: NOW + after})
        with database.reading() as session:
            found = look_up_token(session, token_id)
        assert found is not None
        written.append(found.used_at)

    assert written == [NOW, NOW, NOW + MINUTE, NOW + MINUTE]


@pytest.mark.parametrize("token", ["", "cct_", "cct_" + "A" * 43, "' OR 1=1 --"])
def test_what_was_never_made_is_not_found(database: Database, token: str) -> None:
    _make(database)

    with database.reading() as session:
        assert find_token(session, token, NOW) is None


def test_a_token_for_no_such_account_is_refused_and_leaves_no_trace(database: Database) -> None:
    with pytest.raises(Refusal, match="no such account"):
        _make(database, account_id=12345)

    with database.reading() as session:
        assert session.rows("SELECT 1 FROM token") == []


def test_a_token_that_may_do_nothing_is_refused(database: Database) -> None:
    with pytest.raises(Refusal, match="at least one scope"):
        _make(database, scopes=())
