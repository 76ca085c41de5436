"""Reading a telephone number as E.164, and telling which numbers are emergency numbers.

`phonenumbers` decides. Clean `+digits`, which is what switches send, take a shorter way that asks the same
metadata: `tests/credits/test_numbers.py` holds it to the same answers.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, phonenumberutil
from phonenumbers.shortnumberinfo import is_emergency_number

from credits.refusals import Refusal, invalid

LONGEST_EMERGENCY_NUMBER = 8
_NOT_A_COUNTRY = "001"
_LARGEST_CACHE = 16_384
_SHOWN = 40


class ReadNumber(NamedTuple):
    """A number's digits: E.164 without the +, or an emergency number as it is dialled in `emergency_region`."""

    digits: str
    emergency_region: str | None = None

    @property
    def emergency(self) -> bool:
        """Tell whether this is an emergency number."""
        return self.emergency_region is not None

    @property
    def country(self) -> str | None:
        """The country that the number belongs to, where it has one. Worked out when asked: charging never asks."""
        return self.emergency_region or country_of_number(self.digits)


@lru_cache(maxsize=_LARGEST_CACHE)
def read_number(text: str, region: str) -> ReadNumber:
    """Read a number as dialled in a region. What cannot be a number is refused as INVALID at `to`."""
    if text.startswith("+") and text[1:].isascii() and text[1:].isdigit():
        found = _read_clean(text[1:])
        if found is not None:
            return found
    elif len(text) <= LONGEST_EMERGENCY_NUMBER and is_emergency_number(text, region):
        return ReadNumber(phonenumbers.normalize_digits_only(text), region)
    return _read_any(text, region)


@lru_cache(maxsize=_LARGEST_CACHE)
def is_premium(digits: str) -> bool:
    """Tell whether a number, E.164 without the +, is one that costs its callers more than a call."""
    kind = phonenumbers.number_type(phonenumbers.parse(f"+{digits}"))
    return bool(kind == phonenumbers.PhoneNumberType.PREMIUM_RATE)


@lru_cache(maxsize=_LARGEST_CACHE)
def country_of_number(digits: str) -> str | None:
    """The country of a number, E.164 without the +: of its calling code, or of its area where several share one."""
    plan = _plan_of(digits)
    if plan is None or not plan.shared:
        return plan.only_country if plan else None
    return phonenumberutil.region_code_for_number(phonenumbers.parse(f"+{digits}"))


def country_of_prefix(prefix: str) -> str | None:
    """The country that all numbers with this prefix belong to, where its calling code tells."""
    plan = _plan_of(prefix)
    return plan.only_country if plan else None


@dataclass(frozen=True, slots=True)
class _CallingCode:
    """What the metadata says of a calling code's numbers."""

    code: int
    only_country: str | None
    shared: bool
    lengths: frozenset[int]
    trunk_prefix: re.Pattern[str] | None


def _read_any(text: str, region: str) -> ReadNumber:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise _not_a_number(text) from None
    if not phonenumbers.is_possible_number(number):
        raise _not_a_number(text)
    digits = f"{number.country_code}{phonenumbers.national_significant_number(number)}"
    return ReadNumber(digits)


def _read_clean(digits: str) -> ReadNumber | None:
    """Read what can be told without parsing: a known calling code, nothing to strip, a possible length."""
    plan = _plan_of(digits)
    if plan is None:
        return None
    national = digits[len(str(plan.code)) :]
    if len(national) not in plan.lengths or (plan.trunk_prefix and plan.trunk_prefix.match(national)):
        return None
    return ReadNumber(digits)


def _plan_of(digits: str) -> _CallingCode | None:
    for length in (1, 2, 3):
        if len(digits) >= length and (plan := _calling_codes().get(digits[:length])):
            return plan
    return None


@lru_cache(maxsize=1)
def _calling_codes() -> dict[str, _CallingCode]:
    return {str(code): _calling_code(code, regions) for code, regions in COUNTRY_CODE_TO_REGION_CODE.items()}


def _calling_code(code: int, regions: tuple[str, ...]) -> _CallingCode:
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(code, regions[0])
    assert metadata is not None
    assert metadata.general_desc is not None
    trunk = metadata.national_prefix_for_parsing
    return _CallingCode(
        code=code,
        only_country=regions[0] if len(regions) == 1 and regions[0] != _NOT_A_COUNTRY else None,
        shared=len(regions) > 1,
        lengths=frozenset(metadata.general_desc.possible_length) - {-1},
        trunk_prefix=re.compile(trunk) if trunk else None,
    )


def _not_a_number(text: str) -> Refusal:
    return invalid("to", "{number} cannot be a telephone number.", number=text[:_SHOWN])
