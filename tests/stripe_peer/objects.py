"""What the stand-in knows: customers, cards, payments, refunds, disputes, pages, and the events of all of them.

One lock guards everything, so each request happens whole or not at all.
"""

import copy
import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

from tests.stripe_peer.cards import ASKS, CARDS, NOT_ATTACHED, OWN_CODES, SLOW, UNCHARGED, WORKS, MagicCard
from tests.stripe_peer.refused import Refused, missing, wrong

Object = dict[str, Any]

WHOLE_UNITS = {"bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"}
ODD_UNITS = {"bhd": 10, "jod": 10, "kwd": 10, "omr": 10, "tnd": 10, "isk": 100, "ugx": 100}
OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


class Objects:
    """The objects by their ids, in the order in which they came."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.url = ""
        self.all: dict[str, Object] = {}
        self.behaviours: dict[str, str] = {}
        self.events: list[Object] = []
        self.on_event: Callable[[Object], None] = lambda event: None
        self._numbers = itertools.count(1)

    def make(self, prefix: str, kind: str, **fields: Any) -> Object:
        """Keep a new object."""
        made = {"id": f"{prefix}_{next(self._numbers):06}", "object": kind, "created": int(time.time()), **fields}
        self.all[made["id"]] = made
        return made

    def get(self, kind: str, name: str, param: str = "id") -> Object:
        """An object that must be there."""
        found = self.all.get(name)
        if found is None or found["object"] != kind:
            raise missing(kind, name, param)
        return found

    def listed(self, kind: str, **wanted: str) -> list[Object]:
        """The objects of a kind with certain values, newest first."""
        found = [each for each in self.all.values() if each["object"] == kind]
        return [each for each in reversed(found) if all(each.get(name) == value for name, value in wanted.items())]

    def tell(self, kind: str, about: Object) -> None:
        """An event: what the object is at this moment."""
        event = self.make("evt", "event", type=kind, data={"object": copy.deepcopy(about)}, livemode=False)
        self.events.append(event)
        self.on_event(event)

    # Customers and their cards

    def customer(self, name: str = "", email: str | None = None, metadata: Object | None = None) -> Object:
        """A customer."""
        return self.make("cus", "customer", name=name, email=email, metadata=metadata or {})

    def card(self, token: str) -> Object:
        """A payment method by its id; a magic token makes one."""
        if token not in CARDS:
            return self.get("payment_method", token)
        card: MagicCard = CARDS[token]
        details = {
            "brand": card.brand, "last4": card.last4, "exp_month": card.exp_month, "exp_year": card.exp_year,
            "country": "US", "funding": "credit",
        }  # fmt: skip
        made = self.make("pm", "payment_method", type=card.kind, customer=None, metadata={}, **{card.kind: details})
        self.behaviours[made["id"]] = card.behaviour
        return made

    def attach(self, token: str, customer: str) -> Object:
        """Give a card to a customer."""
        self.get("customer", customer, "customer")
        method = self.card(token)
        if self.behaviours[method["id"]] == NOT_ATTACHED:
            raise Refused(402, "Your card was declined.", code="card_declined", decline_code="do_not_honor")
        if method["customer"] not in (None, customer):
            raise wrong("The payment method you provided has already been attached to a customer.", "payment_method")
        method["customer"] = customer
        return method

    # Payments

    def payment(
        self, amount: int, currency: str, customer: str, metadata: Object | None = None, description: str | None = None
    ) -> Object:
        """A payment that nobody has confirmed."""
        self.get("customer", customer, "customer")
        if currency == "zzz" or len(currency) != 3 or not currency.islower():
            raise wrong(f"Invalid currency: {currency}.", "currency")
        if amount % ODD_UNITS.get(currency, 1):
            raise wrong(f"Invalid amount for {currency}.", "amount")
        if amount < (50 if currency not in WHOLE_UNITS else 1):
            raise wrong("Amount must be at least $0.50 usd", "amount", "amount_too_small")
        if amount > 99_999_999:
            raise wrong("Amount must be no more than $999,999.99", "amount", "amount_too_large")
        intent = self.make(
            "pi", "payment_intent", amount=amount, currency=currency, customer=customer, metadata=metadata or {},
            description=description, status="requires_payment_method", payment_method=None, latest_charge=None,
            last_payment_error=None, next_action=None, payment_method_types=["card"],
        )  # fmt: skip
        self.tell("payment_intent.created", intent)
        return intent

    def confirm(
        self, name: str, payment_method: str, off_session: bool = False, return_url: str | None = None
    ) -> Object:
        """Try to take a payment."""
        intent = self.get("payment_intent", name, "intent")
        if intent["status"] not in OPEN:
            raise self._unexpected(intent, "confirm")
        if payment_method not in self.all:
            raise missing("PaymentMethod", payment_method, "payment_method")
        if self.all[payment_method]["customer"] != intent["customer"]:
            raise Refused(400, "The payment method does not belong to the customer.", param="payment_method")
        intent.update(payment_method=payment_method, last_payment_error=None, next_action=None)
        behaviour = self.behaviours[payment_method]
        if behaviour == ASKS and not off_session:
            self._send_to_bank(intent, return_url)
        elif behaviour == SLOW:
            intent["status"] = "processing"
            self.tell("payment_intent.processing", intent)
        elif behaviour == WORKS:
            self._take(intent)
        else:
            self._decline(intent, behaviour)
            raise Refused(402, **{**intent["last_payment_error"], "payment_intent": copy.deepcopy(intent)})
        return intent

    def answer_bank(self, name: str, *, agreed: bool) -> Object:
        """What the customer said on the bank's page."""
        intent = self.get("payment_intent", name)
        if intent["status"] != "requires_action":
            raise self._unexpected(intent, "authenticate")
        intent["next_action"] = None
        if agreed:
            self._take(intent)
        else:
            said = "The provided PaymentMethod has failed authentication."
            code = "payment_intent_authentication_failure"
            intent["last_payment_error"] = {"type": "invalid_request_error", "code": code, "message": said}
            intent["status"] = "requires_payment_method"
            self.tell("payment_intent.payment_failed", intent)
        return intent

    def finish(self, name: str, *, paid: bool = True) -> Object:
        """End a payment that is being processed."""
        intent = self.get("payment_intent", name)
        if paid:
            self._take(intent)
        else:
            self._decline(intent, "generic_decline")
        return intent

    def cancel(self, name: str) -> Object:
        """Give a payment up."""
        intent = self.get("payment_intent", name, "intent")
        if intent["status"] not in OPEN:
            raise self._unexpected(intent, "cancel")
        intent.update(status="canceled", next_action=None)
        self.tell("payment_intent.canceled", intent)
        return intent

    def _take(self, intent: Object) -> None:
        charge = self._charge(intent, "succeeded")
        intent.update(status="succeeded", next_action=None, last_payment_error=None)
        self.tell("charge.succeeded", charge)
        self.tell("payment_intent.succeeded", intent)

    def _charge(self, intent: Object, status: str) -> Object:
        charge = self.make(
            "ch", "charge", amount=intent["amount"], currency=intent["currency"], payment_intent=intent["id"],
            status=status, metadata=dict(intent["metadata"]), amount_refunded=0,
        )  # fmt: skip
        intent["latest_charge"] = charge["id"]
        return charge

    def _decline(self, intent: Object, code: str) -> None:
        intent["status"] = "requires_payment_method"
        intent["last_payment_error"] = {
            "type": "card_error", "code": code if code in OWN_CODES else "card_declined", "decline_code": code,
            "message": f"Your card said: {code}.",
        }  # fmt: skip
        if code not in UNCHARGED:
            charge = self._charge(intent, "failed")
            intent["last_payment_error"]["charge"] = charge["id"]
            self.tell("charge.failed", charge)
        self.tell("payment_intent.payment_failed", intent)

    def _send_to_bank(self, intent: Object, return_url: str | None) -> None:
        intent["status"] = "requires_action"
        if return_url is None:
            intent["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
        else:
            page = {"url": f"{self.url}/bank/{intent['id']}", "return_url": return_url}
            intent["next_action"] = {"type": "redirect_to_url", "redirect_to_url": page}
        self.tell("payment_intent.requires_action", intent)

    def _unexpected(self, intent: Object, verb: str) -> Refused:
        said = f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}."
        return Refused(400, said, code="payment_intent_unexpected_state", payment_intent=copy.deepcopy(intent))

    # Refunds and disputes

    def refund(self, payment_intent: str, amount: int, metadata: Object | None = None) -> Object:
        """Give money back."""
        intent = self.get("payment_intent", payment_intent, "payment_intent")
        if intent["status"] != "succeeded":
            raise Refused(400, "This PaymentIntent does not have a successful charge to refund.")
        charge = self.all[intent["latest_charge"]]
        left = charge["amount"] - charge["amount_refunded"]
        if left == 0:
            raise Refused(400, "Charge has already been refunded.", code="charge_already_refunded")
        if amount > left:
            raise wrong("Refund amount is greater than unrefunded amount on charge", "amount")
        charge["amount_refunded"] += amount
        refund = self.make(
            "re", "refund", amount=amount, currency=charge["currency"], payment_intent=payment_intent,
            charge=charge["id"], metadata=metadata or {}, status="succeeded", failure_reason=None,
        )  # fmt: skip
        self.tell("refund.created", refund)
        self.tell("charge.refunded", charge)
        return refund

    def fail_refund(self, name: str, reason: str = "lost_or_stolen_card") -> Object:
        """The money of a refund comes back."""
        refund = self.get("refund", name)
        refund.update(status="failed", failure_reason=reason)
        self.all[refund["charge"]]["amount_refunded"] -= refund["amount"]
        self.tell("refund.failed", refund)
        return refund

    def dispute(self, payment_intent: str, amount: int | None = None, reason: str = "fraudulent") -> Object:
        """The payer's bank contests a payment."""
        intent = self.get("payment_intent", payment_intent)
        taken = intent["amount"] if amount is None else amount
        dispute = self.make(
            "dp", "dispute", amount=taken, currency=intent["currency"], payment_intent=payment_intent,
            charge=intent["latest_charge"], reason=reason, status="needs_response", metadata={},
            balance_transactions=[{"id": "txn_1", "object": "balance_transaction", "amount": -taken}],
        )  # fmt: skip
        self.tell("charge.dispute.created", dispute)
        return dispute

    def close_dispute(self, name: str, status: str) -> Object:
        """The dispute ends: won, lost, warning_closed or prevented."""
        dispute = self.get("dispute", name)
        if status in ("won", "warning_closed"):
            dispute["balance_transactions"] = []
        dispute["status"] = status
        self.tell("charge.dispute.closed", dispute)
        return dispute

    # Stripe's own page on which a card is given

    def page(self, customer: str, success_url: str, cancel_url: str, **fields: Any) -> Object:
        """Open it."""
        self.get("customer", customer, "customer")
        intent = self.make("seti", "setup_intent", status="requires_payment_method", payment_method=None)
        page = self.make(
            "cs", "checkout.session", mode="setup", status="open", customer=customer, success_url=success_url,
            cancel_url=cancel_url, setup_intent=intent["id"], payment_status="no_payment_required", **fields,
        )  # fmt: skip
        page["url"] = f"{self.url}/c/pay/{page['id']}"
        return page

    def give_card(self, name: str, token: str) -> Object:
        """The customer gives a card there."""
        page = self.get("checkout.session", name)
        if page["status"] != "open":
            raise Refused(400, "This page is closed.")
        method = self.attach(token, page["customer"])
        self.all[page["setup_intent"]].update(status="succeeded", payment_method=method["id"])
        page.update(status="complete", url=None)
        self.tell("checkout.session.completed", page)
        return page

    def expire(self, name: str) -> Object:
        """The page closes unused."""
        page = self.get("checkout.session", name)
        page.update(status="expired", url=None)
        self.tell("checkout.session.expired", page)
        return page
