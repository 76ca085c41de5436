"""Calls in progress: whether a call may go and for how long, that it goes on, and how it ended."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from credits.call_messages import Authorization, CallAnswer, Extension, Message, Release, Settlement
from credits.instants import instant
from credits.refusals import Refusal
from db.kinds import Scope
from schema.access import Needs, account_number
from schema.calls import Call
from schema.context import Info
from schema.fields import Input, mutation, resolved
from schema.inputs import built_quickly
from schema.kinds import RefusalReason, Service
from schema.nodes import find
from schema.recording import user_number
from schema.refusals import UserError

if TYPE_CHECKING:
    from schema.accounts import Account

_USUAL_SECONDS = 3_600
_UNRECORDED = "Each call is on record by itself, under the switch's own id; switches ask thousands of times a second."


@built_quickly()
@strawberry.input(description="A call that wants to go.")
class AuthorizeCallInput:
    account_id: strawberry.ID = strawberry.field(description="The account that would pay.")
    call_id: str = strawberry.field(
        description="The switch's own id; the same one with the same values is answered as the first time."
    )
    service: Service = strawberry.field(default=Service.USER_OUT, description="What kind of call.")
    from_: str | None = strawberry.field(name="from", default=None, description="Who calls.")
    to: str = strawberry.field(description="The number called; an inbound service's own number.")
    user_id: strawberry.ID | None = strawberry.field(
        default=None, description="The user who calls, whose licences, policy and limit count."
    )
    requested_seconds: int = strawberry.field(
        default=_USUAL_SECONDS, description="For how long it would like to go, counted from the answer."
    )


@built_quickly()
@strawberry.input(description="A call that goes on.")
class ExtendCallInput:
    account_id: strawberry.ID = strawberry.field(description="The account that pays.")
    call_id: str = strawberry.field(description="The switch's own id.")
    used_seconds: int = strawberry.field(description="How long it has lasted, counted from the answer.")
    requested_seconds: int = strawberry.field(
        default=_USUAL_SECONDS, description="How much longer than that it would like to go."
    )


@built_quickly()
@strawberry.input(description="A call that has ended.")
class SettleCallInput:
    account_id: strawberry.ID = strawberry.field(description="The account that pays.")
    call_id: str = strawberry.field(description="The switch's own id.")
    answered_at: datetime | None = strawberry.field(
        default=None, description="When it was answered; its prices are those of then. Left out: it ended just now."
    )
    duration_seconds: int = strawberry.field(description="How long it lasted from the answer on; 0: nobody answered.")


@built_quickly()
@strawberry.input(description="A call that was not made, or that nobody answered.")
class ReleaseCallInput:
    account_id: strawberry.ID = strawberry.field(description="The account that would have paid.")
    call_id: str = strawberry.field(description="The switch's own id.")


@strawberry.type(description="Whether a call may go (on), and for how long.")
class AuthorizeCallPayload:
    authorized: bool = strawberry.field(default=False, description="It may.")
    max_duration_seconds: int = strawberry.field(
        default=0, description="After so many seconds from the answer it must end, or be extended; 0 when refused."
    )
    refusal: RefusalReason | None = strawberry.field(
        default=None, description="Why it may not go, or got no more time than it has."
    )
    errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why the question itself could not be answered; else empty."
    )
    answer: strawberry.Private[CallAnswer | None] = None

    @resolved("The call, as it is on record; also when it was refused.")
    def call(self) -> Call | None:
        return None if self.answer is None else _call_of(self.answer)


@strawberry.type(description="What became of a call.")
class CallPayload:
    call: Call | None = strawberry.field(default=None, description="The call, as it is now.")
    errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done; else empty.")
    account_id: strawberry.Private[int | None] = None

    @resolved("The account as it is now.")
    async def account(self, info: Info) -> Annotated["Account", strawberry.lazy("schema.accounts")] | None:
        if self.account_id is None:
            return None
        found: Account | None = await find(info.context, "acct", self.account_id)
        return found


@strawberry.type
class AuthorizingMutations:
    @mutation(
        Needs(Scope.CALLS),
        "Decides whether a call may go and for how long, and holds what it may cost until it is settled, released or"
        " not heard of any more.",
        unrecorded=_UNRECORDED,
    )
    async def authorize_call(self, info: Info, input: Input[AuthorizeCallInput]) -> AuthorizeCallPayload:
        account_id = account_number(input.account_id)
        return await _asked(
            info,
            Authorization(
                account_id, input.call_id, input.to, input.requested_seconds, input.service.value, input.from_,
                user_number(account_id, input.user_id),
            ),
        )  # fmt: skip

    @mutation(
        Needs(Scope.CALLS),
        "Asks for more time for a call that goes on, and keeps its reservation alive. What it has is never taken back.",
        unrecorded=_UNRECORDED,
    )
    async def extend_call(self, info: Info, input: Input[ExtendCallInput]) -> AuthorizeCallPayload:
        account_id = account_number(input.account_id)
        return await _asked(info, Extension(account_id, input.call_id, input.used_seconds, input.requested_seconds))

    @mutation(
        Needs(Scope.CALLS),
        "Charges a call that was authorized for what it used, and gives the rest of what it held back; also after it"
        " was released or its reservation has lapsed.",
        unrecorded=_UNRECORDED,
    )
    async def settle_call(self, info: Info, input: Input[SettleCallInput]) -> CallPayload:
        answered_at = None if input.answered_at is None else instant(input.answered_at)
        account_id = account_number(input.account_id)
        return await _told(info, Settlement(account_id, input.call_id, input.duration_seconds, answered_at))

    @mutation(
        Needs(Scope.CALLS),
        "Gives back all that a call holds, which was not made or not answered.",
        unrecorded=_UNRECORDED,
    )
    async def release_call(self, info: Info, input: Input[ReleaseCallInput]) -> CallPayload:
        return await _told(info, Release(account_number(input.account_id), input.call_id))


async def _asked(info: Info, message: Message) -> AuthorizeCallPayload:
    answer = await _answered(info, message)
    return AuthorizeCallPayload(
        authorized=answer.authorized,
        max_duration_seconds=answer.max_duration_seconds,
        refusal=answer.reason,
        errors=_errors_of(info, answer),
        answer=answer,
    )


async def _told(info: Info, message: Message) -> CallPayload:
    answer = await _answered(info, message)
    return CallPayload(call=_call_of(answer), account_id=answer.account.account_id, errors=_errors_of(info, answer))


async def _answered(info: Info, message: Message) -> CallAnswer:
    answer = await info.context.post(message)
    if isinstance(answer, Refusal):
        raise answer
    assert isinstance(answer, CallAnswer)
    return answer


def _call_of(answer: CallAnswer) -> Call | None:
    if answer.call is None:
        return None
    return Call.from_row(answer.call, answer.account)


def _errors_of(info: Info, answer: CallAnswer) -> list[UserError]:
    return [] if answer.error is None else [UserError.of(answer.error, info.context.language, "input")]
