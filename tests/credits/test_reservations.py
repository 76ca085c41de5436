"""Calls in progress: what each is granted and holds, how it ends, and that repeated or late messages do no harm."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from credits.accounts import update_account
from credits.call_messages import Authorization, CallAnswer, Extension, Message, Release, Reports, Settlement
from credits.instants import DAY, HOUR, MINUTE, SECOND
from credits.ledger import Journal
from credits.publishing import RateDraft, publish_deck
from credits.rating import Tier
from credits.refusals import Code, Refusal
from credits.terms import Terms
from credits.users import remove_user
from db.kinds import AccountMode, AccountStatus, CallStatus, EntryKind, LotStatus, RefusalReason, Rounding, Service
from db.session import Database
from tests.books import BLOCKED, PRICED, UNRATED, Books, a_call, open_books
from tests.factories import NOW, make_user, micros

EMERGENCY = "911"
TTL = Terms().reservation_ttl
WINDOW = Terms().settlement_window


def publish(database: Database, *tiers: Tier, prefix: str = "44", **values: Any) -> None:
    """Put a deck in force that sells one destination in some tiers."""
    drafts = [RateDraft(Service.USER_OUT, prefix, "United Kingdom", tiers=tiers, **values)]
    with database.transaction() as session:
        publish_deck(
            session, name="standard", currency="USD", effective_from=1, decimals=6, rounding=Rounding.HALF_UP,
            drafts=drafts, now=NOW,
        )  # fmt: skip


def refusal_of(books: Books, *messages: Any) -> Refusal:
    """The refusal of the last of some messages."""
    answer = books.post(*messages)[-1]
    assert isinstance(answer, Refusal)
    return answer


def test_a_call_is_granted_what_it_asks_for_and_holds_what_that_may_cost(books: Books) -> None:
    lot_no = books.grant(10)

    answer = books.authorize(3_600, "c1")

    assert (answer.authorized, answer.max_duration_seconds, answer.reason) == (True, 3_600, None)
    balance = books.balance()
    assert (balance.current_micros, balance.reserved_micros) == (micros(10), micros("3.6"))
    assert balance.available_micros == micros("6.4")
    assert books.call("c1").held == {lot_no: micros("3.6")}
    assert [entry.kind for entry in books.entries()] == [EntryKind.GRANT]
    assert books.breaches() == []


def test_a_call_is_granted_no_more_than_can_be_paid(books: Books) -> None:
    books.grant(1)

    answer = books.authorize(3_600)

    assert (answer.authorized, answer.max_duration_seconds) == (True, 1_000)
    assert books.balance().available_micros == 0
    assert not books.balance().calls_allowed


def test_the_same_money_is_not_promised_twice(books: Books) -> None:
    books.grant(1)

    granted = [books.authorize(700).max_duration_seconds for _ in range(3)]

    assert granted == [700, 300, 0]


def test_with_nothing_left_a_call_that_needs_credit_is_refused_and_kept(books: Books) -> None:
    answer = books.authorize(60, "c1")

    assert (answer.authorized, answer.max_duration_seconds) == (False, 0)
    assert answer.reason == RefusalReason.INSUFFICIENT_CREDIT
    call = books.call("c1")
    assert (call.status, call.refusal, call.charge_micros) == (
        CallStatus.REFUSED, RefusalReason.INSUFFICIENT_CREDIT, 0,
    )  # fmt: skip


@pytest.mark.parametrize(("credit", "granted"), [("0.059999", 0), ("0.06", 60), ("0.060001", 60), ("0.066", 66)])
def test_the_first_step_must_be_affordable(books: Books, credit: str, granted: int) -> None:
    publish(books.database, Tier(0, 60_000_000, 60), Tier(60, 60_000_000, 6))
    books.grant(credit)

    assert books.authorize(3_600).max_duration_seconds == granted


@pytest.mark.parametrize(("credit", "granted"), [("1.000999", 0), ("1.001", 1), ("1.5", 500)])
def test_the_connect_fee_must_be_affordable_with_the_first_step(books: Books, credit: str, granted: int) -> None:
    publish(books.database, Tier(0, 60_000_000, 1), connect_fee_nanos=1_000_000_000)
    books.grant(credit)

    assert books.authorize(3_600).max_duration_seconds == granted


def test_a_capped_call_may_go_on_once_its_cap_is_paid(books: Books) -> None:
    publish(books.database, Tier(0, 60_000_000_000, 1), max_cost_nanos=10_000_000_000)
    books.grant(11)

    assert books.authorize(1_800).max_duration_seconds == 1_800
    assert books.balance().reserved_micros == micros(10)


def test_a_price_of_zero_is_a_price_and_needs_no_credit(books: Books) -> None:
    publish(books.database, Tier(0, 0, 60))

    answer = books.authorize(3_600, "c1")

    assert (answer.max_duration_seconds, books.balance().reserved_micros) == (3_600, 0)


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        (UNRATED, RefusalReason.NO_RATE),
        (BLOCKED, RefusalReason.DESTINATION_BLOCKED),
        ("not a number", RefusalReason.INVALID_NUMBER),
    ],
)
def test_a_call_that_cannot_be_priced_is_refused(books: Books, to: str, reason: RefusalReason) -> None:
    books.grant(10)

    answer = books.authorize(60, "c1", to_number=to)

    assert (answer.authorized, answer.reason) == (False, reason)
    assert books.call("c1").status == CallStatus.REFUSED
    assert books.balance().reserved_micros == 0


def test_a_suspended_account_starts_no_call_but_an_emergency_call(books: Books) -> None:
    books.grant(10)
    with books.database.transaction() as session:
        update_account(session, account_id=books.account_id, status=AccountStatus.SUSPENDED)

    assert books.authorize().reason == RefusalReason.ACCOUNT_NOT_ACTIVE
    assert books.authorize(to_number=EMERGENCY).authorized


def test_an_unknown_user_calls_nobody_but_an_emergency_number(books: Books) -> None:
    books.grant(10)

    assert books.authorize(user_no=7).reason == RefusalReason.UNKNOWN_USER
    assert books.authorize(user_no=7, to_number=EMERGENCY).authorized


def test_an_emergency_call_is_never_refused_and_never_charged(books: Books) -> None:
    answer = books.authorize(60, "c1", to_number=EMERGENCY)
    settled = books.settle("c1", 600)

    assert (answer.authorized, answer.max_duration_seconds) == (True, 60)
    assert settled.call is not None
    assert (settled.call.status, settled.call.charge_micros) == (CallStatus.SETTLED, 0)
    assert books.entries() == []


def test_the_same_question_again_is_answered_as_the_first_time_and_holds_nothing_more(books: Books) -> None:
    books.grant(10)
    first = books.authorize(60, "c1")
    before = books.dump()

    again = books.authorize(60, "c1")

    assert (again.authorized, again.max_duration_seconds) == (first.authorized, first.max_duration_seconds)
    assert books.dump() == before


def test_a_refused_call_stays_refused(books: Books) -> None:
    books.authorize(60, "c1")
    books.grant(10)

    assert not books.authorize(60, "c1").authorized


@pytest.mark.parametrize("values", [{"seconds": 61}, {"to_number": "+442079460001"}, {"from_number": "+1"}])
def test_the_same_call_id_with_other_values_is_refused_and_leaves_no_trace(
    books: Books, values: dict[str, Any]
) -> None:
    books.grant(10)
    books.authorize(60, "c1")
    before = books.dump()

    with pytest.raises(Refusal) as refused:
        books.authorize(**{"seconds": 60, "call_id": "c1", **values})

    assert refused.value.code == Code.IDEMPOTENCY_KEY_REUSED
    assert books.dump() == before


@pytest.mark.parametrize("seconds", [0, 30 * 24 * 3600 + 1])
def test_the_time_asked_for_has_bounds(books: Books, seconds: int) -> None:
    asked = Authorization(books.account_id, "c1", PRICED, seconds)

    assert (refusal_of(books, asked).code, refusal_of(books, asked).field) == (Code.INVALID, ("requestedSeconds",))


def test_what_a_call_used_is_charged_and_the_rest_given_back(books: Books) -> None:
    lot_no = books.grant(10)
    books.authorize(3_600, "c1")
    books.advance(NOW + MINUTE)

    answer = books.settle("c1", 45)

    assert answer.call is not None
    assert (answer.call.status, answer.call.charge_micros) == (CallStatus.SETTLED, micros("0.045"))
    assert answer.call.answered_at == NOW + 15 * SECOND
    entry = books.entries()[-1]
    assert (entry.kind, entry.draws) == (EntryKind.CALL_CHARGE, {lot_no: -micros("0.045")})
    assert (books.balance().reserved_micros, books.balance().available_micros) == (0, micros("9.955"))
    assert books.breaches() == []


def test_a_call_of_zero_seconds_costs_nothing_and_gives_all_back(books: Books) -> None:
    books.grant(10)
    books.authorize(60, "c1")

    answer = books.settle("c1", 0)

    assert answer.call is not None
    assert (answer.call.status, answer.call.charge_micros) == (CallStatus.SETTLED, 0)
    assert books.balance().available_micros == micros(10)
    assert len(books.entries()) == 1


def test_a_call_that_ran_on_is_charged_in_full_but_not_from_what_others_hold(books: Books) -> None:
    lot_no = books.grant(1)
    books.authorize(400, "long")
    books.authorize(500, "other")

    books.settle("long", 700, NOW)

    assert books.entries()[-1].draws == {lot_no: -micros("0.5")}
    assert (books.balance().owed_micros, books.balance().reserved_micros) == (micros("0.2"), micros("0.5"))
    assert books.breaches() == []


def test_what_a_call_gives_back_repays_what_is_owed(books: Books) -> None:
    books.grant(1)
    books.authorize(400, "long")
    books.authorize(500, "other")
    books.settle("long", 700, NOW)

    books.release("other")

    assert (books.balance().owed_micros, books.balance().available_micros) == (0, micros("0.3"))
    assert books.breaches() == []


def test_a_settlement_is_told_twice_and_charged_once(books: Books) -> None:
    books.grant(10)
    books.authorize(60, "c1")
    first = books.settle("c1", 45, NOW)
    before = books.dump()

    again = books.settle("c1", 45, NOW)

    assert (again.call, again.error) == (first.call, None)
    assert books.dump() == before


@pytest.mark.parametrize(("seconds", "answered_at"), [(44, None), (46, None), (45, NOW - SECOND)])
def test_a_settled_call_is_not_settled_otherwise(books: Books, seconds: int, answered_at: int | None) -> None:
    books.grant(10)
    books.authorize(60, "c1")
    books.settle("c1", 45, NOW)
    before = books.dump()

    answer = books.settle("c1", seconds, answered_at)

    assert answer.error is not None
    assert answer.error.code == Code.CONFLICT
    assert books.dump() == before


def test_messages_about_a_user_who_was_removed_since_are_answered_as_before(books: Books) -> None:
    books.grant(10)
    user_no = make_user(books.database, books.account_id, "MCOPSTNPAYG", "MCOPSTNPP")
    first = books.authorize(60, "c1", user_no=user_no)
    report = a_call(1, call_id="c2", user_no=user_no)
    books.record(report)
    with books.database.transaction() as session:
        remove_user(session, account_id=books.account_id, user_no=user_no, now=NOW)

    again = books.authorize(60, "c1", user_no=user_no)
    (reported_again,) = books.record(report)
    (ended,) = books.record(a_call("0.045", call_id="c1", user_no=user_no))

    assert (again.authorized, again.max_duration_seconds) == (True, first.max_duration_seconds)
    assert (reported_again.refusal, reported_again.duplicate) == (None, True)
    assert (ended.status, ended.charge_micros) == (CallStatus.SETTLED, micros("0.045"))


def test_a_released_call_gives_all_back_and_costs_nothing(books: Books) -> None:
    books.grant(10)
    books.authorize(60, "c1")

    answer = books.release("c1")

    assert answer.call is not None
    assert answer.call.status == CallStatus.RELEASED
    assert books.balance().available_micros == micros(10)
    assert len(books.entries()) == 1


def test_a_release_twice_does_no_harm(books: Books) -> None:
    books.grant(10)
    books.authorize(60, "c1")
    books.release("c1")
    before = books.dump()

    again = books.release("c1")

    assert again.error is None
    assert books.dump() == before


def test_settling_after_a_release_still_charges(books: Books) -> None:
    books.grant(10)
    books.authorize(60, "c1")
    books.release("c1")

    answer = books.settle("c1", 45, NOW)

    assert answer.call is not None
    assert (answer.call.status, answer.call.charge_micros) == (CallStatus.SETTLED, micros("0.045"))
    assert books.breaches() == []


def test_a_call_that_nobody_answered_may_be_settled_at_zero_and_released_in_either_order(books: Books) -> None:
    books.grant(10)
    books.authorize(60, "settled first")
    books.authorize(60, "released first")
    books.settle("settled first", 0)
    books.release("released first")

    released = books.release("settled first")
    settled = books.settle("released first", 0)

    assert (released.error, settled.error) == (None, None)
    assert [call and (call.status, call.charge_micros) for call in (released.call, settled.call)] == [
        (CallStatus.SETTLED, 0), (CallStatus.SETTLED, 0),
    ]  # fmt: skip
    assert books.balance().available_micros == micros(10)
    assert len(books.entries()) == 1
    assert books.breaches() == []


def test_a_call_that_was_made_is_not_released(books: Books) -> None:
    books.grant(10)
    books.authorize(60, "c1")
    books.settle("c1", 1, NOW)

    answer = books.release("c1")

    assert answer.error is not None
    assert answer.error.code == Code.CONFLICT
    assert books.call("c1").status == CallStatus.SETTLED


def test_the_question_that_comes_after_the_end_is_not_answered_with_yes(books: Books) -> None:
    books.grant(10)
    books.authorize(60, "c1")
    books.release("c1")

    answer = books.authorize(60, "c1")

    assert (answer.authorized, answer.error and answer.error.code) == (False, Code.CONFLICT)


def test_a_refused_call_is_not_settled_but_can_be_recorded(books: Books) -> None:
    books.authorize(60, "c1")

    settled = books.settle("c1", 45, NOW)
    (recorded,) = books.record(a_call("0.045", call_id="c1"))

    assert settled.error is not None
    assert settled.error.code == Code.CONFLICT
    assert (recorded.status, recorded.charge_micros, recorded.duplicate) == (
        CallStatus.SETTLED, micros("0.045"), False,
    )  # fmt: skip


@pytest.mark.parametrize("verb", ["extend", "settle", "release"])
def test_an_unknown_call_is_not_found(books: Books, verb: str) -> None:
    with pytest.raises(Refusal) as refused:
        getattr(books, verb)("nowhere", *(() if verb == "release" else (1,)))

    assert (refused.value.code, refused.value.field) == (Code.NOT_FOUND, ("callId",))


def test_a_call_that_goes_on_is_granted_more_and_holds_more(books: Books) -> None:
    books.grant(10)
    books.authorize(60, "c1")

    answer = books.extend("c1", 50, 100)

    assert (answer.authorized, answer.max_duration_seconds, answer.reason) == (True, 150, None)
    assert books.balance().reserved_micros == micros("0.15")
    assert books.breaches() == []


def test_an_older_extension_takes_nothing_back(books: Books) -> None:
    books.grant(10)
    books.authorize(60, "c1")
    books.extend("c1", 100, 100)

    assert books.extend("c1", 50, 100).max_duration_seconds == 200
    assert books.balance().reserved_micros == micros("0.2")


def test_a_call_goes_on_as_long_as_there_is_money_and_no_longer(books: Books) -> None:
    books.grant("0.1")
    books.authorize(60, "c1")

    more, last = books.extend("c1", 60, 60), books.extend("c1", 100, 60)

    assert (more.authorized, more.max_duration_seconds) == (True, 100)
    assert (last.authorized, last.max_duration_seconds, last.reason) == (
        False, 0, RefusalReason.INSUFFICIENT_CREDIT,
    )  # fmt: skip
    assert books.settle("c1", 100, NOW).call is not None


def test_a_call_that_has_ended_does_not_go_on(books: Books) -> None:
    books.grant(10)
    books.authorize(60, "c1")
    books.release("c1")

    answer = books.extend("c1", 10)

    assert (answer.authorized, answer.error and answer.error.code) == (False, Code.CONFLICT)


@pytest.mark.parametrize(("after", "status"), [(-1, CallStatus.AUTHORIZED), (0, CallStatus.EXPIRED)])
def test_a_reservation_of_which_nothing_is_heard_lapses(books: Books, after: int, status: CallStatus) -> None:
    books.grant(10)
    books.authorize(60, "c1")

    books.advance(NOW + MINUTE + TTL + after)

    assert books.call("c1").status == status
    assert books.balance().reserved_micros == (micros("0.06") if status == CallStatus.AUTHORIZED else 0)
    assert books.breaches() == []


def test_a_live_accounts_reservation_lapses_with_whoever_posts_next(database: Database) -> None:
    books = open_books(database, mode=AccountMode.LIVE)
    books.grant(1)
    books.authorize(1_000, "c1")
    books.now = NOW + 1_000 * SECOND + TTL

    answer = books.authorize(1_000, "c2")

    assert answer.max_duration_seconds == 1_000
    assert books.call("c1").status == CallStatus.EXPIRED


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize(
    ("verb", "status", "held"),
    [
        (lambda account_id: Authorization(account_id, "c1", PRICED, 60), CallStatus.EXPIRED, 0),
        (lambda account_id: Extension(account_id, "c1", 30, 60), CallStatus.EXPIRED, 0),
        (lambda account_id: Release(account_id, "c1"), CallStatus.EXPIRED, 0),
        (lambda account_id: Settlement(account_id, "c1", 45, NOW), CallStatus.SETTLED, 0),
        (lambda account_id: Reports(account_id, [a_call("0.045", call_id="c1")]), CallStatus.SETTLED, 0),
        (lambda account_id: Authorization(account_id, "c2", PRICED, 1_000), CallStatus.EXPIRED, 1),
    ],
)
def test_a_message_that_comes_after_a_reservation_lapsed_unnoticed_finds_it_lapsed(
    database: Database, verb: Callable[[int], Message], status: CallStatus, held: int, many: bool
) -> None:
    accounts = [open_books(database, mode=AccountMode.LIVE) for _ in range(1 + many)]
    for books in accounts:
        books.grant(1)
        user_no = make_user(database, books.account_id, "MCOPSTN2")
        books.authorize(60, "c1")
        books.authorize(60, "c3", user_no=user_no)
        books.now = NOW + MINUTE + TTL

    accounts[0].post(*(verb(books.account_id) for books in accounts))

    for books in accounts:
        assert books.call("c1").status == status
        assert books.call("c3").status == CallStatus.EXPIRED
        assert books.balance().reserved_micros == micros(held)
    assert accounts[0].breaches() == []


def test_an_extension_keeps_a_long_call_alive(books: Books) -> None:
    books.grant(100)
    books.authorize(60, "c1")
    books.advance(NOW + MINUTE)
    books.extend("c1", 60, 3_600)

    books.advance(NOW + HOUR)

    assert books.call("c1").status == CallStatus.AUTHORIZED


def test_a_call_whose_reservation_lapsed_is_settled_still(books: Books) -> None:
    books.grant(10)
    books.authorize(60, "c1")
    books.advance(NOW + DAY)

    answer = books.settle("c1", 45, NOW)

    assert answer.call is not None
    assert (answer.call.status, answer.call.charge_micros) == (CallStatus.SETTLED, micros("0.045"))


def test_what_is_held_outlives_its_lots_expiry_until_the_call_ends(books: Books) -> None:
    lot_no = books.grant(1, expires_at=NOW + 10 * MINUTE)
    books.authorize(400, "c1")

    books.advance(NOW + 10 * MINUTE)

    assert (books.balance().current_micros, books.balance().available_micros) == (micros("0.4"), 0)
    books.settle("c1", 300, NOW + 11 * MINUTE - 300 * SECOND)
    assert books.entries()[-1].draws == {lot_no: -micros("0.3")}
    assert (books.balance().current_micros, books.balance().owed_micros) == (0, 0)
    assert books.breaches() == []


def test_what_a_call_held_beyond_its_lots_settlement_window_is_forfeited_when_it_ends(books: Books) -> None:
    lot_no = books.grant(10_000, expires_at=NOW + 10 * MINUTE)
    books.authorize(5 * 24 * 3_600, "c1")
    held = micros(5 * 24 * 3_600 // 1_000)

    books.advance(NOW + 10 * MINUTE + WINDOW)
    assert books.lot(lot_no).remaining_micros == held
    books.release("c1")

    assert books.lot(lot_no).remaining_micros == 0
    assert [(entry.kind, entry.amount_micros) for entry in books.entries()[-2:]] == [
        (EntryKind.EXPIRY, held - micros(10_000)),
        (EntryKind.EXPIRY, -held),
    ]
    assert books.breaches() == []


def test_a_lot_that_is_held_whole_is_forfeited_when_the_call_ends(books: Books) -> None:
    lot_no = books.grant(400, expires_at=NOW + 10 * MINUTE)
    books.authorize(400_000, "c1")

    books.advance(NOW + 10 * MINUTE + WINDOW)
    assert books.lot(lot_no).status(books.now) == LotStatus.EXPIRED
    books.settle("c1", 100_000, NOW)

    assert books.lot(lot_no).remaining_micros == 0
    assert books.entries()[-1].amount_micros == -micros(300)
    assert books.breaches() == []


def test_a_voided_lot_leaves_calls_what_they_hold_and_gives_up_the_rest(books: Books) -> None:
    lot_no = books.grant(10)
    books.authorize(4_000, "c1")

    books.void(lot_no)
    assert books.balance().available_micros == 0
    books.settle("c1", 1_000, NOW)

    assert [(entry.kind, entry.amount_micros) for entry in books.entries()[1:]] == [
        (EntryKind.ADJUSTMENT, -micros(6)),
        (EntryKind.CALL_CHARGE, -micros(1)),
        (EntryKind.ADJUSTMENT, -micros(3)),
    ]
    assert books.breaches() == []


def test_a_lot_that_is_promised_whole_has_nothing_to_void(books: Books) -> None:
    lot_no = books.grant(1)
    books.authorize(1_000)

    with pytest.raises(Refusal) as refused:
        books.void(lot_no)

    assert refused.value.code == Code.CONFLICT


def test_money_is_held_in_the_order_in_which_it_is_spent(books: Books) -> None:
    last = books.grant(1)
    soon = books.grant(1, expires_at=NOW + DAY)
    first = books.grant(1, priority=-1)

    books.authorize(2_500, "c1")

    assert books.call("c1").held == {first: micros(1), soon: micros(1), last: micros("0.5")}


def test_a_call_is_paid_by_what_it_holds_in_the_order_in_which_lots_are_spent(books: Books) -> None:
    last = books.grant(1)
    books.authorize(500, "c1")
    first = books.grant(1, priority=-1)
    books.extend("c1", 500, 700)

    books.settle("c1", 900, NOW)

    assert books.entries()[-1].draws == {first: -micros("0.7"), last: -micros("0.2")}
    assert books.balance().available_micros == micros("1.1")


def test_what_a_released_call_held_of_its_users_limit_is_free_for_the_next_of_its_batch(books: Books) -> None:
    books.grant(10)
    user_no = make_user(
        books.database, books.account_id, "MCOPSTNPAYG", "MCOPSTNPP", monthly_limit_micros=micros("0.1")
    )
    books.authorize(100, "c1", user_no=user_no)

    refused, _, granted = books.post(
        Authorization(books.account_id, "c2", PRICED, 60, user_no=user_no),
        Release(books.account_id, "c1"),
        Authorization(books.account_id, "c3", PRICED, 60, user_no=user_no),
    )

    assert isinstance(refused, CallAnswer)
    assert refused.reason == RefusalReason.USER_LIMIT_REACHED
    assert isinstance(granted, CallAnswer)
    assert granted.max_duration_seconds == 60


def test_finished_calls_leave_alone_what_is_held(books: Books) -> None:
    books.grant(1)
    books.authorize(800, "c1")

    books.record(a_call("0.5"))

    assert (books.balance().owed_micros, books.balance().reserved_micros) == (micros("0.3"), micros("0.8"))
    assert books.breaches() == []


def test_the_record_of_a_call_in_progress_settles_it(books: Books) -> None:
    books.grant(10)
    books.authorize(60, "c1")

    (outcome,) = books.record(a_call("0.045", call_id="c1"))

    assert (outcome.status, outcome.charge_micros, outcome.duplicate) == (CallStatus.SETTLED, micros("0.045"), False)
    assert books.balance().reserved_micros == 0
    assert books.breaches() == []


def test_the_record_of_a_settled_call_reconciles_and_charges_nothing(books: Books) -> None:
    books.grant(10)
    books.authorize(60, "c1")
    books.settle("c1", 45, NOW)
    before = books.dump()

    (outcome,) = books.record(a_call("0.046", call_id="c1", answered_at=NOW - SECOND, from_number="+1"))

    assert (outcome.charge_micros, outcome.duplicate, outcome.refusal) == (micros("0.045"), True, None)
    assert books.dump() == before


def test_the_record_of_a_settled_call_to_somebody_else_is_refused(books: Books) -> None:
    books.grant(10)
    books.authorize(60, "c1")
    books.settle("c1", 45, NOW)

    (outcome,) = books.record(a_call("0.045", call_id="c1", to_number="+442079460001"))

    assert outcome.refusal is not None
    assert outcome.refusal.code == Code.IDEMPOTENCY_KEY_REUSED


def test_a_call_is_priced_by_the_deck_in_force_when_it_was_answered(books: Books) -> None:
    books.grant(10)
    with books.database.transaction() as session:
        publish_deck(
            session, name="standard", currency="USD", effective_from=NOW + 30 * SECOND, decimals=6,
            rounding=Rounding.HALF_UP, now=NOW,
            drafts=[RateDraft(Service.USER_OUT, "44", "United Kingdom", tiers=(Tier(0, 120_000_000, 1),))],
        )  # fmt: skip
    books.authorize(60, "before")
    books.authorize(60, "after")
    books.advance(NOW + 5 * MINUTE)

    before = books.settle("before", 60, NOW + 30 * SECOND - 1)
    after = books.settle("after", 60, NOW + 30 * SECOND)

    assert [each.call and each.call.charge_micros for each in (before, after)] == [micros("0.06"), micros("0.12")]
    assert books.breaches() == []


def test_one_bad_message_spoils_no_other_of_its_batch(books: Books) -> None:
    books.grant(10)

    good, bad, other = books.post(
        Authorization(books.account_id, "c1", PRICED, 60),
        Settlement(books.account_id, "nowhere", 10),
        Reports(books.account_id, [a_call(1, call_id="c2")]),
    )

    assert isinstance(good, CallAnswer)
    assert good.authorized
    assert isinstance(bad, Refusal)
    assert isinstance(other, list)
    assert other[0].charge_micros == micros(1)


def test_the_messages_of_one_batch_see_each_other_in_their_order(books: Books) -> None:
    books.grant(10)

    _, settled, again = books.post(
        Authorization(books.account_id, "c1", PRICED, 60),
        Settlement(books.account_id, "c1", 45, NOW),
        Settlement(books.account_id, "c1", 45, NOW),
    )

    assert isinstance(settled, CallAnswer)
    assert isinstance(again, CallAnswer)
    assert settled.call == again.call
    assert len(books.entries()) == 2
    assert books.breaches() == []


def test_a_batch_holds_many_accounts_and_charges_each_its_own(database: Database) -> None:
    mine, yours = open_books(database), open_books(database)
    mine.grant(10)
    yours.grant(20)

    mine.post(*(Authorization(books.account_id, f"c{n}", PRICED, 60) for n in range(9) for books in (mine, yours)))
    mine.post(*(Settlement(books.account_id, f"c{n}", 10, NOW) for n in range(9) for books in (yours, mine)))

    assert (mine.balance().available_micros, yours.balance().available_micros) == (micros("9.91"), micros("19.91"))
    assert mine.breaches() == []


def test_an_account_that_is_not_there_refuses_its_own_messages_only(books: Books) -> None:
    books.grant(10)

    lost, found = books.post(Authorization(1, "c1", PRICED, 60), Authorization(books.account_id, "c1", PRICED, 60))

    assert isinstance(lost, Refusal)
    assert (lost.code, lost.field) == (Code.NOT_FOUND, ("accountId",))
    assert isinstance(found, CallAnswer)


def test_what_is_only_promised_is_not_told_of_as_gone(books: Books) -> None:
    books.grant(1)

    books.authorize(1_000)

    with books.database.reading() as session:
        assert session.rows("SELECT kind FROM notice") == []


def test_a_promise_that_takes_the_balance_below_the_trigger_recharges(books: Books) -> None:
    books.grant(100)
    with books.database.transaction() as session:
        session.execute("UPDATE account SET recharge_below_micros = ?", micros(50))
        session.execute(
            "INSERT INTO auto_recharge (account_id, enabled, strategy, trigger_micros, amount_micros)"
            " VALUES (?, ?, 'FIXED_AMOUNT', ?, ?)",
            books.account_id, True, micros(50), micros(50),
        )  # fmt: skip

    books.authorize(60_000)

    with books.database.reading() as session:
        assert session.rows("SELECT outcome FROM recharge_decision") == [("NO_PAYMENT_METHOD",)]


def test_no_more_is_ever_held_than_is_available(books: Books) -> None:
    books.grant(1)

    with pytest.raises(AssertionError, match="no more is promised"), books.database.transaction() as session:
        from credits.due import open_journal

        journal: Journal = open_journal(session, books.account_id, NOW, books.terms)
        journal.hold(micros(2))


def test_a_reports_other_values_are_told_apart_from_the_same(books: Books) -> None:
    books.grant(10)
    report = a_call(1, call_id="c1")
    books.record(report)

    same, other = books.record(report, replace(report, duration_seconds=999))

    assert same.duplicate
    assert other.refusal is not None


def test_calls_are_found_by_their_keys_in_tables_that_were_empty_a_moment_ago(postgresql_database: Database) -> None:
    """PostgreSQL would keep the plan that was right for three rows, and read all calls for each."""
    books = open_books(postgresql_database)
    books.grant(100)
    before = rows_read_in_order(postgresql_database)

    for number in range(60):
        books.post(*(Authorization(books.account_id, f"{number}-{each}", PRICED, 60) for each in range(5)))
        books.post(*(Settlement(books.account_id, f"{number}-{each}", 30) for each in range(5)))

    assert rows_read_in_order(postgresql_database) == before


def rows_read_in_order(database: Database) -> dict[str, int]:
    """How many rows PostgreSQL has read of tables that it went through from end to end."""
    with database.transaction() as session:
        session.rows("SELECT pg_stat_force_next_flush()")
    with database.reading() as session:
        return dict(
            session.rows("SELECT relname, seq_tup_read FROM pg_stat_user_tables WHERE relname IN ('call', 'lot')")
        )
