"""What the doors leave behind is swept away: sessions that ended, links that are too old, wrong tries of long ago."""

from credits.attempts import FORGOTTEN_AFTER
from credits.instants import DAY
from credits.sessions import REMEMBERED
from db.session import Session

# How long it is remembered that somebody was invited, or asked for a new password.
LINKS_REMEMBERED = 30 * DAY

# Since when what a table holds is a leftover: its column, and how much older than now.
_SWEPT = {
    "sign_in_failure": ("failed_at", FORGOTTEN_AFTER),
    "web_session": ("until", REMEMBERED),
    "invitation": ("expires_at", LINKS_REMEMBERED),
}


def tables_to_sweep(session: Session, now: int, limit: int) -> list[str]:
    """The tables in which there is something to sweep away by an instant."""
    return [
        table
        for table, (column, age) in _SWEPT.items()
        if session.row(f"SELECT 1 FROM {table} WHERE {column} <= ? LIMIT 1", now - age) is not None
    ][:limit]


def sweep(session: Session, table: str, now: int) -> int:
    """Sweep one table; returns how many rows that were."""
    column, age = _SWEPT[table]
    return session.execute(f"DELETE FROM {table} WHERE {column} <= ?", now - age)
