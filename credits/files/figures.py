"""Prices and counts as files write them: decimal points or commas, thousands, currency signs and codes.

Where `1,234` could be read in two ways, the other prices of the column decide; where they do not, it is refused.
"""

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from credits.money import CURRENCIES, nanos_of
from credits.refusals import Refusal, invalid

_DOLLARS_AND_PESOS = frozenset(
    ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN", "ARS", "CLP", "COP", "UYU", "BBD", "BMD", "BND", "BSD",
     "BZD", "FJD", "GYD", "JMD", "KYD", "LRD", "NAD", "SBD", "SRD", "TTD", "XCD")
)  # fmt: skip
# The currencies that a sign may stand for; a code says it exactly.
_SIGNS: dict[str, frozenset[str]] = {
    "$": _DOLLARS_AND_PESOS,
    "US$": frozenset({"USD"}),
    "€": frozenset({"EUR"}),
    "£": frozenset({"GBP", "GIP", "FKP", "SHP", "EGP", "SSP"}),
    "¥": frozenset({"JPY", "CNY"}),
    "円": frozenset({"JPY"}),
    "元": frozenset({"CNY"}),
    "₩": frozenset({"KRW"}),
    "₹": frozenset({"INR"}),
    "₽": frozenset({"RUB"}),
    "₺": frozenset({"TRY"}),
    "zł": frozenset({"PLN"}),
    "kr": frozenset({"SEK", "NOK", "DKK", "ISK"}),
    "Fr.": frozenset({"CHF"}),
    "R$": frozenset({"BRL"}),
}
_HUNDREDTHS = frozenset({"ct", "cts", "cent", "cents", "¢"})
BLOCKED_WORDS = frozenset(
    {"blocked", "barred", "not allowed", "gesperrt", "bloqué", "bloqueado", "不可", "発信不可", "規制"}
)
_FIGURE = re.compile(r"(?P<before>[^\d.,+-]*)(?P<number>[+-]?[\d.,](?:[\d.,'’  ]*\d)?[.,]?)(?P<after>[^\d.,]*\.?)")
_CERTAIN_COMMA = re.compile(r"(?:^|\D)0,\d|\d,(?:\d{1,2}|\d{4,})(?:\D|$)|\.\d{3},|^,\d")
_CERTAIN_POINT = re.compile(r"(?:^|\D)0\.\d|\d\.(?:\d{1,2}|\d{4,})(?:\D|$)|,\d{3}\.|^\.\d")


class Figure(NamedTuple):
    """A number in a cell, and the currency sign or code that stood beside it."""

    value: Decimal
    unit: str


def decimal_sign(cells: Iterable[str]) -> str | None:
    """Which sign parts whole from fraction in a column: "," or ".", or None where nothing tells."""
    comma = point = False
    for cell in cells:
        comma = comma or ("," in cell and _CERTAIN_COMMA.search(cell) is not None)
        point = point or ("." in cell and _CERTAIN_POINT.search(cell) is not None)
        if comma and point:
            return None
    return "," if comma else "." if point else None


def read_figure(text: str, sign: str | None) -> Figure:
    """Read a number with whatever sign or code beside it, in a column with the given decimal sign."""
    plain = unicodedata.normalize("NFKC", text).strip()
    match = _FIGURE.fullmatch(plain)
    if match is None:
        raise _unreadable(text)
    unit = (match["before"].strip() + " " + match["after"].strip()).strip()
    number = re.sub(r"(?<=\d)['’ ](?=\d{3}(?!\d))", "", match["number"])
    if not re.fullmatch(r"[+-]?[\d.,]+", number):
        raise _unreadable(text)
    return Figure(Decimal(_with_point(number, sign, text)), unit)


@lru_cache(maxsize=65_536)
def read_price(text: str, *, sign: str | None, currency: str, per_seconds: int = 60, hundredths: bool = False) -> int:
    """A price in nanos per minute, from a cell that gives it per so many seconds; another currency is refused."""
    figure = read_figure(text, sign)
    if figure.unit:
        hundredths = check_unit(figure.unit, currency) or hundredths
    nanos, remainder = divmod(nanos_of(figure.value, "price") * 60, per_seconds * (100 if hundredths else 1))
    if remainder:
        raise invalid("price", "{text} is not a price per minute that nine decimals can hold.", text=text)
    return nanos


def check_unit(unit: str, currency: str) -> bool:
    """Refuse a sign or code that is not the deck's currency; tell whether it counts in hundredths of it."""
    if unit.casefold() in _HUNDREDTHS:
        return True
    meant = currencies_of(unit)
    if not meant:
        raise invalid("price", "{unit} is not a currency.", unit=unit)
    if currency not in meant:
        raise invalid("price", "{unit} is not the currency of this deck, {currency}.", unit=unit, currency=currency)
    return False


def currencies_of(unit: str) -> frozenset[str]:
    """The currencies that a sign or code can stand for; none when it is neither."""
    if unit.upper() in CURRENCIES:
        return frozenset({unit.upper()})
    return _SIGNS.get(unit) or _SIGNS.get(unit.casefold()) or frozenset()


def is_hundredth(word: str) -> bool:
    """Tell whether a word of a header says that prices are in cents."""
    return word.casefold() in _HUNDREDTHS


@lru_cache(maxsize=4096)
def read_seconds(text: str, field: str) -> int:
    """A whole number of seconds, such as 60, 60.0 or 60s; anything else is refused."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    match = re.fullmatch(r"([0-9]{1,9})(?:\.0+)?\s*(?:s|sec|secs|seconds|秒)?", plain)
    if match is None:
        raise invalid(field, "{text} is not a whole number of seconds.", text=text)
    return int(match.group(1))


def _with_point(number: str, sign: str | None, text: str) -> str:
    last_comma, last_point = number.rfind(","), number.rfind(".")
    if last_comma < 0 and last_point < 0:
        return number
    if last_comma >= 0 and last_point >= 0:
        decimal = "," if last_comma > last_point else "."
    else:
        decimal = _only_sign(number, sign, text)
    thousands = "." if decimal == "," else ","
    whole, _, fraction = number.partition(decimal) if decimal in number else (number, "", "")
    if decimal in fraction or thousands in fraction:
        raise _unreadable(text)
    if thousands in whole and not re.fullmatch(rf"[+-]?[1-9]\d{{0,2}}(?:{re.escape(thousands)}\d{{3}})+", whole):
        raise _unreadable(text)
    return f"{whole.replace(thousands, '') or '0'}.{fraction or '0'}".replace("-.", "-0.").replace("+.", "+0.")


def _only_sign(number: str, sign: str | None, text: str) -> str:
    """What the only kind of sign in a number is: the decimal sign itself, whichever it is that the number shows."""
    shown = "," if "," in number else "."
    other = "." if shown == "," else ","
    if number.count(shown) > 1:
        return other
    certain = _CERTAIN_COMMA if shown == "," else _CERTAIN_POINT
    if certain.search(number):
        return shown
    if sign is None and shown == ",":
        raise invalid("price", "{text} can be read in two ways: its comma may part thousands or decimals.", text=text)
    return sign or shown


def _unreadable(text: str) -> Refusal:
    if not text:
        return invalid("price", "The price is missing.")
    return invalid("price", "{text} is not a price.", text=text)
