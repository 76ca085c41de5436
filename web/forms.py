"""Forms: what was typed, what is wrong with it, and the key that makes a second click do nothing twice."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData
from starlette.requests import Request


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a form: `field` is the name of the input it belongs to, empty when it is about the whole."""

    field: str
    message: str


async def read_form(request: Request) -> dict[str, str]:
    """The texts of a form that was sent."""
    async with request.form() as form:
        return typed_in(form)


def typed_in(form: FormData | Mapping[str, str]) -> dict[str, str]:
    """The texts of a form, trimmed; files and the CSRF token are left out."""
    return {name: value.strip() for name, value in form.items() if isinstance(value, str) and name != "csrf_token"}


def problems_of(errors: Sequence[Mapping[str, Any]], names: Mapping[str, str] | None = None) -> list[Problem]:
    """A payload's errors, each at the form field it speaks of; `names` maps the schema's fields to the form's.

    An error about a field that the form does not show is about the whole form.
    """
    found = []
    for error in errors:
        path = [part for part in error["field"] if part != "input"]
        name = path[0] if path else ""
        found.append(Problem((names or {}).get(name, "" if names is not None else name), error["message"]))
    return found


def of_fields(*names: str, **renamed: str) -> dict[str, str]:
    """The map for `problems_of`: fields of the same name, and those that the form calls otherwise."""
    return {**{name: name for name in names}, **renamed}


def new_key() -> str:
    """A fresh idempotency key, for the hidden field of a form that moves money or creates."""
    return secrets.token_urlsafe(16)


def read_amount(text: str) -> str | None:
    """A typed amount as a plain decimal: grouping commas and full-width digits are understood; None when it is none."""
    plain = text.translate(_FULL_WIDTH).replace(" ", "")
    if "," in plain and "." not in plain and not _groups(plain.split(",")):
        return None
    try:
        amount = Decimal(plain.replace(",", ""))
    except InvalidOperation:
        return None
    fits = amount.is_finite() and amount.adjusted() <= 15 and "e" not in plain.lower()
    return f"{amount:f}" if fits else None


def read_local(text: str, zone: str) -> str | None:
    """A date-and-time field's value, in a zone, as a DateTime of the schema; None when it is none."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).isoformat()
    except ValueError:
        return None


def _groups(parts: Iterable[str]) -> bool:
    first, *rest = parts
    return bool(first) and all(len(part) == 3 for part in rest)


_FULL_WIDTH = {ord("０") + digit: ord("0") + digit for digit in range(10)} | {ord("，"): ",", ord("．"): "."}
