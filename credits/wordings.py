"""What each kind of notice says: its subject, its paragraphs, its figures, and where it leads.

Each says what happened, what that means, and what can be done about it. Money in the facts is in micro-units, times
are instants, and an expiry is exclusive.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from credits.accounts import AccountState
from credits.ids import public_id
from credits.instants import local_day, start_of_day
from credits.language import Language
from credits.plans import told_name
from credits.receipts import receipt_number
from db.kinds import DisputeStatus, NoticeKind, PauseReason, PoolScope
from db.tables import NEVER

LONGEST_SUBJECT = 200
_CALLS = {
    PoolScope.DOMESTIC: "Domestic calls",
    PoolScope.INTERNATIONAL: "International calls",
    PoolScope.CONFERENCE: "Conference dial-out",
}


@dataclass(slots=True)
class Draft:
    """What is peculiar to a kind of letter; a figure without a value is left out, a link's path is the account's."""

    subject: str
    paragraphs: list[str]
    figures: list[tuple[str, str]]
    link: tuple[str, str] | None


class Desk:
    """Facts, and the words for them. Every sentence may name {account}."""

    def __init__(self, facts: Mapping[str, Any], account: AccountState, language: Language) -> None:
        self.facts = facts
        self.language = language
        self.account_name = one_line(account.name)
        self.account_number = account.account_id
        self.account_id = public_id("acct", account.account_id)
        self.currency = account.currency
        self.time_zone = account.time_zone

    def say(self, message: str, /, **values: Any) -> str:
        """A sentence of the catalogue."""
        return self.language.say(message, account=self.account_name, **values)

    def money(self, name: str) -> str:
        """An amount among the facts."""
        return self.language.money(self.facts[name], self.currency)

    def told(self, name: str) -> str:
        """A fact that is a text or a number, as it is; empty when it is not given."""
        value = self.facts.get(name)
        return "" if value is None else str(value)

    def reason(self) -> str:
        """A reason in the reader's language when the catalogue has it, else in its giver's words."""
        return self.language.translated(self.told("reason"))

    def receipt(self) -> str:
        """The receipt's number as it is printed on it."""
        return receipt_number(self.account_number, self.facts["receipt_no"])

    def recharge_id(self) -> str:
        """The public id of the recharge that is told of."""
        return public_id("rchg", self.account_number, self.facts["recharge_no"])

    def country(self) -> str:
        """The country's name; empty when none is given."""
        code = self.told("country")
        return str(self.language.locale.territories.get(code, code))

    def plan(self) -> str:
        """A plan by its published name in the reader's language, or by the one that the operator gave it."""
        return self.language.said(told_name(self.told("plan_code"), self.told("plan")))

    def number(self, name: str) -> str:
        """A count among the facts."""
        return self.language.number(self.facts[name])

    def day(self, day: date) -> str:
        """A calendar day."""
        return self.language.date(start_of_day(day, self.time_zone), self.time_zone)

    def moment(self, at: int) -> str:
        """An instant in the account's zone, which is named."""
        return f"{self.language.date_time(at, self.time_zone)} ({self.time_zone})"

    def usable(self, expires_at: int) -> str:
        """Until when funds can be spent: through a day when they end with it, else up to an instant."""
        if expires_at >= NEVER:
            return ""
        if start_of_day(local_day(expires_at, self.time_zone), self.time_zone) == expires_at:
            return self.say("through {day}", day=self.language.date(expires_at - 1, self.time_zone))
        return self.say("until {moment}", moment=self.moment(expires_at))


def one_line(text: str) -> str:
    """A text fit for a subject: no control characters, no line breaks, not endless."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= LONGEST_SUBJECT else f"{line[: LONGEST_SUBJECT - 1]}…"


def _succeeded(desk: Desk) -> Draft:
    amount, usable = desk.money("amount_micros"), desk.usable(desk.facts["expires_at"])
    due_at = desk.facts.get("invoice_due_at")
    if due_at is None:
        paragraphs = [desk.say("Thank you. {amount} was added to {account}.", amount=amount)]
    else:
        day = desk.language.date(due_at - 1, desk.time_zone)
        paragraphs = [
            desk.say("{amount} was added to {account}, on invoice.", amount=amount),
            desk.say("Please pay invoice {number} by {day}.", number=desk.receipt(), day=day),
        ]
    if desk.facts["automatic"]:
        paragraphs.append(
            desk.say("Automatic recharge bought it, because the balance had fallen below the amount that you set.")
        )
    if usable:
        paragraphs.append(desk.say("These funds can be used {until}. What is left then expires.", until=usable))
    return Draft(
        desk.say("{amount} added: {account}", amount=amount),
        paragraphs,
        [
            (desk.say("Amount"), amount),
            (desk.say("Payment method"), desk.told("method")),
            (desk.say("Usable"), usable),
            (desk.say("Receipt number") if due_at is None else desk.say("Invoice number"), desk.receipt()),
        ],
        (desk.say("See funds and receipts"), "/funds"),
    )


def _failed(desk: Desk) -> Draft:
    amount, again_at = desk.money("amount_micros"), desk.facts["next_attempt_at"]
    what = (
        "An automatic recharge of {amount} for {account} was not paid, so no funds were added."
        if desk.facts["automatic"]
        else "The payment of {amount} for {account} did not go through, so no funds were added."
    )
    subject, link = desk.say("Payment failed: {amount} for {account}", amount=amount), "/funds/methods"
    label = desk.say("Open payment methods")
    if desk.facts["confirm"]:
        subject = desk.say("Please confirm a payment: {amount} for {account}", amount=amount)
        means = desk.say(
            "The bank asks the card's owner to confirm this payment; no money is taken before that."
            " Open the page below to confirm it, or pay with another card."
        )
        label, link = desk.say("Confirm the payment"), f"/funds?done={desk.recharge_id()}"
    elif again_at is not None:
        means = desk.say(
            "We will try again on {moment}. If the card cannot pay, please add another one before then.",
            moment=desk.moment(again_at),
        )
    else:
        means = desk.say("No money was taken. Please check the card, or add another payment method, and try again.")
    return Draft(
        subject,
        [desk.say(what, amount=amount), means],
        [
            (desk.say("Amount"), amount),
            (desk.say("Payment method"), desk.told("method")),
            (desk.say("Reason"), desk.reason()),
            (desk.say("Next try"), "" if again_at is None else desk.moment(again_at)),
        ],
        (label, link),
    )


def _below_zero(desk: Desk) -> Draft:
    paragraphs = [desk.say("The balance of {account} is used up. Calls that need credit are refused now.")]
    owes = desk.facts["owed_micros"] > 0
    if owes:
        paragraphs.append(
            desk.say(
                "{owed} more was spent than was left; the next funds that come in repay this first.",
                owed=desk.money("owed_micros"),
            )
        )
    paragraphs.append(desk.say("Add funds, and calls go through again at once."))
    return Draft(
        desk.say("Balance used up, calls are refused: {account}"),
        paragraphs,
        [
            (desk.say("Available"), desk.money("available_micros")),
            (desk.say("Owed"), desk.money("owed_micros") if owes else ""),
        ],
        (desk.say("Add funds"), "/funds"),
    )


def _low(desk: Desk) -> Draft:
    paragraphs = [
        desk.say(
            "The balance of {account} has fallen below {threshold}, the amount at which you wanted to be told.",
            threshold=desk.money("low_balance_micros"),
        )
    ]
    if desk.facts["available_micros"] > 0:
        paragraphs.append(desk.say("Calls still go through. They are refused when nothing is left."))
    else:
        paragraphs.append(desk.say("Calls that need credit are refused now."))
    paragraphs.append(desk.say("Add funds in time, or let automatic recharge do it for you."))
    return Draft(
        desk.say("Balance low, {available} left: {account}", available=desk.money("available_micros")),
        paragraphs,
        [(desk.say("Available"), desk.money("available_micros"))],
        (desk.say("Add funds"), "/funds"),
    )


def _expiring(desk: Desk) -> Draft:
    amount, usable = desk.money("amount_micros"), desk.usable(desk.facts["expires_at"])
    return Draft(
        desk.say("{amount} expires in {days} days: {account}", amount=amount, days=desk.facts["days"]),
        [
            desk.say("{amount} of the funds of {account} can be used {until}.", amount=amount, until=usable),
            desk.say("Calls made until then still spend it in its turn. What is left after that cannot be used."),
            desk.say("Please see to it that enough is left for the time after that."),
        ],
        [(desk.say("Amount"), amount), (desk.say("Usable"), usable)],
        (desk.say("See all funds and when they expire"), "/lots"),
    )


def _expired(desk: Desk) -> Draft:
    amount, usable = desk.money("amount_micros"), desk.usable(desk.facts["expires_at"])
    return Draft(
        desk.say("{amount} expired: {account}", amount=amount),
        [
            desk.say("{amount} of the funds of {account} could be used {until}.", amount=amount, until=usable),
            desk.say("It was not used in time and cannot be used any more."),
            desk.say("Please check that enough is left for your calls."),
        ],
        [(desk.say("Amount"), amount), (desk.say("Was usable"), usable)],
        (desk.say("See all funds and when they expire"), "/lots"),
    )


def _card_expiring(desk: Desk) -> Draft:
    method = desk.told("method")
    day = desk.day(date.fromisoformat(desk.facts["expires_on"]))
    return Draft(
        desk.say("Card expires on {day}: {account}", day=day),
        [
            desk.say("The card {method} can be used through {day}.", method=method, day=day),
            desk.say("After that, payments with it fail, and automatic recharge cannot use it."),
            desk.say("Please add a card that stays valid and make it the default."),
        ],
        [(desk.say("Payment method"), method), (desk.say("Expires"), day)],
        (desk.say("Open payment methods"), "/funds/methods"),
    )


_WHY_PAUSED = {
    PauseReason.DECLINED: "The payment was declined each time it was tried.",
    PauseReason.ACTION_REQUIRED: "The bank asks for a confirmation that only the card's owner can give.",
    PauseReason.DISPUTED: "The payer's bank contests a payment, so no further one is asked for by itself.",
    PauseReason.NO_PAYMENT_METHOD: "The account has no payment method that could be used.",
}


def _paused(desk: Desk) -> Draft:
    why = PauseReason(desk.facts["reason"])
    return Draft(
        desk.say("Automatic recharge is paused: {account}"),
        [
            desk.say(_WHY_PAUSED[why]),
            desk.say("Automatic recharge of {account} is therefore paused: no funds are bought until it goes on."),
            desk.say("Add a payment method that can pay, and it goes on by itself; or start it again by hand."),
        ],
        [],
        (desk.say("Open automatic recharge"), "/funds/automatic"),
    )


def _pool_nearly_used(desk: Desk) -> Draft:
    return _pool(
        desk,
        desk.say("80% of the minutes of {plan} are used: {account}", plan=desk.plan()),
        desk.say("{used} of {total} minutes are used this month.", **_minutes(desk)),
        desk.say("When they are used up, calls are paid from the balance, and are refused when nothing is left there."),
    )


def _pool_used_up(desk: Desk) -> Draft:
    return _pool(
        desk,
        desk.say("All minutes of {plan} are used: {account}", plan=desk.plan()),
        desk.say("All {total} minutes of this month are used.", total=desk.number("minutes_total")),
        desk.say("Until the month ends, calls are paid from the balance, and are refused when nothing is left there."),
    )


def _pool(desk: Desk, subject: str, *paragraphs: str) -> Draft:
    return Draft(
        subject,
        list(paragraphs),
        [
            (desk.say("Plan"), desk.plan()),
            (desk.say("Minutes for"), desk.say(_CALLS[PoolScope(desk.facts["scope"])])),
            (desk.say("Country"), desk.country()),
            (desk.say("User"), desk.told("user")),
            (desk.say("Minutes"), desk.say("{used} of {total}", **_minutes(desk))),
        ],
        (desk.say("See the account"), ""),
    )


def _minutes(desk: Desk) -> dict[str, str]:
    return {"used": desk.number("minutes_used"), "total": desk.number("minutes_total")}


def _refunded(desk: Desk) -> Draft:
    amount = desk.money("amount_micros")
    return Draft(
        desk.say("{amount} refunded: {account}", amount=amount),
        [
            desk.say("{amount} was refunded and has left the balance of {account}.", amount=amount),
            desk.say("A bank can take some days until it shows a refund."),
        ],
        [
            (desk.say("Amount"), amount),
            (desk.say("Payment method"), desk.told("method")),
            (desk.say("Receipt number"), desk.receipt()),
        ],
        (desk.say("See funds and receipts"), "/funds"),
    )


def _disputed(desk: Desk) -> Draft:
    amount, held, label = desk.money("amount_micros"), desk.money("held_micros"), desk.say("Set aside")
    match DisputeStatus(desk.facts["status"]):
        case DisputeStatus.OPEN:
            subject = desk.say("Payment disputed: {amount} for {account}", amount=amount)
            what = desk.say("The payer's bank contests a payment of {amount} for {account}.", amount=amount)
            means = desk.say(
                "Until this is decided, {held} of its funds is set aside and cannot be used. If the payment is right,"
                " please ask its payer to tell the bank so.",
                held=held,
            )
        case DisputeStatus.WON:
            subject = desk.say("Dispute won, {amount} stays: {account}", amount=amount)
            what = desk.say("The bank has let a disputed payment of {amount} for {account} stand.", amount=amount)
            means = desk.say("{held} of its funds was set aside and is in the balance again.", held=held)
        case DisputeStatus.LOST:
            subject = desk.say("Dispute lost, {amount} was taken back: {account}", amount=amount)
            what = desk.say("The bank has taken back a disputed payment of {amount} for {account}.", amount=amount)
            label = desk.say("Taken back")
            means = desk.say("Its funds are gone. What was already spent of them is owed; the next funds repay it.")
    return Draft(
        subject,
        [what, means],
        [(desk.say("Amount"), amount), (label, held)],
        (desk.say("See funds and receipts"), "/funds"),
    )


DRAFTS: dict[NoticeKind, Callable[[Desk], Draft]] = {
    NoticeKind.RECHARGE_SUCCEEDED: _succeeded,
    NoticeKind.RECHARGE_FAILED: _failed,
    NoticeKind.BALANCE_BELOW_ZERO: _below_zero,
    NoticeKind.BALANCE_LOW: _low,
    NoticeKind.LOT_EXPIRING: _expiring,
    NoticeKind.LOT_EXPIRED: _expired,
    NoticeKind.CARD_EXPIRING: _card_expiring,
    NoticeKind.POOL_80_PERCENT: _pool_nearly_used,
    NoticeKind.POOL_USED_UP: _pool_used_up,
    NoticeKind.AUTO_RECHARGE_PAUSED: _paused,
    NoticeKind.FUNDS_REFUNDED: _refunded,
    NoticeKind.FUNDS_DISPUTED: _disputed,
}
