"""Payment providers: what is asked of one, what it answers, and the built-in one for TEST accounts.

A recharge is one payment at its provider, for good: begun once (which moves no money), then taken, as often as
it is declined, until it is paid or canceled. So a customer pays at most once, whatever answers are lost.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import ClassVar, Protocol

from db.kinds import AccountMode


class Outcome(StrEnum):
    """How a payment stands; LOST means that no answer came, or none yet, and it must be asked about again."""

    PAID = "PAID"
    DECLINED = "DECLINED"
    ACTION_REQUIRED = "ACTION_REQUIRED"
    CANCELED = "CANCELED"
    LOST = "LOST"


class Unavailable(Exception):
    """The provider could not be reached, or not be understood; nothing is known of what was asked."""


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """A payment to take. `key` is the recharge's own id; `payment_id` what `prepare` answered for it.

    `attempt` counts how often the provider was asked to take it, this time included; `declined_before` how many of
    those tries were declined, and `last_declined_ref` the newest of those declines, so that asking again after a lost
    answer is the same try and not another.
    `return_url` is where the customer comes back to after confirming; None when nobody is there to confirm.
    """

    key: str
    amount_micros: int
    currency: str
    token: str
    attempt: int
    declined_before: int = 0
    last_declined_ref: str | None = None
    customer: str | None = None
    payment_id: str | None = None
    return_url: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class PaymentAnswer:
    """The outcome, and on refusal the reason: an English sentence, known to the catalogue or the provider's own.

    `declined_ref` names the try that was declined, so that one decline is never counted twice. `action_url` is
    where the customer confirms the payment.
    """

    outcome: Outcome
    reason: str | None = None
    declined_ref: str | None = None
    action_url: str | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """What a provider tells of a card behind a token: `expires_on` is the last day of its life."""

    token: str
    brand: str
    last_four: str
    expires_on: date


@dataclass(frozen=True, slots=True)
class CustomerRequest:
    """An account, as its provider should know it; `key` is the account's id."""

    key: str
    name: str
    email: str | None = None


@dataclass(frozen=True, slots=True)
class SetupRequest:
    """A card to be given on the provider's own page; the customer returns to one of the two addresses."""

    key: str
    customer: str
    success_url: str
    cancel_url: str
    locale: str


@dataclass(frozen=True, slots=True)
class Setup:
    """A page of the provider on which a card is given: its id and its address."""

    session_id: str
    url: str


@dataclass(frozen=True, slots=True)
class SetupAnswer:
    """How a set-up stands: the card when it is done; `ended` when it can bring no card any more."""

    card: Card | None = None
    ended: bool = False


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """Money of a payment to give back; `key` is the refund's own."""

    key: str
    payment_id: str
    amount_micros: int
    currency: str


@dataclass(frozen=True, slots=True)
class RefundAnswer:
    """How a refund stands: PAID (it went back), DECLINED (it will not), LOST (ask again)."""

    outcome: Outcome
    refund_id: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class FoundRefund:
    """A refund that the provider knows of a payment; `key` is ours, or None when it was made at the provider."""

    refund_id: str
    key: str | None
    amount_micros: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class FoundDispute:
    """A payment that its payer's bank contests. `status` is OPEN, WON or LOST."""

    dispute_id: str
    payment_id: str
    amount_micros: int
    status: str
    reason: str


class Provider(Protocol):
    """A payment provider. Every method raises `Unavailable` when no answer came, but for `take`, which says LOST."""

    def customer(self, request: CustomerRequest) -> str:
        """The provider's id of a customer, made when it is new; the same key is the same customer."""

    def card(self, customer: str | None, token: str) -> Card | None:
        """The card behind a token, ready to be charged for this customer; None when there is no such token."""

    def start_setup(self, request: SetupRequest) -> Setup:
        """Open a page on which the customer gives a card."""

    def setup(self, session_id: str) -> SetupAnswer:
        """Tell what came of such a page."""

    def prepare(self, request: PaymentRequest) -> str | PaymentAnswer:
        """Write the payment down at the provider and return its id; moves no money. The same key: the same payment.

        What the provider never takes (too small an amount, a currency that it lacks) is DECLINED.
        """

    def take(self, request: PaymentRequest) -> PaymentAnswer:
        """Take the payment, or tell what came of an earlier try that was not declined."""

    def look(self, payment_id: str) -> PaymentAnswer:
        """Tell how a payment stands; LOST when nothing is decided yet."""

    def cancel(self, payment_id: str) -> PaymentAnswer:
        """Give a payment up: CANCELED, or PAID when it was too late for that."""

    def refund(self, request: RefundRequest) -> RefundAnswer:
        """Give money back; the same key gives it once."""

    def refunds(self, payment_id: str) -> list[FoundRefund]:
        """Every refund that the provider knows of a payment."""

    def disputes(self, payment_id: str) -> list[FoundDispute]:
        """Every dispute that the provider knows of a payment."""


@dataclass(frozen=True, slots=True)
class Providers:
    """Who takes the payments: `live` those of LIVE accounts (None: nobody is set up), the built-in one those of TEST
    accounts. `base_url` is where people reach our pages, to which a provider sends them back."""

    live: Provider | None = None
    base_url: str = ""

    def of(self, mode: str) -> Provider | None:
        """The provider of an account's mode."""
        return TEST_PROVIDER if mode == AccountMode.TEST else self.live


class TestProvider:
    """The built-in provider: five tokens, each always behaving in the same way; no money exists.

    `tok_timeout` takes the payment but loses its first answer; asked again it says PAID.
    """

    __test__ = False  # its name is not that of a test

    _CARDS: ClassVar[dict[str, tuple[str, date]]] = {
        "tok_ok": ("4242", date(2099, 12, 31)),
        "tok_declined": ("0002", date(2099, 12, 31)),
        "tok_expired_card": ("0069", date(2020, 12, 31)),
        "tok_timeout": ("6863", date(2099, 12, 31)),
        "tok_action_required": ("3184", date(2099, 12, 31)),
    }

    def customer(self, request: CustomerRequest) -> str:
        """A customer of its own for each account."""
        return f"test_{request.key}"

    def card(self, customer: str | None, token: str) -> Card | None:
        """The card behind one of the five tokens."""
        found = self._CARDS.get(token)
        return None if found is None else Card(token, "Visa", *found)

    def start_setup(self, request: SetupRequest) -> Setup:
        """There is no page to go to: the five tokens are given by name."""
        raise AssertionError("the built-in provider has no page of its own")

    def setup(self, session_id: str) -> SetupAnswer:
        """There is no page to come back from."""
        raise AssertionError("the built-in provider has no page of its own")

    def prepare(self, request: PaymentRequest) -> str:
        """An id made from the key."""
        return f"test_{request.key}"

    def take(self, request: PaymentRequest) -> PaymentAnswer:
        """Answer as the token says."""
        match request.token:
            case "tok_declined":
                return PaymentAnswer(Outcome.DECLINED, "The card was declined.", declined_ref=f"try-{request.attempt}")
            case "tok_expired_card":
                return PaymentAnswer(Outcome.DECLINED, "The card has expired.", declined_ref=f"try-{request.attempt}")
            case "tok_action_required":
                return PaymentAnswer(Outcome.ACTION_REQUIRED, "The card's owner must confirm the payment.")
            case "tok_timeout" if request.attempt == 1:
                return PaymentAnswer(Outcome.LOST)
            case _:
                return PaymentAnswer(Outcome.PAID)

    def look(self, payment_id: str) -> PaymentAnswer:
        """Nothing happens there between two questions."""
        return PaymentAnswer(Outcome.LOST)

    def cancel(self, payment_id: str) -> PaymentAnswer:
        """It is given up."""
        return PaymentAnswer(Outcome.CANCELED)

    def refund(self, request: RefundRequest) -> RefundAnswer:
        """It goes back."""
        return RefundAnswer(Outcome.PAID, f"test_{request.key}")

    def refunds(self, payment_id: str) -> list[FoundRefund]:
        """Nobody refunds anything there but we."""
        return []

    def disputes(self, payment_id: str) -> list[FoundDispute]:
        """Nobody contests anything there."""
        return []


TEST_PROVIDER = TestProvider()
