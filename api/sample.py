"""A price list to try things with: the world's real calling codes, mobile ranges and country names, at invented prices.

The prefixes come from the numbering data of `phonenumbers`. Prices follow from the country's code alone, so
the list is the same every time.
"""

import re
from collections.abc import Collection, Iterator
from functools import cache
from hashlib import sha256

import phonenumbers
from babel import Locale
from phonenumbers import PhoneMetadata, PhoneNumber
from phonenumbers.carrierdata import CARRIER_DATA

from credits.publishing import RateDraft
from credits.rating import Tier
from db.kinds import Service

# How much of each currency an invented price in thousandths of a dollar is, in nano-units.
NANOS_PER_MILL = {"USD": 1_000_000, "EUR": 920_000, "JPY": 150_000_000}
NEAR = frozenset(
    ("US", "CA", "GB", "IE", "FR", "DE", "NL", "BE", "LU", "AT", "CH", "IT", "ES", "PT", "DK", "SE", "NO", "FI", "JP",
     "KR", "SG", "HK", "AU", "NZ")
)  # fmt: skip
NOT_OFFERED = "TK"  # so that a call can be seen that no rate prices
FORGOTTEN = "NU"  # at first; so that one can be seen that is rated later
BEYOND_COUNTRIES = {"870": "Satellite", "881": "Mobile satellite", "882": "International networks",
                    "883": "International networks"}  # fmt: skip
BLOCKED = {"979": "International premium rate", "888": "Disaster relief"}
TOLL_FREE = {"1800": "US", "1888": "US", "1877": "US", "44800": "GB", "49800": "DE", "33800": "FR", "81120": "JP",
             "61180": "AU"}  # fmt: skip
_NAMES = Locale("en").territories


def sample_rates(
    currency: str, *, dearer_percent: int = 0, left_out: Collection[str] = (NOT_OFFERED, FORGOTTEN)
) -> list[RateDraft]:
    """The list in a currency, its mobile prices `dearer_percent` above those of the first one, without some regions."""
    nanos = NANOS_PER_MILL[currency]
    countries = {prefix: region for prefix, region in _countries().items() if region not in left_out}
    rates = [_landline(prefix, region, nanos) for prefix, region in countries.items()]
    rates += [
        _mobile(prefix, region, nanos, dearer_percent) for prefix, region in _mobile_ranges() if region not in left_out
    ]
    rates += [_rate(prefix, name, None, 4_200 * nanos, (60, 60)) for prefix, name in BEYOND_COUNTRIES.items()]
    rates += [
        RateDraft(service=Service.USER_OUT, prefix=prefix, destination=name, blocked=True)
        for prefix, name in BLOCKED.items()
    ]
    rates += [
        _rate(prefix, f"{_NAMES[region]} toll-free", region, 22 * nanos, (6, 6), Service.TOLL_FREE_IN)
        for prefix, region in TOLL_FREE.items()
    ]
    rates += [
        _rate(prefix, _NAMES[region], region, (_mills(region) + 4) * nanos, (60, 60), Service.CONFERENCE_OUT)
        for prefix, region in countries.items()
    ]
    return rates


@cache
def _countries() -> dict[str, str]:
    """Each prefix that leads to a country or territory, with its region."""
    return dict(_prefixes())


def _prefixes() -> Iterator[tuple[str, str]]:
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        if regions[0] == "001":
            continue
        yield str(code), regions[0]
        for region in regions[1:]:
            yield from ((f"{code}{digits}", region) for digits in _leading_digits(region))
    yield from ((f"1{area}", "CA") for area in range(200, 1000) if _is_canadian(area))


def _leading_digits(region: str) -> Iterator[str]:
    metadata = PhoneMetadata.metadata_for_region(region)
    pattern = metadata.leading_digits if metadata is not None else None
    if pattern:
        yield from (str(digits) for digits in range(1, 1000) if re.fullmatch(pattern, str(digits)))


def _is_canadian(area: int) -> bool:
    number = PhoneNumber(country_code=1, national_number=area * 10_000_000 + 5_550_123)
    return phonenumbers.region_code_for_number(number) == "CA"


@cache
def _mobile_ranges() -> list[tuple[str, str]]:
    """The first two digits after the calling code of each mobile range, where a country has such."""
    countries = _countries()
    found = set()
    for prefix in CARRIER_DATA:
        for length in (2, 3):
            code = prefix[:length]
            if code in countries and len(prefix) >= length + 2:
                found.add((prefix[: length + 2], countries[code]))
    return sorted(found)


def _landline(prefix: str, region: str, nanos: int) -> RateDraft:
    steps = (1, 1) if region in NEAR else (60, 60)
    return _rate(prefix, _NAMES[region], region, _mills(region) * nanos, steps)


def _mobile(prefix: str, region: str, nanos: int, dearer_percent: int) -> RateDraft:
    dear = _mills(region) * 5 // 2 * nanos * (100 + dearer_percent) // 100
    return _rate(prefix, f"{_NAMES[region]} mobile", region, dear, (30, 6) if region in NEAR else (60, 30))


def _mills(region: str) -> int:
    """The invented price of a minute to a country, in thousandths of a dollar."""
    spread = int.from_bytes(sha256(region.encode()).digest()[:2], "big")
    return 8 + spread % 9 if region in NEAR else 35 + spread % 240


def _rate(
    prefix: str,
    destination: str,
    region: str | None,
    price_nanos: int,
    steps: tuple[int, int],
    service: Service = Service.USER_OUT,
) -> RateDraft:
    first, following = steps
    tiers = [Tier(0, price_nanos, first)]
    if first != following:
        tiers.append(Tier(first, price_nanos, following))
    return RateDraft(service=service, prefix=prefix, destination=destination, country=region, tiers=tuple(tiers))
