"""Users as a file lists them: a table under a header, as our own list of users writes it, or a personnel department.

Each row is a user; what cannot be one is reported with its number, its text and why, and spoils no other.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

from credits.countries import country_meant
from credits.files.cells import unguarded
from credits.files.columns import HEADER_WITHIN_ROWS, Layout, Vocabulary, find_layout
from credits.files.figures import currencies_of, decimal_sign, read_figure
from credits.files.sheets import BadRow, Row, Sheet, read_sheet
from credits.language import Sentence
from credits.money import micros_of
from credits.policies import CONFERENCE_POLICIES, USER_POLICIES, policy_meant
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
    "currency": ("currency", "währung", "devise", "moneda", "通貨"),
    "licences": ("licences", "licenses", "license", "licence", "plan codes", "plans", "lizenzen", "ライセンス"),
    "conference_dial_out": ("conferences may dial", "conference dial out", "conferencedialout", "電話会議からの発信先"),
    "user_dial_out": ("may call", "user dial out", "userdialout", "発信先"),
}  # fmt: skip
_REQUIRED = (("name",), ("user_name",), ("country",))
_BETWEEN_CODES = re.compile(r"[\s,;|+、]+")


@dataclass(frozen=True, slots=True)
class ReadUser:
    """A user as a row says it: in which row, the row's text, and its values; the limit in whole units, and None for a
    policy where the account's counts."""

    number: int
    text: str
    name: str
    user_name: str
    country: str
    department: str | None
    monthly_limit: Decimal | None
    plan_codes: tuple[str, ...]
    conference_dial_out: str | None = None
    user_dial_out: str | None = None


@dataclass(frozen=True, slots=True)
class UserFile:
    """The users of a file, and the rows that cannot be users."""

    users: list[ReadUser] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)


def read_users(name: str, content: bytes, *, currency: str) -> UserFile:
    """Read a list of users, whose limits are in a currency.

    Refused at `file` or `columns` when it is no table that names its columns.
    """
    table = read_sheet(name, content)
    layout = find_layout(table.head(HEADER_WITHIN_ROWS), USER_WORDS, _REQUIRED, {})
    if layout is None:
        raise invalid("columns", "The first row must name the columns: at least name, user name and country.")
    reader = _Reader(table, layout, currency)
    found = UserFile()
    for row in reader.rows():
        try:
            found.users.append(reader.user(row))
        except Refusal as refusal:
            found.bad.append(BadRow(row.number, table.text_of(row), Sentence(refusal.message, refusal.values)))
    return found


class _Reader:
    """The rows of a table, read with what its columns tell."""

    def __init__(self, table: Sheet, layout: Layout, currency: str) -> None:
        self._table = table
        self._places = layout.places
        assert layout.header_row is not None, "columns that nobody told by hand are known by their header"
        self._header_row = layout.header_row
        self._currency = currency
        limits = layout.places.get("monthly_limit")
        self._sign = None if limits is None else decimal_sign(_cell(row, limits) for row in self.rows())

    def rows(self) -> Iterator[Row]:
        """The rows below the header, without comments; somebody called #1 is none, who has a user name."""
        for row in self._table:
            if row.number > self._header_row and (row.cells[0][:1] != "#" or self._said(row, "user_name")):
                yield row

    def user(self, row: Row) -> ReadUser:
        """The user of a row; what cannot be right is refused."""
        said = partial(self._said, row)
        return ReadUser(
            number=row.number,
            text=self._table.text_of(row),
            name=said("name"),
            user_name=said("user_name"),
            country=country_meant(said("country")) or said("country"),
            department=said("department") or None,
            monthly_limit=self._limit(said("monthly_limit"), said("currency")) if said("monthly_limit") else None,
            plan_codes=tuple(code for code in _BETWEEN_CODES.split(said("licences")) if code),
            conference_dial_out=policy_meant(said("conference_dial_out"), CONFERENCE_POLICIES, "conferenceDialOut"),
            user_dial_out=policy_meant(said("user_dial_out"), USER_POLICIES, "userDialOut"),
        )

    def _limit(self, written: str, currency: str) -> Decimal:
        """A limit; what is no amount of money, or is one of another currency, is refused here, in its row."""
        try:
            figure = read_figure(written, self._sign)
        except Refusal:
            raise invalid("monthlyLimit", "{text} is not an amount.", text=written) from None
        for unit in (figure.unit, currency):
            if unit and self._currency not in currencies_of(unit):
                raise invalid(
                    "monthlyLimit", "{unit} is not the currency of this account, {currency}.",
                    unit=unit, currency=self._currency,
                )  # fmt: skip
        micros_of(figure.value, "monthlyLimit")
        return figure.value

    def _said(self, row: Row, column: str) -> str:
        at = self._places.get(column)
        return "" if at is None else unguarded(_cell(row, at))


def _cell(row: Row, at: int) -> str:
    return row.cells[at] if at < len(row.cells) else ""
