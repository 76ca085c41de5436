"""Traces tell how a request went, what in it took how long, and no secret; without the variables there are none."""

import sys
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from starlette.testclient import TestClient
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from api.app import build_app
from api.settings import Settings
from api.traces import tracing_from_environment
from api.tracing import Tracing
from credits.ids import public_id
from db.kinds import Scope
from db.session import Database
from schema import context as contexts
from tests.api.conftest import House, ask, open_house

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def exported() -> InMemorySpanExporter:
    """Where the spans end up."""
    return InMemorySpanExporter()


@pytest.fixture
def traced(database: Database, tmp_path: Path, exported: InMemorySpanExporter) -> Iterator[House]:
    """A house whose requests are traced."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exported))
    with open_house(database, tmp_path) as house:
        settings = Settings(data=tmp_path, database_url=database.url, worker=False)
        app = build_app(settings, Tracing(provider))
        with TestClient(app):
            yield House(app, database, house.account_id, house.other_id, tmp_path)


def told(span: ReadableSpan) -> Mapping[str, Any]:
    """What a span says."""
    return dict(span.attributes or {})


def test_a_request_its_operation_and_its_use_of_the_database_are_one_trace_that_goes_on_from_the_callers(
    traced: House, exported: InMemorySpanExporter
) -> None:
    headers = {"Authorization": f"Bearer {traced.token(Scope.READ)}", "traceparent": f"00-{TRACE}-{CALLER}-01"}
    document = f'{{ account(id: "{traced.account}") {{ name }} }}'
    ask(traced.client(), **headers)
    exported.clear()

    with capture_logs(processors=[merge_contextvars]) as logged:
        answer = ask(traced.client(), document, **headers)

    database, operation, request = exported.get_finished_spans()
    assert [span.name for span in (database, operation, request)] == ["database", "graphql account", "POST /graphql"]
    assert {format(span.context.trace_id, "032x") for span in (database, operation, request)} == {TRACE}
    parents = [span.parent.span_id for span in (database, operation, request) if span.parent is not None]
    assert parents == [operation.context.span_id, request.context.span_id, int(CALLER, 16)]
    assert told(request) == {
        "http.request.method": "POST", "url.path": "/graphql", "http.route": "/graphql",
        "http.response.status_code": 200, "credits.request_id": answer.headers["x-request-id"],
    }  # fmt: skip
    assert told(operation) == {"graphql.field": "account", "credits.outcome": "ok"}
    assert told(database) == {"db.system.name": "postgresql" if traced.database.is_postgresql else "sqlite"}
    assert [line["trace_id"] for line in logged] == [TRACE]


def test_a_fault_marks_its_spans_and_its_text_stays_in_the_log(
    traced: House, exported: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("the secret is 4711")

    client = traced.signed_in()
    exported.clear()
    with monkeypatch.context() as patch:
        patch.setattr(contexts, "_on_one_snapshot", fails)
        client.get(f"/accounts/{traced.account}?search=private", headers={"Accept": "text/html"})

    spans = {span.name: span for span in exported.get_finished_spans()}
    request = spans["GET /accounts/{account}"]
    operations = [span for name, span in spans.items() if name.startswith("graphql ")]
    assert request.status.status_code == StatusCode.ERROR
    assert operations
    assert all(span.status.status_code == StatusCode.ERROR for span in operations)
    written = "".join(span.to_json() for span in spans.values())
    assert [secret for secret in ("4711", "private", "alice@example.com") if secret in written] == []


def test_health_metrics_and_static_files_are_not_traced(traced: House, exported: InMemorySpanExporter) -> None:
    exported.clear()

    for path in ("/healthz", "/readyz", "/metrics", "/static/style.css"):
        traced.client().get(path)

    assert exported.get_finished_spans() == ()


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_SERVICE_NAME": "credits"},
    ],
)
def test_nothing_is_traced_unless_the_standard_variables_say_where_to(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    with capture_logs() as logged:
        assert tracing_from_environment() is None

    assert logged == []


def test_what_cannot_be_traced_is_said_and_the_program_runs_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")

    with capture_logs() as logged, monkeypatch.context() as patch:
        patch.setitem(sys.modules, "api.tracing", None)
        assert tracing_from_environment() is None
        patch.setenv("OTEL_TRACES_EXPORTER", "zipkin")
        assert tracing_from_environment() is None

    assert [(line["event"], line["log_level"]) for line in logged] == [("traces_not_sent", "warning")] * 2
    assert "extra otel" in logged[0]["reason"]
    assert "zipkin" in logged[1]["reason"]


class _Collector(BaseHTTPRequestHandler):
    received: ClassVar[list[tuple[str, bytes]]] = []

    def do_POST(self) -> None:
        """Take in spans."""
        self.received.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nobody reads along."""


def test_traces_go_to_the_collector_that_the_variables_name_before_the_program_ends(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HTTPServer(("127.0.0.1", 0), _Collector) as collector:
        Thread(target=collector.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
        settings = Settings(data=tmp_path, database_url=sqlite_database.url, worker=False)
        with TestClient(build_app(settings, tracing_from_environment()), follow_redirects=False) as client:
            client.get(f"/accounts/{public_id('acct', 1)}", headers={"Accept": "text/html"})
        collector.shutdown()

    ((path, body),) = _Collector.received
    assert path == "/v1/traces"
    assert b"credits.request_id" in body
    assert b"service.name" in body
