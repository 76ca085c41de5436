"""Journeys of an administrator among calls: a charge is taken back, and a number is tried out."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Site, sign_in

pytestmark = pytest.mark.journey


def take_back(page: Page, site: Site) -> None:
    """Open the one call of the account, and take its charge back."""
    page.goto(f"/accounts/{site.account}/calls")
    page.get_by_role("link", name="+4930123456").click()
    page.get_by_role("link", name="Take this charge back").click()
    expect(page.get_by_text("Take back the $0.12 that this call cost?")).to_be_visible()
    page.get_by_label("Reason").fill("Wrong route")
    page.get_by_role("button", name="Take $0.12 back").click()


def test_a_charge_is_taken_back_and_the_effect_is_seen_at_once(page: Page, site: Site) -> None:
    sign_in(page)

    take_back(page, site)

    notice = page.locator("main .notice")
    expect(notice).to_have_text("The charge was taken back. Available is now $100.00.")
    expect(notice).to_be_focused()
    expect(page.locator("#announcement")).to_contain_text("The charge was taken back.")
    expect(page.locator(".standing")).to_contain_text("$100.00")
    expect(page.get_by_text("(Wrong route)")).to_be_visible()
    expect(page.get_by_role("link", name="Take this charge back")).to_have_count(0)
    page.get_by_label("Calls").get_by_role("link", name="Calls").click()
    expect(page.get_by_role("row").filter(has_text="+4930123456")).to_contain_text("Charge taken back")


def test_a_charge_is_taken_back_without_scripts(page_without_scripts: Page, site: Site) -> None:
    sign_in(page_without_scripts)

    take_back(page_without_scripts, site)

    expect(page_without_scripts.get_by_text("The charge was taken back.")).to_be_visible()
    expect(page_without_scripts.locator(".standing")).to_contain_text("$100.00")


def test_a_number_is_tried_out_where_the_reader_looks(page: Page, site: Site) -> None:
    sign_in(page)
    page.goto(f"/accounts/{site.account}/calls/check")

    page.get_by_label("Number").fill("+33 1 42 68 53 00")
    page.get_by_label("Minutes").fill("1440")
    page.get_by_role("button", name="Tell me").click()

    expect(page.locator("main .notice")).to_have_text("Yes, for all of the 24 hr.")
    expect(page.locator("#announcement")).to_contain_text("Yes, for all of the 24 hr.")
    expect(page).to_have_url(re.compile("minutes=1440"))
    page.get_by_label("Number").fill("+81 3 1234 5678")
    page.get_by_role("button", name="Tell me").click()
    expect(page.locator("main .notice")).to_contain_text("No: no rate for this number.")


@pytest.mark.parametrize("path", ["/calls/rating", "/calls/{call}", "/calls/{call}/reversal"])
def test_nothing_is_cut_off_on_a_small_phone(phone: Page, site: Site, path: str) -> None:
    sign_in(phone)
    call = site.account.replace("acct", "call") + "-1"

    phone.goto(f"/accounts/{site.account}{path.format(call=call)}")

    assert phone.evaluate("document.documentElement.scrollWidth") == 360
