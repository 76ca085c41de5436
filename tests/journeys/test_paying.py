"""Journeys of somebody who pays: automatic recharge, and cards on the pages of a payment provider and of a bank."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from credits.ids import public_id
from credits.people import create_person
from db.kinds import Role
from db.session import Database
from tests.factories import NOW, make_account
from tests.journeys.conftest import ADA, PASSWORD, Site, serving, sign_in
from tests.stripe_peer import StripePeer

pytestmark = pytest.mark.journey


class TestAutomaticRecharge:
    """In a TEST account, with the worker's rounds made by hand."""

    def switch_on(self, page: Page, site: Site, trigger: str, amount: str) -> None:
        """Fill in the form, read the question, and say yes."""
        page.goto(f"/accounts/{site.account}/funds")
        page.get_by_role("link", name="Automatic recharge").click()
        page.get_by_label("When the balance falls below, USD").fill(trigger)
        page.get_by_label("Amount, USD").fill(amount)
        page.get_by_role("button", name="Continue").click()
        page.get_by_role("button", name="Switch it on").click()
        expect(page.locator("main strong")).to_have_text("It is on.")

    def call_for(self, page: Page, site: Site, minutes: int) -> None:
        """Report a call through GraphQL, with the page's own session."""
        page.goto("/graphql")
        said = page.evaluate(
            """async ([account, seconds]) => {
              const token = document.querySelector("meta[name=csrf-token]").content;
              const query = `mutation($input: RecordCallsInput!) {
                recordCalls(input: $input) { results { callId } errors { message } } }`;
              const call = {callId: "by-hand", to: "+4930123456", answeredAt: "2026-09-30T10:00:00Z",
                            durationSeconds: seconds};
              const input = {accountId: account, calls: [call]};
              const answer = await fetch("/graphql", {method: "POST", body: JSON.stringify({query, variables: {input}}),
                headers: {"Content-Type": "application/json", "X-CSRF-Token": token}});
              return await answer.text();
            }""",
            [site.account, minutes * 60],
        )
        assert '"errors": []' in said.replace('"errors":[]', '"errors": []'), said

    def test_below_its_trigger_the_account_is_recharged(self, page: Page, site: Site) -> None:
        sign_in(page)
        self.switch_on(page, site, "20", "100")
        expect(page.locator("main .notice")).to_contain_text("When less than $20.00 is available, $100.00 is charged")
        expect(page.locator("main .notice")).to_be_focused()

        self.call_for(page, site, 1400)
        site.work()

        page.goto(f"/accounts/{site.account}/funds/automatic")
        expect(page.locator(".standing")).to_contain_text("$115.88")
        row = page.get_by_role("row").filter(has_text="$15.88 was left, below $20.00: $100.00 was asked for.")
        row.get_by_role("link", name="See the recharge").click()
        expect(page.locator("main .notice")).to_contain_text("$100.00 was added.")

    def test_a_declined_card_shows_why_and_when_it_is_tried_again(self, page: Page, site: Site) -> None:
        sign_in(page)
        page.goto(f"/accounts/{site.account}/funds/methods")
        page.get_by_label("Card", exact=True).select_option("tok_declined")
        page.get_by_role("button", name="Add the payment method").click()
        expect(page.locator(".lines")).to_contain_text("Visa •••• 0002")

        self.switch_on(page, site, "100", "100")
        site.work()

        page.goto(f"/accounts/{site.account}/funds/automatic")
        expect(page.get_by_text("The card was declined. It is tried again in 1 hour.")).to_be_visible()
        page.get_by_role("button", name="+ 1 week").click()
        expect(page.get_by_text("The card was declined four times.")).to_be_visible()
        page.get_by_role("link", name="Start it again").click()
        expect(page.get_by_text("Only $99.88 is available now, so this happens at once.")).to_be_visible()

    def test_a_rule_that_is_refused_is_explained_and_stays_typed(self, page: Page, site: Site) -> None:
        sign_in(page)
        page.goto(f"/accounts/{site.account}/funds/automatic")

        page.get_by_label("When the balance falls below, USD").fill("200")
        page.get_by_label("Fill up to a balance").check()
        page.get_by_label("Amount, USD").fill("100")
        page.get_by_role("button", name="Continue").click()

        expect(page.get_by_role("alert")).to_be_focused()
        page.get_by_role("link", name="The balance to reach must not lie below").click()
        expect(page.get_by_label("Amount, USD")).to_be_focused()
        expect(page.get_by_label("Amount, USD")).to_have_value("100")
        expect(page.get_by_label("Fill up to a balance")).to_be_checked()


class TestCards:
    """In a LIVE account, against a stand-in for Stripe, whose pages are of another site."""

    @pytest.fixture
    def peer(self) -> Iterator[StripePeer]:
        """The stand-in. Its pages are at another name than ours, as Stripe's are."""
        with StripePeer() as running:
            running.objects.url = running.url.replace("127.0.0.1", "localhost")
            yield running

    @pytest.fixture
    def site(self, sqlite_database: Database, tmp_path: Path, peer: StripePeer) -> Iterator[Site]:
        """The app with that provider, and a LIVE account without anything."""
        account_id = make_account(sqlite_database, name="Contoso")
        with sqlite_database.transaction() as session:
            create_person(
                session, email=ADA, password=PASSWORD, is_operator=False, roles={account_id: Role.ADMIN}, now=NOW
            )
        stripe = {"stripe_api_key": peer.key, "stripe_api_base": peer.url, "stripe_webhook_secret": peer.secret}
        with serving(data=tmp_path, database_url=sqlite_database.url, **stripe) as (address, app):
            yield Site(address, public_id("acct", account_id), app)

    @pytest.fixture(params=["page", "page_without_scripts"])
    def window(self, request: pytest.FixtureRequest) -> Page:
        """A browser with scripts, and one without."""
        page: Page = request.getfixturevalue(request.param)
        sign_in(page)
        return page

    def give_card(self, page: Page, site: Site, token: str, last_four: str) -> None:
        """Go to the provider's page, choose a card there, and come back."""
        page.goto(f"/accounts/{site.account}/funds/methods")
        page.get_by_role("button", name="Add a card").click()
        page.locator("select[name=card]").select_option(token)
        page.get_by_role("button", name="Save").click()
        expect(page.locator("main .notice")).to_contain_text(f"{last_four}, 12/34 was added.")

    def ask_for(self, page: Page, site: Site, amount: str) -> None:
        """Say how much, and yes."""
        page.goto(f"/accounts/{site.account}/funds")
        page.get_by_label("Amount, USD").fill(amount)
        page.get_by_role("button", name="Continue").click()
        page.get_by_role("button", name=f"Add ${amount}.00").click()

    def test_a_card_is_given_elsewhere_and_pays_here(self, window: Page, site: Site, peer: StripePeer) -> None:
        self.give_card(window, site, "pm_card_visa", "Visa •••• 4242")

        self.ask_for(window, site, "75")

        expect(window.locator("main .notice")).to_contain_text("$75.00 was added.")
        window.get_by_role("link", name="Receipt").click()
        expect(window.locator(".paper")).to_contain_text("75.00")
        window.goto(f"/accounts/{site.account}/lots")
        expect(window.get_by_role("row").filter(has_text="Purchase")).to_contain_text("75.00")
        assert [(payment.amount, payment.times_charged) for payment in peer.payments()] == [(7500, 1)]

    def test_a_payment_is_confirmed_at_the_bank_at_once(self, window: Page, site: Site, peer: StripePeer) -> None:
        self.give_card(window, site, "pm_card_authenticationRequired", "Visa •••• 3184")

        self.ask_for(window, site, "60")
        expect(window).to_have_url(re.compile("localhost.*/bank/"))
        window.get_by_role("button", name="Confirm").click()

        expect(window.locator("main .notice")).to_contain_text("$60.00 was added.")
        expect(window.locator(".standing")).to_contain_text("$60.00")
        assert [payment.amount for payment in peer.payments()] == [6000]

    def test_a_payment_that_was_left_at_the_bank_can_be_confirmed_later(self, window: Page, site: Site) -> None:
        self.give_card(window, site, "pm_card_authenticationRequired", "Visa •••• 3184")
        self.ask_for(window, site, "60")
        expect(window).to_have_url(re.compile("localhost.*/bank/"))

        window.goto(f"/accounts/{site.account}/funds")
        window.get_by_role("link", name="What to do").click()
        window.get_by_role("button", name="Confirm with your bank").click()
        window.get_by_role("button", name="Confirm", exact=True).click()

        expect(window.locator("main .notice")).to_contain_text("$60.00 was added.")

    def test_a_payment_that_is_refused_at_the_bank_says_so(self, window: Page, site: Site, peer: StripePeer) -> None:
        self.give_card(window, site, "pm_card_authenticationRequired", "Visa •••• 3184")

        self.ask_for(window, site, "60")
        window.get_by_role("button", name="Refuse").click()

        expect(window.locator("main .notice")).to_contain_text("$60.00 was not added: the payment failed.")
        assert peer.payments() == []

    def test_a_payment_can_be_given_up(self, window: Page, site: Site, peer: StripePeer) -> None:
        self.give_card(window, site, "pm_card_authenticationRequired", "Visa •••• 3184")
        self.ask_for(window, site, "60")
        expect(window).to_have_url(re.compile("localhost.*/bank/"))

        window.goto(f"/accounts/{site.account}/funds")
        window.get_by_role("link", name="What to do").click()
        window.locator("summary", has_text="Give up").click()
        expect(window.get_by_text("Give up adding $60.00, and not pay it?")).to_be_visible()
        window.get_by_role("button", name="Give up $60.00").click()

        expect(window.locator("main .notice")).to_contain_text("the recharge was given up")
        assert peer.payments() == []

    def test_whoever_comes_back_without_a_card_is_told_so(self, window: Page, site: Site) -> None:
        window.goto(f"/accounts/{site.account}/funds/methods")
        window.get_by_role("button", name="Add a card").click()

        window.get_by_role("button", name="Back").click()

        expect(window.locator("main .notice")).to_contain_text("No card was added")
