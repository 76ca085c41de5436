"""The audit log: who changed what, when, from where, and what it was before and after. Never a secret.

What is about money or calls has its own records, which tell more; the log says who asked for them.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from db.kinds import ActorKind
from db.session import Session

_COLUMNS = (
    "event_id", "account_id", "at", "actor_kind", "actor_id", "actor", "action", "subject",
    "address", "request_id", "before", "after",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: a person by their mail address, a token by its name, or a command; and from where."""

    kind: ActorKind
    name: str
    number: int | None = None
    address: str | None = None
    request_id: str | None = None


def record(
    session: Session,
    actor: Actor,
    action: str,
    *,
    at: int,
    account_id: int | None = None,
    subject: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Add an event, in the transaction that makes the change.

    `action` is the mutation's name, or that of another thing done, such as `signIn`; `subject` says what was changed:
    a public id, an address, a name. `account_id` None is of no one account.
    """
    row = (
        secrets.randbits(62), account_id, at, actor.kind.value, actor.number, actor.name, action, subject,
        actor.address, actor.request_id, _written(before), _written(after),
    )  # fmt: skip
    session.insert("audit_event", _COLUMNS, [row])


def _written(values: Mapping[str, Any] | None) -> str | None:
    return None if values is None else json.dumps(values, ensure_ascii=False, default=str)
