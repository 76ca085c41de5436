"""What each caller may still ask for: a budget of points that fills up again with time.

Points are those of `schema.costs`. What is said of calls is paid from a budget of its own, so that no report that
somebody reads with the same token keeps a call from going. Budgets are kept in the memory of each process.
"""

import math
import threading
from collections import OrderedDict
from collections.abc import Callable

from credits.language import Language

# The callers whose budgets a process remembers. Whoever has asked for nothing for longest is forgotten first.
REMEMBERED = 4_096
_MINUTE = 60


class Overdrawn(Exception):
    """A budget does not hold what is asked for; after so many seconds it will."""

    def __init__(self, points: int, left: int, wait_seconds: int) -> None:
        super().__init__(f"{points} points of {left}, in {wait_seconds} s")
        self.points = points
        self.left = left
        self.wait_seconds = wait_seconds

    def say(self, language: Language) -> str:
        """What the caller is told."""
        said = "You have asked for more than may be asked in a minute. Try again in {seconds} s."
        return language.say(said, seconds=self.wait_seconds)


class Bucket:
    """Points that come back evenly, as many as there can be within a minute; full at the start."""

    __slots__ = ("_at", "_lock", "_most", "_per_second", "_points")

    def __init__(self, per_minute: int, at: float) -> None:
        self._most = per_minute
        self._per_second = per_minute / _MINUTE
        self._points: float = per_minute
        self._at = at
        self._lock = threading.Lock()

    def take(self, points: int, at: float) -> int:
        """Take points at a time in seconds, and tell how many are left; `Overdrawn` takes nothing."""
        with self._lock:
            left = self._points + (at - self._at) * self._per_second
            if left > self._most:
                left = self._most
            self._at = at
            if left < points:
                self._points = left
                raise Overdrawn(points, int(left), math.ceil((points - left) / self._per_second))
            self._points = left = left - points
            return int(left)


class Budget:
    """The two budgets of one caller. `ticks` tells the time in seconds, on a clock that is never set back."""

    __slots__ = ("_calls", "_ticks", "_usual")

    def __init__(self, per_minute: int, calls_per_minute: int, ticks: Callable[[], float]) -> None:
        at = ticks()
        self._ticks = ticks
        self._usual = Bucket(per_minute, at)
        self._calls = Bucket(calls_per_minute, at)

    def take(self, points: int, *, is_of_calls: bool) -> int:
        """Pay for an operation, and tell what is left of the budget that paid; `Overdrawn` when it cannot."""
        return (self._calls if is_of_calls else self._usual).take(points, self._ticks())


class Budgets:
    """The budgets of all callers of a process, by whom they belong to."""

    def __init__(self, per_minute: int, calls_per_minute: int, ticks: Callable[[], float]) -> None:
        self._of_each = (per_minute, calls_per_minute, ticks)
        self._budgets: OrderedDict[str, Budget] = OrderedDict()

    def of(self, owner: str) -> Budget:
        """The budget of a caller."""
        budget = self._budgets.get(owner)
        if budget is None:
            budget = self._budgets[owner] = Budget(*self._of_each)
            if len(self._budgets) > REMEMBERED:
                self._budgets.popitem(last=False)
        else:
            self._budgets.move_to_end(owner)
        return budget
