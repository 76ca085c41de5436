"""Whatever bytes somebody uploads, they are read or refused: nothing else ever happens."""

from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credits.files.call_files import read_calls
from credits.files.rate_files import read_rates
from credits.refusals import Refusal
from tests.credits.files.test_workbooks import workbook

CELLS = st.one_of(
    st.text(max_size=12),
    st.from_regex(r"[+^]?[0-9,.\-/ ]{1,14}", fullmatch=True),
    st.sampled_from(
        ["93", "0.2", "€1", "1,234", "2026-03-01 10:00:00", "01/02/2026", "9320-9328", "Blocked", "1E5", "#"]
    ),
)
HEADERS = st.sampled_from(
    ["prefix", "price", "Cost / Min (USD)", "min_s", "increment", "effective from", "call_id", "to", "answered_at",
     "start", "duration", "billsec", "service", "user_no", "disposition", "currency", "x", ""]
)  # fmt: skip


def read_everything(content: bytes) -> None:
    """Read as prices and as calls; only the module's own refusal may come out."""
    with suppress(Refusal):
        read_rates("any", content, currency="USD")
    for format_ in ("auto", "credits", "teams", "asterisk", "freeswitch"):
        with suppress(Refusal):
            read_calls("any", content, format=format_, time_zone="Europe/Berlin")
    with suppress(Refusal):
        read_calls("any", content, columns={"to_number": "1", "duration_seconds": "2", "started_at": "3"})


@settings(max_examples=200)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:

    read_everything(content)


@settings(max_examples=200)
@given(st.sampled_from([b"PK\x03\x04", b"{", b"[", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"sep=;\n"]), st.binary())
def test_any_bytes_behind_a_known_beginning_are_read_or_refused(beginning: bytes, content: bytes) -> None:

    read_everything(beginning + content)


@settings(max_examples=150)
@given(
    st.lists(HEADERS, min_size=1, max_size=8),
    st.lists(st.lists(CELLS, max_size=8), max_size=6),
    st.sampled_from(",;\t"),
)
def test_any_table_is_read_or_refused(header: list[str], rows: list[list[str]], delimiter: str) -> None:

    read_everything("\n".join(delimiter.join(row) for row in [header, *rows]).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    "text", ['{"value": [1]}', '{"value": 1}', "[[]]", '{"outbound_prefix_prices": [1, {}, []]}', "[" * 9999]
)
def test_any_json_is_read_or_refused(text: str) -> None:

    read_everything(text.encode())


def test_any_damage_to_a_workbook_is_read_or_refused() -> None:
    whole = workbook({"Rates": {(0, 0): "prefix", (0, 1): "price", (1, 0): 93, (1, 1): 0.2}})
    random = Random(7)

    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(random.randint(1, 6)):
            damaged[random.randrange(len(damaged))] = random.randrange(256)
        with suppress(Refusal):
            read_rates("any.xlsx", bytes(damaged), currency="USD")


def test_any_damage_to_real_files_is_read_or_refused(shared_data: Path) -> None:
    random = Random(7)

    for file in ("decks/twilio_layout_US_GB.csv", "generated/deck_sjis.csv", "cdr/asterisk_pseudonymised_smallcdr.csv"):
        whole = (shared_data / file).read_bytes()
        for _ in range(20):
            damaged = bytearray(whole)
            for _ in range(random.randint(1, 20)):
                damaged[random.randrange(len(damaged))] = random.randrange(256)
            read_everything(bytes(damaged))
