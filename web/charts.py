"""Charts: a balance over time, in steps and not slopes, for a balance jumps; what was used, in columns; and the bars of
lots and minutes.

The figures are laid out here and drawn in SVG by a macro. All places are hundredths of the drawing's width and
height, so that the drawing stretches with the page while its letters do not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import lru_cache
from typing import Any

_FEWEST_DAYS = 14
_NEARLY_USED = 80
_MOST_DAYS_LEFT = 36_525
_FEWEST_PACE_DAYS = 7
_MOST_BELOW = 12
_GAP = Decimal("0.25")
# Charts, of so many accounts; a balance that has not changed since is drawn as it was.
_REMEMBERED = 256
_STEPS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))


@dataclass(frozen=True, slots=True)
class Mark:
    """A line across (a round amount) or a tick below (the first of a month)."""

    at: str
    value: str


@dataclass(frozen=True, slots=True)
class BalanceChart:
    """The line, the area between it and zero, and where its marks are."""

    line: str
    area: str
    zero: str
    amounts: list[Mark]
    months: list[Mark]
    last: str
    below_zero: bool
    days: int
    from_amount: str
    to_amount: str


def balance_chart(days: Sequence[Mapping[str, Any]]) -> BalanceChart | None:
    """Lay out the closing balances of consecutive days; nothing when there is nothing to see yet."""
    return _laid_out(tuple((day["day"], day["closing"]["amount"]) for day in _since_the_first_funds(days)))


@lru_cache(maxsize=_REMEMBERED)
def _laid_out(days: tuple[tuple[str, str], ...]) -> BalanceChart | None:
    closing = [Decimal(amount) for _, amount in days]
    if len(closing) < 2 or not any(closing):
        return None
    step, low, high = _scale(min(*closing, Decimal(0)), max(*closing, Decimal(0)))

    def y(amount: Decimal) -> str:
        return f"{(high - amount) * 100 / (high - low):.2f}"

    def x(place: int) -> str:
        return f"{Decimal(place * 100) / len(closing):.2f}"

    path = f"M0 {y(closing[0])}"
    for place, amount in enumerate(closing):
        path += f"V{y(amount)}H{x(place + 1)}"
    lines = [low + step * each for each in range(int((high - low) / step) + 1)]
    return BalanceChart(
        line=path,
        area=f"{path}V{y(Decimal(0))}H0Z",
        zero=y(Decimal(0)),
        amounts=[Mark(y(amount), f"{amount:f}") for amount in lines],
        months=[Mark(x(place), day) for place, (day, _) in enumerate(days) if day.endswith("-01")],
        last=y(closing[-1]),
        below_zero=closing[-1] < 0,
        days=len(days),
        from_amount=days[0][1],
        to_amount=days[-1][1],
    )


@dataclass(frozen=True, slots=True)
class Column:
    """What one day or month came to: where its column stands, its first day, and its amount."""

    at: str
    width: str
    top: str
    height: str
    day: str
    value: str


@dataclass(frozen=True, slots=True)
class ColumnChart:
    """Columns side by side, round amounts across, and some of the days or months (`unit`) below."""

    unit: str
    columns: list[Column]
    amounts: list[Mark]
    below: list[Mark]
    most: Column


def column_chart(values: Sequence[tuple[str, Decimal]], unit: str = "DAY") -> ColumnChart | None:
    """Lay out the amounts of consecutive days or months, each known by its first day; nothing where all are nought."""
    if not any(amount for _, amount in values):
        return None
    step, low, high = _scale(Decimal(0), max(amount for _, amount in values))

    def y(amount: Decimal) -> Decimal:
        return (high - amount) * 100 / (high - low)

    room = Decimal(100) / len(values)
    columns = [
        Column(
            at=f"{room * place + room * _GAP / 2:.3f}",
            width=f"{room * (1 - _GAP):.3f}",
            top=f"{y(amount):.2f}",
            height=f"{100 - y(amount):.2f}",
            day=day,
            value=f"{amount:f}",
        )
        for place, (day, amount) in enumerate(values)
    ]
    every = -(-len(values) // _MOST_BELOW)
    lines = [low + step * each for each in range(int((high - low) / step) + 1)]
    return ColumnChart(
        unit=unit,
        columns=columns,
        amounts=[Mark(f"{y(amount):.2f}", f"{amount:f}") for amount in lines],
        below=[
            Mark(f"{room * place + room / 2:.2f}", day) for place, (day, _) in enumerate(values) if place % every == 0
        ],
        most=max(columns, key=lambda column: Decimal(column.value)),
    )


def days_left(
    available: Mapping[str, str], pace: Sequence[Mapping[str, Any]], history: Sequence[Mapping[str, Any]]
) -> int | None:
    """How many days the available balance lasts at the pace of the last days; None when next to nothing was spent, so
    that it would last for longer than anybody plans.

    The pace of a young account is that of its life so far, though never of less than a week.
    """
    life = len(history) - _first_funds(history)
    recent = pace[-max(_FEWEST_PACE_DAYS, min(len(pace), life)) :]
    spent = sum((Decimal(day["charged"]["amount"]) for day in recent), Decimal(0))
    if spent <= 0:
        return None
    days = max(0, int(Decimal(available["amount"]) * len(recent) / spent))
    return days if days < _MOST_DAYS_LEFT else None


def share(part: Mapping[str, str], whole: Mapping[str, str]) -> int:
    """How much of a whole is left, in hundredths; what is left at all shows as at least one."""
    of, left = Decimal(whole["amount"]), Decimal(part["amount"])
    if of <= 0 or left <= 0:
        return 0
    return max(1, min(100, int(left * 100 / of)))


@dataclass(frozen=True, slots=True)
class PoolBar:
    """What of a pool's minutes is used and promised, in hundredths of them; the rest is left. `state` is "" while there
    is plenty, "near" from four fifths on, and "gone" when nothing is left."""

    used: int
    promised: int
    state: str


def pool_bar(pool: Mapping[str, Any]) -> PoolBar:
    """Lay out the bar of a pool; what is used or promised at all shows as at least a hundredth."""
    total, used, promised = (pool[f"minutes{name}"] for name in ("Total", "Used", "Promised"))
    if not total:
        return PoolBar(100 if used else 0, 0, "gone" if used else "")
    width = min(100, max(1, used * 100 // total)) if used else 0
    beside = min(100 - width, max(1, promised * 100 // total)) if promised else 0
    state = "gone" if used >= total else "near" if used * 100 >= total * _NEARLY_USED else ""
    return PoolBar(width, beside, state)


def _first_funds(days: Sequence[Mapping[str, Any]]) -> int:
    """The place of the first day that closed with a balance other than zero."""
    return next((place for place, day in enumerate(days) if Decimal(day["closing"]["amount"])), 0)


def _since_the_first_funds(days: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Leave out the time before anything happened, down to a fortnight."""
    return days[max(0, min(_first_funds(days) - 1, len(days) - _FEWEST_DAYS)) :]


def _scale(least: Decimal, most: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    """A round step with three or four lines, and the lowest and highest of them."""
    span = most - least
    unit = Decimal(1).scaleb((span / 4).adjusted())
    step = next(unit * each for each in _STEPS if unit * each * 4 >= span)
    low = (least / step).to_integral_value(ROUND_FLOOR) * step
    high = (most / step).to_integral_value(ROUND_CEILING) * step
    return step, low, high
