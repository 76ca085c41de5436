"""Rows come out of a file as a spreadsheet shows them, whatever parts its cells."""

import pytest

from credits.files.sheets import delimiter_of, read_sheet
from credits.refusals import Refusal


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_delimiter_is_recognised(delimiter: str) -> None:
    text = "\n".join(
        delimiter.join(row) for row in (("prefix", "name", "price"), ("93", "Kabul", "1"), ("1", "US", "2"))
    )

    sheet = read_sheet("list.csv", text.encode())

    assert [row.cells for row in sheet][1] == ["93", "Kabul", "1"]


def test_a_comma_within_names_and_prices_does_not_part_a_list_with_semicolons() -> None:

    assert delimiter_of("Vorwahl;Ziel;Preis\n1201;Hasbrouck, NJ;0,09\n1203;Shelton, CT;0,08\n") == ";"


def test_a_list_of_two_columns_with_decimal_commas_is_parted_by_its_semicolons() -> None:

    assert delimiter_of("93;0,45\n94;0,50\n") == ";"


def test_semicolons_within_quoted_lists_do_not_part_a_list_with_commas() -> None:

    assert delimiter_of('Code,Name,Price\n"1; 2; 3",A,0.1\n"4; 5",B,0.2\n') == ","


def test_the_first_line_may_name_the_delimiter_and_counts_as_a_row() -> None:
    sheet = read_sheet("list.csv", b"sep=|\r\n93|Kabul, Herat|0,1\r\n")

    assert [(row.number, row.cells) for row in sheet] == [(2, ["93", "Kabul, Herat", "0,1"])]


def test_rows_keep_the_number_that_a_spreadsheet_shows() -> None:
    sheet = read_sheet("list.csv", b'prefix,name\n\n"93","two\nlines"\n94,b\n')

    assert [(row.number, row.cells[0]) for row in sheet] == [(1, "prefix"), (3, "93"), (4, "94")]


def test_the_text_of_a_row_keeps_its_quotes_and_is_cut_when_it_is_long() -> None:
    sheet = read_sheet("list.csv", b'1,"a, b",2\n' + b"x" * 1000 + b",1,2\n")

    first, second = sheet.rows

    assert sheet.text_of(first) == '1,"a, b",2'
    assert len(sheet.text_of(second)) == 300


def test_a_quotation_mark_that_swallows_the_file_is_refused_with_its_row() -> None:
    content = b'1,a\n2,"b\n' + b"3,c\n" * 50_000

    with pytest.raises(Refusal, match="Row 2 cannot be parted"):
        list(read_sheet("list.csv", content))


def test_an_empty_file_has_no_rows() -> None:

    assert read_sheet("list.csv", b"").rows == []
