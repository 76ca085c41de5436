"""What a charge costs as an account grows: its ledger from 1,000 to 10,000,000 entries, its lots from 1 to
10,000; beside the same charge on a small account in the same database.
"""

import statistics
import time

from bench import rig
from credits.calls import record_calls
from credits.decks import RateBook
from credits.instants import DAY
from credits.money import MICROS
from db.session import Database, Session

SMALL_ENTRIES = 1_000
LARGE_ENTRIES = 200_000 if rig.SHORT else 10_000_000
LARGE_LOTS = 10_000
BATCH = 250
ROUNDS = 8 if rig.SHORT else 24
LEAST_RATIO = 0.8
_CALL = "account_id, call_no, call_id, service, status, to_number, answered_at, duration_seconds, billed_seconds,"
_CALL += " plan_seconds, charge_micros, deck_id, rate_no, recorded_at"
_ENTRY = "account_id, entry_no, kind, amount_micros, owed_change_micros, balance_after_micros, occurred_at,"
_ENTRY += " posted_at, call_no, note"


def grow_ledger(database: Database, account_id: int, entries: int, *, over: int = 0) -> None:
    """Write as many one-micro charges as asked for straight into the tables, as charging would have: evenly `over` so
    many microseconds that ended a day ago."""
    posted_at = rig.NOW - DAY
    with database.transaction() as session:
        if database.is_postgresql:
            session.execute("SET LOCAL session_replication_role = replica")
            numbers = f"generate_series(1, {entries}) AS n"
        else:
            session.execute("PRAGMA defer_foreign_keys = ON")
            session.execute("CREATE TEMP TABLE IF NOT EXISTS numbers AS SELECT 1 AS n WHERE 0")
            session.execute("DELETE FROM numbers")
            session.execute(
                "INSERT INTO numbers WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < ?)"
                " SELECT n FROM up",
                entries,
            )
            numbers = "numbers"
        _fill(session, account_id, numbers, f"{posted_at} - ({entries} - n) * CAST({over // entries} AS BIGINT)")
        session.execute(
            "UPDATE account SET call_count = ?, entry_count = 1 + ?, book_balance_micros = book_balance_micros - ?,"
            " last_posted_at = ? WHERE account_id = ?",
            entries, entries, entries, posted_at, account_id,
        )  # fmt: skip
        session.execute(
            "UPDATE lot SET remaining_micros = remaining_micros - ? WHERE account_id = ? AND lot_no = 1",
            entries, account_id,
        )  # fmt: skip
    with database.transaction() as session:
        session.execute("ANALYZE")


def _fill(session: Session, account_id: int, numbers: str, at: str) -> None:
    session.execute(
        f"INSERT INTO call ({_CALL}) SELECT {account_id}, n, 'old-' || n, 'USER_OUT', 'SETTLED', '+12012000000', {at},"
        f" 1, 60, 0, 1, 1, 1, {at} FROM {numbers}"
    )
    session.execute(
        f"INSERT INTO ledger_entry ({_ENTRY}) SELECT {account_id}, n + 1, 'CALL_CHARGE', -1, 0,"
        f" {1_000_000 * MICROS} - n, {at}, {at}, n, '' FROM {numbers}"
    )
    session.execute(
        "INSERT INTO draw (account_id, entry_no, lot_no, amount_micros)"
        f" SELECT {account_id}, n + 1, 1, -1 FROM {numbers}"
    )


def compare(database: Database, small: int, large: int) -> tuple[float, float]:
    """Seconds a batch of charges takes on each of two accounts, taken in turns: the median of each."""
    rates = RateBook()
    taken: dict[int, list[float]] = {small: [], large: []}
    for turn in range(ROUNDS + 2):
        for account_id in (small, large):
            batch = rig.reports(BATCH, first=turn * BATCH)
            began = time.perf_counter()
            with database.transaction() as session:
                record_calls(session, rates=rates, account_id=account_id, reports=batch, now=rig.NOW)
            if turn >= 2:  # the first ones warm the caches up
                taken[account_id].append(time.perf_counter() - began)
    return statistics.median(taken[small]), statistics.median(taken[large])


def main() -> None:
    """Print both ratios on both engines."""
    reached = []
    with rig.databases() as databases:
        for name, database, _ in databases:
            rig.publish(database)
            few_lots, many_lots = rig.open_account(database), rig.open_account(database, LARGE_LOTS, "many lots")
            seconds, large_seconds = compare(database, few_lots, many_lots)
            detail = f"{seconds / BATCH * 1e6:.0f} to {large_seconds / BATCH * 1e6:.0f} us a charge"
            what = f"a charge with 1 to {LARGE_LOTS:,} lots, {name}"
            reached.append(rig.report(what, seconds / large_seconds, LEAST_RATIO, detail))
            small, large = rig.open_account(database, name="small"), rig.open_account(database, name="large")
            grow_ledger(database, small, SMALL_ENTRIES)
            grow_ledger(database, large, LARGE_ENTRIES)
            seconds, large_seconds = compare(database, small, large)
            detail = f"{seconds / BATCH * 1e6:.0f} to {large_seconds / BATCH * 1e6:.0f} us a charge"
            what = f"a charge with {SMALL_ENTRIES:,} to {LARGE_ENTRIES:,} entries, {name}"
            reached.append(rig.report(what, seconds / large_seconds, LEAST_RATIO, detail))
    rig.finish(reached)


if __name__ == "__main__":
    main()
