"""Importing call records: a file of finished calls, charged in batches; the same file twice charges nothing twice."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from credits.callers import NamedUser
from credits.files.call_files import CallFile, read_calls
from credits.ids import public_id, read_id
from credits.instants import moment
from credits.language import Language
from credits.refusals import Refusal
from web.documents import ask, tell
from web.forms import Problem, typed_in
from web.reader import language_of
from web.rendering import render
from web.uploads import read_upload

_BATCH = 1_000
_MOST_BAD_SHOWN = 200


@dataclass(slots=True)
class Result:
    """What became of the calls of a file."""

    format: str
    charged: int = 0
    unrated: int = 0
    duplicates: int = 0
    charge: Decimal = Decimal(0)
    bad: list[tuple[int, str, str]] = field(default_factory=list)
    skipped: int = 0
    notes: list[str] = field(default_factory=list)


async def choose(request: Request) -> Response:
    """The form that call records are handed in with."""
    data = await ask(request, "head", account=request.path_params["account"])
    return _page(request, data, {"time_zone": data["account"]["timeZone"]}, [], None)


async def take_in(request: Request) -> Response:
    """Charge the calls of a file, a thousand at a time, and say what became of each kind."""
    language = language_of(request)
    account = request.path_params["account"]
    async with request.form() as form:
        typed, upload = typed_in(form), await read_upload(form)
    if upload is None:
        said = language.say("Choose a file: CSV, XLSX or text, no larger than 32 MB.")
        return _page(request, await _data(request), typed, [Problem("file", said)], None)
    zone = typed.get("time_zone", "UTC")
    owner = (await _data(request))["account"]
    try:
        file = await run_in_threadpool(
            read_calls, upload.name, upload.content, time_zone=zone, owner=(owner["id"], owner["name"])
        )
    except Refusal as refusal:
        problem = Problem("file", language.say(refusal.message, **refusal.values))
        return _page(request, await _data(request), typed, [problem], None)
    file = file.with_users(await _users_named(request, sorted(file.user_names)))
    result = _begun(file, language)
    for start in range(0, len(file.calls), _BATCH):
        payload = await tell(request, "record_calls", accountId=account, calls=_inputs(account, file, start))
        if payload["errors"]:
            problems = [Problem("", error["message"]) for error in payload["errors"]]
            return _page(request, await _data(request), typed, problems, result)
        _count(result, payload["results"], file.rows[start : start + _BATCH])
    result.bad.sort()
    return _page(request, await _data(request), typed, [], result)


async def _users_named(request: Request, names: Sequence[str]) -> dict[str, NamedUser]:
    """The users whom a file names, with the plans that they hold, by those names in small letters."""
    found = {}
    for start in range(0, len(names), _BATCH):
        data = await ask(
            request, "users_named", account=request.path_params["account"], names=names[start : start + _BATCH]
        )
        for named in data["account"]["usersNamed"]:
            _, user_no = read_id("user", named["user"]["id"])
            codes = frozenset(held["plan"]["code"] for held in named["user"]["licenses"])
            found[named["name"].lower()] = NamedUser(user_no, codes)
    return found


def _begun(file: CallFile, language: Language) -> Result:
    bad = [(row.number, row.text, language.say(row.reason.message, **row.reason.values)) for row in file.bad]
    notes = [language.say(note.message, **note.values) for note in file.notes]
    return Result(file.format, bad=bad, skipped=len(file.skipped), notes=notes)


def _count(result: Result, answers: Sequence[dict[str, Any]], rows: Sequence[int]) -> None:
    for answer, row in zip(answers, rows, strict=True):
        if answer["error"]:
            result.bad.append((row, answer["callId"], answer["error"]["message"]))
        elif answer["duplicate"]:
            result.duplicates += 1
        elif answer["call"]["status"] == "UNRATED":
            result.unrated += 1
        else:
            result.charged += 1
            result.charge += Decimal(answer["call"]["charge"]["amount"])


def _inputs(account: str, file: CallFile, start: int) -> list[dict[str, Any]]:
    (account_id,) = read_id("acct", account)
    return [
        {
            "callId": call.call_id,
            "service": str(call.service),
            "from": call.from_number,
            "to": call.to_number,
            "userId": None if call.user_no is None else public_id("user", account_id, call.user_no),
            "answeredAt": moment(call.answered_at).isoformat(),
            "durationSeconds": call.duration_seconds,
        }
        for call in file.calls[start : start + _BATCH]
    ]


async def _data(request: Request) -> dict[str, Any]:
    return await ask(request, "head", account=request.path_params["account"])


def _page(
    request: Request, data: dict[str, Any], typed: dict[str, str], problems: list[Problem], result: Result | None
) -> Response:
    status = 422 if problems else 200
    return render(request, "call_import.html", status_code=status, data=data, typed=typed, errors=problems,
                  result=result, most=_MOST_BAD_SHOWN)  # fmt: skip


ROUTES: list[BaseRoute] = [
    Route("/accounts/{account}/calls/import", choose, methods=["GET"]),
    Route("/accounts/{account}/calls/import", take_in, methods=["POST"]),
]
