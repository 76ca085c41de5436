"""The audit log, of an account and of everything: who changed what, with details, and all of it as a file."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from credits.audit_words import BY_SUBJECT, OF_THE_HOUSE
from credits.language import Language
from web.documents import ask
from web.listing import end_of, filters_of, given, listing, paging, start_of
from web.reader import language_of
from web.rendering import render

_FORMS = {"csv": ("CSV", "text/csv; charset=utf-8"), "jsonl": ("JSON_LINES", "application/jsonl; charset=utf-8")}
# Where what an event is about can be looked at, by the kind of its id.
_PLACES = {
    "acct": "",
    "call": "/calls/{id}",
    "lot": "/lots",
    "ntc": "/notices/{id}",
    "plan": "/plans",
    "pm": "/funds/methods",
    "rchg": "/funds",
    "user": "/users/{id}",
}


async def audit(request: Request) -> Response:
    """One page of what was changed in an account."""
    account = request.path_params["account"]
    data = await ask(request, "audit", account=account, filter=await _filter(request), **paging(request, 50))
    return _page(request, data, data["account"]["auditLog"])


async def audit_whole(request: Request) -> Response:
    """One page of everything that was changed, for the operator."""
    data = await ask(request, "audit_whole", filter=await _filter(request), **paging(request, 50))
    return _page(request, data, data["auditLog"])


async def audit_file(request: Request) -> Response:
    """All events that are asked for as a file. The first part is asked for before the answer begins, so that a log that
    may not be seen is refused as a page would be."""
    ending = request.url.path.rpartition(".")[2]
    form, media_type = _FORMS[ending]
    asked = {"form": form, "filter": await _filter(request)}
    first = await _part(request, asked, None)
    return StreamingResponse(
        _parts(request, asked, first),
        media_type=media_type,
        headers={"Content-Disposition": f'attachment; filename="audit.{ending}"', "Cache-Control": "no-store"},
    )


async def _parts(request: Request, asked: dict[str, Any], part: dict[str, Any]) -> AsyncIterator[str]:
    while True:
        yield part["text"]
        after = part["endCursor"]
        if after is None:
            return
        part = await _part(request, asked, after)


async def _part(request: Request, asked: dict[str, Any], after: str | None) -> dict[str, Any]:
    account = request.path_params.get("account")
    if account is None:
        data = await ask(request, "audit_export_whole", **asked, after=after)
    else:
        data = (await ask(request, "audit_export", account=account, **asked, after=after))["account"]
    part: dict[str, Any] = data["auditExport"]
    return part


async def _filter(request: Request) -> dict[str, str]:
    """What the address asks for, as the API has it. Days are those of the account's zone, or of UTC for everything; an
    instant counts as it is."""
    filters = _filters(request)
    asked = given({name: filters[name] for name in ("actor", "action", "subject")})
    days = given({name: filters[name] for name in ("from", "to")})
    if any("T" not in text for text in days.values()):
        zone = await _zone(request)
        edge_of = {"from": start_of, "to": end_of}
        days = {name: text if "T" in text else edge_of[name](text, zone) or text for name, text in days.items()}
    return asked | days


async def _zone(request: Request) -> str:
    account = request.path_params.get("account")
    if account is None:
        return "UTC"
    zone: str = (await ask(request, "zone", account=account))["account"]["timeZone"]
    return zone


def _filters(request: Request) -> dict[str, str]:
    return filters_of(request, "from", "to", "actor", "action", "subject")


def _page(request: Request, data: dict[str, Any], connection: dict[str, Any]) -> Response:
    filters = _filters(request)
    language = language_of(request)
    events = listing(request, connection, filters)
    query = urlencode(given(filters))
    as_lines = f"{request.url.path}.jsonl" + (f"?{query}" if query else "")
    account = request.path_params.get("account")
    return render(
        request,
        "audit.html",
        data=data,
        events=replace(events, nodes=[{**each, "place": _place_of(each, account)} for each in events.nodes]),
        as_lines=as_lines,
        actions=_actions(language, of_account=account is not None),
    )


def _actions(language: Language, *, of_account: bool) -> list[tuple[str, list[tuple[str, str]]]]:
    """The actions to choose from, by what they are done to, each as its sentence with dots in the place of who and
    what."""
    blank = dict.fromkeys(("actor", "subject", "amount", "calls"), "…")
    groups = [
        (
            language.say(subject.message),
            [
                (name, language.say(said.message, **blank))
                for name, said in actions.items()
                if not (of_account and name in OF_THE_HOUSE)
            ],
        )
        for subject, actions in BY_SUBJECT
    ]
    return [(subject, actions) for subject, actions in groups if actions]


def _place_of(event: dict[str, Any], account: str | None) -> str | None:
    """The page of what an event is about, where there is one."""
    owner = account or (event["account"] or {}).get("id")
    kind, mark, _ = event["subject"].partition("_")
    if owner is None or not mark or kind not in _PLACES:
        return None
    return f"/accounts/{owner}{_PLACES[kind]}".format(id=event["subject"])


ROUTES: list[BaseRoute] = [
    Route("/audit", audit_whole, methods=["GET"]),
    *(Route(f"/audit.{form}", audit_file, methods=["GET"]) for form in _FORMS),
    Route("/accounts/{account}/audit", audit, methods=["GET"]),
    *(Route(f"/accounts/{{account}}/audit.{form}", audit_file, methods=["GET"]) for form in _FORMS),
]
