"""Worked examples that others published, and generated price lists with their truths (the sample data), by our rules.

Here the rules themselves are asked; the same cases go through the public API elsewhere. Every golden case is
run or left out by name, with the reason.
"""

import csv
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from credits.accounts import look_up
from credits.decks import Deck, RateBook, prefix_table
from credits.desk import rate_of_number
from credits.instants import instant
from credits.money import micros_of, nanos_of
from credits.numbers import read_number
from credits.publishing import RateDraft, check_drafts
from credits.rating import Price, Rate, Tier, price_call
from db.kinds import RefusalReason, Rounding
from db.session import Database
from tests.factories import a_rate, make_account, make_deck
from tests.golden import BEYOND_A_DECK, LEFT_OUT, NO_RATE, RUN, Case, rating_cases

Row = dict[str, str]


@pytest.fixture(scope="module")
def cases(shared_data: Path) -> dict[str, Case]:
    """The golden cases by their ids."""
    return rating_cases(shared_data)


@pytest.fixture(scope="module")
def read(shared_data: Path) -> Callable[[str], list[Row]]:
    """Reads a sample file, in UTF-8 with a header, as one mapping a row."""

    def read_file(name: str) -> list[Row]:
        with (shared_data / name).open(encoding="utf-8", newline="") as source:
            return list(csv.DictReader(source))

    return read_file


def golden_draft(case: Case) -> RateDraft:
    """A case's price as a rate: per minute instead of per so many seconds."""
    rate = case["rate"]
    tiers = tuple(
        Tier(tier["from_s"], nanos_of(Decimal(tier["price"]) * 60 / tier["per_s"]), tier["increment_s"])
        for tier in rate["tiers"]
    )
    capped = rate.get("max_cost_strategy") == "free"  # "disconnect" ends a call; it does not change a finished one
    return a_rate(
        "1",
        tiers=tiers,
        connect_fee_nanos=nanos_of(Decimal(rate["connect_fee"])),
        free_seconds=rate.get("free_s", 0),
        max_cost_nanos=nanos_of(Decimal(rate["max_cost"])) if capped else None,
    )


def as_rate(draft: RateDraft) -> Rate:
    """A draft as if it had been published."""
    return Rate(
        1,
        1,
        draft.service,
        draft.prefix,
        draft.destination,
        None,
        draft.blocked,
        draft.connect_fee_nanos,
        draft.tiers,
        draft.free_seconds,
        draft.max_cost_nanos,
    )


def in_memory(drafts: list[RateDraft]) -> Deck:
    """A deck of these drafts that was never in a database."""
    assert check_drafts(drafts) == []
    table = prefix_table([as_rate(draft) for draft in drafts])
    return Deck(1, "standard", "USD", 0, 6, Rounding.HALF_UP, len(drafts), {"USER_OUT": table})


def test_every_golden_case_is_run_or_left_out_by_name(cases: dict[str, Case]) -> None:
    assert sorted([*RUN, *NO_RATE, *LEFT_OUT]) == sorted(cases)


def test_what_is_left_out_is_no_portable_case_and_no_case_that_a_deck_can_say_is_missing(
    cases: dict[str, Case],
) -> None:
    for name, case in cases.items():
        left_out = name in LEFT_OUT
        sayable = case["class"] not in ("dialect", "dialect_in_advance") and not BEYOND_A_DECK & case["rate"].keys()
        assert left_out != sayable, name


@pytest.mark.parametrize("name", RUN)
def test_a_published_price_is_ours(cases: dict[str, Case], name: str) -> None:
    case = cases[name]
    rounding = case["rate"]["rounding"] or {"mode": "half_up", "decimals": 6}
    draft = golden_draft(case)

    found = price_call(
        as_rate(draft),
        decimals=rounding["decimals"],
        rounding=Rounding(rounding["mode"].upper()),
        duration_seconds=case["usage"]["duration_s"],
    )

    assert check_drafts([draft]) == []
    assert found.billed_seconds == case["expect"]["billed_s"]
    expected = Decimal(case["expect"].get("cost", case["exact_cost"]))
    assert found.charge_micros == micros_of(expected.quantize(Decimal("0.000001")))


@pytest.mark.parametrize("name", NO_RATE)
def test_what_no_price_list_covers_has_no_rate(database: Database, cases: dict[str, Case], name: str) -> None:
    make_deck(database, a_rate("1"))
    account_id = make_account(database, region="RO")
    assert cases[name]["expect"] == {"error": "no_rate"}

    with database.reading() as session:
        rating = rate_of_number(
            session,
            rates=RateBook(),
            account=look_up(session, account_id),
            service="USER_OUT",
            number=read_number(cases[name]["usage"]["to"], "RO"),
            at=0,
        )

    assert (rating.rate, rating.reason) == (None, RefusalReason.NO_RATE)


def test_the_longest_prefix_of_a_golden_case_is_ours(cases: dict[str, Case]) -> None:
    """uc-002 and its like: a mobile prefix beats its country; cgr-035: an exact number beats the rest."""
    zealand = in_memory([a_rate("64", "0.01"), a_rate("6421", "0.07")])
    rate = zealand.find("USER_OUT", cases["uc-002"]["usage"]["to"].strip("+*") + "000")
    exact = in_memory([a_rate("1002", "0.01"), a_rate("1", "0.10")]).find("USER_OUT", cases["cgr-035"]["usage"]["to"])

    assert rate is not None
    assert exact is not None
    assert (rate.prefix, exact.prefix) == ("6421", "1002")


def test_a_real_deck_of_36_000_prefixes_finds_what_two_other_methods_found(read: Callable[[str], list[Row]]) -> None:
    deck = in_memory(
        [
            a_rate(row["pattern"].removeprefix("^").removesuffix(".*"), row["cost"], destination=row["comment"])
            for row in read("decks/astpp_outbound_routes.csv")
        ]
    )
    lookups = read("decks/lookups_astpp.csv")
    assert (deck.rate_count, len(lookups)) == (36_205, 400)

    found = [(row, deck.find("USER_OUT", row["number"])) for row in lookups]

    assert [rate.prefix if rate else "" for _, rate in found] == [row["expected_prefix"] for row in lookups]
    for row, rate in found:
        if rate is not None:
            assert rate.tiers[0].price_nanos == nanos_of(Decimal(row["expected_rate_per_min"]))
            assert rate.destination == row["destination"]


def deck_draft(row: Row) -> RateDraft:
    """A row of a generated deck: at least so many seconds, then steps."""
    price, first, step = nanos_of(Decimal(row["rate_per_min"])), int(row["min_s"]), int(row["increment_s"])
    tiers = (Tier(0, price, first),) if first == step else (Tier(0, price, first), Tier(first, price, step))
    return a_rate(
        row["prefix"],
        destination=row["destination"],
        country=None if row["iso"] == "001" else row["iso"],  # 001 stands for no country
        connect_fee_nanos=nanos_of(Decimal(row["connect_fee"])),
        tiers=tiers,
    )


def rated(deck: Deck, call: Row) -> tuple[Rate | None, Price]:
    """Rate and price of a generated call record."""
    rate = deck.find("USER_OUT", read_number(call["callee"], "US").digits)
    seconds = int(call["duration_s"]) if call["disposition"] == "ANSWERED" else 0
    if rate is None:
        return None, Price(0, 0)
    return rate, price_call(rate, decimals=deck.decimals, rounding=deck.rounding, duration_seconds=seconds)


def test_every_generated_call_is_rated_as_its_truth_says(read: Callable[[str], list[Row]]) -> None:
    deck = in_memory([deck_draft(row) for row in read("generated/deck.csv")])
    truths = {row["call_id"]: row for row in read("generated/truth.csv")}
    calls = read("generated/cdrs.csv")
    assert len(calls) == len(truths) == 3_000

    for call in calls:
        truth = truths[call["call_id"]]
        rate, price = rated(deck, call)
        assert (rate.prefix if rate else "") == truth["matched_prefix"]
        assert price.billed_seconds == int(truth["billed_s"] or 0)
        assert price.charge_micros == micros_of(Decimal(truth["cost"] or 0))


def test_calls_around_a_price_change_are_rated_whole_by_the_deck_in_force_at_their_answer(
    read: Callable[[str], list[Row]],
) -> None:
    old = {row["prefix"]: row for row in read("generated/deck.csv")}
    later = read("generated/deck_v2.csv")
    # A later file lists changes only; a deck is whole, so it is the old one with these laid over it.
    new = {**old, **{row["prefix"]: row for row in later}}
    decks = [in_memory([deck_draft(row) for row in deck.values() if row["rate_per_min"]]) for deck in (old, new)]
    change = instant(datetime.fromisoformat(later[0]["effective_from"]))
    truths = {row["call_id"]: row for row in read("generated/truth_price_change.csv")}
    compared = 0

    for call in read("generated/cdrs_price_change.csv"):
        truth = truths[call["call_id"]]
        if truth["withdrawn_prefix"]:
            continue
        deck = decks[instant(datetime.fromisoformat(call["start_utc"])) >= change]
        rate, price = rated(deck, call)
        compared += 1
        assert (rate.prefix if rate else "") == truth["matched_prefix"], call
        assert price.billed_seconds == int(truth["billed_s"] or 0), call
        assert price.charge_micros == micros_of(Decimal(truth["cost"] or 0)), call

    assert compared == 500 - sum(1 for truth in truths.values() if truth["withdrawn_prefix"])
    assert compared > 400
