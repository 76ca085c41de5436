"""What payment providers send: verified, kept, answered, and only then acted on.

A message that is kept is not lost: when acting on it fails, or the process ends before, the worker comes back to it.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial

import structlog
from anyio import to_thread
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from api import clock
from api.acting import act_on_kept_event
from api.running import Running
from api.stripe_events import NotFromStripe, verified_event
from credits.events import ProviderEvent, keep_event

STRIPE = "/webhooks/stripe"

log = structlog.get_logger("credits.webhooks")

# Acting waits for Stripe: few at a time, on threads that nobody else needs.
_acting = ThreadPoolExecutor(2, thread_name_prefix="webhook")


async def stripe_event(request: Request) -> Response:
    """Keep a message from Stripe and answer; 400 when it is not Stripe's, 404 when none are expected."""
    running: Running = request.app.state.running
    secret = running.settings.stripe_webhook_secret
    if secret is None:
        return PlainTextResponse("no messages from Stripe are expected here\n", 404)
    signature = request.headers.get("stripe-signature", "")
    try:
        event = verified_event(await request.body(), signature, secret.get_secret_value())
    except NotFromStripe as refusal:
        log.warning("webhook_refused", reason=str(refusal))
        return PlainTextResponse("this is not a message from Stripe\n", 400)
    is_due = await to_thread.run_sync(_keep, running, event)
    log.info("webhook", event_id=event.event_id, kind=event.kind, about=event.object_id, is_due=is_due)
    return Response(background=BackgroundTask(_act, running, event.event_id) if is_due else None)


def _keep(running: Running, event: ProviderEvent) -> bool:
    with running.database.transaction() as session:
        return keep_event(session, event, now=clock.now())


async def _act(running: Running, event_id: str) -> None:
    acting = partial(
        act_on_kept_event, running.database, running.worker.providers, running.terms, event_id, clock.now()
    )
    await asyncio.get_running_loop().run_in_executor(_acting, copy_context().run, acting)
    running.worker.nudge()  # there may be mail


routes = [Route(STRIPE, stripe_event, methods=["POST"])]
