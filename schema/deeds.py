"""What the audit log keeps of a mutation: who asks, from where, and with which input. Never a secret.

While a mutation runs, its deed goes along with every transaction that is opened on the context's database: so none can
forget to be recorded. Of the input a text is kept only where its field's name is known to be harmless.
"""

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.extensions.field_extension import AsyncExtensionResolver

from credits.audit import Actor, Deed, field_of
from credits.ids import public_id, read_id
from credits.refusals import Refusal
from db.kinds import ActorKind
from schema.access import signed_in

HIDDEN = "•••"
# Texts that may be kept, by their fields' names. Any other text is hidden, be it a secret or not.
HARMLESS = frozenset({
    "agreementNumber", "callId", "callIds", "countries", "country", "currency", "department", "description", "email",
    "emails", "locale", "name", "noticeEmails", "planCodes", "purchaseOrder", "rateDeck", "reason", "reference",
    "region", "timeZone", "userName",
})  # fmt: skip
# Whatever else has such a name is hidden, be it a text or a number.
_SECRET = re.compile(r"password|secret|token|code|otp|pin$", re.IGNORECASE)
_ID = re.compile(r"(?:^id|Id|Ids)$")
_ID_ITSELF = re.compile(r"[a-z]{2,8}_[0-9a-z-]{1,40}")
# What says nothing of the change.
_LEFT_OUT = frozenset({"account_id", "idempotency_key"})
_LONGEST_TEXT = 500
_LONGEST_LIST = 20


class Recorded(FieldExtension):
    """Records what a mutation changes, in the transaction that changes it."""

    async def resolve_async(self, next_: AsyncExtensionResolver, source: Any, info: Any, **kwargs: Any) -> Any:
        """Run the mutation, its deed beside it. The mutations of a document run one after the other."""
        context = info.context
        database = context.database
        context.database = database.accompanied(deed_of(context, info.field_name, kwargs.get("input")))
        try:
            return await next_(source, info, **kwargs)
        finally:
            context.database = database


def actor_of(context: Any) -> Actor:
    """Who asks, from where."""
    viewer = signed_in(context)
    return Actor(viewer.kind, viewer.name, viewer.number, context.address, context.request_id)


def deed_of(context: Any, action: str, asked: Any) -> Deed:
    """What is asked for, to be recorded, with the account that the input names and what else it names by an id."""
    given = dict(_kept_fields(asked)) if is_dataclass(asked) else {}
    named = getattr(asked, "account_id", None)
    account_id = None if named is None else _number(named)
    ids = [value for name, value in given.items() if _ID.search(name) and value != HIDDEN and isinstance(value, str)]
    subject = ids[0] if ids else "" if account_id is None else public_id("acct", account_id)
    return Deed(actor_of(context), action, context.now, account_id, subject, given)


def by_hand(context: Any, action: str, account_id: int) -> Deed | None:
    """What a person does that is recorded of nobody else: a switch does it thousands of times a second."""
    if signed_in(context).kind != ActorKind.PERSON:
        return None
    return Deed(actor_of(context), action, context.now, account_id, public_id("acct", account_id))


def _number(account: str) -> int | None:
    try:
        return read_id("acct", account)[0]
    except Refusal:
        return None  # no such account, in which nothing can be changed


def _kept_fields(asked: Any) -> Iterator[tuple[str, Any]]:
    for each in fields(asked):
        value = getattr(asked, each.name)
        if value is not None and value is not strawberry.UNSET and each.name not in _LEFT_OUT:
            name = field_of(each.name)
            yield name, _kept(name, value)


def _kept(name: str, value: Any) -> Any:
    if isinstance(value, list | tuple):
        return len(value) if len(value) > _LONGEST_LIST else [_kept(name, each) for each in value]
    if name not in HARMLESS and _SECRET.search(name):
        return HIDDEN
    match value:
        case Enum():
            return value.value
        case str():
            return value[:_LONGEST_TEXT] if _is_harmless(name, value) else HIDDEN
        case bool() | int() | None:
            return value
        case Decimal():
            return str(value)
        case date():
            return value.isoformat()
    return dict(_kept_fields(value)) if is_dataclass(value) else HIDDEN


def _is_harmless(name: str, value: str) -> bool:
    return name in HARMLESS or bool(_ID.search(name) and _ID_ITSELF.fullmatch(value))
