"""Two questions of whoever watches the process: does it live, and may it be sent requests?"""

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from api.running import Running


async def healthz(_request: Request) -> Response:
    """The process answers."""
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> Response:
    """The database answers, and its tables are those of this program."""
    running: Running = request.app.state.running
    try:
        reason = await to_thread.run_sync(running.not_ready)
    except Exception as fault:  # noqa: BLE001 - whatever keeps the database from answering is the answer
        reason = type(fault).__name__
    return PlainTextResponse("ready\n") if reason is None else PlainTextResponse(f"not ready: {reason}\n", 503)


routes = [Route("/healthz", healthz), Route("/readyz", readyz)]
