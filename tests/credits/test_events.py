"""Messages from a payment provider: kept once, acted on by looking, tried again until their payment is known."""

import threading
from dataclasses import dataclass, field

import pytest

from credits import payment_methods, recharging
from credits.events import (
    LEASE,
    LOOKED_FOR,
    TRY_AGAIN,
    ProviderEvent,
    Topic,
    act_on_event,
    events_due,
    keep_event,
)
from credits.ids import public_id
from credits.instants import DAY, HOUR, SECOND
from credits.providers import (
    Card,
    Outcome,
    PaymentAnswer,
    PaymentRequest,
    Setup,
    SetupAnswer,
    SetupRequest,
    Unavailable,
)
from db.kinds import EventStatus, PaymentMethodKind
from db.session import Database
from tests.bank import Bank, Banked
from tests.factories import NOW, a_key, make_account, micros

LATER = NOW + HOUR


@dataclass
class House(Bank):
    """A provider that takes payments slowly: how they stand is arranged, and only looking tells."""

    stands: PaymentAnswer = field(default_factory=lambda: PaymentAnswer(Outcome.LOST))
    looked: int = 0
    card_given: SetupAnswer = field(default_factory=SetupAnswer)
    breaks: bool = False
    does_not_look: bool = False

    def take(self, request: PaymentRequest) -> PaymentAnswer:
        """It is being processed."""
        return PaymentAnswer(Outcome.LOST)

    def look(self, payment_id: str) -> PaymentAnswer:
        """As arranged."""
        self.looked += 1
        if self.breaks:
            raise RuntimeError("broken")
        if self.does_not_look:
            raise Unavailable
        return self.stands

    def start_setup(self, request: SetupRequest) -> Setup:
        """A page."""
        return Setup("cs_1", "https://pay.example/cs_1")

    def setup(self, session_id: str) -> SetupAnswer:
        """As arranged."""
        return self.card_given


class Shop:
    """A LIVE account with a card, and a recharge whose answer is awaited."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.bank = House()
        self.providers = Banked(bank=self.bank)
        self.account_id = make_account(database)
        payment_methods.add_payment_method(
            database, self.providers,
            account_id=self.account_id, kind=PaymentMethodKind.CARD, token="tok_ok", now=NOW,
        )  # fmt: skip
        self.recharge_no = recharging.recharge(
            database, self.providers,
            account_id=self.account_id, amount_micros=micros(100), idempotency_key=a_key(), now=NOW,
        )  # fmt: skip
        self.payment_id = str(self.one("SELECT provider_payment FROM recharge"))

    def one(self, sql: str) -> object:
        """One value."""
        with self.database.reading() as session:
            found = session.row(sql)
        assert found is not None
        return found[0]

    def keep(
        self, event_id: str = "evt_1", topic: Topic | None = Topic.PAYMENT, now: int = LATER, **leads: str
    ) -> bool:
        """A message comes in."""
        where = {"payment_id": self.payment_id, **leads}
        with self.database.transaction() as session:
            return keep_event(session, ProviderEvent(event_id, "a.kind", "pi_1", topic, **where), now=now)

    def act(self, event_id: str = "evt_1", now: int = LATER) -> EventStatus | None:
        """Somebody takes it up."""
        return act_on_event(self.database, self.providers, event_id=event_id, now=now)

    def due(self, now: int) -> list[str]:
        """The messages to act on."""
        with self.database.reading() as session:
            return events_due(session, now)

    @property
    def status(self) -> object:
        """How the recharge stands."""
        return self.one("SELECT status FROM recharge")

    @property
    def lots(self) -> object:
        """How many lots there are."""
        return self.one("SELECT count(*) FROM lot")


@pytest.fixture
def shop(database: Database) -> Shop:
    """Such a shop."""
    return Shop(database)


def test_a_message_of_a_payment_that_was_made_brings_its_funds(shop: Shop) -> None:
    shop.keep()
    shop.bank.stands = PaymentAnswer(Outcome.PAID)

    assert shop.act() == EventStatus.DONE
    assert (shop.status, shop.lots) == ("SUCCEEDED", 1)
    assert shop.one("SELECT account_id FROM provider_event") == shop.account_id
    assert shop.due(LATER + DAY) == []


def test_what_a_message_says_is_not_believed(shop: Shop) -> None:
    shop.keep()

    assert shop.act() == EventStatus.DONE
    assert (shop.status, shop.lots, shop.bank.looked) == ("PROCESSING", 0, 1)


def test_the_same_message_twice_is_kept_once_and_acted_on_once(shop: Shop) -> None:
    shop.bank.stands = PaymentAnswer(Outcome.PAID)

    assert (shop.keep(), shop.act(), shop.keep(), shop.act()) == (True, EventStatus.DONE, False, None)
    assert (shop.lots, shop.bank.looked) == (1, 1)


def test_a_late_message_of_a_failure_changes_nothing_that_succeeded(shop: Shop) -> None:
    shop.bank.stands = PaymentAnswer(Outcome.PAID)
    shop.keep("evt_2")
    shop.act("evt_2")
    shop.bank.stands = PaymentAnswer(Outcome.DECLINED, "The card was declined.", declined_ref="ch_1")
    shop.keep("evt_1")

    assert shop.act("evt_1") == EventStatus.DONE
    assert (shop.status, shop.lots) == ("SUCCEEDED", 1)


def test_many_who_take_up_one_message_act_once(shop: Shop) -> None:
    shop.bank.stands = PaymentAnswer(Outcome.PAID)
    shop.keep()
    outcomes: list[EventStatus | None] = []

    threads = [threading.Thread(target=lambda: outcomes.append(shop.act())) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes, key=str) == [EventStatus.DONE, None, None, None, None, None]
    assert (shop.lots, shop.bank.looked) == (1, 1)


def test_one_who_ended_in_the_middle_is_followed_by_another(shop: Shop) -> None:
    shop.keep()
    shop.bank.stands = PaymentAnswer(Outcome.PAID)
    with shop.database.transaction() as session:  # as far as somebody came who was killed
        session.execute("UPDATE provider_event SET attempts = 1, due_at = ?", LATER + LEASE)

    assert shop.due(LATER + LEASE - 1) == []
    assert shop.due(LATER + LEASE) == ["evt_1"]
    assert shop.act(now=LATER + LEASE) == EventStatus.DONE
    assert shop.lots == 1


def test_a_message_of_a_payment_that_nobody_knows_is_looked_for_again_and_again(shop: Shop) -> None:
    shop.keep(payment_id="pi_unknown")

    assert shop.act() == EventStatus.UNKNOWN
    assert shop.one("SELECT due_at FROM provider_event") == LATER + TRY_AGAIN[0]
    assert shop.act(now=LATER + TRY_AGAIN[0] - 1) is None
    assert shop.act(now=LATER + TRY_AGAIN[0]) == EventStatus.UNKNOWN
    assert shop.one("SELECT due_at FROM provider_event") == LATER + TRY_AGAIN[0] + TRY_AGAIN[1]
    assert shop.bank.looked == 0


def test_a_payment_whose_row_comes_later_than_its_message_gets_its_funds(shop: Shop) -> None:
    with shop.database.transaction() as session:
        session.execute("UPDATE recharge SET provider_payment = NULL")
    shop.keep()
    shop.bank.stands = PaymentAnswer(Outcome.PAID)
    assert shop.act() == EventStatus.UNKNOWN
    with shop.database.transaction() as session:
        session.execute("UPDATE recharge SET provider_payment = ?", shop.payment_id)

    assert shop.act(now=LATER + 10 * SECOND) == EventStatus.DONE
    assert (shop.status, shop.lots) == ("SUCCEEDED", 1)


def test_after_some_days_an_unknown_payment_is_looked_for_no_more_but_is_kept(shop: Shop) -> None:
    shop.keep(payment_id="pi_unknown")

    assert shop.act(now=LATER + LOOKED_FOR) == EventStatus.UNKNOWN
    assert shop.due(LATER + 2 * LOOKED_FOR) == []
    assert shop.one("SELECT status FROM provider_event") == "UNKNOWN"
    assert shop.keep(payment_id="pi_unknown", now=LATER + 2 * LOOKED_FOR), "the provider tells again"
    assert shop.due(LATER + 2 * LOOKED_FOR) == ["evt_1"]


def test_what_goes_wrong_is_noted_and_the_message_tried_again(shop: Shop) -> None:
    shop.keep()
    shop.bank.breaks = True
    with pytest.raises(RuntimeError):
        shop.act()

    assert shop.one("SELECT failure FROM provider_event") == "RuntimeError: broken"
    assert shop.due(LATER + TRY_AGAIN[0]) == ["evt_1"]
    shop.bank.breaks, shop.bank.stands = False, PaymentAnswer(Outcome.PAID)
    assert shop.act(now=LATER + TRY_AGAIN[0]) == EventStatus.DONE
    assert shop.one("SELECT count(*) FROM provider_event WHERE failure IS NULL AND attempts = 2") == 1


def test_a_message_that_concerns_nobody_is_kept_and_left(shop: Shop) -> None:
    assert not shop.keep(topic=None)
    assert shop.one("SELECT status FROM provider_event") == "IGNORED"
    assert shop.due(LATER + DAY) == []


def test_a_message_of_a_refund_that_comes_before_that_of_the_payment_takes_in_both(shop: Shop) -> None:
    shop.bank.stands = PaymentAnswer(Outcome.PAID)
    shop.bank.tells_of(30)
    shop.keep(topic=Topic.REFUND)

    assert shop.act() == EventStatus.DONE
    assert shop.status == "SUCCEEDED"
    assert shop.one("SELECT remaining_micros FROM lot") == micros(70)


def test_a_message_of_a_dispute_keeps_the_funds_back(shop: Shop) -> None:
    shop.bank.stands = PaymentAnswer(Outcome.PAID)
    shop.bank.contests(100)
    shop.keep(topic=Topic.DISPUTE)

    assert shop.act() == EventStatus.DONE
    assert shop.one("SELECT status FROM dispute") == "OPEN"
    assert shop.one("SELECT remaining_micros FROM lot") == 0


def test_while_the_provider_is_away_a_message_of_a_refund_waits(shop: Shop) -> None:
    shop.bank.stands = PaymentAnswer(Outcome.PAID)
    shop.bank.is_away = True
    shop.keep(topic=Topic.REFUND)

    with pytest.raises(Unavailable):
        shop.act()

    assert shop.due(LATER + TRY_AGAIN[0]) == ["evt_1"]


@pytest.mark.parametrize("before", [PaymentAnswer(Outcome.LOST), PaymentAnswer(Outcome.DECLINED, "No.")])
@pytest.mark.parametrize("topic", [Topic.REFUND, Topic.DISPUTE])
def test_a_message_of_money_that_goes_back_waits_until_the_payments_funds_have_arrived(
    shop: Shop, topic: Topic, before: PaymentAnswer
) -> None:
    shop.bank.tells_of(100)
    shop.bank.contests(100)
    shop.bank.stands = before
    shop.keep(topic=topic)

    assert shop.act() == EventStatus.RECEIVED
    assert shop.due(LATER + TRY_AGAIN[0]) == ["evt_1"]
    assert shop.act(now=LATER + TRY_AGAIN[0]) == EventStatus.RECEIVED

    shop.bank.stands = PaymentAnswer(Outcome.PAID)
    assert shop.act(now=LATER + HOUR) == EventStatus.DONE
    assert (shop.status, shop.one("SELECT remaining_micros FROM lot")) == ("SUCCEEDED", 0)


@pytest.mark.parametrize("topic", [Topic.PAYMENT, Topic.REFUND, Topic.DISPUTE])
def test_a_message_whose_payment_could_not_be_looked_at_is_tried_again(shop: Shop, topic: Topic) -> None:
    shop.bank.stands = PaymentAnswer(Outcome.DECLINED, "No.", declined_ref="ch_1")
    recharging.hear(shop.database, shop.providers, account_id=shop.account_id, recharge_no=shop.recharge_no, now=LATER)
    assert shop.status == "FAILED"
    shop.bank.stands, shop.bank.does_not_look = PaymentAnswer(Outcome.PAID), True
    shop.keep(topic=topic)

    with pytest.raises(Unavailable):
        shop.act()

    assert shop.due(LATER + TRY_AGAIN[0]) == ["evt_1"]
    shop.bank.does_not_look = False
    assert shop.act(now=LATER + TRY_AGAIN[0]) == EventStatus.DONE
    assert shop.lots == 1


def test_a_message_of_a_card_that_was_given_adds_it(shop: Shop) -> None:
    payment_methods.start_card_setup(shop.database, shop.providers, account_id=shop.account_id, now=NOW)
    card = shop.bank.card(None, "tok_ok")
    assert card is not None
    shop.bank.card_given = SetupAnswer(Card("pm_2", card.brand, card.last_four, card.expires_on))
    shop.keep(topic=Topic.CARD_SETUP, card_setup=public_id("setup", shop.account_id, 1))

    assert shop.act() == EventStatus.DONE
    assert shop.one("SELECT status FROM card_setup") == "DONE"
    assert shop.one("SELECT count(*) FROM payment_method WHERE token = 'pm_2'") == 1


@pytest.mark.parametrize("setup", ["setup_1-9", "setup_zz", "acct_1", ""])
def test_a_message_of_a_card_page_that_nobody_opened_is_unknown(shop: Shop, setup: str) -> None:
    shop.keep(topic=Topic.CARD_SETUP, card_setup=setup)

    assert shop.act() == EventStatus.UNKNOWN
