"""Packed files: the sheets of an XLSX workbook, and the one table in a zip archive.

A workbook is laid out in memory as wide and as high as its farthest cell, so the farthest cell is
looked for before anything is laid out, and what was looked at is what is read.
"""

import io
import re
import struct
import zipfile
import zlib
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from operator import itemgetter

from python_calamine import CalamineError, CalamineWorkbook

from credits.refusals import Refusal, invalid

PACKED = b"PK\x03\x04"
LARGEST_UNPACKED_BYTES = 256 * 1024 * 1024
LARGEST_SHEET_CELLS = 20_000_000
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, RuntimeError, LookupError)
_ROW = re.compile(rb"""\sr\s*=\s*["'][A-Za-z]*([0-9]{1,9})""")
_FAR_COLUMN = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{2,4})[0-9]""")
_NEAR_COLUMNS = 26
_TABLE_ENDINGS = (".csv", ".txt", ".tsv", ".json")

Cell = int | float | str | bool | time | date | datetime | timedelta


def is_packed(content: bytes) -> bool:
    """Tell whether a file is a zip archive, which a workbook is too."""
    return content.startswith(PACKED)


def is_workbook(members: dict[str, bytes]) -> bool:
    """Tell whether an unpacked archive is an XLSX workbook."""
    return any(name.startswith("xl/") for name in members)


def unpacked(content: bytes) -> dict[str, bytes]:
    """What an archive holds, by name; an archive that is broken, locked or too large is refused."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if sum(member.file_size for member in members) > LARGEST_UNPACKED_BYTES:
                raise invalid("file", "This file is too large when it is unpacked.")
            return {member.filename: archive.read(member) for member in members}
    except Refusal:
        raise
    except _BROKEN:
        raise invalid("file", "This archive cannot be unpacked: it is broken or locked with a password.") from None


def only_table(members: dict[str, bytes]) -> tuple[str, bytes]:
    """The one table in an archive; none or several are refused."""
    tables = [(name, content) for name, content in members.items() if name.lower().endswith(_TABLE_ENDINGS)]
    if len(tables) != 1:
        raise invalid("file", "This archive holds {count} tables, and must hold one.", count=len(tables))
    return tables[0]


def sheet_rows(members: dict[str, bytes], sheet: str | None) -> list[list[str]]:
    """The cells of the named sheet as text, or of the first that has any; row 1 comes first."""
    for content in members.values():
        _check_extent(content)
    try:
        workbook = CalamineWorkbook.from_filelike(_packed_again(members))
        names = workbook.sheet_names
        if sheet is not None and sheet not in names:
            message = "There is no sheet {sheet}; there are: {names}."
            raise invalid("sheet", message, sheet=sheet, names=", ".join(names))
        for name in [sheet] if sheet is not None else names:
            rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
            if rows:
                return [[_written(cell) for cell in row] for row in rows]
    except CalamineError:
        raise invalid("file", "This workbook cannot be read: it is broken or locked with a password.") from None
    return []


def _packed_again(members: dict[str, bytes]) -> io.BytesIO:
    again = io.BytesIO()
    with zipfile.ZipFile(again, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    again.seek(0)
    return again


def _check_extent(content: bytes) -> None:
    """Refuse a sheet whose farthest cell would make it too large to lay out."""
    last_row = max(map(int, map(itemgetter(1), _ROW.finditer(content))), default=1)
    last_column = max(map(_column_number, map(itemgetter(1), _FAR_COLUMN.finditer(content))), default=_NEAR_COLUMNS)
    if last_row * last_column > LARGEST_SHEET_CELLS:
        raise invalid("file", "A sheet of this workbook is too large: it reaches to row {row}.", row=str(last_row))


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _written(cell: Cell) -> str:
    """A cell as its reader sees it: whole numbers without a point, others with the 15 digits that a sheet keeps."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, int | float):
        plain = str(int(cell)) if cell == cell // 1 else repr(cell)
        return plain if len(plain) <= 15 and "e" not in plain else f"{Decimal(f'{cell:.15g}'):f}"
    if isinstance(cell, timedelta):
        return str(int(cell.total_seconds()))
    return cell.isoformat(sep=" ") if isinstance(cell, datetime) else cell.isoformat()
