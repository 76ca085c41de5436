"""Logs go to stderr: lines for people, or one JSON object a line for machines. The libraries' own come out alike.

Each line that is written while a request is answered carries its `request_id`, on whichever thread. DEBUG is for our
own lines: what libraries write at that level is statements, frames and answers, with secrets in them.
"""

import logging
import sys
from typing import Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from api.settings import Settings

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def _is_no_handshake(record: logging.LogRecord) -> bool:
    """Handshakes are logged in api/requests.py. Uvicorn writes their queries down, too, and says of each that is
    refused with an answer that there was none."""
    return not str(record.msg).startswith(('%s - "WebSocket', "ASGI callable returned without completing handshake"))


def set_up_logs(settings: Settings) -> None:
    """Send everything that is logged through one formatter."""
    if settings.log_format == "json":
        # Without the frames' local variables: there are passwords and keys among them.
        frames = structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
        ending: list[Any] = [frames, structlog.processors.JSONRenderer()]
    else:
        plain = structlog.dev.plain_traceback
        ending = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    level = logging.getLevelNamesMapping()[settings.log_level]
    logging.basicConfig(handlers=[handler], level=max(logging.INFO, level), force=True)
    logging.captureWarnings(True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = name != "uvicorn.access"  # requests are logged in api/requests.py
    logging.getLogger("uvicorn.error").addFilter(_is_no_handshake)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # Our own lines go straight to where the libraries' arrive in the end: there is one for each request.
    structlog.configure(
        processors=[*_SHARED, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level.lower()),
        logger_factory=Lines,
    )


class Lines:
    """What a named logger's finished lines are written by."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def msg(self, line: str) -> None:
        """Write a line, at once."""
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    debug = info = warning = error = critical = exception = msg
