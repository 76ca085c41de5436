"""Call records as switches and reports give them, read into finished calls to charge.

Every row becomes a call, a bad row with the reason, or a row left out with the reason: unanswered and
free calls are left out, and so is a row that says again what another says. One id with different values makes all
its rows bad. Of several answered legs with one id, the one answered first keeps the id, so that a call that was
authorized under it is charged once; the others get ids made of what they say.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import TypeVar

from credits.call_messages import CallReport
from credits.files.call_columns import columns_reader
from credits.files.call_rows import CallReader, fingerprint
from credits.files.columns import HEADER_WITHIN_ROWS
from credits.files.sheets import BadRow, Row, Sheet, SkippedRow, read_sheet
from credits.files.switch_records import asterisk_reader, freeswitch_reader, is_asterisk, is_freeswitch
from credits.files.times import zone_of
from credits.files.usage_report import usage_report_columns, usage_report_reader, usage_report_sheet
from credits.files.voice_prices import is_json
from credits.language import Sentence, sentence
from credits.refusals import Refusal, invalid
from db.kinds import Service

FORMATS = ("auto", "credits", "teams", "asterisk", "freeswitch")
_number = itemgetter(0)
_RowKind = TypeVar("_RowKind", BadRow, SkippedRow)


@dataclass(frozen=True, slots=True)
class CallFile:
    """What a file of call records says: the calls in the order of its rows with the row number of each, rows
    that are bad, rows that are left out, and the column of each field."""

    format: str
    calls: list[CallReport]
    rows: list[int]
    bad: list[BadRow]
    skipped: list[SkippedRow]
    columns: dict[str, str]
    encoding: str


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
) -> CallFile:
    """Read a file of call records; times without an offset are in `time_zone`.

    `columns` names columns by hand: a field (see CALL_WORDS) to a header, to a number from 1, or to ""
    to leave it out. Refuses a file whose format is not recognised.
    """
    zone_of(time_zone)
    if is_json(content):
        table = usage_report_sheet(name, content)
    else:
        table = read_sheet(name, content, sheet, encoding=encoding)
    reader = _reader_of(table, format, service, time_zone, dict(columns or {}))
    found, bad, skipped = _read_rows(table, reader)
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
    )


@dataclass(frozen=True, slots=True)
class _Read:
    """A call as its row gave it; `mark` tells the row from others, `partner` is the id of the call's other end."""

    number: int
    report: CallReport
    mark: str
    partner: str


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


def _read_rows(table: Sheet, reader: CallReader) -> tuple[list[_Read], list[BadRow], list[SkippedRow]]:
    found: list[_Read] = []
    bad: list[BadRow] = []
    skipped: list[SkippedRow] = []
    for row in table.below(reader.header_row):
        try:
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
    return _Read(row.number, reading, mark, reader.partner(row.cells) if reader.partner else "")


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
