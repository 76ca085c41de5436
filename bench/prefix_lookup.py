"""Longest-prefix lookup in a deck of 200,000 rates, beside a dict lookup of the exact prefix in the same run;
and how long the deck takes to load from each database (under 2 s), and how much memory it holds.

The prefixes are those that `phonenumbers` knows, and random ones that are longer; the prices are invented.
"""

import gc
import random
import tracemalloc
from collections.abc import Callable
from math import inf
from time import perf_counter, process_time

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE
from phonenumbers.carrierdata import CARRIER_DATA

from bench import rig
from credits.decks import Deck, load_deck
from credits.publishing import RateDraft, publish_deck
from credits.rating import Rate, Tier
from db.kinds import Rounding, Service
from db.session import Database

RATES = 200_000
NUMBERS = 200_000
TURN = 50_000
TURNS = 8 if rig.SHORT else 28
LEAST_RATIO = 0.2
MOST_SECONDS = 2.0


def main() -> None:
    """Run the benchmark."""
    drafts = make_drafts()
    reached = []
    with rig.databases() as databases:
        for name, database, _ in databases:
            deck_id = publish(database, drafts)
            deck, seconds = min((load(database, deck_id) for _ in range(3)), key=lambda loaded: loaded[1])
            detail = f"{seconds:.2f} s of at most {MOST_SECONDS} s, holds {measure_memory(database, deck_id):.0f} MB"
            reached.append(rig.report(f"loading {RATES:,} rates, {name}", MOST_SECONDS / seconds, 1.0, detail))
    reached.append(compare(deck))
    rig.finish(reached)


def make_drafts() -> list[RateDraft]:
    """Calling codes, the mobile prefixes of the world, and random prefixes that are longer than these."""
    chance = random.Random(7)
    stems = sorted({str(code) for code in COUNTRY_CODE_TO_REGION_CODE} | set(CARRIER_DATA))
    prefixes = set(stems)
    while len(prefixes) < RATES:
        prefixes.add(chance.choice(stems) + "".join(chance.choices("0123456789", k=chance.randint(1, 4))))
    shapes = [((0, 60),), ((0, 60), (60, 6)), ((0, 1),)]
    return [_draft(prefix, chance.randrange(1, 5_000) * 100_000, chance.choice(shapes)) for prefix in sorted(prefixes)]


def _draft(prefix: str, price_nanos: int, shape: tuple[tuple[int, int], ...]) -> RateDraft:
    return RateDraft(
        service=Service.USER_OUT,
        prefix=prefix,
        destination=f"Destination {int(prefix[:4]) % 3_000}",
        tiers=tuple(Tier(start, price_nanos, step) for start, step in shape),
    )


def publish(database: Database, drafts: list[RateDraft]) -> int:
    """Publish the deck and return its number."""
    with database.transaction() as session:
        publication = publish_deck(
            session, name="standard", currency="USD", effective_from=rig.NOW, decimals=4, rounding=Rounding.HALF_UP,
            drafts=drafts, now=rig.NOW,
        )  # fmt: skip
    assert publication.deck_id is not None
    return publication.deck_id


def load(database: Database, deck_id: int) -> tuple[Deck, float]:
    """Load the deck as a serving process does, and say how many seconds it took."""
    with database.reading() as session:
        began = perf_counter()
        deck = load_deck(session, deck_id)
        return deck, perf_counter() - began


def measure_memory(database: Database, deck_id: int) -> float:
    """Megabytes that one loaded deck holds."""
    gc.collect()
    tracemalloc.start()
    deck, _ = load(database, deck_id)
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert deck.rate_count == RATES
    return held / 1_000_000


def compare(deck: Deck) -> bool:
    """Look the same numbers up both ways, turn by turn, and compare the best turns in seconds of CPU."""
    chance = random.Random(11)
    by_prefix = deck.tables[Service.USER_OUT].by_prefix
    numbers = [
        prefix + "".join(chance.choices("0123456789", k=15 - len(prefix)))
        for prefix in chance.choices(list(by_prefix), k=NUMBERS)
    ]
    # Strings of their own: a key that is the very object in the dict would be found too cheaply.
    exact = ["".join([*rate.prefix]) for number in numbers if (rate := deck.find(Service.USER_OUT, number))]
    assert len(exact) == NUMBERS, "every number begins with a prefix of the deck"
    fastest_longest = fastest_exact = inf
    for turn in range(TURNS):
        first = turn * TURN % NUMBERS
        fastest_longest = min(fastest_longest, time_longest(deck.find, numbers[first : first + TURN]))
        fastest_exact = min(fastest_exact, time_exact(by_prefix.get, exact[first : first + TURN]))
    nanoseconds = [round(seconds / TURN * 1e9) for seconds in (fastest_longest, fastest_exact)]
    detail = f"{nanoseconds[0]:,} ns against {nanoseconds[1]:,} ns for the exact prefix"
    return rig.report("longest prefix among 200,000", fastest_exact / fastest_longest, LEAST_RATIO, detail)


def time_longest(find: Callable[[str, str], Rate | None], numbers: list[str]) -> float:
    """Find every number's rate by its longest prefix."""
    began = process_time()
    for number in numbers:
        find("USER_OUT", number)
    return process_time() - began


def time_exact(get: Callable[[str], Rate | None], prefixes: list[str]) -> float:
    """Look every prefix up that is known to be there."""
    began = process_time()
    for prefix in prefixes:
        get(prefix)
    return process_time() - began


if __name__ == "__main__":
    main()
