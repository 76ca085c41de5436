"""Reading numbers: as `phonenumbers` reads them, whichever way they are read."""

from typing import NamedTuple

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import SUPPORTED_REGIONS, PhoneNumberFormat, PhoneNumberType, phonenumberutil

from credits.numbers import country_of_prefix, read_number
from credits.refusals import Code, Refusal

REGIONS = sorted(SUPPORTED_REGIONS)
TYPES = sorted(PhoneNumberType.values())


def examples() -> list[str]:
    """Every example number of every region, in E.164."""
    found = {
        phonenumbers.format_number(number, PhoneNumberFormat.E164)
        for region in REGIONS
        for kind in TYPES
        if (number := phonenumbers.example_number_for_type(region, kind))
    }
    found |= {
        phonenumbers.format_number(number, PhoneNumberFormat.E164)
        for code in phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS
        if (number := phonenumbers.example_number_for_non_geo_entity(code))
    }
    return sorted(found)


class Reading(NamedTuple):
    """What a number was read as; refused when there are no digits."""

    digits: str | None = None
    country: str | None = None
    emergency: bool = False


REFUSED = Reading()


def plainly(text: str, region: str) -> Reading:
    """What `phonenumbers` alone makes of a number."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return REFUSED
    if not phonenumbers.is_possible_number(number):
        return REFUSED
    country = phonenumberutil.region_code_for_number(number)
    digits = phonenumbers.format_number(number, PhoneNumberFormat.E164)[1:]
    return Reading(digits, None if country == "001" else country)


def ours(text: str, region: str) -> Reading:
    """What we make of a number."""
    try:
        found = read_number(text, region)
    except Refusal:
        return REFUSED
    return Reading(found.digits, found.country, found.emergency)


EXAMPLES = examples()


def test_every_example_number_of_every_region_is_read_as_phonenumbers_reads_it() -> None:
    assert len(EXAMPLES) > 1_000

    assert [ours(text, "US") for text in EXAMPLES] == [plainly(text, "US") for text in EXAMPLES]


@given(
    text=st.sampled_from(EXAMPLES),
    region=st.sampled_from(REGIONS),
    at=st.integers(1, 15),
    removed=st.integers(0, 3),
    put_in=st.text("0123456789", max_size=3),
)
def test_a_mutated_number_is_read_as_phonenumbers_reads_it(
    text: str, region: str, at: int, removed: int, put_in: str
) -> None:
    mutated = text[:at] + put_in + text[at + removed :]

    assert ours(mutated, region) == plainly(mutated, region)


@given(digits=st.text("0123456789", max_size=18), region=st.sampled_from(REGIONS))
def test_random_digits_after_a_plus_are_read_as_phonenumbers_reads_them(digits: str, region: str) -> None:
    assert ours(f"+{digits}", region) == plainly(f"+{digits}", region)


@given(text=st.text("+0123456789 ()-./;=extx#*abctel:", max_size=25), region=st.sampled_from(REGIONS))
def test_whatever_is_written_is_read_as_phonenumbers_reads_it_or_is_an_emergency_number(text: str, region: str) -> None:
    found = ours(text, region)

    assert found.emergency or found == plainly(text, region)


@given(text=st.text(max_size=300), region=st.sampled_from(REGIONS))
def test_no_text_at_all_is_more_than_refused(text: str, region: str) -> None:
    ours(text, region)


@pytest.mark.parametrize(
    ("text", "region", "digits", "country"),
    [
        ("+49 30 123456", "US", "4930123456", "DE"),
        ("030 123456", "DE", "4930123456", "DE"),
        ("(202) 555-0123", "US", "12025550123", "US"),
        ("0011 49 30 123456", "AU", "4930123456", "DE"),
        ("+1 787 555 0123", "US", "17875550123", "PR"),
        ("+390612345678", "US", "390612345678", "IT"),
        ("+4407911123456", "US", "447911123456", "GG"),
        ("03-1234-5678", "JP", "81312345678", "JP"),
        ("+80012345678", "US", "80012345678", None),
        ("+４９３０１２３４５６", "US", "4930123456", "DE"),
    ],
)
def test_a_number_is_read_as_e164_and_nationally_in_the_accounts_region(
    text: str, region: str, digits: str, country: str | None
) -> None:
    assert ours(text, region) == Reading(digits, country)


@pytest.mark.parametrize(
    "text", ["", "+", "abc", "12", "+12", "+999123456789", "+1202555012345", "5.41144E+11", "9" * 400]
)
def test_what_cannot_be_a_number_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_number(text, "US")

    assert (refused.value.code, refused.value.field) == (Code.INVALID, ("to",))


@pytest.mark.parametrize(
    ("text", "region"), [("911", "US"), ("112", "US"), ("9-1-1", "US"), ("110", "JP"), ("119", "JP"), ("999", "GB")]
)
def test_emergency_numbers_are_those_of_the_accounts_region(text: str, region: str) -> None:
    assert ours(text, region) == Reading(text.replace("-", ""), region, emergency=True)


def test_an_emergency_number_of_another_region_is_none() -> None:
    with pytest.raises(Refusal):
        read_number("110", "US")


@pytest.mark.parametrize(
    ("prefix", "country"),
    [("49", "DE"), ("4930", "DE"), ("81", "JP"), ("1", None), ("1202", None), ("44", None), ("800", None), ("4", None)],
)
def test_a_prefix_names_a_country_when_its_calling_code_belongs_to_one(prefix: str, country: str | None) -> None:
    assert country_of_prefix(prefix) == country
