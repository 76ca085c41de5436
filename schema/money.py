"""Money as the API shows it: an exact amount and its currency."""

from decimal import Decimal
from typing import Self

import strawberry

from credits.money import amount_of


@strawberry.type(description="An amount of money. Amounts of different currencies are never added.")
class Money:
    amount: Decimal = strawberry.field(description="The exact amount, with at least two decimals; may be negative.")
    currency: str = strawberry.field(description="The ISO 4217 code of the currency.")

    @classmethod
    def of(cls, micros: int, currency: str) -> Self:
        """Micro-units as money."""
        return cls(amount=amount_of(micros), currency=currency)
