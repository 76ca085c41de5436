"""Public ids: a prefix that tells the type, then the numbers that find the row. What belongs to an
account carries the account's number first, so that an id alone leads to its shard."""

from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from credits.refusals import Refusal, not_found

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
# Ids of accounts come again and again; others hardly ever.
_LARGEST_CACHE = 16_384
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}
_PARTS = {"acct": 1, "lot": 2, "ent": 2, "rchg": 2, "pm": 2, "call": 2, "user": 2, "plan": 1, "deck": 1, "rate": 2,
          "ntc": 2, "tok": 1, "setup": 2, "rfnd": 2, "inv": 1, "sess": 1, "mbr": 2, "opr": 1, "evt": 1}  # fmt: skip

# What reports need a UUID for, and the tag that tells it from others of version 8, whose bits are free (RFC 9562).
_TAGS = {"call": 0xCA1, "user": 0x05E}
_NUMBER_BITS, _ACCOUNT_BITS = 62, 48


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


def uuid_of(kind: str, account_id: int, number: int) -> str:
    """The UUID of something that belongs to an account, for files whose columns want one."""
    assert account_id < 2**_ACCOUNT_BITS
    assert number < 2**_NUMBER_BITS
    digits = f"{account_id << 80 | 8 << 76 | _TAGS[kind] << 64 | 2 << 62 | number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def read_uuid(kind: str, text: str) -> tuple[int, int] | None:
    """The account and the number of a UUID that `uuid_of` wrote; None for any other text."""
    try:
        bits = UUID(text).int
    except ValueError:
        return None
    account_id, number = bits >> 80, bits & (2**_NUMBER_BITS - 1)
    return (account_id, number) if text.lower() == uuid_of(kind, account_id, number) else None


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
