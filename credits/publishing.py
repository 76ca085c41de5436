"""Publishing a rate deck: checked whole, compared with what it takes over from, written whole or not at all.

Decks are only ever added. Publications wait for each other, so that decks are committed in the order of
their numbers and whoever sees the newest number has seen them all.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from phonenumbers import SUPPORTED_REGIONS

from credits import audit
from credits.decks import load_deck, newest_deck_id, read_apart
from credits.ids import public_id
from credits.money import known_currency
from credits.numbers import country_of_prefix
from credits.rating import LARGEST_DECIMALS, Rate, Tier
from credits.refusals import Refusal, invalid
from db.kinds import Rounding, Service
from db.session import Session
from db.tables import NEVER

LONGEST_NAME = 200
LONGEST_DESTINATION = 1_000  # carriers list every village that a prefix serves
LARGEST_PRICE_NANOS = 10**15
LARGEST_SECONDS = 31 * 86_400
# Publications wait for each other on this number; it only has to be ours.
_ADVISORY_LOCK = 8_204_031_278
_PREFIX = re.compile(r"[0-9]{1,15}", re.ASCII)
_SERVICES = frozenset(service.value for service in Service)
_DECK_COLUMNS = (
    "deck_id", "name", "currency", "effective_from", "decimals", "rounding", "rate_count", "published_at",
)  # fmt: skip
_RATE_COLUMNS = (
    "deck_id", "rate_no", "service", "prefix", "destination", "country", "blocked", "connect_fee_nanos", "tiers",
    "free_seconds", "max_cost_nanos",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RateDraft:
    """A rate as somebody wants it published; `row` is its number in the file that it came from."""

    service: str
    prefix: str
    destination: str
    country: str | None = None
    blocked: bool = False
    connect_fee_nanos: int = 0
    tiers: tuple[Tier, ...] = ()
    free_seconds: int = 0
    max_cost_nanos: int | None = None
    row: int | None = None


@dataclass(frozen=True, slots=True)
class BadRate:
    """A draft that cannot be published, by its place in the list and its row in the file, and why."""

    index: int
    row: int | None
    refusal: Refusal


class BadRates(Refusal):
    """The refusal of a deck: the first bad rate's own, with all of them in `bad`."""

    def __init__(self, bad: Sequence[BadRate]) -> None:
        first = bad[0]
        path = ("rates", str(first.index), *first.refusal.field)
        super().__init__(first.refusal.code, first.refusal.message, field=path, **first.refusal.values)
        self.bad = list(bad)


@dataclass(frozen=True, slots=True)
class Change:
    """What a publication does to one prefix of one service."""

    kind: Literal["added", "changed", "withdrawn"]
    service: str
    prefix: str
    destination: str
    old: Rate | None
    new: RateDraft | None


@dataclass(frozen=True, slots=True)
class Publication:
    """What was published, or would be: `deck_id` is None after a dry run."""

    deck_id: int | None
    added: int
    changed: int
    withdrawn: int
    changes: list[Change] = field(repr=False)


def check_drafts(drafts: Sequence[RateDraft]) -> list[BadRate]:
    """The drafts that cannot be published, in their order. Of a prefix given twice for one service, the
    second is bad, and its refusal names both rows."""
    bad: list[BadRate] = []
    seen: dict[tuple[str, str], int] = {}
    for index, draft in enumerate(drafts):
        first = seen.setdefault((draft.service, draft.prefix), index)
        refusal = _fault_of(draft)
        if refusal is None and first != index:
            refusal = invalid(
                "prefix",
                "The prefix {prefix} is given twice for {service}: in row {first} and in row {second}.",
                prefix=draft.prefix,
                service=draft.service,
                first=_row(drafts, first),
                second=_row(drafts, index),
            )
        if refusal is not None:
            bad.append(BadRate(index, draft.row, refusal))
    return bad


def publish_deck(
    session: Session,
    *,
    name: str,
    currency: str,
    effective_from: int | None,
    decimals: int,
    rounding: str,
    drafts: Sequence[RateDraft],
    now: int,
    dry_run: bool = False,
) -> Publication:
    """Publish a deck that counts from an instant (from now on, when that is None), and tell what it changes
    against the deck of its name and currency that would be in force then.

    One bad draft refuses the whole deck, as `BadRates`; a dry run checks and compares, and writes nothing.
    """
    name = _checked_terms(name, currency, decimals, rounding)
    starts_at = now if effective_from is None else effective_from
    if not 0 <= starts_at < NEVER:
        raise invalid("effectiveFrom", "A deck counts from a day between the years 1970 and 9999.")
    if not drafts:
        raise invalid("rates", "A deck has at least one rate.")
    if bad := check_drafts(drafts):
        raise BadRates(bad)
    complete = sorted((_completed(draft) for draft in drafts), key=lambda draft: (draft.service, draft.prefix))
    if not dry_run:
        _wait_for_other_publications(session)
    replaced = _in_force(session, name, currency, starts_at)
    changes = _changes(replaced, complete)
    deck_id = None
    if not dry_run:
        deck_id = newest_deck_id(session) + 1
        terms = (deck_id, name, currency, starts_at, decimals, Rounding(rounding).value, len(complete), now)
        session.insert("rate_deck", _DECK_COLUMNS, [terms])
        session.insert("rate", _RATE_COLUMNS, _rows(deck_id, complete))
        read_apart(session)
    kinds = [change.kind for change in changes]
    done = Publication(deck_id, kinds.count("added"), kinds.count("changed"), kinds.count("withdrawn"), changes)
    if deck_id is not None:
        _tell(session, deck_id, terms, len(replaced), done)
    return done


def _tell(session: Session, deck_id: int, terms: tuple[Any, ...], replaced: int, done: Publication) -> None:
    """Let the audit log have a deck's terms, and how many rates change by it; the rates themselves are the deck."""
    _, name, currency, starts_at, decimals, rounding, rates, _ = terms
    after = {
        "name": name, "currency": currency, "effective_from": audit.time(starts_at), "decimals": decimals,
        "rounding": str(rounding), "rates": rates, "added": done.added, "changed": done.changed,
        "withdrawn": done.withdrawn,
    }  # fmt: skip
    audit.changed(session, public_id("deck", deck_id), {"rates": replaced} if replaced else {}, after)


def _checked_terms(name: str, currency: str, decimals: int, rounding: str) -> str:
    trimmed = name.strip()
    if not 1 <= len(trimmed) <= LONGEST_NAME or not trimmed.isprintable():
        raise invalid("name", "A name has 1 to {longest} characters.", longest=LONGEST_NAME)
    known_currency(currency)
    if not 0 <= decimals <= LARGEST_DECIMALS:
        raise invalid("decimals", "A charge is rounded to 0 to {most} decimals.", most=LARGEST_DECIMALS)
    if rounding not in tuple(Rounding):
        raise invalid("rounding", "{rounding} is not a way of rounding.", rounding=rounding)
    return trimmed


def _fault_of(draft: RateDraft) -> Refusal | None:
    if draft.service not in _SERVICES:
        return invalid("service", "{service} is not a service.", service=draft.service)
    if not _PREFIX.fullmatch(draft.prefix):
        return invalid("prefix", "{prefix} is not a prefix: it has 1 to 15 digits.", prefix=draft.prefix[:40])
    destination = draft.destination.strip()
    if not 1 <= len(destination) <= LONGEST_DESTINATION or not destination.isprintable():
        return invalid("destination", "A name has 1 to {longest} characters.", longest=LONGEST_DESTINATION)
    if draft.country is not None and draft.country not in SUPPORTED_REGIONS:
        return invalid("country", "{code} is not a country code (ISO 3166-1 alpha-2).", code=draft.country[:40])
    if not 0 <= draft.connect_fee_nanos <= LARGEST_PRICE_NANOS:
        return invalid("connectFee", "A price is neither negative nor larger than a million.")
    if draft.max_cost_nanos is not None and not 0 <= draft.max_cost_nanos <= LARGEST_PRICE_NANOS:
        return invalid("maxCost", "A price is neither negative nor larger than a million.")
    if not 0 <= draft.free_seconds <= LARGEST_SECONDS:
        return invalid("freeSeconds", "Seconds are whole, not negative, and at most {most}.", most=LARGEST_SECONDS)
    return _fault_of_tiers(draft)


def _fault_of_tiers(draft: RateDraft) -> Refusal | None:
    if not draft.tiers:
        return None if draft.blocked else invalid("tiers", "A rate needs a price, unless it is blocked.")
    before = -1
    for number, tier in enumerate(draft.tiers):
        if number == 0 and tier.from_second != 0:
            return invalid(("tiers", "0", "fromSecond"), "The first tier begins at second 0.")
        path = ("tiers", str(number))
        if not before < tier.from_second <= LARGEST_SECONDS:
            return invalid((*path, "fromSecond"), "Each tier begins after the one before it.")
        if not 0 <= tier.price_nanos <= LARGEST_PRICE_NANOS:
            return invalid((*path, "pricePerMinute"), "A price is neither negative nor larger than a million.")
        if not 1 <= tier.increment_seconds <= LARGEST_SECONDS:
            return invalid((*path, "incrementSeconds"), "A step has at least 1 second.")
        before = tier.from_second
    return None


def _row(drafts: Sequence[RateDraft], index: int) -> int:
    row = drafts[index].row
    return index + 1 if row is None else row


def _completed(draft: RateDraft) -> RateDraft:
    """The draft as it will be kept: names trimmed, the country filled in where its calling code tells."""
    return RateDraft(
        service=str(draft.service),
        prefix=draft.prefix,
        destination=draft.destination.strip(),
        country=draft.country or country_of_prefix(draft.prefix),
        blocked=draft.blocked,
        connect_fee_nanos=draft.connect_fee_nanos,
        tiers=draft.tiers,
        free_seconds=draft.free_seconds,
        max_cost_nanos=draft.max_cost_nanos,
        row=draft.row,
    )


def _wait_for_other_publications(session: Session) -> None:
    """SQLite has one writer anyway."""
    if session.is_postgresql:
        session.rows("SELECT pg_advisory_xact_lock(?)", _ADVISORY_LOCK)


def _in_force(session: Session, name: str, currency: str, at: int) -> dict[tuple[str, str], Rate]:
    row = session.row(
        "SELECT deck_id FROM rate_deck WHERE name = ? AND currency = ? AND effective_from <= ? "
        "ORDER BY effective_from DESC, deck_id DESC LIMIT 1",
        name,
        currency,
        at,
    )
    if row is None:
        return {}
    tables = load_deck(session, row[0]).tables
    return {(service, prefix): rate for service, table in tables.items() for prefix, rate in table.by_prefix.items()}


def _changes(old: dict[tuple[str, str], Rate], drafts: Sequence[RateDraft]) -> list[Change]:
    """What is added, changed or withdrawn, in the order of services and prefixes."""
    changes: list[Change] = []
    kept: set[tuple[str, str]] = set()
    for draft in drafts:
        key = (draft.service, draft.prefix)
        kept.add(key)
        rate = old.get(key)
        if rate is None:
            changes.append(Change("added", *key, draft.destination, None, draft))
        elif _says(rate) != _says(draft):
            changes.append(Change("changed", *key, draft.destination, rate, draft))
    for key in old.keys() - kept:
        changes.append(Change("withdrawn", *key, old[key].destination, old[key], None))
    return sorted(changes, key=lambda change: (change.service, change.prefix))


def _says(rate: Rate | RateDraft) -> tuple[object, ...]:
    return (
        rate.tiers,
        rate.connect_fee_nanos,
        rate.blocked,
        rate.free_seconds,
        rate.max_cost_nanos,
        rate.destination,
        rate.country,
    )


def _rows(deck_id: int, drafts: Sequence[RateDraft]) -> list[tuple[object, ...]]:
    written: dict[tuple[Tier, ...], str] = {}
    rows: list[tuple[object, ...]] = []
    for rate_no, draft in enumerate(drafts, 1):
        tiers = written.get(draft.tiers)
        if tiers is None:
            tiers = written[draft.tiers] = json.dumps(draft.tiers, separators=(",", ":"))
        rows.append(
            (deck_id, rate_no, draft.service, draft.prefix, draft.destination, draft.country, draft.blocked,
             draft.connect_fee_nanos, tiers, draft.free_seconds, draft.max_cost_nanos)
        )  # fmt: skip
    return rows
