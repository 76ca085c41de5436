"""The usage report as a download: for people, and for programs with a token. It is the API's own, part after part."""

from collections.abc import AsyncIterator
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from credits.usage_report import Packing
from web.documents import ask
from web.listing import end_of, filters_of, given, start_of

_CSV = "text/csv; charset=utf-8"


async def report_csv(request: Request) -> Response:
    """The calls of a time as CSV; the first part is asked for before the answer begins, so that a report that may not
    be seen is refused as a page would be."""
    asked = await _asked(request)
    first = await _part(request, asked)
    return _download(_lines(request, asked, first), first["fileName"], _CSV)


async def report_zip(request: Request) -> Response:
    """The same in a zip archive."""
    asked = await _asked(request)
    first = await _part(request, asked)
    name = first["fileName"]
    content = _packed(_lines(request, asked, first), Packing(name))
    return _download(content, name.removesuffix("csv") + "zip", "application/zip")


async def _asked(request: Request) -> dict[str, Any]:
    """The variables of the document: `from` and `to` are instants, or days of the account's zone, both taken whole."""
    account = request.path_params["account"]
    edges = given(filters_of(request, "from", "to"))
    if any("T" not in text for text in edges.values()):
        zone = (await ask(request, "zone", account=account))["account"]["timeZone"]
        edge_of = {"from": start_of, "to": end_of}
        edges = {name: text if "T" in text else edge_of[name](text, zone) or text for name, text in edges.items()}
    return {"account": account, **edges}


async def _part(request: Request, asked: dict[str, Any], after: str | None = None) -> dict[str, Any]:
    data = await ask(request, "usage_report", **asked, after=after)
    report: dict[str, Any] = data["account"]["usageReport"]
    return report


async def _lines(request: Request, asked: dict[str, Any], report: dict[str, Any]) -> AsyncIterator[str]:
    while True:
        yield report["part"]["csv"]
        after = report["part"]["endCursor"]
        if after is None:
            return
        report = await _part(request, asked, after)


async def _packed(lines: AsyncIterator[str], packing: Packing) -> AsyncIterator[bytes]:
    async for text in lines:
        yield await run_in_threadpool(packing.put, text)
    yield await run_in_threadpool(packing.end)


def _download(content: AsyncIterator[str] | AsyncIterator[bytes], name: str, media_type: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(content, media_type=media_type, headers=headers)


ROUTES: list[BaseRoute] = [
    Route("/accounts/{account}/calls/report.csv", report_csv, methods=["GET"]),
    Route("/accounts/{account}/calls/report.zip", report_zip, methods=["GET"]),
]
