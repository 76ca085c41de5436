"""A proxy with faults: it stands between two programs that speak HTTP, and plays a script of what goes wrong.

    with FaultyProxy(peer.url) as proxy:
        proxy.script = [Fault.PASS, Fault.LOSE_ANSWER]      # one for each request, then all pass
        proxy.script = lambda request: Fault.FAIL_AFTER if request.path.endswith("/confirm") else Fault.PASS

The same proxy serves webhooks on their way in: they are swallowed, doubled, or held and let go in another order.
"""

import http.client
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit


class Fault(Enum):
    """What becomes of a request and of its answer."""

    PASS = "pass"
    TIME_OUT_BEFORE = "time out before"  # it never arrives, and no answer comes
    TIME_OUT_AFTER = "time out after"  # it arrives and is done, but no answer comes
    CUT_BEFORE = "cut before"  # the connection ends, and it never arrived
    LOSE_ANSWER = "lose answer"  # it arrives and is done, then the connection ends
    HALF_ANSWER = "half answer"  # it arrives and is done, then the answer breaks off
    FAIL_BEFORE = "fail before"  # 500, and it never arrived
    FAIL_AFTER = "fail after"  # it arrives and is done, then 500
    NONSENSE = "nonsense"  # it arrives and is done, then a page of something else is answered
    CONFLICT = "conflict"  # 409: the same key is in use
    TOO_MANY = "too many"  # 429
    SWALLOW = "swallow"  # 200, and it never arrives
    TWICE = "twice"  # it arrives twice
    HOLD = "hold"  # 200, and it arrives when `release` is called


@dataclass(frozen=True)
class Passing:
    """A request on its way."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


Script = list[Fault] | Callable[[Passing], Fault]
_NEVER_ARRIVES = {Fault.TIME_OUT_BEFORE, Fault.CUT_BEFORE, Fault.FAIL_BEFORE, Fault.CONFLICT, Fault.TOO_MANY,
                  Fault.SWALLOW, Fault.HOLD}  # fmt: skip
_ANSWERS_ITSELF = {
    Fault.FAIL_BEFORE: (500, b'{"error": {"type": "api_error", "message": "An unknown error occurred."}}'),
    Fault.FAIL_AFTER: (500, b'{"error": {"type": "api_error", "message": "An unknown error occurred."}}'),
    Fault.CONFLICT: (409, b'{"error": {"type": "invalid_request_error", "code": "idempotency_key_in_use"}}'),
    Fault.TOO_MANY: (429, b'{"error": {"type": "invalid_request_error", "code": "rate_limit"}}'),
    Fault.NONSENSE: (200, b"<html>Be right back</html>"),
    Fault.SWALLOW: (200, b"{}"),
    Fault.HOLD: (200, b"{}"),
}


class FaultyProxy:
    """Runs from `with` to the end of its block; `url` is where to send what should go to `target`.

    `rewrite` may change a request before it is passed on. `seen` is every request, with what became of it.
    """

    def __init__(
        self, target: str, script: Script | None = None, *, rewrite: Callable[[Passing], Passing] | None = None
    ) -> None:
        self.target = target
        self.script: Script = script if script is not None else []
        self.rewrite = rewrite
        self.seen: list[tuple[Passing, Fault]] = []
        self.closing = threading.Event()
        self._held: list[Passing] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def passed(self, path_end: str) -> int:
        """How many requests arrived whose path ends so."""
        with self._lock:
            return sum(request.path.endswith(path_end) and fault not in _NEVER_ARRIVES for request, fault in self.seen)

    def release(self, *, newest_first: bool = True) -> None:
        """Let go of what was held."""
        with self._lock:
            held, self._held = self._held, []
        for request in reversed(held) if newest_first else held:
            self.forward(request)

    def fate_of(self, request: Passing) -> Fault:
        """What the script says of a request; it is noted."""
        with self._lock:
            script = self.script
            following = iter((script(request),)) if callable(script) else _taken_from(script)
            fault = next(following, Fault.PASS)
            self.seen.append((request, fault))
            if fault == Fault.HOLD:
                self._held.append(request)
            return fault

    def forward(self, request: Passing) -> tuple[int, dict[str, str], bytes]:
        """Pass a request on, and return what is answered."""
        if self.rewrite is not None:
            request = self.rewrite(request)
        place = urlsplit(self.target)
        connection = http.client.HTTPConnection(place.netloc, timeout=30)
        try:
            kept = {name: value for name, value in request.headers.items() if name.lower() not in _HOPS}
            connection.request(request.method, request.path, request.body or None, kept)
            answer = connection.getresponse()
            headers = {name: value for name, value in answer.getheaders() if name.lower() not in _HOPS}
            return answer.status, headers, answer.read()
        finally:
            connection.close()


_HOPS = {"connection", "content-length", "date", "host", "server", "transfer-encoding"}


def edited(request: Passing, body: bytes) -> Passing:
    """The request with another body."""
    return replace(request, body=body)


def _taken_from(script: list[Fault]) -> Iterator[Fault]:
    while script:
        yield script.pop(0)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    proxy: FaultyProxy

    def handle_error(self, *_: object) -> None:
        """A client that went away is no concern of the proxy's."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer leaves in one piece
    disable_nagle_algorithm = True
    server: Any

    def log_message(self, *_: object) -> None:
        """Nobody reads along."""

    def do_GET(self) -> None:
        """Play the script."""
        self._play()

    def do_POST(self) -> None:
        """Play the script."""
        self._play()

    def do_DELETE(self) -> None:
        """Play the script."""
        self._play()

    def _play(self) -> None:
        proxy: FaultyProxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        request = Passing(self.command, self.path, body, dict(self.headers.items()))
        fault = proxy.fate_of(request)
        status, headers, answer = 502, {"Content-Type": "application/json"}, b"{}"
        if fault not in _NEVER_ARRIVES:
            for _ in range(2 if fault == Fault.TWICE else 1):
                status, headers, answer = proxy.forward(request)
        if fault in (Fault.TIME_OUT_BEFORE, Fault.TIME_OUT_AFTER):
            proxy.closing.wait(60)
        if fault in (Fault.TIME_OUT_BEFORE, Fault.TIME_OUT_AFTER, Fault.CUT_BEFORE, Fault.LOSE_ANSWER):
            self.close_connection = True
            return
        status, answer = _ANSWERS_ITSELF.get(fault, (status, answer))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if fault == Fault.HALF_ANSWER:
            self.close_connection = True
            answer = answer[: len(answer) // 2]
        self.wfile.write(answer)
