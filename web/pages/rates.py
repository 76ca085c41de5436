"""The published rates: what a number or a country costs, and the decks that say so."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from web.documents import ask
from web.errors import NotVisible
from web.figures import read_instant
from web.listing import Column, Row, csv_response, filters_of, given, listing, paging
from web.reader import language_of
from web.rendering import render
from web.words import known, word


async def rates(request: Request) -> Response:
    """The decks, and a search through those in force."""
    filters = _filters(request)
    asked = _asked(request, filters) | {"searching": any(filters.values())}
    if asked["searching"] and asked["inAccount"]:
        asked["deck"] = await _deck_of(request, asked["account"])
    data = await ask(request, "rates", **asked, **paging(request, 50))
    decks = _with_ends(data["rateDecks"])
    return render(request, "rates.html", data=data, decks=decks, **_shown(request, data, filters))


async def rates_csv(request: Request) -> Response:
    """The rates in force as CSV."""
    return await _csv(request, "rates", {"searching": True})


async def deck(request: Request) -> Response:
    """One deck and its rates."""
    filters = _filters(request)
    deck_id = request.path_params["deck"]
    data = await ask(request, "deck", deck=deck_id, **_asked(request, filters), **paging(request, 100))
    if not data["node"]:
        raise NotVisible
    published = "published" in request.query_params
    return render(request, "deck.html", data=data, deck=data["node"], published=published,
                  **_shown(request, data, filters))  # fmt: skip


async def deck_csv(request: Request) -> Response:
    """One deck's rates as CSV."""
    return await _csv(request, "deck", {"deck": request.path_params["deck"]})


_NOTHING: dict[str, Any] = {
    "nodes": [],
    "totalCount": 0,
    "pageInfo": {"hasNextPage": False, "hasPreviousPage": False},
}


def _filters(request: Request) -> dict[str, str]:
    filters = filters_of(request, "search", "service")
    return filters | {"service": known("service", filters["service"])}


def _asked(request: Request, filters: dict[str, str]) -> dict[str, Any]:
    account = request.query_params.get("account", "")
    return {**given(filters), "account": account, "inAccount": bool(account)}


def _shown(request: Request, data: dict[str, Any], filters: dict[str, str]) -> dict[str, Any]:
    account = (data.get("account") or {}).get("id", "")
    return {
        "rates": listing(request, data.get("rates") or _NOTHING, filters, account=account),
        "operates": "OPERATOR" in data["viewer"]["roles"],
        "within": f"?account={account}" if account else "",
    }


def _with_ends(decks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each deck with the instant from which a later one of its name and currency counts, if there is one."""
    later: dict[tuple[str, str], str] = {}
    found = []
    for deck in decks:  # of one name and currency, the one that counts latest comes first
        name = (deck["name"], deck["currency"])
        found.append({**deck, "until": later.get(name)})
        later[name] = deck["effectiveFrom"]
    return found


async def _deck_of(request: Request, account_id: str) -> str | None:
    """The deck that prices an account's calls by its clock; none when there is none yet."""
    data = await ask(request, "rates", account=account_id, inAccount=True, searching=False, first=1)
    account = data["account"]
    wanted, now = (account["rateDeck"], account["currency"]), read_instant(account["now"])
    found = (
        deck["id"]
        for deck in data["rateDecks"]  # of one name and currency, the one that counts latest comes first
        if (deck["name"], deck["currency"]) == wanted and read_instant(deck["effectiveFrom"]) <= now
    )
    return next(found, None)


async def _csv(request: Request, document: str, about: dict[str, Any]) -> Response:
    asked = _asked(request, _filters(request))

    async def fetch(after: str | None, first: int) -> dict[str, Any]:
        data = await ask(request, document, **about, **asked, first=first, after=after)
        page: dict[str, Any] = data["rates"]
        return page

    return await csv_response("rates", _columns(request), fetch)


def _columns(request: Request) -> list[Column]:
    language = language_of(request)
    say = language.say
    return [
        (say("Service"), lambda rate: word(language, "service", rate["service"])),
        (say("Prefix"), lambda rate: rate["prefix"]),
        (say("Destination"), lambda rate: rate["destination"]),
        (say("Country"), lambda rate: rate["country"]),
        (say("Blocked"), lambda rate: say("Blocked") if rate["blocked"] else ""),
        (say("Per minute"), lambda rate: _prices(rate)),
        (say("Steps"), lambda rate: "/".join(str(tier["incrementSeconds"]) for tier in rate["tiers"])),
        (say("Connection fee"), lambda rate: rate["connectFee"]),
        (say("Free seconds"), lambda rate: rate["freeSeconds"]),
        (say("Most a call costs"), lambda rate: rate["maxCost"]),
    ]


def _prices(rate: Row) -> str:
    return "/".join(dict.fromkeys(tier["pricePerMinute"] for tier in rate["tiers"]))


ROUTES: list[BaseRoute] = [
    Route("/rates", rates, methods=["GET"]),
    Route("/rates.csv", rates_csv, methods=["GET"]),
    Route("/rates/{deck}.csv", deck_csv, methods=["GET"]),
    Route("/rates/{deck}", deck, methods=["GET"]),
]
