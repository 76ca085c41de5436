"""The ASGI application: pages, `/graphql`, sign-in and health, behind what every request passes through.

Outermost first: security headers, then the log and the answer to faults, then who asks, how much, and from
which site. All of it is plain ASGI, so that a request body is streamed and read once.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

from anyio import to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware

from api import doors, graphiql, health, interpreter, metrics, sign_in, webhooks
from api.authentication import Authentication
from api.csrf import CrossSiteProtection
from api.ending import told_to_end
from api.headers import SecurityHeaders
from api.limits import BodyLimit
from api.logs import set_up_logs
from api.measures import poured
from api.programs import Programs
from api.requests import Requests
from api.running import Running
from api.settings import MIB, Settings
from api.traces import tracing_from_environment
from web import pages

if TYPE_CHECKING:
    from api.tracing import Tracing


def app_from_environment() -> Starlette:
    """What uvicorn calls in each process: an app made from the environment's settings."""
    settings = Settings()
    set_up_logs(settings)
    app = build_app(settings, tracing_from_environment())
    interpreter.settle()
    return app


def build_app(settings: Settings, tracing: "Tracing | None" = None) -> Starlette:
    """The application; its database is opened here and closed when it shuts down."""
    running = Running(settings, tracing)
    app = Starlette(
        routes=[
            *graphiql.routes,
            *health.routes,
            *metrics.routes,
            *sign_in.routes,
            *doors.routes,
            *webhooks.routes,
            *pages.routes(),
        ],
        middleware=[
            Middleware(SecurityHeaders, is_https=settings.is_https),
            *([] if tracing is None else [tracing.middleware]),
            Middleware(Requests),
            Middleware(Programs, running=running, usual_bytes=settings.request_limit_mib * MIB),
            Middleware(Authentication, running=running),
            Middleware(
                BodyLimit,
                usual_bytes=settings.request_limit_mib * MIB,
                upload_bytes=settings.upload_limit_mib * MIB,
            ),
            Middleware(CrossSiteProtection),
        ],
        exception_handlers=pages.exception_handlers(),
        lifespan=_lifespan(running),
    )
    app.state.running = running
    return app


def _lifespan(running: Running) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """The background work runs while the app does."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        running.gatherer.live_on(asyncio.get_running_loop())
        uses = running.start()
        try:
            with told_to_end(running.seats.end), poured():
                yield
        finally:
            running.seats.end()
            await running.identities.settled()
            await to_thread.run_sync(running.stop, uses)
            if running.tracing is not None:
                await to_thread.run_sync(running.tracing.end)

    return lifespan
