"""The yardstick: pgbench's TPC-B on the same server, 8 clients, in the state in which pgbench comes."""

import re
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from bench.load.processes import Meter, head_of
from tests import postgres
from tests.postgres import create_database, database_url, drop_database

CLIENTS = 8
SCALE = 10
_RATE = re.compile(r"tps = ([0-9.]+)")


class Pace(NamedTuple):
    """Transactions a second, and the microseconds of processor time that one costs pgbench and the database."""

    per_second: float
    cost_micros: float


class Pgbench:
    """pgbench on a database of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._run("--initialize", "--quiet", "--scale", str(SCALE))

    def pace(self, seconds: int) -> Pace:
        """Run it for so many seconds."""
        meter = Meter(database=[head_of(self._url)])
        began = _used_by_children()
        said = self._run("--no-vacuum", "--client", str(CLIENTS), "--time", str(seconds))
        found = _RATE.search(said)
        assert found, said
        per_second = float(found[1])
        used = _used_by_children() - began + meter.seconds()["database"]
        return Pace(per_second, used / (per_second * seconds) * 1e6)

    def _run(self, *options: str) -> str:
        program = shutil.which("pgbench") or str(postgres.find_binaries() / "pgbench")
        return subprocess.run([program, *options, self._url], check=True, capture_output=True, text=True).stdout


@contextmanager
def pgbench_on(server: str) -> Iterator[Pgbench]:
    """pgbench, ready to run on a PostgreSQL server."""
    name = create_database(server)
    yield Pgbench(database_url(server, name))
    drop_database(server, name)


def _used_by_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
