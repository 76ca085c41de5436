"""Payments through Stripe. A recharge is one PaymentIntent, made unconfirmed and confirmed when it is taken.

A PaymentIntent is paid at most once, whatever is asked of it, so losing an answer costs nothing but asking again:
look first, and confirm only what is neither paid nor declined anew. Idempotency keys keep two that ask at the same
time from being two tries; they are not what keeps money safe, since Stripe forgets them after a day.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import stripe
import structlog

from api.stripe_words import (
    card_of,
    declined,
    error_of,
    found_dispute,
    found_refund,
    given_along,
    numbered_ref,
    refund_outcome,
    refusal_of,
    standing,
    units_of,
)
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
    Setup,
    SetupAnswer,
    SetupRequest,
    Unavailable,
)
from credits.refusals import invalid

API_VERSION = "2026-10-28.endive"
# The library would tell Stripe of this machine, under an id that it keeps in the home folder.
stripe.enable_telemetry = False
# What a payment carries, by which an event or a search finds its recharge; likewise card set-ups and refunds.
RECHARGE, SETUP, REFUND = "recharge", "setup", "refund"
# Stripe replays even a failure of its own for a day; then the same is asked under another key, at most so often.
_KEYS = 3
_PAGE = 100
_NOT_IN_COINS = "Cards cannot be charged so exact an amount in this currency."
_UNREACHED = (
    stripe.APIConnectionError,
    stripe.APIError,
    stripe.AuthenticationError,
    stripe.PermissionError,
    stripe.RateLimitError,
)

log = structlog.get_logger("credits.stripe")


class _Spent(Exception):
    """An idempotency key that only brings back an old failure, or was used for other values."""


class StripeProvider:
    """Stripe as a payment provider, at `api_base` when that is not Stripe's own address."""

    def __init__(self, api_key: str, *, api_base: str | None = None, timeout_seconds: float = 30) -> None:
        self._stripe = stripe.StripeClient(
            api_key,
            stripe_version=API_VERSION,
            base_addresses={"api": api_base} if api_base else {},
            http_client=stripe.RequestsClient(timeout=timeout_seconds),
            max_network_retries=0,
        ).v1

    def customer(self, request: CustomerRequest) -> str:
        """The customer of an account. Should Stripe have forgotten the key, it is made anew, without cards."""
        params: stripe.params.CustomerCreateParams = {"name": request.name, "metadata": {"account": request.key}}
        if request.email is not None:
            params["email"] = request.email
        for key in _keys(f"customer-{request.key}"):
            try:
                with _asking():
                    return self._stripe.customers.create(params, {"idempotency_key": key}).id
            except _Spent:
                continue
        raise Unavailable("no customer could be made")

    def card(self, customer: str | None, token: str) -> Card | None:
        """The card of a payment method (`pm_…`), attached to the customer. A card that its bank refuses is refused."""
        if not token.startswith("pm_"):
            return None
        try:
            with _asking(refusals=True):
                method = self._stripe.payment_methods.retrieve(token)
                card = card_of(method)
                if card is not None and customer is not None and _id(method.customer) != customer:
                    card = card_of(self._stripe.payment_methods.attach(method.id, {"customer": customer}))
        except stripe.InvalidRequestError:
            return None
        except stripe.CardError as refusal:
            raise invalid("token", refusal_of(refusal)) from None
        return card

    def start_setup(self, request: SetupRequest) -> Setup:
        """Open Stripe's own page on which a card is given."""
        with _asking():
            session = self._stripe.checkout.sessions.create(
                {
                    "mode": "setup",
                    "allowed_payment_method_types": ["card"],
                    "customer": request.customer,
                    "success_url": request.success_url,
                    "cancel_url": request.cancel_url,
                    "locale": "ja" if request.locale == "ja" else "en",
                    "metadata": {SETUP: request.key},
                },
                {"idempotency_key": request.key},
            )
        assert session.url is not None, "an open page has an address"
        return Setup(session.id, session.url)

    def setup(self, session_id: str) -> SetupAnswer:
        """Tell what came of that page."""
        with _asking():
            session = self._stripe.checkout.sessions.retrieve(session_id, {"expand": ["setup_intent.payment_method"]})
        intent = session.setup_intent
        if session.status == "complete" and isinstance(intent, stripe.SetupIntent):
            method = intent.payment_method
            return SetupAnswer(card_of(method) if isinstance(method, stripe.PaymentMethod) else None)
        return SetupAnswer(ended=session.status == "expired")

    def prepare(self, request: PaymentRequest) -> str | PaymentAnswer:
        """Make the PaymentIntent. An amount that Stripe never takes is DECLINED."""
        assert request.customer is not None, "a card belongs to a customer"
        amount = units_of(request.amount_micros, request.currency)
        if amount is None:
            return PaymentAnswer(Outcome.DECLINED, _NOT_IN_COINS)
        if request.attempt > 1 and (prepared := self._prepared(request)) is not None:
            return prepared
        params: stripe.params.PaymentIntentCreateParams = {
            "amount": amount,
            "currency": request.currency.lower(),
            "customer": request.customer,
            "allowed_payment_method_types": ["card"],
            "metadata": {RECHARGE: request.key},
        }
        if request.text:
            params["description"] = request.text
        for key in _keys(request.key):
            try:
                with _asking(refusals=True):
                    return self._stripe.payment_intents.create(params, {"idempotency_key": key}).id
            except _Spent:
                prepared = self._prepared(request)
                if prepared is not None:
                    return prepared
            except stripe.InvalidRequestError as refusal:
                return PaymentAnswer(Outcome.DECLINED, refusal.user_message)
        raise Unavailable("no payment could be prepared")

    def take(self, request: PaymentRequest) -> PaymentAnswer:
        """Confirm the PaymentIntent, or tell what came of a try whose answer was lost."""
        try:
            seen = self._news(request) if request.attempt > 1 else None
            return self._confirm(request) if seen is None else seen
        except Unavailable:
            return PaymentAnswer(Outcome.LOST)

    def look(self, payment_id: str) -> PaymentAnswer:
        """Tell how a PaymentIntent stands."""
        with _asking():
            return standing(self._stripe.payment_intents.retrieve(payment_id))

    def cancel(self, payment_id: str) -> PaymentAnswer:
        """Cancel the PaymentIntent, or tell what it has become instead."""
        try:
            with _asking(refusals=True):
                return standing(self._stripe.payment_intents.cancel(payment_id))
        except stripe.InvalidRequestError:
            return self.look(payment_id)

    def refund(self, request: RefundRequest) -> RefundAnswer:
        """Give money back, unless a refund under this key is there already; the key alone would hold for a day only."""
        made = self._refunded(request)
        if made is not None:
            return made
        amount = units_of(request.amount_micros, request.currency)
        if amount is None:
            return RefundAnswer(Outcome.DECLINED, reason=_NOT_IN_COINS)
        try:
            with _asking(refusals=True):
                refund = self._stripe.refunds.create(
                    {"payment_intent": request.payment_id, "amount": amount, "metadata": {REFUND: request.key}},
                    {"idempotency_key": request.key},
                )
        except (_Spent, stripe.InvalidRequestError, stripe.CardError) as refusal:
            made = self._refunded(request)  # somebody else asked in the same moment
            if made is not None:
                return made
            if isinstance(refusal, _Spent):
                raise Unavailable("whether money went back is not known") from refusal
            return RefundAnswer(Outcome.DECLINED, reason=refusal.user_message)
        return _refund_answer(refund)

    def refunds(self, payment_id: str) -> list[FoundRefund]:
        """Every refund of a PaymentIntent."""
        return [found_refund(refund) for refund in self._refunds(payment_id)]

    def disputes(self, payment_id: str) -> list[FoundDispute]:
        """Every dispute of a PaymentIntent."""
        with _asking():
            listed = self._stripe.disputes.list({"payment_intent": payment_id, "limit": _PAGE})
            return [found_dispute(dispute, payment_id) for dispute in listed.auto_paging_iter()]

    def _prepared(self, request: PaymentRequest) -> str | None:
        """The PaymentIntent that was made for this recharge before."""
        assert request.customer is not None
        with _asking():
            listed = self._stripe.payment_intents.list({"customer": request.customer, "limit": _PAGE})
            for intent in listed.auto_paging_iter():
                if given_along(intent).get(RECHARGE) == request.key:
                    return intent.id
        return None

    def _news(self, request: PaymentRequest) -> PaymentAnswer | None:
        """What the PaymentIntent says that is not known yet; None when it waits for its next try."""
        assert request.payment_id is not None, "the payment was prepared"
        with _asking():
            intent = self._stripe.payment_intents.retrieve(request.payment_id)
        answer = standing(intent)
        if intent.status in ("requires_payment_method", "requires_confirmation"):
            ref = answer.declined_ref
            if ref is None or request.last_declined_ref in (ref, numbered_ref(ref, request.declined_before)):
                return None
        return answer

    def _confirm(self, request: PaymentRequest) -> PaymentAnswer:
        assert request.payment_id is not None, "the payment was prepared"
        params: stripe.params.PaymentIntentConfirmParams = {"payment_method": request.token}
        if request.return_url is None:
            params["off_session"] = True
        else:
            params["return_url"] = request.return_url
        for key in _keys(f"{request.key}-try-{request.declined_before + 1}"):
            try:
                with _asking(refusals=True):
                    confirm = self._stripe.payment_intents.confirm
                    return standing(confirm(request.payment_id, params, {"idempotency_key": key}))
            except stripe.CardError as refusal:
                return declined(request.payment_id, error_of(refusal), request.declined_before + 1)
            except stripe.InvalidRequestError as refusal:
                if refusal.code == "resource_missing" and refusal.param != "payment_method":
                    raise Unavailable("Stripe does not know a payment that was prepared there") from refusal
                if refusal.code != "payment_intent_unexpected_state":
                    return PaymentAnswer(Outcome.DECLINED, refusal.user_message)
            except _Spent:
                log.warning("stripe_key_spent", payment=request.payment_id)
            seen = self._news(request)
            if seen is not None:
                return seen
        return PaymentAnswer(Outcome.LOST)

    def _refunds(self, payment_id: str) -> list[stripe.Refund]:
        with _asking():
            listed = self._stripe.refunds.list({"payment_intent": payment_id, "limit": _PAGE})
            return list(listed.auto_paging_iter())

    def _refunded(self, request: RefundRequest) -> RefundAnswer | None:
        """The refund that was made under this key before."""
        for refund in self._refunds(request.payment_id):
            if found_refund(refund).key == request.key:
                return _refund_answer(refund)
        return None


@contextmanager
def _asking(*, refusals: bool = False) -> Iterator[None]:
    """Ask Stripe. What leaves open whether it was done is `Unavailable`; so is a refusal that nobody reckons with."""
    try:
        yield
    except stripe.IdempotencyError as spent:
        raise _Spent from spent
    except _UNREACHED as trouble:
        if (trouble.headers or {}).get("idempotent-replayed") == "true":
            raise _Spent from trouble
        log.warning("stripe_unavailable", error=type(trouble).__name__, said=str(trouble))
        raise Unavailable(str(trouble)) from trouble
    except (stripe.InvalidRequestError, stripe.CardError) as refusal:
        if refusals:
            raise
        log.error("stripe_refused", error=type(refusal).__name__, said=str(refusal))
        raise Unavailable(str(refusal)) from refusal


def _keys(key: str) -> Iterator[str]:
    yield key
    yield from (f"{key}-again-{number}" for number in range(2, _KEYS + 1))


def _id(found: stripe.Customer | str | None) -> str | None:
    return found.id if isinstance(found, stripe.Customer) else found


def _refund_answer(refund: stripe.Refund) -> RefundAnswer:
    outcome = refund_outcome(refund)
    failed = refund.failure_reason if outcome == Outcome.DECLINED else None
    return RefundAnswer(outcome, refund.id, failed and failed.replace("_", " "))
