"""What the audit log says to a person: each event as a sentence, its fields by their names, its values as people write
them. What has no word here yet is said by its own name.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from credits.audit_log import Event
from credits.instants import instant
from credits.language import Instant, Language, Money, Sentence, sentence
from credits.money import micros_of
from credits.policies import CONFERENCE_POLICIES, USER_POLICIES
from db.kinds import ActorKind

# What can be done, by what it is done to, in the order in which it happens to a thing.
BY_SUBJECT: tuple[tuple[Sentence, dict[str, Sentence]], ...] = (
    (sentence("Account"), {
        "createAccount": sentence("{actor} opened the account {subject}."),
        "updateAccount": sentence("{actor} changed the account's settings."),
        "suspendAccount": sentence("{actor} suspended the account."),
        "reactivateAccount": sentence("{actor} lifted the suspension of the account."),
        "closeAccount": sentence("{actor} closed the account."),
        "advanceClock": sentence("{actor} moved the test clock."),
        "resendNotice": sentence("{actor} sent a notice again."),
    }),
    (sentence("Funds"), {
        "recharge": sentence("{actor} bought funds: {amount}."),
        "confirmRecharge": sentence("{actor} began to confirm a payment with the bank."),
        "cancelRecharge": sentence("{actor} gave up a recharge."),
        "setAutoRecharge": sentence("{actor} set automatic recharge."),
        "grantCredit": sentence("{actor} granted {amount}."),
        "voidLot": sentence("{actor} took back what was left of a lot: {amount}."),
        "refundRecharge": sentence("{actor} refunded {amount}."),
        "markInvoicePaid": sentence("{actor} marked an invoice as paid."),
    }),
    (sentence("Payment methods"), {
        "addPaymentMethod": sentence("{actor} added a payment method: {subject}."),
        "startCardSetup": sentence("{actor} began to give a card."),
        "finishCardSetup": sentence("{actor} gave a card: {subject}."),
        "setDefaultPaymentMethod": sentence("{actor} made {subject} the default payment method."),
        "removePaymentMethod": sentence("{actor} removed a payment method: {subject}."),
    }),
    (sentence("Calls"), {
        "recordCalls": sentence("{actor} reported finished calls: {calls}."),
        "importCalls": sentence("{actor} imported calls from {subject}: {amount}."),
        "rateCalls": sentence("{actor} had a call priced that had no rate: {amount}."),
        "reverseCall": sentence("{actor} took back the charge of a call: {amount}."),
    }),
    (sentence("Users and licences"), {
        "createUser": sentence("{actor} entered the user {subject}."),
        "createUsers": sentence("{actor} entered the user {subject}, among others."),
        "updateUser": sentence("{actor} changed the user {subject}."),
        "removeUser": sentence("{actor} removed the user {subject}."),
        "setLicenses": sentence("{actor} changed the licences of {subject}."),
        "assignLicenses": sentence("{actor} changed the licences of {subject}, among others."),
    }),
    (sentence("Rates and plans"), {
        "publishRateDeck": sentence("{actor} published the rate deck {subject}."),
        "createPlan": sentence("{actor} added the plan {subject}."),
        "updatePlan": sentence("{actor} changed the plan {subject}."),
        "setZoneA": sentence("{actor} changed the countries of Zone A."),
    }),
    (sentence("Members and operators"), {
        "inviteMember": sentence("{actor} invited {subject} to the account."),
        "inviteOperator": sentence("{actor} invited {subject} to the operators."),
        "withdrawInvitation": sentence("{actor} withdrew the invitation of {subject}."),
        "acceptInvitation": sentence("{actor} accepted an invitation."),
        "createPerson": sentence("{actor} added a sign-in for {subject}."),
        "addRole": sentence("{actor} gave {subject} a role."),
        "setMemberRole": sentence("{actor} changed the role of {subject}."),
        "removeMember": sentence("{actor} took the account away from {subject}."),
        "removeOperator": sentence("{actor} let {subject} operate no more."),
    }),
    (sentence("Tokens"), {
        "createToken": sentence("{actor} made the token {subject}."),
        "revokeToken": sentence("{actor} revoked the token {subject}."),
    }),
    (sentence("Signing in"), {
        "signIn": sentence("{actor} signed in."),
        "signInFailed": sentence("{actor} failed to sign in as {subject}."),
        "signOut": sentence("{actor} signed out."),
        "endSession": sentence("{actor} ended a session."),
        "endOtherSessions": sentence("{actor} ended all other sessions."),
        "endSessions": sentence("{actor} ended all sessions of {subject}."),
    }),
    (sentence("Passwords and second factors"), {
        "changePassword": sentence("{actor} changed their password."),
        "requestPasswordReset": sentence("{actor} asked for a link to reset the password of {subject}."),
        "makeResetLink": sentence("{actor} made a link to reset the password of {subject}."),
        "resetPassword": sentence("{actor} chose a new password by a link."),
        "confirmSecondFactor": sentence("{actor} set up a second factor."),
        "removeSecondFactor": sentence("{actor} switched off the second factor of {subject}."),
        "renewRecoveryCodes": sentence("{actor} made new recovery codes."),
        "useRecoveryCode": sentence("{actor} used a recovery code."),
    }),
)  # fmt: skip
ACTIONS = {name: said for _, actions in BY_SUBJECT for name, said in actions.items()}
# What is never done in an account.
OF_THE_HOUSE = frozenset({
    "publishRateDeck", "createPlan", "updatePlan", "setZoneA", "inviteOperator", "removeOperator", "signIn", "signOut",
    "signInFailed", "changePassword", "requestPasswordReset", "makeResetLink", "resetPassword",
    "confirmSecondFactor", "removeSecondFactor", "renewRecoveryCodes", "useRecoveryCode", "endSession",
    "endOtherSessions", "endSessions",
})  # fmt: skip
_OTHER = sentence("{actor} did {action}: {subject}.")
_ACTORS = {
    ActorKind.TOKEN: sentence("The program {name}"),
    ActorKind.COMMAND: sentence("{name}, at the command line,"),
    ActorKind.SYSTEM: sentence("The system"),
}
_SOMEBODY = sentence("Somebody")
FIELDS = {
    "added": sentence("Rates added"),
    "amount": sentence("Amount"),
    "calls": sentence("Calls"),
    "changed": sentence("Rates changed"),
    "charge": sentence("Charge"),
    "charged": sentence("Charge"),
    "clock": sentence("Clock"),
    "code": sentence("Code"),
    "conferenceDialOut": sentence("Dial-out from conferences"),
    "conferenceMinutes": sentence("Conference minutes"),
    "countries": sentence("Countries"),
    "country": sentence("Country"),
    "currency": sentence("Currency"),
    "dailyLimit": sentence("Daily limit"),
    "decimals": sentence("Decimals"),
    "department": sentence("Department"),
    "description": sentence("Description"),
    "domesticMinutes": sentence("Domestic minutes"),
    "domesticMinutesByCountry": sentence("Domestic minutes by country"),
    "effectiveFrom": sentence("Effective from"),
    "email": sentence("Mail address"),
    "enabled": sentence("Switched on"),
    "expiresAt": sentence("Expires"),
    "internationalMinutes": sentence("International minutes"),
    "isBeingCanceled": sentence("Given up"),
    "isDefault": sentence("Default"),
    "kind": sentence("Kind"),
    "label": sentence("Label"),
    "licenses": sentence("Licences"),
    "locale": sentence("Language of mail"),
    "lowBalance": sentence("Mail below a balance of"),
    "makeDefault": sentence("To be the default"),
    "mode": sentence("Mode"),
    "monthlyLimit": sentence("Monthly limit"),
    "name": sentence("Name"),
    "noticeEmails": sentence("Addresses for mail"),
    "operator": sentence("Operator"),
    "pausedReason": sentence("Stands still because"),
    "paymentMethodId": sentence("Payment method"),
    "pooled": sentence("Minutes are shared"),
    "priority": sentence("Priority"),
    "rateDeck": sentence("Rate deck"),
    "rates": sentence("Rates"),
    "reason": sentence("Reason"),
    "reference": sentence("Reference of the payment"),
    "recoveryCodesLeft": sentence("Recovery codes left"),
    "region": sentence("Region"),
    "remaining": sentence("Left"),
    "role": sentence("Role"),
    "rounding": sentence("Rounding"),
    "scopes": sentence("Scopes"),
    "startsAt": sentence("Starts"),
    "status": sentence("State"),
    "strategy": sentence("How much to buy"),
    "timeZone": sentence("Time zone"),
    "trigger": sentence("Trigger"),
    "userDialOut": sentence("Dial-out of users"),
    "userName": sentence("User name"),
    "withdrawn": sentence("Rates withdrawn"),
}
_AS_IT_IS = Sentence("{value}")
_YES, _NO = sentence("yes"), sentence("no")
_VALUES = {
    ("status", "ACTIVE"): sentence("Active"),
    ("status", "SUSPENDED"): sentence("Suspended"),
    ("status", "CLOSED"): sentence("Closed"),
    ("status", "UNRATED"): sentence("Without a rate"),
    ("status", "SETTLED"): sentence("Charged"),
    ("kind", "CARD"): sentence("Card"),
    ("kind", "INVOICE"): sentence("Invoice"),
    ("kind", "CALLING_PLAN"): sentence("Calling plan"),
    ("kind", "AUDIO_CONFERENCING"): sentence("Audio conferencing"),
    ("kind", "PAY_AS_YOU_GO"): sentence("Pay-as-you-go"),
    ("kind", "COMMUNICATIONS_CREDITS"): sentence("Spending credit"),
    ("rounding", "UP"): sentence("up"),
    ("rounding", "HALF_UP"): sentence("half up"),
    ("rounding", "HALF_EVEN"): sentence("half to even"),
    ("rounding", "DOWN"): sentence("down"),
    ("strategy", "FIXED_AMOUNT"): sentence("A fixed amount"),
    ("strategy", "TOP_UP_TO"): sentence("Up to a balance"),
    ("role", "ADMIN"): sentence("Administrator"),
    ("role", "BILLING"): sentence("Billing"),
    ("role", "VIEWER"): sentence("Viewer"),
    ("role", "OPERATOR"): sentence("Operator"),
    ("mode", "LIVE"): sentence("Live"),
    ("mode", "TEST"): sentence("Test"),
    **{("userDialOut", name): each for name, each in USER_POLICIES.items()},
    **{("conferenceDialOut", name): each for name, each in CONFERENCE_POLICIES.items()},
}
# What names a thing best, and what says how much, among an event's values.
_NAMES = ("label", "name", "email", "userName")
_AMOUNTS = ("amount", "charged", "charge", "remaining")
_AMOUNT = re.compile(r"(-?[0-9]{1,10}\.[0-9]{2,6}) ([A-Z]{3})")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}\+00:00")


def told(event: Event, subject: str | None = None) -> Sentence:
    """An event in a sentence. `subject` is what people know the thing by; without it the event's own values name it."""
    before, after = event.values
    known = ACTIONS.get(event.action, _OTHER)
    values = {
        "actor": told_actor(event),
        "action": event.action,
        "subject": subject or _first(_NAMES, after, before) or event.subject,
        "calls": after.get("calls", 0),
        "amount": _read(_first(_AMOUNTS, after, before) if event.action != "reverseCall" else before.get("charge")),
    }
    return Sentence(known.message, {name: value for name, value in values.items() if f"{{{name}}}" in known.message})


def told_actor(event: Event) -> Sentence | str:
    """Who did it, as a sentence begins. Whoever is at the sign-in may be anybody."""
    if (event.actor_kind, event.actor) == (ActorKind.SYSTEM, "sign-in"):
        return _SOMEBODY
    known = _ACTORS.get(ActorKind(event.actor_kind))
    return event.actor if known is None else Sentence(known.message, {"name": event.actor})


def field_name(language: Language, name: str) -> str:
    """The name of a field: its word, or else its own name as words."""
    known = FIELDS.get(name)
    if known is not None:
        return language.say(known.message)
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()


def written_value(language: Language, name: str, value: Any, time_zone: str) -> str | None:
    """A value as people write it; None for none."""
    match value:
        case None:
            return None
        case bool():
            return language.say((_YES if value else _NO).message)
        case list():
            return ", ".join(written_value(language, name, each, time_zone) or "" for each in value)
        case dict():
            return ", ".join(f"{key}: {written_value(language, key, each, time_zone)}" for key, each in value.items())
    known = _VALUES.get((name, value)) if isinstance(value, str) else None
    if known is not None:
        return language.say(known.message)
    return language.say(_AS_IT_IS.message, value=_read(value, time_zone))


def _first(names: tuple[str, ...], *values: Mapping[str, Any]) -> Any:
    return next((each[name] for name in names for each in values if each.get(name)), None)


def _read(value: Any, time_zone: str = "UTC") -> Any:
    """A value as it was meant, to be written in a language: an amount, an instant, or as it is."""
    if not isinstance(value, str):
        return "" if value is None else value
    if found := _AMOUNT.fullmatch(value):
        return Money(micros_of(Decimal(found[1])), found[2])
    if _TIME.fullmatch(value):
        return Instant(instant(datetime.fromisoformat(value)), time_zone)
    return value
