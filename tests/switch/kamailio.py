"""Kamailio with the configuration that docs/switches ships, as a process of its own, heard on this machine alone."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg

from tests.postgres import create_database, database_url, drop_database, end_with_parent
from tests.serving import free_port, soon
from tests.switch import installed

SHIPPED = Path(__file__).resolve().parents[2] / "docs" / "switches"
_FEW = {"SIP_WORKERS": "2", "ASKING_WORKERS": "2"}


@dataclass
class Kamailio:
    """A switch that can be started, killed, and started again, and that remembers in its database."""

    folder: Path
    database: str
    settings: Mapping[str, str]
    defines: Mapping[str, str]
    port: int = field(default_factory=lambda: free_port(socket.SOCK_DGRAM))
    _process: "subprocess.Popen[bytes] | None" = None

    def start(self, **other_settings: str) -> None:
        """Start it and wait until it answers."""
        defines = {"LISTEN": f"udp:127.0.0.1:{self.port}", **_FEW, **self.defines}
        words = [str(installed.kamailio()), "-DD", "-E", "-f", str(SHIPPED / "kamailio.cfg"), "-Y", str(self.folder)]
        words += [word for name, value in defines.items() for word in ("-A", f"{name}={value}")]
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(
                words, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                env={**os.environ, **_reaching(self.database), **self.settings, **other_settings},
                start_new_session=True, preexec_fn=end_with_parent,
            )  # fmt: skip
        assert soon(self._answers), self.log()

    def kill(self) -> None:
        """End all its processes at once, so that nothing more is written down."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def log(self) -> str:
        """What it has said."""
        return self._log.read_text(errors="replace")

    def is_talking(self) -> bool:
        """Whether it has written down a call that is answered."""
        return self._remembers("SELECT 1 FROM dialog WHERE state IN (3, 4)")

    def has_reports(self) -> bool:
        """Whether there are reports that the API has not taken."""
        return self._remembers("SELECT 1 FROM credits_report")

    def _remembers(self, query: str) -> bool:
        with psycopg.connect(self.database) as connection:
            return connection.execute(query.encode()).fetchone() is not None

    @property
    def _log(self) -> Path:
        return self.folder / "kamailio.log"

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        with socket.socket(type=socket.SOCK_DGRAM) as asking:
            asking.settimeout(0.05)
            asking.connect(("127.0.0.1", self.port))
            try:
                asking.send(_are_you_there(asking.getsockname()[1]))
                return b" 200 " in asking.recv(4096)
            except (TimeoutError, ConnectionRefusedError):
                return False


@contextmanager
def memory(server: str) -> Iterator[str]:
    """A database for a switch, made as docs/switches.md says; gives its URL."""
    name = create_database(server)
    url = database_url(server, name)
    with psycopg.connect(url, autocommit=True) as connection:
        for script in (*installed.tables(), SHIPPED / "kamailio.sql"):
            connection.execute(script.read_bytes())
    yield url
    drop_database(server, name)


def _reaching(url: str) -> dict[str, str]:
    """How Kamailio is told of a database. A folder of sockets has no place in its URLs, but in a variable of libpq."""
    parts = urlsplit(url)
    folder = parse_qs(parts.query).get("host")
    reached = {"SWITCH_DATABASE": f"postgres://{parts.netloc}{parts.path}"}
    return {**reached, "PGHOST": folder[0]} if folder else reached


def _are_you_there(port: int) -> bytes:
    lines = (
        "OPTIONS sip:127.0.0.1 SIP/2.0", f"Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK-{port}",
        "From: <sip:127.0.0.1>;tag=1", "To: <sip:127.0.0.1>", f"Call-ID: {port}", "CSeq: 1 OPTIONS",
        "Max-Forwards: 5", "Content-Length: 0", "", "",
    )  # fmt: skip
    return "\r\n".join(lines).encode()
