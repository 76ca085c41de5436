"""Notices that watched accounts may have changed, whoever changed them, be it time alone.

The database has no triggers. So one look a second reads the rows of all the accounts that somebody watches, in one
statement, and none while nobody does; what this process itself has written is looked for at once. What has changed in
what a watcher shows is for the watcher to find out.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import Context
from typing import Any

import structlog

from credits.balances import signs_of_change
from db.session import Database

log = structlog.get_logger("credits.watching")

INTERVAL_SECONDS = 1.0
# However often it is nudged, it rests this long between looks, and so many times as long as a look took.
_SHORTEST_REST_SECONDS = 0.05
_RESTS = 9


class Watch:
    """One watcher of one account."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    async def changed(self, within_seconds: float) -> bool:
        """Wait until the account may have changed since the last time that this said so; False if the time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_seconds):
                await self._changed.wait()
        changed = self._changed.is_set()
        self._changed.clear()
        return changed

    def wake(self) -> None:
        """The account may have changed."""
        self._changed.set()


class Watching:
    """Looks for all the watchers of a process, on the event loop that they share."""

    def __init__(
        self, database: Database, clock: Callable[[], int], interval_seconds: float = INTERVAL_SECONDS
    ) -> None:
        self._database = database
        self._clock = clock
        self.interval_seconds = interval_seconds
        self._watches: dict[int, set[Watch]] = {}
        self._seen: dict[int, tuple[Any, ...]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._looking: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._is_nudged = False

    @property
    def is_looking(self) -> bool:
        """Somebody watches something."""
        return self._looking is not None

    @contextmanager
    def watch(self, account_id: int) -> Iterator[Watch]:
        """Watch an account for as long as the block lasts. The first look always says that it may have changed."""
        watch = Watch()
        self._watches.setdefault(account_id, set()).add(watch)
        if self._looking is None:
            self._begin()
        try:
            yield watch
        finally:
            self._watches[account_id].discard(watch)
            if not self._watches[account_id]:
                del self._watches[account_id]
                self._seen.pop(account_id, None)
            if not self._watches:
                self._end()

    def nudge(self) -> None:
        """This process has written something. May be said on any thread."""
        loop = self._loop
        if loop is not None and not self._is_nudged:
            self._is_nudged = True
            loop.call_soon_threadsafe(self._wake.set)

    def _begin(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._is_nudged = False
        # In a context of its own: what it logs belongs to no request.
        self._looking = self._loop.create_task(self._look_again_and_again(self._loop), context=Context())

    def _end(self) -> None:
        assert self._looking is not None
        self._looking.cancel()
        self._looking = self._loop = None

    async def _look_again_and_again(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            began = loop.time()
            self._is_nudged = False
            self._wake.clear()
            try:
                await self._look()
            except Exception:  # a database that is away for a while comes back
                log.exception("look_failed")
            await asyncio.sleep(max(_SHORTEST_REST_SECONDS, _RESTS * (loop.time() - began)))
            with suppress(TimeoutError):
                async with asyncio.timeout(self.interval_seconds):
                    await self._wake.wait()

    async def _look(self) -> None:
        found = await asyncio.to_thread(self._read, list(self._watches))
        for account_id, signs in found.items():
            watches = self._watches.get(account_id)
            if watches and self._seen.get(account_id) != signs:
                self._seen[account_id] = signs
                for watch in watches:
                    watch.wake()

    def _read(self, account_ids: list[int]) -> dict[int, tuple[Any, ...]]:
        with self._database.reading() as session:
            return signs_of_change(session, account_ids, self._clock())
