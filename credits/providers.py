"""Payment providers: what is asked of one, what it answers, and the built-in one for TEST accounts."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Protocol


class Outcome(StrEnum):
    """What a provider says of a payment; LOST means that no answer came and it must be asked again."""

    PAID = "PAID"
    DECLINED = "DECLINED"
    ACTION_REQUIRED = "ACTION_REQUIRED"
    LOST = "LOST"


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """A payment: `key` is the recharge's own id, the same on every attempt, so that it is charged at most once."""

    key: str
    amount_micros: int
    currency: str
    token: str
    attempt: int


@dataclass(frozen=True, slots=True)
class PaymentAnswer:
    """The outcome, the provider's id of the payment, and on refusal the reason in its words."""

    outcome: Outcome
    payment_id: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """What a provider tells of a card behind a token."""

    brand: str
    last_four: str
    expires_on: str


class Provider(Protocol):
    """A payment provider."""

    def card(self, token: str) -> Card | None:
        """The card behind a token, or None when the provider knows no such token."""

    def pay(self, request: PaymentRequest) -> PaymentAnswer:
        """Take the payment, or tell what came of the earlier attempt under the same key."""


class TestProvider:
    """The built-in provider: five tokens, each always behaving in the same way; no money exists.

    `tok_timeout` takes the payment but loses its first answer; asked again under the same key it says PAID.
    """

    __test__ = False  # its name is not that of a test

    _CARDS: ClassVar[dict[str, Card]] = {
        "tok_ok": Card("Visa", "4242", "2099-12-31"),
        "tok_declined": Card("Visa", "0002", "2099-12-31"),
        "tok_expired_card": Card("Visa", "0069", "2020-12-31"),
        "tok_timeout": Card("Visa", "6863", "2099-12-31"),
        "tok_action_required": Card("Visa", "3184", "2099-12-31"),
    }

    def card(self, token: str) -> Card | None:
        """The card behind one of the five tokens."""
        return self._CARDS.get(token)

    def pay(self, request: PaymentRequest) -> PaymentAnswer:
        """Answer as the token says."""
        paid = PaymentAnswer(Outcome.PAID, payment_id=f"test_{request.key}")
        match request.token:
            case "tok_declined":
                return PaymentAnswer(Outcome.DECLINED, reason="The card was declined.")
            case "tok_expired_card":
                return PaymentAnswer(Outcome.DECLINED, reason="The card has expired.")
            case "tok_action_required":
                return PaymentAnswer(Outcome.ACTION_REQUIRED, reason="The card's owner must confirm the payment.")
            case "tok_timeout":
                return PaymentAnswer(Outcome.LOST) if request.attempt == 1 else paid
            case _:
                return paid
