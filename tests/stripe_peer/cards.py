"""The cards of the stand-in: each token behaves in one way, until a test makes its card behave in another."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MagicCard:
    """A card behind a token. `behaviour` is a decline code, or one of the words below."""

    last4: str
    behaviour: str
    brand: str = "visa"
    kind: str = "card"
    exp_month: int = 12
    exp_year: int = 2034


WORKS = "works"
ASKS = "authentication_required"  # the bank wants its customer: declined when nobody is there
SLOW = "slow"  # the payment stays "processing" until `StripePeer.finish`
NOT_ATTACHED = "not_attached"  # declined as soon as it is given to a customer

CARDS = {
    "pm_card_visa": MagicCard("4242", WORKS),
    "pm_card_mastercard": MagicCard("4444", WORKS, brand="mastercard", exp_month=2),
    "pm_card_amex": MagicCard("8431", WORKS, brand="amex"),
    "pm_card_chargeDeclined": MagicCard("0002", "generic_decline"),
    "pm_card_insufficient": MagicCard("9995", "insufficient_funds"),
    "pm_card_expired": MagicCard("0069", "expired_card"),
    "pm_card_odd": MagicCard("0119", "dislikes_mondays"),
    "pm_card_authenticationRequired": MagicCard("3184", ASKS),
    "pm_card_slow": MagicCard("6863", SLOW),
    "pm_card_attachDeclined": MagicCard("0341", NOT_ATTACHED),
    "pm_sepa": MagicCard("3000", WORKS, kind="sepa_debit"),
}

# Declined before the bank is asked, so that there is no charge.
UNCHARGED = {"invalid_cvc"}

# Decline codes that Stripe also gives as the error's own code.
OWN_CODES = {"expired_card", "incorrect_cvc", "processing_error", ASKS}
