"""Refunds: at most what the lot holds, asked for once, and never lost; and those that others make at the provider."""

import threading
from dataclasses import replace
from typing import Any

import pytest

from credits import refunds
from credits.accounts import update_account
from credits.instants import DAY, HOUR
from credits.providers import Outcome, RefundAnswer, Unavailable
from credits.refunds import LEASE, refunds_due
from credits.refusals import Code, Refusal
from db.kinds import AccountStatus, EntryKind, LotSource, NoticeKind, RefundStatus
from db.session import Database
from tests.bank import Bought, buy, buy_live
from tests.books import Books
from tests.factories import make_agreement, make_card, make_lot, make_recharge, make_test_account, micros

SUCCEEDED, PROCESSING, FAILED = RefundStatus.SUCCEEDED, RefundStatus.PROCESSING, RefundStatus.FAILED
LOST = RefundAnswer(Outcome.LOST)
WILL_NOT = RefundAnswer(Outcome.DECLINED, "re_1", "The card's bank refuses it.")


@pytest.fixture
def bought(books: Books) -> Bought:
    """A TEST account that has bought 100, and nothing else."""
    return buy(books)


@pytest.fixture
def live(database: Database) -> Bought:
    """A LIVE account that has bought 100, with a bank of the test's own."""
    return buy_live(database)


def refused(bought: Bought, amount: int | str | None = None, **values: Any) -> Refusal:
    """The refusal of a refund, which must have left no trace and asked nobody."""
    before = bought.books.dump()
    asked = len(bought.bank.asked)

    with pytest.raises(Refusal) as refused:
        bought.refund(amount, **values)

    assert bought.books.dump() == before
    assert len(bought.bank.asked) == asked
    return refused.value


def test_a_refund_takes_its_funds_from_the_lot_and_goes_back_once(bought: Bought) -> None:
    bought.refund(40)

    assert bought.refunds() == [(SUCCEEDED, micros(40))]
    assert list(bought.bank.paid_back.values()) == [micros(40)]
    assert bought.books.lot(1).remaining_micros == micros(60)
    assert bought.books.entries()[-1][:2] == (EntryKind.REFUND, -micros(40))
    assert bought.told(NoticeKind.FUNDS_REFUNDED) == 1
    assert bought.books.breaches() == []


def test_without_an_amount_all_that_the_lot_still_holds_goes_back(bought: Bought) -> None:
    bought.books.charge("12.345")

    bought.refund()

    assert bought.refunds() == [(SUCCEEDED, micros("87.65"))]
    assert bought.books.lot(1).remaining_micros == micros("0.005")


@pytest.mark.parametrize("amount", ["69.99", "70"])
def test_as_much_as_the_lot_holds_can_be_refunded(bought: Bought, amount: str) -> None:
    bought.books.charge(30)

    bought.refund(amount)

    assert bought.refunds() == [(SUCCEEDED, micros(amount))]
    assert bought.books.breaches() == []


@pytest.mark.parametrize(("currency", "left"), [("KWD", "0.005"), ("USD", "0.005"), ("JPY", "0.345"), ("UGX", "0.345")])
def test_a_card_gets_back_no_finer_coins_than_it_can_be_charged(books: Books, currency: str, left: str) -> None:
    account_id = make_test_account(books.database, currency=currency)
    bought = buy(replace(books, account_id=account_id), 10_000)
    bought.bank.tells_of("5.655")
    bought.hear_refunds()

    assert refused(bought, "12.345").field == ("amount",)
    bought.refund()

    assert bought.books.lot(1).remaining_micros == micros(left)


def test_an_invoice_of_thousandths_is_refunded_in_thousandths(books: Books) -> None:
    account_id = make_test_account(books.database, currency="KWD")
    make_agreement(books.database, account_id)
    invoiced = Bought(replace(books, account_id=account_id), make_recharge(books.database, account_id))

    invoiced.refund("12.345")

    assert invoiced.refunds() == [(SUCCEEDED, micros("12.345"))]


def test_more_than_the_lot_holds_is_refused(bought: Bought) -> None:
    bought.books.charge(30)

    refusal = refused(bought, "70.01")

    assert (refusal.code, refusal.field) == (Code.CONFLICT, ("amount",))
    assert str(refusal) == "No more than Money(micros=70000000, currency='USD') is left of this to be refunded."


def test_other_lots_give_nothing_to_a_refund(bought: Bought) -> None:
    bought.books.charge(100)
    bought.books.grant(50)

    assert refused(bought).code == Code.CONFLICT


def test_funds_whose_settlement_window_has_closed_are_not_refunded(bought: Bought) -> None:
    expires_at = bought.books.lot(1).expires_at
    bought.books.advance(expires_at + bought.books.terms.settlement_window)

    assert refused(bought).code == Code.CONFLICT


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"amount": 0}, Code.INVALID, "amount"),
        ({"amount": -1}, Code.INVALID, "amount"),
        ({"amount": "10.001"}, Code.INVALID, "amount"),
        ({"amount_micros": 10**15 + 1}, Code.INVALID, "amount"),
        ({"reason": " "}, Code.INVALID, "reason"),
        ({"reason": "x" * 501}, Code.INVALID, "reason"),
        ({"recharge_no": 9}, Code.NOT_FOUND, "rechargeId"),
        ({"idempotency_key": ""}, Code.INVALID, "idempotencyKey"),
    ],
)
def test_what_cannot_be_right_is_refused(bought: Bought, values: dict[str, Any], code: Code, field: str) -> None:
    refusal = refused(bought, **values)

    assert (refusal.code, refusal.field) == (code, (field,))


def test_what_was_not_paid_is_not_refunded(bought: Bought) -> None:
    make_card(bought.books.database, bought.books.account_id, "tok_declined")
    failed = make_recharge(bought.books.database, bought.books.account_id)

    assert refused(bought, recharge_no=failed).code == Code.CONFLICT


def test_a_closed_account_gives_nothing_back(bought: Bought) -> None:
    with bought.books.database.transaction() as session:
        update_account(session, account_id=bought.books.account_id, status=AccountStatus.CLOSED)

    assert refused(bought).code == Code.CONFLICT


def test_the_same_key_gives_back_once(bought: Bought) -> None:
    for _ in range(2):
        bought.refund(40, idempotency_key="k")

    assert bought.refunds() == [(SUCCEEDED, micros(40))]


def test_the_same_key_with_other_values_is_refused(bought: Bought) -> None:
    bought.refund(40, idempotency_key="k")

    assert refused(bought, 41, idempotency_key="k").code == Code.IDEMPOTENCY_KEY_REUSED
    assert refused(bought, 40, idempotency_key="k", reason="Another").code == Code.IDEMPOTENCY_KEY_REUSED


def test_a_refund_whose_answer_was_lost_is_asked_for_again_under_its_own_id(live: Bought) -> None:
    live.bank.answers = [Unavailable(), LOST]

    for _ in range(3):
        live.refund(40, idempotency_key="k")

    assert live.refunds() == [(SUCCEEDED, micros(40))]
    assert len({request.key for request in live.bank.asked}) == 1
    assert len(live.bank.asked) == 3
    assert live.books.lot(1).remaining_micros == micros(60)
    assert live.told(NoticeKind.FUNDS_REFUNDED) == 1


def test_the_worker_takes_up_a_refund_when_it_is_due(live: Bought) -> None:
    live.bank.answers = [LOST]
    live.refund(40)
    with live.books.database.reading() as session:
        assert refunds_due(session, live.books.now) == []
        assert refunds_due(session, live.books.now + LEASE) == [(live.books.account_id, 1)]
    live.drive()
    assert live.refunds() == [(PROCESSING, micros(40))]

    live.books.advance(live.books.now + LEASE)
    live.drive()

    assert live.refunds() == [(SUCCEEDED, micros(40))]
    with live.books.database.reading() as session:
        assert refunds_due(session, live.books.now + DAY) == []


def test_a_refund_that_does_not_go_back_returns_to_its_lot(live: Bought) -> None:
    live.bank.answers = [WILL_NOT]

    live.refund(40)

    assert live.refunds() == [(FAILED, micros(40))]
    assert live.books.lot(1).remaining_micros == micros(100)
    assert [entry.kind for entry in live.books.entries()][1:] == [EntryKind.REFUND, EntryKind.REVERSAL]
    assert live.told(NoticeKind.FUNDS_REFUNDED) == 0
    assert live.books.breaches() == []


def test_what_returns_to_an_emptied_lot_repays_what_is_owed_and_still_expires(live: Bought) -> None:
    live.bank.answers = [LOST, WILL_NOT]
    live.refund()
    live.books.charge(30)

    live.books.advance(live.books.now + LEASE)
    live.drive()

    assert live.books.lot(1).remaining_micros == micros(70)
    assert live.books.balance().owed_micros == 0
    live.books.advance(live.books.lot(1).expires_at + live.books.terms.settlement_window)
    live.books.bring_up_to_date()
    assert live.books.lot(1).forfeited_at is not None
    assert live.books.breaches() == []


@pytest.mark.parametrize("after", [0, 10 * DAY])
def test_what_returns_after_its_lots_time_lasts_as_long_as_the_lot_still_had(live: Bought, after: int) -> None:
    expires_at = live.books.lot(1).expires_at
    live.books.advance(expires_at - 5 * DAY)
    live.bank.answers = [LOST, WILL_NOT]
    live.refund(40)

    live.books.advance(expires_at + after)
    live.drive()

    late = live.books.lots()[-1]
    assert (late.source, late.amount_micros, late.recharge_no) == (LotSource.ADJUSTMENT, micros(40), None)
    assert late.expires_at == live.books.now + 5 * DAY
    assert live.books.balance().current_micros == micros(40)
    assert live.books.breaches() == []


def test_a_lot_of_which_money_is_being_refunded_is_not_voided(live: Bought) -> None:
    live.bank.answers = [LOST]
    live.refund(40)
    before = live.books.dump()

    with pytest.raises(Refusal) as refused:
        live.books.void(1)

    assert refused.value.code == Code.CONFLICT
    assert live.books.dump() == before
    live.books.advance(live.books.now + LEASE)
    live.drive()
    live.books.void(1)
    assert live.books.breaches() == []


def test_money_of_a_voided_lot_that_comes_back_gets_a_lot_of_its_own(live: Bought) -> None:
    live.refund(40)
    live.books.void(1)
    live.bank.tells_of(40, f"re_{live.bank.asked[0].key}", outcome=Outcome.DECLINED)

    live.hear_refunds()

    assert live.refunds() == [(FAILED, micros(40))]
    assert live.books.lots()[-1].remaining_micros == micros(40)
    assert live.books.breaches() == []


def test_an_invoice_is_refunded_at_once_and_nobody_is_asked(books: Books) -> None:
    make_agreement(books.database, books.account_id)
    invoiced = Bought(books, make_recharge(books.database, books.account_id))

    invoiced.refund(40)

    assert invoiced.refunds() == [(SUCCEEDED, micros(40))]
    assert invoiced.bank.asked == []
    assert invoiced.told(NoticeKind.FUNDS_REFUNDED) == 1
    assert books.breaches() == []


def test_a_refund_that_was_made_at_the_provider_is_taken_once(live: Bought) -> None:
    live.bank.tells_of(40)

    for _ in range(2):
        live.hear_refunds()

    assert live.refunds() == [(SUCCEEDED, micros(40))]
    assert live.books.lot(1).remaining_micros == micros(60)
    assert live.told(NoticeKind.FUNDS_REFUNDED) == 1
    assert live.books.breaches() == []


def test_what_is_heard_again_later_changes_nothing_at_all(live: Bought) -> None:
    live.bank.tells_of(40)
    live.hear_refunds()
    before = live.books.dump()
    live.books.advance(live.books.now + DAY)

    live.hear_refunds()

    after = live.books.dump()
    assert {table for table in before if before[table] != after[table]} <= {"account"}


def test_money_that_went_back_without_us_has_its_consequences(live: Bought) -> None:
    live.books.charge(30)
    live.bank.tells_of(100)

    live.hear_refunds()

    assert live.told(NoticeKind.BALANCE_BELOW_ZERO) == 1


def test_funds_that_have_expired_repay_nothing_of_what_went_back(live: Bought) -> None:
    live.books.grant(50, expires_at=live.books.now + HOUR, priority=9)
    live.books.charge(130)
    live.books.advance(live.books.now + HOUR)
    live.bank.tells_of(100)

    live.hear_refunds()

    assert live.books.lot(2).remaining_micros == micros(20)
    assert live.books.balance().owed_micros == micros(100)
    assert live.books.breaches() == []


def test_what_was_spent_of_money_that_went_back_is_owed_and_other_funds_repay_it(live: Bought) -> None:
    live.books.charge(90)
    live.books.grant(50)
    live.bank.tells_of(100)

    live.hear_refunds()

    assert live.books.lot(1).remaining_micros == 0
    assert live.books.balance().owed_micros == micros(40)
    assert live.books.lot(2).remaining_micros == 0
    assert live.books.entries()[-2][:3] == (EntryKind.REFUND, -micros(100), -micros(90))
    assert live.books.breaches() == []


def test_our_own_refund_is_known_again_by_its_id_or_its_key(live: Bought) -> None:
    live.bank.answers = [Unavailable()]
    live.refund(40)
    live.bank.tells_of(40, "re_9", key=live.bank.asked[0].key)
    live.hear_refunds()
    live.bank.tells_of(40, "re_9")

    live.hear_refunds()

    assert live.refunds() == [(SUCCEEDED, micros(40))]
    assert live.books.lot(1).remaining_micros == micros(60)


def test_a_refund_at_the_provider_that_is_on_its_way_is_looked_after(live: Bought) -> None:
    live.bank.tells_of(40, outcome=Outcome.LOST)
    live.hear_refunds()
    assert live.refunds() == [(PROCESSING, micros(40))]

    live.books.advance(live.books.now + HOUR)
    live.bank.is_away = True
    live.drive()
    live.bank.is_away = False
    live.bank.tells_of(40, outcome=Outcome.DECLINED)
    live.books.advance(live.books.now + HOUR)
    live.drive()

    assert live.refunds() == [(FAILED, micros(40))]
    assert live.books.lot(1).remaining_micros == micros(100)
    assert live.books.breaches() == []


def test_a_refund_at_the_provider_that_failed_before_it_was_heard_of_is_nothing(live: Bought) -> None:
    before = live.books.dump()
    live.bank.tells_of(40, outcome=Outcome.DECLINED)

    live.hear_refunds()

    assert live.books.dump() == before


def test_a_refund_that_fails_after_it_had_gone_back_returns_and_a_late_message_changes_nothing(live: Bought) -> None:
    live.bank.tells_of(40)
    live.hear_refunds()
    live.bank.tells_of(40, outcome=Outcome.DECLINED)
    for _ in range(2):
        live.hear_refunds()
    live.bank.tells_of(40)

    live.hear_refunds()

    assert live.refunds() == [(FAILED, micros(40))]
    assert live.books.lot(1).remaining_micros == micros(100)
    assert live.books.breaches() == []


def test_never_more_goes_back_than_was_paid(live: Bought) -> None:
    live.refund(60)
    live.bank.tells_of(60)

    live.hear_refunds()

    assert [amount for _, amount in live.refunds()] == [micros(60), micros(40)]
    assert live.books.balance().owed_micros == 0
    assert live.books.breaches() == []


@pytest.mark.parametrize("heard_before", [False, True])
@pytest.mark.parametrize(
    ("ours", "theirs", "left"), [(100, 100, 0), (60, 80, 20), (60, 100, 0), (60, 30, 70), (20, 90, 10)]
)
def test_a_refund_that_is_refused_returns_nothing_that_went_back_at_the_provider(
    live: Bought, ours: int, theirs: int, left: int, heard_before: bool
) -> None:
    live.bank.answers = [LOST, RefundAnswer(Outcome.DECLINED, None, "It has been refunded already.")]
    live.refund(ours)
    live.bank.tells_of(theirs)
    if heard_before:
        live.hear_refunds()
    live.books.advance(live.books.now + LEASE)

    live.drive()

    live.hear_refunds()
    assert sorted(live.refunds()) == sorted([(FAILED, micros(ours)), (SUCCEEDED, micros(theirs))])
    assert live.books.lot(1).remaining_micros == micros(left)
    assert live.books.balance().owed_micros == 0
    assert live.books.breaches() == []


def test_whether_a_refund_was_refused_is_left_open_until_the_provider_tells_what_went_back(live: Bought) -> None:
    live.bank.answers = [WILL_NOT]
    live.bank.is_away = True

    live.refund(40)

    assert live.refunds() == [(PROCESSING, micros(40))]
    assert live.books.lot(1).remaining_micros == micros(60)


def test_a_refund_that_is_refused_but_was_made_has_gone_back(live: Bought) -> None:
    live.bank.answers = [LOST, WILL_NOT]
    live.refund(40)
    live.bank.tells_of(40, "re_9", key=live.bank.asked[0].key)
    live.books.advance(live.books.now + LEASE)

    live.drive()

    assert live.refunds() == [(SUCCEEDED, micros(40))]
    assert live.books.lot(1).remaining_micros == micros(60)


@pytest.mark.parametrize("spent", [0, 30])
def test_when_one_refund_at_the_provider_fails_another_takes_its_place(live: Bought, spent: int) -> None:
    if spent:
        live.books.charge(spent)
    live.bank.tells_of(80, "re_1")
    live.bank.tells_of(60, "re_2")
    live.hear_refunds()
    assert live.refunds() == [(SUCCEEDED, micros(80)), (SUCCEEDED, micros(20))]
    live.bank.tells_of(80, "re_1", outcome=Outcome.DECLINED)

    live.hear_refunds()

    assert live.refunds() == [(FAILED, micros(80)), (SUCCEEDED, micros(60))]
    assert live.books.balance().available_micros == micros(40 - spent)
    assert live.books.breaches() == []


@pytest.mark.parametrize("after_days", [1, 30])
def test_what_was_taken_after_its_lots_time_cannot_be_spent_when_it_returns(live: Bought, after_days: int) -> None:
    lot, window = live.books.lot(1), live.books.terms.settlement_window
    live.books.advance(lot.expires_at + HOUR)
    live.bank.answers = [LOST, WILL_NOT]
    live.refund(40)
    live.books.advance(lot.expires_at + after_days * DAY)

    live.drive()

    assert live.refunds() == [(FAILED, micros(40))]
    assert live.books.balance().available_micros == 0
    assert live.books.breaches() == []
    live.books.advance(max(live.books.now, lot.expires_at + window))
    live.books.bring_up_to_date()
    assert [each.remaining_micros for each in live.books.lots()] == [0]
    assert live.books.lot(1).forfeited_at is not None
    assert live.books.entries()[-1].kind == EntryKind.EXPIRY
    assert live.books.breaches() == []


def test_what_is_owed_for_a_refund_after_its_lots_time_is_repaid_when_it_fails(live: Bought) -> None:
    live.books.advance(live.books.lot(1).expires_at + live.books.terms.settlement_window)
    live.bank.tells_of(100)
    live.hear_refunds()
    assert live.books.balance().owed_micros == micros(100)
    live.bank.tells_of(100, outcome=Outcome.DECLINED)

    live.hear_refunds()

    assert (live.books.balance().owed_micros, live.books.balance().available_micros) == (0, 0)
    assert live.books.breaches() == []


def test_a_provider_that_does_not_answer_is_said_to_be_away(live: Bought) -> None:
    live.bank.is_away = True

    with pytest.raises(Unavailable):
        live.hear_refunds()


def test_a_payment_that_is_not_ours_yet_has_no_refunds(bought: Bought) -> None:
    make_card(bought.books.database, bought.books.account_id, "tok_declined")
    failed = Bought(bought.books, make_recharge(bought.books.database, bought.books.account_id), bought.bank)
    failed.bank.tells_of(40)

    failed.hear_refunds()
    failed.hear_disputes()

    assert failed.refunds() == []


@pytest.mark.parametrize("keys", ["one key", "many keys"])
def test_racing_refunds_give_back_no_more_than_the_lot_holds(bought: Bought, keys: str) -> None:
    def refund(number: int) -> None:
        try:
            bought.refund(40, idempotency_key="k" if keys == "one key" else f"k{number}")
        except Refusal:
            turned_away.append(number)

    turned_away: list[int] = []
    racers = [threading.Thread(target=refund, args=(number,)) for number in range(6)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()

    given = 1 if keys == "one key" else 2
    assert bought.refunds() == [(SUCCEEDED, micros(40))] * given
    assert len(turned_away) == (0 if keys == "one key" else 4)
    assert bought.books.lot(1).remaining_micros == micros(100 - 40 * given)
    assert bought.books.breaches() == []


def test_many_who_hear_of_one_refund_take_it_once(live: Bought) -> None:
    live.bank.tells_of(40)
    hearers = [threading.Thread(target=live.hear_refunds) for _ in range(4)]
    for hearer in hearers:
        hearer.start()
    for hearer in hearers:
        hearer.join()

    assert live.refunds() == [(SUCCEEDED, micros(40))]
    assert live.books.breaches() == []


def test_a_test_clock_takes_up_a_refund_that_was_left_waiting(bought: Bought, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:  # the machine stops after the refund is written down
        patch.setattr(refunds, "drive_refund", lambda *_, **__: None)
        bought.refund(40)
    assert bought.refunds() == [(RefundStatus.PENDING, micros(40))]

    bought.books.advance(bought.books.now + HOUR)

    assert bought.refunds() == [(SUCCEEDED, micros(40))]
    assert bought.books.breaches() == []


def test_whoever_comes_after_a_crash_need_not_move_a_test_clock(bought: Bought) -> None:
    bought.bank.answers = [MemoryError()]
    with pytest.raises(MemoryError):
        bought.refund(40)

    with bought.books.database.reading() as session:
        assert refunds_due(session, 0) == [(bought.books.account_id, 1)]
    bought.drive()
    assert bought.refunds() == [(SUCCEEDED, micros(40))]


def test_the_notes_of_a_refund_are_its_reason(bought: Bought) -> None:
    bought.refund(40, reason="  Ordered twice ")

    with bought.books.database.reading() as session:
        assert session.rows("SELECT reason FROM refund") == [("Ordered twice",)]
        assert session.rows("SELECT note FROM ledger_entry WHERE kind = 'REFUND'") == [("Ordered twice",)]


def test_a_grant_is_no_recharge_and_is_not_refunded(bought: Bought) -> None:
    make_lot(bought.books.database, bought.books.account_id)

    assert refused(bought, recharge_no=2).code == Code.NOT_FOUND
