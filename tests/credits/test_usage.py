"""Usage: calls added up in the database, by days and months of the account's own zone."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credits import usage
from credits.call_messages import CallReport
from credits.corrections import reverse_call
from credits.instants import DAY, MINUTE, SECOND, instant, local_day
from credits.refusals import Code, Refusal
from credits.usage import LONGEST_DAYS, Usage, UsageDimension, usage_of
from db.kinds import Service
from db.session import Database
from tests.books import BLOCKED, UNRATED, Books, a_call, open_books
from tests.calling import ABROAD, AT_HOME, gather_callers
from tests.factories import NOW, a_rate, make_deck, micros

ALWAYS = {"from_at": NOW - 400 * DAY, "to_at": NOW + DAY}
# Zones whose clocks change at midnight, by half an hour, a minute after midnight, or over a whole day.
ODD_ZONES = [
    "UTC", "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia", "America/Sao_Paulo",
    "Africa/Casablanca", "Asia/Kathmandu", "America/Havana", "Africa/Monrovia",
]  # fmt: skip


def use(books: Books, *group_by: str, **when: int) -> list[Usage]:
    """The usage of an account, of all its time unless said otherwise."""
    with books.database.reading() as session:
        return usage_of(
            session, account_id=books.account_id, group_by=[UsageDimension(name) for name in group_by],
            **{**ALWAYS, **when},
        )  # fmt: skip


def keys(rows: list[Usage]) -> list[tuple[object, ...]]:
    """What rows are grouped by."""
    return [tuple(row.by.values()) for row in rows]


def test_calls_are_added_up(books: Books) -> None:
    books.record(a_call("0.061"), a_call("0.060"), a_call(0), a_call(to_number=UNRATED, duration_seconds=30))

    (total,) = use(books)

    assert total == Usage({}, 4, 151, 0, micros("0.121"))


def test_without_any_call_the_sum_is_nothing_and_no_group_is_there(books: Books) -> None:
    assert use(books) == [Usage({}, 0, 0, 0, 0)]
    assert use(books, "DAY") == []


def test_only_calls_that_were_made_count(books: Books) -> None:
    books.grant(10)
    books.authorize(call_id="goes on")
    books.authorize(call_id="not answered")
    books.release("not answered")
    books.authorize(call_id="refused", to_number=BLOCKED)
    books.authorize(call_id="made")
    books.settle("made", 60)

    (total,) = use(books)

    assert (total.calls, total.seconds) == (1, 60)


@pytest.mark.parametrize(("at", "found"), [(-1, 0), (0, 1), (MINUTE - 1, 1), (MINUTE, 0)])
def test_a_call_counts_from_the_first_instant_until_before_the_last(books: Books, at: int, found: int) -> None:
    start = NOW - DAY
    books.record(a_call(answered_at=start + at))

    assert use(books, from_at=start, to_at=start + MINUTE)[0].calls == found


def test_another_accounts_calls_do_not_count(books: Books) -> None:
    other = open_books(books.database)
    other.record(a_call())

    assert use(books)[0].calls == 0


def test_what_was_reversed_costs_nothing_and_used_no_plan(database: Database) -> None:
    callers = gather_callers(database, amount=10)
    user_no = callers.user("MCOPSTN1", "MCOMEETADD", "MCOPSTNPP")
    made = [callers.calls(user_no, AT_HOME, 90), callers.calls(user_no, ABROAD, 60)]
    (before,) = use(callers.books)

    with database.transaction() as session:
        for call in made:
            reverse_call(
                session, rates=callers.books.rates, account_id=callers.books.account_id, call_id=call.call_id,
                reason="Wrong number", now=NOW,
            )  # fmt: skip

    assert before == Usage({}, 2, 150, 90, micros("0.60"))
    assert use(callers.books) == [Usage({}, 2, 150, 0, 0)]


def test_calls_are_grouped_by_each_dimension(database: Database) -> None:
    make_deck(database, a_rate("44", "0.6", destination="United Kingdom", country="GB"),
              a_rate("1", "0.6", destination="NANP", service=Service.CONFERENCE_OUT))  # fmt: skip
    books = open_books(database)
    books.record(
        CallReport("a", "+442079460000", NOW - DAY, 60),
        CallReport("b", "+442079460001", NOW, 60),
        CallReport("c", "+12125550123", NOW, 60, service=Service.CONFERENCE_OUT),
        CallReport("d", UNRATED, NOW, 60),
    )

    assert keys(use(books, "DAY")) == [(date(2026, 9, 30),), (date(2026, 10, 1),)]
    assert keys(use(books, "MONTH")) == [(date(2026, 9, 1),), (date(2026, 10, 1),)]
    assert keys(use(books, "SERVICE")) == [("CONFERENCE_OUT",), ("USER_OUT",)]
    assert keys(use(books, "COUNTRY")) == [("GB",), (None,)]
    assert keys(use(books, "DESTINATION")) == [("NANP",), ("United Kingdom",), (None,)]
    assert keys(use(books, "COUNTRY", "SERVICE", "MONTH"))[-1] == (None, "USER_OUT", date(2026, 10, 1))
    assert [row.calls for row in use(books, "COUNTRY")] == [2, 2]


def test_users_and_their_departments_are_told_apart(database: Database) -> None:
    callers = gather_callers(database, amount=10)
    users = [callers.user("MCOPSTN2", "MCOPSTNPP", department=name) for name in ("Sales", "Sales", None)]
    for user_no, seconds in zip([*users, None], (60, 120, 180, 240), strict=True):
        callers.calls(user_no, ABROAD, seconds)

    by_user, by_department = use(callers.books, "USER"), use(callers.books, "DEPARTMENT")

    assert keys(by_user) == [(number,) for number in [*users, None]]
    assert [(row.seconds, row.plan_seconds) for row in by_user] == [(60, 60), (120, 120), (180, 180), (240, 0)]
    assert [(row.by[UsageDimension.DEPARTMENT], row.seconds) for row in by_department] == [("Sales", 180), (None, 420)]


def test_a_users_call_is_to_the_country_of_the_number_even_where_a_plan_pays_it(database: Database) -> None:
    callers = gather_callers(database)

    callers.calls(callers.user("MCOPSTN1"), AT_HOME)

    assert keys(use(callers.books, "COUNTRY")) == [("US",)]


def test_a_dimension_twice_is_one(books: Books) -> None:
    books.record(a_call())

    assert keys(use(books, "DAY", "DAY")) == [(date(2026, 10, 1),)]


@pytest.mark.parametrize(
    ("answered", "day"),
    [
        ("2026-03-08T04:59:59.999999Z", date(2026, 3, 7)),  # the last microsecond of a day in New York's winter
        ("2026-03-08T05:00:00Z", date(2026, 3, 8)),
        ("2026-03-09T03:59:59.999999Z", date(2026, 3, 8)),  # that day had 23 hours
        ("2026-03-09T04:00:00Z", date(2026, 3, 9)),
        ("2025-11-03T04:59:59.999999Z", date(2025, 11, 2)),  # and this one 25
        ("2025-11-03T05:00:00Z", date(2025, 11, 3)),
    ],
)
def test_days_are_exact_where_the_clocks_change(database: Database, answered: str, day: date) -> None:
    books = open_books(database, time_zone="America/New_York")
    books.record(a_call(answered_at=instant(datetime.fromisoformat(answered))))

    assert keys(use(books, "DAY", "MONTH")) == [(day, day.replace(day=1))]


@settings(
    max_examples=30, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(st.data())
def test_days_and_months_are_those_of_the_calendar_in_any_zone_at_any_time(
    database: Database, data: st.DataObject
) -> None:
    zone = data.draw(st.sampled_from(ODD_ZONES))
    start = data.draw(st.integers(instant(datetime(1960, 1, 1, tzinfo=UTC)), NOW - LONGEST_DAYS * DAY))
    length = data.draw(st.sampled_from([DAY, 40 * DAY, LONGEST_DAYS * DAY]))
    instants = data.draw(st.lists(st.integers(start, start + length - 1), min_size=1, max_size=40))
    books = open_books(database, time_zone=zone)
    books.record(*(a_call(answered_at=at) for at in instants))

    found = use(books, "DAY", "MONTH", from_at=start, to_at=start + length)

    days = Counter(local_day(at, zone) for at in instants)
    assert {key: row.calls for key, row in zip(keys(found), found, strict=True)} == {
        (day, day.replace(day=1)): count for day, count in days.items()
    }


def test_a_day_on_which_no_two_clocks_agree_is_told_as_the_calendar_has_it(database: Database) -> None:
    """At St. John's the clocks went back at a minute past midnight: the first of November 2009 began twice."""
    books = open_books(database, time_zone="America/St_Johns")
    turned = instant(datetime(2009, 11, 1, 2, 31, tzinfo=UTC))
    books.record(*(a_call(answered_at=turned + seconds * SECOND) for seconds in (-30, 0, 3_600)))

    found = use(books, "MONTH", from_at=turned - DAY, to_at=turned + DAY)

    assert [(row.by[UsageDimension.MONTH], row.calls) for row in found] == [
        (date(2009, 10, 1), 1), (date(2009, 11, 1), 2),
    ]  # fmt: skip


def test_a_time_that_ends_before_it_begins_is_refused_and_an_empty_one_is_empty(books: Books) -> None:
    assert use(books, "DAY", from_at=NOW, to_at=NOW) == []

    with pytest.raises(Refusal) as refused:
        use(books, from_at=NOW, to_at=NOW - 1)
    assert (refused.value.code, refused.value.field) == (Code.INVALID, ("to",))


@pytest.mark.parametrize(("more", "is_refused"), [(-1, False), (0, False), (1, True)])
def test_five_years_are_the_most_at_a_time(books: Books, more: int, is_refused: bool) -> None:
    asked = {"from_at": NOW - LONGEST_DAYS * DAY, "to_at": NOW + more}

    if not is_refused:
        assert use(books, "MONTH", **asked) == []
        return
    with pytest.raises(Refusal) as refused:
        use(books, "MONTH", **asked)
    assert (refused.value.code, refused.value.field) == (Code.LIMIT_EXCEEDED, ("to",))


def test_more_rows_than_the_limit_are_refused(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "MOST_ROWS", 2)
    books.record(*(a_call(answered_at=NOW - days * DAY) for days in range(2)))
    assert len(use(books, "DAY")) == 2
    books.record(a_call(answered_at=NOW - 2 * DAY))

    with pytest.raises(Refusal) as refused:
        use(books, "DAY")

    assert (refused.value.code, refused.value.field) == (Code.LIMIT_EXCEEDED, ("groupBy",))


@pytest.mark.parametrize("year", [1, 9995])
def test_the_ends_of_the_calendar_are_no_fault(books: Books, year: int) -> None:
    start = instant(datetime(year, 1, 1, tzinfo=UTC))

    assert (
        use(books, "DAY", "MONTH", from_at=start, to_at=start + timedelta(days=1_825) // timedelta(microseconds=1))
        == []
    )
