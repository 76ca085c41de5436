"""The words for the schema's closed lists, as people read them."""

from collections.abc import Mapping
from typing import Any

from credits.language import Language, Sentence, sentence
from credits.plans import PUBLISHED_NAMES, told_name
from credits.policies import CONFERENCE_POLICIES, USER_POLICIES

WORDS: dict[str, dict[str, Sentence]] = {
    "source": {
        "PURCHASE": sentence("Purchase"),
        "AUTO_RECHARGE": sentence("Automatic recharge"),
        "INVOICE": sentence("Invoice"),
        "GRANT": sentence("Grant"),
        "ADJUSTMENT": sentence("Adjustment"),
    },
    "lot": {
        "PENDING": sentence("Not started"),
        "ACTIVE": sentence("Usable"),
        "EXHAUSTED": sentence("Used up"),
        "EXPIRED": sentence("Expired"),
        "VOIDED": sentence("Taken back"),
    },
    "entry": {
        "FUNDS_ADDED": sentence("Funds added"),
        "CALL_CHARGE": sentence("Call"),
        "EXPIRY": sentence("Forfeited"),
        "REFUND": sentence("Refund"),
        "GRANT": sentence("Grant"),
        "ADJUSTMENT": sentence("Adjustment"),
        "REVERSAL": sentence("Reversal"),
    },
    "recharge": {
        "PENDING": sentence("Waiting"),
        "PROCESSING": sentence("Being paid"),
        "SUCCEEDED": sentence("Paid"),
        "FAILED": sentence("Failed"),
        "ACTION_REQUIRED": sentence("Needs your confirmation"),
        "CANCELED": sentence("Canceled"),
    },
    "receipt": {
        "OPEN": sentence("Open"),
        "OVERDUE": sentence("Overdue"),
        "PAID": sentence("Paid"),
        "REFUNDED": sentence("Refunded in full"),
    },
    "refund": {
        "PENDING": sentence("Waiting"),
        "PROCESSING": sentence("On its way back"),
        "SUCCEEDED": sentence("Given back"),
        "FAILED": sentence("Did not go back"),
    },
    "trigger": {"MANUAL": sentence("By hand"), "AUTOMATIC": sentence("Automatic")},
    "call": {
        "AUTHORIZED": sentence("In progress"),
        "SETTLED": sentence("Charged"),
        "RELEASED": sentence("Not connected"),
        "EXPIRED": sentence("Never settled"),
        "REFUSED": sentence("Refused"),
        "UNRATED": sentence("Without a rate"),
    },
    "service": {
        "USER_OUT": sentence("Outgoing call"),
        "CONFERENCE_OUT": sentence("Conference dial-out"),
        "TOLL_FREE_IN": sentence("Toll-free call received"),
        "CONFERENCE_IN": sentence("Toll-free conference dial-in"),
    },
    "statement": {
        "PURCHASE": sentence("Funds bought"),
        "AUTO_RECHARGE": sentence("Automatic recharge"),
        "INVOICE": sentence("Funds bought on invoice"),
        "GRANT": sentence("Credit that was given"),
        "CALLS": sentence("Calls"),
        "CALLS_REVERSED": sentence("Calls whose charge was taken back"),
        "REFUND": sentence("Gone back to the payer"),
        "REFUND_RETURNED": sentence("Did not go back to the payer after all"),
        "EXPIRY": sentence("Expired unused"),
        "ADJUSTMENT": sentence("Funds taken back"),
    },
    "dimension": {
        "DAY": sentence("Day"),
        "MONTH": sentence("Month"),
        "SERVICE": sentence("Service"),
        "COUNTRY": sentence("Country"),
        "DESTINATION": sentence("Destination"),
        "USER": sentence("User"),
        "DEPARTMENT": sentence("Department"),
    },
    "refusal": {
        "INSUFFICIENT_CREDIT": sentence("not enough credit"),
        "NO_RATE": sentence("no rate for this number"),
        "DESTINATION_BLOCKED": sentence("the destination is blocked"),
        "INVALID_NUMBER": sentence("not a telephone number"),
        "ACCOUNT_NOT_ACTIVE": sentence("the account is not active"),
        "USER_NOT_LICENSED": sentence("the user has no licence for it"),
        "POLICY": sentence("the user's dial-out policy"),
        "USER_LIMIT_REACHED": sentence("the user's monthly limit is reached"),
        "UNKNOWN_USER": sentence("the user is unknown"),
    },
    "plan kind": {
        "CALLING_PLAN": sentence("Calling plan"),
        "AUDIO_CONFERENCING": sentence("Audio conferencing"),
        "PAY_AS_YOU_GO": sentence("Pay-as-you-go"),
        "COMMUNICATIONS_CREDITS": sentence("Spending credit"),
    },
    "minutes": {
        "DOMESTIC": sentence("Domestic"),
        "INTERNATIONAL": sentence("International"),
        "CONFERENCE": sentence("Conference dial-out"),
    },
    "conference policy": dict(CONFERENCE_POLICIES),
    "user policy": dict(USER_POLICIES),
    "account mode": {"LIVE": sentence("Live"), "TEST": sentence("Test")},
    "role": {
        "ADMIN": sentence("Administrator"),
        "BILLING": sentence("Billing"),
        "VIEWER": sentence("Viewer"),
    },
    "role meaning": {
        "ADMIN": sentence("Everything, also people, tokens and settings."),
        "BILLING": sentence("Reads all, and buys funds."),
        "VIEWER": sentence("Reads all, changes nothing."),
    },
    "scope": {
        "READ": sentence("Read"),
        "CALLS": sentence("Calls"),
        "FUNDS": sentence("Money"),
        "RATES": sentence("Rates"),
        "ADMIN": sentence("Administration"),
    },
    "scope meaning": {
        "READ": sentence("Everything that pages show."),
        "CALLS": sentence("Authorize, settle and report calls: what a switch needs."),
        "FUNDS": sentence("Buy funds, set automatic recharge and payment methods."),
        "RATES": sentence("Publish rates."),
        "ADMIN": sentence("Change settings, users, members and tokens."),
    },
    "token": {
        "ACTIVE": sentence("Good"),
        "EXPIRED": sentence("Expired"),
        "REVOKED": sentence("Revoked"),
    },
    # By how many days it lives; empty: for good.
    "token life": {
        "1": sentence("after a day"),
        "30": sentence("after 30 days"),
        "90": sentence("after 90 days"),
        "365": sentence("after a year"),
        "": sentence("never, until it is revoked"),
    },
    "license change": {
        "ADD": sentence("Assign these"),
        "REMOVE": sentence("Take these away"),
        "REPLACE": sentence("Assign these and take all others away"),
    },
    "plan": PUBLISHED_NAMES,
    "change": {
        "ADDED": sentence("Added"),
        "CHANGED": sentence("Changed"),
        "WITHDRAWN": sentence("Withdrawn"),
    },
    "column": {
        "prefix": sentence("Prefix"),
        "destination": sentence("Destination"),
        "country": sentence("Country code"),
        "price": sentence("Price per minute"),
        "first_price": sentence("Price of the first minute"),
        "next_price": sentence("Price of the next minutes"),
        "first_increment": sentence("First step"),
        "increment": sentence("Step"),
        "connect_fee": sentence("Connection fee"),
        "free_seconds": sentence("Free seconds"),
        "max_cost": sentence("Most a call costs"),
    },
    "rounding": {
        "UP": sentence("up"),
        "HALF_UP": sentence("half up"),
        "HALF_EVEN": sentence("half to even"),
        "DOWN": sentence("down"),
    },
    "account": {
        "ACTIVE": sentence("Active"),
        "SUSPENDED": sentence("Suspended"),
        "CLOSED": sentence("Closed"),
    },
    "test card": {
        "tok_ok": sentence("A card that works"),
        "tok_declined": sentence("A card that is declined"),
        "tok_expired_card": sentence("A card that has expired"),
        "tok_timeout": sentence("A card whose bank does not answer"),
        "tok_action_required": sentence("A card that asks for confirmation"),
    },
    "notice": {
        "RECHARGE_SUCCEEDED": sentence("Funds added"),
        "RECHARGE_FAILED": sentence("Payment failed"),
        "BALANCE_BELOW_ZERO": sentence("Balance used up"),
        "BALANCE_LOW": sentence("Balance low"),
        "LOT_EXPIRING": sentence("Funds expire soon"),
        "LOT_EXPIRED": sentence("Funds expired"),
        "CARD_EXPIRING": sentence("Card expires soon"),
        "POOL_80_PERCENT": sentence("Minutes nearly used up"),
        "POOL_USED_UP": sentence("Minutes used up"),
        "AUTO_RECHARGE_PAUSED": sentence("Automatic recharge paused"),
        "FUNDS_REFUNDED": sentence("Refund"),
        "FUNDS_DISPUTED": sentence("Disputed payment"),
    },
    "mail": {
        "QUEUED": sentence("On its way"),
        "SENT": sentence("Sent"),
        "FAILED": sentence("Not sent"),
    },
    "actor": {
        "PERSON": sentence("signed in"),
        "TOKEN": sentence("a program with a token"),
        "COMMAND": sentence("at the server's command line"),
        "SYSTEM": sentence("by itself"),
    },
    "language": {"en": Sentence("English"), "ja": Sentence("日本語")},
    "theme": {
        "auto": sentence("As the system"),
        "light": sentence("Light"),
        "dark": sentence("Dark"),
    },
}


def word(language: Language, group: str, name: str | None) -> str:
    """The word for a name of a closed list; nothing for no name, and a name without a word as it is."""
    if name is None:
        return ""
    found = WORDS[group].get(name)
    return language.say(found.message) if found else name


def plan_name(language: Language, plan: Mapping[str, Any]) -> str:
    """What people call a plan: the published name in the reader's language, or the one that the operator gave it."""
    return language.said(told_name(plan["code"], str(plan["name"])))


def choices(language: Language, group: str) -> list[tuple[str, str]]:
    """The options of a select: each name with its word."""
    return [(name, language.say(each.message)) for name, each in WORDS[group].items()]


def known(group: str, name: str) -> str:
    """A name of a closed list as it is, and nothing for any other: what an address may ask for."""
    return name if name in WORDS[group] else ""
