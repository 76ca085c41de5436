"""Lots: the order in which they are spent, when they are usable, and how a charge falls on them.

One ordering and one test of usability serve quote, charge and report alike.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from credits.instants import DAY
from db.kinds import LotStatus
from db.tables import NEVER


@dataclass(slots=True)
class OpenLot:
    """A lot that still holds money, as spending sees it. Of what remains, `held_micros` are promised to calls."""

    lot_no: int
    priority: int
    expires_at: int
    purchased_at: int
    starts_at: int
    remaining_micros: int
    held_micros: int = 0
    is_voided: bool = False

    @property
    def free_micros(self) -> int:
        """What of it is promised to no call."""
        return self.remaining_micros - self.held_micros

    @property
    def spending_key(self) -> tuple[int, int, int, int]:
        """Priority, then soonest expiry (never last), then oldest, then number (DESIGN, rules of money: lots)."""
        return (self.priority, self.expires_at, self.purchased_at, self.lot_no)

    def usable(self, at: int) -> bool:
        """Tell whether the lot may be spent at an instant: from its start until, not including, its expiry."""
        return self.starts_at <= at < self.expires_at


# The columns of an `OpenLot`, in their order.
LOT_COLUMNS = (
    "lot_no, priority, expires_at, purchased_at, starts_at, remaining_micros, held_micros, voided_at IS NOT NULL"
)


class Occasion(IntEnum):
    """What time brings about in the life of a lot. Things at one instant happen in this order (pitfalls, expiry)."""

    EXPIRES = 0
    IS_FORFEITED = 1
    STARTS = 2
    EXPIRES_IN_30_DAYS = 3
    EXPIRES_IN_7_DAYS = 4


def occasions(lot: OpenLot, settlement_window: int) -> list[tuple[int, Occasion]]:
    """The instants at which something happens to a lot by itself."""
    found = [(lot.starts_at, Occasion.STARTS)]
    if lot.expires_at < NEVER:
        found += [
            (lot.expires_at, Occasion.EXPIRES),
            (lot.expires_at + settlement_window, Occasion.IS_FORFEITED),
            (lot.expires_at - 30 * DAY, Occasion.EXPIRES_IN_30_DAYS),
            (lot.expires_at - 7 * DAY, Occasion.EXPIRES_IN_7_DAYS),
        ]
    return found


def draw(lots: Iterable[OpenLot], amount_micros: int, at: int) -> tuple[list[tuple[OpenLot, int]], int]:
    """Divide an amount over what is free in the lots usable at an instant, which come in spending order.

    Returns what each lot gives and what none could give. Moves nothing.
    """
    draws = []
    left = amount_micros
    for lot in lots:
        if left == 0:
            break
        free_micros = lot.remaining_micros - lot.held_micros
        if free_micros and lot.starts_at <= at < lot.expires_at:
            taken = min(free_micros, left)
            draws.append((lot, taken))
            left -= taken
    return draws, left


def lot_status(
    *,
    remaining_micros: int,
    starts_at: int,
    expires_at: int,
    voided_at: int | None,
    forfeited_at: int | None,
    now: int,
) -> LotStatus:
    """What a lot is at an instant."""
    if voided_at is not None:
        return LotStatus.VOIDED
    if forfeited_at is not None:
        return LotStatus.EXPIRED
    if remaining_micros == 0:
        return LotStatus.EXHAUSTED
    if now >= expires_at:
        return LotStatus.EXPIRED
    return LotStatus.PENDING if now < starts_at else LotStatus.ACTIVE


def status_condition(status: LotStatus, now: int) -> tuple[str, list[int]]:
    """The same as `lot_status`, as SQL over the lot table with its parameters."""
    neither = "voided_at IS NULL AND forfeited_at IS NULL"
    match status:
        case LotStatus.VOIDED:
            return "voided_at IS NOT NULL", []
        case LotStatus.EXHAUSTED:
            return f"{neither} AND remaining_micros = 0", []
        case LotStatus.EXPIRED:
            return (
                "voided_at IS NULL AND (forfeited_at IS NOT NULL OR remaining_micros > 0 AND expires_at <= ?)",
                [now],
            )
        case LotStatus.PENDING:
            return f"{neither} AND remaining_micros > 0 AND starts_at > ? AND expires_at > ?", [now, now]
        case LotStatus.ACTIVE:
            return f"{neither} AND remaining_micros > 0 AND starts_at <= ? AND expires_at > ?", [now, now]
