"""How long the disk alone takes to keep something, while something else is measured: what no server can go below, and
what is not its fault."""

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

_PAUSE_SECONDS = 0.02
_PAGE = b"\0" * 8192
_PAGES = 64
_keep = getattr(os, "fdatasync", os.fsync)


class Syncs(NamedTuple):
    """How long single pages took to be kept, in seconds."""

    seconds: list[float]

    @property
    def told(self) -> str:
        """For a person."""
        ordered = sorted(self.seconds)
        p99 = ordered[len(ordered) * 99 // 100]
        return f"a page alone p99 {p99 * 1e3:.1f} ms, longest {ordered[-1] * 1e3:.0f} ms"


@contextmanager
def watched_disk() -> Iterator[Syncs]:
    """Write a page of a file again and again, each kept before the next, for the length of the block; on the disk on
    which the databases of a benchmark lie."""
    syncs, is_over = Syncs([]), threading.Event()
    with tempfile.TemporaryFile(prefix="credits-bench-") as file:
        file.write(_PAGE * _PAGES)
        file.flush()
        _keep(file.fileno())

        def watch() -> None:
            while True:
                began = time.perf_counter()
                os.pwrite(file.fileno(), _PAGE, len(syncs.seconds) % _PAGES * len(_PAGE))
                _keep(file.fileno())
                syncs.seconds.append(time.perf_counter() - began)
                if is_over.wait(_PAUSE_SECONDS):
                    return

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            yield syncs
        finally:
            is_over.set()
            watching.join()
