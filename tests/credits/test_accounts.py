"""Accounts: opened once, changed field by field, closed for good."""

from typing import Any

import pytest

from credits.accounts import AccountState, create_account, look_up, update_account
from credits.refusals import Code, Refusal
from db.kinds import AccountMode, AccountStatus
from db.session import Database
from tests.books import Books
from tests.factories import NOW


def opened(database: Database, **values: Any) -> int:
    """Open an account."""
    with database.transaction() as session:
        return create_account(session, **{"name": "Contoso", "currency": "USD", "now": NOW, **values})


def changed(database: Database, account_id: int, **values: Any) -> AccountState:
    """Change an account."""
    with database.transaction() as session:
        update_account(session, account_id=account_id, **values)
    return state(database, account_id)


def state(database: Database, account_id: int) -> AccountState:
    """An account's row."""
    with database.reading() as session:
        return look_up(session, account_id)


def count(database: Database) -> int:
    """How many accounts there are."""
    with database.reading() as session:
        return len(session.rows("SELECT account_id FROM account"))


def test_an_account_opens_active_and_empty(database: Database) -> None:
    account = state(database, opened(database, name="  Contoso  "))

    assert (account.name, account.currency, account.time_zone, account.region, account.locale) == (
        "Contoso", "USD", "UTC", "US", "en",
    )  # fmt: skip
    assert (account.mode, account.status, account.rate_deck, account.clock_at) == ("LIVE", "ACTIVE", "standard", None)
    assert (account.book_balance_micros, account.owed_micros, account.entry_count) == (0, 0, 0)
    assert account.created_at == NOW


def test_account_numbers_tell_nothing_of_each_other(database: Database) -> None:
    numbers = [opened(database) for _ in range(20)]

    assert len(set(numbers)) == 20
    assert all(2**47 <= number < 2**48 for number in numbers)


def test_the_same_key_opens_one_account(database: Database) -> None:
    first = opened(database, idempotency_key="once")

    assert opened(database, idempotency_key="once", now=NOW + 1) == first
    assert count(database) == 1


@pytest.mark.parametrize(
    "other", [{"name": "Fabrikam"}, {"currency": "JPY"}, {"mode": AccountMode.TEST}, {"time_zone": "Asia/Tokyo"}]
)
def test_a_key_of_one_account_is_refused_for_another(database: Database, other: dict[str, Any]) -> None:
    opened(database, idempotency_key="once")

    with pytest.raises(Refusal) as refused:
        opened(database, idempotency_key="once", **other)

    assert refused.value.code == Code.IDEMPOTENCY_KEY_REUSED
    assert count(database) == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"currency": "usd"}, "currency"),
        ({"currency": ""}, "currency"),
        ({"time_zone": "Mars/Olympus"}, "timeZone"),
        ({"region": "XX"}, "region"),
        ({"locale": "de"}, "locale"),
        ({"rate_deck": ""}, "rateDeck"),
        ({"idempotency_key": ""}, "idempotencyKey"),
        ({"idempotency_key": "k" * 256}, "idempotencyKey"),
        ({"clock_at": NOW}, "clock"),
    ],
)
def test_a_wrong_account_is_refused_at_its_field(database: Database, values: dict[str, Any], field: str) -> None:
    with pytest.raises(Refusal) as refused:
        opened(database, **values)

    assert (refused.value.code, refused.value.field) == (Code.INVALID, (field,))
    assert count(database) == 0


def test_a_test_account_owns_its_clock(database: Database) -> None:
    assert state(database, opened(database, mode=AccountMode.TEST)).clock_at == NOW
    assert state(database, opened(database, mode=AccountMode.TEST, clock_at=NOW - 7)).clock_at == NOW - 7


def test_what_is_not_given_stays_as_it_was(database: Database) -> None:
    account_id = opened(database)
    before = state(database, account_id)

    after = changed(database, account_id, time_zone="Asia/Tokyo", locale="ja")

    assert (after.time_zone, after.locale) == ("Asia/Tokyo", "ja")
    assert (after.name, after.region, after.status) == (before.name, before.region, before.status)


@pytest.mark.parametrize(
    "values",
    [
        {"time_zone": "Nowhere"},
        {"name": ""},
        {"notice_emails": ["not a mail address"]},
        {"name": "New", "region": "XX"},
    ],
)
def test_a_wrong_change_changes_nothing(books: Books, values: dict[str, Any]) -> None:
    before = books.dump()

    with pytest.raises(Refusal) as refused:
        changed(books.database, books.account_id, **values)

    assert refused.value.code == Code.INVALID
    assert books.dump() == before


def test_a_suspended_account_can_become_active_again_but_a_closed_one_stays_closed(database: Database) -> None:
    account_id = opened(database)
    changed(database, account_id, status=AccountStatus.SUSPENDED)
    assert changed(database, account_id, status=AccountStatus.ACTIVE).status == AccountStatus.ACTIVE
    changed(database, account_id, status=AccountStatus.CLOSED)

    with pytest.raises(Refusal) as refused:
        changed(database, account_id, status=AccountStatus.ACTIVE)

    assert (refused.value.code, refused.value.field) == (Code.CONFLICT, ("accountId",))


def test_an_account_that_is_not_there_is_not_found(database: Database) -> None:
    with pytest.raises(Refusal) as refused:
        state(database, 1)

    assert (refused.value.code, refused.value.field) == (Code.NOT_FOUND, ("accountId",))


def test_changing_settings_moves_no_money(books: Books) -> None:
    books.grant(10)
    before = books.dump()

    changed(books.database, books.account_id, name="Fabrikam", rate_deck="cheap", notice_emails=["a@example.com"])

    after = books.dump()
    assert {table for table in before if before[table] != after[table]} == {"account"}
    assert books.breaches() == []


def test_an_accounts_dial_out_policies_begin_as_any_and_change_alone(database: Database) -> None:
    account_id = opened(database)
    before = state(database, account_id)

    after = changed(database, account_id, conference_dial_out="ZONE_A")

    assert (before.conference_dial_out, before.user_dial_out) == ("ANY", "ANY")
    assert (after.conference_dial_out, after.user_dial_out) == ("ZONE_A", "ANY")
