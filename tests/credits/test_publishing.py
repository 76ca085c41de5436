"""Publishing a deck: what is refused, what changes, and that nothing is ever half published."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from credits.decks import RateBook
from credits.publishing import BadRates, Publication, RateDraft, check_drafts, publish_deck
from credits.rating import Tier
from credits.refusals import Refusal
from db.session import Database, Session
from db.tables import NEVER
from tests.factories import NOW, a_rate, make_deck

GOOD = a_rate("49")


def publish(session: Session, *drafts: RateDraft, **values: object) -> Publication:
    """Publish a deck of US dollars that counts from `NOW`."""
    chosen = {
        "name": "standard", "currency": "USD", "effective_from": NOW, "decimals": 4, "rounding": "HALF_UP",
        "drafts": drafts or (GOOD,), "now": NOW, **values,
    }  # fmt: skip
    return publish_deck(session, **chosen)  # type: ignore[arg-type]


def published(database: Database) -> tuple[int, int]:
    """How many decks and rates the tables hold."""
    with database.reading() as session:
        counts = session.row("SELECT (SELECT count(*) FROM rate_deck), (SELECT count(*) FROM rate)")
    assert counts is not None
    return counts[0], counts[1]


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (replace(GOOD, service="FAX"), ("service",)),
        (replace(GOOD, prefix=""), ("prefix",)),
        (replace(GOOD, prefix="+49"), ("prefix",)),
        (replace(GOOD, prefix="49a"), ("prefix",)),
        (replace(GOOD, prefix="49\n"), ("prefix",)),
        (replace(GOOD, prefix="４９"), ("prefix",)),
        (replace(GOOD, prefix="1" * 16), ("prefix",)),
        (replace(GOOD, destination=" "), ("destination",)),
        (replace(GOOD, destination="a\0b"), ("destination",)),
        (replace(GOOD, country="de"), ("country",)),
        (replace(GOOD, country="ZZ"), ("country",)),
        (replace(GOOD, connect_fee_nanos=-1), ("connectFee",)),
        (replace(GOOD, connect_fee_nanos=10**15 + 1), ("connectFee",)),
        (replace(GOOD, max_cost_nanos=-1), ("maxCost",)),
        (replace(GOOD, free_seconds=-1), ("freeSeconds",)),
        (replace(GOOD, tiers=()), ("tiers",)),
        (replace(GOOD, tiers=(Tier(1, 1, 60),)), ("tiers", "0", "fromSecond")),
        (replace(GOOD, tiers=(Tier(0, 1, 60), Tier(0, 1, 6))), ("tiers", "1", "fromSecond")),
        (replace(GOOD, tiers=(Tier(0, 1, 60), Tier(60, 1, 6), Tier(59, 1, 6))), ("tiers", "2", "fromSecond")),
        (replace(GOOD, tiers=(Tier(0, -1, 60),)), ("tiers", "0", "pricePerMinute")),
        (replace(GOOD, tiers=(Tier(0, 1, 0),)), ("tiers", "0", "incrementSeconds")),
    ],
)
def test_a_bad_rate_is_refused_at_the_field_that_is_wrong(draft: RateDraft, field: tuple[str, ...]) -> None:
    (bad,) = check_drafts([GOOD, replace(draft, row=17)])

    assert (bad.index, bad.row, bad.refusal.field) == (1, 17, field)


@pytest.mark.parametrize(
    "draft",
    [
        replace(GOOD, prefix="1" * 15),
        replace(GOOD, tiers=(), blocked=True),
        replace(GOOD, tiers=(Tier(0, 0, 1),)),
        replace(GOOD, tiers=(Tier(0, 10**15, 60), Tier(1, 1, 1))),
        replace(GOOD, connect_fee_nanos=10**15, max_cost_nanos=0, free_seconds=3600, country="DE"),
    ],
)
def test_a_rate_at_the_bounds_of_what_is_allowed_is_good(draft: RateDraft) -> None:
    assert check_drafts([draft]) == []


def test_a_prefix_twice_for_one_service_is_refused_with_both_rows() -> None:
    drafts = [a_rate("49", row=4), a_rate("49", service="CONFERENCE_OUT", row=5), a_rate("49", row=9)]

    (bad,) = check_drafts(drafts)

    assert (bad.index, bad.row) == (2, 9)
    assert str(bad.refusal) == "The prefix 49 is given twice for USER_OUT: in row 4 and in row 9."


def test_rows_are_counted_from_one_where_no_file_numbers_them() -> None:
    (bad,) = check_drafts([GOOD, GOOD])

    assert str(bad.refusal).endswith("in row 1 and in row 2.")


@pytest.mark.parametrize("dry_run", [True, False])
def test_one_bad_rate_refuses_the_whole_deck_and_leaves_no_trace(database: Database, dry_run: bool) -> None:
    drafts = (GOOD, replace(GOOD, prefix="x"), replace(GOOD, prefix="50", tiers=()))

    with database.transaction() as session, pytest.raises(BadRates) as refused:
        publish(session, *drafts, dry_run=dry_run)

    assert refused.value.field == ("rates", "1", "prefix")
    assert [bad.index for bad in refused.value.bad] == [1, 2]
    assert published(database) == (0, 0)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"currency": "XYZ"}, "currency"),
        ({"decimals": -1}, "decimals"),
        ({"decimals": 7}, "decimals"),
        ({"rounding": "CEILING"}, "rounding"),
        ({"effective_from": -1}, "effectiveFrom"),
        ({"effective_from": NEVER}, "effectiveFrom"),
        ({"drafts": ()}, "rates"),
    ],
)
def test_a_deck_that_cannot_be_is_refused_and_leaves_no_trace(
    database: Database, values: dict[str, object], field: str
) -> None:
    with database.transaction() as session, pytest.raises(Refusal) as refused:
        publish(session, **values)

    assert refused.value.field == (field,)
    assert published(database) == (0, 0)


def test_a_publication_tells_what_it_adds_changes_and_withdraws(database: Database) -> None:
    make_deck(database, a_rate("1"), a_rate("49", "0.05"), a_rate("81"), effective_from=NOW - 10)

    with database.transaction() as session:
        publication = publish(session, a_rate("1"), a_rate("49", "0.06"), a_rate("33"))

    assert (publication.added, publication.changed, publication.withdrawn) == (1, 1, 1)
    added, changed, withdrawn = publication.changes
    assert [(change.kind, change.prefix) for change in publication.changes] == [
        ("added", "33"), ("changed", "49"), ("withdrawn", "81"),
    ]  # fmt: skip
    assert changed.old is not None
    assert changed.new is not None
    assert [changed.old.tiers[0].price_nanos, changed.new.tiers[0].price_nanos] == [50_000_000, 60_000_000]
    assert (added.old, withdrawn.new) == (None, None)


@pytest.mark.parametrize(
    "values",
    [
        {"destination": "Deutschland"},
        {"country": "AT"},
        {"blocked": True},
        {"connect_fee_nanos": 1},
        {"free_seconds": 1},
        {"max_cost_nanos": 0},
        {"tiers": (Tier(0, 60_000_000, 59),)},
    ],
)
def test_whatever_of_a_rate_changes_is_a_change(database: Database, values: dict[str, object]) -> None:
    make_deck(database, GOOD, effective_from=NOW - 1)

    with database.transaction() as session:
        assert publish(session, replace(GOOD, **values)).changed == 1  # type: ignore[arg-type]


def test_the_same_prices_again_change_nothing_and_are_published_all_the_same(database: Database) -> None:
    make_deck(database, GOOD, effective_from=NOW - 1)

    with database.transaction() as session:
        publication = publish(session, GOOD)

    assert publication.changes == []
    assert published(database) == (2, 2)


def test_a_deck_is_compared_with_the_one_in_force_when_it_begins(database: Database) -> None:
    make_deck(database, a_rate("49", "0.05"), effective_from=NOW - 10)
    make_deck(database, a_rate("49", "0.07"), effective_from=NOW + 10)
    make_deck(database, a_rate("49", "0.09"), effective_from=NOW - 10, name="premium")

    with database.transaction() as session:
        (change,) = publish(session, a_rate("49", "0.06"), dry_run=True).changes

    assert change.old is not None
    assert change.old.tiers[0].price_nanos == 50_000_000


def test_a_deck_for_the_same_instant_is_compared_with_the_one_it_takes_the_place_of(database: Database) -> None:
    make_deck(database, a_rate("49", "0.05"), effective_from=NOW)

    with database.transaction() as session:
        assert publish(session, a_rate("49", "0.06")).changed == 1


def test_a_dry_run_tells_the_same_and_writes_nothing(database: Database) -> None:
    with database.transaction() as session:
        publication = publish(session, a_rate("1"), GOOD, dry_run=True)

    assert (publication.deck_id, publication.added) == (None, 2)
    assert published(database) == (0, 0)


def test_a_deck_without_an_instant_counts_from_now(database: Database) -> None:
    with database.transaction() as session:
        publish(session, effective_from=None, now=NOW + 5)

    with database.reading() as session:
        decks = [RateBook().in_force(session, "standard", "USD", at) for at in (NOW + 4, NOW + 5)]
    assert [deck is not None for deck in decks] == [False, True]


@pytest.mark.parametrize(
    ("prefix", "given", "kept"),
    [("4930", None, "DE"), ("4930", "AT", "AT"), ("1202", None, None), ("1202", "US", "US")],
)
def test_a_country_left_out_is_what_the_calling_code_tells(
    database: Database, prefix: str, given: str | None, kept: str | None
) -> None:
    deck_id = make_deck(database, a_rate(prefix, country=given))

    with database.reading() as session:
        rate = RateBook().deck(session, deck_id).find("USER_OUT", prefix)

    assert rate is not None
    assert rate.country == kept


def test_rates_are_numbered_in_the_order_of_services_and_prefixes(database: Database) -> None:
    deck_id = make_deck(database, a_rate("49"), a_rate("1202"), a_rate("9", service="CONFERENCE_OUT"), a_rate("1"))

    with database.reading() as session:
        rows = session.rows("SELECT prefix FROM rate WHERE deck_id = ? ORDER BY rate_no", deck_id)

    assert [prefix for (prefix,) in rows] == ["9", "1", "1202", "49"]


def test_a_session_that_publishes_sees_its_own_deck(database: Database) -> None:
    rates = RateBook()
    with database.transaction() as session:
        assert rates.in_force(session, "standard", "USD", NOW) is None
        publication = publish(session)

        deck = rates.in_force(session, "standard", "USD", NOW)

    assert deck is not None
    assert deck.deck_id == publication.deck_id


def test_a_deck_rolled_back_is_never_mistaken_for_the_one_that_gets_its_number(database: Database) -> None:
    rates = RateBook()
    with pytest.raises(ZeroDivisionError), database.transaction() as session:
        lost = publish(session, a_rate("49", "0.99"))
        rates.in_force(session, "standard", "USD", NOW)
        raise ZeroDivisionError
    with database.transaction() as session:
        kept = publish(session, a_rate("49", "0.01"))

    with database.reading() as session:
        deck = rates.in_force(session, "standard", "USD", NOW)

    assert kept.deck_id == lost.deck_id
    assert deck is not None
    rate = deck.find("USER_OUT", "4930")
    assert rate is not None
    assert rate.tiers[0].price_nanos == 10_000_000


def test_publications_at_once_wait_for_each_other_and_all_are_seen(database: Database) -> None:
    """While some publish, others look: whoever sees a deck's number sees every deck with a smaller one."""
    rates, begin = RateBook(), threading.Barrier(8, timeout=30)
    done = threading.Event()

    def keep_looking() -> list[int]:
        seen = []
        while not done.is_set():
            with database.reading() as session:
                deck = rates.in_force(session, "standard", "USD", NOW)
                newest = session.row("SELECT coalesce(max(deck_id), 0), count(*) FROM rate_deck")
            assert newest is not None
            assert newest[0] == newest[1]
            seen.append(deck.deck_id if deck else 0)
            assert seen[-1] == newest[0]
        return seen

    def publish_one(number: int) -> int | None:
        begin.wait()
        with database.transaction() as session:
            return publish(session, a_rate(f"{number + 1}")).deck_id

    with ThreadPoolExecutor(9) as threads:
        watching = threads.submit(keep_looking)
        try:
            ids = list(threads.map(publish_one, range(8)))
        finally:
            done.set()
        seen = watching.result()

    assert sorted(filter(None, ids)) == list(range(1, 9))
    assert seen == sorted(seen)
    with database.reading() as session:
        deck = rates.in_force(session, "standard", "USD", NOW)
    assert deck is not None
    assert deck.deck_id == 8
