"""The machine's clock: the only place that reads it. Everything below is handed the instant."""

import time


def now() -> int:
    """The present instant, in microseconds since 1970 UTC."""
    return time.time_ns() // 1_000


def ticks() -> float:
    """Seconds on a clock that is never set back, for measuring how long something takes."""
    return time.monotonic()
