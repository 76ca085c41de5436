"""Gathers what concurrent requests say of calls, and posts it together: one transaction for whatever has arrived.

The first message starts at once, so a lone one never waits; what comes while it is being posted makes up the next
batch. Each has its own answer, and one whose posting fails spoils no other (DESIGN, calls in progress).
"""

import asyncio
import threading
from collections import defaultdict, deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from typing import Any

from credits.audit import Deed, record
from credits.call_messages import Answer, Message, Reports
from credits.calls import LARGEST_BATCH, post_calls
from credits.decks import RateBook
from credits.refusals import Refusal
from credits.terms import USUAL_TERMS, Terms
from db.session import Database, Session
from db.waiting import on_loop
from schema.measures import measure_batch, ticks

# A report of no more calls than this is posted with whatever else there is.
_MOST_OF_FEW = 50
# More calls than these keep a processor busy for so long that others on the loop would notice.
_MOST_AT_HOME = 200


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A message, when it came, and who waits for its answer."""

    message: Message
    now: int
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"
    deed: Deed | None = None

    @property
    def weight(self) -> int:
        """How many calls it is about."""
        return len(self.message.reports) if isinstance(self.message, Reports) else 1

    @property
    def is_bulk(self) -> bool:
        """It is about so many calls that whoever waits for its transaction would notice."""
        return self.weight > _MOST_OF_FEW


class CallGatherer:
    """Posts messages about calls; one for all requests of a process. It may be asked on any event loop."""

    def __init__(self, database: Database, rates: RateBook, terms: Terms = USUAL_TERMS) -> None:
        self._database = database
        self._rates = rates
        self._terms = terms
        self._waiting: deque[_Waiting] = deque()
        self._lock = threading.Lock()
        self._is_posting = False
        self._is_turn_of_bulk = False
        self._home: asyncio.AbstractEventLoop | None = None
        self._posting: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="calls")

    async def post(self, message: Message, now: int, deed: Deed | None = None) -> Answer:
        """Act on a message, of the machine's instant `now`, in one transaction with whatever else has arrived. A report
        that is somebody's deed is put on record with it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        with self._lock:
            self._waiting.append(_Waiting(message, now, loop, future, deed))
            starts, self._is_posting = not self._is_posting, True
        if starts:
            self._start(loop)
        return await future

    def live_on(self, loop: asyncio.AbstractEventLoop) -> None:
        """Post on the loop that serves, as far as its database can be waited for there, instead of on a thread."""
        if self._database.is_postgresql:
            self._home = loop

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._home is None:
            self._thread.submit(self._post_all)
        elif self._home is loop:
            self._start_at_home(loop)
        else:
            self._home.call_soon_threadsafe(self._start_at_home, self._home)

    def _start_at_home(self, home: asyncio.AbstractEventLoop) -> None:
        # In a context of its own: what it posts is of many requests, and none's id belongs in its log.
        self._posting = home.create_task(self._post_all_at_home(home), context=Context())

    def _post_all(self) -> None:
        while batch := self._next_batch():
            _hand_out(batch, self._results_of(batch), here=None)

    async def _post_all_at_home(self, home: asyncio.AbstractEventLoop) -> None:
        while batch := self._next_batch():
            work = partial(self._results_of, batch)
            is_small = sum(each.weight for each in batch) <= _MOST_AT_HOME
            results = await (on_loop(work) if is_small else home.run_in_executor(self._thread, work))
            _hand_out(batch, results, here=home)
            await asyncio.sleep(0)  # the answers leave, and what has come meanwhile comes along

    def _results_of(self, batch: list[_Waiting]) -> list[Any]:
        try:
            return self._posted(batch, hurried=True)
        except Exception:  # noqa: BLE001 - nothing was written: each is posted alone, and a fault goes to its own caller
            return [self._posted_alone(each) for each in batch]

    def _next_batch(self) -> list[_Waiting]:
        """What has arrived, as far as it fits into one transaction; with nothing left, posting has ended.

        Bulk and all else take turns when both wait, so that a call that wants to go waits for one large report at most.
        """
        batch, left, weight, is_full = list[_Waiting](), deque[_Waiting](), 0, False
        with self._lock:
            self._is_turn_of_bulk = self._bulk_is_next()
            for each in self._waiting:
                if each.is_bulk != self._is_turn_of_bulk:
                    left.append(each)
                    continue
                is_full = is_full or (bool(batch) and weight + each.weight > LARGEST_BATCH)
                (left if is_full else batch).append(each)
                weight += each.weight
            self._waiting = left
            self._is_posting = bool(batch)
        return batch

    def _bulk_is_next(self) -> bool:
        """Whoever has waited longest comes first, but bulk does not come twice while others wait."""
        if self._is_turn_of_bulk and not all(each.is_bulk for each in self._waiting):
            return False
        return bool(self._waiting) and self._waiting[0].is_bulk

    def _posted(self, batch: list[_Waiting], *, hurried: bool = False) -> list[Answer]:
        began = ticks()
        with self._database.transaction(hurried=hurried) as session:
            messages, now = [each.message for each in batch], max(each.now for each in batch)
            answers = post_calls(session, messages, rates=self._rates, now=now, terms=self._terms)
            for each, answer in zip(batch, answers, strict=True):
                if each.deed is not None:
                    _put_on_record(session, each.deed, answer)
        measure_batch(len(batch), ticks() - began)
        return answers

    def _posted_alone(self, waiting: _Waiting) -> Answer | Exception:
        try:
            return self._posted([waiting])[0]
        except Exception as fault:  # noqa: BLE001 - it goes to whoever asked
            return fault


def _put_on_record(session: Session, deed: Deed, answer: Answer) -> None:
    """Let the audit log have how many calls came by somebody's report."""
    outcomes = answer if isinstance(answer, list) else []
    new = [each for each in outcomes if each.refusal is None and not each.duplicate]
    if new:
        told = {"calls": len(new)}
        record(
            session, deed.actor, deed.action, at=deed.at, account_id=deed.account_id, subject=deed.subject, after=told
        )


def _hand_out(
    batch: list[_Waiting], results: list[Answer | Exception], *, here: asyncio.AbstractEventLoop | None
) -> None:
    """Give every answer to its own event loop: at once on the one that runs `here`, each other woken once."""
    elsewhere: defaultdict[asyncio.AbstractEventLoop, list[tuple[_Waiting, Any]]] = defaultdict(list)
    for waiting, result in zip(batch, results, strict=True):
        if waiting.loop is here:
            _settle(waiting, result)
        else:
            elsewhere[waiting.loop].append((waiting, result))
    for loop, settled in elsewhere.items():
        with suppress(RuntimeError):  # it has been closed: nobody waits there any more
            loop.call_soon_threadsafe(_settle_all, settled)


def _settle_all(settled: list[tuple[_Waiting, Any]]) -> None:
    for waiting, result in settled:
        _settle(waiting, result)


def _settle(waiting: _Waiting, result: Any) -> None:
    future = waiting.future
    if future.done():  # whoever asked has gone
        return
    if isinstance(result, Exception) and not isinstance(result, Refusal):
        future.set_exception(result)
    else:
        future.set_result(result)
