"""The operator's open invoices: what is due soonest first, and the mark that one was paid."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from web.documents import ask, tell
from web.forms import Problem, of_fields, problems_of, read_form
from web.listing import csv_response, listing, paging
from web.reader import language_of
from web.rendering import render
from web.words import word


async def invoices(request: Request) -> Response:
    """One page of the invoices that wait for their money."""
    return await _page(request, {}, [])


async def mark_paid(request: Request) -> Response:
    """Close one with the payment's reference; the same one twice changes nothing."""
    typed = await read_form(request)
    payload = await tell(
        request,
        "mark_invoice_paid",
        accountId=typed.get("account", ""),
        rechargeId=typed.get("recharge", ""),
        reference=typed.get("reference", ""),
    )
    if payload["errors"]:
        return await _page(request, typed, problems_of(payload["errors"], of_fields("reference")))
    return RedirectResponse(f"/invoices?{'paid=' + typed['number'] if typed.get('number') else ''}", 303)


async def invoices_csv(request: Request) -> Response:
    """The open invoices as CSV."""
    language = language_of(request)
    say = language.say
    columns = [
        (say("Number"), lambda row: row["number"]),
        (say("Account"), lambda row: row["account"]["name"]),
        (say("Issued on"), lambda row: row["issuedOn"]),
        (say("To be paid by"), lambda row: row["dueOn"]),
        (say("State"), lambda row: word(language, "receipt", row["status"])),
        (say("Left to pay"), lambda row: row["remaining"]["amount"]),
        (say("Currency"), lambda row: row["remaining"]["currency"]),
        (say("Purchase order number"), lambda row: row["purchaseOrder"]),
        (say("Agreement number"), lambda row: row["agreementNumber"]),
        (say("Id"), lambda row: row["recharge"]["id"]),
    ]

    async def fetch(after: str | None, first: int) -> dict[str, Any]:
        data = await ask(request, "invoices", first=first, after=after)
        page: dict[str, Any] = data["openInvoices"]
        return page

    return await csv_response("invoices", columns, fetch)


async def _page(request: Request, typed: dict[str, str], problems: list[Problem]) -> Response:
    data = await ask(request, "invoices", **paging(request, 50))
    return render(
        request,
        "invoices.html",
        status_code=422 if problems else 200,
        data=data,
        invoices=listing(request, data["openInvoices"], {}),
        typed=typed,
        errors=problems,
        paid=request.query_params.get("paid", "")[:40],
    )


ROUTES: list[BaseRoute] = [
    Route("/invoices", invoices, methods=["GET"]),
    Route("/invoices", mark_paid, methods=["POST"]),
    Route("/invoices.csv", invoices_csv, methods=["GET"]),
]
