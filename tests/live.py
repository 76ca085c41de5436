"""A served app, and whoever watches there: over WebSocket, and over server-sent events, read line by line."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from api.commands.serving import SERVED

PATIENCE_SECONDS = 30
PROTOCOL = "graphql-transport-ws"
BALANCE = "subscription Watch($a: ID!) { balance(accountId: $a) { available { amount } } }"


@contextmanager
def served(app: Any, *, send_buffer: int | None = None) -> Iterator[str]:
    """The app on a port of its own, served as `credits serve` does it; gives host and port."""
    with socket.socket() as listening:
        if send_buffer is not None:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, **SERVED, lifespan="off", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        running = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        running.start()
        until = time.monotonic() + PATIENCE_SECONDS
        while not server.started:
            assert time.monotonic() < until, "the app did not start"
            time.sleep(0.02)
        try:
            yield f"127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            running.join()


class Talk:
    """One WebSocket, as a client of the protocol sees it."""

    def __init__(self, opened: ClientConnection) -> None:
        self.socket = opened

    def say(self, **message: Any) -> None:
        """Send a message."""
        self.socket.send(json.dumps(message))

    def hear(self) -> Any:
        """The next message."""
        return json.loads(self.socket.recv(timeout=PATIENCE_SECONDS))

    def greet(self, token: str | None = None) -> None:
        """Begin, perhaps with a token."""
        payload = {} if token is None else {"payload": {"Authorization": f"Bearer {token}"}}
        self.say(type="connection_init", **payload)
        assert self.hear() == {"type": "connection_ack"}

    def subscribe(self, account: str, operation_id: str = "1", query: str = BALANCE) -> None:
        """Watch an account."""
        payload = {"query": query, "variables": {"a": account}}
        self.say(id=operation_id, type="subscribe", payload=payload)

    def available(self) -> str:
        """The next message, which tells what can be spent."""
        message = self.hear()
        assert message["type"] == "next", message
        return str(message["payload"]["data"]["balance"]["available"]["amount"])

    def ended(self) -> tuple[int, str]:
        """Hear out what is left; the code and reason with which the server closed."""
        with suppress(ConnectionClosed):
            while True:
                self.socket.recv(timeout=PATIENCE_SECONDS)
        return self.socket.close_code or 0, self.socket.close_reason or ""


@contextmanager
def talking(place: str, path: str = "/graphql", *, token: str | None = None, **options: Any) -> Iterator[Talk]:
    """A WebSocket, perhaps with a token in its header."""
    headers = dict(options.pop("headers", {}))
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    chosen = {"subprotocols": [PROTOCOL], "compression": None, "proxy": None, "close_timeout": 1, **options}
    chosen["sock"] = _connected(place, chosen.pop("receive_buffer", None))
    with connect(f"ws://{place}{path}", additional_headers=headers, **chosen) as opened:
        yield Talk(opened)


class Events:
    """The answer to a POST, event by event."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.answer = answer
        self.comments = 0

    def next(self) -> tuple[str, Any] | None:
        """The next event's name and data; None at the end."""
        name, body = "", None
        while line := self.answer.readline().decode():
            field, _, value = line.rstrip("\n").partition(":")
            match field, value.strip():
                case "event", name:
                    pass
                case "data", text:
                    body = json.loads(text) if text else None
                case "", "" if name:
                    return name, body
                case "", _:
                    self.comments += line.startswith(":")
        return None

    def comment(self) -> None:
        """Read a line that is no event's."""
        line = self.answer.readline().decode()
        assert not line.strip() or line.startswith(":"), line
        self.comments += line.startswith(":")

    def available(self) -> str:
        """The next event, which tells what can be spent."""
        event = self.next()
        assert event is not None
        assert event[0] == "next", event
        return str(event[1]["data"]["balance"]["available"]["amount"])


@contextmanager
def streaming(
    place: str,
    account: str,
    *,
    token: str | None = None,
    query: str = BALANCE,
    receive_buffer: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Iterator[Events]:
    """A subscription by POST; gives its answer as soon as that begins."""
    chosen = {"Accept": "text/event-stream", "Content-Type": "application/json", **(headers or {})}
    if token is not None:
        chosen["Authorization"] = f"Bearer {token}"
    connection = http.client.HTTPConnection(place, timeout=PATIENCE_SECONDS)
    connection.sock = _connected(place, receive_buffer)
    try:
        connection.request("POST", "/graphql", json.dumps({"query": query, "variables": {"a": account}}), chosen)
        yield Events(connection.getresponse())
    finally:
        connection.close()


def _connected(place: str, receive_buffer: int | None) -> socket.socket:
    """A connection, with a buffer of its own size where a slow reader wants one."""
    host, _, port = place.partition(":")
    opened = socket.socket()
    if receive_buffer is not None:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    opened.settimeout(PATIENCE_SECONDS)
    opened.connect((host, int(port)))
    return opened
