"""Races: many threads, and many processes, do the same or conflicting things at once; each thing happens once."""

from dataclasses import replace
from typing import Any

import pytest

from credits.accounts import create_account
from credits.auto_recharge import Wanted, set_auto_recharge
from credits.call_messages import CallOutcome, CallReport
from credits.decks import RateBook
from credits.instants import HOUR
from credits.recharging import drive, recharge
from credits.refusals import Code, Refusal
from credits.terms import USUAL_TERMS
from db.kinds import AccountMode, EntryKind, RechargeStatus
from db.session import Database
from tests.books import Books, a_call, open_books, remaining
from tests.factories import NOW, PROVIDERS, make_card, micros
from tests.faults.at_once import at_once, in_processes

THREADS = 8
PROCESSES = 3


@pytest.fixture
def books(database: Database) -> Books:
    """A LIVE account with an empty ledger."""
    return open_books(database, mode=AccountMode.LIVE)


def buy(books: Books, key: str, amount: int = 100) -> int:
    """Recharge with the account's card."""
    return recharge(
        books.database,
        PROVIDERS,
        account_id=books.account_id,
        amount_micros=micros(amount),
        idempotency_key=key,
        now=books.now,
    )


def overlapping_batches(batches: int, calls: int) -> list[list[CallReport]]:
    """Batches that each report the same calls, each beginning with another of them."""
    reports = [a_call("0.5") for _ in range(calls)]
    return [reports[start % calls :] + reports[: start % calls] for start in range(0, batches * 3, 3)]


def test_threads_that_grant_with_one_key_make_one_lot(books: Books) -> None:
    answers = at_once(*[lambda: books.grant(100, idempotency_key="once")] * THREADS)

    assert answers == [1] * THREADS
    assert len(books.lots()) == len(books.entries()) == 1
    assert books.breaches() == []


def test_threads_that_use_one_key_for_different_grants_make_one_lot_and_the_rest_are_refused(books: Books) -> None:
    answers = at_once(*[lambda amount=amount: books.grant(amount, idempotency_key="once") for amount in range(1, 9)])

    refusals = [answer for answer in answers if isinstance(answer, Refusal)]
    assert len(refusals) == 7
    assert {refusal.code for refusal in refusals} == {Code.IDEMPOTENCY_KEY_REUSED}
    assert len(books.lots()) == 1


def test_threads_that_grant_with_keys_of_their_own_lose_no_money(books: Books) -> None:
    answers = at_once(*[lambda: books.grant(10)] * THREADS)

    assert sorted(answers) == list(range(1, THREADS + 1))
    assert books.balance().current_micros == micros(10 * THREADS)
    assert books.breaches() == []


def test_threads_that_open_an_account_with_one_key_open_one(database: Database) -> None:
    def open_one() -> int:
        with database.transaction() as session:
            return create_account(session, name="Contoso", currency="USD", idempotency_key="once", now=NOW)

    answers = at_once(*[open_one] * THREADS)

    assert len(set(answers)) == 1


def test_threads_that_report_the_same_calls_charge_each_once(books: Books) -> None:
    books.grant(7)
    batches = overlapping_batches(THREADS, calls=20)

    answers: list[list[CallOutcome]] = at_once(*[lambda batch=batch: books.record(*batch) for batch in batches])

    outcomes = [outcome for answer in answers for outcome in answer]
    assert sum(not outcome.duplicate for outcome in outcomes) == 20
    assert {outcome.charge_micros for outcome in outcomes} == {micros("0.5")}
    assert books.balance().current_micros == micros(7) - micros(10)
    assert books.breaches() == []


def test_threads_that_report_one_call_with_different_lengths_charge_one_of_them(books: Books) -> None:
    report = a_call(1)
    reports = [replace(report, duration_seconds=1_000 + number) for number in range(THREADS)]

    answers = at_once(*[lambda report=report: books.record(report)[0] for report in reports])

    refused = [outcome for outcome in answers if outcome.refusal]
    (taken,) = [outcome for outcome in answers if not outcome.refusal]
    assert {outcome.refusal.code for outcome in refused} == {Code.IDEMPOTENCY_KEY_REUSED}
    assert books.balance().current_micros == -taken.charge_micros
    assert len(books.entries()) == 1


def test_threads_that_recharge_with_one_key_buy_one_lot(books: Books) -> None:
    bought = open_books(books.database)
    make_card(bought.database, bought.account_id)

    answers = at_once(*[lambda: buy(bought, "once")] * THREADS)

    assert answers == [1] * THREADS
    assert [lot.amount_micros for lot in bought.lots()] == [micros(100)]
    assert bought.breaches() == []


def test_threads_that_ask_again_after_a_lost_answer_buy_one_lot(database: Database) -> None:
    books = open_books(database)
    make_card(database, books.account_id, "tok_timeout")

    at_once(*[lambda: buy(books, "once")] * THREADS)
    buy(books, "once")  # all of them may have asked while the answer was still on its way to be lost

    with database.reading() as session:
        assert session.rows("SELECT status FROM recharge") == [(RechargeStatus.SUCCEEDED,)]
    assert len(books.lots()) == 1
    assert books.breaches() == []


def recharging_itself(database: Database, token: str = "tok_ok", **values: Any) -> Books:
    """A TEST account with 10.00 that buys 50.00 when less than 5.00 is left."""
    books = open_books(database, **values)
    make_card(database, books.account_id, token)
    books.grant(10)
    wanted = Wanted(enabled=True, trigger_micros=micros(5), amount_micros=micros(50))
    with database.transaction() as session:
        set_auto_recharge(session, account_id=books.account_id, wanted=wanted, providers=PROVIDERS, now=books.now)
    return books


def drive_first(books: Books) -> None:
    """Take up the account's first recharge, as a worker does."""
    drive(books.database, PROVIDERS, account_id=books.account_id, recharge_no=1, now=books.now)


def test_threads_that_charge_below_the_trigger_begin_one_recharge(database: Database) -> None:
    books = recharging_itself(database)

    at_once(*[lambda: books.charge(6)] * THREADS)

    assert books.account().recharge_count == 1
    with database.reading() as session:
        assert session.rows("SELECT sum(times) FROM recharge_decision") == [(THREADS,)]


def test_workers_that_take_up_one_recharge_at_once_fund_it_once(database: Database) -> None:
    books = recharging_itself(database)
    books.charge(6)

    at_once(*[lambda: drive_first(books)] * THREADS)

    assert [lot.amount_micros for lot in books.lots()] == [micros(10), micros(50)]
    assert books.breaches() == []


def test_workers_that_take_up_one_declined_recharge_at_once_count_one_decline(database: Database) -> None:
    books = recharging_itself(database, "tok_declined")
    books.charge(6)

    at_once(*[lambda: drive_first(books)] * THREADS)

    with database.reading() as session:
        assert session.rows("SELECT status, attempts, declines FROM recharge") == [("PROCESSING", 1, 1)]
        assert session.rows("SELECT count(*) FROM notice") == [(1,)]


def test_a_rule_set_and_charges_made_at_once_begin_one_recharge(database: Database) -> None:
    books = recharging_itself(database)
    wanted = Wanted(enabled=True, trigger_micros=micros(20), amount_micros=micros(50))

    def set_again() -> None:
        with database.transaction() as session:
            set_auto_recharge(session, account_id=books.account_id, wanted=wanted, providers=PROVIDERS, now=books.now)

    at_once(*[set_again] * 4, *[lambda: books.charge(1)] * 4)

    assert books.account().recharge_count == 1


def test_charges_voids_and_forfeitures_at_once_take_each_unit_once(books: Books) -> None:
    """Whatever comes first: of each lot every unit is drawn, voided or forfeited, and what no lot gave is owed."""
    for number in range(4):
        books.grant(10, expires_at=NOW + HOUR, priority=number)
    books.advance(NOW + HOUR + books.terms.settlement_window - 1)
    late = replace(books, now=books.now + 1)

    at_once(
        *[lambda: books.charge(3, answered_at=NOW)] * 6,
        *[lambda lot_no=lot_no: books.void(lot_no) for lot_no in (1, 2)],
        late.bring_up_to_date,
        late.bring_up_to_date,
    )

    late.bring_up_to_date()  # had the charges the account in hand, the workers left it to them

    taken = dict.fromkeys(EntryKind, 0)
    for entry in books.entries():
        taken[EntryKind(entry.kind)] += -sum(moved for moved in entry.draws.values() if moved < 0)
    assert sum(taken.values()) == micros(40)
    assert remaining(books.lots()) == [0, 0, 0, 0]
    assert books.account().owed_micros == micros(18) - taken[EntryKind.CALL_CHARGE]
    assert books.breaches() == []


def test_one_lot_voided_by_many_is_taken_back_once(books: Books) -> None:
    books.grant(10)

    answers = at_once(*[lambda: books.void(1)] * THREADS)

    assert sorted(isinstance(answer, Refusal) for answer in answers) == [False] + [True] * (THREADS - 1)
    assert [entry.amount_micros for entry in books.entries()] == [micros(10), -micros(10)]


def test_one_lot_forfeited_by_many_workers_is_forfeited_once(books: Books) -> None:
    books.grant(10, expires_at=NOW + HOUR)
    books.advance(NOW + HOUR + books.terms.settlement_window)

    answers = at_once(*[books.bring_up_to_date] * THREADS)

    assert sorted(answers) == [0] * (THREADS - 1) + [2]  # it expires, it is forfeited
    assert [entry.kind for entry in books.entries()] == [EntryKind.GRANT, EntryKind.EXPIRY]


def test_one_clock_moved_by_many_does_each_thing_once(database: Database) -> None:
    books = open_books(database)
    books.charge(5)
    books.grant(10, starts_at=NOW + HOUR, expires_at=NOW + 2 * HOUR)

    at_once(
        *[lambda hours=hours: replace(books).advance(NOW + hours * HOUR) for hours in (1, 2, 3, 80, 80, 80, 90, 90)]
    )

    assert books.account().clock_at == NOW + 90 * HOUR
    assert [entry.kind for entry in books.entries()] == [
        EntryKind.CALL_CHARGE, EntryKind.GRANT, EntryKind.ADJUSTMENT, EntryKind.EXPIRY,
    ]  # fmt: skip
    assert books.breaches() == []


def test_grants_and_charges_at_once_keep_the_books_whole(books: Books) -> None:
    at_once(*[lambda: books.grant(5)] * 5, *[lambda: books.record(*[a_call(1) for _ in range(10)])] * 5)

    assert books.balance().current_micros == micros(25) - micros(50)
    balance = 0
    for entry in books.entries():
        balance += entry.amount_micros
        assert entry.balance_after_micros == balance
    assert books.breaches() == []


def test_clocks_of_several_machines_that_differ_a_little_keep_the_entries_in_order(books: Books) -> None:
    machines = [replace(books, now=NOW + skew) for skew in (0, 700, -300, 5, -1, 90, 2, -1000)]

    at_once(*[lambda books=books: [books.charge(1), books.grant(2)] for books in machines])

    posted = [entry.posted_at for entry in books.entries()]
    assert posted == sorted(posted)
    assert books.account().owed_micros == 0
    assert books.breaches() == []


def test_accounts_do_not_wait_for_each_other(postgresql_database: Database) -> None:
    one, other = (open_books(postgresql_database, mode=AccountMode.LIVE) for _ in range(2))
    with postgresql_database.transaction() as session:
        session.row("SELECT 1 FROM account WHERE account_id = ? FOR UPDATE", one.account_id)

        other.grant(10)

    assert other.balance().current_micros == micros(10)


def in_a_process(url: str, account_id: int, part: int, batch: list[CallReport]) -> tuple[list[int], int]:
    """What one process does, at the same time as the others: grants, records and recharges under shared keys."""
    database = Database(url)
    books = Books(database, account_id, RateBook(), NOW, USUAL_TERMS)
    lots = []
    for number in range(10):
        books.record(a_call(1, call_id=f"own-{part}-{number}"))
        lots.append(books.grant(3, idempotency_key=f"shared-{(number + part) % 10}"))
        books.record(*batch)
        buy(books, f"shared-recharge-{(number + part) % 4}")
    database.close()
    return lots, len(batch)


def test_processes_that_share_keys_and_calls_do_each_thing_once(database: Database) -> None:
    books = open_books(database)
    make_card(database, books.account_id)
    batches = overlapping_batches(PROCESSES, calls=20)

    answers: list[tuple[list[int], int]] = in_processes(
        in_a_process, [(database.url, books.account_id, part, batch) for part, batch in enumerate(batches)]
    )

    assert len({lot_no for lots, _ in answers for lot_no in lots}) == 10
    granted, charged = 10 * micros(3) + 4 * micros(100), 20 * micros("0.5") + PROCESSES * 10 * micros(1)
    assert books.balance().current_micros == granted - charged
    assert books.account().call_count == 20 + PROCESSES * 10
    assert books.breaches() == []
