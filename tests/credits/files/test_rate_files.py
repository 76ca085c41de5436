"""Price lists become drafts, and every row that cannot be used says so with its number, its text and why."""

import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import xlsxwriter  # type: ignore[import-untyped]

from credits.files.rate_files import RateFile, read_rates
from credits.files.sheets import BadRow
from credits.instants import instant
from credits.language import language
from credits.publishing import RateDraft, check_drafts
from credits.rating import Tier
from credits.refusals import Refusal

HEADER = "prefix,destination,price\n"


def read(text: str, currency: str = "USD", columns: Mapping[str, str] | None = None, **options: str) -> RateFile:
    return read_rates("list.csv", text.encode(), currency=currency, columns=columns, **options)


def reason(row: BadRow) -> str:
    return language("en").say(row.reason.message, **row.reason.values)


def reasons(file: RateFile) -> dict[int, str]:
    return {row.number: reason(row) for row in file.bad}


def only(file: RateFile) -> RateDraft:
    assert reasons(file) == {}
    (draft,) = file.drafts
    return draft


def test_a_plain_list_is_read() -> None:

    file = read("prefix,destination,price\n93,Afghanistan,0.20930\n1,United States,0\n")

    assert [(draft.prefix, draft.destination, draft.tiers, draft.row) for draft in file.drafts] == [
        ("93", "Afghanistan", (Tier(0, 209_300_000, 60),), 2),
        ("1", "United States", (Tier(0, 0, 60),), 3),
    ]
    assert (file.header_row, file.row_count, file.effective_from) == (1, 2, None)


@pytest.mark.parametrize(
    "header",
    [
        "Prefix;Destination;Price",
        "Dial Code;Description;Rate",
        "Code;Destination;Cost / Min (USD)",
        "Vorwahl;Ziel;Preis/Min",
        "Vorwahl;Zielgebiet;Preis pro Minute (USD)",
        "番号帯;地域;料金",
        "番号帯;地域;料金（分）",
        "prefix;name;rate_per_min",
        "pattern;comment;cost",
        "dialprefix;destination;rate initial",
        "Indicatif;Pays;Prix/min",
        "PREFIX;COUNTRY;USD/min Rate",
        "Prefix;Destination;$ Rate per minute",
    ],
)
def test_headers_come_in_many_words(header: str) -> None:

    draft = only(read(f"{header}\n93;Afghanistan;0.2\n"))

    assert (draft.prefix, draft.destination, draft.tiers[0].price_nanos) == ("93", "Afghanistan", 200_000_000)


def test_titles_above_the_header_comments_and_blank_lines_do_not_count() -> None:

    file = read("Rates of Example Ltd,,\nvalid from 1 May,,\n\nPrefix,Destination,Price\n# mobile\n93,Kabul,0.2\n\n")

    assert only(file).row == 6
    assert (file.header_row, file.row_count) == (4, 1)


def test_columns_may_be_named_by_hand() -> None:

    file = read("Wohin,Was,EK,VK\n93,Kabul,0.1,0.2\n", columns={"prefix": "wohin", "price": "VK", "destination": "Was"})

    assert (only(file).destination, only(file).tiers[0].price_nanos) == ("Kabul", 200_000_000)
    assert file.unread == ("EK",)


def test_columns_may_be_numbered_by_hand_where_there_is_no_header() -> None:

    file = read("Kabul,93,x,0.2\nHerat,9340,x,0.3\n", columns={"prefix": "2", "price": "4", "destination": "1"})

    assert [(draft.prefix, draft.destination) for draft in file.drafts] == [("93", "Kabul"), ("9340", "Herat")]


def test_a_column_may_be_left_out_by_hand() -> None:

    file = read("prefix,price,effective from\n93,0.2,03/04/2026\n", columns={"effective_from": ""})

    assert only(file).prefix == "93"
    assert file.effective_from is None


def test_a_column_or_field_that_is_not_there_is_refused() -> None:

    with pytest.raises(Refusal, match="There is no column Tariff"):
        read("prefix,price\n93,0.2\n", columns={"price": "Tariff"})
    with pytest.raises(Refusal, match="There is no field colour"):
        read("prefix,price\n93,0.2\n", columns={"colour": "price"})


def test_two_columns_that_may_both_be_the_price_are_for_a_hand_to_choose() -> None:

    with pytest.raises(Refusal, match=r"Several columns may be the price \(Rate, Cost\)"):
        read("prefix,Rate,Cost\n93,0.2,0.1\n")
    assert only(read("prefix,Rate,Cost\n93,0.2,0.1\n", columns={"price": "Rate"})).tiers[0].price_nanos == 200_000_000


def test_a_list_without_a_price_column_is_refused() -> None:

    with pytest.raises(Refusal, match="No row of this file names a column"):
        read("#Id,Prefix\nDST_1002,1002\n")


def test_a_headerless_list_of_prefix_and_price_is_read() -> None:

    file = read("36, 0.082\n40, 0.071\n")

    assert [(draft.prefix, draft.destination) for draft in file.drafts] == [("36", "+36"), ("40", "+40")]


def test_several_prefixes_and_ranges_in_a_quoted_cell_each_become_a_rate() -> None:

    file = read(HEADER + '"1800, 1844",Toll free,0.013\n"9320-9322; +9328",Kabul,0.2\n')

    assert [draft.prefix for draft in file.drafts] == ["1800", "1844", "9320", "9321", "9322", "9328"]
    assert {draft.row for draft in file.drafts[2:]} == {3}


@pytest.mark.parametrize(
    ("columns", "cells", "tiers"),
    [
        ("inc", "6", ((0, 6),)),
        ("Increment", "0", ((0, 1),)),
        ("Increment", "", ((0, 60),)),
        ("Initial Increment,Increment", "30,60", ((0, 30), (30, 60))),
        ("Initial Increment,Increment", "60,1", ((0, 60), (60, 1))),
        ("Initial Increment,Increment", "30,30", ((0, 30),)),
        ("min_s,increment_s", "0,6", ((0, 6),)),
        ("min_s,increment_s", "30,0", ((0, 30), (30, 1))),
        ("initblock", "30", ((0, 30), (30, 1))),
        ("Takt", "60/1", ((0, 60), (60, 1))),
        ("Increment (sec)", "6", ((0, 6),)),
    ],
)
def test_minimum_and_steps_become_tiers(columns: str, cells: str, tiers: tuple[tuple[int, int], ...]) -> None:

    draft = only(read(f"prefix,price,{columns}\n93,0.2,{cells}\n"))

    assert tuple((tier.from_second, tier.increment_seconds) for tier in draft.tiers) == tiers


def test_first_and_next_minutes_may_have_prices_of_their_own() -> None:

    draft = only(read("prefix,Initial Rate per Minute,Increment Rate Per Minute\n93,0.33,0.1\n"))

    assert draft.tiers == (Tier(0, 330_000_000, 60), Tier(60, 100_000_000, 60))


def test_connect_fee_free_seconds_cap_and_service_are_read() -> None:

    draft = only(
        read("prefix,price,connect_fee,included seconds,max cost,service\n93,0.2,0.05,10,1.5,CONFERENCE_OUT\n")
    )

    assert (draft.connect_fee_nanos, draft.free_seconds, draft.max_cost_nanos) == (50_000_000, 10, 1_500_000_000)
    assert draft.service == "CONFERENCE_OUT"


def test_the_caller_says_which_service_the_list_is_for() -> None:

    assert only(read(HEADER + "1800,Toll free,0.02\n", service="TOLL_FREE_IN")).service == "TOLL_FREE_IN"


@pytest.mark.parametrize("word", ["Blocked", "blocked", "GESPERRT", "不可"])
def test_a_prefix_may_be_blocked(word: str) -> None:

    draft = only(read(HEADER + f"1778,Canada,{word}\n"))

    assert (draft.blocked, draft.tiers) == (True, ())


def test_a_column_of_countries_is_read_by_codes() -> None:

    file = read("prefix,price,ISO\n93,0.2,af\n870,3.0,001\n94,0.2,Sri Lanka\n")

    assert [draft.country for draft in file.drafts] == ["AF", None]
    assert reasons(file) == {4: "SRI LANKA is not a country code of two letters."}


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (
            "5.41144E+11,Argentina,0.04",
            "5.41144E+11: a spreadsheet has destroyed this prefix; its last digits are lost.",
        ),
        ("*2007,Assistance,0.33", "*2007 is not a prefix: it must be digits, with + or 00 before them at most."),
        (",Nowhere,0.33", "The prefix is missing."),
        ("93,Kabul,", "The price is missing. To withdraw a prefix, publish a list without its row."),
        ("93,Kabul,€0.2", "€ is not the currency of this deck, USD."),
        ("93,Kabul,0.2 EUR", "EUR is not the currency of this deck, USD."),
        ("93,Kabul,-0.2", "A price cannot be negative."),
        ("93,Kabul,cheap", "cheap is not a price."),
        ("93,0.1234,0.2", "The destination 0.1234 reads like a figure: the columns of this row may have moved."),
        ("93,Kabul, Herat,0.2", "This row has 4 cells and the header 3: a cell that holds the delimiter needs quotes."),
    ],
)
def test_a_bad_row_says_its_number_its_text_and_why(row: str, why: str) -> None:

    file = read(HEADER + f"1,United States,0.1\n{row}\n")

    assert [draft.prefix for draft in file.drafts] == ["1"]
    (bad,) = file.bad
    assert (bad.number, reason(bad)) == (3, why)
    assert bad.text.replace(", ", ",") == row.replace(", ", ",")


def test_a_price_for_some_origins_only_cannot_be_kept() -> None:

    file = read("prefix,price,Origination Prefixes\n93,0.2,ALL\n94,0.2,\n95,0.2,44\n")

    assert reasons(file) == {4: "This price counts only for calls from 44."}


def test_a_header_in_another_currency_is_refused() -> None:

    with pytest.raises(Refusal, match="EUR is not the currency of this deck, USD"):
        read("prefix,Price (EUR)\n93,0.2\n")


def test_a_currency_column_is_held_against_the_deck() -> None:

    assert reasons(read("prefix,price,currency\n93,0.2,USD\n94,0.2,EUR\n")) == {
        3: "EUR is not the currency of this deck, USD."
    }


def test_a_price_per_second_or_in_cents_says_so_in_its_header() -> None:

    assert only(read("prefix,price per second\n93,0.001\n")).tiers[0].price_nanos == 60_000_000
    assert only(read("prefix,Price (ct/min)\n93,5\n")).tiers[0].price_nanos == 50_000_000
    assert only(read("番号帯,料金（円/3分）\n81,8.4\n", "JPY")).tiers[0].price_nanos == 2_800_000_000


def test_a_prefix_in_two_rows_makes_both_bad_and_each_names_the_other() -> None:

    file = read(HEADER + '93,A,0.1\n94,B,0.1\n"95, 93",C,0.2\n')

    assert [draft.prefix for draft in file.drafts] == ["94"]
    assert reasons(file) == {2: "The prefix 93 is also in row 4.", 4: "The prefix 93 is also in row 2."}


def test_a_row_that_says_the_very_same_again_is_bad_alone() -> None:

    file = read(HEADER + "93,A,0.1\n94,B,0.1\n93,A,0.1\n")

    assert [draft.prefix for draft in file.drafts] == ["93", "94"]
    assert reasons(file) == {4: "This row says the same as row 2."}


def test_a_third_row_with_another_price_makes_even_the_repeated_ones_bad() -> None:

    file = read(HEADER + "93,A,0.1\n93,A,0.1\n93,A,0.2\n")

    assert file.drafts == []
    assert set(reasons(file)) == {2, 3, 4}


def test_one_prefix_may_have_a_price_for_each_service() -> None:

    file = read("prefix,price,service\n93,0.1,USER_OUT\n93,0.2,CONFERENCE_OUT\n")

    assert len(file.drafts) == 2


@pytest.mark.parametrize("date", ["01.07.2026", "2026-07-01", "2026-07-01T00:00:00Z", "2026/07/01", "1 Jul 2026"])
def test_the_date_column_says_from_when_the_list_counts(date: str) -> None:

    file = read(f"prefix,price,Gültig ab\n93,0.1,{date}\n94,0.1,{date}\n")

    assert file.effective_from == instant(datetime(2026, 7, 1, tzinfo=UTC))


def test_a_date_that_can_be_read_two_ways_is_bad() -> None:

    assert "day first or month first" in reasons(read("prefix,price,effective date\n93,0.1,07/01/2026\n"))[2]


def test_a_row_with_another_date_than_the_list_is_bad() -> None:

    file = read("prefix,price,effective date\n93,0.1,2026-07-01\n94,0.1,2026-07-01\n95,0.1,2026-08-01\n")

    assert [draft.prefix for draft in file.drafts] == ["93", "94"]
    assert "a deck counts as a whole from one instant" in reasons(file)[4]


def test_a_row_that_says_it_does_not_count_is_left_out() -> None:

    file = read("prefix,price,Status\n93,0.1,Active\n94,0.1,Inactive\n")

    assert [draft.prefix for draft in file.drafts] == ["93"]
    assert [row.number for row in file.skipped] == [3]


def test_a_workbook_reads_like_the_list_it_came_from(shared_data: Path) -> None:
    content = (shared_data / "generated" / "deck_ranges.csv").read_bytes()
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))[:500]
    book = io.BytesIO()
    with xlsxwriter.Workbook(book, {"in_memory": True}) as workbook:
        sheet = workbook.add_worksheet("Preise")
        for at, row in enumerate(rows):
            sheet.write_row(at, 0, row if at == 0 or not row[0].isdigit() else [int(row[0].lstrip("0")), *row[1:]])

    from_workbook = read_rates("deck.xlsx", book.getvalue(), currency="USD")
    from_text = read_rates("deck.csv", content, currency="USD")

    assert from_workbook.bad == []
    assert from_workbook.drafts == from_text.drafts[: len(from_workbook.drafts)]


@pytest.mark.parametrize(
    ("file", "currency", "rows", "drafts", "bad"),
    [
        ("decks/a2billing_documented_import.csv", "USD", 3, 3, 0),
        ("decks/astpp_export_with_bom.csv", "USD", 1, 0, 1),
        ("decks/astpp_originationrates_sample.csv", "USD", 2, 2, 0),
        ("decks/astpp_terminationrates_sample.csv", "USD", 2, 2, 0),
        ("decks/astpp_outbound_routes.csv", "USD", 36_205, 36_205, 0),
        ("decks/caribbeano_published_rates.csv", "USD", 874, 856, 18),
        ("decks/twilio_layout_US_GB.csv", "USD", 10, 638, 0),
        ("decks/twilio_voice_pricing_US.json", "USD", 4, 9, 0),
        ("decks/twilio_voice_pricing_GB.json", "USD", 6, 629, 0),
        ("cdr/cdrstats_import_carrier_rates.txt", "USD", 5, 5, 0),
        ("cdr/cdrstats_import_retail_rates.txt", "EUR", 5, 5, 0),
        ("generated/deck.csv", "USD", 10_000, 10_000, 0),
        ("generated/deck_latin1.csv", "EUR", 1_500, 1_500, 0),
        ("generated/deck_ranges.csv", "EUR", 4_425, 10_000, 0),
        ("generated/deck_sjis.csv", "JPY", 53, 53, 0),
        ("generated/deck_twilio.csv", "USD", 4_425, 10_000, 0),
        ("generated/deck_utf16.txt", "USD", 10_000, 10_000, 0),
        ("generated/deck_v2.csv", "USD", 1_016, 672, 344),
    ],
)
def test_real_lists_are_read(shared_data: Path, file: str, currency: str, rows: int, drafts: int, bad: int) -> None:

    read_file = read_rates(file, (shared_data / file).read_bytes(), currency=currency)

    assert (read_file.row_count, len(read_file.drafts), len(read_file.bad)) == (rows, drafts, bad)
    assert check_drafts(read_file.drafts) == []


@pytest.mark.parametrize("folder", ["cgrates_tutorial2", "cgrates_oldtutorial"])
def test_a_plan_spread_over_several_files_is_no_price_list(shared_data: Path, folder: str) -> None:

    for path in (shared_data / "decks" / folder).iterdir():
        with pytest.raises(Refusal):
            read_rates(path.name, path.read_bytes(), currency="USD")


def test_one_list_says_the_same_in_every_dress(shared_data: Path) -> None:
    """The generator wrote the same prices as plain CSV, UTF-16, in Twilio's layout and with ranges."""

    def prices(file: str) -> dict[str, int]:
        drafts = read_rates(file, (shared_data / "generated" / file).read_bytes(), currency="USD").drafts
        return {draft.prefix: draft.tiers[0].price_nanos for draft in drafts}

    plain = prices("deck.csv")

    assert prices("deck_utf16.txt") == prices("deck_twilio.csv") == prices("deck_ranges.csv") == plain
    assert prices("deck_latin1.csv").items() <= plain.items()


def test_every_price_and_step_of_a_real_list_is_what_its_row_says(shared_data: Path) -> None:
    content = (shared_data / "generated" / "deck.csv").read_bytes()
    rows = list(csv.DictReader(io.StringIO(content.decode())))

    drafts = read_rates("deck.csv", content, currency="USD").drafts

    for row, draft in zip(rows, drafts, strict=True):
        assert (draft.prefix, draft.destination) == (row["prefix"], row["destination"])
        assert Decimal(draft.tiers[0].price_nanos).scaleb(-9) == Decimal(row["rate_per_min"])
        assert Decimal(draft.connect_fee_nanos).scaleb(-9) == Decimal(row["connect_fee"])
        assert draft.tiers[0].increment_seconds == int(row["min_s"])
        assert draft.tiers[-1].increment_seconds == int(row["increment_s"])


def test_the_bad_rows_of_a_published_list_are_named(shared_data: Path) -> None:
    file = read_rates("rates.csv", (shared_data / "decks/caribbeano_published_rates.csv").read_bytes(), currency="USD")

    found = reasons(file)

    assert file.bad[0].text == "Argentina Emergency Numbers,5.41144E+11,0.04,0.04,peak"
    assert "a spreadsheet has destroyed this prefix" in found[37]
    assert found[553] == "One price of this row is blocked and the other is not (Blocked, 0.2)."
    assert sum("is not a prefix" in why for why in found.values()) == 16
    assert sum(draft.blocked for draft in file.drafts) == 54


def test_the_prices_of_calls_that_come_in_are_left_out_of_a_voice_price_file(shared_data: Path) -> None:

    file = read_rates("GB.json", (shared_data / "decks/twilio_voice_pricing_GB.json").read_bytes(), currency="USD")

    assert [row.number for row in file.skipped] == [7, 8, 9, 10]


def test_a_voice_price_file_in_another_currency_is_bad_row_by_row(shared_data: Path) -> None:

    file = read_rates("US.json", (shared_data / "decks/twilio_voice_pricing_US.json").read_bytes(), currency="EUR")

    assert (len(file.drafts), [row.number for row in file.bad]) == (0, [1, 2, 3, 4])


def test_another_json_file_is_no_price_list(shared_data: Path) -> None:

    with pytest.raises(Refusal):
        read_rates("x.json", (shared_data / "cdr/teams_graph_pstnCallLogRow_example.json").read_bytes(), currency="USD")


def test_an_unknown_currency_is_refused() -> None:

    with pytest.raises(Refusal):
        read(HEADER, "XXY")
