"""The characters of a file are found from its bytes alone, and can be told by hand."""

from pathlib import Path

import pytest

from credits.files.texts import decode, encoding_of
from credits.refusals import Refusal

GERMAN = "Vorwahl;Ziel;Preis/min\n0049;München-Süd;0,0924\n0033;Réunion;0,05\n00225;Côte d’Ivoire;0,10\n"
JAPANESE = "番号帯,地域,料金\n8112390,夕張,6.66\n811533,根室,6.64\n8152,名古屋（愛知県）,6.54\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_german_text_reads_the_same_in_every_encoding(encoding: str) -> None:

    text, _ = decode(GERMAN.encode(encoding))

    assert text == GERMAN


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp932", "shift_jis"])
def test_japanese_text_reads_the_same_in_every_encoding(encoding: str) -> None:

    text, _ = decode(JAPANESE.encode(encoding))

    assert text == JAPANESE


def test_a_lonely_accent_is_no_japanese_letter() -> None:

    assert encoding_of("Mexico-São Luís;0,1\n".encode("latin-1")) == "latin-1"


def test_the_windows_euro_sign_tells_it_from_latin_1() -> None:

    assert encoding_of("Köln;€ 0,10\n".encode("cp1252")) == "cp1252"


def test_half_width_japanese_is_japanese() -> None:

    assert encoding_of("81,ﾄｳｷﾖｳ,6.5\n".encode("cp932")) == "cp932"


def test_a_caller_may_say_the_encoding() -> None:

    text, encoding = decode("Łódź".encode("cp1250"), "cp1250")

    assert (text, encoding) == ("Łódź", "cp1250")


@pytest.mark.parametrize("encoding", ["no-such-encoding", "utf-8", "ascii"])
def test_bytes_that_are_no_text_in_the_named_encoding_are_refused(encoding: str) -> None:

    with pytest.raises(Refusal, match="not text in the encoding"):
        decode(b"M\xfcnchen", encoding)


def test_a_picture_is_no_table() -> None:

    with pytest.raises(Refusal):
        decode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1")


@pytest.mark.parametrize(
    ("file", "encoding"),
    [
        ("deck.csv", "utf-8"),
        ("deck_ranges.csv", "utf-8"),
        ("deck_utf16.txt", "utf-16-le"),
        ("deck_sjis.csv", "cp932"),
        ("deck_latin1.csv", "latin-1"),
    ],
)
def test_real_lists_are_in_the_encoding_that_they_were_written_in(shared_data: Path, file: str, encoding: str) -> None:

    assert encoding_of((shared_data / "generated" / file).read_bytes()) == encoding
