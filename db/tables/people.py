"""Who signs in, and which programs may call."""

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from db.columns import big, of_account, one_of, words
from db.kinds import Role


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
