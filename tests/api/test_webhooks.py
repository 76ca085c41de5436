"""Webhooks: only what Stripe signed is taken, kept before anything else, and the same however it comes."""

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import uvicorn
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.testclient import TestClient
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from api import clock
from api.acting import act_on_kept_event
from api.app import build_app
from api.settings import Settings
from api.stripe_events import NotFromStripe, verified_event
from credits.events import events_due
from credits.payment_methods import add_payment_method, start_card_setup
from credits.recharging import recharge
from db.kinds import PaymentMethodKind
from db.session import Database
from tests.factories import a_key, make_account, micros
from tests.faulty import Fault, FaultyProxy
from tests.stripe_peer import StripePeer

ENDPOINT = "/webhooks/stripe"


class Shop:
    """A running app with a LIVE account whose card is at Stripe, and Stripe's stand-in."""

    def __init__(self, database: Database, data: Path, peer: StripePeer, **values: Any) -> None:
        self.database, self.peer = database, peer
        settings = {
            "data": data, "database_url": database.url, "worker": False, "stripe_api_base": peer.url,
            "stripe_api_key": SecretStr(peer.key), "stripe_webhook_secret": SecretStr(peer.secret),
            "stripe_timeout_seconds": 5, **values,
        }  # fmt: skip
        self.app: Starlette = build_app(Settings(**settings))
        self.running = self.app.state.running
        self.providers = self.running.worker.providers
        self.account_id = make_account(database)
        self.client = TestClient(self.app)

    def card(self, token: str = "pm_card_slow") -> None:
        """Add a card, which takes its time unless another is named."""
        add_payment_method(
            self.database, self.providers,
            account_id=self.account_id, kind=PaymentMethodKind.CARD, token=token, now=clock.now(),
        )  # fmt: skip

    def recharge(self, token: str = "pm_card_slow") -> str:
        """Buy 100 with such a card, and return the id of the payment."""
        self.card(token)
        number = recharge(
            self.database, self.providers, account_id=self.account_id, amount_micros=micros(100),
            idempotency_key=a_key(), now=clock.now(),
        )  # fmt: skip
        return str(self.one("SELECT provider_payment FROM recharge WHERE recharge_no = ?", number))

    def event(self, kind: str) -> dict[str, Any]:
        """The newest event of a kind that Stripe has to tell."""
        return [event for event in self.peer.objects.events if event["type"] == kind][-1]

    def send(self, event: dict[str, Any], **signing: Any) -> int:
        """Post an event as Stripe does, and return the status of the answer."""
        body, signature = self.peer.signed(event, **signing)
        return self.client.post(ENDPOINT, content=body, headers={"Stripe-Signature": signature}).status_code

    def one(self, sql: str, *values: object) -> Any:
        """One value."""
        with self.database.reading() as session:
            found = session.row(sql, *values)
        assert found is not None
        return found[0]

    @property
    def standing(self) -> tuple[str, int]:
        """How the recharge stands, and how many lots there are."""
        return self.one("SELECT status FROM recharge"), self.one("SELECT count(*) FROM lot")

    @property
    def kept(self) -> dict[str, str]:
        """The messages that were kept, and what became of them."""
        with self.database.reading() as session:
            return dict(session.rows("SELECT kind, status FROM provider_event"))


@pytest.fixture
def peer() -> Iterator[StripePeer]:
    """Stripe's stand-in."""
    with StripePeer() as running:
        yield running


@pytest.fixture
def shop(sqlite_database: Database, tmp_path: Path, peer: StripePeer) -> Iterator[Shop]:
    """Such a shop."""
    opened = Shop(sqlite_database, tmp_path, peer)
    with opened.client:
        yield opened


def test_a_payment_that_was_made_after_we_asked_brings_its_funds_at_once(shop: Shop, peer: StripePeer) -> None:
    payment_id = shop.recharge()
    assert shop.standing == ("PROCESSING", 0)
    peer.do("finish", name=payment_id)

    assert shop.send(shop.event("payment_intent.succeeded")) == 200
    assert shop.standing == ("SUCCEEDED", 1)
    assert shop.kept == {"payment_intent.succeeded": "DONE"}


def test_what_is_kept_holds_nothing_about_people_or_cards(shop: Shop, peer: StripePeer) -> None:
    payment_id = shop.recharge()
    peer.do("finish", name=payment_id)

    shop.send(shop.event("payment_intent.succeeded"))

    assert json.loads(shop.one("SELECT payload FROM provider_event")) == {
        "topic": "PAYMENT", "payment": payment_id, "setup": None,
    }  # fmt: skip


def test_a_message_that_comes_three_times_does_what_it_does_once(shop: Shop, peer: StripePeer) -> None:
    peer.do("finish", name=shop.recharge())
    event = shop.event("payment_intent.succeeded")

    assert [shop.send(event), shop.send(event), shop.send(event)] == [200, 200, 200]
    assert shop.standing == ("SUCCEEDED", 1)
    assert shop.one("SELECT attempts FROM provider_event") == 1


def test_messages_of_a_decline_and_a_later_success_may_come_in_any_order(shop: Shop, peer: StripePeer) -> None:
    payment_id = shop.recharge()
    peer.do("finish", name=payment_id, paid=False)
    declined = shop.event("payment_intent.payment_failed")
    peer.do("confirm", name=payment_id, payment_method=peer.objects.all[payment_id]["payment_method"])
    peer.do("finish", name=payment_id)

    shop.send(shop.event("payment_intent.succeeded"))
    shop.send(declined)

    assert shop.standing == ("SUCCEEDED", 1)


@pytest.mark.parametrize(
    "signing",
    [{"secret": "whsec_of_somebody_else"}, {"at": int(time.time()) - 301}],
    ids=["another secret", "too old"],
)
def test_a_message_that_stripe_did_not_just_sign_is_refused_and_not_kept(
    shop: Shop, peer: StripePeer, signing: dict[str, Any]
) -> None:
    peer.do("finish", name=shop.recharge())

    assert shop.send(shop.event("payment_intent.succeeded"), **signing) == 400
    assert shop.kept == {}
    assert shop.standing == ("PROCESSING", 0)


@pytest.mark.parametrize("signature", [None, "", "t=1", "t=x,v1=y", "v1=abc", "t=1,v1=\xe9", "=,=,=", "t=1,v1"])
def test_a_signature_that_is_none_is_refused(shop: Shop, signature: str | None) -> None:
    headers = {} if signature is None else {b"Stripe-Signature": signature.encode("latin-1")}

    answer = shop.client.post(ENDPOINT, content=b'{"id": "evt_1"}', headers=headers)

    assert answer.status_code == 400
    assert shop.kept == {}


def test_a_body_that_was_changed_on_the_way_is_refused(shop: Shop, peer: StripePeer) -> None:
    peer.do("finish", name=shop.recharge())
    body, signature = peer.signed(shop.event("payment_intent.succeeded"))

    with pytest.raises(NotFromStripe):
        verified_event(body.replace(b"usd", b"jpy"), signature, peer.secret)


@pytest.mark.parametrize("body", [{}, {"id": "evt_1"}, {"id": "evt_1", "type": "x", "data": {"object": 7}}, [], "x"])
def test_a_signed_message_that_cannot_be_read_is_refused(peer: StripePeer, body: Any) -> None:
    with pytest.raises(NotFromStripe):
        verified_event(*peer.signed(body), peer.secret)


def test_bytes_that_are_no_text_are_refused(peer: StripePeer) -> None:
    with pytest.raises(NotFromStripe):
        verified_event(b"\xff\xfe", "t=1,v1=abc", peer.secret)


def test_without_a_secret_there_is_no_such_address(sqlite_database: Database, tmp_path: Path, peer: StripePeer) -> None:
    shop = Shop(sqlite_database, tmp_path, peer, stripe_webhook_secret=None)

    with shop.client:
        assert shop.send({"id": "evt_1", "type": "x", "data": {"object": {}}}) == 404


def test_only_posts_are_taken_and_small_ones(shop: Shop) -> None:
    assert shop.client.get(ENDPOINT).status_code == 405
    assert shop.client.post(ENDPOINT, content=b"x" * (3 * 1024 * 1024)).status_code == 413


def test_a_page_of_another_site_that_posts_here_is_no_message_from_stripe(shop: Shop) -> None:
    answer = shop.client.post(ENDPOINT, data={"a": "b"}, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 400


def test_a_payment_that_nobody_here_knows_is_kept_and_said_aloud(shop: Shop, peer: StripePeer) -> None:
    payment_id = shop.recharge()
    peer.do("finish", name=payment_id)
    with shop.database.transaction() as session:
        session.execute("UPDATE recharge SET provider_payment = NULL")

    with capture_logs(processors=[merge_contextvars]) as logged:
        assert shop.send(shop.event("payment_intent.succeeded")) == 200

    assert shop.kept == {"payment_intent.succeeded": "UNKNOWN"}
    lines = {line["event"]: line["request_id"] for line in logged}
    assert lines["event_of_unknown_payment"] == lines["webhook"]  # also where it is acted on, after the answer
    with shop.database.reading() as session:
        assert events_due(session, clock.now() + 11_000_000) == [shop.event("payment_intent.succeeded")["id"]]


def test_a_payment_that_others_make_with_the_same_stripe_is_none_of_our_concern(shop: Shop, peer: StripePeer) -> None:
    customer = peer.do("customer")["id"]
    peer.do("payment", amount=5_000, currency="usd", customer=customer)

    event = {**shop.peer.objects.events[-1], "type": "payment_intent.succeeded"}

    assert shop.send(event) == 200
    assert shop.kept == {"payment_intent.succeeded": "IGNORED"}


def test_a_process_that_ends_between_keeping_and_acting_is_followed_by_the_worker(
    shop: Shop, peer: StripePeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.do("finish", name=shop.recharge())
    with monkeypatch.context() as killed:
        killed.setattr("api.webhooks.act_on_kept_event", lambda *_: None)
        assert shop.send(shop.event("payment_intent.succeeded")) == 200
    assert shop.kept == {"payment_intent.succeeded": "RECEIVED"}

    shop.running.worker.do_money(clock.now())

    assert shop.standing == ("SUCCEEDED", 1)
    assert shop.kept == {"payment_intent.succeeded": "DONE"}


def test_a_fault_while_acting_is_logged_and_the_message_waits(
    shop: Shop, peer: StripePeer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    peer.do("finish", name=shop.recharge())
    with monkeypatch.context() as broken:
        broken.setattr("credits.events.hear", lambda *_, **__: 1 / 0)
        assert shop.send(shop.event("payment_intent.succeeded")) == 200

    assert "event_failed" in "".join(capsys.readouterr())
    assert shop.one("SELECT failure FROM provider_event").startswith("ZeroDivisionError")
    with shop.database.transaction() as session:
        session.execute("UPDATE provider_event SET due_at = 0")
    event_id = shop.event("payment_intent.succeeded")["id"]
    assert act_on_kept_event(shop.database, shop.providers, shop.running.terms, event_id, clock.now())
    assert shop.standing == ("SUCCEEDED", 1)


def test_a_refund_made_at_stripe_leaves_the_balance(shop: Shop, peer: StripePeer) -> None:
    payment_id = shop.recharge("pm_card_visa")
    peer.do("refund", payment_intent=payment_id, amount=3_000)

    shop.send(shop.event("charge.refunded"))
    shop.send(shop.event("refund.created"))

    assert shop.one("SELECT remaining_micros FROM lot") == micros(70)


def test_a_dispute_keeps_funds_back_until_it_is_won(shop: Shop, peer: StripePeer) -> None:
    payment_id = shop.recharge("pm_card_visa")
    dispute = peer.do("dispute", payment_intent=payment_id)
    shop.send(shop.event("charge.dispute.created"))
    held = shop.one("SELECT remaining_micros FROM lot")
    peer.do("close_dispute", name=dispute["id"], status="won")

    shop.send(shop.event("charge.dispute.closed"))

    assert held == 0
    assert shop.one("SELECT status FROM dispute") == "WON"
    assert shop.one("SELECT remaining_micros FROM lot") == micros(100)


def test_a_card_given_on_stripes_page_is_added_when_stripe_says_so(shop: Shop, peer: StripePeer) -> None:
    url = start_card_setup(shop.database, shop.providers, account_id=shop.account_id, now=clock.now())
    peer.do("give_card", name=url.rpartition("/")[2], token="pm_card_visa")

    assert shop.send(shop.event("checkout.session.completed")) == 200
    assert shop.one("SELECT status FROM card_setup") == "DONE"
    assert shop.one("SELECT last_four FROM payment_method") == "4242"


def test_over_real_connections_messages_may_be_doubled_dropped_and_turned_around(
    sqlite_database: Database, tmp_path: Path, peer: StripePeer
) -> None:
    shop = Shop(sqlite_database, tmp_path, peer)
    payments = [shop.recharge() for _ in range(4)]
    fates = [Fault.HOLD, Fault.TWICE, Fault.SWALLOW, Fault.HOLD, Fault.LOSE_ANSWER, Fault.CUT_BEFORE]

    with serving(shop.app) as address, FaultyProxy(address, fates) as proxy:
        peer.webhook_url = f"{proxy.url}{ENDPOINT}"
        for payment_id in payments:
            peer.do("finish", name=payment_id)
        peer.settle()
        proxy.release(newest_first=True)
        peer.redeliver()
        peer.settle()

    assert shop.one("SELECT count(*) FROM recharge WHERE status = 'SUCCEEDED'") == 4
    assert shop.one("SELECT count(*) FROM lot") == 4
    assert len(peer.payments()) == 4


@contextmanager
def serving(app: Starlette) -> Iterator[str]:
    """The app behind a real server; its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level=logging.CRITICAL, ws="none"))
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
