"""Rate decks and their rates: reference data, which belongs to no account."""

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, UniqueConstraint
from sqlmodel import Field, SQLModel

from db.columns import big, one_of, words
from db.kinds import Rounding, Service


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
