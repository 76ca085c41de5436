"""Notices: mail that tells people what became of their money, queued in the transaction that causes it."""

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import SQLModel

from db.columns import big, of_account, one_of, where, words
from db.kinds import NoticeKind, NoticeStatus


class Notice(SQLModel, table=True):
    """A letter and its way out. `about` names what it tells of, so that nothing is told twice; NULL: told each time.

    `letter`, `recipients` and `undelivered` (those still to be reached) are JSON. `round_no` counts how often someone
    had it sent again; `attempts` are the round's. `created_at` is the account's instant; `due_at` and `sent_at` are
    the machine's, since mail leaves by its clock.
    """

    __tablename__ = "notice"
    __table_args__ = (
        of_account("account", to=()),
        UniqueConstraint("account_id", "kind", "about"),
        Index("ix_notice_due", "due_at", **where("due_at IS NOT NULL")),
        Index("ix_notice_failed", "account_id", **where("status = 'FAILED'")),
        one_of("kind", NoticeKind),
        one_of("status", NoticeStatus),
        CheckConstraint("(status = 'QUEUED') = (due_at IS NOT NULL)", name="queued"),
        CheckConstraint("(status = 'SENT') = (sent_at IS NOT NULL)", name="sent"),
    )

    account_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    notice_no: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    kind: str = words()
    about: str | None = words(default=None)
    status: str = words(default=NoticeStatus.QUEUED)
    locale: str = words()
    subject: str = words()
    letter: str = words()
    recipients: str = words(default="[]")
    undelivered: str = words(default="[]")
    round_no: int = big(default=0)
    attempts: int = big(default=0)
    failure: str | None = words(default=None)
    created_at: int = big()
    due_at: int | None = big(default=None)
    sent_at: int | None = big(default=None)
