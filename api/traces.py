"""Whether traces are wanted: the standard variables of OpenTelemetry say so. Without them, nothing of it is loaded."""

import os
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from api.tracing import Tracing

log = structlog.get_logger("credits.tracing")

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def tracing_from_environment() -> "Tracing | None":
    """What makes traces and sends them away, where the environment names a place for them."""
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    exporter = os.environ.get("OTEL_TRACES_EXPORTER", "")
    if exporter != "otlp" and (exporter or not any(os.environ.get(name) for name in _ENDPOINTS)):
        if exporter not in ("", "none"):
            log.warning("traces_not_sent", reason=f"OTEL_TRACES_EXPORTER may be otlp or none, not {exporter}")
        return None
    try:
        from api.tracing import sending_traces
    except ImportError as missing:
        log.warning("traces_not_sent", reason=f"install the extra otel: {missing}")
        return None
    return sending_traces()
