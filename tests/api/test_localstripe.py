"""Payments through Stripe against localstripe, a stand-in that others wrote: does what we send and read fit there too?

It lacks Checkout, disputes, idempotency keys and declines of saved cards. It takes a card when the payment is made and
not when it is confirmed; a proxy moves it there, and leaves out what localstripe does not know.
"""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx2
import pytest

from api.stripe_events import NotFromStripe, verified_event
from api.stripe_provider import StripeProvider
from credits.events import Topic
from credits.providers import (
    CustomerRequest,
    FoundRefund,
    Outcome,
    PaymentAnswer,
    PaymentRequest,
    RefundAnswer,
    RefundRequest,
)
from tests.factories import micros
from tests.faulty import FaultyProxy, Passing

SECRET = "whsec_agreed_with_localstripe"
PATIENCE_SECONDS = 60
Received = Queue[tuple[bytes, str]]


@pytest.fixture(scope="module")
def localstripe() -> Iterator[str]:
    """localstripe in a process of its own; its address."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port = asked.getsockname()[1]
    words = [sys.executable, "-m", "localstripe", "--from-scratch", "--port", str(port)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_SECONDS)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, "localstripe ended"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("localstripe did not start")


@pytest.fixture
def received() -> Iterator[tuple[str, Received]]:
    """Where webhooks may go: an address, and what came there."""
    came: Received = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.put((self.rfile.read(int(self.headers["Content-Length"])), self.headers["Stripe-Signature"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/webhooks/stripe", came
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def fitted(localstripe: str, token: str) -> Iterator[StripeProvider]:
    """The provider, as localstripe understands it."""

    def rewrite(request: Passing) -> Passing:
        values = dict(parse_qsl(request.body.decode()))
        if request.path == "/v1/payment_intents":
            for unknown in ("allowed_payment_method_types[0]", "description"):
                values.pop(unknown)
            values["payment_method"] = token
        elif request.path.endswith("/confirm"):
            assert values == {"payment_method": token, "off_session": "true"}
            values = {}
        return replace(request, body=urlencode(values).encode()) if request.method == "POST" else request

    with FaultyProxy(localstripe, rewrite=rewrite) as proxy:
        yield StripeProvider("sk_test_12345", api_base=proxy.url, timeout_seconds=30)


def plain(localstripe: str) -> StripeProvider:
    """The provider as it is."""
    return StripeProvider("sk_test_12345", api_base=localstripe, timeout_seconds=30)


def test_a_customer_pays_with_a_card_and_gets_money_back(localstripe: str, received: tuple[str, Received]) -> None:
    address, came = received
    told = {"url": address, "secret": SECRET}
    assert httpx2.post(f"{localstripe}/_config/webhooks/us", json=told).status_code == 200
    stripe = plain(localstripe)
    customer = stripe.customer(CustomerRequest("acct_1", "Contoso", "bills@contoso.example"))
    card = stripe.card(customer, "pm_card_visa")
    assert card is not None
    assert (card.brand, card.last_four, card.expires_on.isoformat()) == ("Visa", "4242", "2030-12-31")
    assert stripe.card(customer, card.token) == card

    request: dict[str, Any] = {
        "key": "rchg_1-1", "amount_micros": micros("99.99"), "currency": "USD", "token": card.token, "attempt": 1,
        "customer": customer, "text": "Communications Credits: Contoso",
    }  # fmt: skip
    with fitted(localstripe, card.token) as halfway:
        payment_id = halfway.prepare(PaymentRequest(**request))
        assert isinstance(payment_id, str)
        assert stripe.look(payment_id) == PaymentAnswer(Outcome.LOST)
        taken = halfway.take(PaymentRequest(**request, payment_id=payment_id))
        again = halfway.take(PaymentRequest(**{**request, "attempt": 2}, payment_id=payment_id))

    assert taken == again == stripe.look(payment_id) == PaymentAnswer(Outcome.PAID)
    refund = RefundRequest("rfnd_1-1", payment_id, micros("9.99"), "USD")
    answer = stripe.refund(refund)
    assert stripe.refund(refund) == answer == RefundAnswer(Outcome.PAID, answer.refund_id)
    assert stripe.refunds(payment_id) == [FoundRefund(str(answer.refund_id), "rfnd_1-1", micros("9.99"), Outcome.PAID)]
    assert_paid_event(came, payment_id)


def assert_paid_event(came: Received, payment_id: str) -> None:
    """The message that it was paid comes, signed by localstripe, and leads to the payment."""
    while True:
        body, signature = came.get(timeout=PATIENCE_SECONDS)
        event = verified_event(body, signature, SECRET)
        if event.kind == "payment_intent.succeeded":
            break
    assert (event.topic, event.payment_id, event.object_id) == (Topic.PAYMENT, payment_id, payment_id)
    with pytest.raises(NotFromStripe):
        verified_event(body, signature, "whsec_of_somebody_else")


def test_a_payment_is_given_up(localstripe: str) -> None:
    stripe = plain(localstripe)
    customer = stripe.customer(CustomerRequest("acct_2", "Fabrikam"))
    card = stripe.card(customer, "pm_card_visa")
    assert card is not None
    with fitted(localstripe, card.token) as halfway:
        payment_id = halfway.prepare(
            PaymentRequest("rchg_2-1", micros(100), "JPY", card.token, 1, customer=customer, text="x")
        )
    assert isinstance(payment_id, str)

    assert stripe.cancel(payment_id) == PaymentAnswer(Outcome.CANCELED)
    assert stripe.look(payment_id) == PaymentAnswer(Outcome.CANCELED)


def test_there_is_no_such_card(localstripe: str) -> None:
    assert plain(localstripe).card(None, "pm_nothing") is None
