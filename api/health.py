"""Two questions of whoever watches the process: does it live, and may it be sent requests?

Background work that is late is told of, but keeps no process from serving: calls are decided without it, another
process may be the one that is to do it, and a mail server that is away would otherwise end every call. Whoever wants to
be woken for it asks with `?with=worker`.
"""

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from api.running import Running

_BEHIND = "background work is late: "


async def healthz(_request: Request) -> Response:
    """The process answers."""
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> Response:
    """The database answers, and its tables are those of this program."""
    running: Running = request.app.state.running
    try:
        reason = await to_thread.run_sync(running.not_ready)
        late = None if reason else await to_thread.run_sync(running.work_behind)
    except Exception as fault:  # noqa: BLE001 - whatever keeps the database from answering is the answer
        reason, late = type(fault).__name__, None
    if late is not None and request.query_params.get("with") == "worker":
        reason = _BEHIND + late
    if reason is not None:
        return PlainTextResponse(f"not ready: {reason}\n", 503)
    return PlainTextResponse("ready\n" if late is None else f"ready, but {_BEHIND}{late}\n")


routes = [Route("/healthz", healthz), Route("/readyz", readyz)]
