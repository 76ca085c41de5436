"""What is put right afterwards: charges that are taken back, and calls that are rated later."""

import pytest

from credits import corrections
from credits.accounts import update_account
from credits.instants import DAY, MINUTE, first_of_month, month_of
from credits.publishing import RateDraft, publish_deck
from credits.rating import Tier
from credits.refusals import Code, Refusal
from credits.terms import Terms
from db.kinds import AccountStatus, CallStatus, EntryKind, Rounding, Service
from db.session import Database
from tests.books import UNRATED, Books, a_call
from tests.calling import gather_callers
from tests.factories import NOW, micros

WINDOW = Terms().settlement_window


def reverse(books: Books, call_id: str = "c1", reason: str = "Wrong number") -> int:
    """Take a call's charge back."""
    with books.database.transaction() as session:
        return corrections.reverse_call(
            session, rates=books.rates, account_id=books.account_id, call_id=call_id, reason=reason, now=books.now
        )


def rate_later(books: Books, *call_ids: str) -> list[str]:
    """Rate calls that had no rate; the ids of those that have one now."""
    with books.database.transaction() as session:
        rated = corrections.rate_later(
            session, rates=books.rates, account_id=books.account_id, call_ids=call_ids or None, now=books.now
        )
    return [call.call_id for call in rated]


def publish_france(books: Books, price_nanos: int = 60_000_000) -> None:
    """Put a deck in force, for all time, that has a rate for what had none."""
    drafts = [RateDraft(Service.USER_OUT, "33", "France", tiers=(Tier(0, price_nanos, 1),))]
    with books.database.transaction() as session:
        publish_deck(
            session, name="standard", currency="USD", effective_from=1, decimals=6, rounding=Rounding.HALF_UP,
            drafts=drafts, now=NOW,
        )  # fmt: skip


def test_a_reversed_charge_returns_to_the_lots_that_paid_it(books: Books) -> None:
    first, second = books.grant(1), books.grant(5)
    books.record(a_call(3, call_id="c1"))

    reverse(books)

    assert (books.lot(first).remaining_micros, books.lot(second).remaining_micros) == (micros(1), micros(5))
    entry = books.entries()[-1]
    assert (entry.kind, entry.amount_micros) == (EntryKind.REVERSAL, micros(3))
    assert entry.draws == {first: micros(1), second: micros(2)}
    call = books.call("c1")
    assert (call.status, call.charge_micros, call.reversed_at) == (CallStatus.SETTLED, 0, books.now)
    assert books.breaches() == []


def test_what_a_user_gets_back_can_be_spent_again_in_its_month(database: Database) -> None:
    callers = gather_callers(database, amount=10)
    user_no = callers.user("MCOPSTNPAYG", "MCOPSTNPP", monthly_limit_micros=micros("0.60"))
    call = callers.calls(user_no)
    assert not callers.asks(user_no).authorized

    reverse(callers.books, call.call_id)

    assert callers.asks(user_no).authorized
    assert callers.books.breaches() == []


@pytest.mark.parametrize(
    ("before", "after"), [("UTC", "America/New_York"), ("America/New_York", "UTC"), ("Asia/Tokyo", "America/New_York")]
)
def test_a_call_is_reversed_also_when_the_accounts_months_begin_otherwise_by_then(
    database: Database, before: str, after: str
) -> None:
    callers = gather_callers(database, amount=10, time_zone=before)
    user_no = callers.user("MCOPSTNPAYG", "MCOPSTNPP")
    call = callers.calls(user_no, answered_at=first_of_month(month_of(NOW, "UTC"), "UTC"))
    with database.transaction() as session:
        update_account(session, account_id=callers.books.account_id, time_zone=after)

    reverse(callers.books, call.call_id)

    assert callers.books.balance().available_micros == micros(10)
    assert callers.books.breaches() == []


def test_a_call_is_reversed_once(books: Books) -> None:
    books.grant(5)
    books.record(a_call(3, call_id="c1"))
    reverse(books)
    before = books.dump()

    reverse(books)

    assert books.dump() == before


def test_the_report_of_a_reversed_call_charges_it_no_more(books: Books) -> None:
    books.grant(5)
    report = a_call(3, call_id="c1")
    books.record(report)
    reverse(books)

    (outcome,) = books.record(report)

    assert (outcome.duplicate, outcome.charge_micros) == (True, 0)
    assert books.balance().available_micros == micros(5)


def test_what_was_owed_for_a_reversed_call_is_owed_no_more(books: Books) -> None:
    lot_no = books.grant(1)
    books.record(a_call(3, call_id="c1"))

    reverse(books)

    entry = books.entries()[-1]
    assert (entry.draws, entry.owed_change_micros) == ({lot_no: micros(1)}, micros(2))
    assert (books.balance().owed_micros, books.balance().available_micros) == (0, micros(1))
    assert books.breaches() == []


def test_what_was_owed_and_repaid_since_returns_to_the_lot_that_repaid_it(books: Books) -> None:
    books.record(a_call(3, call_id="c1"))
    repaying = books.grant(5)

    reverse(books)

    assert books.lot(repaying).remaining_micros == micros(5)
    assert books.breaches() == []


def test_a_reversal_repays_first_what_other_calls_owe(books: Books) -> None:
    lot_no = books.grant(3)
    books.record(a_call(3, call_id="c1"))
    books.record(a_call(2, call_id="c2"))

    reverse(books, "c1")

    assert (books.balance().owed_micros, books.lot(lot_no).remaining_micros) == (0, micros(1))
    assert books.breaches() == []


def test_two_reversals_share_what_was_repaid_and_what_is_still_owed(books: Books) -> None:
    books.record(a_call(5, call_id="c1"), a_call(5, call_id="c2"))
    lot_no = books.grant(5)

    reverse(books, "c1")
    reverse(books, "c2")

    assert (books.balance().owed_micros, books.lot(lot_no).remaining_micros) == (0, micros(5))
    assert books.breaches() == []


@pytest.mark.parametrize("order", [("c1", "c2"), ("c2", "c1")])
def test_each_lot_gets_back_what_it_repaid_in_whatever_order_calls_are_reversed(
    books: Books, order: tuple[str, str]
) -> None:
    books.record(a_call(10, call_id="c1"))
    first = books.grant(10)
    books.record(a_call(10, call_id="c2"))
    second = books.grant(10, expires_at=NOW + DAY)

    for call_id in order:
        reverse(books, call_id)

    assert (books.lot(first).remaining_micros, books.lot(second).remaining_micros) == (micros(10), micros(10))
    assert books.breaches() == []


@pytest.mark.parametrize("order", [("c1", "c2"), ("c2", "c1")])
def test_a_debt_that_a_reversed_call_repaid_is_reversed_in_its_turn(books: Books, order: tuple[str, str]) -> None:
    books.record(a_call(10, call_id="c1"))
    lot_no = books.grant(10)
    books.record(a_call(10, call_id="c2"))

    for call_id in order:
        reverse(books, call_id)

    assert (books.balance().owed_micros, books.lot(lot_no).remaining_micros) == (0, micros(10))
    assert books.breaches() == []


def test_a_debt_that_was_reversed_leaves_the_repaid_ones_as_they_were(books: Books) -> None:
    books.record(*(a_call(10, call_id=call_id) for call_id in ("c1", "c2", "c3")))
    reverse(books, "c1")
    books.grant(10, expires_at=NOW + DAY)
    lasting = books.grant(10)

    reverse(books, "c3")

    assert books.lot(lasting).remaining_micros == micros(10)
    assert books.breaches() == []


def test_what_returns_repays_from_the_lot_that_is_spent_first(books: Books) -> None:
    soon, last = books.grant(3, expires_at=NOW + DAY), books.grant(3)
    books.record(a_call(6, call_id="c1"))
    books.record(a_call(2, call_id="c2"))

    reverse(books, "c1")

    assert (books.lot(soon).remaining_micros, books.lot(last).remaining_micros) == (micros(1), micros(3))


@pytest.mark.parametrize(
    ("later", "kinds"),
    [
        (MINUTE, [EntryKind.REVERSAL]),
        (WINDOW, [EntryKind.REVERSAL, EntryKind.EXPIRY]),
    ],
)
def test_what_returns_to_an_expired_lot_is_not_spent_again(books: Books, later: int, kinds: list[EntryKind]) -> None:
    lot_no = books.grant(3, expires_at=NOW + DAY)
    books.record(a_call(3, call_id="c1"))
    books.advance(NOW + DAY + later)

    reverse(books)

    assert [entry.kind for entry in books.entries()[2:]] == kinds
    assert books.balance().available_micros == 0
    assert books.breaches() == []
    books.advance(NOW + DAY + WINDOW)
    assert (books.lot(lot_no).remaining_micros, books.entries()[-1].kind) == (0, EntryKind.EXPIRY)
    assert books.breaches() == []


def test_what_returns_to_a_voided_lot_is_taken_back_again(books: Books) -> None:
    lot_no = books.grant(5)
    books.record(a_call(3, call_id="c1"))
    books.void(lot_no)

    reverse(books)

    assert [entry.kind for entry in books.entries()[-2:]] == [EntryKind.REVERSAL, EntryKind.ADJUSTMENT]
    assert books.lot(lot_no).remaining_micros == 0
    assert books.breaches() == []


def test_a_call_that_was_not_settled_is_not_reversed(books: Books) -> None:
    books.grant(5)
    books.authorize(60, "c1")
    before = books.dump()

    with pytest.raises(Refusal) as refused:
        reverse(books)

    assert (refused.value.code, refused.value.field) == (Code.CONFLICT, ("callId",))
    assert books.dump() == before


def test_an_unknown_call_is_not_reversed(books: Books) -> None:
    with pytest.raises(Refusal) as refused:
        reverse(books, "nowhere")

    assert refused.value.code == Code.NOT_FOUND


@pytest.mark.parametrize("reason", ["", " ", "x" * 501])
def test_a_reversal_says_why(books: Books, reason: str) -> None:
    books.record(a_call(3, call_id="c1"))

    with pytest.raises(Refusal) as refused:
        reverse(books, reason=reason)

    assert refused.value.field == ("reason",)


def test_a_closed_account_reverses_nothing(books: Books) -> None:
    books.record(a_call(3, call_id="c1"))
    with books.database.transaction() as session:
        session.execute("UPDATE account SET status = ?", AccountStatus.CLOSED.value)

    with pytest.raises(Refusal) as refused:
        reverse(books)

    assert refused.value.code == Code.CONFLICT


def test_a_call_without_a_rate_is_rated_later_and_charged_as_if_reported_late(books: Books) -> None:
    lot_no = books.grant(5, expires_at=NOW + DAY)
    books.record(a_call(1, call_id="c1", to_number=UNRATED), a_call(1, call_id="c2"))
    publish_france(books)
    books.advance(NOW + DAY + MINUTE)

    assert rate_later(books) == ["c1"]

    call = books.call("c1")
    assert (call.status, call.charge_micros, call.refusal) == (CallStatus.SETTLED, micros(1), None)
    assert books.entries()[-1].draws == {lot_no: -micros(1)}
    assert books.breaches() == []


def test_a_call_that_still_has_no_rate_stays_unrated(books: Books) -> None:
    books.record(a_call(1, call_id="c1", to_number=UNRATED))

    assert rate_later(books) == []
    assert books.call("c1").status == CallStatus.UNRATED


def test_rating_again_charges_nothing_more(books: Books) -> None:
    books.grant(5)
    books.record(a_call(1, call_id="c1", to_number=UNRATED))
    publish_france(books)
    rate_later(books)
    before = books.dump()

    assert rate_later(books) == []
    assert books.dump() == before


def test_of_more_than_a_thousand_that_wait_a_second_go_rates_the_rest(books: Books) -> None:
    books.grant(2_000)
    for half in ("a", "b"):
        books.record(*(a_call(1, call_id=f"{half}{number}", to_number=UNRATED) for number in range(502)))
    publish_france(books)

    goes = [rate_later(books) for _ in range(3)]

    assert [len(go) for go in goes] == [1_000, 4, 0]
    charges = [entry for entry in books.entries() if entry.kind == EntryKind.CALL_CHARGE]
    assert [entry.amount_micros for entry in charges] == [-micros(1)] * 1_004
    assert books.breaches() == []


def test_only_the_calls_that_are_named_are_rated(books: Books) -> None:
    books.record(*(a_call(1, call_id=call_id, to_number=UNRATED) for call_id in ("c1", "c2", "c3")))
    publish_france(books)

    assert rate_later(books, "c3", "c1", "nowhere") == ["c1", "c3"]
    assert books.call("c2").status == CallStatus.UNRATED
