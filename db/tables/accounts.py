"""Accounts, and the idempotency keys that they have seen."""

from sqlalchemy import CheckConstraint, Index
from sqlmodel import SQLModel

from db.columns import begins_as, big, counted, flag, of_account, one_of, words
from db.kinds import AccountMode, AccountStatus, ConferenceDialOut, UserDialOut


class Account(SQLModel, table=True):
    """A prepaid account, with the running totals that its lock protects.

    All that time alone brings about is done up to `caught_up_at`, and nothing more falls due before `due_at`;
    `unusable_micros` is what lots hold, beside what is promised to calls, that at `caught_up_at` had expired or not
    started; `reserved_micros` is what is promised.
    """

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint("owed_micros >= 0", name="owed_not_negative"),
        CheckConstraint("(mode = 'TEST') = (clock_at IS NOT NULL)", name="test_owns_clock"),
        one_of("mode", AccountMode),
        one_of("status", AccountStatus),
        one_of("conference_dial_out", ConferenceDialOut),
        one_of("user_dial_out", UserDialOut),
        CheckConstraint("reserved_micros >= 0", name="reserved_not_negative"),
        Index("ix_account_due", "due_at"),
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
    notice_count: int = counted()
    decision_count: int = counted()
    refund_count: int = counted()
    dispute_count: int = counted()
    receipt_count: int = counted()
    setup_count: int = counted()
    caught_up_at: int = counted()
    due_at: int = counted()
    unusable_micros: int = counted()
    recharge_below_micros: int | None = big(default=None)
    low_balance_micros: int | None = big(default=None)
    told_low: bool = flag()
    told_empty: bool = flag(begins=True)
    provider_customer: str | None = words(default=None)
    user_count: int = counted()
    pool_count: int = counted()
    reserved_micros: int = counted()
    conference_dial_out: str = begins_as(ConferenceDialOut.ANY)
    user_dial_out: str = begins_as(UserDialOut.ANY)
    status_reason: str | None = words(default=None)
    status_at: int | None = big(default=None)


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
