"""`/metrics` for Prometheus: how far the background work is behind, what was given up, what nobody knows of.

The figures are read from the database when they are asked for, so that every process tells the same; they are counts
and ages, and name no account.
"""

from collections.abc import Iterator

from anyio import to_thread
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api import clock
from api.running import Running
from credits.instants import SECOND
from db.session import Database

# What is due, and since when, for each kind of background work. Work of TEST accounts follows their own clocks.
# What is to be done at once, whenever that is, is due at 0 and has no age.
DUE = {
    "account": """
        SELECT count(*), min(CASE WHEN due_at > 0 THEN due_at END) FROM account
        WHERE due_at <= ? AND mode = 'LIVE'""",
    "recharge": """
        SELECT count(*), min(recharge.due_at) FROM recharge JOIN account ON account.account_id = recharge.account_id
        WHERE recharge.due_at <= ? AND account.mode = 'LIVE'""",
    "refund": """
        SELECT count(*), min(refund.due_at) FROM refund JOIN account ON account.account_id = refund.account_id
        WHERE refund.due_at <= ? AND account.mode = 'LIVE'""",
    "card_setup": "SELECT count(*), min(due_at) FROM card_setup WHERE due_at <= ?",
    "event": "SELECT count(*), min(due_at) FROM provider_event WHERE due_at <= ?",
    "notice": "SELECT count(*), min(CASE WHEN due_at > 0 THEN due_at END) FROM notice WHERE due_at <= ?",
}
COUNTS = {
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
        """The figures at this moment."""
        now = clock.now()
        due = GaugeMetricFamily("credits_worker_due", "Things that are due and not done.", labels=["kind"])
        lag = GaugeMetricFamily(
            "credits_worker_lag_seconds", "For how long the oldest of them has been due.", labels=["kind"]
        )
        with self.database.reading() as session:
            for kind, query in DUE.items():
                ((count, since),) = session.rows(query, now)
                due.add_metric([kind], count)
                lag.add_metric([kind], max(0, now - since) / SECOND if since is not None else 0)
            counts = {name: session.rows(query)[0][0] for name, (_, query) in COUNTS.items()}
        yield from (due, lag)
        for name, (meaning, _) in COUNTS.items():
            yield GaugeMetricFamily(name, meaning, value=counts[name])


async def metrics(request: Request) -> Response:
    """All figures, as Prometheus reads them."""
    running: Running = request.app.state.running
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ProcessCollector(registry=None))
    registry.register(PlatformCollector(registry=None))
    registry.register(Behind(running.database))
    text = await to_thread.run_sync(generate_latest, registry)
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})


routes = [Route("/metrics", metrics)]
