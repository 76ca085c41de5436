"""What the tables are made of: columns, the names of constraints, and the constraints that many tables share."""

from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Text, false, text, true
from sqlmodel import Field, SQLModel

# The first instant of the year 10000: what `expires_at` holds when a lot never expires, so that
# "soonest first, never last" is the plain order of an index on both engines.
NEVER = 253_402_300_800_000_000

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def big(**options: Any) -> Any:
    """A BIGINT column: money, prices, instants and numbers."""
    return Field(sa_type=BigInteger, **options)


def words(**options: Any) -> Any:
    """A TEXT column."""
    return Field(sa_type=Text, **options)


def one_of(column: str, kinds: type[StrEnum]) -> CheckConstraint:
    """Hold a text column to the words of a closed list (NULL passes, as in SQL)."""
    listed = ", ".join(f"'{kind.value}'" for kind in kinds)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def of_account(table: str, *columns: str, to: tuple[str, ...]) -> ForeignKeyConstraint:
    """A foreign key inside one account: both sides begin with `account_id`."""
    return ForeignKeyConstraint(
        ["account_id", *columns], [f"{table}.account_id", *(f"{table}.{column}" for column in to)]
    )


def counted() -> Any:
    """A BIGINT column that begins at 0, also in the rows that were there before it."""
    return big(default=0, sa_column_kwargs={"server_default": text("0")})


def flag(*, begins: bool = False) -> Any:
    """A yes-or-no column, which begins alike in the rows that were there before it."""
    return Field(default=begins, sa_column_kwargs={"server_default": true() if begins else false()})


def begins_as(word: str) -> Any:
    """A TEXT column that begins with a word, also in the rows that were there before it."""
    return words(default=word, sa_column_kwargs={"server_default": text(f"'{word}'")})


def where(condition: str) -> dict[str, Any]:
    """The options of an index over some rows only."""
    return {"postgresql_where": text(condition), "sqlite_where": text(condition)}
