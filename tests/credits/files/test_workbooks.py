"""Workbooks are read as their reader sees them, and archives hold one table."""

import io
import zipfile
from datetime import datetime
from typing import Any

import pytest
import xlsxwriter  # type: ignore[import-untyped]

from credits.files.sheets import read_sheet
from credits.refusals import Refusal


def workbook(sheets: dict[str, dict[tuple[int, int], Any]]) -> bytes:
    """An XLSX file with the given cells, by sheet and by row and column from 0."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "default_date_format": "dd.mm.yyyy hh:mm"}) as book:
        for name, cells in sheets.items():
            sheet = book.add_worksheet(name)
            for (row, column), value in cells.items():
                sheet.write(row, column, value)
    return file.getvalue()


def archive(members: dict[str, bytes]) -> bytes:
    """A zip archive with the given files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return file.getvalue()


def test_numbers_come_as_they_are_written_without_a_needless_point() -> None:
    content = workbook(
        {"Rates": {(0, 0): 1201288, (0, 1): 0.0924, (0, 2): 0.1 + 0.2, (0, 3): 0.00001, (0, 4): 541144e6}}
    )

    assert read_sheet("list.xlsx", content).rows[0].cells == ["1201288", "0.0924", "0.3", "0.00001", "541144000000"]


def test_dates_come_year_first_and_truth_as_words() -> None:
    content = workbook({"Rates": {(0, 0): datetime(2026, 7, 31, 17, 4), (0, 1): True}})  # noqa: DTZ001 - a sheet's own

    assert read_sheet("list.xlsx", content).rows[0].cells == ["2026-07-31 17:04:00", "TRUE"]


def test_rows_keep_their_numbers_below_empty_ones() -> None:
    content = workbook({"Rates": {(4, 1): "prefix"}})

    assert [(row.number, row.cells) for row in read_sheet("list.xlsx", content)] == [(5, ["", "prefix"])]


def test_the_first_sheet_that_holds_anything_is_read_unless_one_is_named() -> None:
    content = workbook({"Cover": {}, "Rates": {(0, 0): "a"}, "Old": {(0, 0): "b"}})

    assert read_sheet("list.xlsx", content).rows[0].cells == ["a"]
    assert read_sheet("list.xlsx", content, "Old").rows[0].cells == ["b"]


def test_a_sheet_that_is_not_there_is_refused_with_the_names_of_those_that_are() -> None:

    with pytest.raises(Refusal, match="There is no sheet New; there are: Rates"):
        read_sheet("list.xlsx", workbook({"Rates": {(0, 0): 1}}), "New")


def test_one_cell_in_the_farthest_corner_does_not_lay_out_the_whole_sheet() -> None:
    content = workbook({"Rates": {(0, 0): 1, (1_048_575, 16_383): 2}})

    with pytest.raises(Refusal, match="too large"):
        read_sheet("list.xlsx", content)


def test_a_broken_workbook_is_refused() -> None:
    content = workbook({"Rates": {(0, 0): 1}})

    with pytest.raises(Refusal):
        read_sheet("list.xlsx", content[: len(content) // 2])


def test_a_table_in_an_archive_is_read() -> None:

    sheet = read_sheet("PSTN.calls.zip", archive({"readme.md": b"hello", "calls.csv": b"a,b\n1,2\n"}))

    assert [row.cells for row in sheet] == [["a", "b"], ["1", "2"]]


@pytest.mark.parametrize("members", [{}, {"a.csv": b"1", "b.csv": b"2"}, {"inner.csv": archive({"a.csv": b"1"})}])
def test_an_archive_must_hold_one_table(members: dict[str, bytes]) -> None:

    with pytest.raises(Refusal):
        read_sheet("calls.zip", archive({"note.md": b"-"} | members))


def test_an_archive_that_unpacks_to_too_much_is_refused() -> None:

    with pytest.raises(Refusal, match="too large when it is unpacked"):
        read_sheet("calls.zip", archive({"calls.csv": b"0" * (256 * 1024 * 1024 + 1)}))
