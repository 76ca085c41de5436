"""The proof: every rule of money, checked over a whole database; what breaks one is named.

Each rule is a query that finds the accounts breaking it and says where; a few need more than a query, and stand here.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from credits.call_rules import CALL_RULES
from credits.decks import rate_of, terms_of
from credits.money import whole_minor_units
from credits.money_rules import MONEY_RULES
from credits.rating import DeckTerms, Rate, price_call
from credits.user_rules import USER_RULES
from db.session import Session

CALLS_AT_A_TIME = 5_000


@dataclass(frozen=True, slots=True)
class Breach:
    """The first rule that an account breaks, and where: the number of the entry, lot, call or recharge."""

    account_id: int
    rule: str
    where: str


RULE_OF_COINS = "a recharge is a whole number of its currency's coins"
RULE_OF_PRICE = "a call costs what its rate says"
RULE_OF_HOLDS = "a lot holds for calls what they say it holds"
_QUERIES = {**MONEY_RULES, **CALL_RULES, **USER_RULES}
RULES = (*_QUERIES, RULE_OF_HOLDS, RULE_OF_COINS, RULE_OF_PRICE)


def verify(session: Session, *, account_id: int | None = None) -> list[Breach]:
    """Check every rule over the whole database or one account; the first broken rule of each account, in id order."""
    scope = "1 = 1" if account_id is None else f"account_id = {int(account_id)}"
    first: dict[int, Breach] = {}
    for rule, query in _QUERIES.items():
        broken = session.rows(query.format(scope=scope))
        for owner, where in sorted(broken, key=lambda found: (found[0], len(found[1]), found[1])):
            first.setdefault(owner, Breach(owner, rule, where))
    for breach in chain(_misheld(session, scope), _uncoined(session, scope), _mispriced(session, scope)):
        first.setdefault(breach.account_id, breach)
    return [first[owner] for owner in sorted(first)]


def _misheld(session: Session, scope: str) -> Iterator[Breach]:
    """Compare what each lot holds with what the calls in progress say, lot by lot."""
    said: defaultdict[tuple[int, int], int] = defaultdict(int)
    for owner, holds in session.rows(
        f"SELECT account_id, holds FROM call WHERE {scope} AND status = 'AUTHORIZED' AND holds IS NOT NULL"
    ):
        for lot_no, micros in json.loads(holds):
            said[owner, lot_no] += micros
    held = {
        (owner, lot_no): micros
        for owner, lot_no, micros in session.rows(
            f"SELECT account_id, lot_no, held_micros FROM lot WHERE {scope} AND held_micros > 0"
        )
    }
    for owner, lot_no in sorted(said.keys() | held.keys()):
        if said.get((owner, lot_no), 0) != held.get((owner, lot_no), 0):
            yield Breach(owner, RULE_OF_HOLDS, f"lot {lot_no}")


def _uncoined(session: Session, scope: str) -> Iterator[Breach]:
    """Find the recharges that no coins could pay."""
    for owner, recharge_no, amount_micros, currency in session.rows(
        "SELECT account.account_id, recharge_no, amount_micros, currency FROM"
        f" (SELECT * FROM recharge WHERE {scope}) AS recharge"
        " JOIN account ON account.account_id = recharge.account_id ORDER BY account.account_id, recharge_no"
    ):
        if not whole_minor_units(amount_micros, currency):
            yield Breach(owner, RULE_OF_COINS, f"recharge {recharge_no}")


def _mispriced(session: Session, scope: str) -> Iterator[Breach]:
    """Price every settled call again, a page at a time."""
    decks: dict[int, DeckTerms] = {}
    rates: dict[tuple[int, int], Rate] = {}
    after = (-1, -1)
    while True:
        calls = session.rows(
            "SELECT account_id, call_no, deck_id, rate_no, duration_seconds, plan_seconds, billed_seconds,"
            " CASE WHEN reversed_at IS NULL THEN charge_micros END FROM call"
            f" WHERE {scope} AND status = 'SETTLED' AND (account_id, call_no) > (?, ?)"
            " ORDER BY account_id, call_no LIMIT ?",
            *after, CALLS_AT_A_TIME,
        )  # fmt: skip
        for owner, call_no, deck_id, rate_no, duration_seconds, plan_seconds, billed_seconds, charge_micros in calls:
            price = (0, 0)  # an emergency call, or one that a plan paid, may have no rate
            if deck_id is not None:
                deck = decks.get(deck_id) or decks.setdefault(deck_id, terms_of(session, deck_id))
                key = (deck_id, rate_no)
                rate = rates.get(key) or rates.setdefault(key, rate_of(session, deck_id, rate_no))
                price = price_call(
                    rate, decimals=deck.decimals, rounding=deck.rounding, duration_seconds=duration_seconds,
                    plan_seconds=plan_seconds,
                )  # fmt: skip
            if price != (billed_seconds, price[1] if charge_micros is None else charge_micros):
                yield Breach(owner, RULE_OF_PRICE, f"call {call_no}")
        if len(calls) < CALLS_AT_A_TIME:
            return
        after = calls[-1][:2]
