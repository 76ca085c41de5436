"""Countries: which one a text names, and which begin like it."""

import pytest

from credits.countries import countries_called, country_meant, names_of


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("DE", "DE"), ("de", "DE"), (" Germany ", "DE"), ("GERMANY", "DE"), ("ドイツ", "DE"), ("ﾄﾞｲﾂ", "DE"),
        ("UK", "GB"), ("英国", "GB"), ("usa", "US"), ("アメリカ", "US"), ("アメリカ合衆国", "US"), ("日本", "JP"),
        ("Cote d'Ivoire", "CI"), ("Côte d’Ivoire", "CI"), ("reunion", "RE"), ("Saint Lucia", "LC"), ("st lucia", "LC"),
        ("Bosnia and Herzegovina", "BA"), ("guinea bissau", "GW"), ("Türkiye", "TR"), ("Turkey", "TR"),
        ("Czech Republic", "CZ"), ("Hong Kong", "HK"), ("香港", "HK"), ("Guinea", "GN"), ("ギニア", "GN"),
    ],
)  # fmt: skip
def test_a_country_is_known_by_its_code_and_its_names_however_they_are_typed(text: str, code: str) -> None:
    assert country_meant(text) == code


@pytest.mark.parametrize("text", ["", " ", "xx", "EU", "001", "Berlin", "German", "Germany Mobile", "DEU"])
def test_what_names_no_country_as_a_whole_means_none(text: str) -> None:
    assert country_meant(text) is None


@pytest.mark.parametrize(
    ("beginning", "codes"),
    [("germ", ["DE"]), ("ニュー", ["NC", "NZ"]), ("united", ["AE", "GB", "US"]), ("many", [])],
)
def test_countries_are_found_by_how_a_name_of_theirs_begins(beginning: str, codes: list[str]) -> None:
    assert countries_called(beginning) == codes


@pytest.mark.parametrize("nothing", ["", "(", "-", " . "])
def test_what_has_no_letters_begins_no_name(nothing: str) -> None:
    assert countries_called(nothing) == []


def test_a_country_has_the_names_of_each_language_and_those_that_are_usual() -> None:
    assert names_of("GB") == ("United Kingdom", "イギリス", "UK", "Great Britain", "Britain", "英国")
