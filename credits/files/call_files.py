"""Call records as switches and reports give them, read into finished calls to charge.

Every row becomes a call, a bad row with the reason, or a row left out with the reason: unanswered and
free calls are left out, and so is a row that says again what another says. One id with different values makes all
its rows bad. Of several answered legs with one id, the one answered first keeps the id, so that a call that was
authorized under it is charged once; the others get ids made of what they say.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import TypeVar

from credits.call_messages import CallReport
from credits.callers import NamedUser
from credits.coverage import decided_by_user
from credits.files.call_columns import columns_reader
from credits.files.call_rows import CallReader, Claim, fingerprint
from credits.files.columns import HEADER_WITHIN_ROWS
from credits.files.sheets import BadRow, Row, Sheet, SkippedRow, read_sheet
from credits.files.switch_records import asterisk_reader, freeswitch_reader, is_asterisk, is_freeswitch
from credits.files.times import zone_of
from credits.files.usage_report import usage_report_columns, usage_report_reader, usage_report_sheet
from credits.files.voice_prices import is_json
from credits.language import Sentence, sentence
from credits.refusals import Refusal, invalid
from db.kinds import Service

_ACCOUNTS = "acct_"  # with which their public ids begin
FORMATS = ("auto", "credits", "teams", "asterisk", "freeswitch")
_number = itemgetter(0)
_RowKind = TypeVar("_RowKind", BadRow, SkippedRow)


@dataclass(frozen=True, slots=True)
class CallFile:
    """What a file of call records says: the calls in the order of its rows with the row number of each, rows
    that are bad, rows that are left out, the column of each field, and what whoever imports it should know.

    `claims` is what rows say of users, by their numbers: see `with_users`.
    """

    format: str
    calls: list[CallReport]
    rows: list[int]
    bad: list[BadRow]
    skipped: list[SkippedRow]
    columns: dict[str, str]
    encoding: str
    claims: dict[int, Claim] = field(default_factory=dict)
    notes: list[Sentence] = field(default_factory=list)

    @property
    def user_names(self) -> set[str]:
        """Every name under which a user is claimed."""
        return {name for claim in self.claims.values() for name in claim.names}

    def with_users(self, users: Mapping[str, NamedUser]) -> "CallFile":
        """The same file with its calls given to the users, by the names that it has for them, in small letters.

        A call that a plan paid elsewhere is one to charge only where its user holds that very plan here, whose minutes
        pay it then; else it is left out.
        """
        calls, rows, skipped = [], [], list(self.skipped)
        for report, row in zip(self.calls, self.rows, strict=True):
            claim = self.claims.get(row, _CLAIMS_NOTHING)
            user = next((users[name.lower()] for name in claim.names if name.lower() in users), None)
            if claim.plan_code and not _pays_here(claim.plan_code, user, report.service):
                reason = sentence("The plan {plan} has paid for this call.", plan=claim.plan_code)
                skipped.append(SkippedRow(row, report.call_id, reason))
                continue
            calls.append(report if user is None else replace(report, user_no=user.user_no))
            rows.append(row)
        return replace(self, calls=calls, rows=rows, skipped=sorted(skipped, key=_number), claims={})


_CLAIMS_NOTHING = Claim()


def _pays_here(plan_code: str, user: NamedUser | None, service: str) -> bool:
    return user is not None and plan_code in user.plan_codes and decided_by_user(service)


def read_calls(
    name: str,
    content: bytes,
    *,
    format: str = "auto",  # noqa: A002 - the word that users of the command line know
    time_zone: str = "UTC",
    service: str = Service.USER_OUT,
    columns: Mapping[str, str] | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    owner: tuple[str, str] | None = None,
) -> CallFile:
    """Read a file of call records; times without an offset are in `time_zone`.

    `columns` names columns by hand: a field (see CALL_WORDS) to a header, to a number from 1, or to ""
    to leave it out. `owner` is the public id and the name of the account that they are to be charged to: a row that
    names another one is bad. Refuses a file whose format is not recognised.
    """
    zone_of(time_zone)
    if is_json(content):
        table = usage_report_sheet(name, content)
    else:
        table = read_sheet(name, content, sheet, encoding=encoding)
    reader = _reader_of(table, format, service, time_zone, dict(columns or {}))
    owners = _Owners(owner)
    found, bad, skipped = _read_rows(table, reader, owners)
    settled = _settle(reader, found)
    bad += _told(BadRow, table, settled.odd)
    skipped += _told(SkippedRow, table, settled.repeats)
    return CallFile(
        format=reader.format,
        calls=[read.report for read in settled.kept],
        rows=[read.number for read in settled.kept],
        bad=sorted(bad, key=_number),
        skipped=sorted(skipped, key=_number),
        columns=reader.columns,
        encoding=table.encoding,
        claims={read.number: read.claim for read in settled.kept if read.claim is not None},
        notes=owners.notes(reader.columns.get("account", "")),
    )


@dataclass(frozen=True, slots=True)
class _Read:
    """A call as its row gave it; `mark` tells the row from others, `partner` is the id of the call's other end."""

    number: int
    report: CallReport
    mark: str
    partner: str
    claim: Claim | None


@dataclass(frozen=True, slots=True)
class _Settled:
    """Which calls stay, which rows contradict each other, and which say again what another said."""

    kept: list[_Read]
    odd: dict[int, Sentence]
    repeats: dict[int, Sentence]


def _reader_of(table: Sheet, format_: str, service: str, time_zone: str, by_hand: dict[str, str]) -> CallReader:
    """How to read the rows of a table: as the caller says, or as its first rows show."""
    if format_ not in FORMATS:
        raise invalid("format", "{name} is not a format; there are: {names}.", name=format_, names=", ".join(FORMATS))
    head = table.head(HEADER_WITHIN_ROWS)
    data = [row.cells for row in head if not row.cells[0].startswith("#")]
    if format_ in ("auto", "teams") and not by_hand:
        for row in head:
            places = usage_report_columns(row)
            if places is not None:
                return usage_report_reader(row, places, time_zone)
    if format_ in ("auto", "credits") and (reader := columns_reader(head, service, time_zone, by_hand)):
        return reader
    for name, fits, reader_for in _HEADERLESS:
        if format_ == name or (format_ == "auto" and not by_hand and data and all(fits(cells) for cells in data)):
            return reader_for(service, time_zone)
    message = (
        "It is not clear which column of this file is which. Name by hand, by header or by number, the columns "
        "call_id, to_number, duration_seconds and answered_at or started_at; for example to_number=2."
    )
    raise invalid("columns", message)


_HEADERLESS: tuple[tuple[str, Callable[[list[str]], bool], Callable[[str, str], CallReader]], ...] = (
    ("asterisk", is_asterisk, asterisk_reader),
    ("freeswitch", is_freeswitch, freeswitch_reader),
)


class _Owners:
    """Whose calls the rows say that they are."""

    def __init__(self, owner: tuple[str, str] | None) -> None:
        self._owner = owner
        self._others: set[str] = set()

    def check(self, account: str) -> None:
        """Refuse a row of another account; what is no account's id at all is noted."""
        if self._owner is None or not account or account.casefold() in (name.casefold() for name in self._owner):
            return
        if account.startswith(_ACCOUNTS):
            message = "This call is of the account {account}, and not of {own}."
            raise invalid("account", message, account=account, own=self._owner[0])
        self._others.add(account)

    def notes(self, column: str) -> list[Sentence]:
        """That a column seems to name accounts, and was not used."""
        if not self._others:
            return []
        message = (
            "The column {column} names no accounts as they are known here ({example}), and was not used: all calls are"
            " taken as those of {own}."
        )
        assert self._owner is not None, "nothing is noted otherwise"
        return [sentence(message, column=column, example=min(self._others), own=self._owner[0])]


def _read_rows(table: Sheet, reader: CallReader, owners: _Owners) -> tuple[list[_Read], list[BadRow], list[SkippedRow]]:
    found: list[_Read] = []
    bad: list[BadRow] = []
    skipped: list[SkippedRow] = []
    for row in table.below(reader.header_row):
        try:
            if reader.account is not None:
                owners.check(reader.account(row.cells))
            reading = _read(reader, row)
        except Refusal as refusal:
            bad.append(BadRow(row.number, table.text_of(row), Sentence(refusal.message, refusal.values)))
            continue
        if isinstance(reading, Sentence):
            skipped.append(SkippedRow(row.number, table.text_of(row), reading))
        else:
            found.append(reading)
    return found, bad, skipped


def _read(reader: CallReader, row: Row) -> _Read | Sentence:
    if any(row.cells[reader.width :]):
        message = "This row has {count} cells, and may have {width}: a cell that holds the delimiter needs quotes."
        raise invalid("row", message, count=len(row.cells), width=reader.width)
    reading = reader.read(row.cells)
    if isinstance(reading, Sentence):
        return reading
    mark = fingerprint(row.cells) if reader.legs else ""
    partner = reader.partner(row.cells) if reader.partner else ""
    return _Read(row.number, reading, mark, partner, reader.claim(row.cells) if reader.claim else None)


def _settle(reader: CallReader, found: list[_Read]) -> _Settled:
    by_id: dict[str, list[_Read]] = {}
    for read in found:
        by_id.setdefault(read.report.call_id, []).append(read)
    settled = _Settled([], {}, {})
    renamed: dict[int, _Read] = {}
    for same in by_id.values():
        if len(same) > 1:
            _settle_same_id(reader, same, settled, renamed)
    kept: dict[str, int] = {}
    named: dict[str, int] = {}
    for read in found:
        if read.number in settled.odd or read.number in settled.repeats:
            continue
        other = named.get(read.report.call_id) or (kept.get(read.partner) if read.partner else None)
        if other is not None:
            settled.repeats[read.number] = sentence(
                "This is the other end of the call in row {other}.", other=str(other)
            )
            continue
        kept[read.report.call_id] = read.number
        if read.partner:
            named[read.partner] = read.number
        settled.kept.append(renamed.get(read.number, read))
    return settled


def _settle_same_id(reader: CallReader, same: list[_Read], settled: _Settled, renamed: dict[int, _Read]) -> None:
    """Several rows with one id: repeats of one call, legs of one, or a contradiction."""
    first_with: dict[object, _Read] = {}
    for read in same:
        first = first_with.setdefault(read.mark if reader.legs else read.report, read)
        if first is not read:
            settled.repeats[read.number] = sentence("This row says the same as row {other}.", other=str(first.number))
    distinct = list(first_with.values())
    if reader.legs:
        first = min(distinct, key=lambda read: (read.report.answered_at, read.mark))
        for read in distinct:
            if read is not first:
                call_id = f"{read.report.call_id}#{read.mark}"
                renamed[read.number] = replace(read, report=replace(read.report, call_id=call_id))
    elif len(distinct) > 1:
        for read in distinct:
            other = distinct[1] if read is distinct[0] else distinct[0]
            settled.odd[read.number] = sentence(
                "The call {call} is also in row {other}, with other values.",
                call=read.report.call_id,
                other=str(other.number),
            )


def _told(kind: type[_RowKind], table: Sheet, reasons: dict[int, Sentence]) -> list[_RowKind]:
    """Rows by their numbers, each with its text and reason; the file is gone through once more for the texts."""
    if not reasons:
        return []
    return [kind(row.number, table.text_of(row), reasons[row.number]) for row in table if row.number in reasons]
