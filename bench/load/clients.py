"""Clients that cost little, since they share the machine's processors with what they measure.

A client is one connection that is kept open. It sends bytes that were made before, and finds the end of an answer by
its Content-Length. Every answer is searched for what it must say, and one in many is read in full; the first that says
anything else ends the run.
"""

import asyncio
import json
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple, Protocol

CLIENTS = 64
READ_IN_FULL_ONE_IN = 64
# The loop's timers count milliseconds; a shorter sleep would only keep a processor busy.
SHORTEST_SLEEP_SECONDS = 0.001
# How long the last answers of a run are waited for.
PATIENCE_SECONDS = 60.0
_LENGTH = b"\r\ncontent-length: "
_END_OF_HEAD = b"\r\n\r\n"


class WrongAnswer(Exception):
    """A server's answer that no benchmark may count."""


class Exchange(NamedTuple):
    """What kind of request it is, its bytes, what the answer must say, and which call it is about; is it GraphQL?"""

    kind: str
    request: bytes
    expected: bytes
    subject: tuple[bytes, ...] = ()
    is_graphql: bool = True


class Script(Protocol):
    """What clients say: something that begins, and what follows on its answer."""

    def opening(self) -> Exchange:
        """A request that needs nothing before it."""

    def following(self, answered: Exchange) -> Exchange | None:
        """The request that may be sent after an answer; None when nothing follows."""


class Tally:
    """What a run has seen: how long it took, answers by kind, and how long each was waited for."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.answers: Counter[str] = Counter()
        self.waits: defaultdict[str, list[float]] = defaultdict(list)

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.answers.total() / self.seconds

    def wait(self, kind: str, share: float) -> float:
        """The seconds within which a share of the answers of a kind came."""
        waits = sorted(self.waits[kind])
        return waits[min(len(waits) - 1, int(len(waits) * share))]


class Client(asyncio.Protocol):
    """One connection; at most one request is under way on it."""

    def __init__(self) -> None:
        self.answered: Callable[[Client, Exchange, bytes], None] = _unasked
        self.failed: Callable[[Exception], None] = _raise
        self.due_at = 0.0
        self._exchange: Exchange | None = None
        self._got = b""
        self._transport: asyncio.Transport | None = None

    def send(self, exchange: Exchange, due_at: float) -> None:
        """Send a request that was due at an instant of the loop's clock."""
        self._exchange, self.due_at = exchange, due_at
        assert self._transport is not None
        self._transport.write(exchange.request)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        self._transport = transport  # type: ignore[assignment] # one that can write, as all of TCP

    def data_received(self, data: bytes) -> None:
        """Take what came; most answers come whole."""
        if self._got:
            data = self._got + data
        body_at = data.find(_END_OF_HEAD)
        if body_at < 0 or len(data) - body_at - len(_END_OF_HEAD) < _announced(data, body_at):
            self._got = data
            return
        self._got = b""
        exchange, self._exchange = self._exchange, None
        if exchange is None:
            self.failed(WrongAnswer(f"Nobody asked for:\n{data.decode(errors='replace')}"))
        else:
            self.answered(self, exchange, data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The server hung up; while a request is under way, that is no answer."""
        if self._exchange is not None:
            self.failed(exc or WrongAnswer(f"The server hung up on: {self._exchange.kind}"))

    def hang_up(self) -> None:
        """Close the connection."""
        self._exchange = None
        if self._transport is not None:
            self._transport.close()


@asynccontextmanager
async def connected(host: str, port: int, count: int = CLIENTS) -> AsyncIterator[list[Client]]:
    """Clients whose connections are open for the length of the block."""
    loop = asyncio.get_running_loop()
    clients = []
    try:
        for _ in range(count):
            _, client = await loop.create_connection(Client, host, port)
            clients.append(client)
        yield clients
    finally:
        for client in clients:
            client.hang_up()


class Run:
    """Some clients at work on one script, until they are told that it is enough and all answers have come."""

    def __init__(self, clients: list[Client], script: Script) -> None:
        self.tally = Tally()
        self._clients = clients
        self._script = script
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._count = 0
        for client in clients:
            client.failed = self._fail

    async def closely(self, seconds: float, at_least: int = 0) -> Tally:
        """Every client sends its next request when the one before is answered, for so many seconds and answers. What
        was begun is followed up."""
        began_at = self._loop.time()
        ends_at = began_at + seconds
        busy = len(self._clients)

        def answered(client: Client, exchange: Exchange, answer: bytes) -> None:
            nonlocal busy
            now = self._loop.time()
            self._take(client, exchange, answer, now)
            following = self._script.following(exchange)
            if following is not None or now < ends_at or self._count < at_least:
                client.send(following or self._script.opening(), now)
            else:
                busy -= 1
                if not busy:
                    self._end()

        for client in self._clients:
            client.answered = answered
            client.send(self._script.opening(), began_at)
        await self._finished(seconds)
        self.tally.seconds = self._loop.time() - began_at
        return self.tally

    async def at_rate(self, per_second: float, seconds: float) -> Tally:
        """Requests are due at even intervals, and wait for a free client when all are busy; that counts as waiting.

        Those that begin and those that follow take turns; what nothing can follow yet leaves its turn out.
        """
        waiting: deque[tuple[Exchange, float]] = deque()
        free, open_ends = deque(self._clients), deque[Exchange]()
        is_last = False

        def answered(client: Client, exchange: Exchange, answer: bytes) -> None:
            self._take(client, exchange, answer, self._loop.time())
            following = self._script.following(exchange)
            if following is not None:
                open_ends.append(following)
            free.append(client)
            send()

        def send() -> None:
            while waiting and free:
                free.popleft().send(*waiting.popleft())
            if is_last and not waiting and len(free) == len(self._clients):
                self._end()

        for client in self._clients:
            client.answered = answered
        began_at = self._loop.time()
        for turn in range(int(per_second * seconds)):
            due_at = began_at + turn / per_second
            while (early := due_at - self._loop.time()) > 0 and not self._over.done():
                await asyncio.sleep(max(early, SHORTEST_SLEEP_SECONDS))
            if turn % 2 == 0:
                waiting.append((self._script.opening(), due_at))
            elif open_ends:
                waiting.append((open_ends.popleft(), due_at))
            send()
        waiting.extend((exchange, self._loop.time()) for exchange in open_ends)
        is_last = True
        send()
        await self._finished(0)
        self.tally.seconds = self._loop.time() - began_at
        return self.tally

    def _take(self, client: Client, exchange: Exchange, answer: bytes, now: float) -> None:
        """Count an answer that is right."""
        self._count += 1
        try:
            check(exchange, answer, in_full=self._count % READ_IN_FULL_ONE_IN == 1)
        except WrongAnswer as wrong:
            self._fail(wrong)
        self.tally.answers[exchange.kind] += 1
        self.tally.waits[exchange.kind].append(now - client.due_at)

    async def _finished(self, seconds: float) -> None:
        async with asyncio.timeout(seconds + PATIENCE_SECONDS):
            await self._over

    def _end(self) -> None:
        if not self._over.done():
            self._over.set_result(None)

    def _fail(self, fault: Exception) -> None:
        if not self._over.done():
            self._over.set_exception(fault)


def check(exchange: Exchange, answer: bytes, *, in_full: bool) -> None:
    """Raise `WrongAnswer` unless an answer says what it must."""
    right = answer.startswith(b"HTTP/1.1 200 ") and exchange.expected in answer and b'"errors":[{' not in answer
    if right and in_full and exchange.is_graphql:
        read = json.loads(answer[answer.index(_END_OF_HEAD) :])
        right = list(read) == ["data"] and all(payload is not None for payload in read["data"].values())
    if not right:
        raise WrongAnswer(f"{exchange.kind}: {answer.decode(errors='replace')}")


def _announced(data: bytes, body_at: int) -> int:
    """The length of the body, as the head announces it."""
    length_at = data.find(_LENGTH, 0, body_at)
    if length_at < 0:
        raise WrongAnswer(f"An answer without Content-Length: {data!r}")
    length_at += len(_LENGTH)
    return int(data[length_at : data.index(b"\r", length_at)])


def _unasked(_client: Client, exchange: Exchange, _answer: bytes) -> None:
    raise WrongAnswer(f"{exchange.kind} was answered after its run")


def _raise(fault: Exception) -> None:
    raise fault
