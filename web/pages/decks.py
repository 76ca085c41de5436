"""Publishing a rate deck: upload, see what would change, publish."""

from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from credits.money import CURRENCIES
from credits.refusals import Refusal
from web.deck_files import Preview, judge, publication, read_deck_file
from web.documents import ask, tell
from web.errors import NotAllowed
from web.forms import Problem, problems_of, read_local, typed_in
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
    preview, problems = await _previewed(request, upload, typed, terms)
    wanted = typed.get("step") == "publish" and not problems and (not preview.bad or "skip_bad_rows" in typed)
    if wanted and preview.rates:
        payload = await tell(request, "publish", **publication(preview, terms))
        if not payload["errors"]:
            return RedirectResponse(f"/rates/{payload['deck']['id']}?published=1", 303)
        problems = problems_of(payload["errors"], {})
    return _page(request, data, typed, problems, preview=preview, upload=upload)


async def _previewed(
    request: Request, upload: Upload, typed: dict[str, str], terms: dict[str, Any]
) -> tuple[Preview, list[Problem]]:
    """Read and judge a file; what is wrong with the file as a whole comes back as problems."""
    language = language_of(request)
    columns = {name.removeprefix("column:"): value for name, value in typed.items()
               if name.startswith("column:") and value}  # fmt: skip
    try:
        preview = await run_in_threadpool(read_deck_file, upload, language, typed, columns)
    except Refusal as refusal:
        field = refusal.field[0] if refusal.field and refusal.field[0] in ("currency", "service") else "file"
        return Preview([], [], columns), [Problem(field, language.say(refusal.message, **refusal.values))]
    if preview.rates:
        await judge(preview, language, partial(_ask_to_publish, request), terms)
    return preview, preview.problems


async def _ask_to_publish(request: Request, given: dict[str, Any]) -> dict[str, Any]:
    return await tell(request, "publish", **given)


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
