"""How Stripe says things, and what they mean here: amounts, cards, refusals, states of payments and disputes.

Stripe counts money in units of its own. They are mostly cents, but whole units where a currency has no smaller coin,
and thousandths where it has three decimals (docs.stripe.com/currencies).
"""

import calendar
from collections.abc import Mapping
from datetime import date
from typing import Any

import stripe

from credits.providers import Card, FoundDispute, FoundRefund, Outcome, PaymentAnswer
from db.kinds import DisputeStatus

_WHOLE_UNITS = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF")
)
_THOUSANDTHS = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))  # and taken in tens only
# Without smaller coins, but sent as hundredths: 5 kronur are 500.
_WHOLE_UNITS_AS_HUNDREDTHS = frozenset(("ISK", "UGX"))

_BRANDS = {
    "amex": "American Express",
    "cartes_bancaires": "Cartes Bancaires",
    "diners": "Diners Club",
    "discover": "Discover",
    "eftpos_au": "eftpos",
    "jcb": "JCB",
    "mastercard": "Mastercard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}

_DECLINES = {
    "card_declined": "The card was declined.",
    "generic_decline": "The card was declined.",
    "do_not_honor": "The card was declined.",
    "call_issuer": "The card was declined. Its owner should call the bank.",
    "insufficient_funds": "The card has insufficient funds.",
    "card_velocity_exceeded": "The card's limit is reached.",
    "withdrawal_count_limit_exceeded": "The card's limit is reached.",
    "expired_card": "The card has expired.",
    "lost_card": "The card was reported lost.",
    "stolen_card": "The card was reported stolen.",
    "pickup_card": "The card may not be used.",
    "restricted_card": "The card may not be used.",
    "card_not_supported": "The card does not support this kind of payment.",
    "currency_not_supported": "The card does not support this currency.",
    "incorrect_number": "The card's number is wrong.",
    "invalid_number": "The card's number is wrong.",
    "incorrect_cvc": "The card's security code is wrong.",
    "invalid_cvc": "The card's security code is wrong.",
    "invalid_expiry_month": "The card's expiry date is wrong.",
    "invalid_expiry_year": "The card's expiry date is wrong.",
    "fraudulent": "The payment was refused as a possible fraud.",
    "issuer_not_available": "The card's bank could not be reached.",
    "processing_error": "The card's bank could not process the payment.",
    "try_again_later": "The card's bank could not process the payment.",
    "payment_intent_authentication_failure": "The payment was not confirmed with the card's bank.",
}
_MUST_CONFIRM = "The card's owner must confirm the payment."

_REFUNDS = {
    "succeeded": Outcome.PAID,
    "pending": Outcome.PAID,  # on its way to the card; should it fail after all, an event says so
    "failed": Outcome.DECLINED,
    "canceled": Outcome.DECLINED,
}


def units_of(amount_micros: int, currency: str) -> int | None:
    """An amount in Stripe's units of its currency; None when it cannot be charged to the coin."""
    if amount_micros % _coin_micros(currency):
        return None
    return amount_micros // _unit_micros(currency)


def micros_of_units(units: int, currency: str) -> int:
    """Stripe's units of a currency, in micro-units; Stripe writes the currency in small letters."""
    return units * _unit_micros(currency.upper())


def card_of(method: stripe.PaymentMethod) -> Card | None:
    """The card of a payment method; None when it is no card."""
    if method.type != "card" or method.card is None:
        return None
    card = method.card
    last = date(card.exp_year, card.exp_month, calendar.monthrange(card.exp_year, card.exp_month)[1])
    return Card(method.id, _BRANDS.get(card.brand, card.brand.replace("_", " ").title()), card.last4 or "", last)


def standing(intent: stripe.PaymentIntent) -> PaymentAnswer:
    """How a payment stands; LOST when it waits for us, or is being processed."""
    match intent.status:
        case "succeeded":
            return PaymentAnswer(Outcome.PAID)
        case "canceled":
            return PaymentAnswer(Outcome.CANCELED)
        case "requires_action":
            redirect = intent.next_action.redirect_to_url if intent.next_action else None
            return PaymentAnswer(Outcome.ACTION_REQUIRED, _MUST_CONFIRM, action_url=redirect.url if redirect else None)
        case "requires_payment_method" if intent.last_payment_error is not None:
            return declined(intent.id, intent.last_payment_error.to_dict())
        case _:
            return PaymentAnswer(Outcome.LOST)


def declined(payment_id: str, error: Mapping[str, Any], try_no: int | None = None) -> PaymentAnswer:
    """What a declined try means. Where the bank wants its customer to confirm, it waits for that.

    A try is named by its charge. One that was declined before there was a charge is named by payment and reason, and
    by its number where that is known, so that the next one for the same reason is another.
    """
    code = error.get("decline_code") or error.get("code") or ""
    ref = error.get("charge") or numbered_ref(f"{payment_id}-{code}", try_no)
    if "authentication_required" in (code, error.get("code")):
        return PaymentAnswer(Outcome.ACTION_REQUIRED, _MUST_CONFIRM, declined_ref=ref)
    if code in _DECLINES:
        return PaymentAnswer(Outcome.DECLINED, _DECLINES[code], declined_ref=ref)
    return PaymentAnswer(Outcome.DECLINED, error.get("message"), declined_ref=ref)


def numbered_ref(ref: str, try_no: int | None) -> str:
    """The name of a declined try that has no charge."""
    return ref if try_no is None else f"{ref}-{try_no}"


def refusal_of(error: stripe.CardError) -> str:
    """Why a card was refused, in a sentence."""
    body = error_of(error)
    code = body.get("decline_code") or error.code or ""
    return _DECLINES.get(code) or error.user_message or _DECLINES["card_declined"]


def error_of(error: stripe.StripeError) -> Mapping[str, Any]:
    """The error that Stripe's answer holds, as it was sent."""
    body = error.json_body
    found = body.get("error") if isinstance(body, dict) else None
    return found if isinstance(found, dict) else {}


def given_along(made: stripe.PaymentIntent | stripe.Refund) -> Mapping[str, str]:
    """What was given along when something was made, by which it is found."""
    return {} if made.metadata is None else made.metadata.to_dict()


def refund_outcome(refund: stripe.Refund) -> Outcome:
    """How a refund stands."""
    return _REFUNDS.get(refund.status or "", Outcome.LOST)


def found_refund(refund: stripe.Refund) -> FoundRefund:
    """A refund, as the rules know it."""
    return FoundRefund(
        refund.id,
        given_along(refund).get("refund"),
        micros_of_units(refund.amount, refund.currency),
        refund_outcome(refund),
    )


def found_dispute(dispute: stripe.Dispute, payment_id: str) -> FoundDispute:
    """A dispute, as the rules know it. What has no outcome yet, or one that is not known here, is open."""
    match dispute.status:
        case "won" | "warning_closed":
            status = DisputeStatus.WON
        case "lost":
            status = DisputeStatus.LOST
        case "prevented":  # settled before it began: either the money was taken back with it, or nothing was
            taken = sum(each.amount for each in dispute.balance_transactions) < 0
            status = DisputeStatus.LOST if taken else DisputeStatus.WON
        case _:
            status = DisputeStatus.OPEN
    amount_micros = micros_of_units(dispute.amount, dispute.currency)
    return FoundDispute(dispute.id, payment_id, amount_micros, status.value, dispute.reason)


def _unit_micros(currency: str) -> int:
    if currency in _WHOLE_UNITS:
        return 1_000_000
    return 1_000 if currency in _THOUSANDTHS else 10_000


def _coin_micros(currency: str) -> int:
    return 1_000_000 if currency in _WHOLE_UNITS | _WHOLE_UNITS_AS_HUNDREDTHS else 10_000
