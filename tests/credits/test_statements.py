"""Statements: each month opens with what the one before closed with, and what moved is the difference."""

from collections import defaultdict
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credits.accounts import look_up
from credits.corrections import reverse_call
from credits.history import History
from credits.instants import DAY, HOUR, instant, month_of
from credits.refunds import refund_recharge
from credits.statements import Statement, StatementDay, StatementItem, days_of_statement, months_of, statements_of
from db.kinds import AccountMode, EntryKind
from db.session import Database
from tests.books import UNRATED, Books, a_call, open_books
from tests.factories import NOW, PROVIDERS, a_key, make_agreement, make_card, make_recharge, micros

OCTOBER = 2026 * 12 + 9


def statements(books: Books, *months: int, history: History | None = None) -> list[Statement]:
    """The statements of some months, or of all."""
    with books.database.reading() as session:
        wanted = months or months_of(look_up(session, books.account_id), books.now)
        return statements_of(
            session, history=history or History(), account_id=books.account_id, months=wanted, now=books.now
        )


def days(books: Books, month: int = OCTOBER) -> list[StatementDay]:
    """The days of a month."""
    with books.database.reading() as session:
        return days_of_statement(session, history=History(), account_id=books.account_id, month=month, now=books.now)


def lines(found: Statement | StatementDay) -> dict[str, tuple[int, int]]:
    """What moved: how many entries of each kind, and their sum."""
    return {line.item.value: (line.entries, line.amount_micros) for line in found.lines}


def test_a_month_without_anything_closes_as_it_opened(books: Books) -> None:
    assert statements(books) == [Statement(OCTOBER, 0, [], 0, is_over=False)]
    assert days(books) == []


def test_a_statement_tells_each_kind_of_movement(database: Database) -> None:
    books = open_books(database)
    card, agreement = make_card(database, books.account_id), make_agreement(database, books.account_id)
    bought = make_recharge(database, books.account_id, 50, method_no=card)
    make_recharge(database, books.account_id, 70, method_no=agreement)
    granted = books.grant(10)
    books.record(a_call(3, call_id="c1"), a_call(2), a_call(0), a_call(to_number=UNRATED, duration_seconds=9))
    with database.transaction() as session:
        reverse_call(
            session, rates=books.rates, account_id=books.account_id, call_id="c1", reason="Wrong", now=books.now
        )
    refund_recharge(
        database, PROVIDERS, account_id=books.account_id, recharge_no=bought, amount_micros=micros(20),
        reason="Not needed", idempotency_key=a_key(), now=books.now,
    )  # fmt: skip
    books.void(granted)

    (statement,) = statements(books)

    assert lines(statement) == {
        "PURCHASE": (1, micros(50)), "INVOICE": (1, micros(70)), "GRANT": (1, micros(10)),
        "CALLS": (2, -micros(5)), "CALLS_REVERSED": (1, micros(3)), "REFUND": (1, -micros(20)),
        "ADJUSTMENT": (1, -micros(10)),
    }  # fmt: skip
    assert list(lines(statement)) == [item.value for item in StatementItem if item.value in lines(statement)]
    assert (statement.opening_micros, statement.closing_micros) == (0, micros(98))


def test_what_expired_is_told_in_the_month_in_which_it_was_forfeited(books: Books) -> None:
    books.grant(10, expires_at=NOW + DAY)

    books.advance(NOW + 40 * DAY)

    october, november = statements(books)
    assert lines(october) == {"GRANT": (1, micros(10)), "EXPIRY": (1, -micros(10))}
    assert (october.closing_micros, october.is_over) == (0, True)
    assert (november.opening_micros, november.lines, november.is_over) == (0, [], False)


def test_repaying_what_is_owed_moves_no_balance_and_is_not_told(books: Books) -> None:
    books.charge(3)

    books.grant(10)

    (statement,) = statements(books)
    assert books.entries()[-1].kind == EntryKind.ADJUSTMENT
    assert lines(statement) == {"GRANT": (1, micros(10)), "CALLS": (1, -micros(3))}
    assert statement.closing_micros == micros(7)


@pytest.mark.parametrize(
    ("posted", "month"),
    [
        ("2026-11-01T03:59:59.999999Z", OCTOBER),  # October's last microsecond in New York
        ("2026-11-01T04:00:00Z", OCTOBER + 1),
        ("2026-12-01T04:59:59.999999Z", OCTOBER + 1),  # the clocks have gone back meanwhile
        ("2026-12-01T05:00:00Z", OCTOBER + 2),
    ],
)
def test_an_entry_is_of_the_month_in_which_it_was_posted_in_the_accounts_zone(
    database: Database, posted: str, month: int
) -> None:
    books = open_books(database, time_zone="America/New_York")
    books.grant(10)
    books.advance(instant(datetime.fromisoformat(posted)))

    books.charge(1, answered_at=NOW)

    (told,) = [each.month for each in statements(books) if "CALLS" in lines(each)]
    assert told == month


def test_the_days_of_a_month_close_one_after_the_other(books: Books) -> None:
    books.grant(10)
    books.charge(1)
    books.advance(NOW + DAY)
    books.advance(NOW + 2 * DAY)
    books.charge(2)
    books.charge(3)

    first, third = days(books)
    assert (first.day, lines(first), first.closing_micros) == (
        date(2026, 10, 1), {"GRANT": (1, micros(10)), "CALLS": (1, -micros(1))}, micros(9),
    )  # fmt: skip
    assert (third.day, lines(third), third.closing_micros) == (
        date(2026, 10, 3), {"CALLS": (2, -micros(5))}, micros(4),
    )  # fmt: skip


def test_there_are_statements_from_the_month_of_opening_to_the_present_one(books: Books) -> None:
    books.advance(instant(datetime(2027, 2, 1, tzinfo=UTC)))

    assert [each.month for each in statements(books)] == list(range(OCTOBER, OCTOBER + 5))


def test_a_closed_month_is_told_the_same_for_ever(books: Books) -> None:
    books.grant(10)
    books.charge(1)
    books.advance(NOW + 40 * DAY)
    history = History()
    before = statements(books, OCTOBER, history=history)

    books.charge(2, answered_at=NOW + HOUR)

    assert statements(books, OCTOBER, history=history) == before == statements(books, OCTOBER)


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["grant", "short grant", "buy", "call", "call", "call", "reverse", "void", "refund"]),
        st.integers(0, 1_000),
        st.sampled_from([0, HOUR, DAY, 9 * DAY, 33 * DAY]),
    ),
    min_size=1, max_size=14,
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    zone=st.sampled_from(["UTC", "Asia/Tokyo", "America/New_York"]), mode=st.sampled_from(AccountMode), events=EVENTS
)
def test_opening_and_movements_are_closing_and_the_next_months_opening(
    database: Database, zone: str, mode: AccountMode, events: list[tuple[str, int, int]]
) -> None:
    books = open_books(database, mode=mode, time_zone=zone)
    make_agreement(database, books.account_id)
    for event, number, wait in events:
        _happen(books, event, number)
        books.advance(books.now + wait)

    told = statements(books)

    for statement in told:
        moved = sum(line.amount_micros for line in statement.lines)
        assert statement.opening_micros + moved == statement.closing_micros
        of_days = [line for day in days(books, statement.month) for line in day.lines]
        assert _totals(of_days) == _totals(statement.lines)
        assert lines(statement).get("CALLS", (0, 0)) == _charged(books, zone, statement.month)
    assert [each.opening_micros for each in told[1:]] == [each.closing_micros for each in told[:-1]]
    assert (told[0].opening_micros, told[-1].closing_micros) == (0, books.account().book_balance_micros)


def _happen(books: Books, event: str, number: int) -> None:
    """Let something happen, where it can."""
    if event == "grant":
        books.grant(amount_micros=1 + number * 1_000)
    elif event == "short grant":
        books.grant(amount_micros=1 + number * 1_000, expires_at=books.now + (1 + number % 40) * DAY)
    elif event == "buy":
        make_recharge(books.database, books.account_id, 50 + number % 3, now=books.now)
    elif event == "call":
        books.record(a_call(answered_at=books.now - number * HOUR, duration_seconds=number % 90))
    elif event == "reverse":
        with books.database.transaction() as session:
            for (call_id,) in session.rows(
                "SELECT call_id FROM call WHERE account_id = ? ORDER BY call_no LIMIT 1", books.account_id
            ):
                reverse_call(
                    session, rates=books.rates, account_id=books.account_id, call_id=call_id, reason="Wrong",
                    now=books.now,
                )  # fmt: skip
    else:
        _take_back(books, event)


def _take_back(books: Books, event: str) -> None:
    """Void, or pay back, the first of the lots that still holds enough."""
    for lot in books.lots():
        is_over = books.now >= lot.expires_at + books.terms.settlement_window
        if event == "void" and lot.remaining_micros and lot.voided_at is None and not is_over:
            books.void(lot.lot_no)
            return
        usable = lot.starts_at <= books.now < lot.expires_at
        if event == "refund" and usable and lot.recharge_no and lot.remaining_micros >= micros(1):
            refund_recharge(
                books.database, PROVIDERS, account_id=books.account_id, recharge_no=lot.recharge_no,
                amount_micros=micros(1), reason="Not needed", idempotency_key=a_key(), now=books.now,
            )  # fmt: skip
            return


def _totals(found: list[Any]) -> dict[str, tuple[int, int]]:
    totals: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for line in found:
        totals[line.item][0] += line.entries
        totals[line.item][1] += line.amount_micros
    return {item: (entries, amount) for item, (entries, amount) in totals.items()}


def _charged(books: Books, zone: str, month: int) -> tuple[int, int]:
    """What the ledger itself says that calls cost in a month."""
    charges = [
        entry.amount_micros for entry in books.entries()
        if entry.kind == EntryKind.CALL_CHARGE and month_of(entry.posted_at, zone) == month
    ]  # fmt: skip
    return len(charges), sum(charges)
