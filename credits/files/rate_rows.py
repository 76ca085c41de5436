"""One row of a price list, read into the rates that it stands for. The rules are told in rate_files."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from credits.files.columns import Layout
from credits.files.figures import BLOCKED_WORDS, check_unit, read_price, read_seconds
from credits.files.prefixes import read_prefixes
from credits.files.sheets import Row
from credits.files.times import read_start
from credits.files.words import RATE_WORDS
from credits.publishing import RateDraft
from credits.rating import Tier
from credits.refusals import invalid
from db.kinds import Service

USUAL_STEP_SECONDS = 60
_ALL_ORIGINS = frozenset({"", "all", "*", "any"})
_NO_COUNTRY = frozenset({"", "001"})  # 001 is what some lists call numbers that belong to no country
_STEPS = re.compile(r"(\d+)\s*/\s*(\d+)")
_SERVICES = frozenset(Service)
_TERMS = frozenset(RATE_WORDS) - {"prefix", "destination", "status"}


# Rows of a list differ in their prefixes and names; most of what else they say has been read before.
_REMEMBERED_TERMS = 65_536


class _Terms(NamedTuple):
    """What a row says beside its prefixes and their name."""

    service: str
    country: str | None
    blocked: bool
    tiers: tuple[Tier, ...]
    connect_fee_nanos: int
    free_seconds: int
    max_cost_nanos: int | None
    starts_at: int | None


@dataclass(frozen=True, slots=True)
class RateReader:
    """How the rows of one file are read; `sign` is the decimal sign of its prices, where that is certain."""

    layout: Layout
    currency: str
    service: str
    time_zone: str
    sign: str | None
    remembered: dict[tuple[str, ...], _Terms] = field(default_factory=dict)

    def cell(self, cells: list[str], field: str) -> str:
        """What a row has for a field; nothing where it has no such column."""
        at = self.layout.places.get(field)
        return cells[at] if at is not None and at < len(cells) else ""

    def drafts(self, row: Row) -> tuple[list[RateDraft], int | None]:
        """The rates that a row stands for, and the instant it counts from; refuses a row that is bad."""
        cells = row.cells
        if len(cells) > self.layout.width and any(cells[self.layout.width :]):
            message = "This row has {count} cells and the header {width}: a cell that holds the delimiter needs quotes."
            raise invalid("row", message, count=len(cells), width=self.layout.width)
        name = self._destination(cells)
        prefixes = read_prefixes(self.cell(cells, "prefix"))
        if not prefixes:
            raise invalid("prefix", "The prefix is missing.")
        terms = self._terms(cells)
        drafts = [
            RateDraft(
                terms.service, prefix, name or f"+{prefix}", terms.country, terms.blocked, terms.connect_fee_nanos,
                terms.tiers, terms.free_seconds, terms.max_cost_nanos, row.number,
            )
            for prefix in prefixes
        ]  # fmt: skip
        return drafts, terms.starts_at

    def _terms(self, cells: list[str]) -> _Terms:
        said = tuple(
            [cells[at] if at < len(cells) else "" for field, at in self.layout.places.items() if field in _TERMS]
        )
        known = self.remembered.get(said)
        if known is None:
            known = self._read_terms(cells)
            if len(self.remembered) >= _REMEMBERED_TERMS:
                self.remembered.clear()
            self.remembered[said] = known
        return known

    def _read_terms(self, cells: list[str]) -> _Terms:
        if (origin := self.cell(cells, "origin")).casefold() not in _ALL_ORIGINS:
            raise invalid("origin", "This price counts only for calls from {origin}.", origin=origin)
        if currency := self.cell(cells, "currency"):
            check_unit(currency, self.currency)
        if (grace := self.cell(cells, "grace")) and read_seconds(grace, "grace"):
            raise invalid("grace", "A deck cannot keep a grace time ({seconds} seconds).", seconds=grace)
        blocked, tiers = self._tiers(cells)
        date = self.cell(cells, "effective_from")
        return _Terms(
            service=self._service(cells),
            country=self._country(cells),
            blocked=blocked,
            tiers=tiers,
            connect_fee_nanos=self._money(cells, "connect_fee") or 0,
            free_seconds=self._seconds(cells, "free_seconds") or 0,
            max_cost_nanos=self._money(cells, "max_cost"),
            starts_at=read_start(date, self.time_zone) if date else None,
        )

    def _tiers(self, cells: list[str]) -> tuple[bool, tuple[Tier, ...]]:
        """Whether the row blocks its prefixes, and its prices."""
        first, first_field = self._either(cells, "first_price", "price")
        following, next_field = self._either(cells, "next_price", "price")
        if not following:
            following, next_field = first, first_field
        blocked = [text.casefold() in BLOCKED_WORDS for text in (first, following)]
        if all(blocked):
            return True, ()
        if any(blocked):
            message = "One price of this row is blocked and the other is not ({first}, {following})."
            raise invalid("price", message, first=first, following=following)
        if not first:
            message = "The price is missing. To withdraw a prefix, publish a list without its row."
            raise invalid("price", message)
        return False, self._stepped(cells, self._price(first_field, first), self._price(next_field, following))

    def _either(self, cells: list[str], field: str, instead: str) -> tuple[str, str]:
        """What a row has for a field, or else for another, and for which of both."""
        text = self.cell(cells, field)
        return (text, field) if text else (self.cell(cells, instead), instead)

    def _stepped(self, cells: list[str], first_nanos: int, next_nanos: int) -> tuple[Tier, ...]:
        first_step, step = self._steps(cells)
        if step is None:
            step = USUAL_STEP_SECONDS if first_step is None else 1
        step = step or 1
        if first_nanos != next_nanos:
            first_step = first_step or USUAL_STEP_SECONDS
        if not first_step or (first_step == step and first_nanos == next_nanos):
            return (Tier(0, first_nanos, step),)
        return (Tier(0, first_nanos, first_step), Tier(first_step, next_nanos, step))

    def _steps(self, cells: list[str]) -> tuple[int | None, int | None]:
        """The first step and the following ones in seconds, as far as the row says; 60/1 in one cell says both."""
        if match := _STEPS.fullmatch(self.cell(cells, "increment")):
            return read_seconds(match[1], "increment"), read_seconds(match[2], "increment")
        return self._seconds(cells, "first_increment"), self._seconds(cells, "increment")

    def _destination(self, cells: list[str]) -> str:
        name = self.cell(cells, "destination")
        if name[:1].isdigit() and re.fullmatch(r"[\d.,]+", name):
            message = "The destination {name} reads like a figure: the columns of this row may have moved."
            raise invalid("destination", message, name=name)
        return name

    def _country(self, cells: list[str]) -> str | None:
        code = self.cell(cells, "country").upper()
        if code in _NO_COUNTRY:
            return None
        if not re.fullmatch(r"[A-Z]{2}", code):
            raise invalid("country", "{code} is not a country code of two letters.", code=code)
        return code

    def _service(self, cells: list[str]) -> str:
        named = self.cell(cells, "service").upper()
        if named and named not in _SERVICES:
            raise invalid("service", "{service} is not a service; there are: {names}.", service=named,
                          names=", ".join(Service))  # fmt: skip
        return named or self.service

    def _money(self, cells: list[str], field: str) -> int | None:
        text = self.cell(cells, field)
        return self._price(field, text) if text else None

    def _price(self, field: str, text: str) -> int:
        meaning = self.layout.meanings.get(field)
        if meaning is None:
            return read_price(text, sign=self.sign, currency=self.currency)
        return read_price(
            text, sign=self.sign, currency=self.currency, per_seconds=meaning.per_seconds, hundredths=meaning.hundredths
        )

    def _seconds(self, cells: list[str], field: str) -> int | None:
        text = self.cell(cells, field)
        return read_seconds(text, field) if text else None
