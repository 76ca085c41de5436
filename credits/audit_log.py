"""Reading the audit log: which events are wanted, and all of them as a file.

A file is written part by part, each from a snapshot of its own, so that any number of events is never held at once.
"""

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from credits.files.cells import harmless
from credits.ids import public_id
from credits.instants import moment
from credits.refusals import invalid
from credits.searching import like
from db.session import Session

MOST_AT_ONCE = 10_000
COLUMNS = (
    "at", "actor_kind", "actor", "action", "subject", "account", "address", "request_id", "before", "after", "id",
)  # fmt: skip

# The time and number of an event: where a list goes on.
Place = tuple[int, int]


class Event(NamedTuple):
    """An event as it is kept; `before` and `after` are JSON objects."""

    event_id: int
    account_id: int | None
    at: int
    actor_kind: str
    actor: str
    action: str
    subject: str
    address: str | None
    request_id: str | None
    before: str | None
    after: str | None

    @property
    def values(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The fields that differ, as they were and as they became."""
        return json.loads(self.before or "{}"), json.loads(self.after or "{}")


class AuditForm(StrEnum):
    """What a file of events is made of."""

    CSV = "CSV"
    JSON_LINES = "JSON_LINES"


class ExportPart(NamedTuple):
    """A part of a file. `after` is where the next part goes on, None at the end."""

    text: str
    events: int
    after: Place | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events: of one account or (None) of everything, from an instant until before another, by a part of who did
    it, by the action, and by a part of what it was done to."""

    account_id: int | None = None
    from_at: int | None = None
    to_at: int | None = None
    actor: str = ""
    action: str = ""
    subject: str = ""

    def sql(self) -> tuple[str, list[Any]]:
        """The condition, and its parameters."""
        asked: list[tuple[str, Any]] = [
            ("account_id = ?", self.account_id),
            ("at >= ?", self.from_at),
            ("at < ?", self.to_at),
            ("lower(actor) LIKE ? ESCAPE '\\'", like(self.actor) if self.actor else None),
            ("action = ?", self.action or None),
            ("lower(subject) LIKE ? ESCAPE '\\'", like(self.subject) if self.subject else None),
        ]
        given = [(condition, value) for condition, value in asked if value is not None]
        return " AND ".join(["1 = 1", *(condition for condition, _ in given)]), [value for _, value in given]


def export_part(
    session: Session, wanted: Wanted, form: AuditForm, *, after: Place | None = None, most: int = 5_000
) -> ExportPart:
    """Some of the events that are wanted, the newest first; all parts together are the file."""
    if not 1 <= most <= MOST_AT_ONCE:
        raise invalid("first", "Ask for 1 to {most} at a time.", most=MOST_AT_ONCE)
    condition, parameters = wanted.sql()
    if after is not None:
        condition, parameters = f"{condition} AND (at, event_id) < (?, ?)", [*parameters, *after]
    found = session.rows(
        f"SELECT {', '.join(Event._fields)} FROM audit_event WHERE {condition}"
        " ORDER BY at DESC, event_id DESC LIMIT ?",
        *parameters, most + 1,
    )  # fmt: skip
    events = [Event(*row) for row in found[:most]]
    last = events[-1] if len(found) > most else None
    return ExportPart(_WRITE[form](events, after is None), len(events), last and (last.at, last.event_id))


def _csv(events: Sequence[Event], is_first: bool) -> str:
    written = io.StringIO()
    writer = csv.writer(written)
    if is_first:
        written.write("\ufeff")
        writer.writerow(COLUMNS)
    for event in events:
        writer.writerow(["" if cell is None else harmless(cell) for cell in _cells(event)])
    return written.getvalue()


def _json_lines(events: Sequence[Event], _is_first: bool) -> str:
    lines = []
    for event in events:
        told = dict(zip(COLUMNS, _cells(event), strict=True))
        before, after = told.pop("before") or "{}", told.pop("after") or "{}"  # JSON already
        start = json.dumps(told, ensure_ascii=False).removesuffix("}")
        lines.append(f'{start}, "before": {before}, "after": {after}}}\n')
    return "".join(lines)


_WRITE: dict[AuditForm, Callable[[Sequence[Event], bool], str]] = {
    AuditForm.CSV: _csv,
    AuditForm.JSON_LINES: _json_lines,
}


@lru_cache(maxsize=1024)
def _account(account_id: int | None) -> str | None:
    return None if account_id is None else public_id("acct", account_id)


def _cells(event: Event) -> tuple[str | None, ...]:
    return (
        moment(event.at).isoformat(timespec="microseconds"),
        event.actor_kind,
        event.actor,
        event.action,
        event.subject,
        _account(event.account_id),
        event.address,
        event.request_id,
        event.before,
        event.after,
        public_id("evt", event.event_id),
    )
