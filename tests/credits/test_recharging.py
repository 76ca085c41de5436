"""Recharging: written first, paid once, funded once; whatever the card does, whatever answer was lost."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from credits.accounts import update_account
from credits.ids import public_id
from credits.instants import DAY, MINUTE, expiry_of_purchase
from credits.money import LARGEST_AMOUNT_MICROS
from credits.payment_methods import add_payment_method, remove_payment_method, set_default_payment_method
from credits.providers import TEST_PROVIDER, Outcome, PaymentAnswer, PaymentRequest, Provider, Providers, TestProvider
from credits.recharging import recharge
from credits.refusals import Code, Refusal
from credits.terms import Terms
from db.kinds import AccountMode, AccountStatus, EntryKind, LotSource, RechargeStatus
from db.session import Database
from tests.books import Books, open_books
from tests.factories import NOW, a_key, make_agreement, make_card, micros


@dataclass
class Teller(TestProvider):
    """A provider that answers as it is told, and remembers what it was asked to take."""

    answers: list[PaymentAnswer | Exception]
    asked: list[PaymentRequest] = field(default_factory=list)

    def take(self, request: PaymentRequest) -> PaymentAnswer:
        """The next answer."""
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass(frozen=True)
class Told(Providers):
    """Providers of which a TEST account's is one of these tests' own."""

    teller: TestProvider = TEST_PROVIDER

    def of(self, mode: str) -> Provider:
        """The one that answers as it is told."""
        return self.teller


PAID = PaymentAnswer(Outcome.PAID)
LOST = PaymentAnswer(Outcome.LOST)
DECLINED = PaymentAnswer(Outcome.DECLINED, "No.", declined_ref="ch_1")


def buy(books: Books, amount: int | str = 100, provider: TestProvider = TEST_PROVIDER, **values: Any) -> int:
    """Recharge by an amount."""
    chosen = {"amount_micros": micros(amount), "idempotency_key": a_key(), "now": books.now, "terms": books.terms}
    return recharge(books.database, Told(teller=provider), account_id=books.account_id, **{**chosen, **values})


def recharge_of(books: Books, recharge_no: int) -> tuple[Any, ...]:
    """Status, attempts, failure reason and payment of a recharge."""
    with books.database.reading() as session:
        found = session.row(
            "SELECT status, attempts, failure_reason, provider_payment FROM recharge"
            " WHERE account_id = ? AND recharge_no = ?",
            books.account_id, recharge_no,
        )  # fmt: skip
    assert found is not None
    return found


def refused(books: Books, **values: Any) -> Refusal:
    """The refusal of a recharge, which must have left no trace."""
    before = books.dump()

    with pytest.raises(Refusal) as refused:
        buy(books, **values)

    assert books.dump() == before
    return refused.value


def test_a_card_that_pays_brings_one_lot_for_twelve_months(books: Books) -> None:
    make_card(books.database, books.account_id)

    recharge_no = buy(books, 100)

    assert recharge_of(books, recharge_no)[:2] == (RechargeStatus.SUCCEEDED, 1)
    lot = books.lot(1)
    assert (lot.source, lot.amount_micros, lot.recharge_no) == (LotSource.PURCHASE, micros(100), recharge_no)
    assert (lot.starts_at, lot.expires_at) == (NOW, expiry_of_purchase(NOW, "UTC", 12))
    assert [entry.kind for entry in books.entries()] == [EntryKind.FUNDS_ADDED]
    assert books.balance().current_micros == micros(100)


def test_an_invoice_funds_at_once(books: Books) -> None:
    make_agreement(books.database, books.account_id)

    recharge_no = buy(books, 100)

    assert recharge_of(books, recharge_no)[:2] == (RechargeStatus.SUCCEEDED, 0)
    assert books.lot(1).source == LotSource.INVOICE


def test_bought_funds_repay_what_is_owed_first(books: Books) -> None:
    make_card(books.database, books.account_id)
    books.charge(30)

    buy(books, 100)

    assert (books.balance().current_micros, books.balance().owed_micros) == (micros(70), 0)


def test_how_long_bought_funds_last_is_a_setting(database: Database) -> None:
    books = open_books(database, terms=Terms(lot_validity_months=1))
    make_card(database, books.account_id)

    buy(books)

    assert books.lot(1).expires_at == expiry_of_purchase(NOW, "UTC", 1)


@pytest.mark.parametrize(
    ("token", "status", "reason"),
    [
        ("tok_declined", RechargeStatus.FAILED, "The card was declined."),
        ("tok_expired_card", RechargeStatus.FAILED, "The card has expired."),
        ("tok_action_required", RechargeStatus.ACTION_REQUIRED, "The card's owner must confirm the payment."),
    ],
)
def test_a_card_that_does_not_pay_brings_nothing_and_says_why(
    books: Books, token: str, status: RechargeStatus, reason: str
) -> None:
    make_card(books.database, books.account_id, token)

    recharge_no = buy(books, idempotency_key="once")
    again = buy(books, idempotency_key="once")

    assert recharge_of(books, recharge_no)[:3] == (status, 1, reason)
    assert again == recharge_no
    assert books.lots() == []
    assert books.entries() == []


def test_a_lost_answer_leaves_the_recharge_open_and_the_same_key_asks_again(books: Books) -> None:
    make_card(books.database, books.account_id, "tok_timeout")

    recharge_no = buy(books, idempotency_key="once")
    assert recharge_of(books, recharge_no)[:2] == (RechargeStatus.PROCESSING, 1)
    assert books.lots() == []

    assert buy(books, idempotency_key="once") == recharge_no
    assert recharge_of(books, recharge_no)[:2] == (RechargeStatus.SUCCEEDED, 2)
    assert len(books.lots()) == 1


def test_the_provider_is_asked_under_the_recharges_own_id_on_every_attempt(books: Books) -> None:
    make_card(books.database, books.account_id)
    teller = Teller([LOST, ConnectionError("cut"), PAID])

    recharge_no = buy(books, idempotency_key="once", provider=teller)
    with pytest.raises(ConnectionError):
        buy(books, idempotency_key="once", provider=teller)
    buy(books, idempotency_key="once", provider=teller)
    buy(books, idempotency_key="once", provider=teller)

    key = public_id("rchg", books.account_id, recharge_no)
    assert {request.payment_id for request in teller.asked} == {f"test_{key}"}
    assert [(request.key, request.attempt) for request in teller.asked] == [(key, 1), (key, 2), (key, 3)]
    assert {request.amount_micros for request in teller.asked} == {micros(100)}
    assert recharge_of(books, recharge_no) == (RechargeStatus.SUCCEEDED, 3, None, f"test_{key}")
    assert len(books.lots()) == 1


def test_a_recharge_is_on_record_before_the_provider_is_asked(books: Books) -> None:
    make_card(books.database, books.account_id)

    class Watcher(Teller):
        def take(self, request: PaymentRequest) -> PaymentAnswer:
            assert recharge_of(books, 1)[:2] == (RechargeStatus.PROCESSING, 1)
            return super().take(request)

    buy(books, provider=Watcher([PAID]))

    assert recharge_of(books, 1)[0] == RechargeStatus.SUCCEEDED


@pytest.mark.parametrize("late", [PAID, DECLINED, LOST])
def test_an_answer_that_comes_after_the_recharge_has_succeeded_changes_nothing(
    books: Books, late: PaymentAnswer
) -> None:
    """The slow answer of an attempt arrives when a second attempt has closed the recharge."""
    make_card(books.database, books.account_id)

    class Overtaken(Teller):
        def take(self, request: PaymentRequest) -> PaymentAnswer:
            buy(books, idempotency_key="once", provider=Teller([PAID]))
            return late

    buy(books, idempotency_key="once", provider=Overtaken([]))

    assert recharge_of(books, 1)[0] == RechargeStatus.SUCCEEDED
    assert len(books.lots()) == 1


def test_paid_money_arrives_even_when_the_account_was_closed_meanwhile(books: Books) -> None:
    make_card(books.database, books.account_id)

    class Closing(Teller):
        def take(self, request: PaymentRequest) -> PaymentAnswer:
            with books.database.transaction() as session:
                update_account(session, account_id=books.account_id, status=AccountStatus.CLOSED)
            return super().take(request)

    buy(books, provider=Closing([PAID]))

    assert books.balance().current_micros == micros(100)


@pytest.mark.parametrize(("amount", "taken"), [("49.99", False), (50, True), ("50.01", True)])
def test_a_recharge_buys_at_least_fifty_units(books: Books, amount: str, taken: bool) -> None:
    make_card(books.database, books.account_id)

    if taken:
        buy(books, amount)
        assert books.balance().current_micros == micros(amount)
    else:
        assert refused(books, amount=amount).field == ("amount",)


def test_the_least_amount_is_a_setting_for_each_currency(database: Database) -> None:
    books = open_books(database, terms=Terms(minimum_recharge_units={"USD": 7}))
    make_card(database, books.account_id)

    buy(books, 7)
    assert refused(books, amount="6.99").code == Code.INVALID


@pytest.mark.parametrize(
    ("currency", "fine", "too_fine"), [("USD", "50.01", "50.001"), ("JPY", "51", "50.1"), ("KWD", "50.01", "50.001")]
)
def test_a_recharge_is_a_whole_number_of_the_currencys_coins(
    database: Database, currency: str, fine: str, too_fine: str
) -> None:
    books = open_books(database, currency=currency)
    make_card(database, books.account_id)

    buy(books, fine)

    assert (refused(books, amount=too_fine).code, books.balance().current_micros) == (Code.INVALID, micros(fine))


def test_a_recharge_has_a_largest_amount(books: Books) -> None:
    make_card(books.database, books.account_id)

    buy(books, amount_micros=LARGEST_AMOUNT_MICROS)

    assert refused(books, amount_micros=LARGEST_AMOUNT_MICROS + 10_000).field == ("amount",)


def test_the_same_recharge_twice_buys_once(books: Books) -> None:
    make_card(books.database, books.account_id)
    first = buy(books, idempotency_key="once")
    before = books.dump()

    assert buy(books, idempotency_key="once") == first

    assert books.dump() == before


@pytest.mark.parametrize("other", [{"amount_micros": micros(101)}, {"method_no": 1}])
def test_a_key_of_one_recharge_is_refused_for_another(books: Books, other: dict[str, Any]) -> None:
    make_card(books.database, books.account_id)
    buy(books, idempotency_key="once")

    assert refused(books, idempotency_key="once", **other).code == Code.IDEMPOTENCY_KEY_REUSED


def test_a_key_of_a_grant_is_refused_for_a_recharge(books: Books) -> None:
    make_card(books.database, books.account_id)
    books.grant(100, idempotency_key="once")

    assert refused(books, idempotency_key="once").code == Code.IDEMPOTENCY_KEY_REUSED


def test_without_a_payment_method_nothing_is_bought(books: Books) -> None:
    refusal = refused(books)

    assert (refusal.code, refusal.field) == (Code.CONFLICT, ("paymentMethodId",))


def test_a_removed_payment_method_buys_nothing_more(books: Books) -> None:
    method_no = make_card(books.database, books.account_id)
    with books.database.transaction() as session:
        remove_payment_method(session, account_id=books.account_id, method_no=method_no, now=NOW)

    assert refused(books).code == Code.CONFLICT
    assert refused(books, method_no=method_no).code == Code.NOT_FOUND


def test_the_default_payment_method_is_used_when_none_is_named(books: Books) -> None:
    card = make_card(books.database, books.account_id, "tok_declined")
    make_agreement(books.database, books.account_id)

    buy(books)
    with books.database.transaction() as session:
        set_default_payment_method(session, account_id=books.account_id, method_no=card, now=NOW)
    buy(books)

    assert [recharge_of(books, number)[0] for number in (1, 2)] == [RechargeStatus.SUCCEEDED, RechargeStatus.FAILED]


def test_a_closed_account_buys_nothing(books: Books) -> None:
    make_card(books.database, books.account_id)
    with books.database.transaction() as session:
        update_account(session, account_id=books.account_id, status=AccountStatus.CLOSED)

    assert refused(books).code == Code.CONFLICT


def test_a_lost_answer_is_found_again_after_a_year(database: Database) -> None:
    """The funds last from the day they arrive."""
    books = open_books(database, mode=AccountMode.LIVE)
    add_payment_method(database, Told(), account_id=books.account_id, kind="CARD", token="tok_timeout", now=NOW)
    buy(books, idempotency_key="once")
    books.advance(NOW + 400 * DAY)

    buy(books, idempotency_key="once")

    assert books.lot(1).expires_at == expiry_of_purchase(NOW + 400 * DAY, "UTC", 12)
    assert books.breaches() == []


def test_a_lost_answer_is_asked_about_again_after_a_minute(books: Books) -> None:
    make_card(books.database, books.account_id, "tok_timeout")
    buy(books)

    books.advance(NOW + MINUTE - 1)
    assert recharge_of(books, 1)[:2] == (RechargeStatus.PROCESSING, 1)

    books.advance(NOW + MINUTE)
    assert recharge_of(books, 1)[:2] == (RechargeStatus.SUCCEEDED, 2)
    assert books.lot(1).purchased_at == NOW + MINUTE
