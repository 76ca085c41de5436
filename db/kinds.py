"""The closed lists of words that tables and rules share; each is stored as its own text."""

from enum import StrEnum


class AccountMode(StrEnum):
    """LIVE follows the machine's clock; TEST owns a clock and never reaches a payment provider."""

    LIVE = "LIVE"
    TEST = "TEST"


class AccountStatus(StrEnum):
    """What an account may do: SUSPENDED may not start calls, CLOSED may do nothing more."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    CLOSED = "CLOSED"


class LotSource(StrEnum):
    """How the funds of a lot came in."""

    PURCHASE = "PURCHASE"
    AUTO_RECHARGE = "AUTO_RECHARGE"
    INVOICE = "INVOICE"
    GRANT = "GRANT"
    ADJUSTMENT = "ADJUSTMENT"


class LotStatus(StrEnum):
    """What a lot is at an instant; derived from its times and what it holds, never stored."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    EXHAUSTED = "EXHAUSTED"
    EXPIRED = "EXPIRED"
    VOIDED = "VOIDED"


class EntryKind(StrEnum):
    """Why a ledger entry was written."""

    FUNDS_ADDED = "FUNDS_ADDED"
    CALL_CHARGE = "CALL_CHARGE"
    EXPIRY = "EXPIRY"
    REFUND = "REFUND"
    GRANT = "GRANT"
    ADJUSTMENT = "ADJUSTMENT"
    REVERSAL = "REVERSAL"


class RechargeStatus(StrEnum):
    """The states of a recharge; it only moves forward."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    ACTION_REQUIRED = "ACTION_REQUIRED"
    CANCELED = "CANCELED"


class RechargeTrigger(StrEnum):
    """Who asked for a recharge: a person, or the rule of automatic recharge."""

    MANUAL = "MANUAL"
    AUTOMATIC = "AUTOMATIC"


class PaymentMethodKind(StrEnum):
    """How an account pays."""

    CARD = "CARD"
    INVOICE = "INVOICE"


class Service(StrEnum):
    """What is charged. The inbound kinds are priced by the service number that was dialled."""

    USER_OUT = "USER_OUT"
    CONFERENCE_OUT = "CONFERENCE_OUT"
    TOLL_FREE_IN = "TOLL_FREE_IN"
    CONFERENCE_IN = "CONFERENCE_IN"


class Rounding(StrEnum):
    """How a charge is rounded, once, to the decimals of its deck."""

    UP = "UP"
    HALF_UP = "HALF_UP"
    HALF_EVEN = "HALF_EVEN"
    DOWN = "DOWN"


class CallStatus(StrEnum):
    """What became of a call."""

    AUTHORIZED = "AUTHORIZED"
    SETTLED = "SETTLED"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"
    REFUSED = "REFUSED"
    UNRATED = "UNRATED"


class RefusalReason(StrEnum):
    """Why a call may not go, or could not be priced."""

    INSUFFICIENT_CREDIT = "INSUFFICIENT_CREDIT"
    NO_RATE = "NO_RATE"
    DESTINATION_BLOCKED = "DESTINATION_BLOCKED"
    INVALID_NUMBER = "INVALID_NUMBER"
    ACCOUNT_NOT_ACTIVE = "ACCOUNT_NOT_ACTIVE"
    USER_NOT_LICENSED = "USER_NOT_LICENSED"
    POLICY = "POLICY"
    USER_LIMIT_REACHED = "USER_LIMIT_REACHED"
    UNKNOWN_USER = "UNKNOWN_USER"


class PlanKind(StrEnum):
    """What a plan is good for."""

    CALLING_PLAN = "CALLING_PLAN"
    AUDIO_CONFERENCING = "AUDIO_CONFERENCING"
    PAY_AS_YOU_GO = "PAY_AS_YOU_GO"
    COMMUNICATIONS_CREDITS = "COMMUNICATIONS_CREDITS"


class PoolScope(StrEnum):
    """For which calls the minutes of a pool are."""

    DOMESTIC = "DOMESTIC"
    INTERNATIONAL = "INTERNATIONAL"
    CONFERENCE = "CONFERENCE"


class ConferenceDialOut(StrEnum):
    """Whom a conference may dial out to."""

    ANY = "ANY"
    SAME_COUNTRY = "SAME_COUNTRY"
    ZONE_A = "ZONE_A"
    NONE = "NONE"


class UserDialOut(StrEnum):
    """Whom a user may call."""

    ANY = "ANY"
    DOMESTIC = "DOMESTIC"
    NONE = "NONE"


class LicenseChange(StrEnum):
    """What becomes of the licences that users hold: one kind of plan has one place, which ADD and REPLACE fill anew."""

    ADD = "ADD"
    REMOVE = "REMOVE"
    REPLACE = "REPLACE"


class Role(StrEnum):
    """What a person may do in one account."""

    ADMIN = "ADMIN"
    BILLING = "BILLING"
    VIEWER = "VIEWER"


class Scope(StrEnum):
    """What a token may do."""

    READ = "read"
    CALLS = "calls"
    FUNDS = "funds"
    RATES = "rates"
    ADMIN = "admin"


class TokenStatus(StrEnum):
    """What a token is at an instant; derived from its times, never stored."""

    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


class RechargeStrategy(StrEnum):
    """How much automatic recharge buys: always the same amount, or up to a balance."""

    FIXED_AMOUNT = "FIXED_AMOUNT"
    TOP_UP_TO = "TOP_UP_TO"


class PauseReason(StrEnum):
    """Why automatic recharge stands still."""

    DECLINED = "DECLINED"
    ACTION_REQUIRED = "ACTION_REQUIRED"
    NO_PAYMENT_METHOD = "NO_PAYMENT_METHOD"
    DISPUTED = "DISPUTED"


class DecisionOutcome(StrEnum):
    """What automatic recharge decided when the balance was below its trigger."""

    RECHARGED = "RECHARGED"
    IN_PROGRESS = "IN_PROGRESS"
    PAUSED = "PAUSED"
    LIMIT_REACHED = "LIMIT_REACHED"
    NO_PAYMENT_METHOD = "NO_PAYMENT_METHOD"
    ACCOUNT_NOT_ACTIVE = "ACCOUNT_NOT_ACTIVE"
    NO_LONGER_NEEDED = "NO_LONGER_NEEDED"


class RefundStatus(StrEnum):
    """The states of a refund; its funds leave the lot when it begins, and come back if it fails."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class DisputeStatus(StrEnum):
    """The states of a dispute: while it is open, what the disputed lot still held is kept back."""

    OPEN = "OPEN"
    WON = "WON"
    LOST = "LOST"


class CardSetupStatus(StrEnum):
    """How far a card is that someone adds on the payment provider's page."""

    OPEN = "OPEN"
    DONE = "DONE"
    ABANDONED = "ABANDONED"


class NoticeKind(StrEnum):
    """What a notice tells."""

    RECHARGE_SUCCEEDED = "RECHARGE_SUCCEEDED"
    RECHARGE_FAILED = "RECHARGE_FAILED"
    BALANCE_BELOW_ZERO = "BALANCE_BELOW_ZERO"
    BALANCE_LOW = "BALANCE_LOW"
    LOT_EXPIRING = "LOT_EXPIRING"
    LOT_EXPIRED = "LOT_EXPIRED"
    CARD_EXPIRING = "CARD_EXPIRING"
    POOL_80_PERCENT = "POOL_80_PERCENT"
    POOL_USED_UP = "POOL_USED_UP"
    AUTO_RECHARGE_PAUSED = "AUTO_RECHARGE_PAUSED"
    FUNDS_REFUNDED = "FUNDS_REFUNDED"
    FUNDS_DISPUTED = "FUNDS_DISPUTED"


class NoticeStatus(StrEnum):
    """Whether a notice has left; FAILED ones were given up and can be sent again."""

    QUEUED = "QUEUED"
    SENT = "SENT"
    FAILED = "FAILED"


class EventStatus(StrEnum):
    """What became of a message from a payment provider; UNKNOWN ones name a payment that nobody here began."""

    RECEIVED = "RECEIVED"
    DONE = "DONE"
    IGNORED = "IGNORED"
    UNKNOWN = "UNKNOWN"


class InvitationKind(StrEnum):
    """What a mailed link is good for: to join an account or the operators, or to choose a new password."""

    INVITATION = "INVITATION"
    RESET = "RESET"


class ActorKind(StrEnum):
    """Who did something: a person who is signed in, a program with a token, a command line, or the system itself."""

    PERSON = "PERSON"
    TOKEN = "TOKEN"
    COMMAND = "COMMAND"
    SYSTEM = "SYSTEM"
