"""Calls, the users who make them, their licences, and the minutes and money that these used month by month."""

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import SQLModel

from db.columns import big, counted, of_account, one_of, where, words
from db.kinds import CallStatus, ConferenceDialOut, PoolScope, RefusalReason, Service, UserDialOut

# One index for three states, and with OR rather than IN: so SQLite, too, sees that a query for one of them may use it.
_NOT_MADE = "status = 'REFUSED' OR status = 'RELEASED' OR status = 'EXPIRED'"


class PhoneUser(SQLModel, table=True):
    """A person or device that makes calls. Its dial-out policy is the account's where it has none of its own."""

    __tablename__ = "phone_user"
    __table_args__ = (
        of_account("account", to=()),
        Index("uq_phone_user_name", "account_id", "user_name", unique=True, **where("removed_at IS NULL")),
        one_of("conference_dial_out", ConferenceDialOut),
        one_of("user_dial_out", UserDialOut),
        CheckConstraint("monthly_limit_micros >= 0", name="limit_not_negative"),
    )

    account_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    user_no: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    user_name: str = words()
    name: str = words()
    country: str = words()
    department: str | None = words(default=None)
    monthly_limit_micros: int | None = big(default=None)
    conference_dial_out: str | None = words(default=None)
    user_dial_out: str | None = words(default=None)
    created_at: int = big()
    removed_at: int | None = big(default=None)


class License(SQLModel, table=True):
    """A plan that a user holds, or held until `removed_at`."""

    __tablename__ = "license"
    __table_args__ = (
        of_account("phone_user", "user_no", to=("user_no",)),
        ForeignKeyConstraint(["plan_id"], ["plan.plan_id"]),
        Index("ix_license_of_plan", "account_id", "plan_id"),
        Index("uq_license_held", "account_id", "user_no", "plan_id", unique=True, **where("removed_at IS NULL")),
    )

    account_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    user_no: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    plan_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    assigned_at: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    removed_at: int | None = big(default=None)


class MinutePool(SQLModel, table=True):
    """The minutes of one month that users share, or one has: how many are used, and promised to calls in progress.

    `month` is the year times twelve and the month, from 0. `country` is '' for the pool of a whole account, `user_no`
    0 for one that users share. `holders` is how many licences give it its minutes.
    """

    __tablename__ = "minute_pool"
    __table_args__ = (
        of_account("account", to=()),
        ForeignKeyConstraint(["plan_id"], ["plan.plan_id"]),
        UniqueConstraint("account_id", "month", "plan_id", "scope", "country", "user_no"),
        one_of("scope", PoolScope),
        CheckConstraint("used_minutes >= 0", name="used_not_negative"),
        CheckConstraint("held_minutes >= 0", name="held_not_negative"),
    )

    account_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    pool_no: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    month: int = big()
    plan_id: int = big()
    scope: str = words()
    country: str = words(default="")
    user_no: int = big(default=0)
    holders: int = big(default=0)
    used_minutes: int = big(default=0)
    held_minutes: int = big(default=0)


class UserMonth(SQLModel, table=True):
    """What a user's calls cost in a month; `month` as in a minute pool."""

    __tablename__ = "user_month"
    __table_args__ = (
        of_account("phone_user", "user_no", to=("user_no",)),
        CheckConstraint("spent_micros >= 0", name="spent_not_negative"),
    )

    account_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    user_no: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    month: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    spent_micros: int = big(default=0)


class Call(SQLModel, table=True):
    """A call that was asked for, is going on, or is over: who called whom, for how long, and what it cost.

    `answered_at` is when it was asked for, until it is known when it was answered; `duration_seconds` is 0 until it is
    over. While it is AUTHORIZED it holds money of lots (`holds`: JSON, pairs of lot number and micro-units;
    `held_micros` in all) and minutes of its pool, and lapses at `lapses_at` unless it is heard of. `steps` is JSON: why
    it was refused, told when it was. Its user and pool are proved by `credits verify`, as an entry's account is.
    """

    __tablename__ = "call"
    __table_args__ = (
        of_account("account", to=()),
        ForeignKeyConstraint(["deck_id", "rate_no"], ["rate.deck_id", "rate.rate_no"]),
        UniqueConstraint("account_id", "call_id"),
        Index("ix_call_answered", "account_id", "answered_at", "call_no"),
        Index("ix_call_in_progress", "account_id", "lapses_at", **where("status = 'AUTHORIZED'")),
        Index("ix_call_unrated", "account_id", "call_no", **where("status = 'UNRATED'")),
        Index("ix_call_not_made", "account_id", "status", "answered_at", "call_no", **where(_NOT_MADE)),
        one_of("service", Service),
        one_of("status", CallStatus),
        one_of("refusal", RefusalReason),
        CheckConstraint("duration_seconds >= 0", name="duration_not_negative"),
        CheckConstraint("charge_micros >= 0", name="charge_not_negative"),
        CheckConstraint("status <> 'UNRATED' OR charge_micros = 0", name="unrated_is_free"),
        CheckConstraint("(status = 'AUTHORIZED') = (lapses_at IS NOT NULL)", name="lapses_in_progress"),
        CheckConstraint(
            "held_micros >= 0 AND (status = 'AUTHORIZED' OR held_micros = 0)", name="holds_money_in_progress"
        ),
        CheckConstraint(
            "held_minutes >= 0 AND (status = 'AUTHORIZED' OR held_minutes = 0)", name="holds_minutes_in_progress"
        ),
    )

    account_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    call_no: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    call_id: str = words()
    service: str = words()
    status: str = words()
    from_number: str | None = words(default=None)
    to_number: str = words()
    answered_at: int = big()
    duration_seconds: int = big(default=0)
    billed_seconds: int = big(default=0)
    plan_seconds: int = big(default=0)
    charge_micros: int = big(default=0)
    deck_id: int | None = big(default=None)
    rate_no: int | None = big(default=None)
    refusal: str | None = words(default=None)
    recorded_at: int = big()
    user_no: int | None = big(default=None)
    country: str | None = words(default=None)
    pool_no: int | None = big(default=None)
    authorized_at: int | None = big(default=None)
    requested_seconds: int | None = big(default=None)
    granted_seconds: int | None = big(default=None)
    lapses_at: int | None = big(default=None)
    held_micros: int = counted()
    holds: str | None = words(default=None)
    held_minutes: int = counted()
    steps: str | None = words(default=None)
    reversed_at: int | None = big(default=None)
