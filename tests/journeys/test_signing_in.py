"""Getting in, as a person does it: a second factor is set up, asked for, and a forgotten password is chosen anew."""

import email
import email.policy
import re
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Page

from api import clock
from credits.instants import SECOND
from tests.journeys.conftest import ADA, PASSWORD, Site, sign_in

pytestmark = pytest.mark.journey


def test_a_second_factor_is_set_up_and_asked_for(page: Page) -> None:
    sign_in(page)
    page.get_by_role("link", name=ADA).click()
    page.get_by_label("Your password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Set up a second factor").click()
    assert page.locator("svg.square-code").is_visible()
    secret = page.locator(".secret").inner_text().replace(" ", "")
    page.get_by_label("Code", exact=True).fill(pyotp.TOTP(secret).at(clock.now() // SECOND))
    page.get_by_role("button", name="Ask for a second factor").click()
    recovery = page.locator(".recovery code").first.inner_text()
    page.get_by_role("button", name="Sign out").click()

    page.get_by_label("Mail address").fill(ADA)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.locator("main button").click()
    page.get_by_label("Code", exact=True).fill(recovery)
    page.locator("main button").click()

    page.wait_for_url("**/accounts/**")
    page.goto("/me")
    assert page.get_by_text("Recovery codes left: 9.").is_visible()


def test_a_forgotten_password_is_chosen_anew_without_scripts(page_without_scripts: Page, site: Site) -> None:
    page = page_without_scripts
    page.goto("/sign-in")
    page.get_by_role("link", name="Forgotten your password?").click()
    page.get_by_label("Mail address").fill(ADA)
    page.get_by_role("button", name="Send the link").click()
    assert page.get_by_role("status").filter(has_text="on its way").is_visible()
    page.goto(_mailed_link(site))
    page.get_by_label("Password", exact=True).fill("a password of my own")
    page.get_by_label("The same once more").fill("a password of my own")
    page.get_by_role("button", name="Choose this password").click()

    page.get_by_label("Mail address").fill(ADA)
    page.get_by_label("Password", exact=True).fill("a password of my own")
    page.locator("main button").click()

    page.wait_for_url("**/accounts/**")


def _mailed_link(site: Site) -> str:
    running = site.app.state.running
    running.worker.send_mail()
    (file,) = Path(running.settings.data / "mail").glob("*.eml")
    message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    text = message.get_body(("plain",))
    assert text is not None
    found = re.search(rf"{site.address}(/link\?code=[\w-]+)", text.get_content())
    assert found is not None
    return found[1]
