"""Notices: the mail of an account, as it was written, and what became of it."""

import json
from datetime import datetime
from typing import Any, Self

import strawberry

from credits import letters, notices
from credits.accounts import AccountState
from credits.ids import public_id, read_id_within
from credits.instants import moment
from credits.letters import Letter
from db.kinds import Scope
from schema.access import Needs, account_number
from schema.context import Context, Info
from schema.fields import Input, mutation, resolved
from schema.kinds import NoticeKind, NoticeStatus
from schema.nodes import Node, found_by
from schema.paging import Connection, Window, connection, counting, known
from schema.refusals import UserError
from schema.rows import NoticeRow, read_rows


@strawberry.type(description="A figure of a letter.")
class NoticeFigure:
    label: str = strawberry.field(description="What it is.")
    value: str = strawberry.field(description="It, as written.")


@strawberry.type(description="Where a letter leads.")
class NoticeLink:
    label: str = strawberry.field(description="What it says.")
    path: str = strawberry.field(description="A path on the pages.")

    @resolved("Its whole address.")
    def url(self, info: Info) -> str:
        return f"{info.context.base_url}{self.path}"


@strawberry.type(description="A piece of mail about an account, written in the account's language of that moment.")
class Notice(Node):
    kind: NoticeKind = strawberry.field(description="What it tells.")
    status: NoticeStatus = strawberry.field(description="Whether it has left.")
    subject: str = strawberry.field(description="Its subject.")
    locale: str = strawberry.field(description="Its language: en or ja.")
    greeting: str = strawberry.field(description="Its first line.")
    paragraphs: list[str] = strawberry.field(description="What it says.")
    figures: list[NoticeFigure] = strawberry.field(description="Its figures.")
    link: NoticeLink | None = strawberry.field(description="Where it leads.")
    footer: str = strawberry.field(description="Its last line: why it came.")
    recipients: list[str] = strawberry.field(description="To whom it goes.")
    undelivered: list[str] = strawberry.field(description="Those of them who have not got it.")
    created_at: datetime = strawberry.field(description="When it was written, by the account's clock.")
    sent_at: datetime | None = strawberry.field(description="When the mail server had taken it, by the server's clock.")
    attempts: int = strawberry.field(description="How often it was tried, since it was last asked for.")
    next_attempt_at: datetime | None = strawberry.field(
        description="When it is tried next, by the server's clock; null: at once, or not any more."
    )
    letter: strawberry.Private[Letter]
    failed_for: strawberry.Private[str | None]

    @classmethod
    def from_row(cls, row: NoticeRow) -> Self:
        """A notice."""
        letter = letters.read(row.subject, row.letter)
        return cls(
            id=strawberry.ID(public_id("ntc", row.account_id, row.notice_no)),
            kind=NoticeKind(row.kind),
            status=NoticeStatus(row.status),
            subject=row.subject,
            locale=row.locale,
            greeting=letter.greeting,
            paragraphs=letter.paragraphs,
            figures=[NoticeFigure(label=label, value=value) for label, value in letter.figures],
            link=None if letter.link is None else NoticeLink(label=letter.link[0], path=letter.link[1]),
            footer=letter.footer,
            recipients=json.loads(row.recipients),
            undelivered=json.loads(row.undelivered),
            created_at=moment(row.created_at),
            sent_at=None if row.sent_at is None else moment(row.sent_at),
            attempts=row.attempts,
            next_attempt_at=moment(row.due_at) if row.due_at else None,
            letter=letter,
            failed_for=row.failure,
        )

    @resolved("It as plain text.")
    def body(self, info: Info) -> str:
        return letters.text_of(self.letter, info.context.base_url)

    @resolved("Why it could not be sent, or not to everyone, when it was last tried: mostly the mail server's words.")
    def failure(self, info: Info) -> str | None:
        return None if self.failed_for is None else info.context.language.translated(self.failed_for)


@found_by("ntc")
async def find_notice(context: Context, account_id: int, notice_no: int) -> Notice | None:
    """A notice by its numbers."""
    row = await context.loaders.notices_by_key.load((account_id, notice_no))
    return None if row is None else Notice.from_row(row)


async def list_notices(
    info: Info, account: AccountState, status: NoticeStatus | None, kind: NoticeKind | None, wanted: Window
) -> Connection[Notice]:
    """A page of an account's notices, newest first."""
    condition, parameters = "account_id = ?", list[Any]([account.account_id])
    for column, value in (("status", status), ("kind", kind)):
        if value is not None:
            condition += f" AND {column} = ?"
            parameters.append(value.value)
    page, key = wanted.sql(["notice_no"], descending=True)
    rows = await info.context.read(read_rows, NoticeRow, "notice", condition + page, *parameters, *key)
    return connection(
        wanted,
        rows,
        key=lambda row: (row.notice_no,),
        node=Notice.from_row,
        count=counting(info, "notice", condition, parameters) if status or kind else known(account.notice_count),
    )


@strawberry.input(description="One of an account's notices.")
class NoticeRefInput:
    account_id: strawberry.ID = strawberry.field(description="The account.")
    notice_id: strawberry.ID = strawberry.field(description="The notice.")


@strawberry.type(description="What came of sending a notice again.")
class NoticePayload:
    notice: Notice | None = strawberry.field(default=None, description="It, as it is now.")
    errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done; else empty.")


@strawberry.type
class NoticeMutations:
    @mutation(
        Needs(Scope.ADMIN),
        "Sends a notice that was sent or given up once more, to whoever gets the account's mail today; after a failure"
        " to those of them who have not got it.",
    )
    async def resend_notice(self, info: Info, input: Input[NoticeRefInput]) -> NoticePayload:
        account_id = account_number(input.account_id)
        notice_no = read_id_within("ntc", account_id, input.notice_id, "noticeId")
        await info.context.write(notices.send_again, account_id=account_id, notice_no=notice_no, now=info.context.now)
        return NoticePayload(notice=await find_notice(info.context, account_id, notice_no))
