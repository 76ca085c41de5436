"""Rate decks, rates, quotes and publishing through the API."""

from decimal import Decimal
from typing import Any

import pytest

from tests.factories import make_account
from tests.schema.asking import Api, acct

PRICED = "deck { name } prefix destination country tiers { fromSecond pricePerMinute incrementSeconds }"
FIND = f"query Find($s: String, $at: DateTime) {{ rates(search: $s, at: $at) {{ totalCount nodes {{ {PRICED} }} }} }}"


def publish(
    api: Api, *rates: dict[str, Any], shape: str = "deck { id rateCount } added changed withdrawn", **values: Any
) -> Any:
    """Publish a deck, and return the payload."""
    asked = {"name": "standard", "currency": "USD", "effectiveFrom": "2026-01-01T00:00:00Z", "rates": list(rates)}
    return api.change("publishRateDeck", shape, {**asked, **values})


def rate(prefix: str, price: str = "0.10", **values: Any) -> dict[str, Any]:
    """A rate's input."""
    return {"prefix": prefix, "destination": f"Place {prefix}", "pricePerMinute": price, **values}


def found(api: Api, search: str, **asked: Any) -> list[str]:
    """The prefixes that a search finds."""
    answer = api.ask(FIND, s=search, **asked)["rates"]
    assert answer["totalCount"] == len(answer["nodes"])
    return [node["prefix"] for node in answer["nodes"]]


def test_a_deck_is_published_and_read_back(api: Api) -> None:
    tiers = [
        {"fromSecond": 0, "pricePerMinute": "0.10", "incrementSeconds": 60},
        {"fromSecond": 60, "pricePerMinute": "0.000000001", "incrementSeconds": 6},
    ]
    two_tiers = {"prefix": "93", "destination": "Afghanistan", "tiers": tiers, "connectFee": "0.05", "maxCost": "2"}

    payload = publish(api, rate("49"), two_tiers)

    assert payload == {"deck": {"id": "deck_1", "rateCount": 2}, "added": 2, "changed": 0, "withdrawn": 0, "errors": []}
    shape = (
        "prefix country blocked connectFee maxCost freeSeconds service effectiveFrom effectiveTo"
        " tiers { fromSecond pricePerMinute incrementSeconds }"
    )
    first, second = api.ask(f'{{ rates(deckId: "deck_1") {{ nodes {{ {shape} }} }} }}')["rates"]["nodes"]
    assert first["tiers"] == [{"fromSecond": 0, "pricePerMinute": "0.10", "incrementSeconds": 60}]
    assert second == {
        "prefix": "93", "country": "AF", "blocked": False, "connectFee": "0.05", "maxCost": "2.00", "freeSeconds": 0,
        "service": "USER_OUT", "effectiveFrom": "2026-01-01T00:00:00Z", "effectiveTo": None, "tiers": tiers,
    }  # fmt: skip


def test_a_later_deck_takes_over_and_says_what_it_changes(api: Api) -> None:
    publish(api, rate("44"), rate("49"), rate("93"))
    shape = (
        "deck { id } added changed withdrawn changes { kind prefix destination"
        " old { tiers { pricePerMinute } } new { tiers { pricePerMinute } } }"
    )
    rates = (rate("44"), rate("49", "0.20"), rate("1"))

    preview = publish(api, *rates, shape=shape, effectiveFrom="2026-06-01T00:00:00Z", dryRun=True)
    payload = publish(api, *rates, shape=shape, effectiveFrom="2026-06-01T00:00:00Z")

    assert preview["deck"] is None
    assert preview["changes"] == payload["changes"]
    old, new = {"tiers": [{"pricePerMinute": "0.10"}]}, {"tiers": [{"pricePerMinute": "0.20"}]}
    assert payload["changes"] == [
        {"kind": "ADDED", "prefix": "1", "destination": "Place 1", "old": None, "new": old},
        {"kind": "CHANGED", "prefix": "49", "destination": "Place 49", "old": old, "new": new},
        {"kind": "WITHDRAWN", "prefix": "93", "destination": "Place 93", "old": old, "new": None},
    ]
    assert (found(api, ""), found(api, "", at="2026-05-31T23:59:59Z")) == (["1", "44", "49"], ["44", "49", "93"])
    ends = api.ask('{ a: rates(deckId: "deck_1") { nodes { effectiveTo } } }')["a"]["nodes"]
    assert {node["effectiveTo"] for node in ends} == {"2026-06-01T00:00:00Z"}
    decks = api.ask("{ rateDecks { id name currency effectiveFrom decimals rounding } }")["rateDecks"]
    assert [deck["id"] for deck in decks] == ["deck_2", "deck_1"]


def test_every_bad_rate_is_told_and_nothing_is_published(api: Api) -> None:
    payload = publish(api, rate("49"), rate("4x"), rate("49"), rate("1", "-1"), {"prefix": "2", "destination": "Egypt"})

    assert payload["deck"] is None
    assert [error["field"] for error in payload["errors"]] == [["input", "rates", "3", "pricePerMinute"]]
    payload = publish(api, rate("49"), rate("4x"), rate("49"), {"prefix": "2", "destination": "Egypt"})
    assert [error["field"] for error in payload["errors"]] == [
        ["input", "rates", "1", "prefix"], ["input", "rates", "2", "prefix"], ["input", "rates", "3", "tiers"],
    ]  # fmt: skip
    assert api.ask("{ rateDecks { id } }")["rateDecks"] == []


def test_a_price_and_tiers_do_not_go_together(api: Api) -> None:
    payload = publish(api, rate("49", tiers=[]))

    assert [error["field"] for error in payload["errors"]] == [["input", "rates", "0", "pricePerMinute"]]


def test_a_deck_that_does_not_exist_has_no_rates(small_api: Api) -> None:
    for deck in ("deck_7", "nonsense"):
        assert small_api.ask(f'{{ rates(deckId: "{deck}") {{ totalCount }} }}')["rates"]["totalCount"] == 0


QUOTE = """
query Quote($a: ID!, $to: String!, $seconds: Int, $user: ID) {
  quoteCall(accountId: $a, to: $to, durationSeconds: $seconds, userId: $user) {
    priced reason billedSeconds planSeconds cost { amount currency } rate { id prefix deck { name } } explanation
  }
}
"""


def test_a_quote_says_the_price_and_how_it_comes_about(api: Api) -> None:
    publish(api, rate("49", "0.10"))
    account_id = make_account(api.database)

    quote = api.ask(QUOTE, a=acct(account_id), to="+49 30 123456", seconds=61)["quoteCall"]

    assert (quote["priced"], quote["reason"]) == (True, None)
    assert (quote["billedSeconds"], quote["planSeconds"]) == (120, 0)
    assert quote["cost"] == {"amount": "0.20", "currency": "USD"}
    assert quote["rate"]["prefix"] == "49"
    assert quote["rate"]["deck"] == {"name": "standard"}
    assert len(quote["explanation"]) >= 3


@pytest.mark.parametrize(
    ("to", "reason"), [("+33123456789", "NO_RATE"), ("hello", "INVALID_NUMBER"), ("+8821234567", "DESTINATION_BLOCKED")]
)
def test_a_quote_says_why_a_call_may_not_go(api: Api, to: str, reason: str) -> None:
    publish(api, rate("49"), rate("882", blocked=True))

    quote = api.ask(QUOTE, a=acct(make_account(api.database)), to=to)["quoteCall"]

    assert (quote["priced"], quote["reason"]) == (False, reason)


def test_a_quote_for_nobody_says_that_there_is_no_such_user(api: Api) -> None:
    publish(api, rate("49"))

    quote = api.ask(QUOTE, a=acct(make_account(api.database)), to="+4930123456", user="nobody")["quoteCall"]

    assert (quote["priced"], quote["reason"]) == (False, "UNKNOWN_USER")


@pytest.mark.parametrize("seconds", [-1, 86_401])
def test_a_quote_for_no_possible_duration_is_the_callers_mistake(small_api: Api, seconds: int) -> None:
    account_id = make_account(small_api.database)

    error = small_api.error(QUOTE, a=acct(account_id), to="+4930123456", seconds=seconds)

    assert error["extensions"] == {"code": "BAD_USER_INPUT", "field": ["durationSeconds"]}


def test_thousands_of_rates_are_published_off_the_event_loop(small_api: Api) -> None:
    payload = publish(small_api, *(rate(str(10_000 + number)) for number in range(2_001)))

    assert payload["deck"]["rateCount"] == 2_001
    cheapest = small_api.ask("{ rates(first: 1) { nodes { tiers { pricePerMinute } } } }")["rates"]["nodes"][0]
    assert Decimal(cheapest["tiers"][0]["pricePerMinute"]) == Decimal("0.1")
