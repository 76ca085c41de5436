"""Gathering: what arrives while a batch is posted goes together, each message with its own answer, and none spoils or
starves another."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
import pytest
from pysqlite3 import dbapi2 as sqlite

from credits.call_messages import Answer, Authorization, CallAnswer, CallOutcome, Message, Reports, Settlement
from credits.calls import LARGEST_BATCH
from credits.refusals import Code, Refusal
from db.session import Database, Session
from db.waiting import aside
from schema.gathering import CallGatherer
from tests.books import PRICED, Books, a_call, open_books
from tests.factories import NOW, a_key, micros

PATIENCE_SECONDS = 30


class CountingDatabase(Database):
    """A database that counts the transactions that are begun, and lets none go on before it is told to."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.begun = 0
        self.arrival = threading.Semaphore(0)
        self.gate = threading.Event()

    @contextmanager
    def transaction(self, *, hurried: bool = False) -> Iterator[Session]:
        """Count it, and wait at the gate."""
        self.begun += 1
        self.arrival.release()
        assert aside(partial(self.gate.wait, PATIENCE_SECONDS))
        with super().transaction(hurried=hurried) as session:
            yield session

    def wait_until_begun(self) -> None:
        """Wait until one more transaction has come to the gate."""
        assert self.arrival.acquire(timeout=PATIENCE_SECONDS)


class Counter:
    """Where switches' messages come in: a gatherer over a counting database, and the books that they are about."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.database = CountingDatabase(books.database.url)
        self.gatherer = CallGatherer(self.database, books.rates)

    def wants(self, call_id: str, seconds: int = 60, **values: Any) -> Authorization:
        """A call of the account."""
        return Authorization(self.books.account_id, call_id, PRICED, seconds, **values)

    def report(self, calls: int) -> Reports:
        """A report of finished calls."""
        return Reports(self.books.account_id, [a_call("0.001") for _ in range(calls)])

    def post(self, message: Message) -> "asyncio.Task[Answer]":
        """Post a message, without waiting for its answer."""
        return asyncio.ensure_future(self.gatherer.post(message, NOW))

    async def post_first(self, message: Message) -> "asyncio.Task[Answer]":
        """Post a message, and wait until it is being posted; the gate is shut."""
        self.database.gate.clear()
        posted = self.post(message)
        await asyncio.to_thread(self.database.wait_until_begun)
        return posted

    async def post_behind(self, *messages: Message) -> "list[asyncio.Task[Answer]]":
        """Post messages that have all arrived before this returns."""
        posted = [self.post(message) for message in messages]
        await asyncio.sleep(0)
        return posted

    def transactions_of_calls(self) -> int:
        """In how many transactions the calls on record were written (PostgreSQL)."""
        with self.books.database.reading() as session:
            ((found,),) = session.rows("SELECT count(DISTINCT xmin::text) FROM call")
        return int(found)


@pytest.fixture
def home() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that lasts."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join(PATIENCE_SECONDS)
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


@pytest.fixture(params=["on a thread", "on a loop"])
def counter(database: Database, home: asyncio.AbstractEventLoop, request: pytest.FixtureRequest) -> Iterator[Counter]:
    """An account with money, and a gate that stands open; messages are posted on a thread, or on a loop that lasts."""
    books = open_books(database)
    books.grant(100)
    counter = Counter(books)
    if request.param == "on a loop":
        counter.gatherer.live_on(home)
    counter.database.gate.set()
    yield counter
    counter.database.close()


def run(course: Coroutine[Any, Any, Any]) -> Any:
    """Run what a test does on an event loop of its own; whoever waits for ever fails."""
    return asyncio.run(asyncio.wait_for(course, PATIENCE_SECONDS))


def granted(answers: list[Any]) -> dict[str, int]:
    """What each call was granted."""
    assert all(isinstance(answer, CallAnswer) and answer.call for answer in answers)
    return {answer.call.call_id: answer.max_duration_seconds for answer in answers}


def test_a_lone_message_is_posted_at_once_and_alone(counter: Counter) -> None:
    answer = run(counter.gatherer.post(counter.wants("c1"), NOW))

    assert granted([answer]) == {"c1": 60}
    assert counter.database.begun == 1


def test_messages_one_after_the_other_are_posted_one_after_the_other(counter: Counter) -> None:
    async def post_each() -> list[Answer]:
        return [await counter.gatherer.post(counter.wants(f"c{number}"), NOW) for number in range(3)]

    assert len(granted(run(post_each()))) == 3
    assert counter.database.begun == 3


def test_messages_that_arrive_while_a_batch_is_posted_go_together_each_with_its_own_answer(counter: Counter) -> None:
    async def post_many() -> list[Answer]:
        first = await counter.post_first(counter.wants("c0", 1))
        others = await counter.post_behind(*(counter.wants(f"c{seconds}", seconds) for seconds in range(2, 41)))
        counter.database.gate.set()
        return [await each for each in (first, *others)]

    answers = run(post_many())

    assert granted(answers) == {"c0": 1, **{f"c{seconds}": seconds for seconds in range(2, 41)}}
    assert counter.database.begun == 2
    if counter.books.database.is_postgresql:
        assert counter.transactions_of_calls() == 2
    assert counter.books.breaches() == []


def test_messages_of_a_batch_are_acted_on_in_the_order_in_which_they_arrived(counter: Counter) -> None:
    async def post_in_order() -> list[Answer]:
        first = await counter.post_first(counter.wants("c0"))
        others = await counter.post_behind(
            counter.wants("c1"), Settlement(counter.books.account_id, "c1", 30, NOW), counter.wants("c1")
        )
        counter.database.gate.set()
        return [await each for each in (first, *others)]

    _, authorized, settled, again = run(post_in_order())

    assert isinstance(authorized, CallAnswer)
    assert authorized.authorized
    assert isinstance(settled, CallAnswer)
    assert settled.call is not None
    assert settled.call.charge_micros == micros("0.03")
    assert isinstance(again, CallAnswer)
    assert again.error is not None


def test_a_message_that_is_refused_is_answered_so_and_costs_no_other_a_transaction(counter: Counter) -> None:
    async def post_with_refused() -> list[Answer]:
        first = await counter.post_first(counter.wants("c0"))
        others = await counter.post_behind(
            Authorization(1, "c1", PRICED), Settlement(counter.books.account_id, "nowhere", 1), counter.wants("c2")
        )
        counter.database.gate.set()
        return [await each for each in (first, *others)]

    _, no_account, no_call, good = run(post_with_refused())

    assert isinstance(no_account, Refusal)
    assert isinstance(no_call, Refusal)
    assert (no_account.code, no_call.code) == (Code.NOT_FOUND, Code.NOT_FOUND)
    assert granted([good]) == {"c2": 60}
    assert counter.database.begun == 2


def test_a_message_that_breaks_a_constraint_fails_alone_and_the_others_are_posted(counter: Counter) -> None:
    """The tables know no such service: nothing above them lets one through, so this stands for a fault of ours."""

    async def post_with_faulty() -> list[Answer | BaseException]:
        first = await counter.post_first(counter.wants("c0"))
        others = await counter.post_behind(
            counter.wants("c1"), counter.wants("c2", service="PIGEON"), counter.wants("c3")
        )
        counter.database.gate.set()
        return await asyncio.gather(first, *others, return_exceptions=True)

    first, before, faulty, after = run(post_with_faulty())

    assert isinstance(faulty, psycopg.IntegrityError | sqlite.IntegrityError)
    assert granted([first, before, after]) == {"c0": 60, "c1": 60, "c3": 60}
    assert counter.books.balance().reserved_micros == micros("0.18")
    assert counter.books.breaches() == []


def test_a_gatherer_works_on_after_a_fault(counter: Counter) -> None:
    async def post_faulty_then_good() -> Answer:
        with pytest.raises(psycopg.IntegrityError if counter.database.is_postgresql else sqlite.IntegrityError):
            await counter.gatherer.post(counter.wants("c1", service="PIGEON"), NOW)
        return await counter.gatherer.post(counter.wants("c2"), NOW)

    assert granted([run(post_faulty_then_good())]) == {"c2": 60}


def test_callers_that_go_away_disturb_nobody(counter: Counter) -> None:
    """One goes while its message is posted, one while it waits; what they said was said all the same."""

    async def go_away() -> list[Answer]:
        posted = await counter.post_first(counter.wants("posted"))
        waiting, other = await counter.post_behind(counter.wants("waiting"), counter.wants("other"))
        posted.cancel()
        waiting.cancel()
        await asyncio.wait([posted, waiting])
        counter.database.gate.set()
        return [await other, await counter.gatherer.post(counter.wants("later"), NOW)]

    answers = run(go_away())

    assert granted(answers) == {"other": 60, "later": 60}
    assert [counter.books.call(call_id).granted_seconds for call_id in ("posted", "waiting")] == [60, 60]
    assert counter.books.breaches() == []


def test_a_loop_that_is_closed_while_its_message_is_posted_disturbs_nobody(counter: Counter) -> None:
    """Also when it is closed between the question whether it is and the next thing that is asked of it."""
    leaving = asyncio.new_event_loop()
    leaving.run_until_complete(leave_behind(counter, "left"))
    leaving.close()

    async def go_on() -> list[Answer]:
        waiting = await counter.post_behind(counter.wants("c1"))
        counter.database.gate.set()
        posted = [*waiting, counter.post(counter.wants("c2"))]
        return [await each for each in posted]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leaving, "is_closed", lambda: False)
        answers = run(go_on())

    assert granted(answers) == {"c1": 60, "c2": 60}


async def leave_behind(counter: Counter, call_id: str) -> None:
    """Post a message, and give up waiting for it once it is being posted."""
    posted = await counter.post_first(counter.wants(call_id))
    posted.cancel()
    await asyncio.wait([posted])


def test_two_event_loops_at_once_get_each_its_own_answers(counter: Counter) -> None:
    seen: dict[str, dict[str, int]] = {}

    async def post_some(name: str, seconds: int) -> None:
        loop = asyncio.get_running_loop()

        async def post_one(number: int) -> Answer:
            answer = await counter.gatherer.post(counter.wants(f"{name}-{number}", seconds), NOW)
            assert asyncio.get_running_loop() is loop
            return answer

        seen[name] = granted([*await asyncio.gather(*(post_one(number) for number in range(50)))])

    threads = [threading.Thread(target=run, args=(post_some(name, seconds),)) for name, seconds in (("a", 3), ("b", 7))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)

    assert seen["a"] == {f"a-{number}": 3 for number in range(50)}
    assert seen["b"] == {f"b-{number}": 7 for number in range(50)}
    assert counter.database.begun < 100
    assert counter.books.balance().reserved_micros == micros("0.5")
    assert counter.books.breaches() == []


def test_a_report_of_a_thousand_calls_has_a_transaction_of_its_own(counter: Counter) -> None:
    async def post_reports() -> list[Answer]:
        first = await counter.post_first(counter.wants("c0"))
        others = await counter.post_behind(
            counter.wants("c1"), counter.report(LARGEST_BATCH), counter.wants("c2"), counter.wants("c3")
        )
        counter.database.gate.set()
        return [await each for each in (first, *others)]

    first, before, report, *after = run(post_reports())

    assert granted([first, before, *after]) == dict.fromkeys(("c0", "c1", "c2", "c3"), 60)
    assert isinstance(report, list)
    assert {outcome.charge_micros for outcome in report} == {micros("0.001")}
    assert counter.database.begun == 3
    assert counter.books.breaches() == []


def in_order_of_their_ends(counter: Counter, first: Message, *others: tuple[str, Message]) -> list[str]:
    """Post one message, and the others while it is being posted; the names of those in the order of their answers."""
    ended: list[str] = []

    async def post_all() -> None:
        async def note(name: str, message: Message) -> None:
            await counter.gatherer.post(message, NOW)
            ended.append(name)

        posted = await counter.post_first(first)
        waiting = [asyncio.ensure_future(note(name, message)) for name, message in others]
        await asyncio.sleep(0)
        counter.database.gate.set()
        await asyncio.gather(posted, *waiting)

    run(post_all())
    return ended


def test_a_call_that_wants_to_go_waits_for_one_large_report_at_most(counter: Counter) -> None:
    reports = [("report", counter.report(LARGEST_BATCH)) for _ in range(3)]
    calls = [("call", counter.wants(f"c{number}")) for number in range(2)]

    behind_a_report = in_order_of_their_ends(counter, counter.report(LARGEST_BATCH), *reports, *calls)

    assert behind_a_report == ["call", "call", "report", "report", "report"]
    assert counter.database.begun == 5


def test_a_large_report_has_its_turn_before_calls_that_came_after_it(counter: Counter) -> None:
    calls = [("call", counter.wants(f"c{number}")) for number in range(2)]

    behind_a_call = in_order_of_their_ends(counter, counter.wants("c9"), ("report", counter.report(100)), *calls)

    assert behind_a_call == ["report", "call", "call"]


@pytest.mark.parametrize(("sizes", "transactions"), [([400, 600], 1), ([400, 601], 2), ([1_000, 1], 2), ([50, 50], 1)])
def test_reports_go_together_as_far_as_they_fit(counter: Counter, sizes: list[int], transactions: int) -> None:
    async def post_reports() -> list[Answer]:
        first = await counter.post_first(counter.wants("c0"))
        others = await counter.post_behind(*(counter.report(size) for size in sizes))
        counter.database.gate.set()
        await first
        return [await each for each in others]

    answers = run(post_reports())

    assert [len(answer) for answer in answers if isinstance(answer, list)] == sizes
    assert counter.database.begun == 1 + transactions


def test_a_report_of_too_many_calls_is_refused_and_the_others_of_its_batch_are_posted(counter: Counter) -> None:
    async def post_reports() -> list[Answer]:
        first = await counter.post_first(counter.wants("c0"))
        others = await counter.post_behind(counter.report(LARGEST_BATCH + 1), counter.report(2))
        counter.database.gate.set()
        await first
        return [await each for each in others]

    refused, taken = run(post_reports())

    assert isinstance(refused, Refusal)
    assert refused.code == Code.LIMIT_EXCEEDED
    assert isinstance(taken, list)
    assert all(isinstance(outcome, CallOutcome) and outcome.refusal is None for outcome in taken)


def test_many_callers_of_the_same_call_are_told_the_same(counter: Counter) -> None:
    call_id = a_key()

    async def ask_often() -> list[Answer]:
        return await asyncio.gather(*(counter.gatherer.post(counter.wants(call_id), NOW) for _ in range(50)))

    answers = run(ask_often())

    assert {granted([answer])[call_id] for answer in answers} == {60}
    assert counter.books.account().call_count == 1
    assert counter.books.balance().reserved_micros == micros("0.06")
