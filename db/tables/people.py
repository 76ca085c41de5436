"""Who signs in and how, which programs may call, and what anyone changed."""

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from db.columns import big, counted, of_account, one_of, where, words
from db.kinds import ActorKind, InvitationKind, Role


class Person(SQLModel, table=True):
    """Someone who signs in to the pages. Reference data: a person may belong to many accounts."""

    __tablename__ = "person"
    __table_args__ = (UniqueConstraint("email"),)

    person_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    email: str = words()
    password_hash: str = words()
    is_operator: bool = Field(default=False)
    created_at: int = big()
    totp_secret: str | None = words(default=None)
    totp_since: int | None = big(default=None)
    totp_step: int = counted()


class RecoveryCode(SQLModel, table=True):
    """A code that stands in for a second factor once; stored as a hash."""

    __tablename__ = "recovery_code"
    __table_args__ = (ForeignKeyConstraint(["person_id"], ["person.person_id"]),)

    person_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    code_hash: str = words(primary_key=True)


class WebSession(SQLModel, table=True):
    """A browser in which a person is signed in, until it is over or ended."""

    __tablename__ = "web_session"
    __table_args__ = (
        ForeignKeyConstraint(["person_id"], ["person.person_id"]),
        Index("ix_web_session_person", "person_id"),
        Index("ix_web_session_until", "until"),
    )

    session_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    person_id: int = big()
    opened_at: int = big()
    seen_at: int = big()
    until: int = big()
    ended_at: int | None = big(default=None)
    address: str = words()
    agent: str = words()


class SignInFailure(SQLModel, table=True):
    """How often somebody failed to sign in of late, and until when they wait; `who` is a hash of whom it counts for."""

    __tablename__ = "sign_in_failure"
    __table_args__ = (Index("ix_sign_in_failure_failed_at", "failed_at"),)

    who: str = words(primary_key=True)
    failures: int = big()
    until: int = big()
    failed_at: int = big()


class Invitation(SQLModel, table=True):
    """A link that is mailed, good for one use: to join, or to choose a new password. Its code is stored as a hash.

    `due_at` says when its mail is to leave, in the language `locale`; NULL when it has left, or need not. Mail that
    only tells what was done to a sign-in is here, too: it names its event, and was withdrawn from the first.
    """

    __tablename__ = "invitation"
    __table_args__ = (
        UniqueConstraint("code_hash"),
        Index("ix_invitation_account", "account_id"),
        Index("ix_invitation_email", "email"),
        Index("ix_invitation_expires_at", "expires_at"),
        Index("ix_invitation_due_at", "due_at", **where("due_at IS NOT NULL")),
        one_of("kind", InvitationKind),
        one_of("role", Role),
    )

    invitation_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    kind: str = words()
    email: str = words()
    account_id: int | None = big(default=None)
    role: str | None = words(default=None)
    to_operators: bool = Field(default=False)
    code_hash: str = words()
    invited_by: str = words()
    created_at: int = big()
    expires_at: int = big()
    used_at: int | None = big(default=None)
    withdrawn_at: int | None = big(default=None)
    locale: str = words()
    due_at: int | None = big(default=None)
    attempts: int = counted()
    sent_at: int | None = big(default=None)
    failure: str | None = words(default=None)
    event_id: int | None = big(default=None)


class Membership(SQLModel, table=True):
    """What a person may do in an account. Who joined before this was kept has NULL for `joined_at`."""

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
    joined_at: int | None = big(default=None)


class Token(SQLModel, table=True):
    """A program's bearer token, stored as a hash; `account_id` NULL binds it to the operator.

    Reference data, found by its hash before any account is known, so no foreign key binds it to one.
    """

    __tablename__ = "token"
    __table_args__ = (UniqueConstraint("token_hash"), Index("ix_token_account", "account_id"))

    token_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    account_id: int | None = big(default=None)
    name: str = words()
    token_hash: str = words()
    scopes: str = words()
    created_at: int = big()
    revoked_at: int | None = big(default=None)
    expires_at: int | None = big(default=None)
    used_at: int | None = big(default=None)
    created_by: str | None = words(default=None)


class AuditEvent(SQLModel, table=True):
    """Something that anyone changed. Reference data, since much of it is of no account: `account_id` is NULL then.
    `before` and `after` are JSON objects without secrets. Rows are only ever added."""

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("ix_audit_event_account", "account_id", "at", "event_id"),
        Index("ix_audit_event_at", "at", "event_id"),
        one_of("actor_kind", ActorKind),
    )

    event_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    account_id: int | None = big(default=None)
    at: int = big()
    actor_kind: str = words()
    actor_id: int | None = big(default=None)
    actor: str = words()
    action: str = words()
    subject: str = words()
    address: str | None = words(default=None)
    request_id: str | None = words(default=None)
    before: str | None = words(default=None)
    after: str | None = words(default=None)
