"""What the tables are made of: columns, the names of constraints, and the constraints that many tables share."""

from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Text
from sqlmodel import Field, SQLModel

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
