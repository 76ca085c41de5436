"""How the interpreter is set for a process that serves: many small requests beside large tables that stay.

What is there when serving begins stays, so the collector need not walk it again and again: one such walk stops every
request for a tenth of a second. And whoever answers requests has not to wait five milliseconds for a thread
that computes each time that the database has answered.
"""

import gc
import sys

SWITCH_SECONDS = 0.0001
# Young objects, and how many of each generation's rounds make one of the next.
COLLECT_AFTER = (10_000, 20, 20)


def settle() -> None:
    """Set the interpreter, once, when all is loaded that stays."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
