"""`credits serve` and `credits worker`: the running program."""

import os
import signal
import socket
from contextlib import ExitStack
from typing import Annotated, Any

import typer
import uvicorn
from starlette.applications import Starlette

from api.commands.terminal import opened, read_settings, say
from api.logs import set_up_logs
from api.metrics import shared_counts, told_on
from api.settings import Settings
from api.working import worker_of
from credits.people import any_operator

# How the app is served, wherever it is. A message over WebSocket asks or says something small: large ones are not read
# into memory, and none is compressed. Whoever answers no ping has gone.
SERVED: dict[str, Any] = {
    "loop": "uvloop",
    "http": "httptools",
    "ws": "websockets-sansio",
    "ws_max_size": 64 * 1024,
    "ws_per_message_deflate": False,
    "ws_ping_interval": 20.0,
    "ws_ping_timeout": 20.0,
    "log_config": None,
    "access_log": False,
    "server_header": False,
}


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535)] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="How many processes share the port.")] = 1,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Leave the background work to `credits worker`.")
    ] = False,
) -> None:
    """Serve the pages and the API, with the background work inside."""
    if no_worker:
        os.environ["CREDITS_WORKER"] = "false"
    settings = read_settings()
    if "base_url" not in settings.model_fields_set and port:  # links lead to where this is served
        os.environ["CREDITS_BASE_URL"] = _address(host, port)
        settings = read_settings()
    with opened(settings) as database:
        settings.signing_key  # noqa: B018 - made here, once, before several processes look for it
        with database.reading() as session:
            if not any_operator(session):
                say("Nobody can sign in yet. Make the first operator: credits admin create EMAIL --operator")
    run_server(settings, host=host, port=port, workers=workers)


def _address(host: str, port: int) -> str:
    """Where a browser on this machine finds what listens there."""
    name = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def run_server(settings: Settings, *, host: str, port: int, workers: int = 1) -> None:
    """Serve until told to stop. Each process makes its own app, from the environment."""
    set_up_logs(settings)
    with shared_counts(workers):
        uvicorn.run(
            "api.app:app_from_environment",
            **SERVED,
            factory=True,
            host=host,
            port=port,
            workers=workers,
            forwarded_allow_ips=settings.trusted_proxies,
            timeout_graceful_shutdown=20,
            timeout_worker_healthcheck=60,  # a process that is still starting on a busy machine is not dead
        )


def serve_on(listening: socket.socket, app: Starlette) -> None:
    """Serve one app in this process, on a socket that listens already."""
    config = uvicorn.Config(app, **SERVED, timeout_graceful_shutdown=3)
    uvicorn.Server(config).run(sockets=[listening])


def worker(
    metrics_port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Tell Prometheus on this port what is done; 0: on none.")
    ] = 0,
    metrics_host: Annotated[str, typer.Option(help="The address to listen on for that.")] = "127.0.0.1",
) -> None:
    """Do the background work alone, until told to stop: what falls due, recharges, mail."""
    settings = read_settings()
    set_up_logs(settings)
    with opened(settings) as database, ExitStack() as held:
        if metrics_port:
            held.enter_context(told_on(metrics_host, metrics_port, database))
        background = worker_of(settings, database)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: background.ask_to_stop())
        background.start()
        say("Working. Stop with Ctrl-C.")
        background.wait()
