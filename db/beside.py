"""Readings of one snapshot, side by side: what they ask PostgreSQL for at the same time travels together.

Each reading is plain code that asks for one thing after the other and waits for each. Here each runs until it waits;
once all of them do, their statements are sent in one go, and they go on with their rows. So a page that reads a dozen
things waits two or three times and not a dozen. SQLite has no journey to save: there they run one after the other.
"""

from collections.abc import Callable, Sequence
from contextvars import copy_context
from functools import partial
from types import NoneType
from typing import Any

from greenlet import getcurrent, greenlet

from db.exchange import Exchange
from db.session import Session

_TRAVELLING = (NoneType, str, int, list)
# What a reading gave, or what it raised.
Outcome = tuple[Any, Exception | None]


def side_by_side(session: Session, readings: Sequence[Callable[[Session], Any]]) -> list[Outcome]:
    """What each of some readings gives, or raises, in their order."""
    if not session.is_postgresql or len(readings) == 1:
        return [_outcome(session, reading) for reading in readings]
    outcomes: list[Outcome] = [(None, None)] * len(readings)

    def run(place: int) -> None:
        outcomes[place] = _outcome(session, readings[place])

    at_work = [greenlet(partial(run, place)) for place in range(len(readings))]
    for each in at_work:
        each.gr_context = copy_context()
    session.beside = together = Together(session.begun_exchange())
    try:
        while at_work:
            for each in at_work:
                each.switch()
            together.send()
            at_work = [each for each in at_work if not each.dead]
    finally:
        session.beside = None
    return outcomes


class Together:
    """What the readings of a session ask for, until it is sent."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._go_on = getcurrent()
        self._trouble: Exception | None = None

    def takes(self, parameters: Sequence[Any]) -> bool:
        """Whether a statement's values are of kinds that travel in an exchange."""
        return all(isinstance(each, _TRAVELLING) for each in parameters)

    def rows(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The rows of a statement, once all readings wait for theirs. Raises what went wrong with any."""
        rows = self._exchange.add_any(sql, parameters)
        self._go_on.switch()
        if self._trouble is not None:
            raise self._trouble
        return rows()

    def send(self) -> None:
        """Have all that was asked for answered. What goes wrong is raised where rows are waited for."""
        self._trouble = None
        try:
            self._exchange.send()
        except Exception as trouble:  # noqa: BLE001 - see above
            self._trouble = trouble


def _outcome(session: Session, reading: Callable[[Session], Any]) -> Outcome:
    try:
        return reading(session), None
    except Exception as trouble:  # noqa: BLE001 - it goes to whoever asked
        return None, trouble
