"""Worked examples that others published (the sample data's golden cases), done with our own verbs.

A case is a TEST account: its lots are granted at their instants, a use is a call of that price, a void is a
void; what each lot gives, holds and loses must be as published. What our rules do not have is left out by name.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from credits.instants import instant
from credits.money import amount_of, micros_of
from db.kinds import EntryKind, LotStatus
from db.session import Database
from tests.books import UNRATED, Books, LotRow, a_call, open_books
from tests.factories import a_key

RUN = ("om-004", "om-008", "la-004", "la-006", "la-007", "la-012", "la-014", "cg-001", "cg-002", "doc-001", "doc-003")
LEFT_OUT = {
    "om-016": "lots that refill by themselves: a lot here is granted once",
    "la-005": "a use that is refused for want of funds: a finished call is charged, and the rest is owed",
    "la-017": "lots that pay for one kind of charge only: every lot here pays for every call",
    "cg-004": "a lot that keeps the ones after it from being spent",
    "doc-004": "promotional before paid at equal priority and expiry: here the older comes first",
}
FACTS_RUN = ("dec-001", "bat-001", "rer-001")
FACTS_RUN_ELSEWHERE = ("top-001", "top-003", "top-004", "top-005", "top-006", "top-009", "top-010")  # test_automatic.py
FACTS_LEFT_OUT = {
    "hold-001": "money that is reserved for calls in progress",
}


def at(text: str) -> int:
    """The instant of an RFC 3339 text."""
    return instant(datetime.fromisoformat(text))


def read_cases(path: Path) -> dict[str, dict[str, Any]]:
    """Golden cases by their ids."""
    return {case["id"]: case for case in json.loads(path.read_text())}


@dataclass
class Case:
    """A published case on its way through an account of ours."""

    told: dict[str, Any]
    books: Books
    lot_nos: dict[str, int]

    def happen(self) -> None:
        """Grant the lots and do the events, each at its instant; at one instant a lot comes before a use."""
        events = [(at(event["at"]), 1, event) for event in self.told["events"]]
        lots = [(self._created_at(lot), 0, lot) for lot in self.told["lots"]]
        for instant_of, order, thing in sorted([*lots, *events], key=lambda happening: happening[:2]):
            self.books.advance(instant_of)
            self._do(thing) if order else self._grant(thing)
        self.books.advance(at(self.told["as_of"]))

    def lot(self, name: str) -> LotRow:
        """A lot of the case."""
        return self.books.lot(self.lot_nos[name])

    def balance(self, name: str) -> Decimal:
        """What can be spent of a lot; a lot of nothing is no lot of ours."""
        if name not in self.lot_nos:
            return Decimal(0)
        lot = self.lot(name)
        return amount_of(lot.remaining_micros if lot.status(self.books.now) == LotStatus.ACTIVE else 0)

    def expired(self, name: str) -> Decimal:
        """What a lot held when it expired, forfeited by now or not."""
        lot = self.lot(name)
        forfeited = [entry.draws.get(lot.lot_no, 0) for entry in self.books.entries() if entry.kind == EntryKind.EXPIRY]
        return amount_of(-sum(forfeited) or lot.remaining_micros)

    def drawn_last(self) -> dict[str, Decimal]:
        """What the last event drew from each lot."""
        names = {number: name for name, number in self.lot_nos.items()}
        last = self.books.entries()[-1]
        return {names[lot_no]: amount_of(-moved) for lot_no, moved in last.draws.items() if moved < 0}

    def _created_at(self, lot: dict[str, Any]) -> int:
        return at(lot.get("created_at", self.told["start_at"]))

    def _grant(self, lot: dict[str, Any]) -> None:
        if Decimal(lot["amount"]) == 0:
            return
        self.lot_nos[lot["id"]] = self.books.grant(
            lot["amount"],
            priority=lot.get("priority", 0),
            starts_at=at(lot["effective_at"]) if "effective_at" in lot else None,
            expires_at=at(lot["expires_at"]) if "expires_at" in lot else None,
        )
        used_before = Decimal(lot["amount"]) - Decimal(lot.get("remaining", lot["amount"]))
        if used_before:
            self.books.charge(str(used_before))

    def _do(self, event: dict[str, Any]) -> None:
        if "lot" in event:
            self.books.void(self.lot_nos[event["lot"]])
        else:
            self.books.charge(event["amount"])


def began(database: Database, told: dict[str, Any]) -> Case:
    """A case with an account whose clock stands where the first thing happens."""
    created = [lot["created_at"] for lot in told["lots"] if "created_at" in lot]
    clock_at = min(at(text) for text in (told["start_at"], *created))
    return Case(told, open_books(database, clock_at=clock_at), {})


@pytest.mark.parametrize("name", RUN)
def test_a_published_case_of_balances_comes_out_as_published(database: Database, shared_data: Path, name: str) -> None:
    told = read_cases(shared_data / "golden" / "balance_cases.json")[name]
    case, expected = began(database, told), told["expect"]

    case.happen()

    for lot, balance in expected.get("balances", {}).items():
        assert case.balance(lot) == Decimal(balance), lot
    for lot, expired in expected.get("expired", {}).items():
        assert case.expired(lot) == Decimal(expired), lot
    if "drawn" in expected:
        assert case.drawn_last() == {lot: Decimal(drawn) for lot, drawn in expected["drawn"].items()}
    if "overage" in expected:
        assert case.books.balance().owed_micros == micros_of(Decimal(expected["overage"]))
    if "total" in expected:
        assert sum(case.balance(lot["id"]) for lot in told["lots"]) == Decimal(expected["total"])
    assert case.books.breaches() == []


def test_what_expired_in_a_published_case_is_forfeited_after_the_settlement_window(
    database: Database, shared_data: Path
) -> None:
    case = began(database, read_cases(shared_data / "golden" / "balance_cases.json")["doc-001"])
    case.happen()

    case.books.advance(case.lot("c").expires_at + case.books.terms.settlement_window)

    assert case.books.entries()[-1].kind == EntryKind.EXPIRY
    assert case.expired("c") == Decimal(400)
    assert case.books.account().book_balance_micros == 0


def test_every_published_case_of_balances_is_run_or_left_out_by_name(shared_data: Path) -> None:
    assert {*RUN, *LEFT_OUT} == read_cases(shared_data / "golden" / "balance_cases.json").keys()
    assert not {*RUN} & LEFT_OUT.keys()


def test_a_published_debit_leaves_what_was_published(database: Database, shared_data: Path) -> None:
    fact = read_cases(shared_data / "golden" / "money_facts.json")["dec-001"]
    books = open_books(database)
    books.grant(str(Decimal(fact["given"]["balance_cents"]) / 100))

    books.charge(fact["given"]["debit"])

    assert books.balance().current_micros == fact["expect"]["balance_cents"] * 10_000
    assert amount_of(books.balance().current_micros) == Decimal(fact["expect"]["credits"])


def test_a_published_batch_moves_balances_by_its_prices_alone(database: Database, shared_data: Path) -> None:
    """A call with a price is charged and one without is kept; money given back for a call is a grant."""
    fact = read_cases(shared_data / "golden" / "money_facts.json")["bat-001"]
    accounts = {name: open_books(database) for name in fact["given"]["balances"]}
    for name, balance in fact["given"]["balances"].items():
        accounts[name].grant(balance)

    for cdr in fact["given"]["cdrs"]:
        books, price = accounts[cdr["acc"]], cdr["price"]
        if cdr.get("reverse"):
            books.grant(price, note="Given back for a call", idempotency_key=a_key())
        elif price is None or Decimal(price) < 0:
            books.record(a_call(1, to_number=UNRATED))
        else:
            books.charge(price)

    for name, balance in fact["expect"]["balances"].items():
        assert amount_of(accounts[name].balance().current_micros) == Decimal(balance)
    assert accounts["acc1"].breaches() == []


def test_published_calls_that_are_reported_again_change_nothing(database: Database, shared_data: Path) -> None:
    """The first of the two calls has 60 seconds that a plan pays: here it is half as long."""
    fact = read_cases(shared_data / "golden" / "money_facts.json")["rer-001"]
    books = open_books(database)
    reports = [a_call(cost) for cost in fact["expect"]["costs"]]

    money = []
    for report in (*reports, reports[0]):
        books.record(report)
        money.append(amount_of(books.balance().current_micros))

    assert money == [Decimal(text.split()[0]) for text in fact["expect"]["money"]]


def test_every_published_fact_of_money_is_run_or_left_out_by_name(shared_data: Path) -> None:
    assert {*FACTS_RUN, *FACTS_RUN_ELSEWHERE, *FACTS_LEFT_OUT} == read_cases(
        shared_data / "golden" / "money_facts.json"
    ).keys()
