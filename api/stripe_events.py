"""Stripe's webhooks: whether a message is Stripe's own, and what it is about."""

import json
from collections.abc import Mapping
from typing import Any

import stripe

from api.stripe_provider import RECHARGE, SETUP
from credits.events import ProviderEvent, Topic

# What happens between these (created, amount_capturable_updated, …) changes nothing here.
_TOPICS = {
    "payment_intent.succeeded": Topic.PAYMENT,
    "payment_intent.payment_failed": Topic.PAYMENT,
    "payment_intent.canceled": Topic.PAYMENT,
    "payment_intent.requires_action": Topic.PAYMENT,
    "checkout.session.completed": Topic.CARD_SETUP,
    "checkout.session.expired": Topic.CARD_SETUP,
    "charge.refunded": Topic.REFUND,
    "charge.refund.updated": Topic.REFUND,
    "refund.created": Topic.REFUND,
    "refund.updated": Topic.REFUND,
    "refund.failed": Topic.REFUND,
    "charge.dispute.created": Topic.DISPUTE,
    "charge.dispute.updated": Topic.DISPUTE,
    "charge.dispute.closed": Topic.DISPUTE,
    "charge.dispute.funds_withdrawn": Topic.DISPUTE,
    "charge.dispute.funds_reinstated": Topic.DISPUTE,
}


class NotFromStripe(Exception):
    """The message bears no signature of Stripe's, or an old one, or cannot be read."""


def verified_event(payload: bytes, signature: str, secret: str) -> ProviderEvent:
    """Read a message that Stripe has signed, at most five minutes ago, with our endpoint's secret."""
    try:
        stripe.WebhookSignature.verify_header(payload, signature, secret, stripe.Webhook.DEFAULT_TOLERANCE)
        said = json.loads(payload)
        event_id, kind, about = said["id"], said["type"], said["data"]["object"]
        object_id = about.get("id") or ""
    except stripe.SignatureVerificationError as refusal:
        raise NotFromStripe(refusal.user_message) from None
    except (ValueError, KeyError, TypeError, AttributeError) as fault:  # also a signature that is no ASCII
        raise NotFromStripe(f"the message cannot be read: {type(fault).__name__}") from None
    given = about.get("metadata") or {}
    return ProviderEvent(
        event_id,
        kind,
        object_id,
        topic=_topic(kind, about, given),
        payment_id=object_id if about.get("object") == "payment_intent" else about.get("payment_intent"),
        card_setup=given.get(SETUP),
    )


def _topic(kind: str, about: Mapping[str, Any], given: Mapping[str, str]) -> Topic | None:
    """What a message is about; None when the payment or the page is not ours, as the same Stripe may serve others."""
    topic = _TOPICS.get(kind)
    needs = {Topic.PAYMENT: RECHARGE, Topic.CARD_SETUP: SETUP}
    if topic in needs and needs[topic] not in given:
        return None
    if topic in (Topic.REFUND, Topic.DISPUTE) and not about.get("payment_intent"):
        return None
    return topic
