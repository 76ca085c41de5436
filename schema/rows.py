"""Rows as the resolvers read them: a shape per table, its fields the columns. They never leave through GraphQL."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple, TypeVar

from db.session import Session

Row = TypeVar("Row")


class LotRow(NamedTuple):
    """A lot."""

    account_id: int
    lot_no: int
    source: str
    priority: int
    amount_micros: int
    remaining_micros: int
    is_open: bool
    purchased_at: int
    starts_at: int
    expires_at: int
    voided_at: int | None
    forfeited_at: int | None
    recharge_no: int | None
    note: str
    held_micros: int


class EntryRow(NamedTuple):
    """A ledger entry."""

    account_id: int
    entry_no: int
    kind: str
    amount_micros: int
    owed_change_micros: int
    balance_after_micros: int
    occurred_at: int
    posted_at: int
    call_no: int | None
    recharge_no: int | None
    note: str


class DrawRow(NamedTuple):
    """What an entry moved in a lot."""

    account_id: int
    entry_no: int
    lot_no: int
    amount_micros: int


class RechargeRow(NamedTuple):
    """A recharge."""

    account_id: int
    recharge_no: int
    trigger: str
    status: str
    amount_micros: int
    method_no: int
    failure_reason: str | None
    attempts: int
    created_at: int
    completed_at: int | None
    next_attempt_at: int | None
    cancel_wanted: bool
    action_url: str | None


class MethodRow(NamedTuple):
    """A payment method, without the provider's token."""

    account_id: int
    method_no: int
    kind: str
    brand: str
    last_four: str
    purchase_order: str | None
    agreement_number: str | None
    expires_on: str | None
    is_default: bool
    removed_at: int | None


class UserRow(NamedTuple):
    """A user."""

    account_id: int
    user_no: int
    user_name: str
    name: str
    country: str
    department: str | None
    monthly_limit_micros: int | None
    conference_dial_out: str | None
    user_dial_out: str | None
    created_at: int
    removed_at: int | None


class LicenseRow(NamedTuple):
    """A licence."""

    account_id: int
    user_no: int
    plan_id: int
    assigned_at: int
    removed_at: int | None


class MonthRow(NamedTuple):
    """What a user spent in a month."""

    account_id: int
    user_no: int
    month: int
    spent_micros: int


class NoticeRow(NamedTuple):
    """A notice; `letter`, `recipients` and `undelivered` are JSON."""

    account_id: int
    notice_no: int
    kind: str
    status: str
    locale: str
    subject: str
    letter: str
    recipients: str
    undelivered: str
    attempts: int
    failure: str | None
    created_at: int
    due_at: int | None
    sent_at: int | None


class DeckRow(NamedTuple):
    """A rate deck."""

    deck_id: int
    name: str
    currency: str
    effective_from: int
    decimals: int
    rounding: str
    rate_count: int


class RateRow(NamedTuple):
    """A rate; `tiers` is JSON."""

    deck_id: int
    rate_no: int
    service: str
    prefix: str
    destination: str
    country: str | None
    blocked: bool
    connect_fee_nanos: int
    free_seconds: int
    max_cost_nanos: int | None
    tiers: str


@cache
def columns_of(shape: type[Any], table: str = "") -> str:
    """The columns of a shape, as SQL."""
    names = list(shape.__annotations__)
    return ", ".join(f"{table}.{name}" if table else name for name in names)


def read_rows(session: Session, shape: type[Row], table: str, rest: str, *parameters: Any) -> list[Row]:
    """Rows of a table in a shape; `rest` is the SQL after WHERE."""
    columns = columns_of(shape)  # type: ignore[arg-type] # mypy doubts that a class is hashable
    found = session.rows(f'SELECT {columns} FROM "{table}" WHERE {rest}', *parameters)
    return [shape(*row) for row in found]


def keyed(columns: Sequence[str], keys: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    """SQL that is true for the rows with any of some keys, and its parameters."""
    marks = ", ".join([f"({', '.join('?' * len(columns))})"] * len(keys))
    return f"({', '.join(columns)}) IN (VALUES {marks})", [part for key in keys for part in key]
