"""Published rating cases and generated decks with known answers, through the public API as an integrator uses it."""

import csv
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.factories import a_key, make_account
from tests.golden import NO_RATE, RUN, rating_cases
from tests.schema.asking import Api, acct

CALLED = "+4930123456"
ANSWERED = "2026-10-01T11:00:00Z"
QUOTE = """
query Quote($a: ID!, $to: String!, $s: Int!) {
  quoteCall(accountId: $a, to: $to, durationSeconds: $s) { priced reason billedSeconds cost { amount } explanation }
}
"""
RESULTS = "results { callId error { message } call { status billedSeconds charge { amount } } }"
LOOKUP = """
query Lookup($number: String!) {
  rates(search: $number, first: 1) { nodes { prefix destination tiers { pricePerMinute } } }
}
"""


def publish(api: Api, rates: list[dict[str, Any]], **terms: Any) -> None:
    """Publish the deck that accounts are priced by."""
    deck = {"name": "standard", "currency": "USD", "effectiveFrom": "2020-01-01T00:00:00Z", "decimals": 6, **terms}
    payload = api.change("publishRateDeck", "deck { rateCount }", {**deck, "rates": rates})
    assert payload["errors"] == []


def rate_of(case: dict[str, Any]) -> dict[str, Any]:
    """The rate of a golden case as the API takes it; its prices are per some seconds, ours per minute."""
    rate = case["rate"]
    tiers = [
        {
            "fromSecond": tier["from_s"],
            "pricePerMinute": str(Decimal(tier["price"]) * 60 / tier["per_s"]),
            "incrementSeconds": tier["increment_s"],
        }
        for tier in rate["tiers"]
    ]
    capped = rate.get("max_cost") if rate.get("max_cost_strategy") == "free" else None
    return {
        "prefix": "49",
        "destination": "Germany",
        "connectFee": rate.get("connect_fee") or "0",
        "tiers": tiers,
        "freeSeconds": int(rate.get("free_s") or 0),
        "maxCost": capped,
    }


def test_every_case_that_a_deck_can_express_is_quoted_and_charged_alike(small_api: Api, shared_data: Path) -> None:
    api = small_api
    account_id = make_account(api.database)
    cases = rating_cases(shared_data)

    for case in (cases[name] for name in RUN):
        rounding = case["rate"].get("rounding") or {"mode": "half_up", "decimals": 6}
        publish(api, [rate_of(case)], decimals=rounding["decimals"], rounding=rounding["mode"].upper())
        seconds = case["usage"]["duration_s"]
        quote = api.ask(QUOTE, a=acct(account_id), to=CALLED, s=seconds)["quoteCall"]
        call = record_one(api, account_id, seconds)
        assert quote["priced"], case["id"]
        assert quote["billedSeconds"] == call["billedSeconds"] == case["expect"]["billed_s"], case["id"]
        assert quote["cost"] == call["charge"], case["id"]
        if "cost" in case["expect"]:
            assert Decimal(call["charge"]["amount"]) == Decimal(case["expect"]["cost"]), case["id"]


def test_every_error_case_of_rating_is_refused_and_never_free(small_api: Api, shared_data: Path) -> None:
    api = small_api
    account_id = make_account(api.database)
    cases = rating_cases(shared_data)

    quotes = [api.ask(QUOTE, a=acct(account_id), to=CALLED, s=cases[name]["usage"]["duration_s"]) for name in NO_RATE]

    assert all(quote["quoteCall"]["reason"] == "NO_RATE" for quote in quotes)
    assert not any(quote["quoteCall"]["priced"] for quote in quotes)
    assert record_one(api, account_id, 60)["status"] == "UNRATED"


def record_one(api: Api, account_id: int, seconds: int) -> Any:
    """Record one call, and return it."""
    call = {"callId": a_key(), "to": CALLED, "answeredAt": ANSWERED, "durationSeconds": seconds}
    payload = api.change("recordCalls", RESULTS, {"accountId": acct(account_id), "calls": [call]})
    return payload["results"][0]["call"]


def test_generated_calls_cost_what_is_known_call_by_call(api: Api, shared_data: Path) -> None:
    generated = shared_data / "generated"
    account_id = make_account(api.database)
    publish(api, [generated_rate(row) for row in rows(generated / "deck.csv")])

    found = record_file(api, account_id, generated / "cdrs.csv")

    assert found == {
        row["call_id"]: (int(row["billed_s"]), Decimal(row["cost"])) for row in rows(generated / "truth.csv")
    }


def test_a_new_deck_prices_the_calls_answered_from_its_instant_on(api: Api, shared_data: Path) -> None:
    generated = shared_data / "generated"
    account_id = make_account(api.database)
    before = {row["prefix"]: row for row in rows(generated / "deck.csv")}
    changes = {row["prefix"]: row for row in rows(generated / "deck_v2.csv")}
    after = [row for row in {**before, **changes}.values() if row["rate_per_min"]]
    publish(api, [generated_rate(row) for row in before.values()], effectiveFrom="2026-01-01T00:00:00Z")
    publish(api, [generated_rate(row) for row in after], effectiveFrom="2026-07-01T00:00:00Z")

    found = record_file(api, account_id, generated / "cdrs_price_change.csv")

    known = [row for row in rows(generated / "truth_price_change.csv") if not row["withdrawn_prefix"]]
    assert len(known) > 450
    for row in known:
        assert found[row["call_id"]] == (int(row["billed_s"]), Decimal(row["cost"])), row


def test_a_number_is_found_by_its_longest_prefix(small_api: Api, shared_data: Path) -> None:
    deck = rows(shared_data / "decks" / "astpp_outbound_routes.csv")
    publish(small_api, [astpp_rate(row) for row in deck])

    for row in rows(shared_data / "decks" / "lookups_astpp.csv"):
        nodes = small_api.ask(LOOKUP, number=f"+{row['number']}")["rates"]["nodes"]
        if not row["expected_prefix"]:
            assert not any(row["number"].startswith(node["prefix"]) for node in nodes), row
            continue
        assert nodes[0]["prefix"] == row["expected_prefix"]
        assert nodes[0]["destination"] == row["destination"]
        assert Decimal(nodes[0]["tiers"][0]["pricePerMinute"]) == Decimal(row["expected_rate_per_min"])


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file by their headers."""
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def generated_rate(row: dict[str, str]) -> dict[str, Any]:
    """A row of the generated deck: a minimum, then steps."""
    price, least, step = row["rate_per_min"], int(row["min_s"]), int(row["increment_s"])
    tiers = [{"fromSecond": 0, "pricePerMinute": price, "incrementSeconds": least}]
    if least != step:
        tiers.append({"fromSecond": least, "pricePerMinute": price, "incrementSeconds": step})
    return {
        "prefix": row["prefix"],
        "destination": row["destination"],
        "connectFee": row["connect_fee"],
        "tiers": tiers,
    }


def astpp_rate(row: dict[str, str]) -> dict[str, Any]:
    """A row of the carrier's deck, whose prefixes are written as regular expressions."""
    tier = {"fromSecond": 0, "pricePerMinute": row["cost"], "incrementSeconds": int(row["inc"])}
    return {
        "prefix": row["pattern"].removeprefix("^").removesuffix(".*"),
        "destination": row["comment"],
        "tiers": [tier],
    }


def record_file(api: Api, account_id: int, path: Path) -> dict[str, tuple[int, Decimal]]:
    """Record a file of calls through the API; billed seconds and charge by call id."""
    found = {}
    for batch in batches(rows(path), 1000):
        calls = [
            {
                "callId": row["call_id"],
                "from": row["caller"],
                "to": row["callee"],
                "answeredAt": row["start_utc"],
                "durationSeconds": int(row["duration_s"]),
            }
            for row in batch
        ]
        payload = api.change("recordCalls", RESULTS, {"accountId": acct(account_id), "calls": calls})
        for result in payload["results"]:
            assert result["error"] is None, result
            found[result["callId"]] = (result["call"]["billedSeconds"], Decimal(result["call"]["charge"]["amount"]))
    return found


def batches(listed: list[dict[str, str]], size: int) -> Iterator[list[dict[str, str]]]:
    """A list in pieces of at most some size."""
    for first in range(0, len(listed), size):
        yield listed[first : first + size]
