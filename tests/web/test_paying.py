"""What may be done about a payment that is not made, and how cards are given: what the pages say and offer."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import build_app
from api.settings import Settings
from credits.ids import public_id
from credits.people import create_person
from db.kinds import Role
from db.session import Database
from tests.api.conftest import PASSWORD, sign_in
from tests.factories import NOW, make_account
from tests.stripe_peer import StripePeer
from tests.web.conftest import ADA, Browser

FUNDS = "/accounts/{account}/funds"
METHODS = f"{FUNDS}/methods"


@pytest.fixture
def peer() -> Iterator[StripePeer]:
    """A stand-in for Stripe."""
    with StripePeer() as running:
        yield running


@pytest.fixture
def live(sqlite_database: Database, peer: StripePeer, tmp_path: Any) -> Iterator[Browser]:
    """Ada's browser, in a LIVE account of an app that has a payment provider."""
    account_id = make_account(sqlite_database, name="Contoso")
    with sqlite_database.transaction() as session:
        create_person(session, email=ADA, password=PASSWORD, is_operator=False, roles={account_id: Role.ADMIN}, now=NOW)
    application = build_app(
        Settings(
            data=tmp_path, database_url=sqlite_database.url, worker=False, stripe_api_key=peer.key,
            stripe_api_base=peer.url, stripe_webhook_secret=peer.secret,
        )
    )  # fmt: skip
    with TestClient(application, follow_redirects=False) as client:
        assert sign_in(client, ADA).status_code == 303
        yield Browser(client, public_id("acct", account_id), "", "")


def give_card(browser: Browser, peer: StripePeer, token: str = "pm_card_visa") -> Any:
    """Give a card on the provider's page, and come back."""
    browser.send(f"{METHODS}/card", on=METHODS, make_default="yes")
    (page,) = peer.objects.listed("checkout.session", status="open")
    peer.do("give_card", name=page["id"], token=token)
    return browser.see(page["success_url"].partition("8000")[2])


def test_whoever_gives_a_card_is_led_away_by_a_page_and_never_by_a_form(live: Browser, peer: StripePeer) -> None:
    answer = live.send(f"{METHODS}/card", on=METHODS, make_default="yes")

    (page,) = peer.objects.listed("checkout.session")
    assert (answer.status_code, answer.headers["hx-redirect"]) == (200, page["url"])
    assert f'<meta http-equiv="refresh" content="0; url={page["url"]}">' in answer.text
    assert f'href="{page["url"]}"' in answer.text
    assert "form-action 'self';" in answer.headers["content-security-policy"]


def test_whoever_comes_back_with_a_card_sees_it(live: Browser, peer: StripePeer) -> None:
    page = give_card(live, peer).text

    assert "Visa •••• 4242, 12/34 was added." in page
    assert "Used first" in page


def test_whoever_comes_back_too_early_is_told_that_no_card_has_come(live: Browser, peer: StripePeer) -> None:
    live.send(f"{METHODS}/card", on=METHODS)
    (page,) = peer.objects.listed("checkout.session")

    answer = live.see(page["success_url"].partition("8000")[2])

    assert "No card has come yet." in answer.text


@pytest.mark.parametrize("setup", ["setup_nonsense", "nonsense"])
def test_a_set_up_that_is_none_is_said_to_be_none(live: Browser, setup: str) -> None:
    answer = live.see(f"{METHODS}?setup={setup}")

    assert answer.status_code == 422
    assert "This could not be done." in answer.text


def test_a_provider_that_is_away_is_said_to_be(live: Browser, peer: StripePeer) -> None:
    peer.fail_next("/v1/customers", after_doing=False)
    peer.fail_next("/v1/customers", after_doing=False)
    peer.fail_next("/v1/customers", after_doing=False)

    answer = live.send(f"{METHODS}/card", on=METHODS)

    assert answer.status_code == 422
    assert "could not be reached" in answer.text


def test_without_a_provider_cards_are_said_not_to_be_set_up(olga: Browser) -> None:
    page = olga.see("/accounts/{other}/funds/methods").text

    assert "Cards are not set up here" in page
    assert "Pay by invoice" in page
    assert "/methods/card" not in page


def test_cards_whose_end_is_near_or_past_are_marked(ada: Browser, sqlite_database: Database) -> None:
    today = datetime(2026, 10, 1, tzinfo=UTC).date()
    ends = {1: today - timedelta(days=1), 2: today, 3: today + timedelta(days=30), 4: today + timedelta(days=31)}
    for _ in range(3):
        ada.send(METHODS, kind="CARD", token="tok_ok")
    with sqlite_database.transaction() as session:
        for method_no, day in ends.items():
            session.execute("UPDATE payment_method SET expires_on = ? WHERE method_no = ?", day.isoformat(), method_no)

    lines = ada.see(METHODS).text.split("<li>")[1:5]

    assert ["Expired" in line for line in lines] == [True, False, False, False]
    assert ["Usable through" in line for line in lines] == [False, True, True, False]


def test_a_bank_that_asks_at_once_is_gone_to_at_once(live: Browser, peer: StripePeer) -> None:
    give_card(live, peer, "pm_card_authenticationRequired")

    answer = live.send(FUNDS, amount="60", idempotency_key="key-1")

    assert answer.status_code == 200
    assert "/bank/pi_" in answer.headers["hx-redirect"]


def test_whoever_comes_back_from_the_bank_sees_what_came_of_it(live: Browser, peer: StripePeer) -> None:
    give_card(live, peer, "pm_card_authenticationRequired")
    bank = live.send(FUNDS, amount="60", idempotency_key="key-1").headers["hx-redirect"]
    recharge = live.account.replace("acct", "rchg") + "-1"
    before = live.see(f"{FUNDS}?done={recharge}").text

    peer.do("answer_bank", name=bank.rpartition("/")[2], agreed=True)

    assert "Confirm with your bank" in before
    assert "$60.00 was added." in live.see(f"{FUNDS}?done={recharge}").text


def test_a_payment_that_is_made_by_then_is_not_confirmed_again(live: Browser, peer: StripePeer) -> None:
    give_card(live, peer, "pm_card_authenticationRequired")
    bank = live.send(FUNDS, amount="60", idempotency_key="key-1").headers["hx-redirect"]
    peer.do("answer_bank", name=bank.rpartition("/")[2], agreed=True)
    there = f"{FUNDS}/recharges/{live.account.replace('acct', 'rchg')}-1"

    said = [live.see(live.send(f"{there}/{verb}", on=FUNDS).headers["location"]).text for verb in ("confirm", "cancel")]

    assert all("$60.00 was added." in page for page in said)
    assert [payment.times_charged for payment in peer.payments()] == [1]


def test_a_payment_without_an_answer_can_be_asked_about_again(live: Browser, peer: StripePeer) -> None:
    give_card(live, peer, "pm_card_slow")
    page = live.see(live.send(FUNDS, amount="60", idempotency_key="key-1").headers["location"]).text
    (intent,) = peer.objects.listed("payment_intent")
    peer.do("finish", name=intent["id"])
    there = f"{FUNDS}/recharges/{live.account.replace('acct', 'rchg')}-1"

    after = live.see(live.send(f"{there}/check", on=FUNDS).headers["location"]).text

    assert "is on its way" in page
    assert "Check again" in page
    assert "$60.00 was added." in after


def test_a_test_card_that_asks_for_confirmation_can_only_be_given_up(ada: Browser) -> None:
    ada.send(METHODS, kind="CARD", token="tok_action_required", make_default="yes")
    waiting = ada.see(ada.send(FUNDS, amount="60", idempotency_key="key-60").headers["location"]).text
    there = f"{FUNDS}/recharges/{ada.account.replace('acct', 'rchg')}-2"

    gone = ada.see(ada.send(f"{there}/cancel", on=FUNDS).headers["location"]).text

    assert "No bank stands behind a test card" in waiting
    assert "Confirm with your bank" not in waiting
    assert "Give up adding $60.00, and not pay it?" in waiting
    assert "the recharge was given up, and nothing was paid" in gone
    assert '<span class="quiet">Canceled</span>' in gone


def test_who_may_only_look_is_not_offered_to_act_on_a_payment(ada: Browser, vera: Browser) -> None:
    ada.send(METHODS, kind="CARD", token="tok_action_required", make_default="yes")
    done = ada.send(FUNDS, amount="60", idempotency_key="key-60").headers["location"]

    page = unescape(vera.see(done).text)

    assert "the bank asks the card's holder to confirm" in page
    assert "Give up" not in page
    assert "What to do" not in page
    assert vera.send(f"{FUNDS}/recharges/{ada.account.replace('acct', 'rchg')}-2/cancel", on=FUNDS).status_code == 403
