"""Receipts, invoices and statements in words: what the printable page and the PDF both lay out, in the reader's
language."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from babel.dates import format_date

from credits.instants import months_later
from credits.language import Language
from web.figures import Figures
from web.words import word

# Where paper is Letter; everywhere else it is A4 (source: CLDR, paper sizes).
LETTER_REGIONS = frozenset({"BZ", "CA", "CL", "CO", "CR", "GT", "MX", "NI", "PA", "PH", "PR", "SV", "US", "VE"})

_STAMPED = ("OPEN", "OVERDUE", "REFUNDED")  # what is paid says so by its day


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its amount; what is said below it, small."""

    text: str
    amount: str
    below: str = ""


@dataclass(frozen=True, slots=True)
class Paper:
    """A document as it is set: texts, each ready to be shown. The first line of `seller` and `buyer` is a name.

    `stamp` says how it stands, where that is not plain; `rest` is what is left after what went back.
    """

    title: str
    number: str
    stamp: str
    is_alarming: bool
    seller: list[str]
    addressed: str
    buyer: list[str]
    facts: list[tuple[str, str]]
    lines: list[Line]
    total: Line
    returns: list[Line]
    rest: Line | None
    notes: list[str]
    is_letter: bool


def paper_of(receipt: Mapping[str, Any], language: Language, region: str) -> Paper:
    """A Receipt of the schema, in words."""
    say, figures = language.say, Figures(language)
    is_invoice = receipt["kind"] == "INVOICE"
    amount, returns = receipt["amount"], receipt["returns"]
    return Paper(
        title=say("Invoice") if is_invoice else say("Receipt"),
        number=receipt["number"],
        stamp=word(language, "receipt", receipt["status"]) if receipt["status"] in _STAMPED else "",
        is_alarming=receipt["status"] == "OVERDUE",
        seller=[*receipt["seller"], *_tax_line(receipt, language)],
        addressed=say("For"),
        buyer=[receipt["buyer"], *_agreement(receipt, language)],
        facts=_facts(receipt, language),
        lines=[
            Line(line["description"], figures.plain_money(line["amount"]), _usable(receipt, language))
            for line in receipt["lines"]
        ],
        total=Line(say("Total, {currency}", currency=amount["currency"]), figures.plain_money(amount)),
        returns=[_returned(each, language) for each in returns],
        rest=_rest(receipt, language) if returns else None,
        notes=[say("This is a test account: no money was moved.")] if receipt["isTest"] else [],
        is_letter=region in LETTER_REGIONS,
    )


def paper_of_statement(statement: Mapping[str, Any], account: Mapping[str, Any], language: Language) -> Paper:
    """A Statement of the schema, in words: the opening balance, what moved, by kind, and the closing balance."""
    say, figures = language.say, Figures(language)
    month = figures.time_named(statement["month"], "MONTH")
    first = date.fromisoformat(statement["month"])
    last = months_later(first, 1) - timedelta(days=1)
    return Paper(
        title=say("Statement"),
        number=month,
        stamp="" if statement["isOver"] else say("The month is not over"),
        is_alarming=False,
        seller=list(statement["issuer"]),
        addressed=say("For"),
        buyer=[account["name"]],
        facts=[
            (say("Month"), month),
            (say("Days"), figures.period(first, last)),
            (say("Time zone"), account["timeZone"]),
            (say("Account"), account["id"]),
        ],
        lines=[
            Line(say("Opening balance"), figures.plain_money(statement["opening"])),
            *(_moved(line, language) for line in statement["lines"]),
        ],
        total=Line(
            say("Closing balance, {currency}", currency=statement["closing"]["currency"]),
            figures.plain_money(statement["closing"]),
        ),
        returns=[],
        rest=None,
        notes=[say("This is a test account: no money was moved.")] if account["mode"] == "TEST" else [],
        is_letter=account["region"] in LETTER_REGIONS,
    )


def _moved(line: Mapping[str, Any], language: Language) -> Line:
    """Entries of one kind, and how many where they are several."""
    said, count = word(language, "statement", line["item"]), line["entries"]
    text = f"{said} × {language.number(count)}" if count > 1 else said
    return Line(text, Figures(language).plain_money(line["amount"]))


def _facts(receipt: Mapping[str, Any], language: Language) -> list[tuple[str, str]]:
    """What stands beside the addresses: number, days, and how it was paid."""
    say = language.say
    facts = [(say("Number"), receipt["number"]), (say("Issued on"), _day(receipt["issuedOn"], language))]
    if receipt["paidOn"] is None and receipt["status"] != "REFUNDED" and receipt["dueOn"] is not None:
        facts.append((say("To be paid by"), _day(receipt["dueOn"], language)))
    if receipt["paidOn"] is not None:
        facts.append((say("Paid on"), _day(receipt["paidOn"], language)))
    if receipt["reference"]:
        facts.append((say("Reference"), receipt["reference"]))
    method = receipt["paymentMethod"]
    if method and method["kind"] == "CARD":
        facts.append((say("Paid with"), method["label"].rpartition(",")[0] or method["label"]))
    return facts


def _agreement(receipt: Mapping[str, Any], language: Language) -> list[str]:
    lines = []
    if receipt["purchaseOrder"]:
        lines.append(language.say("Purchase order {number}", number=receipt["purchaseOrder"]))
    if receipt["agreementNumber"]:
        lines.append(language.say("Agreement {number}", number=receipt["agreementNumber"]))
    return lines


def _tax_line(receipt: Mapping[str, Any], language: Language) -> list[str]:
    return [language.say("Tax number {number}", number=receipt["sellerTaxId"])] if receipt["sellerTaxId"] else []


def _usable(receipt: Mapping[str, Any], language: Language) -> str:
    if receipt["usableThrough"] is None:
        return ""
    return language.say("To be used through {day}.", day=_day(receipt["usableThrough"], language))


def _returned(each: Mapping[str, Any], language: Language) -> Line:
    day = _day(each["on"], language)
    if each["kind"] == "DISPUTE":
        text = language.say("Taken back by the payer's bank on {day}", day=day)
    elif each["isDone"]:
        text = language.say("Refunded on {day}", day=day)
    else:
        text = language.say("Refund of {day}, on its way", day=day)
    return Line(text, "−" + Figures(language).plain_money(each["amount"]), each["reason"])


def _rest(receipt: Mapping[str, Any], language: Language) -> Line:
    """What is left after what went back; never below nothing, since more never goes back than came."""
    rest = {**receipt["remaining"], "amount": str(max(Decimal(receipt["remaining"]["amount"]), Decimal(0)))}
    said = language.say("Remains paid") if receipt["paidOn"] is not None else language.say("Left to pay")
    return Line(said, Figures(language).plain_money(rest))


def _day(text: str, language: Language) -> str:
    return format_date(date.fromisoformat(text), "long", locale=language.locale)
