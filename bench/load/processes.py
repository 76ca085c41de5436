"""What runs beside the clients: the server as its users start it; and how much processor time each part uses."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg

from db.session import Database

HOST = "127.0.0.1"
PATIENCE_SECONDS = 90.0
_STARTED = "Application startup complete"
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


class NotServing(Exception):
    """The server did not start."""


class Server(NamedTuple):
    """A server that answers: its port, and the process that was started."""

    port: int
    pid: int

    @property
    def serving_pids(self) -> list[int]:
        """The processes that answer: those that share the port, or the one that was started."""
        return [pid for pid in _children_of(self.pid) if "spawn_main" in _command_of(pid)] or [self.pid]


@contextmanager
def serving(database: Database, *, workers: int) -> Iterator[Server]:
    """`credits serve` with so many processes, on a port of its own, with its usual settings."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="credits-bench-") as folder:
        words = ["serve", "--host", HOST, "--port", str(port), "--workers", str(workers)]
        settings = {"CREDITS_DATA": folder, "CREDITS_DATABASE_URL": database.url}
        program = [sys.executable, "-c", "from api.cli import main; main()", *words]
        with started(program, Path(folder), processes=workers, settings=settings) as pid:
            yield Server(port, pid)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        port: int = listening.getsockname()[1]
    return port


@contextmanager
def started(
    words: Sequence[str], folder: Path, *, processes: int = 1, settings: Mapping[str, str] | None = None
) -> Iterator[int]:
    """A program that serves with uvicorn, from when all its processes do; what it says goes to a log in a folder."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CREDITS_")}
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(words, stdout=out, stderr=out, env={**clean, **(settings or {})})
    try:
        _await_start(process, log, processes)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=PATIENCE_SECONDS)


def _await_start(process: "subprocess.Popen[bytes]", log: Path, workers: int) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while (said := log.read_text(errors="replace")).count(_STARTED) < workers:
        if process.poll() is not None or time.monotonic() > until:
            raise NotServing(said)
        time.sleep(0.02)


def head_of(url: str) -> int:
    """The process below which a PostgreSQL server does all of its work."""
    with psycopg.connect(url) as connection:
        return int(_stat(connection.info.backend_pid)[1])


class Meter:
    """Processor time by part. A part is some processes, with all that they have started."""

    def __init__(self, **parts: list[int]) -> None:
        self._parts = parts
        self._began = self._read()

    def seconds(self) -> dict[str, float]:
        """Seconds of processor time that each part has used since the meter was made."""
        return {part: used - self._began[part] for part, used in self._read().items()}

    def _read(self) -> dict[str, float]:
        return {part: sum(map(_used_by, pids)) for part, pids in self._parts.items()}


def _used_by(pid: int) -> float:
    """What a process has used, those that it has started, and those of them that have ended."""
    try:
        used = sum(int(ticks) for ticks in _stat(pid)[11:15])
        return used / _TICKS_A_SECOND + sum(map(_used_by, _children_of(pid)))
    except (FileNotFoundError, ProcessLookupError):  # it has just ended, and counts with the one that started it
        return 0.0


def _children_of(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat that follow the name, which may hold spaces: state, parent and so on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
