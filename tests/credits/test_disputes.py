"""Disputes: what is left is kept back while one is open, returns when it is won, and is gone when it is lost."""

import threading
from itertools import permutations

import pytest

from credits.auto_recharge import Wanted, set_auto_recharge
from credits.instants import DAY, HOUR
from credits.providers import Outcome, RefundAnswer, Unavailable
from credits.refunds import LEASE
from credits.refusals import Code, Refusal
from db.kinds import DisputeStatus, EntryKind, LotSource, NoticeKind
from db.session import Database
from tests.bank import Bought, buy_live
from tests.factories import micros

OPEN, WON, LOST = DisputeStatus.OPEN, DisputeStatus.WON, DisputeStatus.LOST


@pytest.fixture
def live(database: Database) -> Bought:
    """A LIVE account that has bought 100, with a bank of the test's own."""
    return buy_live(database)


def hear(live: Bought, amount: int | str, status: str = "OPEN") -> None:
    """A dispute stands so, and the provider says that something happened."""
    live.bank.contests(amount, status)
    live.hear_disputes()


@pytest.mark.parametrize(("contested", "held"), [(69, 69), (70, 70), (71, 70), (100, 70)])
def test_an_open_dispute_keeps_back_what_the_lot_still_holds(live: Bought, contested: int, held: int) -> None:
    live.books.charge(30)

    hear(live, contested)

    assert live.disputes() == [(OPEN, micros(held))]
    assert live.books.lot(1).remaining_micros == micros(70 - held)
    assert live.books.balance().owed_micros == 0
    assert live.told(NoticeKind.FUNDS_DISPUTED) == 1
    assert live.books.breaches() == []


def test_a_dispute_that_is_won_gives_back_what_was_kept(live: Bought) -> None:
    live.books.charge(30)
    hear(live, 100)

    hear(live, 100, "WON")

    assert live.disputes() == [(WON, micros(70))]
    assert live.books.lot(1).remaining_micros == micros(70)
    assert live.books.entries()[-1][:2] == (EntryKind.REVERSAL, micros(70))
    assert live.told(NoticeKind.FUNDS_DISPUTED) == 2
    assert live.books.breaches() == []


def test_a_dispute_that_is_lost_takes_the_rest_too_as_owed(live: Bought) -> None:
    live.books.charge(30)
    hear(live, 100)

    hear(live, 100, "LOST")

    assert live.disputes() == [(LOST, micros(100))]
    assert live.books.balance().owed_micros == micros(30)
    assert live.books.breaches() == []


def test_what_is_lost_is_repaid_from_other_funds(live: Bought) -> None:
    live.books.charge(30)
    hear(live, 100)
    live.books.grant(50)

    hear(live, 100, "LOST")

    assert live.books.balance().current_micros == micros(20)
    assert live.books.lot(2).remaining_micros == micros(20)
    assert live.books.breaches() == []


@pytest.mark.parametrize("end", ["WON", "LOST"])
@pytest.mark.parametrize("order", sorted(set(permutations("ABB"))))
def test_messages_may_come_twice_late_or_out_of_order(live: Bought, order: tuple[str, ...], end: str) -> None:
    for each in order:
        hear(live, 100, "OPEN" if each == "A" else end)
    hear(live, 100)

    taken = 100 if end == "LOST" else 0
    assert [status for status, _ in live.disputes()] == [end]
    assert live.books.lot(1).remaining_micros == micros(100 - taken)
    assert live.books.balance().owed_micros == 0
    assert live.books.breaches() == []


def test_what_is_given_back_after_its_lots_time_lasts_as_long_as_the_lot_still_had(live: Bought) -> None:
    expires_at = live.books.lot(1).expires_at
    live.books.advance(expires_at - 5 * DAY)
    hear(live, 100)

    live.books.advance(expires_at + 30 * DAY)
    hear(live, 100, "WON")

    late = live.books.lots()[-1]
    assert (late.source, late.remaining_micros) == (LotSource.ADJUSTMENT, micros(100))
    assert late.expires_at == live.books.now + 5 * DAY
    assert live.books.breaches() == []


def test_while_a_payment_is_contested_nothing_of_it_is_refunded_and_its_lot_is_not_voided(live: Bought) -> None:
    hear(live, 40)
    before = live.books.dump()

    for verb in (lambda: live.refund(10), lambda: live.books.void(1)):
        with pytest.raises(Refusal) as refused:
            verb()
        assert refused.value.code == Code.CONFLICT

    assert live.books.dump() == before


def test_of_a_payment_that_is_lost_nothing_more_is_refunded(live: Bought) -> None:
    hear(live, 40, "LOST")

    with pytest.raises(Refusal) as refused:
        live.refund(10)

    assert refused.value.code == Code.CONFLICT


def test_after_a_dispute_that_was_won_money_can_be_refunded_again(live: Bought) -> None:
    hear(live, 100)
    hear(live, 100, "WON")

    live.refund(100)

    assert live.books.lot(1).remaining_micros == 0
    assert live.books.breaches() == []


@pytest.mark.parametrize("end", ["WON", "LOST"])
def test_a_refund_before_a_dispute_is_not_taken_again(live: Bought, end: str) -> None:
    live.refund(60)
    hear(live, 100)
    assert live.disputes() == [(OPEN, micros(40))]

    hear(live, 100, end)

    assert live.books.lot(1).remaining_micros == (micros(40) if end == "WON" else 0)
    assert live.books.balance().owed_micros == 0
    assert live.books.breaches() == []


@pytest.mark.parametrize("end", ["WON", "LOST"])
@pytest.mark.parametrize("spent", [0, 30])
def test_a_refund_at_the_provider_during_a_dispute_is_not_taken_twice(live: Bought, spent: int, end: str) -> None:
    if spent:
        live.books.charge(spent)
    hear(live, 100)
    live.bank.tells_of(100)
    live.hear_refunds()
    assert live.books.breaches() == []

    hear(live, 100, end)

    assert live.books.lot(1).remaining_micros == 0
    assert live.books.balance().owed_micros == micros(spent)
    assert live.books.breaches() == []


@pytest.mark.parametrize("end", ["WON", "LOST"])
def test_a_refund_at_the_provider_takes_first_what_a_dispute_keeps_back(live: Bought, end: str) -> None:
    hear(live, 60)
    live.bank.tells_of(70)

    live.hear_refunds()

    assert live.disputes() == [(OPEN, 0)]
    assert live.books.lot(1).remaining_micros == micros(30)
    hear(live, 60, end)
    assert live.books.lot(1).remaining_micros == (micros(30) if end == "WON" else 0)
    assert live.books.balance().owed_micros == 0
    assert live.books.breaches() == []


@pytest.mark.parametrize("status", ["OPEN", "LOST"])
@pytest.mark.parametrize(("refunded", "contested", "back"), [(100, 100, 0), (60, 100, 0), (100, 70, 30), (60, 30, 70)])
def test_a_refund_that_fails_returns_nothing_that_is_contested_or_lost(
    live: Bought, refunded: int, contested: int, back: int, status: str
) -> None:
    live.bank.answers = [Unavailable(), RefundAnswer(Outcome.DECLINED, None, "The charge is disputed.")]
    live.refund(refunded)
    hear(live, contested, status)
    live.books.advance(live.books.now + LEASE)

    live.drive()

    assert live.disputes() == [(status, micros(contested))]
    assert live.books.balance().available_micros == micros(back)
    assert live.books.breaches() == []
    hear(live, contested, "LOST" if status == "LOST" else "WON")
    assert live.books.balance().available_micros == micros(back if status == "LOST" else 100)
    assert live.books.breaches() == []


def test_a_refund_that_fails_after_its_lots_time_returns_nothing_that_is_lost(live: Bought) -> None:
    live.bank.answers = [Unavailable(), RefundAnswer(Outcome.DECLINED)]
    live.refund(100)
    hear(live, 100, "LOST")
    live.books.advance(live.books.lot(1).expires_at + DAY)

    live.drive()

    assert len(live.books.lots()) == 1
    assert live.books.balance().available_micros == 0
    assert live.books.breaches() == []


def test_of_two_disputes_the_one_that_is_lost_takes_what_the_other_gives_free(live: Bought) -> None:
    for number in range(2):
        live.bank.contests(60, dispute_id=f"dp_{number}")
    live.hear_disputes()
    live.bank.contests(60, "LOST", dispute_id="dp_1")
    live.hear_disputes()

    live.bank.contests(60, "WON", dispute_id="dp_0")
    live.hear_disputes()

    assert sorted(live.disputes()) == [(LOST, micros(60)), (WON, micros(60))]
    assert live.books.balance().available_micros == micros(40)
    assert live.books.breaches() == []


@pytest.mark.parametrize("after", [HOUR, 100 * DAY])
def test_what_was_kept_back_after_its_lots_time_cannot_be_spent_when_it_returns(live: Bought, after: int) -> None:
    live.books.advance(live.books.lot(1).expires_at + HOUR)
    live.books.bring_up_to_date()
    hear(live, 100)
    live.books.advance(live.books.now + after)

    hear(live, 100, "WON")

    assert live.books.balance().available_micros == 0
    assert len(live.books.lots()) == 1
    assert live.books.breaches() == []


def test_two_disputes_of_one_payment_take_no_more_than_it_brought(live: Bought) -> None:
    for number in range(2):
        live.bank.contests(60, dispute_id=f"dp_{number}")
    live.hear_disputes()
    assert live.disputes() == [(OPEN, micros(60)), (OPEN, micros(40))]

    for number in range(2):
        live.bank.contests(60, "LOST", dispute_id=f"dp_{number}")
    live.hear_disputes()

    assert live.disputes() == [(LOST, micros(60)), (LOST, micros(40))]
    assert live.books.balance().owed_micros == 0
    assert live.books.breaches() == []


def test_a_provider_that_does_not_answer_is_said_to_be_away(live: Bought) -> None:
    live.bank.is_away = True

    with pytest.raises(Unavailable):
        live.hear_disputes()


def test_many_who_hear_of_one_dispute_act_once(live: Bought) -> None:
    live.books.charge(30)
    live.bank.contests(100, "LOST")
    hearers = [threading.Thread(target=live.hear_disputes) for _ in range(4)]
    for hearer in hearers:
        hearer.start()
    for hearer in hearers:
        hearer.join()

    assert live.disputes() == [(LOST, micros(100))]
    assert live.books.balance().owed_micros == micros(30)
    assert live.told(NoticeKind.FUNDS_DISPUTED) == 1
    assert live.books.breaches() == []


def test_a_contested_payment_lets_automatic_recharge_stand_still(live: Bought) -> None:
    books = live.books
    wanted = Wanted(enabled=True, trigger_micros=micros(50), amount_micros=micros(100))
    with books.database.transaction() as session:
        set_auto_recharge(
            session, account_id=books.account_id, wanted=wanted, providers=live.providers, now=books.now,
            terms=books.terms,
        )  # fmt: skip

    hear(live, 100)

    with books.database.reading() as session:
        assert session.rows("SELECT paused_reason FROM auto_recharge") == [("DISPUTED",)]
        assert session.rows("SELECT outcome FROM recharge_decision") == [("PAUSED",)]
    assert books.account().recharge_count == 1
    assert live.told("AUTO_RECHARGE_PAUSED") == 1
