"""Every table. What belongs to an account has `account_id` first in each of its keys, so that a
database distributed by account can hold it; constraints stand behind every rule that one row can break.

Money is whole micro-units, a price whole nano-units, an instant whole microseconds since 1970 UTC:
all BIGINT, so that both engines store, compare and index them alike.
"""

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, MetaData, SmallInteger, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from db.columns import big, of_account, one_of, words
from db.kinds import (
    AccountMode,
    AccountStatus,
    CallStatus,
    EntryKind,
    LotSource,
    PaymentMethodKind,
    RechargeStatus,
    RechargeTrigger,
    RefusalReason,
    Role,
    Rounding,
    Service,
)

# The first instant of the year 10000: what `expires_at` holds when a lot never expires, so that
# "soonest first, never last" is the plain order of an index on both engines.
NEVER = 253_402_300_800_000_000

metadata: MetaData = SQLModel.metadata


class Account(SQLModel, table=True):
    """A prepaid account, with the running totals that its lock protects."""

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint("owed_micros >= 0", name="owed_not_negative"),
        CheckConstraint("(mode = 'TEST') = (clock_at IS NOT NULL)", name="test_owns_clock"),
        one_of("mode", AccountMode),
        one_of("status", AccountStatus),
    )

    account_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    name: str = words()
    currency: str = words()
    time_zone: str = words()
    region: str = words()
    locale: str = words()
    mode: str = words(default=AccountMode.LIVE)
    status: str = words(default=AccountStatus.ACTIVE)
    rate_deck: str = words(default="standard")
    clock_at: int | None = big(default=None)
    notice_emails: str = words(default="[]")
    created_at: int = big()
    fingerprint: str = words(default="")
    book_balance_micros: int = big(default=0)
    owed_micros: int = big(default=0)
    entry_count: int = big(default=0)
    lot_count: int = big(default=0)
    call_count: int = big(default=0)
    recharge_count: int = big(default=0)
    method_count: int = big(default=0)
    last_posted_at: int = big(default=0)


class Once(SQLModel, table=True):
    """An idempotency key that was used: what it was used for, with which values, and what came of it."""

    __tablename__ = "once"
    __table_args__ = (
        of_account("account", to=()),
        of_account("lot", "lot_no", to=("lot_no",)),
        of_account("recharge", "recharge_no", to=("recharge_no",)),
    )

    account_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    key: str = words(primary_key=True)
    fingerprint: str = words()
    lot_no: int | None = big(default=None)
    recharge_no: int | None = big(default=None)
    created_at: int = big()


class PaymentMethod(SQLModel, table=True):
    """A way to pay: a card known by the provider's token, or an agreement to be invoiced."""

    __tablename__ = "payment_method"
    __table_args__ = (
        of_account("account", to=()),
        one_of("kind", PaymentMethodKind),
        Index(
            "uq_payment_method_default",
            "account_id",
            unique=True,
            postgresql_where=text("is_default"),
            sqlite_where=text("is_default"),
        ),
    )

    account_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    method_no: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    kind: str = words()
    token: str | None = words(default=None)
    brand: str = words(default="")
    last_four: str = words(default="")
    purchase_order: str | None = words(default=None)
    agreement_number: str | None = words(default=None)
    expires_on: str | None = words(default=None)
    is_default: bool = Field(default=False)
    created_at: int = big()
    removed_at: int | None = big(default=None)


class Recharge(SQLModel, table=True):
    """An attempt to buy funds, written before the provider is asked."""

    __tablename__ = "recharge"
    __table_args__ = (
        of_account("account", to=()),
        of_account("payment_method", "method_no", to=("method_no",)),
        one_of("trigger", RechargeTrigger),
        one_of("status", RechargeStatus),
        CheckConstraint("amount_micros > 0", name="amount_positive"),
        CheckConstraint("(status IN ('SUCCEEDED', 'FAILED', 'CANCELED')) = (completed_at IS NOT NULL)", name="ended"),
    )

    account_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    recharge_no: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    trigger: str = words(default=RechargeTrigger.MANUAL)
    status: str = words(default=RechargeStatus.PENDING)
    amount_micros: int = big()
    method_no: int = big()
    provider_payment: str | None = words(default=None)
    failure_reason: str | None = words(default=None)
    attempts: int = big(default=0)
    created_at: int = big()
    completed_at: int | None = big(default=None)
    next_attempt_at: int | None = big(default=None)


class Lot(SQLModel, table=True):
    """Funds that came in together. The spending order is an index, over what still holds money."""

    __tablename__ = "lot"
    __table_args__ = (
        of_account("account", to=()),
        of_account("recharge", "recharge_no", to=("recharge_no",)),
        UniqueConstraint("account_id", "recharge_no"),
        one_of("source", LotSource),
        CheckConstraint("amount_micros > 0", name="amount_positive"),
        CheckConstraint("remaining_micros >= 0 AND remaining_micros <= amount_micros", name="remaining_within"),
        CheckConstraint("is_open = (remaining_micros > 0)", name="open_while_it_holds"),
        CheckConstraint("starts_at < expires_at", name="starts_before_expiry"),
        Index(
            "ix_lot_spending_order",
            "account_id",
            "priority",
            "expires_at",
            "purchased_at",
            "lot_no",
            postgresql_where=text("is_open"),
            sqlite_where=text("is_open"),
        ),
        Index("ix_lot_expiring", "expires_at", postgresql_where=text("is_open"), sqlite_where=text("is_open")),
    )

    account_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    lot_no: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    source: str = words()
    priority: int = big(default=0)
    amount_micros: int = big()
    remaining_micros: int = big()
    is_open: bool = Field(default=True)
    purchased_at: int = big()
    starts_at: int = big()
    expires_at: int = big(default=NEVER)
    voided_at: int | None = big(default=None)
    forfeited_at: int | None = big(default=None)
    recharge_no: int | None = big(default=None)
    note: str = words(default="")


class RateDeck(SQLModel, table=True):
    """A published price list. Reference data: it belongs to no account, and is never edited."""

    __tablename__ = "rate_deck"
    __table_args__ = (
        one_of("rounding", Rounding),
        CheckConstraint("decimals BETWEEN 0 AND 6", name="decimals"),
        Index("ix_rate_deck_in_force", "name", "currency", "effective_from", "deck_id"),
    )

    deck_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    name: str = words()
    currency: str = words()
    effective_from: int = big()
    decimals: int = Field(sa_type=SmallInteger)
    rounding: str = words(default=Rounding.HALF_UP)
    rate_count: int = big()
    published_at: int = big()


class Rate(SQLModel, table=True):
    """The price of one prefix in one deck. `tiers` is a JSON list of [from_second, price_nanos, increment_seconds]."""

    __tablename__ = "rate"
    __table_args__ = (
        ForeignKeyConstraint(["deck_id"], ["rate_deck.deck_id"]),
        UniqueConstraint("deck_id", "service", "prefix"),
        one_of("service", Service),
        CheckConstraint("connect_fee_nanos >= 0", name="fee_not_negative"),
        CheckConstraint("free_seconds >= 0", name="free_not_negative"),
        CheckConstraint("max_cost_nanos >= 0", name="cap_not_negative"),
    )

    deck_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    rate_no: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    service: str = words(default=Service.USER_OUT)
    prefix: str = words()
    destination: str = words()
    country: str | None = words(default=None)
    blocked: bool = Field(default=False)
    connect_fee_nanos: int = big(default=0)
    free_seconds: int = big(default=0)
    max_cost_nanos: int | None = big(default=None)
    tiers: str = words()


class Call(SQLModel, table=True):
    """A call that was reported: who called whom, for how long, at which rate, and what it cost."""

    __tablename__ = "call"
    __table_args__ = (
        of_account("account", to=()),
        ForeignKeyConstraint(["deck_id", "rate_no"], ["rate.deck_id", "rate.rate_no"]),
        UniqueConstraint("account_id", "call_id"),
        Index("ix_call_answered", "account_id", "answered_at", "call_no"),
        one_of("service", Service),
        one_of("status", CallStatus),
        one_of("refusal", RefusalReason),
        CheckConstraint("duration_seconds >= 0", name="duration_not_negative"),
        CheckConstraint("charge_micros >= 0", name="charge_not_negative"),
        CheckConstraint("status <> 'UNRATED' OR charge_micros = 0", name="unrated_is_free"),
    )

    account_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    call_no: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    call_id: str = words()
    service: str = words()
    status: str = words()
    from_number: str | None = words(default=None)
    to_number: str = words()
    answered_at: int = big()
    duration_seconds: int = big()
    billed_seconds: int = big(default=0)
    plan_seconds: int = big(default=0)
    charge_micros: int = big(default=0)
    deck_id: int | None = big(default=None)
    rate_no: int | None = big(default=None)
    refusal: str | None = words(default=None)
    recorded_at: int = big()


class LedgerEntry(SQLModel, table=True):
    """A movement of the book balance; only ever added, numbered without gaps within its account.

    It reaches its account through its call and the lots of its draws. A foreign key of its own would be checked
    for every charge against a row that is locked anyway; `credits verify` proves instead that the account exists.
    """

    __tablename__ = "ledger_entry"
    __table_args__ = (
        of_account("call", "call_no", to=("call_no",)),
        of_account("recharge", "recharge_no", to=("recharge_no",)),
        one_of("kind", EntryKind),
        CheckConstraint("kind NOT IN ('FUNDS_ADDED', 'GRANT', 'REVERSAL') OR amount_micros > 0", name="adds"),
        CheckConstraint("kind NOT IN ('CALL_CHARGE', 'EXPIRY', 'REFUND') OR amount_micros < 0", name="takes"),
        CheckConstraint("(kind = 'CALL_CHARGE') <= (call_no IS NOT NULL)", name="charge_names_call"),
        Index(
            "uq_ledger_entry_call_charge",
            "account_id",
            "call_no",
            unique=True,
            postgresql_where=text("kind = 'CALL_CHARGE'"),
            sqlite_where=text("kind = 'CALL_CHARGE'"),
        ),
        Index(
            "ix_ledger_entry_not_calls",
            "account_id",
            "posted_at",
            postgresql_where=text("kind <> 'CALL_CHARGE'"),
            sqlite_where=text("kind <> 'CALL_CHARGE'"),
        ),
    )

    account_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    entry_no: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    kind: str = words()
    amount_micros: int = big()
    owed_change_micros: int = big(default=0)
    balance_after_micros: int = big()
    occurred_at: int = big()
    posted_at: int = big()
    call_no: int | None = big(default=None)
    recharge_no: int | None = big(default=None)
    note: str = words(default="")


class Draw(SQLModel, table=True):
    """What one entry moved in one lot: negative when it took, positive when it put in or gave back."""

    __tablename__ = "draw"
    __table_args__ = (
        of_account("ledger_entry", "entry_no", to=("entry_no",)),
        of_account("lot", "lot_no", to=("lot_no",)),
        CheckConstraint("amount_micros <> 0", name="moves_something"),
        Index("ix_draw_of_lot", "account_id", "lot_no", "entry_no"),
    )

    account_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    entry_no: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    lot_no: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    amount_micros: int = big()


class Person(SQLModel, table=True):
    """Someone who signs in to the pages. Reference data: a person may belong to many accounts."""

    __tablename__ = "person"
    __table_args__ = (UniqueConstraint("email"),)

    person_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    email: str = words()
    password_hash: str = words()
    is_operator: bool = Field(default=False)
    created_at: int = big()


class Membership(SQLModel, table=True):
    """What a person may do in an account."""

    __tablename__ = "membership"
    __table_args__ = (
        of_account("account", to=()),
        ForeignKeyConstraint(["person_id"], ["person.person_id"]),
        Index("ix_membership_person", "person_id"),
        one_of("role", Role),
    )

    account_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    person_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    role: str = words()


class Token(SQLModel, table=True):
    """A program's bearer token, stored as a hash; `account_id` NULL binds it to the operator.

    Reference data, found by its hash before any account is known, so no foreign key binds it to one.
    """

    __tablename__ = "token"
    __table_args__ = (UniqueConstraint("token_hash"),)

    token_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    account_id: int | None = big(default=None)
    name: str = words()
    token_hash: str = words()
    scopes: str = words()
    created_at: int = big()
    revoked_at: int | None = big(default=None)
