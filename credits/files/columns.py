"""Which column of a table is which: read from its header's words, or told by hand.

A header may say more than its field: a currency ("Cost / Min (USD)"), a unit ("price per second").
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from credits.files.figures import currencies_of, is_hundredth
from credits.files.sheets import Row
from credits.refusals import Refusal, invalid

Vocabulary = Mapping[str, tuple[str, ...]]
HEADER_WITHIN_ROWS = 30
LONGEST_HEADER = 60
PRICE_FIELDS = frozenset({"price", "first_price", "next_price", "connect_fee", "max_cost"})
_PER_TIME_FIELDS = frozenset({"price", "first_price", "next_price"})
_UNIT_SECONDS = {
    **dict.fromkeys(("min", "mins", "minute", "minutes", "minuten", "minuto", "mn", "分"), 60),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "sekunde", "sekunden", "sek", "segundo", "秒"), 1),
}
_UNIT = re.compile(rf"(?P<count>[0-9]{{1,4}})?(?P<unit>{'|'.join(sorted(_UNIT_SECONDS, key=len, reverse=True))})")
_SMALL_WORDS = frozenset({"per", "pro", "par", "por", "je", "in", "en", "a"})


class Meaning(NamedTuple):
    """What a header means: its field, how well it says so (0 is best), and what it adds about prices."""

    field: str
    rank: int
    per_seconds: int = 60
    unit: str = ""
    hundredths: bool = False


class _Said(NamedTuple):
    """The words of a header and what it adds: a price per how many seconds (0: unsaid), a currency, in cents."""

    words: str
    seconds: int
    unit: str
    hundredths: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each field stands in a row (from 0), under which header, and in which row the header was."""

    places: dict[str, int]
    titles: dict[str, str]
    meanings: dict[str, Meaning]
    header_row: int | None
    width: int
    unread: tuple[str, ...] = ()

    def has(self, required: Iterable[Iterable[str]]) -> bool:
        """Tell whether at least one field of each group has a column."""
        return all(any(field in self.places for field in group) for group in required)


def find_layout(
    head: list[Row], vocabulary: Vocabulary, required: tuple[tuple[str, ...], ...], by_hand: Mapping[str, str]
) -> Layout | None:
    """The layout of a table, or None when neither a header nor a hand says which column is which.

    By hand a field gets a column's name or its number from 1; an empty name leaves the field out.
    """
    for field in by_hand:
        if field not in vocabulary:
            names = ", ".join(vocabulary)
            raise invalid("columns", "There is no field {name}; there are: {names}.", name=field, names=names)
    for row in head:
        layout = _layout_under(row, vocabulary, required, by_hand)
        if layout is not None:
            return layout
    if missing := _names_without_column(head, by_hand):
        raise invalid("columns", "There is no column {name} in this file.", name=missing[0])
    numbered = {field: int(name) - 1 for field, name in by_hand.items() if _is_number(name)}
    titles = {field: name for field, name in by_hand.items() if _is_number(name)}
    layout = Layout(numbered, titles, {}, None, max((len(row.cells) for row in head), default=0))
    return layout if numbered and layout.has(required) else None


def _layout_under(
    row: Row, vocabulary: Vocabulary, required: tuple[tuple[str, ...], ...], by_hand: Mapping[str, str]
) -> Layout | None:
    """The layout when this row is the header; None when it is not."""
    words = [_words_of(cell) for cell in row.cells]
    hand: dict[str, int] = {}
    named = False
    for field, name in by_hand.items():
        if _is_number(name):
            hand[field] = int(name) - 1
        elif name and _words_of(name) in words:
            hand[field] = words.index(_words_of(name))
            named = True
        elif name:
            return None
    found, meanings = _read_header(row.cells, vocabulary, price_by_hand="price" in by_hand)
    own = Layout(found, {}, {}, row.number, len(row.cells))
    if not named and not own.has(required):
        return None
    taken = set(hand.values())
    places = {field: at for field, at in found.items() if field not in by_hand and at not in taken} | hand
    titles = {field: row.cells[at] if at < len(row.cells) else str(at + 1) for field, at in places.items()}
    unread = tuple(cell for at, cell in enumerate(row.cells) if cell and at not in places.values())
    kept = {field: _said_beside(titles[field], field, meanings) for field in places}
    layout = Layout(places, titles, kept, row.number, len(row.cells), unread)
    return layout if layout.has(required) else None


def _said_beside(title: str, field: str, meanings: dict[str, Meaning]) -> Meaning:
    """What a header adds about its prices, also where a hand has chosen it."""
    if field in meanings:
        return meanings[field]
    return _with_units(Meaning(field, 0), _price_words(title))


def _names_without_column(head: list[Row], by_hand: Mapping[str, str]) -> list[str]:
    known = {_words_of(cell) for row in head for cell in row.cells}
    return [name for name in by_hand.values() if name and not _is_number(name) and _words_of(name) not in known]


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit() and 0 < int(name) <= 10_000


def _read_header(
    cells: list[str], vocabulary: Vocabulary, *, price_by_hand: bool
) -> tuple[dict[str, int], dict[str, Meaning]]:
    """For each field the column whose header says it best. Of two that may be the price a hand must choose."""
    lookup = _lookup(tuple(vocabulary.items()))
    found: dict[str, tuple[int, int]] = {}
    meanings: dict[str, Meaning] = {}
    claims: dict[str, list[str]] = {}
    for at, cell in enumerate(cells):
        for meaning in _meanings_of(cell, lookup):
            claims.setdefault(meaning.field, []).append(cell)
            if meaning.field not in found or meaning.rank < found[meaning.field][0]:
                found[meaning.field] = (meaning.rank, at)
                meanings[meaning.field] = meaning
    if len(claims.get("price", ())) > 1 and "prefix" in found and not price_by_hand:
        raise _two_prices(claims["price"])
    return {field: at for field, (_, at) in found.items()}, meanings


def _two_prices(titles: list[str]) -> Refusal:
    message = "Several columns may be the price ({titles}): say by hand which one is."
    return invalid("columns", message, titles=", ".join(titles))


@lru_cache(maxsize=8)
def _lookup(vocabulary: tuple[tuple[str, tuple[str, ...]], ...]) -> dict[str, tuple[Meaning, ...]]:
    lookup: dict[str, tuple[Meaning, ...]] = {}
    for field, words in vocabulary:
        for rank, word in enumerate(words):
            lookup[word] = (*lookup.get(word, ()), Meaning(field, rank))
    return lookup


def _meanings_of(cell: str, lookup: dict[str, tuple[Meaning, ...]]) -> list[Meaning]:
    """What a header may mean: by its very words, or by those left when currency and unit are taken away."""
    words = _words_of(cell)
    if not words or len(cell) > LONGEST_HEADER:
        return []
    said = _price_words(cell)
    found = lookup.get(words) or lookup.get(said.words, ())
    return [_with_units(meaning, said) for meaning in found if meaning.field in PRICE_FIELDS or said.seconds in (0, 1)]


def _with_units(meaning: Meaning, said: _Said) -> Meaning:
    per_seconds = said.seconds if meaning.field in _PER_TIME_FIELDS and said.seconds else 60
    return meaning._replace(per_seconds=per_seconds, unit=said.unit, hundredths=said.hundredths)


def _words_of(cell: str) -> str:
    """A header's words in small letters, without what it adds in brackets."""
    plain = unicodedata.normalize("NFKC", cell).casefold()
    plain = re.sub(r"[(\[{].*?[)\]}]", " ", plain)
    return " ".join(re.sub(r"[^\w€$£¥¢]+|_", " ", plain).split())


def _price_words(cell: str) -> _Said:
    """What a header says about its prices, and its other words."""
    plain = unicodedata.normalize("NFKC", cell[:LONGEST_HEADER])
    tokens = re.sub(r"[^\w€$£¥¢]+|_", " ", plain).split()
    seconds, unit, hundredths = 0, "", False
    rest: list[str] = []
    for token in tokens:
        small = token.casefold()
        match = _UNIT.fullmatch(small)
        if len(tokens) > 1 and currencies_of(token) and (not token.isalpha() or not token.isascii() or _is_code(token)):
            unit = token.upper()
        elif is_hundredth(small):
            hundredths = True
        elif match and (rest or unit):
            counted = match["count"] or (rest.pop() if rest and re.fullmatch(r"[0-9]{1,4}", rest[-1]) else "1")
            seconds = int(counted) * _UNIT_SECONDS[match["unit"]]
        elif small not in _SMALL_WORDS:
            rest.append(small)
    return _Said(" ".join(rest), seconds, unit, hundredths)


def _is_code(token: str) -> bool:
    """Tell a currency code from a word that is spelt like one, such as "all" or "top"."""
    return token.isupper() or token in {"usd", "eur", "gbp", "jpy"}
