"""Statements: what a calendar month, in the account's zone, did to the book balance, told from the ledger.

An entry is of the month in which it was posted, so a month that is over never changes. Opening and closing balances are
found by halving over the entry numbers (see `credits.history`), and what was no call's charge by an index of its own;
the calls are what is left. So a statement costs the same however many calls there were.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import groupby, pairwise
from typing import NamedTuple

from credits.accounts import AccountState, account_now, look_up
from credits.history import History
from credits.instants import first_day, first_of_month, local_day, month_of, start_of_day
from db.kinds import EntryKind, LotSource
from db.session import Session


class StatementItem(StrEnum):
    """What moves a book balance, in the order in which a statement tells it."""

    PURCHASE = "PURCHASE"
    AUTO_RECHARGE = "AUTO_RECHARGE"
    INVOICE = "INVOICE"
    GRANT = "GRANT"
    CALLS = "CALLS"
    CALLS_REVERSED = "CALLS_REVERSED"
    REFUND = "REFUND"
    REFUND_RETURNED = "REFUND_RETURNED"
    EXPIRY = "EXPIRY"
    ADJUSTMENT = "ADJUSTMENT"


_ORDER = {item: place for place, item in enumerate(StatementItem)}
_OF_SOURCE = {
    LotSource.PURCHASE: StatementItem.PURCHASE,
    LotSource.AUTO_RECHARGE: StatementItem.AUTO_RECHARGE,
    LotSource.INVOICE: StatementItem.INVOICE,
}


class StatementLine(NamedTuple):
    """Entries of one kind: how many, and what they did to the book balance, in micro-units."""

    item: StatementItem
    entries: int
    amount_micros: int


@dataclass(frozen=True, slots=True)
class StatementDay:
    """A day on which something moved, and the book balance at its end."""

    day: date
    lines: list[StatementLine]
    closing_micros: int


@dataclass(frozen=True, slots=True)
class Statement:
    """A month, as `month_of` counts months: what it opened with, what moved, and what it closed with.

    The present month closes with the balance of now, and is not over.
    """

    month: int
    opening_micros: int
    lines: list[StatementLine]
    closing_micros: int
    is_over: bool


def months_of(account: AccountState, now: int) -> range:
    """The months that have a statement: from that in which the account was opened to the present one."""
    opened = month_of(account.created_at, account.time_zone)
    return range(opened, month_of(account_now(account, now), account.time_zone) + 1)


def statements_of(
    session: Session, *, history: History, account_id: int, months: Sequence[int], now: int
) -> list[Statement]:
    """The statements of some months of an account, in the order given."""
    if not months:
        return []
    account = look_up(session, account_id)
    zone, present = account.time_zone, month_of(account_now(account, now), account.time_zone)
    edges = {month: first_of_month(month, zone) for each in months for month in (each, each + 1)}
    others = _others(session, account_id, min(edges.values()), max(edges.values()))
    told = []
    for month in months:
        (span,) = _spans(session, history, account, [edges[month], edges[month + 1]], others)
        told.append(Statement(month, span.opening_micros, span.lines, span.closing_micros, month < present))
    return told


def days_of_statement(
    session: Session, *, history: History, account_id: int, month: int, now: int
) -> list[StatementDay]:
    """The days of a month on which something moved."""
    account = look_up(session, account_id)
    zone = account.time_zone
    last = min(first_day(month + 1) - timedelta(days=1), local_day(account_now(account, now), zone))
    days = [first_day(month) + timedelta(days=place) for place in range((last - first_day(month)).days + 1)]
    edges = [start_of_day(day, zone) for day in days] + [first_of_month(month + 1, zone)]
    spans = _spans(session, history, account, edges, _others(session, account_id, edges[0], edges[-1]))
    return [
        StatementDay(day, span.lines, span.closing_micros) for day, span in zip(days, spans, strict=True) if span.lines
    ]


class _Other(NamedTuple):
    """An entry that is no call's charge."""

    entry_no: int
    item: StatementItem
    amount_micros: int


class _Span(NamedTuple):
    opening_micros: int
    lines: list[StatementLine]
    closing_micros: int


def _spans(
    session: Session, history: History, account: AccountState, edges: Sequence[int], others: Sequence[_Other]
) -> list[_Span]:
    """What moved between each two instants."""
    at = [history.before(session, account, edge) for edge in edges]
    numbers = [other.entry_no for other in others]
    return [
        _span(opening, closing, others[bisect_right(numbers, opening[0]) : bisect_right(numbers, closing[0])])
        for opening, closing in pairwise(at)
    ]


def _span(opening: tuple[int, int], closing: tuple[int, int], others: Sequence[_Other]) -> _Span:
    """What moved between two entries, each given with the balance after it."""
    lines = _added_up(others)
    calls = closing[0] - opening[0] - len(others)
    if calls:
        charged = closing[1] - opening[1] - sum(other.amount_micros for other in others)
        lines.append(StatementLine(StatementItem.CALLS, calls, charged))
    return _Span(opening[1], sorted(lines, key=lambda line: _ORDER[line.item]), closing[1])


def _added_up(others: Iterable[_Other]) -> list[StatementLine]:
    """Entries by what they are. What repays what was owed moves no balance, and is not told."""
    told = sorted((other for other in others if other.amount_micros), key=lambda other: _ORDER[other.item])
    lines = []
    for item, same in groupby(told, key=lambda other: other.item):
        amounts = [other.amount_micros for other in same]
        lines.append(StatementLine(item, len(amounts), sum(amounts)))
    return lines


def _others(session: Session, account_id: int, from_at: int, to_at: int) -> list[_Other]:
    """The entries of a time that are no calls' charges, in their order: few, beside the calls."""
    found = session.rows(
        "SELECT ledger_entry.entry_no, ledger_entry.kind, ledger_entry.amount_micros, ledger_entry.call_no, lot.source"
        " FROM ledger_entry LEFT JOIN lot ON lot.account_id = ledger_entry.account_id"
        " AND lot.recharge_no = ledger_entry.recharge_no WHERE ledger_entry.account_id = ?"
        " AND ledger_entry.kind <> 'CALL_CHARGE' AND ledger_entry.posted_at >= ? AND ledger_entry.posted_at < ?",
        account_id, from_at, to_at,
    )  # fmt: skip
    return sorted(
        _Other(entry_no, _item(EntryKind(kind), call_no, source), amount_micros)
        for entry_no, kind, amount_micros, call_no, source in found
    )


def _item(kind: EntryKind, call_no: int | None, source: str | None) -> StatementItem:
    match kind:
        case EntryKind.FUNDS_ADDED:
            assert source is not None, "funds that were bought came in a lot"
            return _OF_SOURCE[LotSource(source)]
        case EntryKind.GRANT:
            return StatementItem.GRANT
        case EntryKind.REVERSAL:
            return StatementItem.REFUND_RETURNED if call_no is None else StatementItem.CALLS_REVERSED
        case EntryKind.REFUND:
            return StatementItem.REFUND
        case EntryKind.EXPIRY:
            return StatementItem.EXPIRY
        case _:
            return StatementItem.ADJUSTMENT
