"""What a resolver works with: one `Context` per request.

Blocking work runs in worker threads, never on the event loop. Reads that resolvers ask for in the same moment
share one thread and one snapshot of the database; writing has threads of its own, so that a long publication
holds up no reader.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Concatenate, ParamSpec, TypeVar

import strawberry

from credits.audit import Deed
from credits.call_messages import Answer, Message
from credits.decks import RateBook
from credits.history import History
from credits.keys import Keys
from credits.language import Language
from credits.providers import Providers
from credits.terms import USUAL_TERMS, Terms
from db.beside import Outcome, side_by_side
from db.session import Database, Session
from schema.access import Viewer
from schema.budgets import Budget
from schema.gathering import CallGatherer
from schema.loaders import Loaders
from schema.measures import Around, count_message, untraced
from schema.watching import Watching

P = ParamSpec("P")
T = TypeVar("T")

# Together, and with the one that posts calls, no more than the connections of a PostgreSQL pool.
_readers = ThreadPoolExecutor(6, thread_name_prefix="reader")
_writers = ThreadPoolExecutor(3, thread_name_prefix="writer")

# Turns of the event loop to wait before reading: so many a loader takes to gather what it is asked for.
_TURNS = 3

_Asked = list[tuple[Callable[[Session], Any], asyncio.Future[Any]]]


@dataclass
class Context:
    """One request: who asks (None is a stranger), in which language, of which database, by whose clock.

    `base_url` is the address under which people reach the pages; `mail_leaves` is False where no mail server is set,
    so that mail is written into the data folder. `gatherer` and `watch_keeper` are the process's; a context without
    them makes its own. `viewer_now` tells who asks by now, for what lasts longer than a request. `around` is entered
    around each operation, with what it asks for, and told its outcome. `address` and `request_id` are the request's,
    for the audit log. `budget` pays for what is asked; without one nothing needs to be paid. `keys` derive what the
    house's secret is needed for.
    """

    database: Database
    rates: RateBook
    viewer: Viewer | None
    language: Language
    clock: Callable[[], int]
    terms: Terms = USUAL_TERMS
    history: History = field(default_factory=History)
    providers: Providers = field(default_factory=Providers)
    nudge: Callable[[], None] = field(default=lambda: None)
    base_url: str = ""
    mail_leaves: bool = True
    gatherer: CallGatherer | None = None
    watch_keeper: Watching | None = None
    viewer_now: Callable[[], Viewer | None] | None = None
    around: Around = untraced
    address: str | None = None
    request_id: str | None = None
    budget: Budget | None = None
    keys: Keys = field(default_factory=Keys)
    _asked: _Asked = field(default_factory=list)
    _reading: set[asyncio.Task[None]] = field(default_factory=set)
    _loaders: Loaders | None = None

    @cached_property
    def now(self) -> int:
        """The machine's instant, the same for the whole request."""
        return self.clock()

    @property
    def watching(self) -> Watching:
        """Who notices changes for those who watch."""
        if self.watch_keeper is None:
            self.watch_keeper = Watching(self.database, self.clock)
        return self.watch_keeper

    def renew(self) -> None:
        """Begin a later moment of a subscription: with its own instant, who asks as they are by now, and no rows."""
        self.__dict__.pop("now", None)
        self._loaders = None
        if self.viewer_now is not None:
            self.viewer = self.viewer_now()

    @property
    def loaders(self) -> Loaders:
        """Rows by their keys, each read once per request and gathered; forgotten after a write."""
        if self._loaders is None:
            self._loaders = Loaders(self.read, self.now, self.history)
        return self._loaders

    async def read(self, reading: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function on a snapshot of the database."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        if not self._asked:
            loop.call_soon(self._start_reading, _TURNS)
        self._asked.append((partial(_with_session_first, reading, args, kwargs), answer))
        return await answer

    async def write(self, verb: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a verb in a transaction that commits when it returns."""
        return await self.work(_in_transaction, self.database, partial(_with_session_first, verb, args, kwargs))

    async def post(self, message: Message, deed: Deed | None = None) -> Answer:
        """Act on what a switch says of calls, together with what others say at this moment; what is somebody's deed is
        put on record."""
        if self.gatherer is None:
            self.gatherer = CallGatherer(self.database, self.rates, self.terms)
        try:
            answer = await self.gatherer.post(message, self.now, deed)
        except Exception:
            count_message(message, None)
            raise
        finally:
            self._loaders = None
            self.nudge()
        count_message(message, answer)
        return answer

    async def work(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run blocking work that opens its own transactions."""
        running = partial(copy_context().run, partial(work, *args, **kwargs))
        try:
            return await asyncio.get_running_loop().run_in_executor(_writers, running)
        finally:
            self._loaders = None
            self.nudge()

    def _start_reading(self, turns: int) -> None:
        if turns:
            asyncio.get_running_loop().call_soon(self._start_reading, turns - 1)
            return
        asked, self._asked = self._asked, []
        task = asyncio.get_running_loop().create_task(self._answer(asked))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _answer(self, asked: _Asked) -> None:
        readings = [reading for reading, _ in asked]
        loop = asyncio.get_running_loop()
        try:
            reading = partial(copy_context().run, _on_one_snapshot, self.database, readings)
            answers = await loop.run_in_executor(_readers, reading)
        except Exception as fault:  # noqa: BLE001 - it goes to whoever asked
            answers = [(None, fault)] * len(asked)
        for (_, future), (value, trouble) in zip(asked, answers, strict=True):
            if future.done():
                continue
            if trouble is None:
                future.set_result(value)
            else:
                future.set_exception(trouble)


Info = strawberry.Info[Context, None]


def _on_one_snapshot(database: Database, readings: list[Callable[[Session], Any]]) -> list[Outcome]:
    with database.reading() as session:
        return side_by_side(session, readings)


def _in_transaction(database: Database, verb: Callable[[Session], T]) -> T:
    with database.transaction() as session:
        return verb(session)


def _with_session_first(function: Callable[..., T], args: Any, kwargs: Any, session: Session) -> T:
    return function(session, *args, **kwargs)
