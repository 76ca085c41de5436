"""The pages: what each shows, to whom, and what becomes of what is typed into them."""

import csv
import io
from html import unescape
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.web.conftest import Browser

PAGES = {
    "/accounts/{account}": "150.00",
    "/accounts/{account}/funds": "Visa",
    "/accounts/{account}/funds?amount=75": "Charge $75.00 to Visa",
    "/accounts/{account}/funds/automatic": "It is off.",
    "/accounts/{account}/funds/automatic?trigger=20&amount=100": "$100.00 is charged to Visa",
    "/accounts/{account}/funds/methods": "Visa",
    "/accounts/{account}/receipts/{recharge}": "Total, USD",
    "/accounts/{account}/refunds/{recharge}": "Can go back",
    "/accounts/{account}/refunds/{recharge}?amount=20&reason=Mistake": "Give $20.00 of $49.88 back to Visa",
    "/accounts/{account}/lots": "Purchase",
    "/accounts/{account}/ledger": "+4930123456",
    "/accounts/{account}/calls": "Germany",
    "/accounts/{account}/calls/{call}": "How this charge came about",
    "/accounts/{account}/calls/{call}/reversal": "Take back the $0.12",
    "/accounts/{account}/calls/rating": "Every call has its price.",
    "/accounts/{account}/calls/check?to=%2B4915112345": "Mobile",
    "/accounts/{account}/calls/import": "Call records",
    "/accounts/{account}/users": "mia@contoso.example",
    "/accounts/{account}/users?search=noah&plan=MCOPSTN8": "Noah <b>",
    "/accounts/{account}/users/new": "Add a user",
    "/accounts/{account}/users/import": "Enter users from a file",
    "/accounts/{account}/users/{user}": "120 of 120 minutes left this month",
    "/accounts/{account}/pools": "Minutes of single users",
    "/accounts/{account}/pools?month=2026-09": "No licence gave minutes in this month.",
    "/accounts/{account}/plans": "Who needs which licence",
    "/accounts/{account}/usage": "Each call, as the 20-column usage report",
    "/accounts/{account}/usage?by=COUNTRY&and=SERVICE": "Outgoing call",
    "/accounts/{account}/statements": "October 2026",
    "/accounts/{account}/statements/2026-10": "Closing balance, USD",
    "/accounts/{account}/notices": "Who is mailed",
    "/accounts/{account}/settings": "Language of its mail",
    "/accounts/{account}/settings/closing": "This cannot be taken back.",
    "/accounts/{account}/people": "ada@example.com",
    "/accounts/{account}/tokens": "No program has a token yet.",
    "/accounts/{account}/clock": "Move it to",
    "/rates": "standard",
    "/rates?account={account}&search=%2B4915": "Mobile",
    "/rates/{deck}": "Germany",
}
OPERATORS_PAGES = {
    "/": "Fabrikam",
    "/?attention=yes&mode=LIVE&status=ACTIVE&currency=usd": "Fabrikam",
    "/invoices": "No invoice is open",
    "/people": "olga@example.com",
    "/tokens": "No program has a token yet.",
    "/accounts/new": "Open an account",
    "/rates/publish": "Price list",
    "/accounts/{account}/plans/new": "Add the plan",
    "/accounts/{account}/plans/plan_1": "Domestic Calling Plan",
}
LISTS = {
    "/accounts.csv": 2,
    "/accounts/{account}/lots.csv": 2,
    "/accounts/{account}/ledger.csv": 3,
    "/accounts/{account}/calls.csv": 1,
    "/accounts/{account}/usage.csv": 1,
    "/accounts/{account}/statements.csv": 1,
    "/accounts/{account}/statements/2026-10.csv": 5,
    "/accounts/{account}/funds.csv": 1,
    "/accounts/{account}/funds/automatic.csv": 0,
    "/accounts/{account}/notices.csv": 1,
    "/accounts/{account}/tokens.csv": 0,
    "/accounts/{account}/people.csv": 2,
    "/accounts/{account}/users.csv": 2,
    "/accounts/{account}/pools.csv": 2,
    "/accounts/{account}/plans.csv": 8,
    "/rates.csv": 2,
    "/rates/{deck}.csv": 2,
}


class Outline(HTMLParser):
    """Reads a page for what it is made of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.forbidden: list[str] = []
        self.labelled: set[str] = set()
        self.fields: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if "style" in given or tag == "style" or (tag == "script" and "src" not in given):
            self.forbidden.append(self.get_starttag_text() or tag)
        self.forbidden += [name for name in given if name.startswith("on")]
        if tag == "label":
            self.labelled.add(str(given.get("for", "")))
        if tag in ("input", "select") and given.get("type") not in ("hidden", "radio", "checkbox"):
            self.fields.append(str(given.get("id")))


@pytest.mark.parametrize(("path", "says"), PAGES.items())
def test_each_page_shows_what_it_is_for(ada: Browser, path: str, says: str) -> None:
    answer = ada.see(path)

    assert answer.status_code == 200
    assert says in unescape(answer.text).replace("<small>", "").replace("</small>", "")


@pytest.mark.parametrize(("path", "says"), OPERATORS_PAGES.items())
def test_the_operator_has_pages_of_their_own(olga: Browser, path: str, says: str) -> None:
    answer = olga.see(path)

    assert answer.status_code == 200
    assert says in answer.text


@pytest.mark.parametrize("path", [*PAGES, *OPERATORS_PAGES])
def test_no_page_needs_more_than_its_content_security_policy_allows(olga: Browser, path: str) -> None:
    outline = Outline(olga.see(path).text)

    assert outline.forbidden == []


@pytest.mark.parametrize("path", [*PAGES, *OPERATORS_PAGES])
def test_every_field_has_a_label_and_every_id_is_there_once(olga: Browser, path: str) -> None:
    outline = Outline(olga.see(path).text)

    assert sorted(outline.ids) == sorted(set(outline.ids))
    assert [field for field in outline.fields if field not in outline.labelled] == []


@pytest.mark.parametrize("path", [*PAGES, *OPERATORS_PAGES])
def test_every_page_is_there_in_japanese(olga: Browser, path: str) -> None:
    answer = olga.see(path, **{"Accept-Language": "ja,en;q=0.5"})

    assert answer.status_code == 200
    assert 'lang="ja"' in answer.text
    assert "通信クレジット" in answer.text


def test_an_account_that_is_low_is_marked_for_the_operator(olga: Browser) -> None:
    assert "Balance low" not in olga.see("/").text
    olga.send("/accounts/{account}/notices", addresses="", low_balance="150")

    assert "Balance low" in olga.see("/").text


def test_names_are_written_as_text_never_as_markup(ada: Browser) -> None:
    page = ada.see("/accounts/{account}").text

    assert "Contoso &lt;&amp; sons&gt;" in page
    assert "Contoso <&" not in page


@pytest.mark.parametrize("path", [path for path in PAGES if "{account}" in path])
def test_an_account_that_the_reader_may_not_see_does_not_exist(ada: Browser, path: str) -> None:
    answer = ada.see(path.replace("{account}", "{other}"))

    assert answer.status_code == 404
    assert "Fabrikam" not in answer.text


@pytest.mark.parametrize(
    "path",
    ["/accounts/new", "/rates/publish", "/accounts/{account}/plans/new", "/accounts/{account}/plans/plan_1"],
)
def test_the_operators_forms_are_not_for_others(ada: Browser, path: str) -> None:
    assert ada.see(path).status_code == 403


@pytest.mark.parametrize(
    "path", ["/accounts/acct_nothing", "/rates/deck_zzz", "/nowhere", "/accounts/{account}/calls/call_x"]
)
def test_what_is_not_there_says_so(ada: Browser, path: str) -> None:
    answer = ada.see(path)

    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


def test_a_cursor_that_is_none_is_answered_with_what_is_wrong(ada: Browser) -> None:
    answer = ada.see("/accounts/{account}/ledger?after=nonsense")

    assert answer.status_code == 422
    assert "cursor" in answer.text


def test_whoever_has_one_account_is_led_to_it(ada: Browser) -> None:
    answer = ada.see("/")

    assert (answer.status_code, answer.headers["location"]) == (303, ada.path("/accounts/{account}"))


@pytest.mark.parametrize(
    ("path", "block"),
    [
        ("lots", "lots"),
        ("ledger", "ledger"),
        ("calls", "calls"),
        ("usage", "usage"),
        ("statements", "statements"),
        ("funds", "recharges"),
        ("calls/check", "check"),
        ("users", "users"),
        ("pools", "own"),
        ("notices", "notices"),
    ],
)
def test_htmx_gets_the_block_that_it_will_replace(ada: Browser, path: str, block: str) -> None:
    whole, part = ada.see(f"/accounts/{{account}}/{path}"), ada.see(f"/accounts/{{account}}/{path}", block)

    assert part.text.lstrip().startswith(f'<section id="{block}"')
    assert "<html" not in part.text
    assert part.text.strip() in whole.text


def test_htmx_gets_the_whole_inside_where_the_page_itself_is_to_be_replaced(ada: Browser) -> None:
    answer = ada.see("/accounts/{account}/funds", "page")

    assert answer.text.lstrip().startswith('<div id="page">')
    assert "Add funds" in answer.text
    assert "<html" not in answer.text


def test_an_unknown_target_gets_the_whole_page(ada: Browser) -> None:
    assert "<html" in ada.see("/accounts/{account}/lots", "no-such-block").text


@pytest.mark.parametrize(("path", "rows"), LISTS.items())
def test_a_list_is_there_as_csv_with_as_many_rows(olga: Browser, path: str, rows: int) -> None:
    answer = olga.see(path)
    table = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))

    assert answer.headers["content-type"].startswith("text/csv")
    assert len(table) == rows + 1
    assert {len(row) for row in table} == {len(table[0])}


def test_the_csv_obeys_the_filters_of_the_list(ada: Browser) -> None:
    answer = ada.see("/accounts/{account}/ledger.csv?kind=CALL_CHARGE")

    assert len(answer.text.splitlines()) == 2
    assert "-0.12" in answer.text


def test_the_csv_of_an_account_out_of_sight_does_not_exist(ada: Browser) -> None:
    assert ada.see("/accounts/{other}/ledger.csv").status_code == 404


def test_filters_stay_in_the_addresses_of_a_list(ada: Browser) -> None:
    page = ada.see("/accounts/{account}/calls?status=SETTLED&search=49").text

    assert "calls.csv?status=SETTLED&amp;search=49" in page
    assert '<option value="SETTLED" selected' in page


def test_a_filter_that_finds_nothing_offers_all(ada: Browser) -> None:
    page = ada.see("/accounts/{account}/calls?search=999999").text

    assert "No call is like that." in page
    assert "Show all" in page


def test_calls_are_filtered_by_days_of_the_accounts_own_zone(ada: Browser) -> None:
    on_the_day = ada.see("/accounts/{account}/calls?from=2026-10-01&to=2026-10-01").text
    the_day_after = ada.see("/accounts/{account}/calls?from=2026-10-02").text

    assert "+4930123456" in on_the_day
    assert "+4930123456" not in the_day_after


def test_each_page_offers_its_own_query(ada: Browser) -> None:
    page = ada.see("/accounts/{account}/lots?status=ACTIVE").text
    href = unescape(page.split('class="graphiql" href="')[1].split('"')[0])
    asked = parse_qs(urlsplit(href).query)

    assert asked["query"][0].startswith("query Lots(")
    assert '"status": "ACTIVE"' in asked["variables"][0]
    assert ada.see(href, Accept="text/html").status_code == 200


def test_a_call_opens_to_its_explanation(ada: Browser) -> None:
    href = ada.see("/accounts/{account}/calls").text.split('class="lead digits"><a href="')[1].split('"')[0]

    page = ada.see(href).text

    assert "How this charge came about" in page
    assert "2 steps of 60 s" in page


def test_a_reader_without_the_right_is_not_offered_what_they_may_not_do(vera: Browser) -> None:
    overview, funds = vera.see("/accounts/{account}").text, vera.see("/accounts/{account}/funds").text

    assert 'class="button"' not in overview
    assert "You may look at this account" in funds
    assert "+ 1 day" not in overview


def test_the_theme_and_the_language_are_kept(ada: Browser) -> None:
    for name, value, shows in (("theme", "dark", 'data-theme="dark"'), ("lang", "ja", 'lang="ja"')):
        answer = ada.send("/preferences", on="/rates", back="/rates", **{name: value})

        assert (answer.status_code, answer.headers["location"]) == (303, "/rates")
        assert shows in ada.see("/rates").text


@pytest.mark.parametrize("back", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", ""])
def test_no_form_leads_to_another_site(ada: Browser, back: str) -> None:
    answer = ada.send("/preferences", on="/rates", back=back, theme="light")

    assert answer.headers["location"] == "/"


def test_static_files_are_kept_for_as_long_as_they_do_not_change(ada: Browser) -> None:
    address = ada.see("/rates").text.split('rel="stylesheet" href="')[1].split('"')[0]

    answer = ada.see(address)

    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
