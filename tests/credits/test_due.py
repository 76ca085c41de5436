"""What falls due: expiry to the microsecond, forfeiture after the settlement window, and clocks that move."""

from datetime import date, datetime

import pytest

from credits.accounts import update_account
from credits.clocks import advance_clock
from credits.due import accounts_with_something_due
from credits.instants import DAY, HOUR, instant, start_of_day
from credits.payment_methods import add_payment_method
from credits.providers import Card, Providers, TestProvider
from credits.refusals import Code, Refusal
from credits.terms import Terms
from db.kinds import AccountMode, AccountStatus, EntryKind, LotStatus
from db.session import Database
from tests.books import Books, a_call, open_books, remaining
from tests.factories import NOW, make_agreement, make_recharge, micros

WINDOW = Terms().settlement_window


def at(text: str) -> int:
    """The instant of an RFC 3339 text."""
    return instant(datetime.fromisoformat(text))


def something_due(books: Books, now: int) -> list[int]:
    """The accounts that a worker would bring up to date."""
    with books.database.reading() as session:
        return accounts_with_something_due(session, now)


@pytest.mark.parametrize("mode", AccountMode)
@pytest.mark.parametrize(("late", "current"), [(-1, 10), (0, 0), (1, 0)])
def test_an_expired_lot_no_longer_counts_whether_or_not_a_worker_has_run(
    database: Database, mode: AccountMode, late: int, current: int
) -> None:
    books = open_books(database, mode=mode)
    books.grant(10, expires_at=NOW + HOUR)

    books.advance(NOW + HOUR + late)

    assert books.balance().current_micros == micros(current)
    assert books.balance().calls_allowed == (current > 0)
    assert len(books.entries()) == 1


@pytest.mark.parametrize("mode", AccountMode)
@pytest.mark.parametrize(("late", "forfeited"), [(-1, False), (0, True), (1, True)])
def test_what_an_expired_lot_holds_is_forfeited_when_the_settlement_window_closes(
    database: Database, mode: AccountMode, late: int, forfeited: bool
) -> None:
    books = open_books(database, mode=mode)
    books.grant(10, expires_at=NOW + HOUR)
    books.charge(4)
    books.advance(NOW + HOUR + WINDOW + late)

    books.bring_up_to_date()

    lot, entry = books.lot(1), books.entries()[-1]
    assert lot.status(books.now) == LotStatus.EXPIRED
    assert books.balance().current_micros == 0
    if forfeited:
        assert (entry.kind, entry.amount_micros, entry.draws) == (EntryKind.EXPIRY, -micros(6), {1: -micros(6)})
        assert entry.occurred_at == NOW + HOUR
        assert lot.remaining_micros == 0
    else:
        assert entry.kind == EntryKind.CALL_CHARGE
        assert lot.remaining_micros == micros(6)


def test_the_settlement_window_is_a_setting(database: Database) -> None:
    books = open_books(database, terms=Terms(settlement_window=HOUR))
    books.grant(10, expires_at=NOW + HOUR)

    books.advance(NOW + 2 * HOUR)

    assert remaining(books.lots()) == [0]


@pytest.mark.parametrize(
    ("bought", "zone", "expires"),
    [
        ("2026-10-01T12:00:00Z", "UTC", "2027-10-02T00:00:00Z"),
        ("2028-02-29T23:30:00Z", "UTC", "2029-03-01T00:00:00Z"),
        ("2028-02-29T23:30:00Z", "Asia/Tokyo", "2029-03-02T00:00:00+09:00"),
        ("2026-11-01T05:30:00Z", "America/New_York", "2027-11-02T00:00:00-04:00"),
        ("2026-03-28T12:00:00Z", "Europe/Berlin", "2027-03-29T00:00:00+02:00"),
    ],
)
def test_bought_funds_pay_for_calls_to_the_last_microsecond_of_their_day(
    database: Database, bought: str, zone: str, expires: str
) -> None:
    books = open_books(database, time_zone=zone, clock_at=at(bought))
    make_agreement(database, books.account_id)
    make_recharge(database, books.account_id, 100)
    expires_at = at(expires)
    assert books.lot(1).expires_at == expires_at

    books.advance(expires_at - 1)
    books.charge(4)
    books.advance(expires_at)
    books.charge(3)

    assert remaining(books.lots()) == [micros(96)]
    assert books.balance().owed_micros == micros(3)
    assert books.balance().current_micros == -micros(3)


def test_a_lot_that_is_spent_is_exhausted_and_forfeits_nothing(books: Books) -> None:
    books.grant(10, expires_at=NOW + HOUR)
    books.charge(10)

    books.advance(NOW + 30 * DAY)

    assert books.lot(1).status(books.now) == LotStatus.EXHAUSTED
    assert len(books.entries()) == 2


def test_a_clock_does_all_that_falls_due_on_its_way_in_order_of_time(books: Books) -> None:
    books.charge(30)
    books.grant(20, starts_at=NOW + 5 * DAY, expires_at=NOW + 6 * DAY)
    books.grant(20, starts_at=NOW + DAY, expires_at=NOW + 2 * DAY)
    books.grant(7, expires_at=NOW + HOUR)

    books.advance(NOW + 365 * DAY)

    told = [(entry.kind, entry.posted_at, entry.draws) for entry in books.entries()[-3:]]
    assert told == [
        (EntryKind.ADJUSTMENT, NOW + DAY, {2: -micros(20)}),
        (EntryKind.ADJUSTMENT, NOW + 5 * DAY, {1: -micros(3)}),
        (EntryKind.EXPIRY, NOW + 6 * DAY + WINDOW, {1: -micros(17)}),
    ]
    assert remaining(books.lots()) == [0, 0, 0]
    assert books.breaches() == []


def test_at_one_instant_an_expiry_comes_before_a_start(books: Books) -> None:
    books.grant(10, expires_at=NOW + HOUR)
    books.advance(NOW + HOUR)
    books.charge(5)
    books.grant(20, starts_at=NOW + HOUR + WINDOW)

    books.advance(NOW + HOUR + WINDOW)

    assert [(entry.kind, entry.posted_at) for entry in books.entries()[-2:]] == [
        (EntryKind.EXPIRY, NOW + HOUR + WINDOW),
        (EntryKind.ADJUSTMENT, NOW + HOUR + WINDOW),
    ]


def test_many_steps_of_a_clock_come_to_the_same_as_one(database: Database) -> None:
    def a_year(steps: int) -> tuple[list[int], int, int]:
        books = open_books(database)
        books.charge(30)
        for month in range(1, 11):
            books.grant(8, starts_at=NOW + 30 * month * DAY, expires_at=NOW + 30 * (month + 2) * DAY)
        for step in range(1, steps + 1):
            books.advance(NOW + 360 * DAY * step // steps)
        return remaining(books.lots()), books.balance().current_micros, len(books.entries())

    assert a_year(1) == a_year(7) == a_year(40)


def test_a_clock_may_stand_still_but_not_go_back(books: Books) -> None:
    books.grant(10)
    books.advance(NOW)
    before = books.dump()

    with pytest.raises(Refusal) as refused:
        books.advance(NOW - 1)

    assert (refused.value.code, refused.value.field) == (Code.INVALID, ("to",))
    assert books.dump() == before


def test_moving_a_clock_to_the_same_instant_twice_does_things_once(books: Books) -> None:
    books.grant(10, expires_at=NOW + HOUR)
    books.advance(NOW + 30 * DAY)
    before = books.dump()

    books.advance(NOW + 30 * DAY)

    assert books.dump() == before


def test_a_live_account_has_no_clock_to_move(database: Database) -> None:
    books = open_books(database, mode=AccountMode.LIVE)
    before = books.dump()

    with pytest.raises(Refusal) as refused, database.transaction() as session:
        advance_clock(session, account_id=books.account_id, to=NOW + DAY, now=NOW)

    assert refused.value.code == Code.CONFLICT
    assert books.dump() == before


def test_the_clock_of_a_closed_account_stands_still(books: Books) -> None:
    with books.database.transaction() as session:
        update_account(session, account_id=books.account_id, status=AccountStatus.CLOSED)

    with pytest.raises(Refusal) as refused:
        books.advance(NOW + DAY)

    assert refused.value.code == Code.CONFLICT


def test_the_machines_clock_does_not_touch_a_test_account(books: Books) -> None:
    books.grant(10, expires_at=NOW + HOUR)

    books.now = NOW + 30 * DAY
    assert books.bring_up_to_date() == 0

    assert books.balance().current_micros == micros(10)


def test_bringing_an_account_up_to_date_twice_does_things_once(database: Database) -> None:
    books = open_books(database, mode=AccountMode.LIVE)
    books.grant(10, expires_at=NOW + HOUR)
    books.advance(NOW + HOUR + WINDOW)

    assert [books.bring_up_to_date(), books.bring_up_to_date()] == [2, 0]  # it expires, it is forfeited


def test_the_worker_is_told_of_an_account_exactly_while_something_is_due(database: Database) -> None:
    books = open_books(database, mode=AccountMode.LIVE)
    books.grant(10, expires_at=NOW + HOUR)
    for instant_of in (NOW + HOUR, NOW + HOUR + WINDOW):
        assert something_due(books, instant_of - 1) == []
        assert something_due(books, instant_of) == [books.account_id]

        books.advance(instant_of)
        books.bring_up_to_date()

        assert something_due(books, books.now) == []


@pytest.mark.parametrize("looked_after", [0, HOUR - 1, HOUR, DAY])
def test_the_worker_is_told_of_a_lot_that_started_and_should_repay(database: Database, looked_after: int) -> None:
    """Even when the lot has expired again by the time the worker looks."""
    books = open_books(database, mode=AccountMode.LIVE)
    books.charge(5)
    books.grant(10, starts_at=NOW + HOUR, expires_at=NOW + 2 * HOUR)
    assert something_due(books, NOW + HOUR - 1) == []

    books.advance(NOW + HOUR + looked_after)
    assert something_due(books, books.now) == [books.account_id]
    books.bring_up_to_date()

    assert remaining(books.lots()) == [micros(5)]
    assert something_due(books, books.now) == []


def test_the_worker_leaves_test_accounts_to_their_clocks(books: Books) -> None:
    books.grant(10, expires_at=NOW + HOUR)

    assert something_due(books, NOW + 30 * DAY) == []


def test_the_worker_is_not_told_of_funds_that_expired_before_the_debt(database: Database) -> None:
    books = open_books(database, mode=AccountMode.LIVE)
    books.grant(10, expires_at=NOW + HOUR)
    books.advance(NOW + 2 * HOUR)
    books.charge(5)

    assert something_due(books, books.now) == []


def test_a_late_call_after_the_forfeiture_is_owed(books: Books) -> None:
    books.grant(10, expires_at=NOW + HOUR)
    books.advance(NOW + HOUR + WINDOW)

    books.record(a_call(4, answered_at=NOW))

    assert books.balance().owed_micros == micros(4)
    assert books.breaches() == []


def test_an_account_that_somebody_has_in_hand_is_left_to_them(postgresql_database: Database) -> None:
    books = open_books(postgresql_database, mode=AccountMode.LIVE)
    books.grant(10, expires_at=NOW + HOUR)
    books.advance(NOW + HOUR)
    with postgresql_database.transaction() as session:
        session.row("SELECT 1 FROM account WHERE account_id = ? FOR UPDATE", books.account_id)

        assert books.bring_up_to_date() == 0

    assert books.bring_up_to_date() == 1


@pytest.mark.parametrize("mode", AccountMode)
def test_a_worker_that_comes_late_forfeits_also_what_a_call_gave_back_on_the_way(
    database: Database, mode: AccountMode
) -> None:
    books = open_books(database, mode=mode)
    books.grant(10, expires_at=NOW + 3 * HOUR)
    books.authorize(3_600)

    books.advance(NOW + 3 * HOUR + WINDOW)
    books.bring_up_to_date()

    assert [entry.amount_micros for entry in books.entries()[1:]] == [-micros(10)]
    assert remaining(books.lots()) == [0]
    assert books.breaches() == []


@pytest.mark.parametrize("mode", AccountMode)
@pytest.mark.parametrize("late", [0, 2 * HOUR, WINDOW + DAY])
def test_what_a_call_gave_back_repays_what_is_owed_however_late_a_worker_comes(
    database: Database, mode: AccountMode, late: int
) -> None:
    books = open_books(database, mode=mode)
    books.grant(10, expires_at=NOW + 3 * HOUR)
    books.authorize(3_600)
    books.charge(20)

    books.advance(NOW + HOUR + books.terms.reservation_ttl + late)
    books.bring_up_to_date()

    assert books.account().owed_micros == micros(10)
    assert remaining(books.lots()) == [0]
    assert books.breaches() == []


def told(books: Books) -> list[tuple[str, str]]:
    """The kinds and subjects of the notices that were written."""
    with books.database.reading() as session:
        return [
            (kind, subject) for kind, subject in session.rows("SELECT kind, subject FROM notice ORDER BY notice_no")
        ]


def test_funds_that_expire_are_told_of_30_and_7_days_before_and_at_their_end(books: Books) -> None:
    books.grant(10, expires_at=NOW + 40 * DAY)
    books.grant(20, expires_at=NOW + 40 * DAY)
    books.grant(5)
    name = books.account().name

    for days, subject in ((10, "$30.00 expires in 30 days"), (33, "$30.00 expires in 7 days")):
        books.advance(NOW + days * DAY - 1)
        before = len(told(books))
        books.advance(NOW + days * DAY)
        assert told(books)[before:] == [("LOT_EXPIRING", f"[TEST] {subject}: {name}")]
    books.advance(NOW + 40 * DAY)

    assert told(books)[2:] == [("LOT_EXPIRED", f"[TEST] $30.00 expired: {name}")]


@pytest.mark.parametrize(
    ("looked_at", "subjects"),
    [(20, ["expires in 20 days"]), (36, ["expires in 4 days"]), (41, ["expired"])],
)
def test_who_hears_late_that_funds_expire_hears_it_once_and_as_it_is(
    database: Database, looked_at: int, subjects: list[str]
) -> None:
    books = open_books(database, mode=AccountMode.LIVE)
    books.grant(10, expires_at=NOW + 40 * DAY)
    books.grant(5)

    books.advance(NOW + looked_at * DAY)
    books.bring_up_to_date()

    assert [subject for _, subject in told(books)] == [f"$10.00 {each}: {books.account().name}" for each in subjects]


def test_a_balance_that_is_gone_is_told_of_once_and_again_after_it_recovered(books: Books) -> None:
    books.grant(10)
    books.charge(4)
    assert told(books) == []

    for _ in range(3):
        books.charge(6)
    books.grant(50)
    books.charge(50)

    assert [kind for kind, _ in told(books)] == ["BALANCE_BELOW_ZERO", "BALANCE_BELOW_ZERO"]


def test_a_card_that_is_about_to_expire_is_told_of_once(database: Database) -> None:
    card = Card("pm_1", "Visa", "4242", date(2026, 12, 31))

    class Known(TestProvider):
        def card(self, customer: str | None, token: str) -> Card:
            return card

    books = open_books(database, mode=AccountMode.LIVE)
    providers = Providers(Known(), "https://credits.example")
    add_payment_method(database, providers, account_id=books.account_id, kind="CARD", token="pm_1", now=NOW)
    warned_at = start_of_day(date(2026, 12, 1), "UTC")

    for instant_of in (warned_at - 1, warned_at, warned_at + DAY):
        books.advance(instant_of)
        books.bring_up_to_date()
        assert len(told(books)) == (instant_of >= warned_at)

    assert told(books)[0][0] == "CARD_EXPIRING"
