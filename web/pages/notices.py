"""The notices of an account: what was mailed to whom, each as it reads, and who is mailed."""

import re
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from credits.letters import Letter
from web.documents import ask, tell
from web.errors import NotVisible
from web.forms import Problem, of_fields, problems_of, read_amount, read_form
from web.letters import html_of
from web.listing import csv_of, filters_of, given, listing, paging
from web.reader import language_of
from web.rendering import render
from web.words import known, word

_FIELDS = of_fields(noticeEmails="addresses", lowBalance="low_balance")
_BETWEEN_ADDRESSES = re.compile(r"[\s,;、，]+")


async def notices(request: Request) -> Response:
    """One page of notices, newest first, and the form for who is mailed."""
    data = await _asked(request)
    return _page(request, data, _as_set(data["account"]), [])


async def set_mail(request: Request) -> Response:
    """Keep who is mailed, and the balance below which mail says so."""
    account = request.path_params["account"]
    typed = await read_form(request)
    low_balance = read_amount(typed.get("low_balance", "") or "0")
    if low_balance is None:
        said = language_of(request).say("Type an amount, such as 50 or 1,250.00.")
        problems = [Problem("low_balance", said)]
    else:
        addresses = [each for each in _BETWEEN_ADDRESSES.split(typed.get("addresses", "")) if each]
        payload = await tell(request, "set_mail", accountId=account, noticeEmails=addresses, lowBalance=low_balance)
        problems = problems_of(payload["errors"], _FIELDS)
    if problems:
        return _page(request, await _asked(request), typed, problems)
    shown = urlencode({**given(_filters(request)), "saved": "yes"})
    return RedirectResponse(f"/accounts/{account}/notices?{shown}", 303)


async def notices_csv(request: Request) -> Response:
    """The notices as CSV."""
    language = language_of(request)
    say = language.say
    columns = [
        (say("Created"), lambda notice: notice["createdAt"]),
        (say("Kind"), lambda notice: word(language, "notice", notice["kind"])),
        (say("Subject"), lambda notice: notice["subject"]),
        (say("To"), lambda notice: " ".join(notice["recipients"])),
        (say("State"), lambda notice: word(language, "mail", notice["status"])),
        (say("Sent"), lambda notice: notice["sentAt"]),
        (say("Tries"), lambda notice: notice["attempts"]),
        (say("Reason"), lambda notice: notice["failure"]),
        (say("Id"), lambda notice: notice["id"]),
    ]
    account = request.path_params["account"]
    return await csv_of(request, "notices", "notices", columns, account=account, **given(_filters(request)))


async def notice(request: Request) -> Response:
    """One notice as it reads, and what became of it."""
    data = await _asked_one(request)
    return render(request, "notice.html", data=data, letter=data["node"])


async def mail(request: Request) -> Response:
    """One notice as it was mailed, to be kept: a file, since its styles are those of mail and not of the pages."""
    found = (await _asked_one(request))["node"]
    link = found["link"]
    letter = Letter(
        subject=found["subject"],
        paragraphs=found["paragraphs"],
        figures=[(figure["label"], figure["value"]) for figure in found["figures"]],
        link=None if link is None else (link["label"], link["url"]),
        greeting=found["greeting"],
        footer=found["footer"],
    )
    return Response(
        html_of(letter, locale=found["locale"], base_url=""),
        media_type="text/html; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{found["id"]}.html"', "Cache-Control": "no-store"},
    )


async def send_again(request: Request) -> Response:
    """Send a notice once more."""
    account, notice_id = request.path_params["account"], request.path_params["notice"]
    payload = await tell(request, "resend_notice", accountId=account, noticeId=notice_id)
    if payload["errors"]:
        data = await _asked_one(request)
        problems = problems_of(payload["errors"], {})
        return render(request, "notice.html", status_code=422, data=data, letter=data["node"], errors=problems)
    return RedirectResponse(f"/accounts/{account}/notices/{notice_id}", 303)


async def _asked(request: Request) -> dict[str, Any]:
    account = request.path_params["account"]
    return await ask(request, "notices", account=account, **given(_filters(request)), **paging(request, 20))


async def _asked_one(request: Request) -> dict[str, Any]:
    account, notice_id = request.path_params["account"], request.path_params["notice"]
    data = await ask(request, "notice", account=account, notice=notice_id)
    if not data["node"] or not notice_id.startswith(f"ntc_{account.removeprefix('acct_')}-"):
        raise NotVisible
    return data


def _page(request: Request, data: dict[str, Any], typed: dict[str, str], problems: list[Problem]) -> Response:
    return render(
        request,
        "notices.html",
        status_code=422 if problems else 200,
        data=data,
        typed=typed,
        errors=problems,
        saved=not problems and "saved" in request.query_params,
        notices=listing(request, data["account"]["notices"], _filters(request)),
    )


def _as_set(account: dict[str, Any]) -> dict[str, str]:
    """The form as it stands."""
    low_balance = account["lowBalance"]
    return {
        "addresses": "\n".join(account["noticeEmails"]),
        "low_balance": low_balance["amount"] if low_balance else "",
    }


def _filters(request: Request) -> dict[str, str]:
    filters = filters_of(request, "kind", "status")
    return {"kind": known("notice", filters["kind"]), "status": known("mail", filters["status"])}


ROUTES: list[BaseRoute] = [
    Route("/accounts/{account}/notices", notices, methods=["GET"]),
    Route("/accounts/{account}/notices", set_mail, methods=["POST"]),
    Route("/accounts/{account}/notices.csv", notices_csv, methods=["GET"]),
    Route("/accounts/{account}/notices/{notice}", notice, methods=["GET"]),
    Route("/accounts/{account}/notices/{notice}", send_again, methods=["POST"]),
    Route("/accounts/{account}/notices/{notice}/mail", mail, methods=["GET"]),
]
