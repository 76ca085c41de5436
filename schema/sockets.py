"""GraphQL over a WebSocket: the protocol graphql-transport-ws.

One connection carries many operations, each under an id that the client chooses. Each result is computed when the one
before it has left, so a slow reader gets the latest and nothing piles up. Whatever breaks the protocol ends the
connection, with the code that the protocol has for it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Any, Protocol

from starlette.websockets import WebSocket, WebSocketDisconnect

from schema.context import Context
from schema.http import Asked, BadRequest, body_of, read_asked, read_json, results_of, was_run, write_json

PROTOCOL = "graphql-transport-ws"
INIT_SECONDS = 10.0
# A reader who takes nothing for so long is left.
SEND_SECONDS = 30.0
GOODBYE_SECONDS = 1.0
MOST_OPERATIONS = 20
LONGEST_ID = 128

BAD_REQUEST, UNAUTHORIZED, FORBIDDEN = 4400, 4401, 4403
INIT_TIMEOUT, ID_IN_USE, TOO_MANY_INITS = 4408, 4409, 4429
TRY_LATER = 1013


class Closing(Exception):
    """The connection is to be closed, with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Caller(Protocol):
    """Somebody at the other end, whose connection may last."""

    def context(self) -> Context:
        """What one of their operations works with."""

    async def until_unknown(self) -> None:
        """Return when they are nobody any more: signed out, or their token revoked."""


Admit = Callable[[dict[str, Any]], Awaitable[Caller]]


class Conversation:
    """One connection. `admit` tells from what `connection_init` brings along who asks, or raises `Closing`."""

    def __init__(self, websocket: WebSocket, admit: Admit) -> None:
        self._websocket = websocket
        self._admit = admit
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._one_at_a_time = asyncio.Lock()

    async def run(self) -> None:
        """Converse until either side ends it."""
        farewell: Closing | None = None
        try:
            caller = await self._greeted()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._guard(caller))
                tasks.create_task(self._listen(caller, tasks))
        except* (WebSocketDisconnect, TimeoutError):
            pass  # they have left, or take nothing any more
        except* Closing as closings:
            first = closings.exceptions[0]
            assert isinstance(first, Closing), "the tasks of one group raise no groups"
            farewell = first
        if farewell is not None:
            with suppress(WebSocketDisconnect, TimeoutError):
                async with asyncio.timeout(GOODBYE_SECONDS):
                    await self._websocket.close(farewell.code, farewell.reason)

    async def _greeted(self) -> Caller:
        try:
            async with asyncio.timeout(INIT_SECONDS):
                while (told := await self._hear())["type"] in ("ping", "pong"):
                    await self._return_ping(told)
        except TimeoutError:
            raise Closing(INIT_TIMEOUT, "Connection initialisation timeout") from None
        if told["type"] == "subscribe":
            raise Closing(UNAUTHORIZED, "Unauthorized")
        payload = told.get("payload") or {}
        if told["type"] != "connection_init" or not isinstance(payload, dict):
            raise Closing(BAD_REQUEST, "Begin with connection_init; its payload is an object.")
        caller = await self._admit(payload)
        await self._say({"type": "connection_ack"})
        return caller

    async def _guard(self, caller: Caller) -> None:
        await caller.until_unknown()
        raise Closing(FORBIDDEN, "Forbidden")

    async def _listen(self, caller: Caller, tasks: asyncio.TaskGroup) -> None:
        while True:
            told = await self._hear()
            match told["type"]:
                case "subscribe":
                    await self._begin(told, caller, tasks)
                case "complete":
                    if operation := self._operations.pop(_id_of(told), None):
                        operation.cancel()
                case "ping" | "pong":
                    await self._return_ping(told)
                case "connection_init":
                    raise Closing(TOO_MANY_INITS, "Too many initialisation requests")
                case _:
                    raise Closing(BAD_REQUEST, "There is no such type of message.")

    async def _begin(self, told: dict[str, Any], caller: Caller, tasks: asyncio.TaskGroup) -> None:
        operation_id = _id_of(told)
        try:
            asked = read_asked(told.get("payload"))
        except BadRequest as trouble:
            raise Closing(BAD_REQUEST, trouble.message) from None
        if operation_id in self._operations:
            raise Closing(ID_IN_USE, f"Subscriber for {operation_id[:40]!a} already exists")
        context = caller.context()
        if len(self._operations) >= MOST_OPERATIONS:
            sentence = "At most {most} operations run at a time on one connection."
            said = context.language.say(sentence, most=MOST_OPERATIONS)
            error = {"message": said, "extensions": {"code": "LIMIT_EXCEEDED"}}
            await self._say({"id": operation_id, "type": "error", "payload": [error]})
            return
        self._operations[operation_id] = tasks.create_task(self._operate(operation_id, asked, context))

    async def _operate(self, operation_id: str, asked: Asked, context: Context) -> None:
        async with aclosing(results_of(asked, context)) as results:
            async for result in results:
                if not was_run(result):
                    await self._end(operation_id, {"type": "error", "payload": body_of(result)["errors"]})
                    return
                await self._say({"id": operation_id, "type": "next", "payload": body_of(result)})
        await self._end(operation_id, {"type": "complete"})

    async def _end(self, operation_id: str, message: dict[str, Any]) -> None:
        """Say the last of an operation; whoever hears it may use its id again at once."""
        del self._operations[operation_id]
        await self._say({"id": operation_id, **message})

    async def _return_ping(self, told: dict[str, Any]) -> None:
        if told["type"] == "ping":
            await self._say({"type": "pong", **({"payload": told["payload"]} if "payload" in told else {})})

    async def _hear(self) -> dict[str, Any]:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message["code"])
        try:
            told = read_json(message.get("text") or "")
        except BadRequest:
            raise Closing(BAD_REQUEST, "A message is JSON, as text.") from None
        if not isinstance(told, dict) or not isinstance(told.get("type"), str):
            raise Closing(BAD_REQUEST, "A message is an object with a type.")
        return told

    async def _say(self, message: dict[str, Any]) -> None:
        async with asyncio.timeout(SEND_SECONDS), self._one_at_a_time:
            await self._websocket.send_text(write_json(message))


def _id_of(told: dict[str, Any]) -> str:
    operation_id = told.get("id")
    if not isinstance(operation_id, str) or not 1 <= len(operation_id) <= LONGEST_ID:
        raise Closing(BAD_REQUEST, f"An id has 1 to {LONGEST_ID} characters.")
    return operation_id
