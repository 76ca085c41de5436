"""The operator's accounts: the list, a new one, and the clock of a test account."""

from datetime import timedelta
from functools import partial
from typing import Any
from zoneinfo import available_timezones

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from credits.instants import months_later
from credits.language import LANGUAGES
from credits.money import CURRENCIES
from web.documents import ask, tell
from web.errors import NotAllowed
from web.figures import read_instant
from web.forms import Problem, new_key, of_fields, problems_of, read_form, read_local
from web.listing import Row, csv_response, filters_of, given, listing, paging
from web.reader import language_of, safe_way_back
from web.rendering import render
from web.words import known, word

_FIELDS = of_fields("name", "currency", "region", "locale", "mode", "clock", timeZone="time_zone", rateDeck="rate_deck")


async def account_list(request: Request) -> Response:
    """Every account that the reader may see; whoever has a single one goes straight to it."""
    filters = _filters(request)
    data = await ask(request, "accounts", **_wanted(filters), **paging(request, 50))
    accounts = listing(request, data["accounts"], filters)
    operates = "OPERATOR" in data["viewer"]["roles"]
    if not operates and accounts.total == 1 and not accounts.filtered:
        return RedirectResponse(f"/accounts/{accounts.nodes[0]['id']}", 303)
    return render(
        request,
        "accounts.html",
        data=data,
        accounts=accounts,
        operates=operates,
        currencies=sorted(CURRENCIES),
        needy=data["attention"]["totalCount"],
    )


async def account_csv(request: Request) -> Response:
    """The accounts as CSV."""
    filters = _filters(request)

    async def fetch(after: str | None, first: int) -> dict[str, Any]:
        data = await ask(request, "accounts", **_wanted(filters), first=first, after=after)
        page: dict[str, Any] = data["accounts"]
        return page

    return await csv_response("accounts", _columns(request), fetch)


async def new_account(request: Request) -> Response:
    """The form for a new account."""
    data = await ask(request, "account_new")
    if "OPERATOR" not in data["viewer"]["roles"]:
        raise NotAllowed
    typed = {"time_zone": "UTC", "region": "US", "locale": "en", "mode": "LIVE", "currency": "USD",
             "rate_deck": "standard"}  # fmt: skip
    return _new_page(request, data, typed, [])


async def create_account(request: Request) -> Response:
    """Open an account, and go to it."""
    data = await ask(request, "account_new")
    typed = await read_form(request)
    is_test = typed.get("mode") == "TEST"
    clock = read_local(typed.get("clock", ""), typed.get("time_zone", "UTC")) if is_test else None
    if is_test and typed.get("clock") and clock is None:
        said = language_of(request).say("This is no date and time.")
        return _new_page(request, data, typed, [Problem("clock", said)])
    payload = await tell(
        request,
        "create_account",
        name=typed.get("name", ""),
        currency=typed.get("currency", ""),
        timeZone=typed.get("time_zone", ""),
        region=typed.get("region", ""),
        locale=typed.get("locale", ""),
        mode="TEST" if is_test else "LIVE",
        clock=clock,
        rateDeck=typed.get("rate_deck", ""),
        idempotencyKey=typed.get("idempotency_key") or new_key(),
    )
    if payload["errors"]:
        return _new_page(request, data, typed, problems_of(payload["errors"], _FIELDS))
    return RedirectResponse(f"/accounts/{payload['account']['id']}", 303)


async def clock(request: Request) -> Response:
    """The form that moves a test account's clock."""
    data = await ask(request, "head", account=request.path_params["account"])
    if data["account"]["mode"] != "TEST":
        raise NotAllowed
    return render(request, "clock.html", data=data, back=safe_way_back(request.query_params.get("back", "")))


async def move_clock(request: Request) -> Response:
    """Move a test account's clock forward, by a step or to an instant, and go back to where it was moved from."""
    account_id = request.path_params["account"]
    data = await ask(request, "head", account=account_id)
    typed = await read_form(request)
    back = safe_way_back(typed.get("back", ""), f"/accounts/{account_id}")
    to = _stepped(data["account"], typed.get("by", "")) or read_local(typed.get("to", ""), data["account"]["timeZone"])
    if to is None:
        problems = [Problem("to", language_of(request).say("This is no date and time."))]
    else:
        payload = await tell(request, "advance_clock", accountId=account_id, to=to)
        problems = problems_of(payload["errors"], of_fields("to"))
    if problems:
        return render(request, "clock.html", status_code=422, data=data, back=back, errors=problems, typed=typed)
    return RedirectResponse(back, 303)


def _filters(request: Request) -> dict[str, str]:
    """What narrows the list of accounts; what the schema does not know narrows nothing."""
    filters = filters_of(request, "search", "currency", "mode", "status", "attention")
    filters["currency"] = filters["currency"].upper()
    for name, group in (("mode", "account mode"), ("status", "account")):
        filters[name] = known(group, filters[name])
    return filters


def _wanted(filters: dict[str, str]) -> dict[str, Any]:
    """The same as the variables of the list."""
    wanted: dict[str, Any] = given(filters)
    if wanted.pop("attention", None):
        wanted["needsAttention"] = True
    return wanted


def _stepped(account: Row, step: str) -> str | None:
    """The account's clock some days or months on."""
    now = read_instant(account["now"])
    match step:
        case "day":
            return (now + timedelta(days=1)).isoformat()
        case "week":
            return (now + timedelta(days=7)).isoformat()
        case "month":
            day = months_later(now.date(), 1)
            return now.replace(year=day.year, month=day.month, day=day.day).isoformat()
        case _:
            return None


def _new_page(request: Request, data: dict[str, Any], typed: dict[str, str], problems: list[Problem]) -> Response:
    return render(
        request,
        "account_new.html",
        status_code=422 if problems else 200,
        data=data,
        typed={"idempotency_key": new_key()} | typed,
        errors=problems,
        currencies=sorted(CURRENCIES),
        zones=sorted(available_timezones()),
        decks=sorted({deck["name"] for deck in data["rateDecks"]}),
        locales=LANGUAGES,
    )


def _columns(request: Request) -> list[tuple[str, Any]]:
    language = language_of(request)
    say = language.say
    return [
        (say("Account"), lambda row: row["name"]),
        (say("Id"), lambda row: row["id"]),
        (say("Currency"), lambda row: row["currency"]),
        (say("Available"), lambda row: row["balance"]["available"]["amount"]),
        (say("Expiring within 30 days"), lambda row: row["balance"]["expiring"]["amount"]),
        (say("Next expiry"), lambda row: row["balance"]["nextExpiry"]),
        (say("Automatic recharge paused since"), lambda row: _paused_since(row["autoRecharge"])),
        (say("Mode"), lambda row: word(language, "account mode", row["mode"])),
        (say("Status"), lambda row: word(language, "account", row["status"])),
    ]


def _paused_since(rule: Row) -> object:
    """Since when automatic recharge stands still, where it is on at all."""
    return rule["pausedSince"] if rule["enabled"] else None


_get = partial(Route, methods=["GET"])
_post = partial(Route, methods=["POST"])
ROUTES: list[BaseRoute] = [
    _get("/", account_list),
    _get("/accounts.csv", account_csv),
    _get("/accounts/new", new_account),
    _post("/accounts/new", create_account),
    _get("/accounts/{account}/clock", clock),
    _post("/accounts/{account}/clock", move_clock),
]
