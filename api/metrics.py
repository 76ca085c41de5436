"""`/metrics` for Prometheus: what was counted and timed here, and what the database tells of work that is due.

Where several processes share a port, any of them may be asked. Then each keeps its counts in a folder that they share,
and whoever is asked adds up those of all. What is read from the database is the same everywhere.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog
from anyio import to_thread
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api import clock
from api.lag import work_due
from api.measures import measure_pool
from api.running import Running
from db.session import Database
from schema.measures import MEASURES, pour

log = structlog.get_logger("credits.metrics")

# Where the library that counts looks for the folder, when it is imported.
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
COUNTS = {
    "credits_notices_queued": (
        "Notices whose mail has not left: those that are due, and those that wait for another try.",
        "SELECT count(*) FROM notice WHERE due_at IS NOT NULL",
    ),
    "credits_notices_failed": (
        "Notices that were given up, and can be sent again.",
        "SELECT count(*) FROM notice WHERE status = 'FAILED'",
    ),
    "credits_provider_events_unknown": (
        "Messages of the payment provider about payments that nobody here began.",
        "SELECT count(*) FROM provider_event WHERE status = 'UNKNOWN'",
    ),
    "credits_auto_recharges_paused": (
        "Accounts whose automatic recharge stands still.",
        "SELECT count(*) FROM auto_recharge WHERE enabled AND paused_at IS NOT NULL",
    ),
}


class Behind(Collector):
    """Reads the figures from a database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def collect(self) -> Iterator[Metric]:
        """The figures at this moment, or that the database cannot be reached."""
        try:
            found = list(self._read())
        except Exception:  # what was counted in memory is told all the same
            log.exception("metrics_failed")
            found = []
        yield GaugeMetricFamily("credits_database_up", "Whether the database answers.", value=bool(found))
        yield from found

    def _read(self) -> Iterator[Metric]:
        due = GaugeMetricFamily("credits_worker_due", "Things that are due and not done.", labels=["kind"])
        lag = GaugeMetricFamily(
            "credits_worker_lag_seconds", "For how long the oldest of them has been due.", labels=["kind"]
        )
        with self.database.reading() as session:
            for kind, (things, seconds) in work_due(session, clock.now()).items():
                due.add_metric([kind], things)
                lag.add_metric([kind], seconds)
            counts = {name: session.rows(query)[0][0] for name, (_, query) in COUNTS.items()}
        yield from (due, lag)
        for name, (meaning, _) in COUNTS.items():
            yield GaugeMetricFamily(name, meaning, value=counts[name])


class Processes(Collector):
    """What each of the processes that count in a folder uses, by its number."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def collect(self) -> Iterator[Metric]:
        """The figures of those that live; of those that do not, what is still open is forgotten."""
        found: dict[str, Metric] = {}
        for pid in sorted({path.stem.rpartition("_")[2] for path in self.folder.glob("*.db")}):
            used = list(ProcessCollector(pid=lambda pid=pid: pid, registry=None).collect())  # type: ignore[misc] # a lambda's default has no type
            if not used:
                with suppress(FileNotFoundError):  # another process was quicker
                    mark_process_dead(pid, str(self.folder))  # type: ignore[no-untyped-call] # it tells no types
            for metric in used:
                whole = found.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
                for sample in metric.samples:
                    whole.add_sample(sample.name, {**sample.labels, "pid": pid}, sample.value)
        yield from found.values()


@contextmanager
def shared_counts(processes: int) -> Iterator[None]:
    """Have the processes that are started within add up what they count, if there are several."""
    if processes == 1 or _FOLDER in os.environ:
        yield
        return
    os.environ[_FOLDER] = folder = tempfile.mkdtemp(prefix="credits-metrics-")
    try:
        yield
    finally:
        del os.environ[_FOLDER]
        shutil.rmtree(folder, ignore_errors=True)


def registry_of(database: Database) -> CollectorRegistry:
    """All that there is to tell, to be read once or again and again."""
    registry = CollectorRegistry(auto_describe=False)
    folder = os.environ.get(_FOLDER)
    if folder is None:
        registry.register(MEASURES)
        registry.register(ProcessCollector(registry=None))
    else:
        pour()
        registry.register(Processes(Path(folder)))  # first: it forgets those that have ended
        registry.register(MultiProcessCollector(None, folder))  # type: ignore[no-untyped-call] # it tells no types
    registry.register(PlatformCollector(registry=None))
    registry.register(Behind(database))
    return registry


@contextmanager
def told_on(host: str, port: int, database: Database) -> Iterator[None]:
    """Tell them on a port of their own, for a process that serves nothing else."""
    measure_pool(database.engine)
    server, thread = start_http_server(port, host, registry_of(database))
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def metrics(request: Request) -> Response:
    """All figures, as Prometheus reads them."""
    running: Running = request.app.state.running
    text = await to_thread.run_sync(generate_latest, registry_of(running.database))
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})


routes = [Route("/metrics", metrics)]
