"""Letters: what each kind says, in both languages, of figures, days and next steps."""

import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from credits import letters
from credits.accounts import AccountState, look_up
from credits.ids import public_id
from credits.instants import HOUR, expiry_of_purchase, start_of_day
from credits.language import LANGUAGES, language
from credits.letters import Letter, letter_of, text_of
from credits.wordings import LONGEST_SUBJECT
from db.kinds import AccountMode, NoticeKind
from db.session import Database
from db.tables import NEVER
from tests.factories import NOW, make_account, micros
from tests.mail import FACTS


@pytest.fixture
def account(sqlite_database: Database) -> AccountState:
    """A LIVE account in US dollars and Berlin."""
    account_id = make_account(sqlite_database, time_zone="Europe/Berlin")
    with sqlite_database.reading() as session:
        return look_up(session, account_id)


def written(account: AccountState, kind: NoticeKind, locale: str = "en", **facts: Any) -> Letter:
    """A letter of a kind, with its usual facts unless others are given."""
    return letter_of(kind, {**FACTS[kind], **facts}, account=account, language=language(locale))


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize("kind", NoticeKind)
def test_every_kind_has_a_letter_that_names_its_account_and_leads_to_its_pages(
    account: AccountState, kind: NoticeKind, locale: str
) -> None:
    letter = written(account, kind, locale)

    assert "Contoso" in letter.subject
    assert letter.paragraphs
    assert letter.link is not None
    assert letter.link[1].startswith("/accounts/acct_")
    assert not re.search(r"[{}]", text_of(letter))


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_letter_is_there_in_japanese(account: AccountState, kind: NoticeKind) -> None:
    letter = written(account, kind, "ja")
    sayings = [letter.subject, letter.greeting, *letter.paragraphs, *(label for label, _ in letter.figures)]

    assert [each for each in sayings if not re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", each)] == []


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        (NoticeKind.RECHARGE_SUCCEEDED, "$50.00 added: Contoso"),
        (NoticeKind.RECHARGE_FAILED, "Payment failed: $50.00 for Contoso"),
        (NoticeKind.BALANCE_BELOW_ZERO, "Balance used up, calls are refused: Contoso"),
        (NoticeKind.BALANCE_LOW, "Balance low, $8.12 left: Contoso"),
        (NoticeKind.LOT_EXPIRING, "$12.50 expires in 30 days: Contoso"),
        (NoticeKind.LOT_EXPIRED, "$12.50 expired: Contoso"),
        (NoticeKind.CARD_EXPIRING, "Card expires on Dec 31, 2026: Contoso"),
        (NoticeKind.AUTO_RECHARGE_PAUSED, "Automatic recharge is paused: Contoso"),
        (NoticeKind.FUNDS_REFUNDED, "$20.00 refunded: Contoso"),
        (NoticeKind.FUNDS_DISPUTED, "Payment disputed: $50.00 for Contoso"),
    ],
)
def test_a_subject_says_what_happened_with_its_figure(account: AccountState, kind: NoticeKind, subject: str) -> None:
    assert written(account, kind).subject == subject


def test_funds_that_expire_with_a_day_can_be_used_through_the_day_before_that_instant(account: AccountState) -> None:
    expires_at = expiry_of_purchase(NOW, "Europe/Berlin", 12)

    letter = written(account, NoticeKind.RECHARGE_SUCCEEDED, expires_at=expires_at)

    assert "These funds can be used through Oct 1, 2027. What is left then expires." in letter.paragraphs
    assert ("Usable", "through Oct 1, 2027") in letter.figures


def test_funds_that_expire_within_a_day_can_be_used_until_that_instant_of_the_accounts_zone(
    account: AccountState,
) -> None:
    letter = written(account, NoticeKind.LOT_EXPIRING, expires_at=NOW + HOUR)

    assert letter.paragraphs[0].replace("\u202f", " ").endswith("until Oct 1, 2026, 3:00:00 PM (Europe/Berlin).")


def test_funds_that_never_expire_are_said_nothing_of(account: AccountState) -> None:
    letter = written(account, NoticeKind.RECHARGE_SUCCEEDED, expires_at=NEVER)

    assert "Usable" not in dict(letter.figures)
    assert "expires" not in text_of(letter)


def test_what_automatic_recharge_bought_says_so(account: AccountState) -> None:
    by_itself = written(account, NoticeKind.RECHARGE_SUCCEEDED, automatic=True)
    by_hand = written(account, NoticeKind.RECHARGE_SUCCEEDED, automatic=False)

    assert "Automatic recharge bought it" in text_of(by_itself)
    assert "Automatic recharge" not in text_of(by_hand)


def test_a_receipt_is_named_by_the_number_that_is_printed_on_it(account: AccountState) -> None:
    letter = written(account, NoticeKind.RECHARGE_SUCCEEDED)

    assert dict(letter.figures)["Receipt number"].endswith("-000007")


def test_a_failed_payment_says_why_in_the_accounts_language_and_when_it_is_tried_again(account: AccountState) -> None:
    letter = written(account, NoticeKind.RECHARGE_FAILED, "ja")

    assert dict(letter.figures)["理由"] == "クレジット カードが拒否されました。"
    assert "2026/10/02 14:00:00" in dict(letter.figures)["次回の試行"]


def test_a_reason_in_the_providers_own_words_stays_as_it_is(account: AccountState) -> None:
    letter = written(account, NoticeKind.RECHARGE_FAILED, reason="Do not honor {05}")

    assert dict(letter.figures)["Reason"] == "Do not honor {05}"


def test_a_payment_that_is_not_tried_again_asks_for_another_way_to_pay(account: AccountState) -> None:
    letter = written(account, NoticeKind.RECHARGE_FAILED, next_attempt_at=None, automatic=False)

    assert "Next try" not in dict(letter.figures)
    assert letter.paragraphs[-1].startswith("No money was taken.")
    assert letter.link
    assert letter.link[1].endswith("/funds/methods")


def test_a_payment_that_must_be_confirmed_asks_for_that_and_not_for_another_card(account: AccountState) -> None:
    letter = written(account, NoticeKind.RECHARGE_FAILED, confirm=True, next_attempt_at=None)

    assert letter.subject == "Please confirm a payment: $50.00 for Contoso"
    assert letter.link is not None
    recharge_no = FACTS[NoticeKind.RECHARGE_FAILED]["recharge_no"]
    assert letter.link[1].endswith(f"/funds?done={public_id('rchg', account.account_id, recharge_no)}")
    assert letter.link
    assert letter.link[0] == "Confirm the payment"


@pytest.mark.parametrize(
    ("available", "says"), [(1, "Calls still go through"), (0, "refused now"), (-1, "refused now")]
)
def test_a_low_balance_says_whether_calls_still_go(account: AccountState, available: int, says: str) -> None:
    assert says in text_of(written(account, NoticeKind.BALANCE_LOW, available_micros=available))


@pytest.mark.parametrize(("owed", "is_said"), [(1, True), (0, False)])
def test_what_is_owed_is_said_when_there_is_any(account: AccountState, owed: int, is_said: bool) -> None:
    letter = written(account, NoticeKind.BALANCE_BELOW_ZERO, owed_micros=owed)

    assert ("Owed" in dict(letter.figures)) is is_said
    assert ("spent than was left" in text_of(letter)) is is_said


@pytest.mark.parametrize("reason", ["DECLINED", "ACTION_REQUIRED", "NO_PAYMENT_METHOD"])
def test_a_pause_says_why_and_how_it_ends(account: AccountState, reason: str) -> None:
    letter = written(account, NoticeKind.AUTO_RECHARGE_PAUSED, reason=reason)
    others = {written(account, NoticeKind.AUTO_RECHARGE_PAUSED, reason=each).paragraphs[0]
              for each in ("DECLINED", "ACTION_REQUIRED", "NO_PAYMENT_METHOD")}  # fmt: skip

    assert len(others) == 3
    assert "Add a payment method" in letter.paragraphs[-1]


@pytest.mark.parametrize(
    ("status", "subject", "figure"),
    [("OPEN", "Payment disputed", "Set aside"), ("WON", "Dispute won", "Set aside"), ("LOST", "Dispute lost", "Taken")],
)
def test_a_dispute_says_how_it_stands(account: AccountState, status: str, subject: str, figure: str) -> None:
    letter = written(account, NoticeKind.FUNDS_DISPUTED, status=status)

    assert letter.subject.startswith(subject)
    assert letter.figures[1][0].startswith(figure)
    assert letter.figures[1][1] == "$31.00"


def test_a_country_is_named_as_its_reader_knows_it(account: AccountState) -> None:
    assert dict(written(account, NoticeKind.POOL_80_PERCENT).figures)["Country"] == "Japan"
    assert dict(written(account, NoticeKind.POOL_80_PERCENT, "ja").figures)["国"] == "日本"
    assert "Country" not in dict(written(account, NoticeKind.POOL_USED_UP).figures)


def test_a_published_plan_is_named_as_its_reader_knows_it(account: AccountState) -> None:
    letter = written(account, NoticeKind.POOL_80_PERCENT, "ja")

    assert letter.subject == "「国内および国際通話プラン」の分数の 80% を使用しました: Contoso"
    assert letter.figures[:2] == [("プラン", "国内および国際通話プラン"), ("対象の通話", "国際通話")]


@pytest.mark.parametrize("renamed", [{"plan": "Reno's plan"}, {"plan_code": "RENO", "plan": "Audio Conferencing"}])
def test_a_plan_of_the_operators_own_is_named_as_the_operator_does(
    account: AccountState, renamed: dict[str, str]
) -> None:
    letter = written(account, NoticeKind.POOL_USED_UP, "ja", **renamed)

    assert letter.subject.startswith(f"「{renamed['plan']}」の分数をすべて")


def test_a_letter_about_one_user_s_minutes_says_whose_they_are(account: AccountState) -> None:
    assert ("User", "Mia") in written(account, NoticeKind.POOL_USED_UP, user="Mia").figures
    assert "User" not in dict(written(account, NoticeKind.POOL_USED_UP).figures)


def test_money_is_written_with_every_decimal_that_it_has(account: AccountState) -> None:
    letter = written(account, NoticeKind.BALANCE_LOW, available_micros=micros("0.012345"))

    assert "$0.012345" in letter.subject


def test_a_test_account_s_letter_says_that_it_is_one(account: AccountState) -> None:
    letter = written(replace(account, mode=AccountMode.TEST), NoticeKind.BALANCE_LOW)

    assert letter.subject.startswith("[TEST] Balance low")
    assert "This is a test account: no money was moved." in letter.paragraphs


def test_no_name_can_break_a_subject_into_lines(account: AccountState) -> None:
    named = replace(account, name="Contoso\r\nBcc: everyone@example.com\0 {reason}")

    letter = written(named, NoticeKind.BALANCE_LOW)

    assert letter.subject.endswith("Contoso Bcc: everyone@example.com {reason}")
    assert letter.subject.isprintable()


def test_a_subject_is_not_endless(account: AccountState) -> None:
    letter = written(replace(account, name="x" * 500), NoticeKind.BALANCE_LOW)

    assert len(letter.subject) == LONGEST_SUBJECT
    assert letter.subject.endswith("…")


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize("kind", NoticeKind)
def test_a_letter_that_is_kept_is_read_as_it_was_written(account: AccountState, kind: NoticeKind, locale: str) -> None:
    letter = written(account, kind, locale)

    assert letters.read(letter.subject, letters.written(letter)) == letter


def test_the_text_of_a_letter_has_its_figures_and_the_whole_address(account: AccountState) -> None:
    text = text_of(written(account, NoticeKind.BALANCE_LOW), "https://credits.example.com")

    assert "\nAvailable: $8.12\n" in text
    assert re.search(r"\nAdd funds:\nhttps://credits\.example\.com/accounts/acct_\w+/funds\n", text)
    assert text.startswith("Hello,\n\n")


def test_funds_on_invoice_are_to_be_paid_and_no_thanks_are_due_yet(account: AccountState) -> None:
    letter = written(
        account, NoticeKind.RECHARGE_SUCCEEDED, invoice_due_at=start_of_day(date(2026, 11, 1), "Europe/Berlin")
    )

    text = text_of(letter)
    assert "on invoice" in text
    assert "by Oct 31, 2026" in text
    assert "Thank you" not in text
    assert "Receipt" not in text.replace("receipts", "")
