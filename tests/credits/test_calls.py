"""Recording calls: each priced, charged and kept once under its id, even below zero; a bad one spoils no other."""

from dataclasses import replace
from typing import Any

import pytest

from credits.accounts import update_account
from credits.call_messages import CallReport
from credits.calls import LARGEST_BATCH, LONGEST_CALL_SECONDS
from credits.instants import DAY, HOUR, MINUTE
from credits.refusals import Code, Refusal
from db.kinds import AccountMode, AccountStatus, CallStatus, EntryKind, RefusalReason, Service
from db.session import Database
from tests.books import BLOCKED, UNRATED, Books, a_call, open_books
from tests.factories import NOW, micros


def calls_of(books: Books) -> list[tuple[Any, ...]]:
    """Id, status, charge and refusal of every call on record."""
    with books.database.reading() as session:
        return session.rows(
            "SELECT call_id, status, charge_micros, refusal FROM call WHERE account_id = ? ORDER BY call_no",
            books.account_id,
        )


def test_a_call_is_priced_charged_and_kept(books: Books) -> None:
    books.grant(10)

    (outcome,) = books.record(a_call("1.234", call_id="c1"))

    assert (outcome.call_id, outcome.call_no, outcome.status) == ("c1", 1, CallStatus.SETTLED)
    assert (outcome.charge_micros, outcome.duplicate, outcome.refusal) == (micros("1.234"), False, None)
    assert calls_of(books) == [("c1", CallStatus.SETTLED, micros("1.234"), None)]
    entry = books.entries()[-1]
    assert (entry.kind, entry.amount_micros) == (EntryKind.CALL_CHARGE, -micros("1.234"))
    assert books.balance().current_micros == micros("8.766")


def test_outcomes_come_in_the_order_of_the_reports(books: Books) -> None:
    outcomes = books.record(*(a_call(number, call_id=f"c{number}") for number in (3, 1, 2)))

    assert [(outcome.call_id, outcome.call_no) for outcome in outcomes] == [("c3", 1), ("c1", 2), ("c2", 3)]


def test_a_call_of_zero_seconds_is_kept_and_moves_nothing(books: Books) -> None:
    books.grant(10)

    (outcome,) = books.record(a_call(0))

    assert (outcome.status, outcome.charge_micros) == (CallStatus.SETTLED, 0)
    assert len(books.entries()) == 1


def test_charges_may_take_the_balance_below_zero(books: Books) -> None:
    books.grant(1)

    books.record(a_call(2), a_call(3))

    assert books.balance().current_micros == -micros(4)


def test_the_same_report_twice_charges_once_and_answers_as_the_first_time(books: Books) -> None:
    report = a_call(4)
    (first,) = books.record(report)
    before = books.dump()
    books.now += HOUR

    (again,) = books.record(report)

    assert again == first._replace(duplicate=True)
    assert books.dump() == before


def test_a_report_twice_in_one_batch_charges_once(books: Books) -> None:
    report = a_call(4)

    first, again = books.record(report, report)

    assert (first.duplicate, again.duplicate) == (False, True)
    assert first.call_no == again.call_no
    assert books.balance().current_micros == -micros(4)


@pytest.mark.parametrize(
    "other",
    [
        {"duration_seconds": 4_001},
        {"answered_at": NOW - 1},
        {"to_number": UNRATED},
        {"from_number": "+4930123456"},
        {"service": Service.CONFERENCE_OUT},
    ],
)
def test_a_known_call_with_other_values_is_refused_and_leaves_no_trace(books: Books, other: dict[str, Any]) -> None:
    report = a_call(4)
    books.record(report)
    before = books.dump()

    (outcome,) = books.record(replace(report, **other))

    assert outcome.refusal is not None
    assert (outcome.refusal.code, outcome.refusal.field) == (Code.IDEMPOTENCY_KEY_REUSED, ("callId",))
    assert books.dump() == before


def test_the_same_number_written_otherwise_is_the_same_value(books: Books) -> None:
    report = a_call(4, to_number="+442079460000")
    books.record(report)

    (again,) = books.record(replace(report, to_number="+44 20 7946 0000"))

    assert again.duplicate


def test_a_call_known_as_unrated_answers_so_again(books: Books) -> None:
    report = a_call(4, to_number=UNRATED)

    first, again = books.record(report)[0], books.record(report)[0]

    assert again == first._replace(duplicate=True)
    assert again.status == CallStatus.UNRATED


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"call_id": ""}, Code.INVALID, "callId"),
        ({"call_id": "x" * 256}, Code.INVALID, "callId"),
        ({"call_id": "a\0b"}, Code.INVALID, "callId"),
        ({"call_id": "a\ud800b"}, Code.INVALID, "callId"),
        ({"from_number": "a\0b"}, Code.INVALID, "from"),
        ({"from_number": "\udfff"}, Code.INVALID, "from"),
        ({"from_number": "4" * 256}, Code.INVALID, "from"),
        ({"to_number": "nobody"}, Code.INVALID, "to"),
        ({"to_number": ""}, Code.INVALID, "to"),
        ({"duration_seconds": -1}, Code.INVALID, "durationSeconds"),
        ({"duration_seconds": LONGEST_CALL_SECONDS + 1}, Code.INVALID, "durationSeconds"),
        ({"answered_at": NOW + 5 * MINUTE + 1}, Code.INVALID, "answeredAt"),
        ({"user_no": 1}, Code.NOT_FOUND, "userId"),
    ],
)
def test_a_bad_report_is_refused_at_its_field_and_spoils_no_other(
    books: Books, values: dict[str, Any], code: Code, field: str
) -> None:
    before, bad, after = books.record(a_call(1), a_call(2, **values), a_call(4))

    assert bad.refusal is not None
    assert (bad.refusal.code, bad.refusal.field) == (code, (field,))
    assert bad.call_no is None
    assert (before.call_no, after.call_no) == (1, 2)
    assert books.balance().current_micros == -micros(5)
    assert books.breaches() == []


@pytest.mark.parametrize(
    "values",
    [
        {"call_id": "x" * 255},
        {"call_id": "会議-1 %s ?"},
        {"from_number": "anonymous"},
        {"duration_seconds": LONGEST_CALL_SECONDS},
        {"answered_at": NOW + 5 * MINUTE},
        {"answered_at": NOW - 4000 * DAY},
    ],
)
def test_a_report_at_the_edge_of_what_is_allowed_is_kept(books: Books, values: dict[str, Any]) -> None:
    (outcome,) = books.record(a_call(1, **values))

    assert outcome.refusal is None


def test_a_call_from_a_clock_a_little_ahead_draws_on_what_is_usable_now(books: Books) -> None:
    books.grant(10, expires_at=NOW + 1)

    books.record(a_call(4, answered_at=NOW + MINUTE))

    assert books.entries()[-1].draws == {1: -micros(4)}
    assert books.entries()[-1].occurred_at == NOW


def test_a_call_without_a_rate_is_kept_unrated_and_charged_nothing(books: Books) -> None:
    (outcome,) = books.record(a_call(4, to_number=UNRATED, call_id="c1"))

    assert (outcome.status, outcome.charge_micros) == (CallStatus.UNRATED, 0)
    assert calls_of(books) == [("c1", CallStatus.UNRATED, 0, RefusalReason.NO_RATE)]
    assert books.entries() == []


def test_a_call_to_a_blocked_destination_is_kept_unrated(books: Books) -> None:
    books.record(a_call(4, to_number=BLOCKED, call_id="c1"))

    assert calls_of(books) == [("c1", CallStatus.UNRATED, 0, RefusalReason.DESTINATION_BLOCKED)]


def test_an_emergency_call_is_kept_and_costs_nothing(books: Books) -> None:
    books.charge(5)

    (outcome,) = books.record(a_call(4, to_number="911"))

    assert (outcome.status, outcome.charge_micros) == (CallStatus.SETTLED, 0)
    assert books.breaches() == []


@pytest.mark.parametrize(
    ("count", "taken"), [(LARGEST_BATCH - 1, True), (LARGEST_BATCH, True), (LARGEST_BATCH + 1, False)]
)
def test_a_batch_has_at_most_a_thousand_calls(books: Books, count: int, taken: bool) -> None:
    reports = [a_call(1) for _ in range(count)]

    if taken:
        assert sum(outcome.charge_micros for outcome in books.record(*reports)) == micros(count)
    else:
        with pytest.raises(Refusal) as refused:
            books.record(*reports)
        assert (refused.value.code, refused.value.field) == (Code.LIMIT_EXCEEDED, ("calls",))
        assert books.entries() == []


def test_no_reports_are_no_outcomes(books: Books) -> None:
    assert books.record() == []


def test_calls_of_a_suspended_account_are_still_charged_and_of_a_closed_one_refused(books: Books) -> None:
    for status in (AccountStatus.SUSPENDED, AccountStatus.CLOSED):
        with books.database.transaction() as session:
            update_account(session, account_id=books.account_id, status=status)
        if status == AccountStatus.SUSPENDED:
            assert books.charge(4).charge_micros == micros(4)
    before = books.dump()

    with pytest.raises(Refusal) as refused:
        books.charge(4)

    assert refused.value.code == Code.CONFLICT
    assert books.dump() == before


def test_two_accounts_may_know_different_calls_by_one_id(database: Database) -> None:
    one, other = open_books(database), open_books(database)
    one.record(a_call(1, call_id="c1"))

    (outcome,) = other.record(a_call(2, call_id="c1"))

    assert (outcome.duplicate, outcome.charge_micros) == (False, micros(2))


@pytest.mark.parametrize("mode", AccountMode)
def test_a_call_on_the_instant_a_lot_starts_or_ends_is_judged_to_the_microsecond(
    database: Database, mode: AccountMode
) -> None:
    books = open_books(database, mode=mode)
    books.grant(10, starts_at=NOW + HOUR, expires_at=NOW + 2 * HOUR)
    books.advance(NOW + DAY)

    for answered_at in (NOW + HOUR - 1, NOW + HOUR, NOW + 2 * HOUR - 1, NOW + 2 * HOUR):
        books.charge(1, answered_at=answered_at)

    assert [bool(entry.draws) for entry in books.entries()[1:]] == [False, True, True, False]


def test_a_thousand_calls_in_one_batch_leave_whole_books(books: Books) -> None:
    for amount in range(1, 21):
        books.grant(amount)
    reports: list[CallReport] = [a_call("0.321", answered_at=NOW - index) for index in range(1000)]

    books.record(*reports)

    assert books.balance().current_micros == micros(210) - micros(321)
    assert books.breaches() == []
