"""Prefixes are read in full or refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from credits.files.prefixes import read_prefixes
from credits.refusals import Refusal


def longest(number: str, prefixes: dict[str, str]) -> str | None:
    """What the longest prefix of a number stands for."""
    return next((prefixes[number[:n]] for n in range(len(number), 0, -1) if number[:n] in prefixes), None)


def golden(shared_data: Path, case_id: str) -> Any:
    cases = json.loads((shared_data / "golden" / "import_cases.json").read_text())
    return next(case for case in cases if case["id"] == case_id)


@pytest.mark.parametrize("written", ["93", "+93", "0093", "^93.*", "^93", "93.*", "93*", "93%", " 93 ", "９３", "93.0"])
def test_one_prefix_may_be_written_in_many_ways(written: str) -> None:

    assert read_prefixes(written) == ["93"]


@pytest.mark.parametrize("written", ["93, 94", "93;94", "+93/+94", "0093 | 0094", "93\n94", "93, 94, 93,", "93、94"])
def test_a_cell_may_list_several_prefixes_and_each_counts_once(written: str) -> None:

    assert read_prefixes(written) == ["93", "94"]


@pytest.mark.parametrize("written", ["9320-9323", "+9320 - +9323", "009320–009323", "9320～9323", "9320, 9321-9323"])
def test_a_range_stands_for_all_prefixes_within_it(written: str) -> None:

    assert read_prefixes(written) == ["9320", "9321", "9322", "9323"]


@pytest.mark.parametrize("written", ["9328-9320", "9320-28", "1-268", "9320-9328-9330", "-9320", "9320-"])
def test_a_range_that_is_not_clear_is_refused(written: str) -> None:

    with pytest.raises(Refusal):
        read_prefixes(written)


def test_a_range_holds_ten_thousand_prefixes_at_most() -> None:

    assert len(read_prefixes("440000-449999")) == 10_000
    with pytest.raises(Refusal, match="may not hold more than 10000"):
        read_prefixes("440000-450000")


@pytest.mark.parametrize(
    "written", ["*2007", "abc", "93a", "^(937|938).*", "1[2-5]", "44 20", "0441", "000", "+", "-5"]
)
def test_what_is_no_prefix_is_refused(written: str) -> None:

    with pytest.raises(Refusal):
        read_prefixes(written)


def test_a_prefix_has_fifteen_digits_at_most() -> None:

    assert read_prefixes("1" * 15) == ["1" * 15]
    with pytest.raises(Refusal):
        read_prefixes("1" * 16)


@pytest.mark.parametrize("written", ["5.41144E+11", "5,41144E+11", "5E+11", "5.41144e11"])
def test_a_prefix_that_a_spreadsheet_has_destroyed_is_never_made_up(written: str) -> None:

    with pytest.raises(Refusal, match="a spreadsheet has destroyed this prefix"):
        read_prefixes(written)


@pytest.mark.parametrize("case_id", ["im-002", "im-006", "im-008", "im-009"])
def test_golden_lists_cover_what_their_publisher_says(shared_data: Path, case_id: str) -> None:
    case = golden(shared_data, case_id)

    prefixes = dict.fromkeys(read_prefixes(case["given"]), "it")

    for number in case["expect"]["covers"]:
        assert longest(number, prefixes) == "it"
    for number in case["expect"].get("not_covers", []):
        assert longest(number, prefixes) is None
    if "equivalent" in case["expect"]:
        assert {prefix[:2] for prefix in prefixes} == {case["expect"]["equivalent"]}


def test_golden_gap_in_the_ranges_falls_back_to_the_parent(shared_data: Path) -> None:
    case = golden(shared_data, "im-011")

    deck = {prefix: name for name, cell in case["given"]["deck"].items() for prefix in read_prefixes(cell)}

    assert {number: longest(number, deck) for number in case["expect"]["lookup"]} == case["expect"]["lookup"]


def test_golden_children_that_are_removed_give_their_codes_back(shared_data: Path) -> None:
    case = golden(shared_data, "im-012")

    for state in ("before", "after"):
        deck = {prefix: name for name, cell in case["given"][state].items() for prefix in read_prefixes(cell)}
        expected = case["expect"][f"lookup_{state}"]
        assert {number: longest(number, deck) for number in expected} == expected


def test_golden_spreadsheet_damage_is_refused(shared_data: Path) -> None:

    with pytest.raises(Refusal):
        read_prefixes(golden(shared_data, "im-013")["given"])


def test_golden_regular_expression_is_its_prefix(shared_data: Path) -> None:
    case = golden(shared_data, "im-019")

    assert read_prefixes(case["given"]) == [case["expect"]["prefix"]]
