"""The server: requests in, with their idempotency keys; events out, signed; and the truth about the money."""

import hashlib
import hmac
import http.client
import json
import queue
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass
from http.server import ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

from tests.stripe_peer.calls import Calls
from tests.stripe_peer.objects import Object, Objects
from tests.stripe_peer.refused import Refused
from tests.stripe_peer.requests import Requests

SECRET = "whsec_of_the_stand_in"
API_VERSION = "2026-10-28.endive"


@dataclass(frozen=True)
class PeerPayment:
    """Money that really moved: a payment that succeeded, and what of it went back. Amounts in Stripe's units."""

    payment_id: str
    recharge: str
    customer: str
    amount: int
    currency: str
    refunded: int
    times_charged: int


@dataclass
class _Kept:
    """What an idempotency key stands for: the request, and its answer."""

    request: tuple[str, str, str]
    status: int
    body: Object


class StripePeer:
    """Runs from `with` to the end of its block; `url` and `key` are what a client needs."""

    key = "sk_test_of_the_stand_in"
    secret = SECRET

    def __init__(self, *, webhook_url: str | None = None, port: int = 0) -> None:
        self.objects = Objects()
        self.objects.on_event = self._send
        self.calls = Calls(self.objects)
        self.webhook_url = webhook_url
        self.keys_used: list[str] = []
        self.not_delivered: list[Object] = []
        self._kept: dict[str, _Kept] = {}
        self._own_faults: list[tuple[str, bool]] = []
        self._outbox: queue.Queue[Object | None] = queue.Queue()
        self._server = _Server(("127.0.0.1", port), Requests)
        self._server.peer = self
        self.url = self.objects.url = f"http://127.0.0.1:{self._server.server_port}"
        self._threads = [
            threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True),
            threading.Thread(target=self._deliver_all, daemon=True),
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._outbox.put(None)
        for thread in self._threads:
            thread.join()
        self._server.server_close()

    # The truth

    def payments(self) -> list[PeerPayment]:
        """Every payment that moved money, in the order in which they were begun."""
        with self.objects.lock:
            charges = self.objects.listed("charge", status="succeeded")
            times = Counter(charge["payment_intent"] for charge in charges)
            refunded = {charge["payment_intent"]: charge["amount_refunded"] for charge in charges}
            intents = [self.objects.all[payment_id] for payment_id in times]
        return [
            PeerPayment(
                intent["id"], intent["metadata"].get("recharge", ""), intent["customer"], intent["amount"],
                intent["currency"], refunded[intent["id"]], times[intent["id"]],
            )
            for intent in sorted(intents, key=lambda intent: str(intent["id"]))
        ]  # fmt: skip

    def truth(self) -> Object:
        """The same, to be sent."""
        return {"payments": [asdict(payment) for payment in self.payments()]}

    def tries(self, payment_id: str) -> int:
        """How often a bank was asked to pay."""
        with self.objects.lock:
            return len(self.objects.listed("charge", payment_intent=payment_id))

    # What a test makes happen

    def behave(self, payment_method: str, behaviour: str) -> None:
        """From now on a card behaves in this way."""
        with self.objects.lock:
            self.objects.behaviours[payment_method] = behaviour

    def forget_keys(self) -> None:
        """More than a day goes by: the idempotency keys are gone."""
        with self.objects.lock:
            self._kept.clear()

    def fail_next(self, path: str, *, after_doing: bool) -> None:
        """The next request to a path is answered with a fault of the peer's own, which its key brings back."""
        with self.objects.lock:
            self._own_faults.append((path, after_doing))

    def do(self, verb: str, **values: Any) -> Object:
        """One of the things that happen outside the API: `dispute`, `refund`, `give_card`, `finish`, …"""
        with self.objects.lock:
            done: Object = getattr(self.objects, verb)(**values)
            return done

    # Requests

    def answer(self, method: str, path: str, params: Object, headers: Any) -> tuple[int, Object, bool]:
        """The status and body of an answer, and whether it was replayed."""
        if headers.get("Authorization") != f"Bearer {self.key}":
            return 401, Refused(401, "Invalid API Key provided.").body, False
        if headers.get("Stripe-Version") != API_VERSION:
            return 400, Refused(400, "This version of the API is not played here.").body, False
        key = headers.get("Idempotency-Key") if method == "POST" else None
        request = (method, path, json.dumps(params, sort_keys=True))
        with self.objects.lock:
            if key is not None and key in self._kept:
                kept = self._kept[key]
                if kept.request != request:
                    said = "Keys for idempotent requests can only be used with the same parameters."
                    return 400, Refused(400, said, type="idempotency_error").body, False
                return kept.status, kept.body, True
            status, body, is_kept = self._do(method, path, params)
            if key is not None:
                self.keys_used.append(key)
                if is_kept:
                    self._kept[key] = _Kept(request, status, body)
            return status, body, False

    def _do(self, method: str, path: str, params: Object) -> tuple[int, Object, bool]:
        fault = next((fault for fault in self._own_faults if fault[0] in path and method == "POST"), None)
        broken = Refused(500, "An unknown error occurred.").body
        if fault is not None:
            self._own_faults.remove(fault)
            if not fault[1]:
                return 500, broken, True
        try:
            body = self.calls.answer(method, path, params)
        except Refused as refused:
            return refused.status, refused.body, refused.kept
        return (500, broken, True) if fault is not None else (200, body, True)

    # Events

    def redeliver(self, *, only_failed: bool = False) -> None:
        """Send events again, as Stripe does for days when it gets no answer."""
        with self.objects.lock:
            events = self.not_delivered if only_failed else list(self.objects.events)
            self.not_delivered = []
        for event in events:
            self._outbox.put(event)

    def settle(self) -> None:
        """Wait until every event was sent once."""
        self._outbox.join()

    def signed(self, event: Object, *, secret: str | None = None, at: int | None = None) -> tuple[bytes, str]:
        """The body of an event and its signature."""
        body = json.dumps(event)
        at = int(time.time()) if at is None else at
        told = hmac.new((secret or self.secret).encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
        return body.encode(), f"t={at},v1={told}"

    def _send(self, event: Object) -> None:
        if self.webhook_url is not None:
            self._outbox.put(event)

    def _deliver_all(self) -> None:
        while True:
            event = self._outbox.get()
            try:
                if event is None:
                    return
                if not self._deliver(event):
                    with self.objects.lock:
                        self.not_delivered.append(event)
            finally:
                self._outbox.task_done()

    def _deliver(self, event: Object) -> bool:
        assert self.webhook_url is not None
        place = urlsplit(self.webhook_url)
        body, signature = self.signed(event)
        connection = http.client.HTTPConnection(place.netloc, timeout=10)
        try:
            headers = {"Content-Type": "application/json", "Stripe-Signature": signature}
            connection.request("POST", place.path, body, headers)
            return connection.getresponse().status < 300
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class _Server(ThreadingHTTPServer):
    """A thread for each connection; what becomes of a client that has gone is nobody's concern."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    peer: StripePeer

    def handle_error(self, *_: object) -> None:
        """A client went away in the middle: what it asked for stays done."""
