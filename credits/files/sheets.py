"""A table out of a file: rows of cells as text, whatever the file was packed, encoded or parted with.

Rows keep the number that a spreadsheet shows for them, so that a bad one can be found again.
"""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from credits.files.texts import decode
from credits.files.workbooks import is_packed, is_workbook, only_table, sheet_rows, unpacked
from credits.language import Sentence
from credits.refusals import invalid

LARGEST_FILE_BYTES = 256 * 1024 * 1024
LARGEST_ROW_TEXT = 300
# In order of preference where several part a table equally well: a comma may also stand in a price or a list.
_DELIMITERS = ("\t", ";", "|", ",")
_ROWS_TO_JUDGE = 200


class Row(NamedTuple):
    """A row as a spreadsheet numbers it, from 1, and its cells without the space around them."""

    number: int
    cells: list[str]


class BadRow(NamedTuple):
    """A row that cannot be used: where it stands, what it says, and why."""

    number: int
    text: str
    reason: Sentence


class SkippedRow(NamedTuple):
    """A row that is right, and means nothing to do: where it stands, what it says, and why."""

    number: int
    text: str
    reason: Sentence


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table. Rows are read anew each time it is gone through, so that a large one is never held whole."""

    name: str
    encoding: str
    delimiter: str
    records: Callable[[], Iterator[list[str]]]
    first_number: int = 1

    def __iter__(self) -> Iterator[Row]:
        """All rows that hold anything."""
        for number, record in enumerate(self.records(), self.first_number):
            cells = [cell.strip() for cell in record]
            if any(cells):
                yield Row(number, cells)

    def below(self, header_row: int | None) -> Iterator[Row]:
        """The rows below the header, without comments; without a header, those from the first that holds a digit."""
        begun = header_row is not None
        for row in self:
            if (header_row is not None and row.number <= header_row) or row.cells[0].startswith("#"):
                continue
            if begun or any(character.isdigit() for cell in row.cells for character in cell):
                begun = True
                yield row

    @property
    def rows(self) -> list[Row]:
        """All rows that hold anything, at once."""
        return list(self)

    def head(self, count: int) -> list[Row]:
        """The first rows that hold anything."""
        return list(islice(self, count))

    def text_of(self, row: Row) -> str:
        """A row as the file has it, shortened when it is very long."""
        line = io.StringIO()
        csv.writer(line, delimiter=self.delimiter, lineterminator="").writerow(row.cells)
        text = line.getvalue()
        return text if len(text) <= LARGEST_ROW_TEXT else text[: LARGEST_ROW_TEXT - 1] + "…"


def read_sheet(name: str, content: bytes, sheet: str | None = None, *, encoding: str | None = None) -> Sheet:
    """The table in a file: CSV in any usual encoding and with any usual delimiter, XLSX, or a zip with one of them."""
    if len(content) > LARGEST_FILE_BYTES:
        raise invalid("file", "This file is too large.")
    if is_packed(content):
        members = unpacked(content)
        if is_workbook(members):
            rows = sheet_rows(members, sheet)
            return Sheet(name, "xlsx", ",", lambda: iter(rows))
        name, content = only_table(members)
        if is_packed(content):
            raise invalid("file", "This archive holds another archive.")
    text, encoding = decode(content, encoding)
    return sheet_of_text(name, text, encoding)


def sheet_of_text(name: str, text: str, encoding: str) -> Sheet:
    """The table in a text whose cells are parted by commas, semicolons, tabs or bars."""
    first_line, _, rest = text.partition("\n")
    if first_line.strip().lower().startswith("sep=") and len(first_line.strip()) == len("sep=") + 1:
        delimiter = first_line.strip()[-1]
        text = "\n" + rest
    else:
        delimiter = delimiter_of(text)
    return Sheet(name, encoding, delimiter, lambda: _records(text, delimiter))


def delimiter_of(text: str) -> str:
    """The sign between cells: the one that most rows agree on, then the one that parts them into most cells."""
    best, best_score = ",", (0, 0)
    for delimiter in _DELIMITERS:
        if delimiter not in text:
            continue
        widths = Counter(len(record) for record in islice(_records(text, delimiter), _ROWS_TO_JUDGE) if any(record))
        widths.pop(1, None)
        if widths:
            width, rows = max(widths.items(), key=lambda each: (each[1], each[0]))
            if (rows, width) > best_score:
                best, best_score = delimiter, (rows, width)
    return best


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    number = 0
    while True:
        number += 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error:
            message = "Row {row} cannot be parted into cells: a quotation mark is missing or a cell is too long."
            raise invalid("file", message, row=str(number)) from None
        yield record
