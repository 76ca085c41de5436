"""The audit log through the API: events in sentences and field by field, and all of them as a file."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Self

import strawberry

from credits.audit_log import AuditForm, Event, Wanted, export_part
from credits.audit_words import field_name, told, written_value
from credits.ids import public_id, read_any_id
from credits.instants import instant, moment
from credits.refusals import Refusal
from db.kinds import ActorKind, Scope
from schema.access import Needs
from schema.context import Context, Info
from schema.fields import query, resolved
from schema.kinds import describe
from schema.nodes import find
from schema.paging import (
    After,
    Before,
    Connection,
    First,
    Window,
    connection,
    counting,
    read_cursor,
    window,
    write_cursor,
)
from schema.rows import read_rows

if TYPE_CHECKING:
    from schema.accounts import Account

_KEY = (int, int)
_USUAL_EVENTS = 5_000

describe(
    ActorKind,
    "Who did something.",
    PERSON="Somebody who was signed in.",
    TOKEN="A program with a token.",
    COMMAND="Somebody at the server's command line.",
    SYSTEM="The system itself.",
)
describe(
    AuditForm,
    "What a file of events is made of.",
    CSV="RFC 4180, a line an event, the names of the columns first.",
    JSON_LINES="A JSON object a line, an event each.",
)


@strawberry.input(description="Which events; what is left out is not asked for.")
class AuditFilter:
    from_: datetime | None = strawberry.field(name="from", default=None, description="At this instant or later.")
    to: datetime | None = strawberry.field(default=None, description="Before this instant.")
    actor: str | None = strawberry.field(default=None, description="Part of the address or name of who did it.")
    action: str | None = strawberry.field(default=None, description="What was done: a mutation's name.")
    subject: str | None = strawberry.field(default=None, description="Part of what it was done to, such as an id.")


Filter = Annotated[AuditFilter | None, strawberry.argument(description="Only these.")]


@strawberry.type(description="A field that an event changed.")
class AuditChange:
    field: str = strawberry.field(description="Its name, as the API has it.")
    label: str = strawberry.field(description="Its name for a person.")
    before: str | None = strawberry.field(description="What it was, as people write it; null: there was none.")
    after: str | None = strawberry.field(description="What it became; null: there is none any more.")


@strawberry.type(description="Something that was changed: by whom, when, from where, and how.")
class AuditEvent:
    id: strawberry.ID = strawberry.field(description="Opaque and stable.")
    at: datetime = strawberry.field(description="When, by the server's clock.")
    actor_kind: ActorKind = strawberry.field(description="Who did it: a person, a program, a command, the system.")
    actor: str = strawberry.field(description="A person's address, a token's name, or who ran the command.")
    action: str = strawberry.field(description="What was done: a mutation's name, or another such as `signIn`.")
    subject: str = strawberry.field(description="What it was done to: an id, an address, a file.")
    address: str | None = strawberry.field(description="From which network address; null: on the server itself.")
    request_id: str | None = strawberry.field(description="The id of the request, by which logs tell more.")
    event: strawberry.Private[Event]

    @classmethod
    def from_row(cls, row: Event) -> Self:
        """An event."""
        return cls(
            id=strawberry.ID(public_id("evt", row.event_id)),
            at=moment(row.at),
            actor_kind=ActorKind(row.actor_kind),
            actor=row.actor,
            action=row.action,
            subject=row.subject,
            address=row.address,
            request_id=row.request_id,
            event=row,
        )

    @resolved("It in a sentence, for a person.")
    async def explanation(self, info: Info) -> str:
        said = told(self.event, await _name_of(info.context, self.event))
        return info.context.language.say(said.message, **said.values)

    @resolved("The fields that differ, with what was before and after. Never a secret.")
    async def changes(self, info: Info) -> list[AuditChange]:
        zone, language = await self._time_zone(info.context), info.context.language
        before, after = self.event.values
        return [
            AuditChange(
                field=name,
                label=field_name(language, name),
                before=written_value(language, name, before.get(name), zone),
                after=written_value(language, name, after.get(name), zone),
            )
            for name in {**before, **after}
        ]

    @resolved("The account that it is about; null: none, or all of them.")
    async def account(self, info: Info) -> Annotated["Account", strawberry.lazy("schema.accounts")] | None:
        if self.event.account_id is None:
            return None
        found: Account | None = await find(info.context, "acct", self.event.account_id)
        return found

    async def _time_zone(self, context: Context) -> str:
        if self.event.account_id is None:
            return "UTC"
        account = await context.loaders.accounts_by_key.load((self.event.account_id,))
        return "UTC" if account is None else account.time_zone


@strawberry.type(description="A part of a file of events, the newest first.")
class AuditExport:
    text: str = strawberry.field(description="All parts, one after the other, are the file.")
    events: int = strawberry.field(description="How many events it tells of.")
    end_cursor: str | None = strawberry.field(
        description="Pass it as `after` to get the next part; null: this was the last."
    )


Form = Annotated[AuditForm, strawberry.argument(description="What the file is made of.")]
Events = Annotated[int | None, strawberry.argument(description="How many events at most, 1 to 10,000.")]


async def list_events(
    info: Info, account_id: int | None, asked: AuditFilter | None, page: Window
) -> Connection[AuditEvent]:
    """A page of the events of an account, or (None) of everything, the newest first."""
    condition, parameters = _wanted(account_id, asked).sql()
    rest, key = page.sql(["at", "event_id"], descending=True)
    rows = await info.context.read(read_rows, Event, "audit_event", condition + rest, *parameters, *key)
    return connection(
        page,
        rows,
        key=lambda row: (row.at, row.event_id),
        node=AuditEvent.from_row,
        count=counting(info, "audit_event", condition, parameters),
    )


async def export_events(
    info: Info, account_id: int | None, form: AuditForm, asked: AuditFilter | None, first: int | None, after: str | None
) -> AuditExport:
    """A part of the file of such events."""
    place: Any = None if after is None else read_cursor(after, _KEY, "after")
    most = _USUAL_EVENTS if first is None else first
    part = await info.context.read(export_part, _wanted(account_id, asked), form, after=place, most=most)
    end = None if part.after is None else write_cursor(part.after)
    return AuditExport(text=part.text, events=part.events, end_cursor=end)


def _wanted(account_id: int | None, asked: AuditFilter | None) -> Wanted:
    given = asked or AuditFilter()
    return Wanted(
        account_id,
        None if given.from_ is None else instant(given.from_),
        None if given.to is None else instant(given.to),
        (given.actor or "").strip(),
        (given.action or "").strip(),
        (given.subject or "").strip(),
    )


async def _name_of(context: Context, event: Event) -> str | None:
    """What people know the subject by, where it is something of the account that has a name of its own."""
    try:
        subject = read_any_id(event.subject)
    except Refusal:
        return None
    if event.account_id is None or subject.numbers[0] != event.account_id or subject.kind not in ("user", "pm", "acct"):
        return None
    found = await find(context, subject.kind, *subject.numbers)
    return None if found is None else found.label if subject.kind == "pm" else found.name


@strawberry.type
class AuditQueries:
    @query(Needs(Scope.ADMIN, operator=True), "Everything that anyone changed, the newest first. For the operator.")
    async def audit_log(
        self, info: Info, filter: Filter = None, first: First = 50, after: After = None, before: Before = None
    ) -> Connection[AuditEvent]:
        return await list_events(info, None, filter, window(first, after, before, *_KEY))

    @query(Needs(Scope.ADMIN, operator=True), "The same as a file, part by part. For the operator.")
    async def audit_export(
        self, info: Info, form: Form, filter: Filter = None, first: Events = _USUAL_EVENTS, after: After = None
    ) -> AuditExport:
        return await export_events(info, None, form, filter, first, after)
