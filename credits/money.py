"""Money as whole numbers: amounts in micro-units of their currency, prices in nano-units per minute.

Text goes in and out as exact decimals; no float ever touches either.
"""

from collections.abc import Mapping
from decimal import Decimal

from babel.core import get_global

from credits.refusals import invalid

MICROS = 1_000_000
NANOS = 1_000_000_000
# One posting may not move more than this (1,000 million units), so that it takes nine thousand to fill a BIGINT.
LARGEST_AMOUNT_MICROS = 10**15

CURRENCIES: frozenset[str] = frozenset(get_global("all_currencies"))
_FRACTIONS: Mapping[str, tuple[int, int, int, int]] = get_global("currency_fractions")


def known_currency(code: str) -> str:
    """Return an ISO 4217 code as it is, or refuse it."""
    if code not in CURRENCIES:
        raise invalid("currency", "{code} is not an ISO 4217 currency code.", code=code)
    return code


def minor_digits(currency: str) -> int:
    """How many decimals the currency's smallest coin has: USD 2, JPY 0, KWD 3 (source: CLDR)."""
    return _FRACTIONS.get(currency, _FRACTIONS["DEFAULT"])[0]


def whole_minor_units(amount_micros: int, currency: str) -> bool:
    """Tell whether an amount can be paid in this currency's coins."""
    coin_micros: int = 10 ** (6 - minor_digits(currency))
    return amount_micros % coin_micros == 0


def chargeable_coin_micros(currency: str, is_card: bool) -> int:
    """The smallest amount that can be paid: the currency's coin, but by card never less than a hundredth.

    Cards are not charged in thousandths: of KWD, BHD, JOD, OMR and TND Stripe takes tens of them only.
    """
    coin_micros: int = 10 ** (6 - minor_digits(currency))
    return max(coin_micros, MICROS // 100) if is_card else coin_micros


def micros_of(amount: Decimal, field: str = "amount") -> int:
    """Read an exact decimal as micro-units; more than six decimals or too large an amount is refused."""
    return _scaled(amount, 6, LARGEST_AMOUNT_MICROS, field)


def nanos_of(price: Decimal, field: str = "pricePerMinute") -> int:
    """Read an exact decimal as nano-units; more than nine decimals or a negative price is refused."""
    if price < 0:
        raise invalid(field, "A price cannot be negative.")
    return _scaled(price, 9, 10**15, field)


def amount_of(micros: int) -> Decimal:
    """Write micro-units as an exact decimal with at least two decimals: 5000000 is 5.00, 12345 is 0.012345."""
    whole, rest = divmod(abs(micros), MICROS)
    sign = "-" if micros < 0 else ""
    return Decimal(f"{sign}{whole}.{f'{rest:06}'.rstrip('0'):0<2}")


def price_of(nanos: int) -> Decimal:
    """Write nano-units as an exact decimal with at least two decimals."""
    return _plain(Decimal(nanos).scaleb(-9), 2)


def _scaled(value: Decimal, decimals: int, largest: int, field: str) -> int:
    if not value.is_finite() or value.adjusted() > 18:
        raise invalid(field, "This number is too large.")
    _sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    finer = max(0, -exponent - decimals)
    if finer and any(digits[-finer:]):
        raise invalid(field, "No more than {decimals} decimals can be kept.", decimals=decimals)
    whole = int(value.scaleb(decimals))
    if abs(whole) > largest:
        raise invalid(field, "This number is too large.")
    return whole


def _plain(value: Decimal, least_decimals: int) -> Decimal:
    stripped = value.normalize()
    exponent = stripped.as_tuple().exponent
    assert isinstance(exponent, int)
    return stripped.quantize(Decimal(1).scaleb(-max(least_decimals, -exponent)))
