"""Journeys of an administrator and an operator."""

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from credits.ids import read_id
from tests.factories import make_lot
from tests.journeys.conftest import OLGA, Site, sign_in
from tests.serving import soon

pytestmark = pytest.mark.journey
INK_AND_PAPER = """
    [getComputedStyle(document.body).color, getComputedStyle(document.querySelector(".paper")).backgroundColor]"""


def type_amount(page: Page, amount: str) -> None:
    """Type an amount and go on."""
    page.get_by_role("link", name="Add funds").first.click()
    page.get_by_label("Amount, USD").fill(amount)
    page.get_by_role("button", name="Continue").click()


def add_funds(page: Page, amount: str) -> None:
    """Type an amount, read the question, and say yes."""
    type_amount(page, amount)
    expect(page.get_by_text(f"Charge ${amount}.00 to Visa")).to_be_visible()
    page.get_by_role("button", name=f"Add ${amount}.00").click()


def test_somebody_signs_in_adds_funds_and_sees_the_new_lot(page: Page, site: Site) -> None:
    sign_in(page)
    expect(page).to_have_url(re.compile(site.account))
    expect(page.locator(".figure-large")).to_have_text("$99.88")
    expect(page.get_by_text("Calls are allowed.")).to_be_visible()

    add_funds(page, "75")

    expect(page.locator("main .notice")).to_contain_text("$75.00 was added.")
    expect(page.locator("main .notice")).to_be_focused()
    expect(page.locator(".standing")).to_contain_text("$174.88")
    expect(page.locator("#announcement")).to_contain_text("$75.00 was added.")

    page.get_by_role("link", name="Lots").click()

    row = page.get_by_role("row").filter(has_text="Purchase")
    expect(row).to_contain_text("75.00")
    expect(row).to_contain_text("Oct 1, 2027")


def test_all_of_it_works_without_scripts(page_without_scripts: Page) -> None:
    page = page_without_scripts
    sign_in(page)

    add_funds(page, "60")

    expect(page.get_by_text("$60.00 was added.")).to_be_visible()
    expect(page.locator(".standing")).to_contain_text("$159.88")


def test_an_amount_that_is_refused_is_explained_and_stays_typed(page: Page) -> None:
    sign_in(page)

    type_amount(page, "20")

    expect(page.get_by_role("button", name="Add $20.00")).to_have_count(0)
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("$50.00")
    expect(page.get_by_label("Amount, USD")).to_have_value("20")
    page.get_by_role("link", name="The least that can be added").click()
    expect(page.get_by_label("Amount, USD")).to_be_focused()


def test_a_list_is_filtered_where_the_reader_looks_and_back_leads_back(page: Page, site: Site) -> None:
    sign_in(page)
    page.goto(f"/accounts/{site.account}/ledger")

    page.get_by_label("Kind").select_option("Grant")

    expect(page.locator("tbody tr:not(.day)")).to_have_count(1)
    expect(page).to_have_url(re.compile("kind=GRANT"))
    page.go_back()
    expect(page.locator("tbody tr:not(.day)")).to_have_count(2)


def test_an_entry_opens_to_its_draws_and_leads_to_the_calls_explanation(page: Page, site: Site) -> None:
    sign_in(page)
    page.goto(f"/accounts/{site.account}/ledger")

    page.get_by_text("Call to +4930123456").click()
    expect(page.get_by_role("link", name="Grant of")).to_be_visible()
    page.get_by_role("link", name="How this charge came about").click()

    expect(page.get_by_text("2 steps of 60 s")).to_be_visible()


def test_usage_is_added_up_otherwise_where_the_reader_looks_and_taken_along(page: Page, site: Site) -> None:
    sign_in(page)
    page.get_by_role("link", name="Calls").click()
    page.get_by_role("link", name="Usage").click()
    expect(page.locator(".chart-column")).to_have_count(1)

    page.get_by_label("By", exact=True).select_option("Destination")

    expect(page.locator("tbody")).to_contain_text("Germany")
    expect(page.locator(".chart-column")).to_have_count(0)
    expect(page).to_have_url(re.compile("by=DESTINATION"))
    expect(page.locator("#announcement")).to_have_text("Calls: 1")
    with page.expect_download() as report:
        page.get_by_role("link", name="ZIP").click()
    assert report.value.suggested_filename == "PSTN.calls.2026-10-01_2026-10-01.zip"


def test_the_test_clock_moves_from_the_ribbon(page: Page, site: Site) -> None:
    sign_in(page)
    page.goto(f"/accounts/{site.account}/lots")

    page.get_by_role("button", name="+ 1 month").click()

    expect(page.get_by_label("Test account")).to_contain_text("Nov 1, 2026")
    expect(page).to_have_url(re.compile("/lots"))


def test_the_reason_for_suspending_an_account_is_not_taken_for_the_one_to_lift_it(page: Page, site: Site) -> None:
    sign_in(page, OLGA)
    page.goto(f"/accounts/{site.account}/settings")
    page.get_by_text("Suspend this account").click()
    page.get_by_label("Reason").fill("Unpaid since May")

    page.get_by_role("button", name="Suspend Contoso").click()

    expect(page.locator("main .notice")).to_contain_text("The account is suspended")
    expect(page.get_by_label("Reason")).to_have_value("")


def test_the_operator_publishes_a_deck_after_seeing_what_it_changes(page: Page) -> None:
    sign_in(page, OLGA)
    page.get_by_role("link", name="Rates").click()
    page.get_by_role("link", name="Publish a deck").click()

    content = b"Prefix,Destination,Rate\n49,Germany,0.07\n5.41144E+11,Argentina,0.2\n"
    page.get_by_label("Price list").set_input_files({"name": "list.csv", "mimeType": "text/csv", "buffer": content})
    page.get_by_role("button", name="Show what would change").click()
    expect(page.get_by_text("0 added, 1 changed, 1 withdrawn.")).to_be_visible()
    page.get_by_label("Leave the bad rows out (1)").check()
    page.get_by_role("button", name="Publish the deck").click()

    expect(page.get_by_text("The deck is published.")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Germany")).to_contain_text("0.07")


def test_graphiql_shows_a_balance_as_it_changes_until_it_is_stopped(page: Page, site: Site) -> None:
    document = f'subscription {{ balance(accountId: "{site.account}") {{ available {{ amount }} }} }}'
    (account_id,) = read_id("acct", site.account)
    running = site.app.state.running
    sign_in(page)
    page.goto(f"/graphql?query={quote(document)}")

    page.get_by_label("Execute query").click()
    expect(page.locator(".result-window")).to_contain_text("99.88")
    make_lot(running.database, account_id, 5)
    expect(page.locator(".result-window")).to_contain_text("104.88")
    assert running.seats.taken == 1
    page.get_by_label("Stop query").click()

    expect(page.get_by_label("Execute query")).to_be_visible()
    expect(page.locator(".result-window")).to_contain_text("104.88")
    assert soon(lambda: running.seats.taken == 0)


def test_the_language_changes_from_the_foot_of_the_page(page: Page) -> None:
    sign_in(page)

    page.get_by_role("button", name="日本語").click()

    expect(page.get_by_role("link", name="残高を追加")).to_be_visible()


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/funds",
        "/funds/automatic",
        "/funds/methods",
        "/lots",
        "/ledger",
        "/statements",
        "/statements/2026-10",
        "/calls",
        "/calls/check",
        "/calls/import",
        "/usage",
        "/usage?by=DESTINATION&and=SERVICE",
    ],
)
def test_nothing_is_cut_off_on_a_small_phone(phone: Page, site: Site, path: str) -> None:
    sign_in(phone)

    phone.goto(f"/accounts/{site.account}{path}")

    assert phone.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("path", ["/statements", "/ledger", "/calls/import", "/plans", "/audit", "/notices"])
def test_where_one_is_stands_in_sight_on_a_small_phone(phone: Page, site: Site, path: str) -> None:
    sign_in(phone)

    phone.goto(f"/accounts/{site.account}{path}")

    for current in phone.locator("nav [aria-current]").all():
        box = current.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360


@pytest.mark.parametrize("chosen", ["As the system", "Dark"])
def test_dark_pages_are_printed_dark_on_white(page: Page, site: Site, chosen: str) -> None:
    sign_in(page)
    page.emulate_media(color_scheme="dark")
    page.goto(f"/accounts/{site.account}/statements/2026-10")
    page.get_by_role("button", name=chosen).click()
    on_screen = page.evaluate(INK_AND_PAPER)

    page.emulate_media(media="print")

    assert on_screen == ["rgb(236, 232, 224)", "rgb(31, 28, 25)"]
    assert page.evaluate(INK_AND_PAPER) == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]


def test_the_last_month_below_the_chart_is_not_cut_off_on_a_small_phone(phone: Page, site: Site) -> None:
    sign_in(phone)
    phone.goto(f"/accounts/{site.account}/clock?back=/accounts/{site.account}")
    phone.get_by_label("Move it to").fill("2026-11-01T12:00")

    phone.get_by_role("button", name="Move the clock").click()
    phone.wait_for_url(re.compile(f"{site.account}$"))

    month = phone.locator(".chart-month").last.bounding_box()
    chart = phone.locator(".chart-frame").bounding_box()
    assert month is not None
    assert chart is not None
    assert month["x"] + month["width"] <= chart["x"] + chart["width"]
