"""Entering users from a file: a row each, with the licences that they are to hold."""

from dataclasses import dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from credits.files.user_files import ReadUser, read_users
from credits.refusals import Refusal
from web.documents import ask, tell
from web.errors import NotAllowed
from web.forms import Problem
from web.reader import language_of
from web.rendering import render
from web.uploads import read_upload

_BATCH = 1_000
_MOST_BAD_SHOWN = 200


@dataclass(slots=True)
class Result:
    """What became of the rows of a file: how many users were entered, which rows name users who are there already,
    and which could not be taken, and why."""

    entered: int = 0
    known: list[tuple[int, str, str]] = field(default_factory=list)
    bad: list[tuple[int, str, str]] = field(default_factory=list)


async def choose(request: Request) -> Response:
    """The form that a file is handed in with."""
    return _page(request, await _data(request), [], None)


async def take_in(request: Request) -> Response:
    """Enter the users of a file, a thousand at a time, and say what became of each row."""
    language = language_of(request)
    data = await _data(request)
    async with request.form() as form:
        upload = await read_upload(form)
    if upload is None:
        said = language.say("Choose a file: CSV, XLSX or text, no larger than 32 MB.")
        return _page(request, data, [Problem("file", said)], None)
    try:
        file = await run_in_threadpool(read_users, upload.name, upload.content, currency=data["account"]["currency"])
    except Refusal as refusal:
        return _page(request, data, [Problem("file", language.say(refusal.message, **refusal.values))], None)
    bad = [(row.number, row.text, language.say(row.reason.message, **row.reason.values)) for row in file.bad]
    result = Result(bad=bad)
    for start in range(0, len(file.users), _BATCH):
        batch = file.users[start : start + _BATCH]
        payload = await tell(
            request, "create_users", accountId=request.path_params["account"], users=[_input(each) for each in batch]
        )
        if payload["errors"]:
            return _page(request, data, [Problem("", error["message"]) for error in payload["errors"]], result)
        for user, answer in zip(batch, payload["results"], strict=True):
            if answer["error"] is None:
                result.entered += 1
                continue
            rows = result.known if answer["error"]["code"] == "CONFLICT" else result.bad
            rows.append((user.number, user.text, answer["error"]["message"]))
    result.bad.sort()
    return _page(request, data, [], result)


def _input(user: ReadUser) -> dict[str, Any]:
    return {
        "name": user.name,
        "userName": user.user_name,
        "country": user.country,
        "department": user.department,
        "monthlyLimit": None if user.monthly_limit is None else f"{user.monthly_limit:f}",
        "planCodes": list(user.plan_codes),
        "conferenceDialOut": user.conference_dial_out,
        "userDialOut": user.user_dial_out,
    }


async def _data(request: Request) -> dict[str, Any]:
    data = await ask(request, "head", account=request.path_params["account"])
    if data["account"]["viewerRole"] not in ("ADMIN", "OPERATOR"):
        raise NotAllowed
    return data


def _page(request: Request, data: dict[str, Any], problems: list[Problem], result: Result | None) -> Response:
    return render(
        request, "user_import.html", status_code=422 if problems else 200, data=data, errors=problems, result=result,
        most=_MOST_BAD_SHOWN,
    )  # fmt: skip


ROUTES: list[BaseRoute] = [
    Route("/accounts/{account}/users/import", choose, methods=["GET"]),
    Route("/accounts/{account}/users/import", take_in, methods=["POST"]),
]
