"""A subscription as server-sent events: the protocol graphql-sse in its mode of distinct connections.

Each result is computed when the one before it has left, so a slow reader gets the latest and nothing piles up. A
comment now and then keeps proxies from closing the connection, and finds out readers who have gone.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress

from starlette.types import Receive, Scope, Send
from strawberry.types import ExecutionResult

from schema.http import EVENTS, body_of, write_event, write_json

KEEP_ALIVE_SECONDS = 15.0
# A reader who takes nothing for so long is left.
SEND_SECONDS = 30.0
_HEADERS = (
    ("content-type", f"{EVENTS}; charset=utf-8"),
    ("cache-control", "no-store, no-transform"),
    ("x-accel-buffering", "no"),  # else nginx holds events back
)


class EventStream:
    """The answer: sends results until they end, the reader leaves, or `until` says that it is over. `beside` runs as
    long.

    What ends of itself closes with `complete`; what is cut off does not, so that clients come back.
    """

    def __init__(
        self,
        results: AsyncGenerator[ExecutionResult, None],
        *,
        beside: Callable[[], Awaitable[object]],
        until: Callable[[], Awaitable[object]],
    ) -> None:
        self._results = results
        self._beside = beside
        self._until = until
        self._one_at_a_time = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = [(name.encode(), value.encode()) for name, value in _HEADERS]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        leaving = asyncio.ensure_future(_until_left(receive))
        others = (self._send_results(send), self._keep_alive(send), self._until())
        enders = (leaving, *(asyncio.ensure_future(each) for each in others))
        beside = asyncio.ensure_future(self._beside())
        try:
            done, _ = await asyncio.wait(enders, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*enders, beside):
                task.cancel()
            await asyncio.gather(*enders, beside, return_exceptions=True)
        with suppress(TimeoutError):  # the reader takes nothing: no use in saying goodbye
            for task in done:
                await task
            if leaving not in done:
                await self._send(send, "", more=False)

    async def _send_results(self, send: Send) -> None:
        async with aclosing(self._results) as results:
            async for result in results:
                await self._send(send, write_event("next", write_json(body_of(result))))
        await self._send(send, write_event("complete"))

    async def _keep_alive(self, send: Send) -> None:
        while True:
            await self._send(send, ":\n\n")
            await asyncio.sleep(KEEP_ALIVE_SECONDS)

    async def _send(self, send: Send, text: str, *, more: bool = True) -> None:
        async with asyncio.timeout(SEND_SECONDS), self._one_at_a_time:
            await send({"type": "http.response.body", "body": text.encode(), "more_body": more})


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
