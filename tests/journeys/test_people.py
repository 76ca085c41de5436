"""A journey of an administrator who enters users and gives them licences."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Site, sign_in

pytestmark = pytest.mark.journey


def enter(page: Page, site: Site, name: str) -> None:
    """Enter somebody with pay-as-you-go."""
    page.goto(f"/accounts/{site.account}/users/new")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("User name").fill(name.lower())
    page.get_by_label("Pay-As-You-Go Calling Plan").check()
    page.get_by_role("button", name="Add the user").click()
    expect(page.locator("main .notice")).to_have_text(f"{name} was added.")


def give_both_a_plan(page: Page, site: Site) -> None:
    """Enter two users, tick both, and give them a calling plan."""
    sign_in(page)
    for name in ("Mia", "Noah"):
        enter(page, site, name)
    page.get_by_role("navigation", name="People").get_by_role("link", name="Users").click()
    page.get_by_role("checkbox", name="Mia").check()
    page.get_by_role("checkbox", name="Noah").check()
    page.get_by_label("Domestic Calling Plan (120 minutes)", exact=True).check()
    page.get_by_role("button", name="Change the licences").click()
    expect(page.locator("main .notice")).to_have_text("Licences of 2 users changed.")


def test_two_users_are_ticked_and_given_a_plan_whose_minutes_show_at_once(page: Page, site: Site) -> None:
    give_both_a_plan(page, site)

    expect(page.locator("#announcement")).to_contain_text("Licences of 2 users changed.")
    expect(page.get_by_role("row").filter(has_text="Noah")).to_contain_text("Domestic Calling Plan (120 minutes)")
    expect(page.get_by_role("row").filter(has_text="Noah")).not_to_contain_text("Pay-As-You-Go")
    page.get_by_role("link", name="Minute pools").click()
    expect(page.get_by_role("row").filter(has_text="2 licences")).to_contain_text("240")


def test_it_works_without_scripts(page_without_scripts: Page, site: Site) -> None:
    give_both_a_plan(page_without_scripts, site)

    page_without_scripts.get_by_role("link", name="Minute pools").click()
    expect(page_without_scripts.get_by_text("2 licences")).to_be_visible()


def test_the_list_is_searched_where_the_reader_looks(page: Page, site: Site) -> None:
    sign_in(page)
    for name in ("Mia", "Noah"):
        enter(page, site, name)
    page.goto(f"/accounts/{site.account}/users")

    page.get_by_label("Name, user name or department").fill("noah")
    page.get_by_label("Name, user name or department").press("Enter")

    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile("search=noah"))


def test_nothing_is_lost_on_a_phone(phone: Page, site: Site) -> None:
    sign_in(phone)
    enter(phone, site, "Mia")

    for path in ("users", "users/new", "users/import", "pools", "plans"):
        phone.goto(f"/accounts/{site.account}/{path}")
        assert phone.evaluate("document.documentElement.scrollWidth") == 360, path


def test_a_users_figures_say_what_they_are_on_a_phone(phone: Page, site: Site) -> None:
    sign_in(phone)
    enter(phone, site, "Mia")

    phone.goto(f"/accounts/{site.account}/users")

    said = "getComputedStyle(document.querySelector('tbody td.amount'), '::after').content"
    assert phone.evaluate(said) == '"Spent this month, USD"'
