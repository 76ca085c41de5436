"""Receipts and invoices: a page that prints on one sheet, and the same as PDF."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from credits.ids import belongs
from web.documents import ask
from web.errors import NotVisible
from web.paper import Paper, paper_of
from web.pdf import pdf_of
from web.reader import language_of
from web.rendering import render


async def receipt(request: Request) -> Response:
    """The document of a recharge, to look at and to print."""
    data = await _asked(request)
    return render(request, "receipt.html", data=data, paper=_paper(request, data))


async def receipt_pdf(request: Request) -> Response:
    """The document of a recharge as PDF; the same document is the same bytes."""
    paper = _paper(request, await _asked(request))
    return Response(
        pdf_of(paper),
        media_type="application/pdf",
        headers={
            "Content-Disposition": f'attachment; filename="{paper.number}.pdf"',
            "Cache-Control": "no-store",
        },
    )


async def _asked(request: Request) -> dict[str, Any]:
    """A recharge of another account, or one that has no receipt, is not to be seen here."""
    account, recharge = request.path_params["account"], request.path_params["recharge"]
    data = await ask(request, "receipt", account=account, recharge=recharge)
    if not belongs("rchg", recharge, account) or not (data["node"] or {}).get("receipt"):
        raise NotVisible
    return data


def _paper(request: Request, data: dict[str, Any]) -> Paper:
    return paper_of(data["node"]["receipt"], language_of(request), data["account"]["region"])


ROUTES: list[BaseRoute] = [
    Route("/accounts/{account}/receipts/{recharge}.pdf", receipt_pdf, methods=["GET"]),
    Route("/accounts/{account}/receipts/{recharge}", receipt, methods=["GET"]),
]
