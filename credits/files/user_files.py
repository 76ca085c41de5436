"""Users as a file lists them: a table under a header, as our own list of users writes it, or a personnel department.

Each row is a user; what cannot be one is reported with its number, its text and why, and spoils no other.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from phonenumbers import SUPPORTED_REGIONS

from credits.files.columns import HEADER_WITHIN_ROWS, Vocabulary, find_layout
from credits.files.figures import decimal_sign, read_figure
from credits.files.sheets import BadRow, Row, Sheet, read_sheet
from credits.language import LANGUAGES, Sentence
from credits.money import micros_of
from credits.refusals import Refusal, invalid

USER_WORDS: Vocabulary = {
    "name": (
        "name", "display name", "displayname", "full name", "user display name", "anzeigename", "nom", "nombre", "名前",
        "氏名", "表示名",
    ),
    "user_name": (
        "user name", "username", "userprincipalname", "user principal name", "upn", "sign in name", "login", "email",
        "e mail", "mail", "mail address", "email address", "benutzername", "utilisateur", "usuario", "ユーザー名",
        "メールアドレス",
    ),
    "country": (
        "country code", "country", "usage location", "usagelocation", "user location", "land", "pays", "país",
        "国コード", "国",
    ),
    "department": ("department", "abteilung", "service", "departamento", "部署", "部門"),
    "monthly_limit": ("monthly limit", "limit", "monatslimit", "月の上限額", "月額上限", "上限額"),
    "licences": ("licences", "licenses", "license", "licence", "plan codes", "plans", "lizenzen", "ライセンス"),
}  # fmt: skip
_REQUIRED = (("name",), ("user_name",), ("country",))
_BETWEEN_CODES = re.compile(r"[\s,;|+、]+")


@dataclass(frozen=True, slots=True)
class ReadUser:
    """A user as a row says it: in which row, the row's text, and its values; the limit in whole units."""

    number: int
    text: str
    name: str
    user_name: str
    country: str
    department: str | None
    monthly_limit: Decimal | None
    plan_codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UserFile:
    """The users of a file, and the rows that cannot be users."""

    users: list[ReadUser] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)


def read_users(name: str, content: bytes) -> UserFile:
    """Read a list of users; refused at `file` or `columns` when it is no table that names its columns."""
    table = read_sheet(name, content)
    layout = find_layout(table.head(HEADER_WITHIN_ROWS), USER_WORDS, _REQUIRED, {})
    if layout is None:
        raise invalid("columns", "The first row must name the columns: at least name, user name and country.")
    rows = list(table.below(layout.header_row))
    limits = layout.places.get("monthly_limit")
    sign = None if limits is None else decimal_sign(_cell(row, limits) for row in rows)
    found = UserFile()
    for row in rows:
        said = {each: _cell(row, at) for each, at in layout.places.items()}
        try:
            found.users.append(_user(table, row, said, sign))
        except Refusal as refusal:
            found.bad.append(BadRow(row.number, table.text_of(row), Sentence(refusal.message, refusal.values)))
    return found


def _user(table: Sheet, row: Row, said: Mapping[str, str], sign: str | None) -> ReadUser:
    written = said.get("monthly_limit", "")
    limit = _limit(written, sign) if written else None
    return ReadUser(
        number=row.number,
        text=table.text_of(row),
        name=said["name"],
        user_name=said["user_name"],
        country=_country(said["country"]),
        department=said.get("department") or None,
        monthly_limit=limit,
        plan_codes=tuple(code for code in _BETWEEN_CODES.split(said.get("licences", "")) if code),
    )


def _limit(written: str, sign: str | None) -> Decimal:
    """A limit; what is no amount of money is refused here, in its row."""
    try:
        limit = read_figure(written, sign).value
    except Refusal:
        raise invalid("monthlyLimit", "{text} is not an amount.", text=written) from None
    micros_of(limit, "monthlyLimit")
    return limit


def _cell(row: Row, at: int) -> str:
    return row.cells[at] if at < len(row.cells) else ""


def _country(text: str) -> str:
    """A country's code, from its code or its name in one of our languages."""
    if text.upper() in SUPPORTED_REGIONS:
        return text.upper()
    return _codes_by_name().get(text.casefold(), text)


@lru_cache(maxsize=1)
def _codes_by_name() -> dict[str, str]:
    return {
        name.casefold(): code
        for language in LANGUAGES
        for code, name in Locale(language).territories.items()
        if code in SUPPORTED_REGIONS
    }
