"""How plain statements wait for PostgreSQL: on a thread they block it; on an event loop they let it go on meanwhile.

The same code runs either way. On a loop nothing is handed from thread to thread, which costs a process that answers
many small requests more than the statements do: two threads share one interpreter (ADR 8).
"""

import asyncio
from asyncio import CancelledError
from collections import OrderedDict
from collections.abc import Callable
from itertools import count
from typing import Any, Self, TypeVar

import psycopg
from psycopg import waiting
from psycopg.abc import PQGen
from sqlalchemy.util.concurrency import await_, greenlet_spawn, in_greenlet

T = TypeVar("T")
# A statement, and the types of its values as far as it is told them.
Prepared = tuple[str, tuple[int, ...]]


async def on_loop(work: Callable[[], T]) -> T:
    """Run work that waits for nothing but PostgreSQL; while it waits, the loop runs whatever else there is."""
    return await greenlet_spawn(work)


def aside(work: Callable[[], T]) -> T:
    """Run a part of some work that takes long: within `on_loop` on a thread, so that the loop goes on; else here."""
    return await_(_to_its_end(work)) if in_greenlet() else work()


async def _to_its_end(work: Callable[[], T]) -> T:
    """A thread cannot be called off, and what it uses is nobody else's until it has ended."""
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except CancelledError:
        await asyncio.wait([running])
        raise


class LoopConnection(psycopg.Connection[Any]):
    """A connection that waits within `on_loop` as that wants it, and everywhere else as any other.

    `names` are those of the statements that exchanges have prepared on it (db/exchange.py); `numbers` make new ones,
    none of them twice, since the server may have forgotten some statements and not others.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.names: OrderedDict[Prepared, bytes] = OrderedDict()
        self.numbers = count()

    @classmethod
    def connect(cls, *arguments: Any, **options: Any) -> Self:
        """Connect, never on the loop: names are looked up, and a server may not answer."""
        return aside(lambda: super(LoopConnection, cls).connect(*arguments, **options))

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Carry an exchange with the server to its end."""
        if not in_greenlet():
            return super().wait(gen, interval, timeout)
        try:
            return await_(waiting.wait_async(gen, self.pgconn.socket, interval, timeout))
        except CancelledError:  # nobody knows how far the exchange had got
            self.close()
            raise

    def _deallocate(self, name: bytes | None) -> PQGen[None]:
        """After a DROP, an ALTER or the like, the driver has the server forget whatever was prepared."""
        if name is None:
            self.names.clear()
        return super()._deallocate(name)
