"""The closed lists of `db.kinds` as GraphQL enums, with what each word means.

Types take them from here, so that none is built from a list whose words have no meaning yet.
"""

from enum import EnumMeta

import strawberry

from db.kinds import (
    AccountMode,
    AccountStatus,
    CallStatus,
    ConferenceDialOut,
    DecisionOutcome,
    EntryKind,
    LicenseChange,
    LotSource,
    LotStatus,
    NoticeKind,
    NoticeStatus,
    PaymentMethodKind,
    PlanKind,
    RechargeStatus,
    RechargeStrategy,
    RechargeTrigger,
    RefusalReason,
    Role,
    Rounding,
    Scope,
    Service,
    TokenStatus,
    UserDialOut,
)

__all__ = [
    "AccountMode",
    "AccountStatus",
    "CallStatus",
    "ConferenceDialOut",
    "DecisionOutcome",
    "EntryKind",
    "LicenseChange",
    "LotSource",
    "LotStatus",
    "NoticeKind",
    "NoticeStatus",
    "PaymentMethodKind",
    "PlanKind",
    "RechargeStatus",
    "RechargeStrategy",
    "RechargeTrigger",
    "RefusalReason",
    "Role",
    "Rounding",
    "Scope",
    "Service",
    "TokenStatus",
    "UserDialOut",
    "describe",
]


def describe(kind: EnumMeta, description: str, *, name: str | None = None, **meanings: str) -> None:
    """Make a closed list a GraphQL enum; every one of its words needs its meaning."""
    strawberry.enum(kind, name=name, description=description)
    definition = kind.__strawberry_definition__  # type: ignore[attr-defined]
    assert {value.name for value in definition.values} == set(meanings), kind
    for value in definition.values:
        value.description = meanings[value.name]


describe(
    AccountMode,
    "Whether an account is for real.",
    LIVE="Follows the server's clock and pays through a payment provider.",
    TEST="Owns a clock that `advanceClock` moves, and never reaches a payment provider.",
)
describe(
    AccountStatus,
    "What an account may do.",
    ACTIVE="Everything.",
    SUSPENDED="Calls that need credit are refused; finished ones are still charged.",
    CLOSED="Nothing more; it can only be read.",
)
describe(
    LotStatus,
    "What a lot is at the account's present instant.",
    PENDING="Not usable yet.",
    ACTIVE="Usable, and holds money.",
    EXHAUSTED="Spent to the last.",
    EXPIRED="Its time is over; what it held is lost, or will be once late reports can no longer come.",
    VOIDED="What was left of it was taken back.",
)
describe(
    LotSource,
    "How the funds of a lot came in.",
    PURCHASE="Bought by hand.",
    AUTO_RECHARGE="Bought by automatic recharge.",
    INVOICE="Bought on invoice.",
    GRANT="Given by the operator.",
    ADJUSTMENT="Put in to correct something.",
)
describe(
    EntryKind,
    "Why a ledger entry was written.",
    FUNDS_ADDED="Funds were bought.",
    CALL_CHARGE="A call was charged.",
    EXPIRY="What an expired lot still held was forfeited.",
    REFUND="Funds were paid back.",
    GRANT="Credit was given.",
    ADJUSTMENT="Funds were taken back, or repaid what was owed.",
    REVERSAL="A charge was taken back, or money that was to go back to the payer returned.",
)
describe(
    RechargeStatus,
    "How far a recharge is. It only moves forward.",
    PENDING="Written down; the provider was not asked yet.",
    PROCESSING="The provider was asked: its answer is awaited, or (`nextAttemptAt`) the next try.",
    SUCCEEDED="Paid, and the funds are in the account.",
    FAILED="Not paid.",
    ACTION_REQUIRED="The customer must confirm the payment with the bank.",
    CANCELED="Given up before it was paid.",
)
describe(
    RechargeTrigger,
    "Who asked for a recharge.",
    MANUAL="A person or a program.",
    AUTOMATIC="The account's own rule.",
)
describe(
    RechargeStrategy,
    "How much automatic recharge buys.",
    FIXED_AMOUNT="The same amount each time, or the smallest multiple of it that reaches the trigger.",
    TOP_UP_TO="What is missing to a balance.",
)
describe(
    DecisionOutcome,
    "What automatic recharge decided below its trigger.",
    RECHARGED="A recharge was begun.",
    IN_PROGRESS="One was on its way already.",
    PAUSED="It stands still, and did nothing.",
    LIMIT_REACHED="The limit of a day, or of unpaid invoices, leaves nothing; it is looked at again the next day.",
    NO_PAYMENT_METHOD="There is nothing to pay with.",
    ACCOUNT_NOT_ACTIVE="The account is suspended or closed.",
    NO_LONGER_NEEDED="The balance had recovered before a declined card was tried again.",
)
describe(
    PaymentMethodKind,
    "How an account pays.",
    CARD="A card, known by the payment provider's token.",
    INVOICE="By invoice: funds come at once, the invoice follows.",
)
describe(
    Service,
    "What is charged.",
    USER_OUT="A person's or device's call to a telephone number.",
    CONFERENCE_OUT="A conference that dials out to a participant.",
    TOLL_FREE_IN="A call to one of the organisation's toll-free numbers, priced by that number.",
    CONFERENCE_IN="A call to a conference's dial-in number, priced by that number.",
)
describe(
    Rounding,
    "How a charge is rounded, once, to the decimals of its deck.",
    UP="Up.",
    HALF_UP="To the nearest; halves up.",
    HALF_EVEN="To the nearest; halves to the even neighbour.",
    DOWN="Down.",
)
describe(
    CallStatus,
    "What became of a call.",
    AUTHORIZED="Allowed and in progress; money is held for it.",
    SETTLED="Finished and charged.",
    RELEASED="Never answered; nothing was charged.",
    EXPIRED="Nothing was heard of it in time; what was held was given back.",
    REFUSED="Not allowed.",
    UNRATED="Finished, but no rate was found; charged nothing for now.",
)
describe(
    RefusalReason,
    "Why a call may not go, or could not be priced.",
    INSUFFICIENT_CREDIT="The balance does not cover its first step.",
    NO_RATE="No rate of the account's deck matches the number.",
    DESTINATION_BLOCKED="The deck lists the destination as not to be called.",
    INVALID_NUMBER="What was dialled cannot be a telephone number.",
    ACCOUNT_NOT_ACTIVE="The account is suspended or closed.",
    USER_NOT_LICENSED="The user holds no licence that pays for it.",
    POLICY="The user's dial-out policy forbids it.",
    USER_LIMIT_REACHED="The user has spent the month's limit.",
    UNKNOWN_USER="The account has no such user.",
)
describe(
    NoticeKind,
    "What a notice tells.",
    RECHARGE_SUCCEEDED="Funds were bought.",
    RECHARGE_FAILED="A payment did not go through; the letter says why.",
    BALANCE_BELOW_ZERO="Nothing is left to spend: calls that need credit are refused.",
    BALANCE_LOW="The balance fell below the amount at which the account wanted to be told.",
    LOT_EXPIRING="Funds expire in 30 or in 7 days.",
    LOT_EXPIRED="Funds expired unused.",
    CARD_EXPIRING="A card's life ends soon.",
    POOL_80_PERCENT="Four fifths of a pool of minutes are used.",
    POOL_USED_UP="A pool of minutes is used up.",
    AUTO_RECHARGE_PAUSED="Automatic recharge stands still; the letter says why.",
    FUNDS_REFUNDED="Funds were paid back.",
    FUNDS_DISPUTED="A payer's bank contests a payment, or has decided about it.",
)
describe(
    NoticeStatus,
    "Whether a notice has left.",
    QUEUED="On its way; tried again until the mail server takes it.",
    SENT="The mail server took it for every recipient.",
    FAILED="Given up. `resendNotice` sends it again.",
)
describe(
    PlanKind,
    "What a plan is good for.",
    CALLING_PLAN="Calls of users, with minutes of their own.",
    AUDIO_CONFERENCING="Conferences that dial out, with minutes over the whole account.",
    PAY_AS_YOU_GO="Calls of users, all of them on credit.",
    COMMUNICATIONS_CREDITS="Spending credit. It costs nothing; who holds it may spend.",
)
describe(
    ConferenceDialOut,
    "Whom a user's conferences may dial out to. Emergency numbers are always allowed.",
    ANY="Any destination.",
    SAME_COUNTRY="Numbers of the organiser's own country.",
    ZONE_A="Numbers of the countries in Zone A.",
    NONE="Nobody.",
)
describe(
    UserDialOut,
    "Whom a user may call. Emergency numbers are always allowed.",
    ANY="Any destination.",
    DOMESTIC="Numbers of the user's own country.",
    NONE="Nobody.",
)
describe(
    LicenseChange,
    "What becomes of the licences that users hold.",
    ADD="They hold these beside the others. Of calling plans and pay-as-you-go a user holds one: a new one takes the"
    " place of the old.",
    REMOVE="They hold these no more.",
    REPLACE="They hold these, and no others.",
)
describe(
    Role,
    "What a person may do in an account.",
    ADMIN="Everything but what is the operator's: also people, tokens and settings.",
    BILLING="Read, and everything about money.",
    VIEWER="Read.",
)
describe(
    Scope,
    "What a token may do.",
    READ="Read.",
    CALLS="Authorize, settle and report calls.",
    FUNDS="Everything about money.",
    RATES="Publish rates, for the operator.",
    ADMIN="Change settings, people and tokens.",
)
describe(
    TokenStatus,
    "What a token is good for now.",
    ACTIVE="It opens what its scopes say.",
    EXPIRED="It has come to its end, and opens nothing.",
    REVOKED="It was taken back, and opens nothing.",
)
