"""Published rate decks in memory: finding the deck in force, and the longest prefix that matches a number.

A deck is never edited, so what was loaded stays right; all that can happen is that another is published.
A session asks for the newest deck's number once, and knows by it whether anything is new.
"""

import gc
import json
import threading
from bisect import bisect_right
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import lru_cache, partial
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from credits.rating import DeckTerms, Rate, Tier
from db.session import Session
from db.waiting import aside

# Digits that choose a head: beyond them a lookup tries only the lengths that exist under that head.
HEAD = 7
_HEAD_CUT = slice(HEAD)
_WITHIN_HEAD = tuple(slice(length) for length in range(HEAD, 0, -1))
# A process keeps no more rates than this, but for the deck that it needs right now.
LARGEST_BOOK = 600_000
_ROWS_AT_ONCE = 20_000
_NEWEST = "SELECT coalesce(max(deck_id), 0) FROM rate_deck"
_LARGE_DECK = 20_000
_TERMS = "deck_id, name, currency, effective_from, decimals, rounding, rate_count"
_RATE = (
    "rate_no, service, prefix, destination, country, blocked, connect_fee_nanos, tiers, free_seconds, max_cost_nanos"
)


class PrefixTable(NamedTuple):
    """The rates of one service by prefix, and for each head the cuts of a number to try, longest first."""

    by_prefix: dict[str, Rate]
    heads: dict[str, tuple[slice, ...]]


def prefix_table(rates: list[Rate]) -> PrefixTable:
    """Prepare rates for lookups."""
    by_prefix = {rate.prefix: rate for rate in rates}
    lengths: dict[str, int] = {}  # per head, a bit for each length that exists under it
    for prefix in by_prefix:
        if len(prefix) > HEAD:
            head = prefix[:HEAD]
            lengths[head] = lengths.get(head, 0) | 1 << len(prefix)
    return PrefixTable(by_prefix, {head: _cuts(bits) for head, bits in lengths.items()})


@lru_cache(maxsize=1024)
def _cuts(bits: int) -> tuple[slice, ...]:
    return (*(slice(length) for length in range(bits.bit_length() - 1, HEAD, -1) if bits >> length & 1), *_WITHIN_HEAD)


@dataclass(frozen=True, slots=True)
class Deck(DeckTerms):
    """A published deck with all its rates."""

    tables: dict[str, PrefixTable] = field(repr=False, compare=False)

    def find(self, service: str, digits: str) -> Rate | None:
        """The rate of the longest prefix that a number begins with, among those of one service."""
        table = self.tables.get(service)
        if table is None:
            return None
        by_prefix, heads = table
        for cut in heads.get(digits[_HEAD_CUT], _WITHIN_HEAD):
            rate = by_prefix.get(digits[cut])
            if rate is not None:
                return rate
        return None


def newest_deck_id(session: Session) -> int:
    """The number of the deck published last, 0 before the first."""
    row = session.row(_NEWEST)
    assert row is not None
    return int(row[0])


def terms_of(session: Session, deck_id: int) -> DeckTerms:
    """What a deck says about all its rates."""
    row = session.row(f"SELECT {_TERMS} FROM rate_deck WHERE deck_id = ?", deck_id)
    assert row is not None, "no such deck"
    return DeckTerms(*row)


def rates_of(session: Session, deck_id: int, rate_nos: Iterable[int]) -> dict[int, Rate]:
    """Some rates of a deck by their numbers, without loading the deck."""
    rows = session.rows(
        f"SELECT {_RATE} FROM rate WHERE deck_id = ? AND {session.among('rate_no')}", deck_id, session.listed(rate_nos)
    )
    return {rate.rate_no: rate for rate in _RateReader(deck_id).read(rows)}


def rate_of(session: Session, deck_id: int, rate_no: int) -> Rate:
    """One rate, without loading its deck."""
    return rates_of(session, deck_id, [rate_no])[rate_no]


def load_deck(session: Session, deck_id: int) -> Deck:
    """A deck with all its rates, from the database."""
    terms = terms_of(session, deck_id)
    services: defaultdict[str, list[Rate]] = defaultdict(list)
    with _nothing_is_garbage():
        for rate in _all_rates(session, terms):
            services[rate.service].append(rate)
        tables = {service: prefix_table(rates) for service, rates in services.items()}
    assert sum(map(len, services.values())) == terms.rate_count, "the rates of a deck are numbered without gaps"
    if terms.rate_count >= _LARGE_DECK:  # it stays: the collector need not walk through it ever again
        gc.collect()
        gc.freeze()
    return Deck(**asdict(terms), tables=tables)


def _all_rates(session: Session, terms: DeckTerms) -> Iterator[Rate]:
    reader = _RateReader(terms.deck_id)
    statement = f"SELECT {_RATE} FROM rate WHERE deck_id = ? AND rate_no > ? AND rate_no <= ?"
    for first in range(0, terms.rate_count, _ROWS_AT_ONCE):
        yield from reader.read(session.rows(statement, terms.deck_id, first, first + _ROWS_AT_ONCE))


@contextmanager
def _nothing_is_garbage() -> Iterator[None]:
    """Keep the collector from searching again and again through a deck that is only growing."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class _RateReader:
    """Turns rows into rates that share what they have in common: names, countries and tiers repeat a lot."""

    def __init__(self, deck_id: int) -> None:
        self._deck_id = deck_id
        self._tiers: dict[str, tuple[Tier, ...]] = {}
        self._words: dict[Any, Any] = {}

    def read(self, rows: list[tuple[Any, ...]]) -> list[Rate]:
        shared, tiers_of, deck_id = self._words.setdefault, self._tiers.get, self._deck_id
        new = tuple.__new__  # a deck has hundreds of thousands of rates: this is Rate(...) without its keywords
        return [
            new(
                Rate,
                (
                    deck_id,
                    rate_no,
                    shared(service, service),
                    prefix,
                    shared(destination, destination),
                    shared(country, country),
                    blocked == 1,
                    fee,
                    tiers_of(tiers) or self._read_tiers(tiers),
                    free,
                    cap,
                ),
            )
            for rate_no, service, prefix, destination, country, blocked, fee, tiers, free, cap in rows
        ]

    def _read_tiers(self, written: str) -> tuple[Tier, ...]:
        tiers = self._tiers[written] = tuple(Tier(*tier) for tier in json.loads(written))
        return tiers


class RateBook:
    """The decks that a process uses, the longest unused leaving first. One book serves all its threads."""

    def __init__(self, largest: int = LARGEST_BOOK) -> None:
        self._largest = largest
        self._decks: OrderedDict[int, Deck] = OrderedDict()
        self._listings: dict[int, _Listing] = {}
        self._newest: WeakKeyDictionary[Session, int] = WeakKeyDictionary()
        self._lock = threading.Lock()
        self._loading = threading.Lock()

    def in_force(self, session: Session, name: str, currency: str, at: int) -> Deck | None:
        """The deck of a name and currency that counts at an instant: the latest `effective_from` that is not
        after it and, of two for the same instant, the one published later."""
        own = _own_books.get(session, self)
        published = own._listing(session).get((name, currency), [])
        position = bisect_right(published, (at, _AFTER_ALL))
        return own.deck(session, published[position - 1][1]) if position else None

    def look(self, session: Session) -> Callable[[], None]:
        """Ask which deck is the newest in this session, to be heard later: what else is asked about decks needs it."""
        if session in self._newest:
            return lambda: None
        asked = session.ask(_NEWEST)

        def hear() -> None:
            ((newest,),) = asked()
            with self._lock:
                self._newest[session] = int(newest)

        return hear

    def superseded_at(self, session: Session, deck: DeckTerms) -> int | None:
        """The instant from which another deck counts in place of this one; None while none does."""
        own = _own_books.get(session, self)
        published = own._listing(session)[deck.name, deck.currency]
        position = bisect_right(published, (deck.effective_from, deck.deck_id))
        return published[position][0] if position < len(published) else None

    def deck(self, session: Session, deck_id: int) -> Deck:
        """A deck with all its rates; loaded once."""
        return self._held(deck_id) or aside(partial(self._load, session, deck_id))

    def _load(self, session: Session, deck_id: int) -> Deck:
        with self._loading:
            return self._held(deck_id) or self._hold(load_deck(session, deck_id))

    def _held(self, deck_id: int) -> Deck | None:
        with self._lock:
            deck = self._decks.get(deck_id)
            if deck is not None:
                self._decks.move_to_end(deck_id)
            return deck

    def _hold(self, deck: Deck) -> Deck:
        with self._lock:
            self._decks[deck.deck_id] = deck
            while len(self._decks) > 1 and sum(each.rate_count for each in self._decks.values()) > self._largest:
                self._decks.popitem(last=False)
        return deck

    def _listing(self, session: Session) -> "_Listing":
        """What was published, as this session sees it: a snapshot may be older than what others see by now."""
        newest = self._newest.get(session)
        if newest is None:
            newest = newest_deck_id(session)
            with self._lock:
                self._newest[session] = newest
        listing = self._listings.get(newest)
        if listing is None:
            listing = _read_listing(session, newest)
            with self._lock:
                self._listings = {newest: listing}
        return listing


# Per name and currency: (effective_from, deck_id) of each deck, in the order in which they take over.
_Listing = dict[tuple[str, str], list[tuple[int, int]]]
_AFTER_ALL = 2**63
# What a session published is not committed yet, and may never be: that session reads through a book of its
# own, and the books of everyone else never see it.
_own_books: WeakKeyDictionary[Session, RateBook] = WeakKeyDictionary()


def read_apart(session: Session) -> None:
    """Let a session that has just published see its own work, and keep it from all others."""
    _own_books[session] = RateBook()


def _read_listing(session: Session, newest: int) -> _Listing:
    listing: defaultdict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    rows = session.rows("SELECT name, currency, effective_from, deck_id FROM rate_deck WHERE deck_id <= ?", newest)
    for name, currency, effective_from, deck_id in rows:
        listing[name, currency].append((effective_from, deck_id))
    return {key: sorted(published) for key, published in listing.items()}
