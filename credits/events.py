"""Messages from a payment provider: kept before they are acted on, then taken as hints to look.

What a message says of money is never believed. It makes us look at the payment itself, so a message that comes
twice, late or out of order does what it would have done anyway. One about a payment that nobody here knows is kept,
and tried again: the payment's own row may be written only after its message came.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from credits.disputes import hear_disputes
from credits.ids import read_id
from credits.instants import DAY, HOUR, MINUTE, SECOND
from credits.payment_methods import finish_card_setup
from credits.providers import Providers
from credits.recharging import hear
from credits.refunds import hear_refunds
from credits.refusals import Refusal
from credits.terms import USUAL_TERMS, Terms
from db.kinds import EventStatus
from db.session import Database, Session

# Whoever acts on a message has it for so long; then somebody else may.
LEASE = 5 * MINUTE
# How long to wait before trying a message again; the last one from then on.
TRY_AGAIN = (10 * SECOND, MINUTE, 10 * MINUTE, HOUR, 6 * HOUR)
# How long a payment that nobody here knows is looked for.
LOOKED_FOR = 3 * DAY
_LONGEST_FAILURE = 500


class Topic(StrEnum):
    """What a message is about."""

    PAYMENT = "PAYMENT"
    REFUND = "REFUND"
    DISPUTE = "DISPUTE"
    CARD_SETUP = "CARD_SETUP"


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """A message: the provider's id and word for it, the id of what it is about, and what leads to our own rows.

    Without a topic it is none of our concern. `card_setup` is the public id that we once gave along.
    """

    event_id: str
    kind: str
    object_id: str
    topic: Topic | None = None
    payment_id: str | None = None
    card_setup: str | None = None


def keep_event(session: Session, event: ProviderEvent, *, now: int) -> bool:
    """Write a message down; True when there is something to do about it. One that is known already changes nothing,
    but that a payment which nobody knew is looked for again."""
    status = EventStatus.IGNORED if event.topic is None else EventStatus.RECEIVED
    leads = {"topic": event.topic, "payment": event.payment_id, "setup": event.card_setup}
    is_new = session.execute(
        "INSERT INTO provider_event (event_id, kind, object_id, payload, status, attempts, received_at, due_at)"
        " VALUES (?, ?, ?, ?, ?, 0, ?, ?) ON CONFLICT (event_id) DO NOTHING",
        event.event_id, event.kind, event.object_id, json.dumps(leads), status.value, now,
        None if event.topic is None else now,
    )  # fmt: skip
    if is_new:
        return event.topic is not None
    wakes = session.execute(
        "UPDATE provider_event SET due_at = ? WHERE event_id = ? AND status = ? AND (due_at IS NULL OR due_at > ?)",
        now, event.event_id, EventStatus.UNKNOWN.value, now,
    )  # fmt: skip
    return wakes > 0


def act_on_event(
    database: Database, providers: Providers, *, event_id: str, now: int, terms: Terms = USUAL_TERMS
) -> EventStatus | None:
    """Act on a message that is due, and return what became of it; None when somebody else has it in hand.

    One about money that goes back waits (it stays RECEIVED) until the payment's funds have arrived.
    What goes wrong is noted with the message, which is tried again later, and raised.
    """
    with database.transaction() as session:
        taken = _take(session, event_id, now)
    if taken is None:
        return None
    attempts, received_at, leads = taken
    try:
        with database.reading() as session:
            found = _find(session, leads)
        is_done = found is not None and _act(database, providers, Topic(leads["topic"] or ""), found, now, terms)
    except Exception as fault:
        with database.transaction() as session:
            failure = f"{type(fault).__name__}: {fault}"[:_LONGEST_FAILURE]
            _change(session, event_id, failure=failure, due_at=now + _wait(attempts))
        raise
    with database.transaction() as session:
        if found is not None:
            status, due_at = (EventStatus.DONE, None) if is_done else (EventStatus.RECEIVED, now + _wait(attempts))
            _change(session, event_id, status=status.value, failure=None, due_at=due_at, account_id=found[0])
            return status
        due_at = now + _wait(attempts) if now < received_at + LOOKED_FOR else None
        _change(session, event_id, status=EventStatus.UNKNOWN.value, failure=None, due_at=due_at)
        return EventStatus.UNKNOWN


def events_due(session: Session, now: int, limit: int = 500) -> list[str]:
    """The messages to act on, the one that waits longest first."""
    found = session.rows(
        "SELECT event_id FROM provider_event WHERE due_at <= ? ORDER BY due_at, event_id LIMIT ?", now, limit
    )
    return [event_id for (event_id,) in found]


def _take(session: Session, event_id: str, now: int) -> tuple[int, int, dict[str, str | None]] | None:
    """Have a message to ourselves for a while: how often it was tried, when it came, and where it leads."""
    taken = session.execute(
        "UPDATE provider_event SET attempts = attempts + 1, due_at = ? WHERE event_id = ? AND due_at <= ?",
        now + LEASE, event_id, now,
    )  # fmt: skip
    if not taken:
        return None
    found = session.row("SELECT attempts, received_at, payload FROM provider_event WHERE event_id = ?", event_id)
    assert found is not None
    return found[0], found[1], json.loads(found[2])


def _find(session: Session, leads: dict[str, str | None]) -> tuple[int, int] | None:
    """The account and number of the recharge, or card set-up, that a message is about."""
    if leads["topic"] == Topic.CARD_SETUP:
        sql = "SELECT 1 FROM card_setup WHERE account_id = ? AND setup_no = ? AND provider_session IS NOT NULL"
        named = _numbers("setup", leads["setup"])
        return named if named is not None and session.row(sql, *named) is not None else None
    found = session.row("SELECT account_id, recharge_no FROM recharge WHERE provider_payment = ?", leads["payment"])
    return None if found is None else (found[0], found[1])


def _numbers(kind: str, public: str | None) -> tuple[int, int] | None:
    try:
        account_id, number = read_id(kind, public or "")
    except Refusal:
        return None
    return account_id, number


def _act(
    database: Database, providers: Providers, topic: Topic, found: tuple[int, int], now: int, terms: Terms
) -> bool:
    """Look at what a message is about; False when it is too early for that, so that it must be tried again."""
    account_id, number = found
    if topic == Topic.CARD_SETUP:
        finish_card_setup(database, providers, account_id=account_id, setup_no=number, now=now, terms=terms)
        return True
    # Also before money goes back: the message that it was paid may still be under way.
    hear(database, providers, account_id=account_id, recharge_no=number, now=now, terms=terms)
    hearing: dict[Topic, Callable[..., bool]] = {Topic.REFUND: hear_refunds, Topic.DISPUTE: hear_disputes}
    if topic not in hearing:
        return True
    return hearing[topic](database, providers, account_id=account_id, recharge_no=number, now=now, terms=terms)


def _wait(attempts: int) -> int:
    return TRY_AGAIN[min(attempts, len(TRY_AGAIN)) - 1]


def _change(session: Session, event_id: str, **columns: object) -> None:
    sets = ", ".join(f"{column} = ?" for column in columns)
    session.execute(f"UPDATE provider_event SET {sets} WHERE event_id = ?", *columns.values(), event_id)
