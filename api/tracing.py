"""Traces for OpenTelemetry: a request is a span, the operation of the API in it another, and below that is each use of
a connection to the database.

What switches say is posted together with what others say, so posting belongs to none of their requests. No span holds
a document, its variables, the query of an address, or who asks.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from sqlalchemy import Engine, event
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from api.measures import route_of
from api.requests import QUIET
from schema.measures import FAULT

_SPAN = "credits span"


class Tracing:
    """Makes the spans of a process and has its provider send them away."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("credits")
        self._headers = TraceContextTextMapPropagator()

    @contextmanager
    def operation(self, asked: str) -> Iterator[Callable[[str], None]]:
        """A span around an operation that asks for a field; what it yields takes the outcome."""
        with self._span(f"graphql {asked}", SpanKind.INTERNAL) as span:
            span.set_attribute("graphql.field", asked)

            def tell(outcome: str) -> None:
                span.set_attribute("credits.outcome", outcome)
                if outcome == FAULT:
                    span.set_status(StatusCode.ERROR)

            yield tell

    @contextmanager
    def request(self, scope: Scope) -> Iterator[Any]:
        """A span around a request; it goes on with the trace of whoever sends it."""
        caller = self._headers.extract(dict(Headers(scope=scope)))
        with self._span(scope["method"], SpanKind.SERVER, context=caller) as span:
            span.set_attributes({"http.request.method": scope["method"], "url.path": scope["path"]})
            yield span

    def watch(self, engine: Engine) -> None:
        """Make spans of the uses of an engine's connections that belong to an operation."""

        @event.listens_for(engine, "checkout")
        def taken(_connection: Any, record: Any, _proxy: Any) -> None:
            if get_current_span().is_recording():
                attributes = {"db.system.name": engine.dialect.name}
                record.info[_SPAN] = self._tracer.start_span("database", kind=SpanKind.CLIENT, attributes=attributes)

        @event.listens_for(engine, "checkin")
        def given_back(_connection: Any, record: Any) -> None:
            span = record.info.pop(_SPAN, None)
            if span is not None:
                span.end()

    @property
    def middleware(self) -> Middleware:
        """Puts requests into spans."""
        return Middleware(TracedRequests, tracing=self)

    def end(self) -> None:
        """Send away what is left."""
        self._provider.shutdown()

    def _span(self, name: str, kind: SpanKind, **options: Any) -> Any:
        # Texts of exceptions go to the log, which has its readers; not to wherever traces are kept.
        return self._tracer.start_as_current_span(
            name, kind=kind, record_exception=False, set_status_on_exception=False, **options
        )


class TracedRequests:
    """Puts each request but the machinery's own into a span, and the trace's id into what it logs."""

    def __init__(self, app: ASGIApp, *, tracing: Tracing) -> None:
        self.app = app
        self.tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"].startswith(QUIET):
            await self.app(scope, receive, send)
            return

        with self.tracing.request(scope) as span:

            async def send_noting(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        span.set_status(StatusCode.ERROR)
                await send(message)

            with bound_contextvars(trace_id=format(span.get_span_context().trace_id, "032x")):
                await self.app(scope, receive, send_noting)
            span.update_name(f"{scope['method']} {route_of(scope)}")
            span.set_attributes({"http.route": route_of(scope), "credits.request_id": scope["state"]["request_id"]})


def sending_traces() -> Tracing:
    """Traces go where the standard variables say, over OTLP by HTTP, many at a time and from a thread of their own."""
    named = {} if "OTEL_SERVICE_NAME" in os.environ else {SERVICE_NAME: "credits"}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider)
