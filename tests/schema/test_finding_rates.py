"""Finding rates: by a number, by a country's name or code, by part of a destination's name."""

import pytest

from db.session import Database
from tests.schema.asking import Api
from tests.schema.test_rates import found, publish, rate


def names(api: Api, search: str) -> list[str]:
    """The destinations that a search finds."""
    answer = api.ask("query F($s: String) { rates(search: $s) { nodes { destination } } }", s=search)
    return [node["destination"] for node in answer["rates"]["nodes"]]


def publish_places(api: Api) -> None:
    """A deck with places whose names hold each other's, or the codes of other countries."""
    places = {
        "238": ("Cape Verde", "CV"), "45": ("Denmark", "DK"), "49": ("Germany", "DE"), "4915": ("Mobile", "DE"),
        "236": ("Central African Republic", "CF"), "33": ("France", "FR"), "262": ("Reunion (France)", "RE"),
        "224": ("Guinea", "GN"), "245": ("Guinea-Bissau", "GW"), "240": ("Equatorial Guinea", "GQ"),
        "1404": ("USA - Georgia", "US"), "995": ("Georgia", "GE"), "99532": ("Tbilisi", "GE"),
        "441534": ("Jersey", None), "1201": ("New Jersey", "US"), "61": ("Australia", None), "44": ("UK", None),
        "447": ("UNITED KINGDOM-MOBILE", None), "380": ("Ukraine", "UA"), "1212": ("United States New York", None),
    }  # fmt: skip
    publish(api, *(rate(prefix, destination=name, country=code) for prefix, (name, code) in places.items()))


@pytest.mark.parametrize("search", ["germany", "Germany ", "ドイツ", "ﾄﾞｲﾂ", "de", "DE"])
def test_a_country_finds_its_rates_and_none_whose_name_holds_its_code(api: Api, search: str) -> None:
    publish_places(api)

    assert names(api, search) == ["Germany", "Mobile"]


@pytest.mark.parametrize(
    ("search", "destinations"),
    [
        ("france", ["France", "Reunion (France)"]),
        ("guinea", ["Guinea", "Equatorial Guinea", "Guinea-Bissau"]),
        ("georgia", ["Georgia", "Tbilisi", "USA - Georgia"]),
        ("jersey", ["Jersey", "New Jersey"]),
    ],
)
def test_a_countrys_name_finds_its_rates_first_then_others_with_the_name(
    api: Api, search: str, destinations: list[str]
) -> None:
    publish_places(api)

    assert names(api, search) == destinations


@pytest.mark.parametrize(
    ("search", "destinations"),
    [
        ("UK", ["UK", "UNITED KINGDOM-MOBILE"]), ("gb", ["UK", "UNITED KINGDOM-MOBILE"]),
        ("イギリス", ["UK", "UNITED KINGDOM-MOBILE"]), ("je", ["Jersey"]), ("au", ["Australia"]),
        ("us", ["New Jersey", "USA - Georgia", "United States New York"]),
        ("アメリカ", ["New Jersey", "USA - Georgia", "United States New York"]),
    ],
)  # fmt: skip
def test_a_rate_of_a_shared_calling_code_is_found_by_its_destination_where_its_country_is_not_told(
    api: Api, search: str, destinations: list[str]
) -> None:
    publish_places(api)

    assert names(api, search) == destinations


@pytest.mark.parametrize(
    ("search", "destinations"),
    [
        ("verd", ["Cape Verde"]), ("MOBILE", ["UNITED KINGDOM-MOBILE", "Mobile"]), ("germ", ["Germany", "Mobile"]),
        ("ドイ", ["Germany", "Mobile"]), ("eu", ["Reunion (France)"]), ("xx", []), ("%", []), ("tb_lisi", []),
    ],
)  # fmt: skip
def test_other_words_find_parts_of_destinations_and_beginnings_of_countries(
    api: Api, search: str, destinations: list[str]
) -> None:
    publish_places(api)

    assert names(api, search) == destinations


def test_a_number_finds_its_longest_prefix_first_then_the_shorter_then_the_longer_ones(api: Api) -> None:
    publish(api, rate("4"), rate("49"), rate("4930"), rate("493012"), rate("44"), rate("493"), rate("48"), rate("5"))

    assert found(api, "+49 (30) 1234") == ["493012", "4930", "493", "49", "4"]
    assert found(api, "0049-30") == ["4930", "493", "49", "4", "493012"]
    assert found(api, "＋４９３０") == ["4930", "493", "49", "4", "493012"]
    assert found(api, "4") == ["4", "44", "48", "49", "493", "4930", "493012"]
    assert found(api, "6") == []


@pytest.mark.parametrize("search", ["+4930", "germany"])
def test_a_kind_of_call_narrows_what_is_found(api: Api, search: str) -> None:
    publish(api, rate("49"), rate("49", service="CONFERENCE_OUT"))
    asked = "query F($s: String) { rates(search: $s, service: CONFERENCE_OUT) { nodes { service prefix } } }"

    assert api.ask(asked, s=search)["rates"]["nodes"] == [{"service": "CONFERENCE_OUT", "prefix": "49"}]


def test_a_countrys_rates_are_paged_forwards_and_backwards_without_gap_or_repetition(api: Api) -> None:
    publish_places(api)
    asked = """query F($after: String, $before: String) {
      rates(search: "guinea", first: 1, after: $after, before: $before) {
        totalCount nodes { destination } pageInfo { startCursor endCursor hasNextPage }
      }
    }"""
    pages = [api.ask(asked)["rates"]]

    while pages[-1]["pageInfo"]["hasNextPage"]:
        pages.append(api.ask(asked, after=pages[-1]["pageInfo"]["endCursor"])["rates"])
    back = api.ask(asked, before=pages[2]["pageInfo"]["startCursor"])["rates"]

    assert [page["nodes"][0]["destination"] for page in pages] == ["Guinea", "Equatorial Guinea", "Guinea-Bissau"]
    assert {page["totalCount"] for page in pages} == {3}
    assert back["nodes"] == pages[1]["nodes"]


def test_a_number_is_looked_up_by_the_index_of_prefixes(api: Api, statements: list[str]) -> None:
    publish(api, rate("49"), rate("4930"))
    statements.clear()

    api.ask('{ rates(search: "+4930123456", first: 1) { totalCount nodes { prefix } } }')

    listed, counted = (statement for statement in statements if 'FROM "rate"' in statement)
    for statement in (listed, counted):
        assert "prefix" in _answered_by_index(api.database, statement)


def _answered_by_index(database: Database, sql: str) -> str:
    """What of a statement an index answers; as in all transactions, PostgreSQL reads no table from end to end if it
    need not."""
    explain, by_index = ("EXPLAIN", "Index Cond") if database.is_postgresql else ("EXPLAIN QUERY PLAN", "INDEX")
    with database.transaction() as session:
        plan = [str(row[-1]) for row in session.rows(f"{explain} {sql}", *("0",) * sql.count("?"))]
    return "\n".join(line for line in plan if by_index in line)
