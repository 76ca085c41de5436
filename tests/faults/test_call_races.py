"""Races about calls: many threads, and many processes, want the same money and minutes, or say different things of one
call. No money is promised twice, each call is charged once, and nobody waits for anybody for ever."""

import os
import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from credits.call_messages import Answer, Authorization, CallAnswer, Settlement
from credits.corrections import rate_later, reverse_call
from credits.instants import DAY, HOUR, MINUTE
from credits.publishing import RateDraft, publish_deck
from credits.rating import Tier
from credits.refusals import Code
from db.kinds import AccountMode, CallStatus, EntryKind, Rounding, Service
from db.session import Database
from tests.books import MICROS_A_SECOND, PRICED, UNRATED, Books, a_call, open_books
from tests.calling import gather_callers
from tests.factories import NOW, make_agreement, micros
from tests.faults.at_once import at_once, in_processes
from tests.faults.switches import jostle

THREADS = 8
PROCESSES = 3
# What each process says in the race of processes; `make crash` lets them say far more.
ROUNDS = int(os.environ.get("CREDITS_TEST_KILLS", "12"))


@pytest.fixture
def books(database: Database) -> Books:
    """A LIVE account with an empty ledger."""
    return open_books(database, mode=AccountMode.LIVE)


def charges(books: Books) -> list[int]:
    """What calls were charged, entry by entry."""
    return [-entry.amount_micros for entry in books.entries() if entry.kind == EntryKind.CALL_CHARGE]


def told(answers: list[Any]) -> Counter[str]:
    """How many were answered what: an error's code, or what the call is."""
    found = Counter[str]()
    for answer in answers:
        assert isinstance(answer, CallAnswer)
        assert answer.call is not None
        found[answer.error.code.value if answer.error else answer.call.status] += 1
    return found


# ---- money and minutes ----


def test_calls_that_want_the_last_money_at_once_are_promised_it_once(books: Books) -> None:
    books.grant(1)

    answers = at_once(*[lambda: books.authorize(300)] * THREADS)

    assert sorted(answer.max_duration_seconds for answer in answers) == [0, 0, 0, 0, 100, 300, 300, 300]
    assert (books.balance().reserved_micros, books.balance().available_micros) == (micros(1), 0)
    assert books.breaches() == []


def test_calls_that_go_on_at_once_share_what_is_left(books: Books) -> None:
    books.grant(1)
    call_ids = [f"c{number}" for number in range(THREADS)]
    for call_id in call_ids:
        books.authorize(100, call_id)

    answers = at_once(*[lambda call_id=call_id: books.extend(call_id, 100, 90) for call_id in call_ids])

    assert sorted(answer.max_duration_seconds for answer in answers) == [0, 0, 0, 0, 0, 120, 190, 190]
    assert books.balance().reserved_micros == micros(1)
    assert books.breaches() == []


def test_calls_that_want_the_last_minutes_at_once_are_promised_them_once(database: Database) -> None:
    callers = gather_callers(database, mode=AccountMode.LIVE)
    users = [callers.user("MCOPSTN5") for _ in range(THREADS)]
    asked = 200 * 60

    answers = at_once(*[lambda user_no=user_no: callers.asks(user_no, seconds=asked) for user_no in users])

    assert sum(answer.max_duration_seconds for answer in answers) == THREADS * 120 * 60
    assert (callers.pool().held_minutes, callers.pool().free_minutes) == (THREADS * 120, 0)
    assert callers.books.breaches() == []


def test_a_users_calls_at_once_stay_within_its_limit(database: Database) -> None:
    callers = gather_callers(database, amount=100, mode=AccountMode.LIVE)
    user_no = callers.user("MCOPSTNPAYG", "MCOPSTNPP", monthly_limit_micros=micros(3))

    answers = at_once(*[lambda: callers.asks(user_no, seconds=120)] * THREADS)

    assert sum(answer.max_duration_seconds for answer in answers) == 300
    assert callers.books.balance().reserved_micros == micros(3)
    assert callers.books.breaches() == []


def test_licences_taken_away_while_calls_ask_for_their_minutes_leave_the_books_whole(database: Database) -> None:
    callers = gather_callers(database, mode=AccountMode.LIVE)
    users = [callers.user("MCOPSTN5") for _ in range(4)]
    leaving = callers.user("MCOPSTN5")

    at_once(
        *[lambda user_no=user_no: callers.asks(user_no, seconds=3_600) for user_no in users],
        *[lambda user_no=user_no: callers.calls(user_no, seconds=600) for user_no in users],
        lambda: callers.licenses(leaving),
        lambda: callers.licenses(leaving, "MCOPSTN6"),
        lambda: callers.licenses(leaving, "MCOPSTN5", "MCOPSTNPP"),
    )

    assert (callers.pools()[0].held_minutes, callers.pools()[0].used_minutes) == (240, 40)
    assert callers.books.breaches() == []


# ---- one call ----


def test_the_same_question_at_once_is_answered_alike_and_holds_once(books: Books) -> None:
    books.grant(1)

    answers = at_once(*[lambda: books.authorize(700, "c1")] * THREADS)

    assert {(answer.authorized, answer.max_duration_seconds) for answer in answers} == {(True, 700)}
    assert books.balance().reserved_micros == micros("0.7")
    assert books.account().call_count == 1


def test_a_call_settled_by_many_at_once_is_charged_once(books: Books) -> None:
    books.grant(10)
    books.authorize(60, "c1")

    answers = at_once(*[lambda: books.settle("c1", 45, NOW)] * THREADS)

    assert {answer.call.charge_micros for answer in answers} == {micros("0.045")}
    assert charges(books) == [micros("0.045")]
    assert books.breaches() == []


def test_of_different_ends_of_one_call_the_first_counts_and_the_others_are_refused(books: Books) -> None:
    books.grant(10)
    books.authorize(60, "c1")

    answers = at_once(*[lambda seconds=seconds: books.settle("c1", seconds, NOW) for seconds in range(1, 1 + THREADS)])

    assert told(answers) == {CallStatus.SETTLED: 1, Code.CONFLICT: THREADS - 1}
    assert charges(books) == [books.call("c1").duration_seconds * MICROS_A_SECOND]
    assert books.breaches() == []


@pytest.mark.parametrize("begun", [True, False])
def test_a_call_settled_and_recorded_at_once_is_charged_once(books: Books, begun: bool) -> None:
    """Begun or not by then; who records it first, or settles it first, decides how long it was."""
    books.grant(10)
    if begun:
        books.authorize(60, "c1")
    record = a_call("0.045", call_id="c1")

    at_once(
        *[lambda: books.authorize(60, "c1")] * (0 if begun else 2),
        *[lambda: books.settle("c1", 44, NOW)] * 3,
        *[lambda: books.record(record)] * 3,
    )

    call = books.call("c1")
    assert call.status == CallStatus.SETTLED
    assert charges(books) == [call.charge_micros]
    assert call.charge_micros in (micros("0.044"), micros("0.045"))
    assert books.balance().reserved_micros == 0
    assert books.breaches() == []


def test_a_call_released_and_settled_at_once_is_charged_once_and_not_released_after_it(books: Books) -> None:
    books.grant(10)
    books.authorize(60, "c1")

    answers = at_once(*[lambda: books.release("c1")] * 4, *[lambda: books.settle("c1", 45, NOW)] * 4)

    assert told(answers[4:]) == {CallStatus.SETTLED: 4}
    assert set(told(answers[:4])) <= {CallStatus.RELEASED, Code.CONFLICT}
    assert books.call("c1").status == CallStatus.SETTLED
    assert (charges(books), books.balance().reserved_micros) == ([micros("0.045")], 0)
    assert books.breaches() == []


def test_a_call_that_goes_on_ends_and_lapses_at_once_gives_back_what_it_held_once(books: Books) -> None:
    books.grant(10)
    books.authorize(60, "c1")
    lapsed = replace(books, now=NOW + MINUTE + books.terms.reservation_ttl)

    at_once(
        *[lambda: books.extend("c1", 60, 600)] * 2,
        *[lambda: books.release("c1")] * 2,
        *[lapsed.bring_up_to_date] * 2,
        lambda: lapsed.authorize(60),
        lambda: books.settle("c1", 30, NOW),
    )

    late = replace(lapsed, now=NOW + DAY)
    late.bring_up_to_date()
    assert books.call("c1").status == CallStatus.SETTLED
    assert charges(books) == [micros("0.03")]
    assert (late.balance().reserved_micros, late.balance().available_micros) == (0, micros("9.97"))
    assert books.breaches() == []


def test_a_call_reversed_by_many_at_once_is_reversed_once(books: Books) -> None:
    books.grant(10)
    books.record(a_call(3, call_id="c1"))

    at_once(*[lambda: reverse(books, "c1")] * THREADS)

    assert [entry.amount_micros for entry in books.entries()[2:]] == [micros(3)]
    assert books.breaches() == []


def test_calls_rated_later_by_many_at_once_are_charged_once(books: Books) -> None:
    books.grant(10)
    books.record(*[a_call(1, to_number=UNRATED) for _ in range(5)])
    with books.database.transaction() as session:
        publish_deck(
            session, name="standard", currency="USD", effective_from=1, decimals=6, rounding=Rounding.HALF_UP, now=NOW,
            drafts=[RateDraft(Service.USER_OUT, "33", "France", tiers=(Tier(0, 60_000_000, 1),))],
        )  # fmt: skip

    def rate() -> int:
        with books.database.transaction() as session:
            return len(
                rate_later(session, rates=books.rates, account_id=books.account_id, call_ids=None, now=books.now)
            )

    answers = at_once(*[rate] * THREADS)

    assert sum(answers) == 5
    assert charges(books) == [micros(1)] * 5
    assert books.breaches() == []


def reverse(books: Books, call_id: str) -> int:
    """Take a call's charge back."""
    with books.database.transaction() as session:
        return reverse_call(
            session, rates=books.rates, account_id=books.account_id, call_id=call_id, reason="Cut off", now=books.now
        )


# ---- one hot account, many accounts ----


def test_whatever_is_done_to_a_hot_account_at_once_its_money_is_promised_and_spent_once(books: Books) -> None:
    """Calls ask, end and are reported while funds come, are voided and are forfeited."""
    for number in range(4):
        books.grant(2, expires_at=NOW + HOUR, priority=number)
    for number in range(6):
        books.authorize(700, f"c{number}")
    books.advance(NOW + HOUR + books.terms.settlement_window - 1)
    late = replace(books, now=books.now + 1)

    at_once(
        *[lambda number=number: books.settle(f"c{number}", 650 + 100 * (number % 2), NOW) for number in range(4)],
        lambda: books.release("c4"),
        lambda: late.extend("c5", 600, 600),
        *[lambda: books.authorize(500)] * 3,
        *[lambda: books.charge(1, answered_at=NOW)] * 2,
        *[lambda lot_no=lot_no: books.void(lot_no) for lot_no in (3, 4)],
        lambda: books.grant(1),
        late.bring_up_to_date,
        late.bring_up_to_date,
    )

    replace(books, now=late.now + DAY).bring_up_to_date()
    taken = dict.fromkeys(EntryKind, 0)
    for entry in books.entries():
        taken[EntryKind(entry.kind)] += -sum(moved for moved in entry.draws.values() if moved < 0)
    assert books.balance().reserved_micros == 0
    assert sum(taken.values()) + sum(lot.remaining_micros for lot in books.lots()) == micros(9)
    assert sum(charges(books)) == 2 * micros("0.65") + 2 * micros("0.75") + 2 * micros(1)
    assert books.breaches() == []


def test_batches_over_many_accounts_in_any_order_wait_for_each_other_in_one_order(database: Database) -> None:
    """Each thread names the same accounts in another order, again and again; nobody meets a deadlock."""
    accounts = [open_books(database, mode=AccountMode.LIVE) for _ in range(12)]
    for each in accounts:
        each.grant(1)

    def talk(part: int) -> list[Answer]:
        chance, answers = random.Random(part), list[Answer]()
        for number in range(10):
            chosen = chance.sample(accounts, 8)
            call_ids = {each.account_id: f"c{part}-{number}" for each in chosen}
            answers += accounts[0].post(*(Authorization(one, call_id, PRICED, 10) for one, call_id in call_ids.items()))
            answers += accounts[0].post(*(Settlement(one, call_id, 5, NOW) for one, call_id in call_ids.items()))
        return answers

    answers = [
        answer for part in at_once(*[lambda part=part: talk(part) for part in range(THREADS)]) for answer in part
    ]

    assert told(answers) == {CallStatus.AUTHORIZED: THREADS * 80, CallStatus.SETTLED: THREADS * 80}
    with database.reading() as session:
        ((charged, reserved),) = session.rows(
            "SELECT (SELECT sum(charge_micros) FROM call), (SELECT sum(reserved_micros) FROM account)"
        )
    assert (charged, reserved) == (THREADS * 80 * 5 * MICROS_A_SECOND, 0)
    assert accounts[0].breaches() == []


# ---- processes ----


def test_processes_that_share_accounts_and_calls_charge_each_call_once_and_meet_no_deadlock(
    postgresql_database: Database,
) -> None:
    accounts = [open_books(postgresql_database, mode=AccountMode.LIVE) for _ in range(10)]
    for each in accounts:
        each.grant(1)
        make_agreement(postgresql_database, each.account_id)
    account_ids = [each.account_id for each in accounts]

    answers: list[dict[str, int]] = in_processes(
        jostle, [(postgresql_database.url, account_ids, part, ROUNDS) for part in range(PROCESSES)]
    )

    said: dict[str, set[int]] = {}
    for answer in answers:
        for name, micros_charged in answer.items():
            said.setdefault(name, set()).add(micros_charged)
    with postgresql_database.reading() as session:
        charged = session.rows("SELECT account_id || ' ' || call_id, charge_micros, status FROM call")
    assert said == {name: {micros_charged} for name, micros_charged, _ in charged}
    assert {status for _, _, status in charged} == {CallStatus.SETTLED}
    assert [each.balance().reserved_micros for each in accounts] == [0] * len(accounts)
    assert accounts[0].breaches() == []
