"""Public ids: a prefix that tells the type, then the numbers that find the row. What belongs to an
account carries the account's number first, so that an id alone leads to its shard."""

from dataclasses import dataclass
from functools import lru_cache

from credits.refusals import Refusal, not_found

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
# Ids of accounts come again and again; others hardly ever.
_LARGEST_CACHE = 16_384
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}
_PARTS = {"acct": 1, "lot": 2, "ent": 2, "rchg": 2, "pm": 2, "call": 2, "user": 2, "plan": 1, "deck": 1, "rate": 2,
          "ntc": 2, "tok": 1, "setup": 2, "rfnd": 2}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PublicId:
    """A type and its one or two numbers."""

    kind: str
    numbers: tuple[int, ...]


def public_id(kind: str, *numbers: int) -> str:
    """Write an id: public_id("lot", 77, 3) names lot 3 of account 77."""
    assert _PARTS[kind] == len(numbers)
    return f"{kind}_{'-'.join(_written(number) for number in numbers)}"


def read_any_id(text: str, field: str = "id") -> PublicId:
    """Read an id of any type; what is not an id names nothing, and is refused as NOT_FOUND."""
    found = _read_id(text)
    if found is None:
        raise not_found(field)
    return found


def read_id(kind: str, text: str, field: str = "id") -> tuple[int, ...]:
    """Read an id that must be of one type, and return its numbers."""
    found = read_any_id(text, field)
    if found.kind != kind:
        raise not_found(field)
    return found.numbers


def read_id_within(kind: str, account_id: int, text: str, field: str) -> int:
    """Read an id of something that must belong to one account, and return its number there."""
    owner, number = read_id(kind, text, field)
    if owner != account_id:
        raise not_found(field)
    return number


def belongs(kind: str, text: str, account: str) -> bool:
    """Tell whether an id is of a type, and of what belongs to the account with another id."""
    try:
        return read_id(kind, text)[0] == read_id("acct", account)[0]
    except Refusal:
        return False


@lru_cache(maxsize=_LARGEST_CACHE)
def _read_id(text: str) -> PublicId | None:
    kind, mark, rest = text.partition("_")
    parts = rest.split("-")
    if not mark or len(parts) != _PARTS.get(kind):
        return None
    numbers = [_read(part) for part in parts]
    found = PublicId(kind, tuple(number for number in numbers if number is not None))
    return found if None not in numbers and public_id(kind, *found.numbers) == text else None


def _written(number: int) -> str:
    digits = ""
    while True:
        number, digit = divmod(number, 32)
        digits = _DIGITS[digit] + digits
        if number == 0:
            return digits


def _read(text: str) -> int | None:
    if not 1 <= len(text) <= 13 or any(digit not in _VALUES for digit in text):
        return None
    number = 0
    for digit in text:
        number = number * 32 + _VALUES[digit]
    return number if number < 2**63 else None
