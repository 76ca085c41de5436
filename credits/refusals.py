"""A refusal: the answer to a request that the rules do not allow. It carries a code, the field that is
wrong and the values that its sentence speaks of; the rooms above put it into the reader's language."""

from enum import StrEnum
from typing import Any


class Code(StrEnum):
    """What kind of refusal it is; the words of the public contract."""

    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    PAYMENT_DECLINED = "PAYMENT_DECLINED"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    INSUFFICIENT_CREDIT = "INSUFFICIENT_CREDIT"


class Refusal(Exception):
    """`message` is an English sentence with {placeholders} for `values`; it is also the catalogue's key."""

    def __init__(self, code: Code, message: str, /, *, field: tuple[str, ...] = (), **values: Any) -> None:
        super().__init__(message.format(**values))
        self.code = code
        self.message = message
        self.field = field
        self.values = values


def invalid(field: str | tuple[str, ...], message: str, /, **values: Any) -> Refusal:
    """A value that can never be right, at the named field."""
    path = (field,) if isinstance(field, str) else field
    return Refusal(Code.INVALID, message, field=path, **values)


def not_found(field: str, message: str = "There is no such thing.", /, **values: Any) -> Refusal:
    """Something that does not exist, or that the caller may not see."""
    return Refusal(Code.NOT_FOUND, message, field=(field,), **values)


def conflict(message: str, /, *, field: tuple[str, ...] = (), **values: Any) -> Refusal:
    """A request that is right in itself, but not in the present state."""
    return Refusal(Code.CONFLICT, message, field=field, **values)


def key_reused(field: str = "idempotencyKey") -> Refusal:
    """The same idempotency key came with other values."""
    return Refusal(
        Code.IDEMPOTENCY_KEY_REUSED, "This idempotency key was used before, with other values.", field=(field,)
    )


def call_id_reused() -> Refusal:
    """The same call id came with other values."""
    return Refusal(Code.IDEMPOTENCY_KEY_REUSED, "This call id was used before, with other values.", field=("callId",))
