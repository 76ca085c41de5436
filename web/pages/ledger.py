"""The ledger of an account: every movement, with the balance after it and the lots that moved."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from web.documents import ask
from web.listing import Row, csv_of, filters_of, given, listing, paging
from web.reader import language_of
from web.rendering import render
from web.words import known, word


async def ledger(request: Request) -> Response:
    """One page of entries, newest first; each opens to show its draws."""
    filters = _filters(request)
    data = await ask(request, "ledger", account=request.path_params["account"], **given(filters), **paging(request, 50))
    return render(request, "ledger.html", data=data, entries=listing(request, data["account"]["ledger"], filters))


async def ledger_csv(request: Request) -> Response:
    """The entries as CSV; the draws of an entry stand in one cell."""
    language = language_of(request)
    say = language.say
    columns = [
        (say("When"), lambda entry: entry["occurredAt"]),
        (say("Written"), lambda entry: entry["postedAt"]),
        (say("Kind"), lambda entry: word(language, "entry", entry["kind"])),
        (say("Description"), lambda entry: entry["description"]),
        (say("Amount"), lambda entry: entry["amount"]["amount"]),
        (say("Balance"), lambda entry: entry["balanceAfter"]["amount"]),
        (say("Currency"), lambda entry: entry["amount"]["currency"]),
        (say("Lots"), _draws),
        (say("Owed"), lambda entry: entry["owedChange"]["amount"]),
        (say("Id"), lambda entry: entry["id"]),
    ]
    account = request.path_params["account"]
    return await csv_of(request, "ledger", "ledger", columns, account=account, **given(_filters(request)))


def _draws(entry: Row) -> str:
    return " ".join(f"{draw['lot']['id']}:{draw['amount']['amount']}" for draw in entry["draws"])


def _filters(request: Request) -> dict[str, str]:
    filters = filters_of(request, "kind")
    return filters | {"kind": known("entry", filters["kind"])}


ROUTES: list[BaseRoute] = [
    Route("/accounts/{account}/ledger", ledger, methods=["GET"]),
    Route("/accounts/{account}/ledger.csv", ledger_csv, methods=["GET"]),
]
