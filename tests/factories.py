"""What tests are about, made with one call: every value has a default, so a test names only what it is about.

All times start from `NOW`, a Thursday noon in UTC. An account is LIVE unless said otherwise, so it follows
the instants that a test hands in; with mode="TEST" it stands at its own clock.
"""

import itertools
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from credits import accounts, funds, payment_methods, recharging, users
from credits.instants import instant
from credits.money import micros_of, nanos_of
from credits.providers import Providers
from credits.publishing import RateDraft, publish_deck
from credits.rating import Tier
from db.kinds import AccountMode, PaymentMethodKind, Rounding, Service
from db.session import Database

PROVIDERS = Providers(base_url="https://credits.example")
NOW = instant(datetime(2026, 10, 1, 12, tzinfo=UTC))
_numbers = itertools.count(1)


def a_key() -> str:
    """An idempotency key, or a call id, that was never used before."""
    return f"key-{next(_numbers)}"


def micros(amount: int | str) -> int:
    """An amount in whole units, or as a decimal text, in micro-units."""
    return micros_of(Decimal(amount))


def make_account(database: Database, **values: Any) -> int:
    """Open an account in US dollars and return its number."""
    chosen = {"name": "Contoso", "currency": "USD", "now": NOW, **values}
    with database.transaction() as session:
        return accounts.create_account(session, **chosen)


def make_test_account(database: Database, **values: Any) -> int:
    """Open a TEST account, whose clock stands at `NOW`, and return its number."""
    return make_account(database, **{"mode": AccountMode.TEST, "clock_at": NOW, **values})


def make_user(database: Database, account_id: int, *plan_codes: str, **values: Any) -> int:
    """Enter a user in the US who holds the plans of some codes, and return its number."""
    name = a_key()
    chosen = {"name": name, "user_name": name, "country": "US", "now": NOW, **values}
    with database.transaction() as session:
        return users.create_user(session, account_id=account_id, plan_codes=plan_codes, **chosen)


def make_lot(database: Database, account_id: int, amount: int | str = 100, **values: Any) -> int:
    """Grant an amount and return the lot's number."""
    chosen = {"amount_micros": micros(amount), "note": "Welcome", "idempotency_key": a_key(), "now": NOW, **values}
    with database.transaction() as session:
        return funds.grant_credit(session, account_id=account_id, **chosen)


def make_card(database: Database, account_id: int, token: str = "tok_ok", **values: Any) -> int:
    """Give a TEST account a card and return the payment method's number; the token tells how the card behaves."""
    chosen = {"kind": PaymentMethodKind.CARD, "token": token, "now": NOW, **values}
    return payment_methods.add_payment_method(database, PROVIDERS, account_id=account_id, **chosen)


def make_agreement(database: Database, account_id: int, purchase_order: str = "PO-1", **values: Any) -> int:
    """Give an account an agreement to be invoiced and return the payment method's number."""
    chosen = {"kind": PaymentMethodKind.INVOICE, "purchase_order": purchase_order, "now": NOW, **values}
    return payment_methods.add_payment_method(database, PROVIDERS, account_id=account_id, **chosen)


def make_recharge(database: Database, account_id: int, amount: int | str = 100, **values: Any) -> int:
    """Buy an amount with the default payment method and return the recharge's number."""
    chosen = {"amount_micros": micros(amount), "idempotency_key": a_key(), "now": NOW, **values}
    return recharging.recharge(database, PROVIDERS, account_id=account_id, **chosen)


def a_rate(prefix: str = "49", price: str = "0.06", **values: Any) -> RateDraft:
    """A rate with one price per minute, sold by the minute."""
    tiers = (Tier(0, nanos_of(Decimal(price)), 60),)
    return RateDraft(**{"service": Service.USER_OUT, "prefix": prefix, "destination": prefix, "tiers": tiers, **values})


def make_deck(database: Database, *rates: RateDraft, **values: Any) -> int:
    """Publish a deck in US dollars that counts from long ago, with a rate to Germany unless others are given."""
    chosen = {
        "name": "standard", "currency": "USD", "effective_from": 0, "decimals": 4, "rounding": Rounding.HALF_UP,
        "drafts": rates or (a_rate(),), "now": NOW, **values,
    }  # fmt: skip
    with database.transaction() as session:
        deck_id = publish_deck(session, **chosen).deck_id
    assert deck_id is not None
    return deck_id
