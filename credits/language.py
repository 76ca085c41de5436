"""The reader's language: sentences from a catalogue, money and dates as that language writes them.

English sentences are the catalogue's keys, with {placeholders}; a sentence that a catalogue lacks is
said in English. Catalogues are the .po files in `locales/`, read at start, so nothing is compiled.
"""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, get_currency_symbol
from babel.support import NullTranslations, Translations

from credits.instants import local_day, local_moment
from credits.money import amount_of, minor_digits, price_of

LOCALES = Path(__file__).with_name("locales")
LANGUAGES = ("en", "ja")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in micro-units, to be written in the reader's language."""

    micros: int
    currency: str


@dataclass(frozen=True, slots=True)
class PricePerMinute:
    """A price in nano-units per minute, to be written with all its decimals."""

    nanos: int
    currency: str


@dataclass(frozen=True, slots=True)
class Instant:
    """An instant, to be written in a time zone."""

    at: int
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Sentence:
    """An English sentence with {placeholders} and what stands in them."""

    message: str
    values: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """The sentence in English."""
        return self.message.format(**self.values)


_WRITTEN = {"Money": Money, "PricePerMinute": PricePerMinute, "Instant": Instant}


def written_down(sentences: Sequence[Sentence]) -> str:
    """Sentences as text to be kept, with their values, to be said later in any language."""
    return json.dumps([_as_json(each) for each in sentences], ensure_ascii=False)


def read_back(text: str) -> list[Sentence]:
    """The sentences that `written_down` wrote."""
    return [_of_json(each) for each in json.loads(text)]


def _as_json(value: Any) -> Any:
    match value:
        case Sentence(message, values):
            return {"say": message, "with": {name: _as_json(each) for name, each in values.items()}}
        case Money() | PricePerMinute() | Instant():
            return [type(value).__name__, *(getattr(value, each.name) for each in fields(value))]
        case _:
            return value


def _of_json(value: Any) -> Any:
    match value:
        case {"say": message, "with": values}:
            return Sentence(message, {name: _of_json(each) for name, each in values.items()})
        case [kind, *parts]:
            return _WRITTEN[kind](*parts)
        case _:
            return value


def sentence(message: str, /, **values: Any) -> Sentence:
    """A sentence to be said later, in whatever language its reader has."""
    return Sentence(message, values)


class Language:
    """One language: `say` for sentences, the rest for figures and times."""

    def __init__(self, code: str) -> None:
        self.code = code if code in LANGUAGES else "en"
        self.locale = Locale.parse(self.code)
        self.translations = _catalogue(self.code)

    def say(self, message: str, /, **values: Any) -> str:
        """A sentence of the catalogue, with its values written in this language."""
        if not values:
            return _plain_sentence(self.code, message)
        written = {name: self._written(value) for name, value in values.items()}
        return self.translations.gettext(message).format(**written)

    def translated(self, text: str) -> str:
        """A text that may be a sentence of the catalogue, such as a payment provider's reason; else as it is."""
        return self.translations.gettext(text) if text else text

    def said(self, text: Sentence | str) -> str:
        """A sentence in this language, or somebody's own words as they are."""
        return self.say(text.message, **text.values) if isinstance(text, Sentence) else text

    def say_all(self, sentences: list[Sentence]) -> list[str]:
        """Several sentences, each said."""
        return [self.say(each.message, **each.values) for each in sentences]

    def money(self, micros: int, currency: str) -> str:
        """An amount with its currency sign and every decimal that it has, at least the currency's own."""
        amount = amount_of(micros)
        return self._priced(amount, currency, minor_digits(currency))

    def price(self, nanos: int, currency: str) -> str:
        """A price per minute with every decimal that it has."""
        return self._priced(price_of(nanos), currency, minor_digits(currency))

    def number(self, value: int | Decimal) -> str:
        """A number with the language's grouping and every decimal that it has."""
        if isinstance(value, int):
            return _written_count(self.code, int(value))
        return format_decimal(value, locale=self.locale, decimal_quantization=False)

    def date_time(self, at: int, time_zone: str = "UTC") -> str:
        """An instant as date and time in a zone."""
        return format_datetime(local_moment(at, time_zone), "medium", tzinfo=ZoneInfo(time_zone), locale=self.locale)

    def date(self, at: int, time_zone: str = "UTC") -> str:
        """The date of an instant in a zone."""
        return format_date(local_day(at, time_zone), "medium", locale=self.locale)

    def ago(self, then: datetime, now: datetime) -> str:
        """How long before or after `now` something is: "in 3 days", "2 hours ago"."""
        return format_timedelta(then - now, add_direction=True, locale=self.locale)

    def _priced(self, value: Decimal, currency: str, least_decimals: int) -> str:
        exponent = value.normalize().as_tuple().exponent
        assert isinstance(exponent, int)
        decimals = max(least_decimals, -exponent, 0)
        gap = "\N{NO-BREAK SPACE}" if get_currency_symbol(currency, self.locale)[-1].isalpha() else ""
        pattern = f"¤{gap}#,##0" + ("." + "0" * decimals if decimals else "")
        return format_currency(
            value,
            currency,
            f"{pattern};-{pattern}",
            locale=self.locale,
            currency_digits=False,
            decimal_quantization=False,
        )

    def _written(self, value: Any) -> str:
        match value:
            case Money(micros, currency):
                return self.money(micros, currency)
            case PricePerMinute(nanos, currency):
                return self.price(nanos, currency)
            case Instant(at, time_zone):
                return self.date_time(at, time_zone)
            case Sentence(message, values):
                return self.say(message, **values)
            case int():
                return self.number(value)
            case _:
                return str(value)


@lru_cache(maxsize=len(LANGUAGES) + 1)
def language(code: str) -> Language:
    """The language of a code such as en or ja; another code is answered in English."""
    return Language(code)


@lru_cache(maxsize=4_096)
def _written_count(code: str, value: int) -> str:
    return format_decimal(value, locale=language(code).locale)


@lru_cache(maxsize=4_096)
def _plain_sentence(code: str, message: str) -> str:
    """A sentence without values."""
    return language(code).translations.gettext(message).format()


def _catalogue(code: str) -> NullTranslations:
    path = LOCALES / f"{code}.po"
    if not path.exists():
        return NullTranslations()
    compiled = io.BytesIO()
    with path.open("rb") as source:
        write_mo(compiled, read_po(source, locale=code))
    compiled.seek(0)
    return Translations(compiled)
