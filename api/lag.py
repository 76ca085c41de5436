"""How far the background work is behind: what is due and not done, and since when.

It is read from the database, so every process tells the same, whichever of them works. Work of TEST accounts follows
their own clocks, and never counts. What is to be done at once, whenever that is, is due at 0 and has no age.
"""

from collections.abc import Mapping
from typing import NamedTuple

from credits.instants import SECOND
from db.session import Session

DUE = {
    "account": """
        SELECT count(*), min(CASE WHEN due_at > 0 THEN due_at END) FROM account
        WHERE due_at <= ? AND mode = 'LIVE'""",
    "recharge": """
        SELECT count(*), min(recharge.due_at) FROM recharge JOIN account ON account.account_id = recharge.account_id
        WHERE recharge.due_at <= ? AND account.mode = 'LIVE'""",
    "refund": """
        SELECT count(*), min(refund.due_at) FROM refund JOIN account ON account.account_id = refund.account_id
        WHERE refund.due_at <= ? AND account.mode = 'LIVE'""",
    "card_setup": "SELECT count(*), min(due_at) FROM card_setup WHERE due_at <= ?",
    "event": "SELECT count(*), min(due_at) FROM provider_event WHERE due_at <= ?",
    "notice": "SELECT count(*), min(CASE WHEN due_at > 0 THEN due_at END) FROM notice WHERE due_at <= ?",
}


class Due(NamedTuple):
    """How many things of a kind are due, and for how long the oldest has been."""

    things: int
    seconds: float


def work_due(session: Session, now: int) -> Mapping[str, Due]:
    """What is due, by kind."""
    found = {}
    for kind, query in DUE.items():
        ((things, since),) = session.rows(query, now)
        found[kind] = Due(things, 0 if since is None else max(0, now - since) / SECOND)
    return found


def behind(session: Session, now: int, allowed_seconds: int) -> str | None:
    """The kinds of work that are later than is allowed, latest first, for a person; None when there is none."""
    late = [(due.seconds, kind) for kind, due in work_due(session, now).items() if due.seconds > allowed_seconds]
    return ", ".join(f"{kind} {seconds:.0f} s" for seconds, kind in sorted(late, reverse=True)) or None
