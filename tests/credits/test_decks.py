"""Decks in memory: the longest prefix, the deck in force at an instant, and noticing a new one."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits.decks import Deck, RateBook, load_deck, prefix_table, rate_of, terms_of
from credits.rating import Rate, Tier
from db.session import Database
from tests.factories import NOW, a_rate, make_deck

AT = NOW


def a_deck(*prefixes: str) -> Deck:
    """A deck of outgoing calls with these prefixes, held in memory alone."""
    rates = [
        Rate(1, number, "USER_OUT", prefix, prefix, None, False, 0, (Tier(0, 1, 60),), 0, None)
        for number, prefix in enumerate(prefixes, 1)
    ]
    return Deck(1, "standard", "USD", 0, 4, "HALF_UP", len(rates), {"USER_OUT": prefix_table(rates)})


def found(deck: Deck, digits: str) -> str | None:
    """The prefix that a deck finds for a number."""
    rate = deck.find("USER_OUT", digits)
    return rate and rate.prefix


@pytest.mark.parametrize(
    ("digits", "prefix"),
    [
        ("49301234567", "4930"),
        ("49311234567", "49"),
        ("49301", "4930"),
        ("4930", "4930"),
        ("493", "49"),
        ("49", "49"),
        ("4", None),
        ("", None),
        ("50301234567", None),
    ],
)
def test_the_longest_prefix_wins(digits: str, prefix: str | None) -> None:
    assert found(a_deck("49", "4930"), digits) == prefix


@given(
    prefixes=st.sets(st.text("012", min_size=1, max_size=15), min_size=1, max_size=60),
    digits=st.text("012", max_size=16),
)
def test_the_longest_prefix_is_what_trying_all_of_them_finds(prefixes: set[str], digits: str) -> None:
    matching = [prefix for prefix in prefixes if digits.startswith(prefix)]

    assert found(a_deck(*prefixes), digits) == max(matching, key=len, default=None)


@given(
    prefixes=st.sets(st.text("01", min_size=5, max_size=11), min_size=1, max_size=200),
    chosen=st.data(),
    rest=st.text("01", max_size=6),
)
def test_a_number_below_a_listed_prefix_finds_it_or_a_longer_one(
    prefixes: set[str], chosen: st.DataObject, rest: str
) -> None:
    digits = chosen.draw(st.sampled_from(sorted(prefixes))) + rest

    matching = [prefix for prefix in prefixes if digits.startswith(prefix)]
    assert found(a_deck(*prefixes), digits) == max(matching, key=len)


def test_each_service_has_prefixes_of_its_own(database: Database) -> None:
    make_deck(database, a_rate("49"), a_rate("4930", service="CONFERENCE_OUT"))

    with database.reading() as session:
        deck = RateBook().in_force(session, "standard", "USD", AT)

    assert deck is not None
    found_rates = [
        deck.find(service, "49301234567") for service in ("USER_OUT", "CONFERENCE_OUT", "TOLL_FREE_IN", "CONFERENCE_IN")
    ]
    assert [rate and rate.prefix for rate in found_rates] == ["49", "4930", None, None]


def test_a_loaded_deck_says_what_was_published(database: Database) -> None:
    draft = a_rate(
        "4930",
        destination="Berlin, “Mitte”\\ 東京",
        connect_fee_nanos=5,
        tiers=(Tier(0, 100_000_001, 60), Tier(60, 0, 1)),
        free_seconds=7,
        max_cost_nanos=10**10,
        blocked=True,
    )
    deck_id = make_deck(database, draft, a_rate("4"), decimals=3, rounding="UP", effective_from=77)

    with database.reading() as session:
        deck = load_deck(session, deck_id)
        terms = terms_of(session, deck_id)
        again = rate_of(session, deck_id, 2)

    assert (deck.name, deck.currency, deck.effective_from, deck.decimals, deck.rounding, deck.rate_count) == (
        "standard", "USD", 77, 3, "UP", 2,
    )  # fmt: skip
    assert (terms.deck_id, terms.effective_from, terms.rounding) == (deck_id, 77, "UP")
    rate = deck.find("USER_OUT", "49301234567")
    assert rate == Rate(deck_id, 2, "USER_OUT", "4930", "Berlin, “Mitte”\\ 東京", "DE", True, 5, draft.tiers, 7, 10**10)
    assert rate == again
    assert rate.blocked is True


def test_a_deck_is_loaded_whole_though_it_has_more_rates_than_are_read_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("credits.decks._ROWS_AT_ONCE", 3)
    deck_id = make_deck(database, *(a_rate(f"49{number}") for number in range(10)))

    with database.reading() as session:
        deck = load_deck(session, deck_id)

    assert [found(deck, f"49{number}30") for number in range(10)] == [f"49{number}" for number in range(10)]


@pytest.mark.parametrize(("later", "name"), [(-1, "old"), (0, "new"), (1, "new")])
def test_a_call_answered_at_the_instant_a_deck_counts_from_takes_the_new_one(
    database: Database, later: int, name: str
) -> None:
    decks = {
        make_deck(database, effective_from=AT - 1_000): "old",
        make_deck(database, effective_from=AT): "new",
    }

    with database.reading() as session:
        deck = RateBook().in_force(session, "standard", "USD", AT + later)

    assert deck is not None
    assert decks[deck.deck_id] == name


@pytest.mark.parametrize(("later", "there"), [(-1, False), (0, True)])
def test_no_deck_is_in_force_before_the_first_one(database: Database, later: int, there: bool) -> None:
    make_deck(database, effective_from=AT)

    with database.reading() as session:
        deck = RateBook().in_force(session, "standard", "USD", AT + later)

    assert (deck is not None) == there


def test_of_two_decks_for_the_same_instant_the_one_published_later_counts(database: Database) -> None:
    make_deck(database, effective_from=AT)
    later = make_deck(database, effective_from=AT)

    with database.reading() as session:
        deck = RateBook().in_force(session, "standard", "USD", AT)

    assert deck is not None
    assert deck.deck_id == later


def test_a_deck_published_later_for_an_earlier_instant_does_not_take_over_from_a_newer_one(database: Database) -> None:
    newer = make_deck(database, effective_from=AT)
    make_deck(database, effective_from=AT - 10)

    with database.reading() as session:
        deck = RateBook().in_force(session, "standard", "USD", AT)

    assert deck is not None
    assert deck.deck_id == newer


def test_a_new_deck_withdraws_the_prefixes_that_it_lacks(database: Database) -> None:
    make_deck(database, a_rate("49"), a_rate("4930"), effective_from=AT - 10)
    make_deck(database, a_rate("49"), effective_from=AT)
    rates = RateBook()

    with database.reading() as session:
        decks = [rates.in_force(session, "standard", "USD", at) for at in (AT - 1, AT)]

    assert [deck and found(deck, "49301234567") for deck in decks] == ["4930", "49"]


def test_decks_of_another_name_or_currency_do_not_count(database: Database) -> None:
    make_deck(database, name="premium")
    make_deck(database, currency="JPY")

    with database.reading() as session:
        assert RateBook().in_force(session, "standard", "USD", AT) is None


def test_a_book_notices_what_is_published_after_it_was_first_asked(database: Database) -> None:
    rates = RateBook()
    make_deck(database)
    with database.reading() as session:
        before = rates.in_force(session, "standard", "USD", AT)
    later = make_deck(database)

    with database.reading() as session:
        after = rates.in_force(session, "standard", "USD", AT)

    assert before is not None
    assert after is not None
    assert before.deck_id < after.deck_id == later


def test_a_snapshot_keeps_its_deck_though_another_is_published_meanwhile(database: Database) -> None:
    rates = RateBook()
    first = make_deck(database)
    with database.reading() as session:
        session.rows("SELECT 1 FROM rate_deck")
        second = make_deck(database)
        with database.reading() as newer:
            seen_by_newer = rates.in_force(newer, "standard", "USD", AT)

        seen = rates.in_force(session, "standard", "USD", AT)

    assert seen_by_newer is not None
    assert seen is not None
    assert (seen.deck_id, seen_by_newer.deck_id) == (first, second)


def test_a_deck_is_superseded_by_the_next_to_take_over(database: Database) -> None:
    first, last = make_deck(database, effective_from=AT), make_deck(database, effective_from=AT + 10)
    rates = RateBook()

    with database.reading() as session:
        ends = [rates.superseded_at(session, terms_of(session, deck_id)) for deck_id in (first, last)]

    assert ends == [AT + 10, None]


def test_a_book_forgets_the_deck_unused_longest_when_it_holds_too_many_rates(database: Database) -> None:
    ids = [make_deck(database, a_rate("49"), a_rate("1")) for _ in range(3)]
    rates = RateBook(largest=4)
    with database.reading() as session:
        first, second = rates.deck(session, ids[0]), rates.deck(session, ids[1])
        rates.deck(session, ids[0])
        rates.deck(session, ids[2])

        assert rates.deck(session, ids[0]) is first
        assert rates.deck(session, ids[1]) is not second


def test_a_deck_larger_than_the_book_is_held_all_the_same(database: Database) -> None:
    deck_id = make_deck(database, a_rate("49"), a_rate("1"))
    rates = RateBook(largest=1)

    with database.reading() as session:
        assert rates.deck(session, deck_id) is rates.deck(session, deck_id)


def test_threads_that_ask_at_once_load_a_deck_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    make_deck(database)
    rates, loads, begin = RateBook(), [], threading.Barrier(8, timeout=30)

    def load(*arguments: object) -> Deck:
        loads.append(arguments)
        return load_deck(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("credits.decks.load_deck", load)

    def ask(_: int) -> Deck | None:
        begin.wait()
        with database.reading() as session:
            return rates.in_force(session, "standard", "USD", AT)

    with ThreadPoolExecutor(8) as threads:
        decks = list(threads.map(ask, range(8)))

    assert len(loads) == 1
    assert all(deck is decks[0] for deck in decks)


def test_asking_again_in_one_session_asks_the_database_nothing(database: Database) -> None:
    make_deck(database)
    rates = RateBook()

    with database.reading() as session:
        first = rates.in_force(session, "standard", "USD", AT)
        session.row = session.rows = None  # type: ignore[method-assign,assignment]

        assert rates.in_force(session, "standard", "USD", AT) is first
