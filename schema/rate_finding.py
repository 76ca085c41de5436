"""Which rates a list holds: what is asked for in a number's digits, a country's name or code, or other words."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Self

from credits.countries import countries_called, country_meant, names_of
from credits.searching import like
from schema.kinds import Service
from schema.paging import Key
from schema.rows import RateRow

_ORDER = ("deck_id", "service", "prefix")
_NUMBER = re.compile(r"\+?[0-9][0-9 ().\-/]*")
_LONGEST_PREFIX = 15
_LONGEST_CODE = 2
_AFTER_DIGITS = "a"  # sorts after every digit, in whatever order a database has
_AS_WORDS = "(replace(replace(lower(destination), '-', ' '), ',', ' ') || ' ')"


@dataclass(frozen=True, slots=True)
class RateFinding:
    """Which rates are wanted: for a kind of call, by a number's digits, of a country, or by words."""

    service: Service | None
    digits: str = ""
    country: str | None = None
    words: str = ""

    @classmethod
    def read(cls, search: str, service: Service | None) -> Self:
        """What looks like a number is one, however its digits were typed; a country's code stands for that country
        alone; all else are words, and a country's name is both."""
        text = search.strip()
        number = unicodedata.normalize("NFKC", text)
        if _NUMBER.fullmatch(number):
            return cls(service, digits=re.sub(r"\D", "", number).removeprefix("00")[:_LONGEST_PREFIX])
        country = country_meant(text)
        is_code = country is not None and text.isascii() and len(text) <= _LONGEST_CODE
        return cls(service, country=country, words="" if is_code else text)

    @property
    def key_types(self) -> tuple[type, ...]:
        """The types of the sort key."""
        return (int, int, str, str) if self.digits or self.country else (int, str, str)

    @property
    def columns(self) -> tuple[str, ...]:
        """What the list is sorted by: by how well each prefix matches a number first; a country's own rates before
        those that may be its own, and those before another country's, such as New Jersey's when Jersey is meant."""
        if self.digits:
            length = len(self.digits)
            rank = f"CASE WHEN length(prefix) <= {length} THEN {length} - length(prefix) ELSE {_LONGEST_PREFIX} END"
            return (rank, *_ORDER)
        if self.country:
            return (f"CASE WHEN country = '{self.country}' THEN 0 WHEN country IS NULL THEN 1 ELSE 2 END", *_ORDER)
        return _ORDER

    def key_of(self, row: RateRow) -> Key:
        """The sort key of a rate."""
        key = (row.deck_id, row.service, row.prefix)
        if self.digits:
            beyond = len(self.digits) - len(row.prefix)
            return (beyond if beyond >= 0 else _LONGEST_PREFIX, *key)
        if self.country:
            return (0 if row.country == self.country else 1 if row.country is None else 2, *key)
        return key

    def sql(self) -> tuple[str, list[Any]]:
        """The condition on rates, and its parameters; empty where all are wanted."""
        # A number's services are always named, since the index of prefixes has the service before them.
        conditions, parameters = [], list[Any]()
        if self.service is not None or self.digits:
            services = [each.value for each in Service if self.service in (None, each)]
            conditions.append(f"service IN ({_marks(services)})")
            parameters += services
        for condition, more in (self._of_number(), self._of_place()):
            if condition:
                conditions.append(f"({condition})")
                parameters += more
        return " AND ".join(conditions), parameters

    def _of_number(self) -> tuple[str, list[Any]]:
        if not self.digits:
            return "", []
        shorter = [self.digits[:length] for length in range(len(self.digits), 0, -1)]
        beginning, end = self.digits[0], f"{self.digits}{_AFTER_DIGITS}"
        condition = f"prefix >= ? AND prefix < ? AND (prefix IN ({_marks(shorter)}) OR prefix > ?)"
        return condition, [beginning, end, *shorter, self.digits]

    def _of_place(self) -> tuple[str, list[Any]]:
        """A rate without a country, as those of shared calling codes may be, is found by how its destination begins."""
        ways, parameters = [], list[Any]()
        if self.country:
            beginnings = [f"{name.lower().replace('-', ' ')} %" for name in names_of(self.country)]
            begins = " OR ".join([f"{_AS_WORDS} LIKE ?"] * len(beginnings))
            ways += ["country = ?", f"(country IS NULL AND ({begins}))"]
            parameters += [self.country, *beginnings]
        if self.words:
            ways.append("lower(destination) LIKE ? ESCAPE '\\'")
            parameters.append(like(self.words))
            if not self.country and (called := countries_called(self.words)):
                ways.append(f"country IN ({_marks(called)})")
                parameters += called
        return " OR ".join(ways), parameters


def _marks(values: list[str]) -> str:
    return ", ".join("?" * len(values))
