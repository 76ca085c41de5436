"""Recharging through the API: the automatic rule and its decisions, and cards that Stripe's stand-in charges."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from api.stripe_provider import StripeProvider
from credits.due import bring_up_to_date
from credits.ids import public_id
from credits.instants import DAY, HOUR
from credits.providers import Providers
from credits.recharging import drive, recharges_due
from db.kinds import AccountMode
from db.session import Database
from tests.books import Books, open_books
from tests.factories import NOW, a_key, make_card, make_recharge, make_test_account
from tests.schema.asking import Api, acct
from tests.stripe_peer import StripePeer

RULE = """
query Rule($a: ID!) { account(id: $a) { autoRecharge {
    enabled trigger { amount } amount { amount } strategy dailyLimit { amount } hasOwnDailyLimit
    paymentMethod { label } pausedReason pausedSince } } }
"""
DECISIONS = """
query D($a: ID!) { account(id: $a) { rechargeDecisions { totalCount nodes {
    outcome explanation times amount { amount } recharge: rechargeId } } } }
"""
RECHARGES = """
query R($a: ID!) { account(id: $a) { balance { available { amount } } recharges { nodes {
    id trigger status failureReason attempts nextAttemptAt actionUrl isBeingCanceled amount { amount } } } } }
"""


def rule(account_id: int, **values: Any) -> dict[str, Any]:
    """An input of setAutoRecharge."""
    return {"accountId": acct(account_id), "enabled": True, "trigger": "20", "amount": "50", **values}


def recharges(api: Api, account_id: int) -> list[dict[str, Any]]:
    """The account's recharges, newest first."""
    found: list[dict[str, Any]] = api.ask(RECHARGES, a=acct(account_id))["account"]["recharges"]["nodes"]
    return found


def test_a_rule_that_was_never_set_is_off(api: Api) -> None:
    account_id = make_test_account(api.database)

    assert api.ask(RULE, a=acct(account_id))["account"]["autoRecharge"] == {
        "enabled": False, "trigger": None, "amount": None, "strategy": "FIXED_AMOUNT", "dailyLimit": None,
        "hasOwnDailyLimit": False, "paymentMethod": None, "pausedReason": None, "pausedSince": None,
    }  # fmt: skip


def test_a_rule_is_answered_as_it_was_set(api: Api) -> None:
    account_id = make_test_account(api.database)
    method = public_id("pm", account_id, make_card(api.database, account_id))

    api.change("setAutoRecharge", "autoRecharge { enabled }", rule(account_id, paymentMethodId=method))

    found = api.ask(RULE, a=acct(account_id))["account"]["autoRecharge"]
    assert (found["trigger"], found["amount"]) == ({"amount": "20.00"}, {"amount": "50.00"})
    assert (found["dailyLimit"], found["hasOwnDailyLimit"]) == ({"amount": "500.00"}, False)
    assert found["paymentMethod"] == {"label": "Visa •••• 4242, 12/99"}


def test_a_refused_rule_names_its_field(api: Api) -> None:
    account_id = make_test_account(api.database)
    make_card(api.database, account_id)

    errors = api.refused("setAutoRecharge", rule(account_id, amount="49"))

    assert [(error["code"], error["field"]) for error in errors] == [("INVALID", ["input", "amount"])]


def test_a_rule_is_judged_without_being_set(api: Api) -> None:
    account_id = make_test_account(api.database)
    make_card(api.database, account_id)
    shape = "autoRecharge { enabled dailyLimit { amount } usualDailyRecharges underway { id } }"

    judged = api.change("setAutoRecharge", shape, rule(account_id, dryRun=True))["autoRecharge"]
    refused = api.refused("setAutoRecharge", rule(account_id, dryRun=True, amount="49"))

    limit = {"amount": "500.00"}
    assert judged == {"enabled": True, "dailyLimit": limit, "usualDailyRecharges": 10, "underway": None}
    assert [error["field"] for error in refused] == [["input", "amount"]]
    assert api.ask(RULE, a=acct(account_id))["account"]["autoRecharge"]["enabled"] is False
    assert recharges(api, account_id) == []


def test_the_rule_names_the_recharge_that_it_is_making(api: Api) -> None:
    account_id = make_test_account(api.database)
    make_card(api.database, account_id)

    shape = "autoRecharge { underway { id status amount { amount } } }"
    made = api.change("setAutoRecharge", shape, rule(account_id))["autoRecharge"]["underway"]

    assert made == {"id": public_id("rchg", account_id, 1), "status": "PENDING", "amount": {"amount": "50.00"}}


def test_what_it_decided_is_told_in_a_sentence(api: Api) -> None:
    account_id = make_test_account(api.database)
    make_card(api.database, account_id, "tok_declined")
    api.change("setAutoRecharge", "autoRecharge { enabled }", rule(account_id))
    with api.database.transaction() as session:
        bring_up_to_date(session, account_id, NOW)

    decisions = api.ask(DECISIONS, a=acct(account_id))["account"]["rechargeDecisions"]

    assert decisions["totalCount"] == 1
    assert decisions["nodes"][0] == {
        "outcome": "RECHARGED", "explanation": "$0.00 was left, below $20.00: $50.00 was asked for.", "times": 1,
        "amount": {"amount": "50.00"}, "recharge": public_id("rchg", account_id, 1),
    }  # fmt: skip


def test_a_declined_automatic_recharge_tells_when_it_is_tried_again(api: Api) -> None:
    account_id = make_test_account(api.database)
    make_card(api.database, account_id, "tok_declined")
    api.change("setAutoRecharge", "autoRecharge { enabled }", rule(account_id))

    api.change("advanceClock", "account { id }", {"accountId": acct(account_id), "to": "2026-10-01T12:00:00Z"})

    (found,) = recharges(api, account_id)
    assert (found["status"], found["trigger"], found["attempts"]) == ("PROCESSING", "AUTOMATIC", 1)
    assert found["failureReason"] == "The card was declined."
    assert found["nextAttemptAt"] == "2026-10-01T13:00:00Z"


def test_why_a_recharge_failed_is_said_in_the_language_of_the_request(api: Api) -> None:
    account_id = make_test_account(api.database)
    make_card(api.database, account_id, "tok_declined")
    make_recharge(api.database, account_id)

    result = api.run(RECHARGES, said_in="ja", a=acct(account_id))

    assert result.data is not None
    assert result.data["account"]["recharges"]["nodes"][0]["failureReason"] == "クレジット カードが拒否されました。"


def test_a_recharge_that_awaits_its_next_try_can_be_given_up(api: Api) -> None:
    account_id = make_test_account(api.database)
    make_card(api.database, account_id, "tok_declined")
    api.change("setAutoRecharge", "autoRecharge { enabled }", rule(account_id))
    api.change("advanceClock", "account { id }", {"accountId": acct(account_id), "to": "2026-10-01T12:00:00Z"})
    about = {"accountId": acct(account_id), "rechargeId": public_id("rchg", account_id, 1)}

    answer = api.change("cancelRecharge", "recharge { status }", about)

    assert answer["recharge"] == {"status": "CANCELED"}
    again = api.refused("cancelRecharge", about)
    assert [error["code"] for error in again] == ["CONFLICT"]


def test_a_recharge_of_another_account_does_not_exist(api: Api) -> None:
    one, other = make_test_account(api.database), make_test_account(api.database)
    make_card(api.database, other)
    make_recharge(api.database, other)

    for mutation in ("checkRecharge", "confirmRecharge", "cancelRecharge"):
        for recharge in (public_id("rchg", other, 1), public_id("rchg", one, 1)):
            errors = api.refused(mutation, {"accountId": acct(one), "rechargeId": recharge})
            assert [error["code"] for error in errors] == ["NOT_FOUND"]


@dataclass
class Live:
    """A LIVE account whose cards Stripe's stand-in knows."""

    api: Api
    books: Books
    peer: StripePeer

    def add_card(self, token: str) -> str:
        """Add a card by its token."""
        answer = self.api.change(
            "addPaymentMethod", "paymentMethod { id label }",
            {"accountId": acct(self.books.account_id), "kind": "CARD", "token": token},
        )  # fmt: skip
        return str(answer["paymentMethod"]["id"])

    def buy(self, amount: str = "100") -> dict[str, Any]:
        """Buy funds with the default card."""
        answer = self.api.change(
            "recharge", "recharge { id status actionUrl failureReason lot { amount { amount } } }",
            {"accountId": acct(self.books.account_id), "amount": amount, "idempotencyKey": a_key()},
        )  # fmt: skip
        found: dict[str, Any] = answer["recharge"]
        return found

    def about(self, recharge: dict[str, Any]) -> dict[str, Any]:
        """An input that names a recharge."""
        return {"accountId": acct(self.books.account_id), "rechargeId": recharge["id"]}

    def work(self) -> None:
        """Do what is due, as the worker does."""
        with self.api.database.reading() as session:
            due = recharges_due(session, self.api.now)
        for account_id, recharge_no in due:
            drive(
                self.api.database, self.api.providers,
                account_id=account_id, recharge_no=recharge_no, now=self.api.now,
            )  # fmt: skip

    def bank_page(self) -> str:
        """The payment whose owner the bank waits for."""
        with self.peer.objects.lock:
            (waiting,) = self.peer.objects.listed("payment_intent", status="requires_action")
        return str(waiting["id"])


@pytest.fixture
def live(database: Database) -> Iterator[Live]:
    """A LIVE account, and the stand-in."""
    with StripePeer() as peer:
        providers = Providers(StripeProvider(peer.key, api_base=peer.url), "https://credits.example")
        books = open_books(database, mode=AccountMode.LIVE)
        yield Live(Api(database, providers=providers), books, peer)


def test_a_live_card_pays(live: Live) -> None:
    live.add_card("pm_card_visa")

    bought = live.buy("100")

    assert (bought["status"], bought["lot"]) == ("SUCCEEDED", {"amount": {"amount": "100.00"}})
    assert [(payment.recharge, payment.amount) for payment in live.peer.payments()] == [(bought["id"], 10_000)]


def test_a_card_that_is_given_twice_is_one_payment_method(live: Live) -> None:
    first = live.add_card("pm_card_visa")

    assert live.add_card(token_of(live)) == first


def test_a_card_is_given_on_the_providers_page_and_found_by_whoever_asks_first(live: Live) -> None:
    start = {"accountId": acct(live.books.account_id)}
    url = live.api.change("startCardSetup", "url", start)["url"]
    session_id = url.rsplit("/", 1)[1]
    finish = {**start, "setupId": public_id("setup", live.books.account_id, 1)}
    assert live.api.change("finishCardSetup", "paymentMethod { label }", finish)["paymentMethod"] is None

    live.peer.do("give_card", name=session_id, token="pm_card_visa")
    answers = [live.api.change("finishCardSetup", "paymentMethod { label isDefault }", finish) for _ in range(2)]

    assert [answer["paymentMethod"] for answer in answers] == [
        {"label": "Visa •••• 4242, 12/34", "isDefault": True}
    ] * 2


def test_a_payment_that_the_bank_wants_confirmed_has_an_address_and_then_its_funds(live: Live) -> None:
    live.add_card("pm_card_authenticationRequired")
    bought = live.buy()
    assert bought["status"] == "ACTION_REQUIRED"
    assert bought["actionUrl"].startswith(live.peer.url)

    live.peer.do("answer_bank", name=live.bank_page(), agreed=True)
    answer = live.api.change("checkRecharge", "recharge { status lot { id } }", live.about(bought))

    assert answer["recharge"]["status"] == "SUCCEEDED"
    assert len(live.peer.payments()) == 1
    assert live.books.breaches() == []


def test_a_payment_that_its_owner_does_not_confirm_has_failed(live: Live) -> None:
    live.add_card("pm_card_authenticationRequired")
    bought = live.buy()

    live.peer.do("answer_bank", name=live.bank_page(), agreed=False)
    answer = live.api.change("checkRecharge", "recharge { status failureReason }", live.about(bought))

    assert answer["recharge"]["status"] == "FAILED"
    assert live.peer.payments() == []


def test_an_automatic_payment_that_must_be_confirmed_is_confirmed_later_and_the_rule_goes_on(live: Live) -> None:
    live.add_card("pm_card_authenticationRequired")
    live.api.change("setAutoRecharge", "autoRecharge { enabled }", rule(live.books.account_id))
    live.work()
    (waiting,) = recharges(live.api, live.books.account_id)
    assert (waiting["status"], waiting["actionUrl"]) == ("ACTION_REQUIRED", None)

    live.api.now += 3 * HOUR
    url = live.api.change("confirmRecharge", "recharge { actionUrl }", live.about(waiting))["recharge"]["actionUrl"]
    assert url.startswith(live.peer.url)
    live.peer.do("answer_bank", name=live.bank_page(), agreed=True)
    live.api.now += DAY
    live.work()

    assert [found["status"] for found in recharges(live.api, live.books.account_id)] == ["SUCCEEDED"]
    assert live.api.ask(RULE, a=acct(live.books.account_id))["account"]["autoRecharge"]["pausedReason"] is None
    assert len(live.peer.payments()) == 1


def test_a_declined_live_card_is_tried_again_as_the_same_payment_until_it_pays(live: Live) -> None:
    live.add_card("pm_card_chargeDeclined")
    live.api.change("setAutoRecharge", "autoRecharge { enabled }", rule(live.books.account_id))
    live.work()
    live.api.now += HOUR
    live.work()
    (waiting,) = recharges(live.api, live.books.account_id)
    assert (waiting["status"], waiting["attempts"]) == ("PROCESSING", 2)

    live.peer.behave(token_of(live), "works")
    live.api.now += DAY
    live.work()

    (paid,) = recharges(live.api, live.books.account_id)
    assert (paid["status"], paid["attempts"]) == ("SUCCEEDED", 3)
    (payment,) = live.peer.payments()
    assert (payment.times_charged, live.peer.tries(payment.payment_id)) == (1, 3)


def token_of(live: Live) -> str:
    """The provider's token of the account's card."""
    with live.api.database.reading() as session:
        ((token,),) = session.rows("SELECT token FROM payment_method")
    return str(token)


def test_a_payment_given_up_too_late_still_brings_its_funds(live: Live) -> None:
    live.add_card("pm_card_authenticationRequired")
    bought = live.buy()
    live.peer.do("answer_bank", name=live.bank_page(), agreed=True)

    answer = live.api.change("cancelRecharge", "recharge { status }", live.about(bought))

    assert answer["recharge"]["status"] == "SUCCEEDED"
    assert live.books.breaches() == []


def test_a_payment_given_up_in_time_cannot_be_confirmed_any_more(live: Live) -> None:
    live.add_card("pm_card_authenticationRequired")
    bought = live.buy()

    answer = live.api.change("cancelRecharge", "recharge { status actionUrl }", live.about(bought))

    assert answer["recharge"] == {"status": "CANCELED", "actionUrl": None}
    with live.peer.objects.lock:
        assert [found["status"] for found in live.peer.objects.listed("payment_intent")] == ["canceled"]


def test_without_a_provider_a_live_account_takes_no_cards(api: Api) -> None:
    account_id = open_books(api.database, mode=AccountMode.LIVE).account_id

    takes = api.ask("query T($a: ID!) { account(id: $a) { takesCards } }", a=acct(account_id))["account"]
    errors = api.refused("startCardSetup", {"accountId": acct(account_id)})

    assert takes == {"takesCards": False}
    assert [error["code"] for error in errors] == ["CONFLICT"]
