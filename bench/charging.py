"""Charging many calls: calls a second through `record_calls`, every batch durable, beside the same rows
inserted bare, in the same batches, by the driver (executemany on SQLite, COPY on PostgreSQL).
"""

import time
from typing import Any

from bench import rig
from credits.calls import LARGEST_BATCH, record_calls
from credits.decks import RateBook
from db.session import Database
from db.tables import metadata

CALLS = 10_000 if rig.SHORT else 50_000
LEAST_RATIO = 0.25
LEAST_CALLS_A_SECOND = 10_000
_TABLES = ("call", "ledger_entry", "draw")

Rows = dict[str, tuple[list[str], list[tuple[Any, ...]]]]


def charge(database: Database, account_id: int) -> float:
    """Record all calls; seconds taken."""
    rates = RateBook()
    calls = rig.reports(CALLS)
    with database.transaction() as session:  # the deck is loaded before the clock runs
        record_calls(session, rates=rates, account_id=account_id, reports=rig.reports(1, first=CALLS), now=rig.NOW)
    began = time.perf_counter()
    for first in range(0, CALLS, LARGEST_BATCH):
        with database.transaction() as session:
            batch = calls[first : first + LARGEST_BATCH]
            record_calls(session, rates=rates, account_id=account_id, reports=batch, now=rig.NOW)
    return time.perf_counter() - began


def written_rows(database: Database) -> Rows:
    """The rows that charging wrote, by table."""
    rows: Rows = {}
    with database.reading() as session:
        for table in _TABLES:
            columns = list(metadata.tables[table].columns.keys())
            first, key = (0, "call_no") if table == "call" else (1, "entry_no")  # entry 1 brought the funds in
            found = session.rows(f'SELECT {", ".join(columns)} FROM "{table}" WHERE {key} > ? ORDER BY {key}', first)
            rows[table] = (columns, found)
    return rows


def insert_bare(database: Database, rows: Rows) -> float:
    """Insert the same rows in the same batches; seconds taken."""
    began = time.perf_counter()
    for first in range(0, CALLS, LARGEST_BATCH):
        with database.transaction() as session:
            for table, (columns, found) in rows.items():
                session.insert(table, columns, found[first : first + LARGEST_BATCH])
    return time.perf_counter() - began


def main() -> None:
    """Print calls a second on both engines and their ratio to the bare rows."""
    reached = []
    with rig.databases() as databases:
        for name, database, spare in databases:
            for each in (database, spare):
                rig.publish(each)
                account_id = rig.open_account(each)
            charging = charge(database, account_id)
            bare = insert_bare(spare, written_rows(database))
            calls_a_second = CALLS / charging
            detail = f"{calls_a_second:,.0f} calls/s against {CALLS / bare:,.0f} bare ({CALLS:,} calls)"
            reached.append(rig.report(f"charging calls in batches, {name}", bare / charging, LEAST_RATIO, detail))
            if not rig.SHORT:  # a bar in calls a second holds for a quiet machine only
                what = f"charging calls in batches, {name}: calls/s to {LEAST_CALLS_A_SECOND:,}"
                reached.append(rig.report(what, calls_a_second / LEAST_CALLS_A_SECOND, 1.0, detail))
    rig.finish(reached)


if __name__ == "__main__":
    main()
