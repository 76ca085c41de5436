"""A private PostgreSQL server for a run of the tests or benchmarks: own data, own socket, gone afterwards.

The server listens on no port, only on a socket in its own folder, so any number of them run side by
side. It refuses to run as root; started by root it runs as the user `postgres` (or `nobody`).
"""

import ctypes
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

SERVER_URL_VARIABLE = "CREDITS_TEST_POSTGRESQL_URL"
_START_SECONDS = 60
_PR_SET_PDEATHSIG = 1
_numbers = itertools.count(1)


class NoServer(Exception):
    """PostgreSQL is not installed, or does not start."""


@contextmanager
def server(*, durable: bool = False) -> Iterator[str]:
    """Run a server for the length of the block and yield the URL of its maintenance database.

    The server that CREDITS_TEST_POSTGRESQL_URL names is used instead, when it is set. A test's server forgets
    all in a power cut; a benchmark asks for a `durable` one.
    """
    named = os.environ.get(SERVER_URL_VARIABLE)
    if named:
        yield named
        return
    binaries = find_binaries()
    user = _unprivileged_user()
    folder = Path(tempfile.mkdtemp(prefix="credits-pg-", dir=_open_temporary_folder()))
    try:
        if user:
            shutil.chown(folder, user)
        with _running(binaries, folder, user, durable):
            yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def create_database(server: str, template: str = "template1") -> str:
    """Create a database on a PostgreSQL server and return its name."""
    name = f"credits_test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            # Copying files is twice as quick as logging them, on a server that does not wait for its disk.
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
    return name


def drop_database(server: str, name: str) -> None:
    """Drop a database, and whatever connections a test left in it."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def database_url(server: str, name: str) -> str:
    """The URL of another database on the same server."""
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


def find_binaries() -> Path:
    """The folder that holds `initdb` and `postgres`."""
    for folder in _candidates():
        if all((folder / program).exists() for program in ("initdb", "postgres")):
            return folder
    raise NoServer(
        "No PostgreSQL server was found. Install one (Debian, Ubuntu: apt-get install postgresql; macOS: brew install"
        f" postgresql), or set {SERVER_URL_VARIABLE} to the URL of a server on which databases may be created."
    )


def _candidates() -> Iterator[Path]:
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent
    yield from sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name.zfill(3), reverse=True
    )
    asked = shutil.which("pg_config")
    if asked:
        said = subprocess.run([asked, "--bindir"], capture_output=True, text=True, check=False)
        yield Path(said.stdout.strip())


def _unprivileged_user() -> str | None:
    """Whom to run as: None, ourselves, unless we are root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise NoServer("PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody to run it.")


def _open_temporary_folder() -> str:
    """A temporary folder that other users may enter, short enough for the path of a socket."""
    usual = Path(tempfile.gettempdir())
    open_to_all = all(folder.stat().st_mode & 0o001 for folder in (usual, *usual.parents))
    return str(usual) if open_to_all and len(str(usual)) < 60 else "/tmp"


@contextmanager
def _running(binaries: Path, folder: Path, user: str | None, durable: bool) -> Iterator[None]:
    data = folder / "data"
    log = folder / "log"
    with log.open("wb") as out:
        made = _start(
            [binaries / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "-N"],
            user, out,
        )  # fmt: skip
        if made.wait() != 0:
            raise NoServer(f"initdb failed:\n{log.read_text(errors='replace')}")
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": folder,
            "unix_socket_permissions": "0777",
            "fsync": "on" if durable else "off",
            "synchronous_commit": "on" if durable else "off",
            "full_page_writes": "on" if durable else "off",
            "autovacuum": "on" if durable else "off",  # it would visit a database between tests, and change plans
            "max_connections": "200",
            "timezone": "UTC",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        process = _start([binaries / "postgres", "-D", data, *options], user, out)
        try:
            _await_answer(process, folder, log)
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


def _start(words: list[Path | str], user: str | None, out: BinaryIO) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [str(word) for word in words],
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.STDOUT,
        cwd="/",
        preexec_fn=end_with_parent,
        user=user,
        group=pwd.getpwnam(user).pw_gid if user else None,
        extra_groups=[] if user else None,
    )


def end_with_parent() -> None:
    """Ask Linux to stop this process when the one that started it is gone, however that ended."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def _await_answer(process: "subprocess.Popen[bytes]", folder: Path, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            psycopg.connect(f"postgresql://postgres@/postgres?host={folder}").close()
        except psycopg.OperationalError as trouble:
            if process.poll() is not None or time.monotonic() > deadline:
                raise NoServer(f"PostgreSQL did not start: {trouble}\n{log.read_text(errors='replace')}") from None
            time.sleep(0.02)
        else:
            return
