"""The tables can be distributed by account: `account_id` leads every key, and PostgreSQL can partition them by it."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import ForeignKeyConstraint, Index, MetaData, PrimaryKeyConstraint, Table, UniqueConstraint

from db.session import Database, Session
from db.tables import metadata

PARTITIONS = 4
# Belong to no account: every process holds them in memory, or finds them before any account is known.
REFERENCE_TABLES = {
    "audit_event", "invitation", "person", "plan", "provider_event", "rate", "rate_deck", "recovery_code",
    "sign_in_failure", "token", "web_session", "zone_country",
}  # fmt: skip
ACCOUNT_TABLES = [table for table in metadata.sorted_tables if table.name not in REFERENCE_TABLES]

# What a row of each table must say besides zeros and empty texts, to pass its constraints.
ROWS: dict[str, dict[str, Any]] = {
    "rate_deck": {"deck_id": 1, "rounding": "UP"},
    "rate": {"deck_id": 1, "service": "USER_OUT"},
    "person": {"person_id": 1},
    "recovery_code": {"person_id": 1},
    "web_session": {"person_id": 1},
    "invitation": {"kind": "RESET"},
    "audit_event": {"actor_kind": "SYSTEM"},
    "account": {"mode": "LIVE", "status": "ACTIVE", "conference_dial_out": "ANY", "user_dial_out": "ANY"},
    "plan": {"plan_id": 1, "kind": "CALLING_PLAN"},
    "license": {"plan_id": 1},
    "minute_pool": {"plan_id": 1, "scope": "DOMESTIC"},
    "payment_method": {"kind": "CARD"},
    "recharge": {"trigger": "MANUAL", "status": "PENDING", "amount_micros": 50},
    "lot": {"source": "PURCHASE", "amount_micros": 50, "expires_at": 1, "recharge_no": 0},
    "once": {"lot_no": 0, "recharge_no": 0},
    "call": {"service": "USER_OUT", "status": "SETTLED", "deck_id": 1, "rate_no": 0},
    "ledger_entry": {"kind": "CALL_CHARGE", "amount_micros": -10, "call_no": 0},
    "draw": {"amount_micros": -10},
    "membership": {"person_id": 1, "role": "ADMIN"},
    "auto_recharge": {"strategy": "TOP_UP_TO"},
    "recharge_decision": {"outcome": "RECHARGED", "times": 1},
    "refund": {"status": "PENDING", "amount_micros": 50},
    "dispute": {"status": "OPEN", "amount_micros": 50},
    "card_setup": {"status": "OPEN"},
    "notice": {"kind": "BALANCE_LOW", "status": "FAILED"},
    "provider_event": {"status": "RECEIVED"},
}


def insert_row(session: Session, table: Table, account_id: int = 0) -> None:
    """Insert a row of zeros and empty texts, but for what `ROWS` says."""
    empty = {str: "", int: 0, bool: False}
    row = {column.name: empty[column.type.python_type] for column in table.columns if not column.nullable}
    chosen = row | {"account_id": account_id} if "account_id" in row else row
    values = chosen | ROWS.get(table.name, {})
    session.insert(table.name, list(values), [list(values.values())])


@pytest.mark.parametrize("table", ACCOUNT_TABLES, ids=lambda table: table.name)
def test_account_id_leads_every_key_of_what_belongs_to_an_account(table: Table) -> None:
    assert next(iter(table.columns)).name == "account_id"
    for columns in keys_of(table):
        assert columns[0] == "account_id", f"{table.name}: {columns}"


def keys_of(table: Table) -> Iterator[list[str]]:
    """The columns of the primary key, of each unique key, and of each foreign key to a table of accounts."""
    for constraint in table.constraints:
        if isinstance(constraint, ForeignKeyConstraint):
            if constraint.referred_table.name not in REFERENCE_TABLES:
                yield [column.name for column in constraint.columns]
                yield [element.column.name for element in constraint.elements]
        elif isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint):
            yield [column.name for column in constraint.columns]
    yield from ([column.name for column in index.columns] for index in table.indexes if index.unique)


def test_reference_tables_know_no_account() -> None:
    for name in REFERENCE_TABLES:
        for key in metadata.tables[name].foreign_keys:
            assert key.column.table.name in REFERENCE_TABLES


@pytest.mark.parametrize("bare_database", ["postgresql"], indirect=True)
def test_the_tables_work_partitioned_by_account(bare_database: Database) -> None:
    accounts = list(range(1, 33))
    with bare_database.transaction() as session:
        create_partitioned(session)

    with bare_database.transaction() as session:
        for table in metadata.sorted_tables:
            for account_id in accounts if table in ACCOUNT_TABLES else [0]:
                insert_row(session, table, account_id)

    with bare_database.reading() as session:
        for table in ACCOUNT_TABLES:
            counts = [row_count(session, f"{table.name}_{number}") for number in range(PARTITIONS)]
            assert sum(counts) == len(accounts)
            assert 0 not in counts


def row_count(session: Session, table: str) -> int:
    """How many rows a table has."""
    ((count,),) = session.rows(f'SELECT count(*) FROM "{table}"')
    return int(count)


def create_partitioned(session: Session) -> None:
    """Create every table, what belongs to an account in partitions by account."""
    partitioned = MetaData()
    for table in metadata.sorted_tables:
        copy = table.to_metadata(partitioned)
        if table in ACCOUNT_TABLES:
            copy.dialect_options["postgresql"]["partition_by"] = "HASH (account_id)"
    partitioned.create_all(session.connection)
    for table in ACCOUNT_TABLES:
        for number in range(PARTITIONS):
            session.execute(
                f'CREATE TABLE "{table.name}_{number}" PARTITION OF "{table.name}"'
                f" FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {number})"
            )


@pytest.mark.parametrize("bare_database", ["postgresql"], indirect=True)
def test_a_key_that_lacks_the_account_could_not_be_partitioned(bare_database: Database) -> None:
    wrong = MetaData()
    copy = metadata.tables["account"].to_metadata(wrong)
    copy.dialect_options["postgresql"]["partition_by"] = "HASH (account_id)"
    Index("uq_account_name", copy.c.name, unique=True)

    with (
        pytest.raises(Exception, match="must include all partitioning columns"),
        bare_database.transaction() as session,
    ):
        wrong.create_all(session.connection)
