"""The house's terms: the few figures that an operator may set, handed to the verbs that need them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from credits.instants import HOUR, MINUTE
from credits.money import MICROS


@dataclass(frozen=True, slots=True)
class Terms:
    """Months a purchased lot lives; how long a late report may still draw on an expired lot; how far ahead of
    the server's clock a switch's may run; for how long a call may go unheard of beyond the time that it was granted;
    the least that a recharge may buy, by currency; how many automatic recharges a day may bring where no limit was
    set; within how many days an invoice is to be paid; what an account may owe on invoices, by currency, and in any
    other one (None: as much as it likes); who receipts say has sold, line by line, and under which tax number."""

    lot_validity_months: int = 12
    settlement_window: int = 72 * HOUR
    clock_skew: int = 5 * MINUTE
    minimum_recharge_units: Mapping[str, int] = field(default_factory=dict)
    usual_minimum_recharge_units: int = 50
    invoice_days: int = 30
    invoice_limit_units: Mapping[str, int] = field(default_factory=dict)
    usual_invoice_limit_units: int | None = None
    seller: tuple[str, ...] = ()
    seller_tax_id: str = ""
    daily_recharges: int = 10
    reservation_ttl: int = 5 * MINUTE

    def minimum_recharge_micros(self, currency: str) -> int:
        """The smallest recharge in a currency, in micro-units."""
        return self.minimum_recharge_units.get(currency, self.usual_minimum_recharge_units) * MICROS

    def invoice_limit_micros(self, currency: str) -> int | None:
        """What an account may owe on invoices in a currency, in micro-units; None: there is no limit."""
        units = self.invoice_limit_units.get(currency, self.usual_invoice_limit_units)
        return None if units is None else units * MICROS


USUAL_TERMS = Terms()
