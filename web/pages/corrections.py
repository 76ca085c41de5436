"""What can be put right about calls: a charge is taken back, a call in progress is given up, and what had no rate is
priced later. Each is asked once more before it is done."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from credits.ids import belongs
from web.documents import ask, tell
from web.errors import NotAllowed, NotVisible
from web.forms import Problem, of_fields, problems_of, read_form
from web.listing import Row
from web.reader import language_of
from web.rendering import render

# How many calls one mutation rates, and how many one form: a browser does not wait for minutes.
_AT_A_TIME = 200
_IN_ONE_GO = 1_000
_FIELDS = of_fields("reason")
# What can be done by which mutation; each is the last word of an address below the call's.
_MUTATIONS = {"reversal": "reverse_call", "release": "release_call", "rating": "rate_calls"}


async def find_call(request: Request) -> dict[str, Any]:
    """A call of the account that the address names, with all that is known of it."""
    account, call = request.path_params["account"], request.path_params["call"]
    data = await ask(request, "call", account=account, call=call)
    if not belongs("call", call, account) or not data["node"]:
        raise NotVisible
    return data


def correction_of(account: Row, call: Row) -> str:
    """What this reader may put right about a call: `reversal`, `release`, `rating`, or nothing.

    Giving money away is for the operator, and so is giving up a call that may be going on; in a TEST account for
    whoever may use its funds, or its calls.
    """
    role = account["viewerRole"]
    decides = role == "OPERATOR" or account["mode"] == "TEST"
    if account["status"] == "CLOSED":
        return ""
    match call["status"]:
        case "SETTLED" if decides and role != "VIEWER" and not call["reversedAt"]:
            return "reversal" if Decimal(call["charge"]["amount"]) or call["planSeconds"] else ""
        case "AUTHORIZED" if decides and role in ("OPERATOR", "ADMIN"):
            return "release"
        case "UNRATED" if role in ("OPERATOR", "ADMIN"):
            return "rating"
        case _:
            return ""


async def ask_once_more(request: Request) -> Response:
    """The question; where it does not arise (any more), the call, which tells how it stands."""
    data = await find_call(request)
    if correction_of(data["account"], data["node"]) != request.path_params["correction"]:
        return RedirectResponse(_call_path(request), 303)
    return _page(request, data, {}, [])


async def correct(request: Request) -> Response:
    """Do it, and go to the call; done twice, it changes nothing more."""
    correction = request.path_params["correction"]
    if correction not in _MUTATIONS:
        raise NotVisible
    typed, data = await read_form(request), await find_call(request)
    if correction == "reversal" and not typed.get("reason"):
        said = language_of(request).say("Say why: it stands in the ledger.")
        return _page(request, data, typed, [Problem("reason", said)])
    call_id = data["node"]["callId"]
    named: dict[str, Any] = {"callIds": [call_id]} if correction == "rating" else {"callId": call_id}
    reason = typed["reason"] if correction == "reversal" else None
    account = request.path_params["account"]
    payload = await tell(request, _MUTATIONS[correction], accountId=account, reason=reason, **named)
    if payload["errors"]:
        return _page(request, data, typed, problems_of(payload["errors"], _FIELDS))
    return RedirectResponse(f"{_call_path(request)}?done={correction}", 303)


async def ask_to_rate(request: Request) -> Response:
    """How many calls wait for a rate, and whether they shall be priced now."""
    data = await _unrated(request)
    if data["account"]["viewerRole"] not in ("OPERATOR", "ADMIN"):
        raise NotAllowed
    return _rating_page(request, data, None, [], None)


async def rate_all(request: Request) -> Response:
    """Price calls that wait, as many as one go may take, and say what came of it and whether there are more to try."""
    rated, problems = _Rated(), list[Problem]()
    after = (await read_form(request)).get("after") or None
    for _ in range(_IN_ONE_GO // _AT_A_TIME):
        data = await _unrated(request, first=_AT_A_TIME, after=after)
        waiting = data["account"]["unrated"]
        call_ids = [call["callId"] for call in waiting["nodes"]]
        payload = await tell(request, "rate_calls", accountId=request.path_params["account"], callIds=call_ids)
        problems = problems_of(payload["errors"], {})
        rated.add(payload["calls"])
        after = waiting["pageInfo"]["endCursor"] if waiting["pageInfo"]["hasNextPage"] else None
        if problems or after is None:
            break
    return _rating_page(request, await _unrated(request), rated, problems, after)


@dataclass(slots=True)
class _Rated:
    """What came of pricing calls."""

    count: int = 0
    charge: Decimal = Decimal(0)

    def add(self, calls: list[Row]) -> None:
        self.count += len(calls)
        self.charge += sum((Decimal(call["charge"]["amount"]) for call in calls), Decimal(0))


async def _unrated(request: Request, *, first: int = 1, after: str | None = None) -> dict[str, Any]:
    return await ask(request, "unrated", account=request.path_params["account"], first=first, after=after)


def _call_path(request: Request) -> str:
    known = request.path_params
    return f"/accounts/{known['account']}/calls/{known['call']}"


def _page(request: Request, data: dict[str, Any], typed: dict[str, str], problems: list[Problem]) -> Response:
    return render(
        request,
        "correction.html",
        status_code=422 if problems else 200,
        data=data,
        call=data["node"],
        call_path=_call_path(request),
        correction=request.path_params["correction"],
        typed=typed,
        errors=problems,
    )


def _rating_page(
    request: Request, data: dict[str, Any], rated: _Rated | None, problems: list[Problem], after: str | None
) -> Response:
    """The question, or what came of it; `after` is behind the last call that was tried, where others follow."""
    done = rated or _Rated()
    return render(
        request,
        "rating.html",
        status_code=422 if problems else 200,
        data=data,
        tried=rated is not None and not problems,
        rated=done.count,
        charged={"amount": str(done.charge), "currency": data["account"]["currency"]},
        after=after,
        most=_IN_ONE_GO,
        errors=problems,
    )


ROUTES: list[BaseRoute] = [
    Route("/accounts/{account}/calls/rating", ask_to_rate, methods=["GET"]),
    Route("/accounts/{account}/calls/rating", rate_all, methods=["POST"]),
    Route("/accounts/{account}/calls/{call}/{correction}", ask_once_more, methods=["GET"]),
    Route("/accounts/{account}/calls/{call}/{correction}", correct, methods=["POST"]),
]
