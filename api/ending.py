"""Hearing that the process is told to end, before the server acts on it.

A server that ends waits for the answers that are under way, and an event stream is one that does not end by itself.
"""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_TOLD_BY = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def told_to_end(end: Callable[[], None]) -> Iterator[None]:
    """While the block lasts, call `end` on this event loop as soon as the process is told to end; the server, which
    listens for the same, hears it just the same. Away from the main thread nobody can be told."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    servers = {number: signal.getsignal(number) for number in _TOLD_BY}

    def told(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(end)
        server = servers[signal.Signals(number)]
        if callable(server):
            server(number, frame)

    for number in _TOLD_BY:
        signal.signal(number, told)
    try:
        yield
    finally:
        for number, server in servers.items():
            signal.signal(number, server)
