"""Automatic recharge: strictly below the trigger, one at a time, sized once, within the day's limit, never a storm."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from credits import auto_recharge, payment_methods
from credits.accounts import update_account
from credits.auto_recharge import Wanted
from credits.automatic import amount_to_buy, rule_of
from credits.instants import DAY, HOUR, instant
from credits.providers import Outcome, PaymentAnswer, Providers, TestProvider, Unavailable
from credits.recharging import Wish, cancel_recharge, drive, hear, recharges_due
from credits.refusals import Code, Refusal
from credits.terms import Terms
from db.kinds import (
    AccountMode,
    AccountStatus,
    DecisionOutcome,
    LotSource,
    PauseReason,
    RechargeStatus,
    RechargeStrategy,
)
from db.session import Database
from tests.books import Books, open_books
from tests.factories import NOW, PROVIDERS, make_agreement, make_card, make_recharge, micros

SMALL = Terms(usual_minimum_recharge_units=1)


def set_rule(
    books: Books,
    trigger: int | str | None = 5,
    amount: int | str | None = 10,
    providers: Providers = PROVIDERS,
    **values: Any,
) -> None:
    """Switch automatic recharge on."""
    wanted = Wanted(
        **{
            "enabled": True,
            "trigger_micros": None if trigger is None else micros(trigger),
            "amount_micros": None if amount is None else micros(amount),
            **values,
        }
    )
    with books.database.transaction() as session:
        auto_recharge.set_auto_recharge(
            session, account_id=books.account_id, wanted=wanted, providers=providers, now=books.now, terms=books.terms
        )


def go_on(books: Books) -> None:
    """Let the clock stand, and do what is due now, as the worker does."""
    books.advance(books.now)


def recharges(books: Books) -> list[tuple[Any, ...]]:
    """Status, amount and attempts of every recharge."""
    with books.database.reading() as session:
        return session.rows(
            "SELECT status, amount_micros, attempts FROM recharge WHERE account_id = ? ORDER BY recharge_no",
            books.account_id,
        )


def decisions(books: Books) -> list[tuple[str, int]]:
    """What was decided, and how often in a row."""
    with books.database.reading() as session:
        return session.rows(
            "SELECT outcome, times FROM recharge_decision WHERE account_id = ? ORDER BY decision_no", books.account_id
        )


def paused(books: Books) -> str | None:
    """Why the rule stands still."""
    with books.database.reading() as session:
        found = session.row("SELECT paused_reason FROM auto_recharge WHERE account_id = ?", books.account_id)
    assert found is not None
    return None if found[0] is None else str(found[0])


def notices(books: Books) -> list[str]:
    """The kinds of the notices that were written."""
    with books.database.reading() as session:
        return [
            kind
            for (kind,) in session.rows(
                "SELECT kind FROM notice WHERE account_id = ? ORDER BY notice_no", books.account_id
            )
        ]


@pytest.fixture
def small(database: Database) -> Books:
    """A TEST account with 10.00, where small amounts may be bought."""
    books = open_books(database, terms=SMALL)
    books.grant(10)
    return books


@pytest.mark.parametrize(("charged", "bought"), [("4.999", 0), (5, 0), ("5.001", 1)])
def test_it_recharges_strictly_below_the_trigger(small: Books, charged: int | str, bought: int) -> None:
    make_card(small.database, small.account_id)
    set_rule(small, trigger=5, amount=10)

    small.charge(charged)
    go_on(small)

    assert len(recharges(small)) == bought
    assert small.balance().current_micros == micros(10) - micros(charged) + bought * micros(10)
    assert small.breaches() == []


def test_the_recharge_is_written_with_the_charge_and_due_at_once(small: Books) -> None:
    make_card(small.database, small.account_id)
    set_rule(small)

    small.charge(6)

    assert recharges(small) == [(RechargeStatus.PENDING, micros(10), 0)]
    with small.database.reading() as session:
        assert recharges_due(session, small.now) == [(small.account_id, 1)]


def test_what_it_buys_is_a_lot_of_its_own_kind(small: Books) -> None:
    make_card(small.database, small.account_id)
    set_rule(small)

    small.charge(6)
    go_on(small)

    assert (small.lot(2).source, small.lot(2).amount_micros) == (LotSource.AUTO_RECHARGE, micros(10))
    assert notices(small) == ["RECHARGE_SUCCEEDED"]
    assert decisions(small) == [(DecisionOutcome.RECHARGED, 1)]


def test_an_invoiced_account_recharges_too(small: Books) -> None:
    make_agreement(small.database, small.account_id)
    set_rule(small)

    small.charge(6)
    go_on(small)

    assert (recharges(small)[0][0], small.lot(2).source) == (RechargeStatus.SUCCEEDED, LotSource.INVOICE)


def test_while_one_is_on_its_way_no_other_is_begun_however_many_calls_are_charged(small: Books) -> None:
    make_card(small.database, small.account_id)
    set_rule(small)

    for _ in range(5):
        small.charge(6)

    assert len(recharges(small)) == 1
    assert decisions(small) == [(DecisionOutcome.RECHARGED, 1), (DecisionOutcome.IN_PROGRESS, 4)]


def test_one_that_brought_too_little_is_followed_by_another(small: Books) -> None:
    make_card(small.database, small.account_id)
    set_rule(small)
    for _ in range(5):
        small.charge(6)

    go_on(small)

    assert [amount for _, amount, _ in recharges(small)] == [micros(10), micros(20)]
    assert small.balance().current_micros == micros(10)


def test_funds_bought_by_hand_that_are_on_their_way_count_as_there(small: Books) -> None:
    make_card(small.database, small.account_id, "tok_timeout")
    make_recharge(small.database, small.account_id, 60, terms=SMALL)
    set_rule(small)

    small.charge(6)

    assert len(recharges(small)) == 1
    assert decisions(small) == [(DecisionOutcome.IN_PROGRESS, 1)]


def test_expiry_alone_brings_about_a_recharge(database: Database) -> None:
    books = open_books(database, terms=SMALL)
    books.grant(10, expires_at=NOW + DAY)
    make_card(database, books.account_id)
    set_rule(books)

    books.advance(NOW + DAY)

    assert books.lot(2).purchased_at == NOW + DAY
    assert books.balance().current_micros == micros(10)


def test_setting_the_rule_below_the_trigger_recharges_at_once(small: Books) -> None:
    make_card(small.database, small.account_id)

    set_rule(small, trigger=20)
    go_on(small)

    assert small.balance().current_micros == micros(20)


@pytest.mark.parametrize(
    ("available", "trigger", "amount", "left", "bought"),
    [
        ("-429.8", 10, 50, 1000, 450),
        ("4.99", 5, 10, 100, 10),
        (-5, 5, 10, 100, 10),
        ("-5.01", 5, 10, 100, 20),
        ("-95", 5, 10, 100, 100),
        ("-95.01", 5, 10, 100, 100),
        (0, 5, 10, "9.99", 0),
        (0, 5, 10, 10, 10),
        (0, 5, 10, -3, 0),
    ],
)
def test_a_fixed_amount_is_bought_as_often_as_the_trigger_needs_and_the_limit_allows(
    available: str | int, trigger: int, amount: int, left: str | int, bought: int
) -> None:
    assert amount_to_buy(
        strategy=RechargeStrategy.FIXED_AMOUNT, trigger_micros=micros(trigger), amount_micros=micros(amount),
        available_micros=micros(available), left_today_micros=micros(left), least_micros=micros(50),
        coin_micros=10_000,
    ) == micros(bought)  # fmt: skip


@pytest.mark.parametrize(
    ("available", "left", "least", "coin", "bought"),
    [
        ("5.5", 1000, 50, "0.01", "194.5"),
        ("5.501", 1000, 50, "0.01", "194.5"),
        ("5.5", 1000, 50, 1, 195),
        ("5.5", 100, 50, "0.01", 100),
        ("5.5", "100.005", 50, "0.01", 100),
        ("5.5", "49.99", 50, "0.01", 0),
        ("5.5", 50, 50, "0.01", 50),
    ],
)
def test_a_gap_is_filled_in_whole_coins_within_the_limit(
    available: str, left: str | int, least: int, coin: str | int, bought: str | int
) -> None:
    assert amount_to_buy(
        strategy=RechargeStrategy.TOP_UP_TO, trigger_micros=micros(6), amount_micros=micros(200),
        available_micros=micros(available), left_today_micros=micros(left), least_micros=micros(least),
        coin_micros=micros(coin),
    ) == micros(bought)  # fmt: skip


def test_the_days_limit_ends_with_the_day_of_the_account(database: Database) -> None:
    evening = instant(datetime(2026, 10, 1, 21, tzinfo=UTC))
    books = open_books(database, terms=SMALL, clock_at=evening, time_zone="Europe/Berlin")
    books.now = evening
    make_card(database, books.account_id)
    set_rule(books, trigger=5, amount=10, daily_limit_micros=micros(15))
    go_on(books)
    books.charge(9)

    go_on(books)
    assert [status for status, *_ in recharges(books)] == [RechargeStatus.SUCCEEDED]
    assert decisions(books)[-1] == (DecisionOutcome.LIMIT_REACHED, 1)

    books.advance(evening + HOUR - 1)
    assert len(recharges(books)) == 1

    books.advance(evening + HOUR)  # midnight in Berlin
    assert books.balance().current_micros == micros(11)


def test_without_a_limit_of_its_own_a_day_allows_ten_recharges(small: Books) -> None:
    make_card(small.database, small.account_id)
    set_rule(small)

    for _ in range(30):
        small.charge(10)
        go_on(small)

    assert sum(amount for _, amount, _ in recharges(small)) == micros(100)
    assert decisions(small)[-1][0] == DecisionOutcome.LIMIT_REACHED


def test_a_declined_card_is_tried_after_1_24_and_72_hours_and_then_the_rule_stands_still(small: Books) -> None:
    make_card(small.database, small.account_id, "tok_declined")
    set_rule(small)
    small.charge(6)

    tried_at = []
    for hours in range(200):
        before = recharges(small)[0][2]
        small.advance(NOW + hours * HOUR)
        if recharges(small)[0][2] > before:
            tried_at.append(hours)

    assert tried_at == [0, 1, 25, 97]
    assert [(status, attempts) for status, _, attempts in recharges(small)] == [(RechargeStatus.FAILED, 4)]
    assert paused(small) == PauseReason.DECLINED
    assert notices(small) == ["RECHARGE_FAILED"] * 4 + ["AUTO_RECHARGE_PAUSED"]


def test_a_rule_that_stands_still_asks_for_no_money_and_says_so_once(small: Books) -> None:
    make_card(small.database, small.account_id, "tok_declined")
    set_rule(small)
    small.charge(6)
    small.advance(NOW + 10 * DAY)

    for _ in range(3):
        small.charge(1)
        go_on(small)

    assert len(recharges(small)) == 1
    assert decisions(small)[-1] == (DecisionOutcome.PAUSED, 4)


def test_another_payment_method_starts_it_again(small: Books) -> None:
    make_card(small.database, small.account_id, "tok_declined")
    set_rule(small)
    small.charge(6)
    small.advance(NOW + 10 * DAY)

    make_card(small.database, small.account_id, "tok_ok", now=small.now)
    go_on(small)

    assert paused(small) is None
    assert [status for status, *_ in recharges(small)] == [RechargeStatus.FAILED, RechargeStatus.SUCCEEDED]


def test_a_payment_method_that_is_not_used_starts_nothing(small: Books) -> None:
    make_card(small.database, small.account_id, "tok_declined")
    set_rule(small)
    small.charge(6)
    small.advance(NOW + 10 * DAY)

    make_card(small.database, small.account_id, "tok_ok", make_default=False)
    go_on(small)

    assert paused(small) == PauseReason.DECLINED


def test_setting_it_by_hand_starts_it_again_with_the_same_card(small: Books) -> None:
    make_card(small.database, small.account_id, "tok_declined")
    set_rule(small)
    small.charge(6)
    small.advance(NOW + 10 * DAY)

    set_rule(small)
    go_on(small)

    assert [(status, attempts) for status, _, attempts in recharges(small)] == [
        (RechargeStatus.FAILED, 4), (RechargeStatus.PROCESSING, 1),
    ]  # fmt: skip


def test_another_payment_method_ends_the_waiting_for_the_declined_one(small: Books) -> None:
    make_card(small.database, small.account_id, "tok_declined")
    set_rule(small)
    small.charge(6)
    go_on(small)

    make_card(small.database, small.account_id, "tok_ok")
    go_on(small)

    assert [status for status, *_ in recharges(small)] == [RechargeStatus.CANCELED, RechargeStatus.SUCCEEDED]
    assert small.balance().current_micros == micros(14)


def test_a_declined_recharge_that_is_needed_no_more_is_given_up(small: Books) -> None:
    make_card(small.database, small.account_id, "tok_declined")
    set_rule(small)
    small.charge(6)
    go_on(small)
    small.grant(50)

    small.advance(NOW + HOUR)

    assert [(status, attempts) for status, _, attempts in recharges(small)] == [(RechargeStatus.CANCELED, 1)]
    assert decisions(small)[-1] == (DecisionOutcome.NO_LONGER_NEEDED, 1)


def test_a_payment_that_must_be_confirmed_is_asked_for_once_and_holds_its_place(small: Books) -> None:
    make_card(small.database, small.account_id, "tok_action_required")
    set_rule(small)
    small.charge(6)

    small.advance(NOW + 30 * DAY)
    small.charge(1)

    assert [(status, attempts) for status, _, attempts in recharges(small)] == [(RechargeStatus.ACTION_REQUIRED, 1)]
    assert paused(small) == PauseReason.ACTION_REQUIRED
    assert notices(small) == ["RECHARGE_FAILED"]


def test_a_payment_that_must_be_confirmed_can_be_given_up_by_hand_and_the_rule_stands_still(small: Books) -> None:
    make_card(small.database, small.account_id, "tok_action_required")
    set_rule(small)
    small.charge(6)
    go_on(small)

    cancel_recharge(small.database, PROVIDERS, account_id=small.account_id, recharge_no=1, now=small.now)
    small.charge(1)

    assert [status for status, *_ in recharges(small)] == [RechargeStatus.CANCELED]
    assert paused(small) == PauseReason.ACTION_REQUIRED


def test_without_anything_to_pay_with_it_stands_still_until_there_is(small: Books) -> None:
    method_no = make_card(small.database, small.account_id)
    set_rule(small)
    with small.database.transaction() as session:
        payment_methods.remove_payment_method(
            session, account_id=small.account_id, method_no=method_no, now=small.now, terms=SMALL
        )

    small.charge(6)
    assert (paused(small), recharges(small)) == (PauseReason.NO_PAYMENT_METHOD, [])
    assert notices(small) == ["AUTO_RECHARGE_PAUSED"]

    make_card(small.database, small.account_id, terms=SMALL)
    go_on(small)
    assert small.balance().current_micros == micros(14)


def test_the_rules_own_payment_method_pays_and_not_the_default_one(small: Books) -> None:
    own = make_agreement(small.database, small.account_id)
    make_card(small.database, small.account_id, "tok_declined")
    set_rule(small, method_no=own)

    small.charge(6)
    go_on(small)

    assert small.lot(2).source == LotSource.INVOICE


def test_switched_off_it_does_nothing_and_keeps_its_amounts(small: Books) -> None:
    make_card(small.database, small.account_id)
    set_rule(small)
    set_rule(small, None, None, enabled=False)

    small.charge(6)
    go_on(small)
    assert recharges(small) == []

    set_rule(small, None, None)
    go_on(small)
    assert small.balance().current_micros == micros(14)


def test_a_suspended_account_buys_nothing_and_goes_on_when_it_is_active_again(small: Books) -> None:
    make_card(small.database, small.account_id)
    set_rule(small)
    change_status(small, AccountStatus.SUSPENDED)
    small.charge(6)
    go_on(small)
    assert decisions(small) == [(DecisionOutcome.ACCOUNT_NOT_ACTIVE, 1)]

    change_status(small, AccountStatus.ACTIVE)
    go_on(small)

    assert small.balance().current_micros == micros(14)


def change_status(books: Books, status: AccountStatus) -> None:
    """Suspend the account, or let it go on."""
    with books.database.transaction() as session:
        update_account(session, account_id=books.account_id, status=status)


def test_a_rule_that_was_right_when_it_was_set_is_never_judged_again(small: Books) -> None:
    make_card(small.database, small.account_id)
    set_rule(small)
    small.terms = Terms(usual_minimum_recharge_units=1000)

    small.charge(6)
    go_on(small)

    assert small.balance().current_micros == micros(14)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"amount": "49"}, "amount"),
        ({"amount": "50.5"}, "amount"),
        ({"amount": None}, "amount"),
        ({"trigger": None}, "trigger"),
        ({"trigger": "-1"}, "trigger"),
        ({"trigger": "1.001"}, "trigger"),
        ({"trigger": 100, "amount": 50, "strategy": RechargeStrategy.TOP_UP_TO}, "amount"),
        ({"amount": 50, "daily_limit_micros": 49_990_000}, "dailyLimit"),
        ({"amount": 50, "method_no": 7}, "paymentMethodId"),
    ],
)
def test_a_wrong_rule_is_refused_at_its_field_and_leaves_no_trace(
    books: Books, values: dict[str, Any], field: str
) -> None:
    make_card(books.database, books.account_id)
    before = books.dump()

    with pytest.raises(Refusal) as refused:
        set_rule(books, **{"trigger": 5, "amount": 50, **values})

    assert refused.value.field == (field,)
    assert books.dump() == before


@pytest.mark.parametrize(
    "values",
    [
        {"trigger": 0, "amount": 50},
        {"trigger": 50, "amount": 50, "strategy": RechargeStrategy.TOP_UP_TO},
        {"amount": 50, "daily_limit_micros": 50_000_000},
        {"amount": 200, "strategy": RechargeStrategy.TOP_UP_TO, "daily_limit_micros": 50_000_000},
    ],
)
def test_a_rule_on_the_edge_of_right_is_taken(books: Books, values: dict[str, Any]) -> None:
    make_card(books.database, books.account_id)

    set_rule(books, **{"trigger": 5, **values})

    assert paused(books) is None


def test_a_rule_needs_something_to_pay_with(books: Books) -> None:
    with pytest.raises(Refusal) as refused:
        set_rule(books, amount=50)

    assert (refused.value.code, refused.value.field) == (Code.CONFLICT, ("paymentMethodId",))


def test_a_live_account_recharges_when_the_worker_comes(database: Database) -> None:
    books = open_books(database, mode=AccountMode.LIVE, terms=SMALL)
    make_agreement(database, books.account_id)
    books.grant(10)
    set_rule(books)

    books.charge(6)

    with database.reading() as session:
        assert recharges_due(session, books.now) == [(books.account_id, 1)]


def fact(shared_data: Path, name: str) -> dict[str, Any]:
    """A published fact of money."""
    facts = json.loads((shared_data / "golden" / "money_facts.json").read_text())
    found: dict[str, Any] = {each["id"]: each for each in facts}[name]
    return found


def test_published_a_top_up_fires_once_below_its_threshold(small: Books, shared_data: Path) -> None:
    told = fact(shared_data, "top-001")
    make_card(small.database, small.account_id)
    assert small.balance().current_micros == micros(told["given"]["balance"])
    set_rule(small, trigger=told["given"]["threshold"], amount=told["given"]["top_up"])

    small.charge(told["given"]["charge"])
    go_on(small)

    assert small.balance().current_micros == micros(told["expect"]["balance"])


@pytest.mark.parametrize("name", ["top-003", "top-004", "top-005", "top-006"])
def test_published_amounts_of_top_ups(shared_data: Path, name: str) -> None:
    """Of top-003 the paid part: a bonus is a grant here, which nobody buys."""
    told = fact(shared_data, name)
    given = told["given"]
    target = "target" in given

    bought = amount_to_buy(
        strategy=RechargeStrategy.TOP_UP_TO if target else RechargeStrategy.FIXED_AMOUNT,
        trigger_micros=micros(given["threshold"]),
        amount_micros=micros(given["target"] if target else given["paid"]),
        available_micros=micros(given["available"]),
        left_today_micros=micros(10_000),
        least_micros=micros(given.get("minimum_purchase", 1)),
        coin_micros=10_000,
    )

    assert bought == micros(told["expect"]["paid"])


def test_published_a_purchase_declined_ten_minutes_ago_is_not_tried_yet(small: Books, shared_data: Path) -> None:
    told = fact(shared_data, "top-009")
    make_card(small.database, small.account_id, "tok_declined")
    set_rule(small, trigger=told["given"]["threshold"])
    small.charge(str(Decimal(10) - Decimal(told["given"]["available"])))
    go_on(small)

    small.advance(NOW + told["given"]["last_failure_minutes"] * HOUR // 60)

    assert [attempts for *_, attempts in recharges(small)] == [1]


def test_published_a_target_below_the_threshold_is_refused(books: Books, shared_data: Path) -> None:
    told = fact(shared_data, "top-010")
    make_card(books.database, books.account_id)

    with pytest.raises(Refusal) as refused:
        set_rule(books, told["given"]["threshold"], told["given"]["target"], strategy=RechargeStrategy.TOP_UP_TO)

    assert refused.value.code == Code.INVALID


def test_a_rule_switched_off_before_the_worker_comes_takes_no_money(small: Books) -> None:
    make_card(small.database, small.account_id)
    set_rule(small)
    small.charge(6)

    set_rule(small, None, None, enabled=False)
    go_on(small)

    assert recharges(small) == [(RechargeStatus.CANCELED, micros(10), 0)]


def test_switching_it_off_and_on_keeps_how_it_was_set(small: Books) -> None:
    make_card(small.database, small.account_id)
    set_rule(small, 5, 20, strategy=RechargeStrategy.TOP_UP_TO, daily_limit_micros=micros(50))

    set_rule(small, None, None, enabled=False)
    set_rule(small, None, None)

    with small.database.reading() as session:
        found = rule_of(session, small.account_id)
    assert (found.strategy, found.daily_limit_micros) == (RechargeStrategy.TOP_UP_TO, micros(50))


@pytest.mark.parametrize("status", [AccountStatus.SUSPENDED, AccountStatus.CLOSED])
def test_what_a_suspended_or_closed_account_asked_for_is_not_taken(database: Database, status: AccountStatus) -> None:
    books = open_books(database, mode=AccountMode.LIVE, terms=SMALL)
    providers = Providers(TestProvider(), "https://credits.example")
    payment_methods.add_payment_method(
        database, providers, account_id=books.account_id, kind="CARD", token="tok_declined", now=NOW
    )
    books.grant(10)
    set_rule(books, providers=providers)
    books.charge(6)
    drive(database, providers, account_id=books.account_id, recharge_no=1, now=NOW, terms=SMALL)
    change_status(books, status)

    drive(database, providers, account_id=books.account_id, recharge_no=1, now=NOW + HOUR, terms=SMALL)

    assert [(found, attempts) for found, _, attempts in recharges(books)] == [(RechargeStatus.CANCELED, 1)]


def test_a_card_that_was_removed_pays_nothing_more(small: Books) -> None:
    removed = make_card(small.database, small.account_id)
    make_card(small.database, small.account_id, "tok_declined", make_default=False)
    set_rule(small, method_no=removed)
    make_agreement(small.database, small.account_id)
    small.charge(6)
    with small.database.transaction() as session:
        payment_methods.remove_payment_method(
            session, account_id=small.account_id, method_no=removed, now=small.now, terms=SMALL
        )

    go_on(small)

    assert [status for status, *_ in recharges(small)] == [RechargeStatus.CANCELED, RechargeStatus.SUCCEEDED]
    assert small.lot(2).source == LotSource.INVOICE


def test_a_rule_whose_own_card_failed_goes_on_with_another_default(small: Books) -> None:
    own = make_card(small.database, small.account_id, "tok_declined")
    set_rule(small, method_no=own)
    small.charge(6)
    small.advance(NOW + 10 * DAY)
    assert paused(small) == PauseReason.DECLINED

    make_card(small.database, small.account_id)
    go_on(small)

    assert small.balance().current_micros == micros(14)


def test_a_declined_recharge_by_hand_lets_the_rule_go_on(small: Books) -> None:
    """While it was on its way the rule waited for it."""
    good = make_card(small.database, small.account_id)
    slow = make_card(small.database, small.account_id, "tok_timeout", make_default=False)
    set_rule(small, method_no=good)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TestProvider, "take", lambda *_: PaymentAnswer(Outcome.LOST))
        make_recharge(small.database, small.account_id, 60, method_no=slow, terms=SMALL)
        small.charge(6)
    assert decisions(small) == [(DecisionOutcome.IN_PROGRESS, 1)]

    with pytest.MonkeyPatch.context() as patch:
        declined = PaymentAnswer(Outcome.DECLINED, "No.", declined_ref="ch_1")
        patch.setattr(TestProvider, "take", lambda *_: declined)
        drive(
            small.database, PROVIDERS, account_id=small.account_id, recharge_no=1, now=small.now, terms=SMALL,
            wish=Wish.AGAIN,
        )  # fmt: skip
    go_on(small)

    assert [status for status, *_ in recharges(small)] == [RechargeStatus.FAILED, RechargeStatus.SUCCEEDED]


def test_what_the_provider_never_takes_fails_at_once_and_the_rule_stands_still(small: Books) -> None:
    make_card(small.database, small.account_id)
    set_rule(small)
    small.charge(6)
    with pytest.MonkeyPatch.context() as patch:
        too_much = PaymentAnswer(Outcome.DECLINED, "Amount must be no more than $999,999.99.")
        patch.setattr(TestProvider, "prepare", lambda *_: too_much)
        small.advance(NOW + 30 * DAY)

    assert [(status, attempts) for status, _, attempts in recharges(small)] == [(RechargeStatus.FAILED, 0)]
    assert paused(small) == PauseReason.DECLINED
    assert notices(small) == ["RECHARGE_FAILED", "AUTO_RECHARGE_PAUSED"]


def test_what_has_ended_is_due_no_more_whoever_asks_about_it(small: Books) -> None:
    make_card(small.database, small.account_id, "tok_declined")
    make_recharge(small.database, small.account_id, 50)

    hear(small.database, PROVIDERS, account_id=small.account_id, recharge_no=1, now=small.now)
    small.advance(NOW + DAY)

    with small.database.reading() as session:
        assert session.rows("SELECT status, due_at FROM recharge") == [("FAILED", None)]


def test_who_dies_while_looking_at_a_declined_recharge_leaves_it_to_its_next_try(small: Books) -> None:
    make_card(small.database, small.account_id, "tok_declined")
    set_rule(small)
    small.charge(6)
    go_on(small)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(TestProvider, "look", interrupted)
        hear(small.database, PROVIDERS, account_id=small.account_id, recharge_no=1, now=small.now, terms=SMALL)

    small.advance(NOW + HOUR - 1)
    assert recharges(small)[0][2] == 1

    small.advance(NOW + HOUR)
    assert recharges(small)[0][2] == 2


def interrupted(*_: object) -> None:
    """The process dies here."""
    raise KeyboardInterrupt


def test_silence_about_what_was_heard_of_is_told(small: Books) -> None:
    make_card(small.database, small.account_id, "tok_declined")
    set_rule(small)
    small.charge(6)
    go_on(small)

    def away(*_: object) -> None:
        raise Unavailable

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Unavailable):
        patch.setattr(TestProvider, "look", away)
        hear(small.database, PROVIDERS, account_id=small.account_id, recharge_no=1, now=small.now, terms=SMALL)


def test_a_payment_by_hand_that_nobody_confirms_is_given_up_after_a_week(small: Books) -> None:
    make_card(small.database, small.account_id, "tok_action_required")
    make_recharge(small.database, small.account_id, 50)

    small.advance(NOW + 6 * DAY)
    assert recharges(small)[0][0] == RechargeStatus.ACTION_REQUIRED

    small.advance(NOW + 10 * DAY)
    assert recharges(small)[0][0] == RechargeStatus.CANCELED


def test_a_gap_is_filled_by_card_in_what_cards_can_be_charged(database: Database) -> None:
    books = open_books(database, currency="KWD", terms=SMALL)
    make_card(database, books.account_id)
    books.grant("4.766")

    set_rule(books, 5, 20, strategy=RechargeStrategy.TOP_UP_TO)

    assert recharges(books)[0][1] == micros("15.24")
