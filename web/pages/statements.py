"""Statements: each month of an account, and one month on a sheet of paper, as CSV and as PDF."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from web.documents import ask
from web.errors import NotVisible
from web.listing import Row, csv_of, csv_response, listing, paging
from web.paper import Paper, paper_of_statement
from web.pdf import pdf_of
from web.reader import language_of
from web.rendering import render
from web.words import word

_FUNDS = frozenset({"PURCHASE", "AUTO_RECHARGE", "INVOICE", "GRANT"})
_CALLS = frozenset({"CALLS", "CALLS_REVERSED"})


async def statements(request: Request) -> Response:
    """One page of months, the newest first."""
    data = await ask(request, "statements", account=request.path_params["account"], **paging(request, 24))
    months = listing(request, data["account"]["statements"], {})
    sums = [{"added": _added(row), "calls": _calls(row), "other": _other(row)} for row in months.nodes]
    return render(request, "statements.html", data=data, months=months, sums=sums)


async def statements_csv(request: Request) -> Response:
    """The months as CSV."""
    say = language_of(request).say
    columns = [
        (say("Month"), lambda row: row["month"][:7]),
        (say("Opening balance"), lambda row: row["opening"]["amount"]),
        (say("Funds added"), lambda row: _added(row)["amount"]),
        (say("Calls"), lambda row: _calls(row)["amount"]),
        (say("Otherwise"), lambda row: _other(row)["amount"]),
        (say("Closing balance"), lambda row: row["closing"]["amount"]),
        (say("Currency"), lambda row: row["closing"]["currency"]),
    ]
    return await csv_of(request, "statements", "statements", columns, account=request.path_params["account"])


async def statement(request: Request) -> Response:
    """One month, to look at and to print."""
    data = await _asked(request)
    return render(request, "statement.html", data=data, paper=_paper(request, data), told=data["account"]["statement"])


async def statement_pdf(request: Request) -> Response:
    """One month as PDF; of a month that is over always the same bytes."""
    paper = _paper(request, await _asked(request))
    headers = {"Content-Disposition": f'attachment; filename="{_name(request)}.pdf"', "Cache-Control": "no-store"}
    return Response(pdf_of(paper), media_type="application/pdf", headers=headers)


async def statement_csv(request: Request) -> Response:
    """One month as CSV: the days with what moved on each, between the opening and the closing balance."""
    language = language_of(request)
    say = language.say
    told = (await _asked(request))["account"]["statement"]
    rows: list[dict[str, Any]] = [
        {"what": say("Opening balance"), "balance": told["opening"]},
        *(
            {
                "day": day["day"],
                "what": word(language, "statement", line["item"]),
                "entries": line["entries"],
                "amount": line["amount"],
                "balance": day["closing"] if line is day["lines"][-1] else None,
            }
            for day in told["days"]
            for line in day["lines"]
        ),
        {"what": say("Closing balance"), "balance": told["closing"]},
    ]
    columns = [
        (say("Day"), lambda row: row.get("day")),
        (say("What"), lambda row: row["what"]),
        (say("Entries"), lambda row: row.get("entries")),
        (say("Amount"), lambda row: (row.get("amount") or {}).get("amount")),
        (say("Balance"), lambda row: (row.get("balance") or {}).get("amount")),
        (say("Currency"), lambda row: told["closing"]["currency"]),
    ]

    async def fetch(_after: str | None, _first: int) -> dict[str, Any]:
        return {"nodes": rows, "pageInfo": {"hasNextPage": False}}

    return await csv_response(_name(request), columns, fetch)


async def _asked(request: Request) -> dict[str, Any]:
    """A month that has no statement is not there."""
    try:
        month = date.fromisoformat(request.path_params["month"] + "-01")
    except ValueError:
        raise NotVisible from None
    data = await ask(request, "statement", account=request.path_params["account"], month=month.isoformat())
    if data["account"]["statement"] is None:
        raise NotVisible
    return data


def _paper(request: Request, data: dict[str, Any]) -> Paper:
    return paper_of_statement(data["account"]["statement"], data["account"], language_of(request))


def _name(request: Request) -> str:
    return f"statement-{request.path_params['month']}"


def _added(row: Row) -> dict[str, str]:
    """What came in."""
    return _sum(row, (line for line in row["lines"] if line["item"] in _FUNDS))


def _calls(row: Row) -> dict[str, str]:
    """What calls cost, less what was taken back."""
    return _sum(row, (line for line in row["lines"] if line["item"] in _CALLS))


def _other(row: Row) -> dict[str, str]:
    """All else that moved."""
    return _sum(row, (line for line in row["lines"] if line["item"] not in _FUNDS | _CALLS))


def _sum(row: Row, lines: Iterable[Row]) -> dict[str, str]:
    total = sum((Decimal(line["amount"]["amount"]) for line in lines), Decimal("0.00"))
    return {"amount": f"{total:f}", "currency": row["closing"]["currency"]}


ROUTES: list[BaseRoute] = [
    Route("/accounts/{account}/statements", statements, methods=["GET"]),
    Route("/accounts/{account}/statements.csv", statements_csv, methods=["GET"]),
    Route("/accounts/{account}/statements/{month}.csv", statement_csv, methods=["GET"]),
    Route("/accounts/{account}/statements/{month}.pdf", statement_pdf, methods=["GET"]),
    Route("/accounts/{account}/statements/{month}", statement, methods=["GET"]),
]
