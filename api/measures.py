"""What the running program counts and times, for `/metrics`: requests, sign-ins, live connections, background work.

The API's own figures are in schema/measures.py. Importing this module creates the metrics.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Any

from prometheus_client import Counter, Gauge, Histogram
from sqlalchemy import Engine, event
from sqlalchemy.pool import QueuePool
from starlette.types import Scope

from api import clock
from credits.instants import SECOND
from schema.measures import MEASURES, SECONDS, pour, timing

# How long what was noted may be kept aside. Poured more seldom it would be so much that calls would notice.
POURED_EVERY_SECONDS = 0.25
_METHODS = {"GET", "HEAD", "POST", "OPTIONS"}
_OTHER = "other"

_requests = Histogram(
    "credits_http_request_seconds",
    "How long requests took, by the address as the program knows it; without those that last.",
    ["method", "route", "status"],
    buckets=SECONDS,
    registry=MEASURES,
)
_live = Gauge(
    "credits_live_connections",
    "Connections that are open for those who watch.",
    ["kind"],
    registry=MEASURES,
    multiprocess_mode="livesum",
)
_no_seats = Counter(
    "credits_live_connections_refused",
    "Connections that got no seat: there were too many in all, or of one caller.",
    ["limit"],
    registry=MEASURES,
)
_sign_ins = Counter("credits_sign_ins", "Attempts to sign in, by what came of them.", ["outcome"], registry=MEASURES)
_jobs = Counter(
    "credits_worker_jobs", "Things that the background work did or tried.", ["kind", "outcome"], registry=MEASURES
)
_rounds = Gauge(
    "credits_worker_last_round_timestamp_seconds",
    "When each loop of the background work last ended a round that did not fail.",
    ["loop"],
    registry=MEASURES,
    multiprocess_mode="livemax",
)
_mail = Counter("credits_mail", "Mails, by what became of them when they were tried.", ["outcome"], registry=MEASURES)
_connections = Gauge(
    "credits_database_connections_in_use",
    "Connections to the database on which something is being done.",
    registry=MEASURES,
    multiprocess_mode="livesum",
)
_pool = Gauge(
    "credits_database_connections_limit",
    "How many there can be.",
    registry=MEASURES,
    multiprocess_mode="livesum",
)


def measure_request(scope: Scope, status: int, seconds: float) -> None:
    """Note a request that was answered."""
    method = scope["method"]
    _request(method if method in _METHODS else _OTHER, route_of(scope), status)(seconds)


def live_connection(kind: str) -> AbstractContextManager[None]:
    """Counts a connection for as long as the block lasts."""
    return _live.labels(kind).track_inprogress()


def count_no_seat(*, is_full: bool) -> None:
    """Note that somebody got no seat."""
    _no_seats.labels("all" if is_full else "caller").inc()


def count_sign_in(outcome: str) -> None:
    """Note an attempt to sign in: done, wrong, or slowed."""
    _sign_ins.labels(outcome).inc()


def count_job(kind: str, outcome: str) -> None:
    """Note a thing that the background work was about: done, refused, or failed."""
    _jobs.labels(kind, outcome).inc()


def note_round(loop: str) -> None:
    """Note that a loop of the background work has done what there was."""
    _rounds.labels(loop).set(clock.now() / SECOND)


def count_mail(outcome: str) -> None:
    """Note a mail: sent, refused, or away where the mail server could not be talked to."""
    _mail.labels(outcome).inc()


def measure_pool(engine: Engine) -> None:
    """Count an engine's connections while they are in use."""
    assert isinstance(engine.pool, QueuePool)
    _pool.set(engine.pool.size())

    @event.listens_for(engine, "checkout")
    def taken(*_: Any) -> None:
        _connections.inc()

    @event.listens_for(engine, "checkin")
    def given_back(*_: Any) -> None:
        _connections.dec()


def route_of(scope: Scope) -> str:
    """The address as it was defined, not as it was asked for: there are few of these."""
    route = scope.get("route")
    return getattr(route, "path", _OTHER)


@contextmanager
def poured() -> Iterator[None]:
    """Keep the metrics up to date while the block lasts, on a thread: it may be another process that is asked."""
    ended = threading.Event()

    def again_and_again() -> None:
        while not ended.wait(POURED_EVERY_SECONDS):
            pour()
        pour()

    thread = threading.Thread(target=again_and_again, name="measures", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@cache
def _request(method: str, route: str, status: int) -> Callable[[float], None]:
    return timing(_requests.labels(method, route, str(status)))
