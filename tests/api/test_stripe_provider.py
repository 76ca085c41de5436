"""Payments through Stripe, against a stand-in over real HTTP, with a proxy between the two that breaks things."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import httpx2
import pytest
import stripe as stripe_library

from api.stripe_provider import API_VERSION, StripeProvider
from credits.providers import (
    Card,
    CustomerRequest,
    FoundDispute,
    FoundRefund,
    Outcome,
    PaymentAnswer,
    PaymentRequest,
    RefundAnswer,
    RefundRequest,
    SetupAnswer,
    SetupRequest,
    Unavailable,
)
from credits.refusals import Refusal
from tests.factories import micros
from tests.faulty import Fault, FaultyProxy
from tests.stripe_peer import StripePeer

PAID = PaymentAnswer(Outcome.PAID)
LOST = PaymentAnswer(Outcome.LOST)
CONFIRM = "The card's owner must confirm the payment."
HERE = "https://credits.example/funds?done=1"
# Faults that leave open whether Stripe did what it was asked; after some it did, after others it did not.
DONE_BUT_UNHEARD = [Fault.TIME_OUT_AFTER, Fault.LOSE_ANSWER, Fault.HALF_ANSWER, Fault.FAIL_AFTER, Fault.NONSENSE]
NEVER_DONE = [Fault.TIME_OUT_BEFORE, Fault.CUT_BEFORE, Fault.FAIL_BEFORE, Fault.CONFLICT, Fault.TOO_MANY]
ANY_FAULT = [*DONE_BUT_UNHEARD, *NEVER_DONE]


@pytest.fixture
def peer() -> Iterator[StripePeer]:
    """Stripe's stand-in."""
    with StripePeer() as running:
        yield running


@pytest.fixture
def proxy(peer: StripePeer) -> Iterator[FaultyProxy]:
    """What stands between it and us."""
    with FaultyProxy(peer.url) as running:
        yield running


@pytest.fixture
def stripe(proxy: FaultyProxy, peer: StripePeer) -> StripeProvider:
    """The provider, of little patience."""
    return StripeProvider(peer.key, api_base=proxy.url, timeout_seconds=0.4)


class Rig:
    """A customer with a card at Stripe, and a recharge that is paid with it."""

    def __init__(self, stripe: StripeProvider, token: str = "pm_card_visa", **values: Any) -> None:
        self.stripe = stripe
        self.customer = stripe.customer(CustomerRequest("acct_1", "Contoso"))
        card = stripe.card(self.customer, token)
        assert card is not None
        self.card = card
        self.values: dict[str, Any] = {
            "key": "rchg_1-1", "amount_micros": micros(100), "currency": "USD", "customer": self.customer,
            "token": card.token, "attempt": 1, "text": "Communications Credits: Contoso", **values,
        }  # fmt: skip

    def prepared(self) -> str:
        """Write the payment down at Stripe."""
        payment_id = self.stripe.prepare(PaymentRequest(**self.values))
        assert isinstance(payment_id, str)
        self.values["payment_id"] = payment_id
        return payment_id

    def take(self, **values: Any) -> PaymentAnswer:
        """Try to take it, for the first time unless said otherwise."""
        if "payment_id" not in self.values:
            self.prepared()
        return self.stripe.take(PaymentRequest(**{**self.values, **values}))


# Customers and cards


def test_the_same_account_is_the_same_customer(stripe: StripeProvider, peer: StripePeer) -> None:
    first = stripe.customer(CustomerRequest("acct_1", "Contoso", email="bills@contoso.example"))
    second = stripe.customer(CustomerRequest("acct_1", "Contoso", email="bills@contoso.example"))

    assert first == second
    assert peer.objects.all[first]["metadata"] == {"account": "acct_1"}


def test_an_account_that_was_renamed_after_a_lost_answer_still_gets_a_customer(stripe: StripeProvider) -> None:
    stripe.customer(CustomerRequest("acct_1", "Contoso"))

    assert stripe.customer(CustomerRequest("acct_1", "Contoso Ltd")).startswith("cus_")


def test_a_card_is_told_as_people_write_it_and_belongs_to_the_customer(
    stripe: StripeProvider, peer: StripePeer
) -> None:
    customer = stripe.customer(CustomerRequest("acct_1", "Contoso"))

    card = stripe.card(customer, "pm_card_mastercard")

    assert card is not None
    assert card == Card(card.token, "Mastercard", "4444", date(2034, 2, 28))
    assert peer.objects.all[card.token]["customer"] == customer


def test_a_card_that_the_customer_has_already_is_the_same_card(stripe: StripeProvider) -> None:
    customer = stripe.customer(CustomerRequest("acct_1", "Contoso"))
    card = stripe.card(customer, "pm_card_amex")
    assert card is not None

    assert stripe.card(customer, card.token) == card
    assert card.brand == "American Express"


def test_a_card_of_another_customer_is_no_card(stripe: StripeProvider) -> None:
    mine, theirs = (stripe.customer(CustomerRequest(f"acct_{number}", "X")) for number in (1, 2))
    card = stripe.card(theirs, "pm_card_visa")
    assert card is not None

    assert stripe.card(mine, card.token) is None


@pytest.mark.parametrize("token", ["pm_nothing", "tok_ok", "", "../customers", "pm_../../x", "pm_sepa"])
def test_what_is_no_card_is_told_as_none(stripe: StripeProvider, token: str) -> None:
    assert stripe.card(None, token) is None


def test_a_card_that_is_declined_when_it_is_given_is_refused_with_the_reason(stripe: StripeProvider) -> None:
    customer = stripe.customer(CustomerRequest("acct_1", "Contoso"))

    with pytest.raises(Refusal, match="declined"):
        stripe.card(customer, "pm_card_attachDeclined")


@pytest.mark.parametrize("fault", ANY_FAULT)
def test_a_customer_or_card_whose_answer_is_lost_is_unavailable(
    stripe: StripeProvider, proxy: FaultyProxy, fault: Fault
) -> None:
    proxy.script = [fault, fault]

    with pytest.raises(Unavailable):
        stripe.customer(CustomerRequest("acct_1", "Contoso"))
    with pytest.raises(Unavailable):
        stripe.card(None, "pm_card_visa")


def test_a_wrong_key_is_no_answer(peer: StripePeer) -> None:
    stranger = StripeProvider("sk_test_of_somebody_else", api_base=peer.url, timeout_seconds=1)

    with pytest.raises(Unavailable):
        stranger.customer(CustomerRequest("acct_1", "Contoso"))


def test_stripe_is_told_nothing_of_this_machine(stripe: StripeProvider, proxy: FaultyProxy) -> None:
    for number in (1, 2):  # the library tells of the request before
        stripe.customer(CustomerRequest(f"acct_{number}", "Contoso"))

    headers = proxy.seen[-1][0].headers
    assert "X-Stripe-Client-Telemetry" not in headers
    assert {"telemetry_id", "platform"} & set(json.loads(headers["X-Stripe-Client-User-Agent"])) == set()


def test_the_version_of_the_api_is_the_one_that_the_library_was_made_for() -> None:
    assert stripe_library.api_version == API_VERSION


# Cards given on Stripe's own page


def setup_request(stripe: StripeProvider) -> SetupRequest:
    """A page for a customer."""
    customer = stripe.customer(CustomerRequest("acct_1", "Contoso"))
    return SetupRequest("setup_1-1", customer, f"{HERE}&setup=1", HERE, "ja")


def test_a_card_given_on_the_page_is_found(stripe: StripeProvider, peer: StripePeer) -> None:
    setup = stripe.start_setup(setup_request(stripe))
    page = httpx2.get(setup.url)
    answer = httpx2.post(setup.url, data={"say": "yes", "card": "pm_card_visa"})

    found = stripe.setup(setup.session_id)

    assert "<form" in page.text
    assert answer.headers["location"] == f"{HERE}&setup=1"
    assert found.card is not None
    assert (found.card.brand, found.card.last_four, found.ended) == ("Visa", "4242", False)
    assert peer.objects.all[setup.session_id]["metadata"] == {"setup": "setup_1-1"}
    assert peer.objects.all[setup.session_id]["locale"] == "ja"


def test_a_page_where_nobody_gave_a_card_yet_is_open(stripe: StripeProvider) -> None:
    setup = stripe.start_setup(setup_request(stripe))

    assert stripe.setup(setup.session_id) == SetupAnswer()


def test_a_page_that_was_left_has_ended(stripe: StripeProvider, peer: StripePeer) -> None:
    setup = stripe.start_setup(setup_request(stripe))
    peer.do("expire", name=setup.session_id)

    assert stripe.setup(setup.session_id) == SetupAnswer(ended=True)


def test_the_same_page_is_opened_once(stripe: StripeProvider) -> None:
    request = setup_request(stripe)

    assert stripe.start_setup(request) == stripe.start_setup(request)


# Writing a payment down


def test_writing_it_down_moves_no_money_and_says_for_what_it_is(stripe: StripeProvider, peer: StripePeer) -> None:
    payment_id = Rig(stripe).prepared()

    intent = peer.objects.all[payment_id]
    assert intent["metadata"] == {"recharge": "rchg_1-1"}
    assert (intent["amount"], intent["currency"], intent["description"]) == (
        10_000, "usd", "Communications Credits: Contoso",
    )  # fmt: skip
    assert peer.payments() == []
    assert stripe.look(payment_id) == LOST


@pytest.mark.parametrize("fault", DONE_BUT_UNHEARD)
def test_writing_it_down_again_after_a_lost_answer_finds_the_same_payment(
    stripe: StripeProvider, proxy: FaultyProxy, peer: StripePeer, fault: Fault
) -> None:
    rig = Rig(stripe)
    proxy.script = [fault]
    with pytest.raises(Unavailable):
        rig.prepared()

    payment_id = rig.prepared()

    assert [intent["id"] for intent in peer.objects.listed("payment_intent")] == [payment_id]


def test_a_payment_written_down_more_than_a_day_ago_is_found_again(
    stripe: StripeProvider, proxy: FaultyProxy, peer: StripePeer
) -> None:
    rig = Rig(stripe, attempt=2)
    payment_id = rig.prepared()
    for number in range(105):  # more than one page of other payments
        Rig(stripe, key=f"rchg_1-{number + 2}", customer=rig.customer, token=rig.card.token).prepared()
    peer.forget_keys()

    assert rig.prepared() == payment_id


def test_a_failure_that_stripe_replays_for_a_day_holds_nothing_up(stripe: StripeProvider, peer: StripePeer) -> None:
    rig = Rig(stripe)
    peer.fail_next("/v1/payment_intents", after_doing=False)
    with pytest.raises(Unavailable):
        rig.prepared()

    assert rig.prepared() == peer.objects.listed("payment_intent")[0]["id"]
    assert peer.keys_used[-2:] == ["rchg_1-1", "rchg_1-1-again-2"]


def test_a_payment_that_came_to_be_in_a_failure_is_found(stripe: StripeProvider, peer: StripePeer) -> None:
    rig = Rig(stripe)
    peer.fail_next("/v1/payment_intents", after_doing=True)
    with pytest.raises(Unavailable):
        rig.prepared()

    assert rig.prepared() == peer.objects.listed("payment_intent")[0]["id"]
    assert len(peer.objects.listed("payment_intent")) == 1


def test_a_text_that_changed_after_a_lost_answer_is_the_same_payment(stripe: StripeProvider, peer: StripePeer) -> None:
    payment_id = Rig(stripe).prepared()

    assert Rig(stripe, text="Communications Credits: Contoso Ltd").prepared() == payment_id
    assert len(peer.objects.listed("payment_intent")) == 1


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [
        ("99.99", "USD", 9_999),
        ("5000", "JPY", 5_000),
        ("5", "ISK", 500),
        ("5", "UGX", 500),
        ("99.50", "HUF", 9_950),
        ("50.12", "KWD", 50_120),
        ("7000", "MGA", 7_000),
    ],
)
def test_amounts_are_sent_in_the_units_in_which_stripe_counts(
    stripe: StripeProvider, peer: StripePeer, amount: str, currency: str, units: int
) -> None:
    rig = Rig(stripe, amount_micros=micros(amount), currency=currency)

    assert rig.take() == PAID
    assert [(payment.amount, payment.currency) for payment in peer.payments()] == [(units, currency.lower())]


@pytest.mark.parametrize(
    ("amount", "currency", "reason"),
    [
        ("50.125", "KWD", "Cards cannot be charged so exact an amount in this currency."),
        ("5.50", "ISK", "Cards cannot be charged so exact an amount in this currency."),
        ("0.49", "USD", r"Amount must be at least $0.50 usd"),
        ("1000000", "USD", r"Amount must be no more than $999,999.99"),
        ("100", "ZZZ", "Invalid currency: zzz."),
    ],
)
def test_what_stripe_never_takes_is_declined_at_once(
    stripe: StripeProvider, peer: StripePeer, amount: str, currency: str, reason: str
) -> None:
    rig = Rig(stripe, amount_micros=micros(amount), currency=currency)

    assert stripe.prepare(PaymentRequest(**rig.values)) == PaymentAnswer(Outcome.DECLINED, reason)
    assert peer.objects.listed("payment_intent") == []


# Taking it


def test_a_payment_is_taken(stripe: StripeProvider, peer: StripePeer) -> None:
    assert Rig(stripe).take() == PAID

    [payment] = peer.payments()
    assert (payment.recharge, payment.amount, payment.times_charged) == ("rchg_1-1", 10_000, 1)
    assert stripe.look(payment.payment_id) == PAID


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("pm_card_chargeDeclined", "The card was declined."),
        ("pm_card_insufficient", "The card has insufficient funds."),
        ("pm_card_expired", "The card has expired."),
        ("pm_card_odd", "Your card said: dislikes_mondays."),
    ],
)
def test_a_declined_card_is_told_with_the_reason(
    stripe: StripeProvider, peer: StripePeer, token: str, reason: str
) -> None:
    rig = Rig(stripe, token)

    answer = rig.take()

    charge = peer.objects.listed("charge")[0]["id"]
    assert answer == PaymentAnswer(Outcome.DECLINED, reason, declined_ref=charge)
    assert stripe.look(rig.values["payment_id"]) == answer
    assert peer.payments() == []


@pytest.mark.parametrize("fault", ANY_FAULT)
def test_a_payment_whose_answer_is_lost_is_taken_once(
    stripe: StripeProvider, proxy: FaultyProxy, peer: StripePeer, fault: Fault
) -> None:
    rig = Rig(stripe)
    rig.prepared()
    proxy.script = [fault]

    assert rig.take(attempt=1) == LOST
    assert rig.take(attempt=2) == PAID
    assert rig.take(attempt=3) == PAID
    assert [payment.times_charged for payment in peer.payments()] == [1]


@pytest.mark.parametrize("fault", ANY_FAULT)
def test_looking_before_trying_again_may_fail_as_well(
    stripe: StripeProvider, proxy: FaultyProxy, peer: StripePeer, fault: Fault
) -> None:
    rig = Rig(stripe)
    rig.prepared()
    proxy.script = [Fault.LOSE_ANSWER, fault]

    assert [rig.take(attempt=1), rig.take(attempt=2), rig.take(attempt=3)] == [LOST, LOST, PAID]
    assert [payment.times_charged for payment in peer.payments()] == [1]


@pytest.mark.parametrize("fault", DONE_BUT_UNHEARD)
@pytest.mark.parametrize("a_day_later", [False, True])
def test_a_decline_whose_answer_is_lost_is_found_and_not_tried_anew(
    stripe: StripeProvider, proxy: FaultyProxy, peer: StripePeer, fault: Fault, a_day_later: bool
) -> None:
    rig = Rig(stripe, "pm_card_insufficient")
    payment_id = rig.prepared()
    proxy.script = [fault]
    assert rig.take(attempt=1) == LOST
    if a_day_later:
        peer.forget_keys()

    answer = rig.take(attempt=2)

    assert answer.outcome == Outcome.DECLINED
    assert answer.declined_ref == peer.objects.all[payment_id]["latest_charge"]
    assert peer.tries(payment_id) == 1


def test_the_next_try_after_a_decline_is_a_new_one(stripe: StripeProvider, peer: StripePeer) -> None:
    rig = Rig(stripe, "pm_card_insufficient")
    first = rig.take(attempt=1)

    second = rig.take(attempt=2, declined_before=1, last_declined_ref=first.declined_ref)
    peer.behave(rig.card.token, "works")
    third = rig.take(attempt=3, declined_before=2, last_declined_ref=second.declined_ref)

    assert (first.outcome, second.outcome, third) == (Outcome.DECLINED, Outcome.DECLINED, PAID)
    assert first.declined_ref != second.declined_ref
    assert peer.tries(rig.values["payment_id"]) == 3
    assert len(peer.payments()) == 1


def test_each_decline_without_a_charge_is_news_once(stripe: StripeProvider, peer: StripePeer) -> None:
    rig = Rig(stripe, "pm_card_visa")
    peer.behave(rig.card.token, "invalid_cvc")
    answers = [rig.take(attempt=1)]
    for declines in (1, 2):
        known = {"declined_before": declines, "last_declined_ref": answers[-1].declined_ref}
        answers.append(rig.take(attempt=declines + 1, **known))
    looked = stripe.look(rig.values["payment_id"])

    assert [answer.outcome for answer in answers] == [Outcome.DECLINED] * 3
    assert len({answer.declined_ref for answer in answers}) == 3
    assert peer.keys_used[-3:] == [f"rchg_1-1-try-{number}" for number in (1, 2, 3)]
    peer.behave(rig.card.token, "works")
    assert rig.take(attempt=4, declined_before=3, last_declined_ref=looked.declined_ref) == PAID


@pytest.mark.parametrize("fault", ANY_FAULT)
def test_the_second_try_may_be_lost_as_the_first(
    stripe: StripeProvider, proxy: FaultyProxy, peer: StripePeer, fault: Fault
) -> None:
    rig = Rig(stripe, "pm_card_insufficient")
    first = rig.take(attempt=1)
    peer.behave(rig.card.token, "works")
    known = {"declined_before": 1, "last_declined_ref": first.declined_ref}
    proxy.script = [Fault.PASS, fault]

    assert rig.take(attempt=2, **known) == LOST
    assert rig.take(attempt=3, **known) == PAID
    assert [payment.times_charged for payment in peer.payments()] == [1]


@pytest.mark.parametrize("after_doing", [False, True])
def test_a_failure_that_stripe_replays_for_a_day_does_not_keep_it_from_being_taken(
    stripe: StripeProvider, peer: StripePeer, after_doing: bool
) -> None:
    rig = Rig(stripe)
    payment_id = rig.prepared()
    peer.fail_next("/confirm", after_doing=after_doing)

    assert rig.take(attempt=1) == LOST
    assert rig.take(attempt=2) == PAID
    assert peer.tries(payment_id) == 1


def test_a_payment_that_somebody_else_took_in_the_same_moment_is_paid(stripe: StripeProvider, peer: StripePeer) -> None:
    rig = Rig(stripe)
    payment_id = rig.prepared()
    peer.do("confirm", name=payment_id, payment_method=rig.card.token)

    assert rig.take(attempt=1) == PAID
    assert peer.tries(payment_id) == 1


@pytest.mark.parametrize("token", ["pm_card_visa", "pm_card_insufficient"])
def test_many_who_take_a_payment_at_once_are_one_try(stripe: StripeProvider, peer: StripePeer, token: str) -> None:
    rig = Rig(stripe, token)
    payment_id = rig.prepared()

    with ThreadPoolExecutor(8) as threads:
        answers = set(threads.map(lambda _: rig.take(), range(8)))

    assert len(answers) == 1
    assert peer.tries(payment_id) == 1


def test_a_payment_that_is_being_processed_is_asked_about_later(stripe: StripeProvider, peer: StripePeer) -> None:
    rig = Rig(stripe, "pm_card_slow")
    payment_id = rig.prepared()

    first, again = rig.take(attempt=1), rig.take(attempt=2)
    peer.do("finish", name=payment_id)

    assert (first, again, rig.take(attempt=3)) == (LOST, LOST, PAID)
    assert peer.tries(payment_id) == 1


def test_a_card_that_is_gone_is_declined_in_stripes_words(stripe: StripeProvider, peer: StripePeer) -> None:
    rig = Rig(stripe)
    rig.prepared()

    assert rig.take(token="pm_gone") == PaymentAnswer(Outcome.DECLINED, "No such PaymentMethod: 'pm_gone'")


def test_a_payment_that_this_stripe_does_not_know_is_not_declined(stripe: StripeProvider) -> None:
    assert Rig(stripe, payment_id="pi_of_another_house").take() == LOST


# Where the bank wants its customer


def test_with_nobody_there_a_card_that_asks_waits_for_its_owner(stripe: StripeProvider, peer: StripePeer) -> None:
    rig = Rig(stripe, "pm_card_authenticationRequired")

    answer = rig.take()

    charge = peer.objects.listed("charge")[0]["id"]
    assert answer == PaymentAnswer(Outcome.ACTION_REQUIRED, CONFIRM, declined_ref=charge)
    assert stripe.look(rig.values["payment_id"]) == answer


def test_with_its_owner_there_it_is_confirmed_at_the_bank(stripe: StripeProvider, peer: StripePeer) -> None:
    rig = Rig(stripe, "pm_card_authenticationRequired")
    first = rig.take(attempt=1)
    there = {"declined_before": 1, "last_declined_ref": first.declined_ref, "return_url": HERE}

    asked = rig.take(attempt=2, **there)
    again = rig.take(attempt=3, **there)
    assert asked.action_url is not None
    answer = httpx2.post(asked.action_url, data={"say": "yes"})

    assert asked == again == PaymentAnswer(Outcome.ACTION_REQUIRED, CONFIRM, action_url=asked.action_url)
    assert answer.headers["location"].startswith(f"{HERE}&payment_intent=")
    assert rig.take(attempt=4, **there) == PAID
    assert len(peer.payments()) == 1


def test_a_refusal_at_the_bank_is_a_decline(stripe: StripeProvider, peer: StripePeer) -> None:
    rig = Rig(stripe, "pm_card_authenticationRequired", return_url=HERE)
    asked = rig.take(attempt=1)
    assert asked.action_url is not None
    httpx2.post(asked.action_url, data={"say": "no"})

    answer = rig.take(attempt=2)

    assert answer.outcome == Outcome.DECLINED
    assert answer.reason == "The payment was not confirmed with the card's bank."
    assert answer.declined_ref is not None
    assert rig.take(attempt=3, declined_before=1, last_declined_ref=answer.declined_ref).action_url is not None


# Giving up


def test_a_payment_is_given_up_and_cannot_be_taken_any_more(stripe: StripeProvider, peer: StripePeer) -> None:
    rig = Rig(stripe)
    payment_id = rig.prepared()

    assert stripe.cancel(payment_id) == PaymentAnswer(Outcome.CANCELED)
    assert stripe.cancel(payment_id) == PaymentAnswer(Outcome.CANCELED)
    assert rig.take() == PaymentAnswer(Outcome.CANCELED)
    assert stripe.look(payment_id) == PaymentAnswer(Outcome.CANCELED)
    assert peer.payments() == []


def test_giving_up_too_late_says_paid(stripe: StripeProvider) -> None:
    rig = Rig(stripe)
    rig.take()

    assert stripe.cancel(rig.values["payment_id"]) == PAID


@pytest.mark.parametrize("fault", ANY_FAULT)
def test_giving_up_and_looking_may_be_lost_too(stripe: StripeProvider, proxy: FaultyProxy, fault: Fault) -> None:
    payment_id = Rig(stripe).prepared()
    proxy.script = [fault, fault]

    with pytest.raises(Unavailable):
        stripe.cancel(payment_id)
    with pytest.raises(Unavailable):
        stripe.look(payment_id)
    assert stripe.cancel(payment_id) == PaymentAnswer(Outcome.CANCELED)


# Money back


def paid(stripe: StripeProvider, **values: Any) -> str:
    """The id of a payment that was made."""
    rig = Rig(stripe, **values)
    assert rig.take() == PAID
    return str(rig.values["payment_id"])


def test_money_goes_back_once_for_a_key(stripe: StripeProvider, peer: StripePeer) -> None:
    request = RefundRequest("rfnd_1-1", paid(stripe), micros(30), "USD")

    first, again = stripe.refund(request), stripe.refund(request)

    assert first == again == RefundAnswer(Outcome.PAID, first.refund_id)
    assert [payment.refunded for payment in peer.payments()] == [3_000]
    assert stripe.refunds(request.payment_id) == [
        FoundRefund(str(first.refund_id), "rfnd_1-1", micros(30), Outcome.PAID)
    ]


@pytest.mark.parametrize("fault", ANY_FAULT)
@pytest.mark.parametrize("a_day_later", [False, True])
def test_a_refund_whose_answer_is_lost_goes_back_once(
    stripe: StripeProvider, proxy: FaultyProxy, peer: StripePeer, fault: Fault, a_day_later: bool
) -> None:
    request = RefundRequest("rfnd_1-1", paid(stripe), micros(30), "USD")
    proxy.script = [Fault.PASS, fault]
    with pytest.raises(Unavailable):
        stripe.refund(request)
    if a_day_later:
        peer.forget_keys()

    assert stripe.refund(request).outcome == Outcome.PAID
    assert [payment.refunded for payment in peer.payments()] == [3_000]


@pytest.mark.parametrize("after_doing", [False, True])
def test_a_refund_that_failed_at_stripe_is_never_made_twice(
    stripe: StripeProvider, peer: StripePeer, after_doing: bool
) -> None:
    request = RefundRequest("rfnd_1-1", paid(stripe), micros(30), "USD")
    peer.fail_next("/v1/refunds", after_doing=after_doing)
    with pytest.raises(Unavailable):
        stripe.refund(request)
    if not after_doing:  # its key stands for the failure until it is forgotten
        with pytest.raises(Unavailable):
            stripe.refund(request)
        peer.forget_keys()

    assert stripe.refund(request).outcome == Outcome.PAID
    assert [payment.refunded for payment in peer.payments()] == [3_000]


def test_more_than_is_left_does_not_go_back(stripe: StripeProvider, peer: StripePeer) -> None:
    payment_id = paid(stripe)
    stripe.refund(RefundRequest("rfnd_1-1", payment_id, micros(100), "USD"))

    answer = stripe.refund(RefundRequest("rfnd_1-2", payment_id, micros(1), "USD"))

    assert answer == RefundAnswer(Outcome.DECLINED, reason="Charge has already been refunded.")
    assert [payment.refunded for payment in peer.payments()] == [10_000]


def test_a_refund_that_fails_later_is_declined(stripe: StripeProvider, peer: StripePeer) -> None:
    request = RefundRequest("rfnd_1-1", paid(stripe), micros(30), "USD")
    peer.do("fail_refund", name=stripe.refund(request).refund_id)

    answer = stripe.refund(request)

    assert (answer.outcome, answer.reason) == (Outcome.DECLINED, "lost or stolen card")
    assert [refund.outcome for refund in stripe.refunds(request.payment_id)] == [Outcome.DECLINED]


def test_a_refund_made_at_stripe_has_no_key_of_ours(stripe: StripeProvider, peer: StripePeer) -> None:
    payment_id = paid(stripe, currency="JPY", amount_micros=micros(5_000))
    made = peer.do("refund", payment_intent=payment_id, amount=700)

    assert stripe.refunds(payment_id) == [FoundRefund(made["id"], None, micros(700), Outcome.PAID)]


@pytest.mark.parametrize(
    ("ends", "status"),
    [(None, "OPEN"), ("won", "WON"), ("lost", "LOST"), ("warning_closed", "WON"), ("under_review", "OPEN"),
     ("appeal_under_review", "OPEN"), ("warning_under_review", "OPEN"), ("prevented", "LOST")],
)  # fmt: skip
def test_disputes_are_told_as_they_stand(
    stripe: StripeProvider, peer: StripePeer, ends: str | None, status: str
) -> None:
    payment_id = paid(stripe)
    made = peer.do("dispute", payment_intent=payment_id)
    if ends is not None:
        peer.do("close_dispute", name=made["id"], status=ends)

    assert stripe.disputes(payment_id) == [FoundDispute(made["id"], payment_id, micros(100), status, "fraudulent")]


@pytest.mark.parametrize("fault", ANY_FAULT)
def test_what_is_not_heard_of_money_back_is_unavailable(
    stripe: StripeProvider, proxy: FaultyProxy, fault: Fault
) -> None:
    payment_id = paid(stripe)
    proxy.script = [fault, fault]

    with pytest.raises(Unavailable):
        stripe.refunds(payment_id)
    with pytest.raises(Unavailable):
        stripe.disputes(payment_id)
