"""The audit log: who changed what, when, from where, and what it was before and after. Never a secret.

A `Deed` is what somebody asks for. It goes along with the transactions that are opened for it, and writes into the
first that changes anything, before that commits: so there is no change without its event, and no event without its
change. A verb that knows better says with `changed` what was before and after; of the others the log keeps what was
asked for. What is about money or calls has its own records, which tell more; the log says who asked for them.
"""

import itertools
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from credits.instants import moment
from credits.money import amount_of
from db.kinds import ActorKind
from db.session import Session

Values = Mapping[str, Any]

_COLUMNS = (
    "event_id", "account_id", "at", "actor_kind", "actor_id", "actor", "action", "subject",
    "address", "request_id", "before", "after",
)  # fmt: skip
# What a process records at one instant keeps its order; no two processes begin near each other.
_numbers = itertools.count(secrets.randbits(61))


def _number_anew() -> None:
    """A process that was forked off another numbers its events from elsewhere."""
    global _numbers
    _numbers = itertools.count(secrets.randbits(61))


os.register_at_fork(after_in_child=_number_anew)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: a person by their mail address, a token by its name, or a command; and from where."""

    kind: ActorKind
    name: str
    number: int | None = None
    address: str | None = None
    request_id: str | None = None


@dataclass(slots=True)
class _Change:
    """What became of one thing, in the words of the verb that changed it."""

    account_id: int | None
    subject: str
    before: dict[str, Any]
    after: dict[str, Any]


@dataclass(slots=True)
class Deed:
    """What somebody asks for: a mutation by its name, or a command; the companion of its transactions.

    `given` is what they asked with, without secrets, and `subject` what it is about.
    """

    actor: Actor
    action: str
    at: int
    account_id: int | None = None
    subject: str = ""
    given: Values = field(default_factory=dict)
    is_over: bool = False

    def finish(self, session: Session) -> None:
        """Record what the verb said of this transaction; or, in the first that wrote anything, what was asked for."""
        if session.notes:
            changes = _together(session.notes)
        elif session.has_written and not self.is_over:
            changes = [_Change(self.account_id, self.subject, {}, dict(self.given))]
        else:
            return
        self.is_over = True
        _write(session, self.actor, self.action, self.at, changes)


def changed(
    session: Session,
    subject: str,
    before: Values | None = None,
    after: Values | None = None,
    *,
    account_id: int | None = None,
) -> None:
    """Say what a thing was before and is now, each value by the name of its field: the log keeps those that differ,
    and nothing when none does. Without `before` the thing is new, without `after` it is gone.

    Texts, numbers, truth values and lists of them; `amount` and `time` write the others. The account is the deed's,
    unless another one is named. What is said twice of a thing in one transaction is one event.
    """
    if isinstance(session.companion, Deed):
        owner = session.companion.account_id if account_id is None else account_id
        session.notes.append(_Change(owner, subject, _named(before), _named(after)))


def unchanged(session: Session) -> None:
    """Say that what was asked for had been done before, or is on record: no transaction is an event any more."""
    if isinstance(session.companion, Deed):
        session.companion.is_over = True


def amount(micros: int | None, currency: str) -> str | None:
    """An amount as the log keeps it: 50.00 USD."""
    return None if micros is None else f"{amount_of(micros)} {currency}"


def time(at: int | None) -> str | None:
    """An instant as the log keeps it."""
    return None if at is None else moment(at).isoformat()


def record(
    session: Session,
    actor: Actor,
    action: str,
    *,
    at: int,
    account_id: int | None = None,
    subject: str = "",
    before: Values | None = None,
    after: Values | None = None,
) -> int:
    """Add an event outright, in the transaction that makes the change: such as `signIn`, which is no mutation. Where a
    mutation's deed goes along, this is the event of it. Returns its number.

    `subject` says what was changed: a public id, an address, a name. `account_id` None is of no one account.
    """
    unchanged(session)
    (event_id,) = _write(session, actor, action, at, [_Change(account_id, subject, _named(before), _named(after))])
    return event_id


def field_of(column: str) -> str:
    """A column's name as the API has it: time_zone is timeZone."""
    first, *rest = column.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _named(values: Values | None) -> dict[str, Any]:
    return {field_of(name): value for name, value in (values or {}).items()}


def _together(notes: Sequence[_Change]) -> list[_Change]:
    """One change of each thing, with the fields that differ; what is the same before and after is no change."""
    found: dict[tuple[int | None, str], _Change] = {}
    for note in notes:
        change = found.setdefault((note.account_id, note.subject), _Change(note.account_id, note.subject, {}, {}))
        change.before = {**note.before, **change.before}
        change.after.update(note.after)
    for change in found.values():
        before, after = _filled(change.before), _filled(change.after)
        change.before = {name: value for name, value in before.items() if after.get(name) != value}
        change.after = {name: value for name, value in after.items() if before.get(name) != value}
    return [change for change in found.values() if change.before or change.after]


def _filled(values: Values) -> Values:
    """The values that there are: nothing, an empty text and an empty list are all none."""
    return {name: value for name, value in values.items() if value is not None and value not in ("", [], {})}


def _write(session: Session, actor: Actor, action: str, at: int, changes: Sequence[_Change]) -> list[int]:
    numbers = [next(_numbers) for _ in changes]
    session.insert(
        "audit_event",
        _COLUMNS,
        [
            (event_id, each.account_id, at, actor.kind.value, actor.number, actor.name, action, each.subject,
             actor.address, actor.request_id, _written(each.before), _written(each.after))
            for event_id, each in zip(numbers, changes, strict=True)
        ],
    )  # fmt: skip
    return numbers


def _written(values: Values) -> str | None:
    return json.dumps(values, ensure_ascii=False, default=str) if values else None
