"""Price lists as carriers send them, read into drafts of rates, with every bad row's number, text and reason.

A row is good as a whole or bad as a whole, however many prefixes it names. Nothing is guessed: what can be
read in two ways is a bad row, and which column is which is said by the header or by hand.

Rules of reading: without a column for it a call is sold in steps of 60 seconds; a step of 0 seconds means
per second; a minimum alone is followed by steps of one second; a first minute priced apart lasts as
long as the first step, 60 seconds where nothing else is said. Origins other than all, grace times and prices
for a single time of day cannot be kept by a deck.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter

from credits.files.columns import HEADER_WITHIN_ROWS, PRICE_FIELDS, Layout, find_layout
from credits.files.figures import check_unit, decimal_sign
from credits.files.rate_rows import RateReader
from credits.files.sheets import BadRow, Row, Sheet, SkippedRow, read_sheet
from credits.files.voice_prices import is_json, voice_prices
from credits.files.words import RATE_WORDS
from credits.language import Instant, Sentence, sentence
from credits.money import known_currency
from credits.publishing import RateDraft
from credits.refusals import Refusal, invalid
from db.kinds import Service

_REQUIRED = (("prefix",), ("price", "first_price"))
_number = itemgetter(0)
_IGNORED_STATUS = frozenset({"inactive", "disabled", "deleted", "inaktiv", "無効"})


@dataclass(frozen=True, slots=True)
class RateFile:
    """What a price list says: drafts in the order of its rows, rows that are bad and rows that are left out,
    the header of each field's column, the headers that were not read, and the instant it counts from."""

    drafts: list[RateDraft]
    bad: list[BadRow]
    skipped: list[SkippedRow]
    columns: dict[str, str]
    unread: tuple[str, ...]
    header_row: int | None
    row_count: int
    effective_from: int | None
    encoding: str
    delimiter: str


def read_rates(
    name: str,
    content: bytes,
    *,
    currency: str,
    service: str = Service.USER_OUT,
    columns: Mapping[str, str] | None = None,
    time_zone: str = "UTC",
    encoding: str | None = None,
    sheet: str | None = None,
) -> RateFile:
    """Read a price list in the given currency.

    `columns` names columns by hand: a field (see RATE_WORDS) to a header, to a number from 1, or to ""
    to leave it out. Dates without an offset are in `time_zone`. Refuses a file that cannot be a price list.
    """
    known_currency(currency)
    skipped: list[SkippedRow] = []
    if is_json(content):
        table, skipped = voice_prices(name, content)
    else:
        table = read_sheet(name, content, sheet, encoding=encoding)
    layout = _layout_of(table, dict(columns or {}))
    _check_header_currency(layout, currency)
    found = _Found([], [], skipped, {})
    reader = RateReader(layout, currency, service, time_zone, _decimal_sign(table, layout))
    count = 0
    for row in table.below(layout.header_row):
        count += 1
        _read_row(reader, table, row, found)
    effective_from = _settle_dates(table, found)
    _settle_repeats(table, found)
    wrong = {bad.number for bad in found.bad}
    drafts = [draft for draft in found.drafts if draft.row not in wrong]
    return RateFile(
        drafts=drafts,
        bad=sorted(found.bad, key=_number),
        skipped=sorted(found.skipped, key=_number),
        columns=layout.titles,
        unread=layout.unread,
        header_row=layout.header_row,
        row_count=count,
        effective_from=effective_from,
        encoding=table.encoding,
        delimiter=table.delimiter,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """What reading has found so far; `dates` tells from which instant each good row counts."""

    drafts: list[RateDraft]
    bad: list[BadRow]
    skipped: list[SkippedRow]
    dates: dict[int, int]


def _read_row(reader: RateReader, table: Sheet, row: Row, found: _Found) -> None:
    status = reader.cell(row.cells, "status").casefold()
    if status in _IGNORED_STATUS:
        reason = sentence("This row says that it does not count: {status}.", status=status)
        found.skipped.append(SkippedRow(row.number, table.text_of(row), reason))
        return
    try:
        drafts, starts_at = reader.drafts(row)
    except Refusal as refusal:
        found.bad.append(BadRow(row.number, table.text_of(row), Sentence(refusal.message, refusal.values)))
        return
    found.drafts.extend(drafts)
    if starts_at is not None:
        found.dates[row.number] = starts_at


def _layout_of(table: Sheet, by_hand: dict[str, str]) -> Layout:
    head = table.head(HEADER_WITHIN_ROWS)
    layout = find_layout(head, RATE_WORDS, _REQUIRED, by_hand)
    if layout is None and not by_hand:
        layout = _two_columns(head)
    if layout is None:
        message = "No row of this file names a column for the prefix and one for the price; name them by hand."
        raise invalid("columns", message)
    return layout


def _two_columns(head: list[Row]) -> Layout | None:
    """A list without a header: prefixes in the first column, prices in the second, and nothing else."""
    data = [row for row in head if not row.cells[0].startswith("#")]
    if not data or any(len(row.cells) != 2 for row in data):
        return None
    for row in data:
        code, price = row.cells
        if not code.lstrip("+").isdigit() or not any(sign in price for sign in ".,"):
            return None
    return Layout({"prefix": 0, "price": 1}, {"prefix": "1", "price": "2"}, {}, None, 2)


def _check_header_currency(layout: Layout, currency: str) -> None:
    for field, meaning in layout.meanings.items():
        if field in PRICE_FIELDS and meaning.unit:
            check_unit(meaning.unit, currency)


def _decimal_sign(table: Sheet, layout: Layout) -> str | None:
    places = [at for field, at in layout.places.items() if field in PRICE_FIELDS]
    return decimal_sign(record[at] for record in table.records() for at in places if at < len(record))


def _settle_dates(table: Sheet, found: _Found) -> int | None:
    """The one instant that the file counts from; rows with another are bad, for a deck counts as a whole."""
    if not found.dates:
        return None
    (usual, _), *others = Counter(found.dates.values()).most_common()
    if others:
        odd = {number: at for number, at in found.dates.items() if at != usual}
        message = "This row counts from {other}, the file from {usual}: a deck counts as a whole from one instant."
        for row in table:
            if row.number in odd:
                reason = sentence(message, other=Instant(odd[row.number]), usual=Instant(usual))
                found.bad.append(BadRow(row.number, table.text_of(row), reason))
    return usual


def _settle_repeats(table: Sheet, found: _Found) -> None:
    """A prefix that two rows name for one service makes both bad; of rows that say the very same, all but the first."""
    clashes = _clashes(found)
    if not clashes:
        return
    rows = {row.number: row for row in table if row.number in clashes}
    for number, others in clashes.items():
        reason = _clash(rows, number, others)
        if reason is not None:
            found.bad.append(BadRow(number, table.text_of(rows[number]), reason))


def _clash(rows: dict[int, Row], number: int, others: list[tuple[str, int]]) -> Sentence | None:
    for prefix, other in others:
        if rows[other].cells != rows[number].cells:
            return sentence("The prefix {prefix} is also in row {other}.", prefix=prefix, other=str(other))
    _, other = others[0]
    return sentence("This row says the same as row {other}.", other=str(other)) if other < number else None


def _clashes(found: _Found) -> dict[int, list[tuple[str, int]]]:
    """For each row that shares a prefix with another: the prefix and the other row, for each of them."""
    wrong = {bad.number for bad in found.bad}
    first: dict[tuple[str, str], int] = {}
    clashes: dict[int, list[tuple[str, int]]] = {}
    for draft in found.drafts:
        assert draft.row is not None
        if draft.row in wrong:
            continue
        earlier = first.setdefault((draft.service, draft.prefix), draft.row)
        if earlier != draft.row:
            clashes.setdefault(draft.row, []).append((draft.prefix, earlier))
            clashes.setdefault(earlier, []).append((draft.prefix, draft.row))
    return clashes
