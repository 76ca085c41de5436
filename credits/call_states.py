"""A call as it stands in its row, and as the transaction that locks its account changes it.

A call's states only move forward: AUTHORIZED, then SETTLED, RELEASED or EXPIRED; and settling what was released or has
expired still charges it (pitfalls, reservations).
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any

from db.kinds import CallStatus
from db.session import Session


@dataclass(slots=True)
class CallState:
    """A call's row. Instants are the account's; `holds` are micro-units by lot, as JSON pairs."""

    account_id: int
    call_no: int
    call_id: str
    service: str
    status: str
    from_number: str | None
    to_number: str
    answered_at: int
    duration_seconds: int = 0
    billed_seconds: int = 0
    plan_seconds: int = 0
    charge_micros: int = 0
    deck_id: int | None = None
    rate_no: int | None = None
    refusal: str | None = None
    recorded_at: int = 0
    user_no: int | None = None
    country: str | None = None
    pool_no: int | None = None
    authorized_at: int | None = None
    requested_seconds: int | None = None
    granted_seconds: int | None = None
    lapses_at: int | None = None
    held_micros: int = 0
    holds: str | None = None
    held_minutes: int = 0
    steps: str | None = None
    reversed_at: int | None = None

    @property
    def is_in_progress(self) -> bool:
        """It was authorized, and nothing has ended it."""
        return self.status == CallStatus.AUTHORIZED

    @property
    def is_over(self) -> bool:
        """It was made, and what it cost is known, or that it could not be priced."""
        return self.status in (CallStatus.SETTLED, CallStatus.UNRATED)

    @property
    def held(self) -> dict[int, int]:
        """What each lot holds for it."""
        return dict(json.loads(self.holds)) if self.holds else {}

    def copy(self) -> "CallState":
        """The call as it stands now."""
        return CallState(*_row_of(self))

    def hold(self, more: dict[int, int]) -> None:
        """Note that lots hold more for it."""
        held = self.held
        for lot_no, micros in more.items():
            held[lot_no] = held.get(lot_no, 0) + micros
        self.held_micros += sum(more.values())
        self.holds = json.dumps(list(held.items())) if held else None

    def end(self, status: CallStatus) -> None:
        """Move it on to where it holds nothing any more. What it held is to be released before."""
        self.status = status.value
        self.held_micros, self.holds, self.held_minutes, self.lapses_at = 0, None, 0, None


COLUMNS = tuple(column.name for column in fields(CallState))
_KEYS = COLUMNS[:2]
# What a call is never changed into.
_FOR_GOOD = {
    "call_id",
    "service",
    "from_number",
    "to_number",
    "user_no",
    "recorded_at",
    "authorized_at",
    "requested_seconds",
}
_CHANGING = tuple(column for column in COLUMNS[2:] if column not in _FOR_GOOD)
_READ = f"SELECT {', '.join(COLUMNS)} FROM call"
# Each is looked up by itself: LIMIT has PostgreSQL plan it so. One that reads all calls of an account, which is cheap
# while it has a few, would stay until somebody counts what it has by now.
READ_EACH = (
    "SELECT found.* FROM unnest(?::bigint[], ?::text[]) AS asked(account_id, call_id),"
    f" LATERAL ({_READ} WHERE account_id = asked.account_id AND call_id = asked.call_id LIMIT 1) AS found"
)
_row_of = attrgetter(*COLUMNS)
_changed_of = attrgetter(*_KEYS, *_CHANGING)


def known_calls(session: Session, wanted: Iterable[tuple[int, str]]) -> Callable[[], dict[tuple[int, str], CallState]]:
    """The calls that are on record, of some accounts and call ids, to be fetched later."""
    keys = sorted(set(wanted))
    if session.is_postgresql:
        asked = [session.ask(READ_EACH, [account_id for account_id, _ in keys], [call_id for _, call_id in keys])]
    else:
        by_account = groupby(keys, key=itemgetter(0))
        within = f"{_READ} WHERE account_id = ? AND {session.among('call_id')}"
        asked = [
            session.ask(within, account_id, session.listed(call_id for _, call_id in found))
            for account_id, found in by_account
        ]
    return lambda: {(row[0], row[2]): CallState(*row) for fetch in asked for row in fetch()}


def call_state(session: Session, account_id: int, call_no: int) -> CallState:
    """A call that is on record."""
    found = session.row(f"{_READ} WHERE account_id = ? AND call_no = ?", account_id, call_no)
    assert found is not None, "the call is on record"
    return CallState(*found)


def call_states(session: Session, account_id: int, condition: str, *parameters: Any) -> list[CallState]:
    """The calls of an account that meet an SQL condition (which may order them)."""
    return [
        CallState(*row)
        for row in session.rows(f"{_READ} WHERE account_id = ? AND {condition}", account_id, *parameters)
    ]


def write_calls(session: Session, new: Sequence[CallState], changed: Sequence[CallState]) -> None:
    """Write calls that are new, and those that were on record and have changed."""
    session.insert("call", COLUMNS, [_row_of(state) for state in new])
    session.update("call", _KEYS, _CHANGING, [_changed_of(state) for state in changed])
