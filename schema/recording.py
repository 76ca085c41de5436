"""Recording finished calls, many at a time."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from credits.call_messages import CallOutcome, CallReport, Reports
from credits.ids import read_id_within
from credits.instants import instant
from credits.refusals import Refusal
from db.kinds import Scope
from schema.access import Needs, account_number
from schema.calls import Call, find_call
from schema.context import Info
from schema.deeds import by_hand
from schema.fields import Input, mutation, resolved
from schema.inputs import built_quickly
from schema.kinds import Service
from schema.nodes import find
from schema.refusals import UserError

if TYPE_CHECKING:
    from schema.accounts import Account

# The number of no user: what an id that names none is read as, so that the rules refuse it as they refuse others.
_NO_USER = 0


@built_quickly()
@strawberry.input(description="A finished call.")
class RecordedCallInput:
    call_id: str = strawberry.field(description="The switch's own id; the same one again is the same call.")
    service: Service = strawberry.field(default=Service.USER_OUT, description="What kind of call.")
    from_: str | None = strawberry.field(name="from", description="Who called.")
    to: str = strawberry.field(description="The number called; an inbound service's own number.")
    user_id: strawberry.ID | None = strawberry.field(description="The user who called.")
    answered_at: datetime = strawberry.field(description="When it was answered; its prices are those of then.")
    duration_seconds: int = strawberry.field(description="How long it lasted from the answer on.")


@built_quickly("calls")
@strawberry.input(description="Finished calls to charge.")
class RecordCallsInput:
    account_id: strawberry.ID = strawberry.field(description="The account that pays.")
    calls: list[RecordedCallInput] = strawberry.field(description="Up to 1,000.")


@strawberry.type(description="What became of one report.")
class RecordedCallResult:
    call_id: str = strawberry.field(description="The report's call id.")
    duplicate: bool = strawberry.field(description="The call was on record already; nothing was charged again.")
    error: UserError | None = strawberry.field(description="Why the report was refused, when it was.")
    account_id: strawberry.Private[int]
    call_no: strawberry.Private[int | None]

    @resolved("The call, as it is on record.")
    async def call(self, info: Info) -> Call | None:
        return None if self.call_no is None else await find_call(info.context, self.account_id, self.call_no)


@strawberry.type(description="What came of recording calls.")
class RecordCallsPayload:
    results: list[RecordedCallResult] = strawberry.field(
        default_factory=list, description="One for each report, in their order. A refused one spoils no other."
    )
    account: Annotated["Account", strawberry.lazy("schema.accounts")] | None = strawberry.field(
        default=None, description="The account as it is now."
    )
    errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why the whole request was refused; else empty."
    )


@strawberry.type
class RecordingMutations:
    @mutation(
        Needs(Scope.CALLS),
        "Charges finished calls that were not authorized here, even below a balance of zero. A call id seen before"
        " answers as it did then; with other values it is refused.",
        unrecorded="Each call is on record by itself, under the switch's own id. A person's report is recorded.",
    )
    async def record_calls(self, info: Info, input: Input[RecordCallsInput]) -> RecordCallsPayload:
        context, account_id = info.context, account_number(input.account_id)
        reports = Reports(account_id, [_report(account_id, call) for call in input.calls])
        outcomes = await context.post(reports, by_hand(context, "recordCalls", account_id))
        if isinstance(outcomes, Refusal):
            raise outcomes
        assert isinstance(outcomes, list)
        results = [_result(info, account_id, place, outcome) for place, outcome in enumerate(outcomes)]
        return RecordCallsPayload(results=results, account=await find(context, "acct", account_id))


def user_number(account_id: int, public_user_id: str | None) -> int | None:
    """The number of a user by its public id; an id that names nobody is the number of nobody."""
    if public_user_id is None:
        return None
    try:
        return read_id_within("user", account_id, public_user_id, "userId")
    except Refusal:
        return _NO_USER


def _report(account_id: int, call: RecordedCallInput) -> CallReport:
    return CallReport(
        call_id=call.call_id,
        to_number=call.to,
        answered_at=instant(call.answered_at),
        duration_seconds=call.duration_seconds,
        service=call.service.value,
        from_number=call.from_,
        user_no=user_number(account_id, call.user_id),
    )


def _result(info: Info, account_id: int, place: int, outcome: CallOutcome) -> RecordedCallResult:
    error = None
    if outcome.refusal is not None:
        error = UserError.of(outcome.refusal, info.context.language, "input", "calls", str(place))
    return RecordedCallResult(
        call_id=outcome.call_id,
        duplicate=outcome.duplicate,
        error=error,
        account_id=account_id,
        call_no=outcome.call_no,
    )
