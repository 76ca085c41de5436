"""Crashes: a verb that dies at any of its statements has done nothing; done again, it does everything once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest

from credits.auto_recharge import Wanted, set_auto_recharge
from credits.instants import DAY, HOUR
from credits.providers import Outcome, RefundAnswer
from db.session import Database, Session
from tests.bank import buy_live
from tests.books import Books, a_call, open_books
from tests.factories import NOW, PROVIDERS, make_agreement, make_card, make_recharge, micros

STATEMENTS = ("rows", "row", "execute", "execute_many", "insert")


class Crash(BaseException):
    """The machine stops here."""


@contextmanager
def crashing_at(statement: int) -> Iterator[None]:
    """Let the machine stop when it comes to a statement, counted from 1."""
    numbers = count(1)

    def counted(run: Callable[..., Any]) -> Callable[..., Any]:
        def stop_or_run(*arguments: Any, **values: Any) -> Any:
            if next(numbers) == statement:
                raise Crash
            return run(*arguments, **values)

        return stop_or_run

    with pytest.MonkeyPatch.context() as patch:
        for name in STATEMENTS:
            patch.setattr(Session, name, counted(getattr(Session, name)))
        yield


def crashes(verb: Callable[[], Any]) -> Iterator[int]:
    """Do a thing again and again, stopped one statement later each time, until it is through."""
    for statement in count(1):
        try:
            with crashing_at(statement):
                verb()
        except Crash:
            yield statement
        else:
            return


def a_story(books: Books) -> None:
    """Something is owed, something awaits its start, something its forfeiture."""
    books.grant(5, expires_at=NOW + HOUR)
    books.advance(NOW + HOUR)
    books.charge(20)
    books.grant(50, starts_at=NOW + 2 * DAY)
    books.grant(7, starts_at=NOW + 10 * DAY)


VERBS: dict[str, Callable[[Books], Any]] = {
    "grant": lambda books: books.grant(30, idempotency_key="again"),
    "void": lambda books: books.void(3, idempotency_key="again"),
    "record": lambda books: books.record(*[a_call(3, call_id=f"c{number}") for number in range(10)]),
    "advance": lambda books: books.advance(NOW + 20 * DAY),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_that_dies_at_any_statement_has_done_nothing(database: Database, verb: str) -> None:
    books = open_books(database)
    a_story(books)
    before = books.dump()

    died = 0
    for _ in crashes(lambda: VERBS[verb](books)):
        died += 1
        assert books.dump() == before

    assert died > 2
    assert books.dump() != before
    assert books.breaches() == []


def test_a_charge_that_dies_anywhere_has_begun_no_recharge_and_told_nobody(database: Database) -> None:
    books = open_books(database)
    make_card(database, books.account_id)
    books.grant(10)
    wanted = Wanted(enabled=True, trigger_micros=micros(5), amount_micros=micros(50))
    with database.transaction() as session:
        set_auto_recharge(session, account_id=books.account_id, wanted=wanted, providers=PROVIDERS, now=NOW)
    before = books.dump()

    for _ in crashes(lambda: books.record(a_call(10, call_id="c1"))):
        assert books.dump() == before

    assert books.account().recharge_count == 1
    with database.reading() as session:
        assert session.rows("SELECT kind FROM notice") == [("BALANCE_BELOW_ZERO",)]


@pytest.mark.parametrize("method", ["card", "slow card", "invoice"])
def test_a_recharge_that_dies_anywhere_and_is_asked_for_again_arrives_once(database: Database, method: str) -> None:
    books = open_books(database)
    a_story(books)
    add = {
        "card": lambda: make_card(database, books.account_id),
        "slow card": lambda: make_card(database, books.account_id, "tok_timeout"),
        "invoice": lambda: make_agreement(database, books.account_id),
    }
    add[method]()

    for _ in crashes(lambda: make_recharge(database, books.account_id, 100, idempotency_key="again")):
        assert books.breaches() == []
    make_recharge(database, books.account_id, 100, idempotency_key="again")

    assert [lot.amount_micros for lot in books.lots() if lot.recharge_no] == [micros(100)]
    assert books.account().recharge_count == 1
    assert books.balance().current_micros == micros(80)
    assert books.breaches() == []


@pytest.mark.parametrize("how", ["card", "lost answer", "refused", "invoice"])
def test_a_refund_that_dies_anywhere_and_is_asked_for_again_goes_back_once(database: Database, how: str) -> None:
    sold = buy_live(database)
    if how == "invoice":
        make_agreement(database, sold.books.account_id)
        sold.recharge_no = make_recharge(database, sold.books.account_id)
    answers = {
        "lost answer": [RefundAnswer(Outcome.LOST)],
        "refused": [RefundAnswer(Outcome.DECLINED, "re_1", "No.")] * 500,
    }
    sold.bank.answers = list[RefundAnswer | Exception](answers.get(how, []))

    for _ in crashes(lambda: sold.refund(40, idempotency_key="again")):
        assert sold.books.breaches() == []
    sold.refund(40, idempotency_key="again")

    assert sold.refunds() == [("FAILED" if how == "refused" else "SUCCEEDED", micros(40))]
    assert len(sold.bank.paid_back) == (0 if how in ("refused", "invoice") else 1)
    assert sold.books.lot(sold.lot_no).remaining_micros == micros(100 if how == "refused" else 60)
    assert sold.books.breaches() == []


@pytest.mark.parametrize("end", ["OPEN", "WON", "LOST"])
def test_what_the_provider_tells_of_is_acted_on_once_wherever_it_dies(database: Database, end: str) -> None:
    sold = buy_live(database)
    sold.books.charge(30)
    sold.bank.contests(100)
    for _ in crashes(sold.hear_disputes):
        assert sold.books.breaches() == []
    sold.bank.contests(100, end)
    for _ in crashes(sold.hear_disputes):
        assert sold.books.breaches() == []
    sold.bank.tells_of(100)
    for _ in crashes(sold.hear_refunds):
        assert sold.books.breaches() == []

    assert sold.books.lot(sold.lot_no).remaining_micros == 0
    assert sold.books.balance().owed_micros == micros(30)
    assert sold.books.breaches() == []
