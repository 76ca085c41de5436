"""What the doors leave behind is swept away: sessions that ended, links that are too old, wrong tries of long ago.

The session that somebody opened last stays, so that it is known when they were last there, or that they never were.
"""

from credits.attempts import FORGOTTEN_AFTER
from credits.instants import DAY
from credits.sessions import REMEMBERED
from db.session import Session

# How long it is remembered that somebody was invited, or asked for a new password.
LINKS_REMEMBERED = 30 * DAY

# What of a table is a leftover, and how much older than now that has to be.
_SWEPT = {
    "sign_in_failure": ("failed_at <= ?", FORGOTTEN_AFTER),
    "web_session": (
        "until <= ? AND EXISTS (SELECT 1 FROM web_session AS later WHERE later.person_id = web_session.person_id"
        " AND (later.opened_at, later.session_id) > (web_session.opened_at, web_session.session_id))",
        REMEMBERED,
    ),
    "invitation": ("expires_at <= ?", LINKS_REMEMBERED),
}


def tables_to_sweep(session: Session, now: int, limit: int) -> list[str]:
    """The tables in which there is something to sweep away by an instant."""
    return [
        table
        for table, (is_leftover, age) in _SWEPT.items()
        if session.row(f"SELECT 1 FROM {table} WHERE {is_leftover} LIMIT 1", now - age) is not None
    ][:limit]


def sweep(session: Session, table: str, now: int) -> int:
    """Sweep one table; returns how many rows that were."""
    is_leftover, age = _SWEPT[table]
    return session.execute(f"DELETE FROM {table} WHERE {is_leftover}", now - age)
