"""How many connections may last in a process, and how many of them may be one caller's."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

STRANGERS = "strangers"
# Connections that have not said yet who they are share so small a part, lest they keep everybody else out.
_PART_OF_STRANGERS = 10


class NoSeat(Exception):
    """There are too many: of this caller, or (`is_full`) in all."""

    def __init__(self, *, is_full: bool) -> None:
        super().__init__()
        self.is_full = is_full


class Seat:
    """The place of one connection."""

    def __init__(self, owner: str) -> None:
        self.owner = owner


class Seats:
    """Counts them. When the process ends, `ended` is set, and nobody gets a seat any more."""

    def __init__(self, most: int, most_of_one: int) -> None:
        self.ended = asyncio.Event()
        self._most = most
        self._most_of_one = most_of_one
        self._taken: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        """How many there are."""
        return self._taken.total()

    @contextmanager
    def take(self, owner: str) -> Iterator[Seat]:
        """A seat for as long as the block lasts, or `NoSeat`."""
        if self.ended.is_set() or self.taken >= self._most:
            raise NoSeat(is_full=True)
        self._count_in(owner)
        seat = Seat(owner)
        try:
            yield seat
        finally:
            self._count_out(seat.owner)

    def hand_over(self, seat: Seat, owner: str) -> None:
        """A stranger has said who they are: from now on their seat counts as theirs."""
        self._count_in(owner)
        self._count_out(seat.owner)
        seat.owner = owner

    def end(self) -> None:
        """The process ends."""
        self.ended.set()

    def _count_in(self, owner: str) -> None:
        most = max(1, self._most // _PART_OF_STRANGERS) if owner == STRANGERS else self._most_of_one
        if self._taken[owner] >= most:
            raise NoSeat(is_full=owner == STRANGERS)
        self._taken[owner] += 1

    def _count_out(self, owner: str) -> None:
        self._taken[owner] -= 1
        if not self._taken[owner]:
            del self._taken[owner]
