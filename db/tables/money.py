"""Lots, and the ledger with its draws."""

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from db.columns import NEVER, big, counted, of_account, one_of, where, words
from db.kinds import EntryKind, LotSource


class Lot(SQLModel, table=True):
    """Funds that came in together. The spending order is an index, over what still holds money.

    Of what remains, `held_micros` are promised to calls in progress.
    """

    __tablename__ = "lot"
    __table_args__ = (
        of_account("account", to=()),
        of_account("recharge", "recharge_no", to=("recharge_no",)),
        UniqueConstraint("account_id", "recharge_no"),
        one_of("source", LotSource),
        CheckConstraint("amount_micros > 0", name="amount_positive"),
        CheckConstraint("remaining_micros >= 0 AND remaining_micros <= amount_micros", name="remaining_within"),
        CheckConstraint("held_micros >= 0 AND held_micros <= remaining_micros", name="held_within"),
        CheckConstraint("is_open = (remaining_micros > 0)", name="open_while_it_holds"),
        CheckConstraint("starts_at < expires_at", name="starts_before_expiry"),
        Index(
            "ix_lot_spending_order",
            "account_id",
            "priority",
            "expires_at",
            "purchased_at",
            "lot_no",
            **where("is_open"),
        ),
        Index("ix_lot_expiring", "expires_at", **where("is_open")),
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
    held_micros: int = counted()


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
            **where("kind = 'CALL_CHARGE'"),
        ),
        Index(
            "ix_ledger_entry_not_calls",
            "account_id",
            "posted_at",
            **where("kind <> 'CALL_CHARGE'"),
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
