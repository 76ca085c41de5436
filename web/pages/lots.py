"""The lots of an account: what was bought, how, and what is left of it."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from credits.language import Language
from web.charts import share
from web.documents import ask
from web.listing import Row, csv_of, filters_of, given, listing, paging
from web.reader import language_of
from web.rendering import render
from web.words import known, word


async def lots(request: Request) -> Response:
    """One page of lots, in the order in which they are spent."""
    filters = _filters(request)
    data = await ask(request, "lots", account=request.path_params["account"], **given(filters), **paging(request, 50))
    return render(
        request,
        "lots.html",
        data=data,
        lots=listing(request, data["account"]["lots"], filters),
        lot_state=partial(lot_state, language_of(request), data["account"]),
        share=share,
    )


async def lots_csv(request: Request) -> Response:
    """The lots as CSV."""
    account, language = request.path_params["account"], language_of(request)
    say = language.say
    owner = (await ask(request, "lots", account=account, first=1))["account"]
    columns = [
        (say("Bought"), lambda lot: lot["purchasedAt"]),
        (say("How"), lambda lot: word(language, "source", lot["source"])),
        (say("State"), lambda lot: lot_state(language, owner, lot["status"])),
        (say("Amount"), lambda lot: lot["amount"]["amount"]),
        (say("Left"), lambda lot: lot["remaining"]["amount"]),
        (say("Currency"), lambda lot: lot["amount"]["currency"]),
        (say("Starts"), lambda lot: lot["startsAt"]),
        (say("Expires"), lambda lot: lot["expiresAt"]),
        (say("Priority"), lambda lot: lot["priority"]),
        (say("Id"), lambda lot: lot["id"]),
    ]
    return await csv_of(request, "lots", "lots", columns, account=account, **given(_filters(request)))


def lot_state(language: Language, account: Row, status: str) -> str:
    """What is to be said of a lot: what is left of it cannot be used once the account is closed."""
    if account["status"] == "CLOSED" and status == "ACTIVE":
        return language.say("Not usable: the account is closed")
    return word(language, "lot", status)


def _filters(request: Request) -> dict[str, str]:
    filters = filters_of(request, "status")
    return filters | {"status": known("lot", filters["status"])}


ROUTES: list[BaseRoute] = [
    Route("/accounts/{account}/lots", lots, methods=["GET"]),
    Route("/accounts/{account}/lots.csv", lots_csv, methods=["GET"]),
]
