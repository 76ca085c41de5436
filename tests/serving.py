"""`credits` as a process of its own, for tests that need the program itself: started, waited for, told to end."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from db.session import Database

PATIENCE_SECONDS = 90
LOG = "log"


@contextmanager
def program(
    data: Path,
    database: Database,
    *words: str,
    log_level: str = "INFO",
    set_to: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `credits` with these words on a database for the length of the block; then tell it to end, and wait. What it
    logs is in the file `LOG` among its data. `set_to` has more of its variables, and wins."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CREDITS_")}
    settings = {"CREDITS_DATA": str(data), "CREDITS_DATABASE_URL": database.url, "CREDITS_LOG_FORMAT": "json"}
    with (data / LOG).open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", "from api.cli import main; main()", *words],
            stderr=log, env={**clean, **settings, "CREDITS_LOG_LEVEL": log_level, **(set_to or {})},
        )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=PATIENCE_SECONDS)


def soon(happens: Callable[[], bool], *, patience_seconds: float = PATIENCE_SECONDS) -> bool:
    """Whether something happens before patience ends."""
    until = time.monotonic() + patience_seconds
    while time.monotonic() < until:
        if happens():
            return True
        time.sleep(0.05)
    return False


def answers(address: str) -> bool:
    """Whether the program is ready at an address. Asked many times while it starts, so as cheaply as can be."""
    connection = HTTPConnection(urlsplit(address).netloc, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of this machine that nobody uses at the moment."""
    with socket.socket(type=kind) as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port
