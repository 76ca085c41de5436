"""Publishing a rate deck: upload, see what would change, publish."""

import asyncio
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from credits.money import CURRENCIES
from credits.refusals import Refusal
from web.deck_files import Preview, judge, read_deck_file
from web.documents import ask, tell
from web.errors import NotAllowed
from web.forms import Problem, read_local, typed_in
from web.reader import language_of
from web.rendering import render
from web.uploads import Upload, read_upload

_USUAL = {"name": "standard", "currency": "USD", "service": "USER_OUT", "decimals": "4", "rounding": "HALF_UP"}


async def choose(request: Request) -> Response:
    """The form that a price list is handed in with."""
    data = await _data(request)
    return _page(request, data, _USUAL | _named(request), [])


async def publish(request: Request) -> Response:
    """Show what a price list would change; publish it when that was confirmed and no bad row is in the way."""
    data = await _data(request)
    async with request.form() as form:
        typed, upload = _USUAL | typed_in(form), await read_upload(form)
    terms, problems = _terms(request, typed)
    if upload is None:
        said = language_of(request).say("Choose a file: CSV, XLSX or text, no larger than 32 MB.")
        problems.insert(0, Problem("file", said))
    if problems or upload is None:
        return _page(request, data, typed, problems)
    preview, problems = await _read(request, upload, typed)
    publishing, skips = typed.get("step") == "publish", "skip_bad_rows" in typed
    if preview.rates:
        in_the_way = bool(preview.bad) and not skips
        await judge(preview, partial(_publish, request), terms, dry_run=in_the_way or not publishing)
        if publishing and skips and not preview.payload["deck"] and not preview.problems:
            await judge(preview, partial(_publish, request), terms, dry_run=False)  # what was refused is out by now
        if preview.payload["deck"]:
            return RedirectResponse(f"/rates/{preview.payload['deck']['id']}?published=1", 303)
        problems = preview.problems
    if publishing and preview.bad and not skips and not problems:
        said = language_of(request).say("Bad rows are in the way: leave them out, or mend the file.")
        problems = [Problem("skip_bad_rows", said)]
    return _page(request, data, typed, problems, preview=preview, upload=upload)


async def _read(request: Request, upload: Upload, typed: dict[str, str]) -> tuple[Preview, list[Problem]]:
    """Read a file; what is wrong with the file as a whole comes back as problems."""
    language = language_of(request)
    columns = {name.removeprefix("column:"): value for name, value in typed.items()
               if name.startswith("column:") and value}  # fmt: skip
    try:
        return await run_in_threadpool(read_deck_file, upload, language, typed, columns), []
    except Refusal as refusal:
        field = refusal.field[0] if refusal.field and refusal.field[0] in ("currency", "service") else "file"
        return Preview([], [], columns), [Problem(field, language.say(refusal.message, **refusal.values))]


async def _publish(request: Request, given: dict[str, Any]) -> dict[str, Any]:
    """Run the mutation in a thread with a loop of its own: so many rates take seconds to be read as an input, and
    calls that wait to be authorized must not wait for that."""
    return await run_in_threadpool(asyncio.run, tell(request, "publish", **given))


def _terms(request: Request, typed: dict[str, str]) -> tuple[dict[str, Any], list[Problem]]:
    """The terms of the deck that the form asks for."""
    say = language_of(request).say
    problems = []
    effective = read_local(typed["effective_from"], "UTC") if typed.get("effective_from") else None
    if typed.get("effective_from") and effective is None:
        problems.append(Problem("effective_from", say("This is no date and time.")))
    if not (typed["decimals"].isdecimal() and len(typed["decimals"]) == 1):
        problems.append(Problem("decimals", say("Type a number from 0 to 6.")))
        typed["decimals"] = "4"
    terms = {
        "name": typed["name"],
        "currency": typed["currency"],
        "effectiveFrom": effective,
        "decimals": int(typed["decimals"]),
        "rounding": typed["rounding"],
    }
    return terms, problems


async def _data(request: Request) -> dict[str, Any]:
    data = await ask(request, "viewer")
    if "OPERATOR" not in data["viewer"]["roles"]:
        raise NotAllowed
    return data


def _named(request: Request) -> dict[str, str]:
    """A deck to publish anew, named in the address."""
    return {name: request.query_params[name] for name in ("name", "currency") if name in request.query_params}


def _page(
    request: Request,
    data: dict[str, Any],
    typed: dict[str, str],
    problems: list[Problem],
    preview: Preview | None = None,
    upload: Upload | None = None,
) -> Response:
    return render(
        request,
        "publish.html",
        status_code=422 if problems else 200,
        data=data,
        typed=typed,
        errors=problems,
        preview=preview,
        file_name=upload.name if upload else "",
        kept=upload.kept() if upload else [],
        currencies=sorted(CURRENCIES),
    )


ROUTES: list[BaseRoute] = [
    Route("/rates/publish", choose, methods=["GET"]),
    Route("/rates/publish", publish, methods=["POST"]),
]
