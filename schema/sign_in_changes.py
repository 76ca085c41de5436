"""Changing one's own sign-in: the password, the second factor, and where one is signed in. Programs cannot.

Whoever sits down at somebody's open browser must not be able to take the sign-in over: what would let them needs the
present password, and wrong ones are counted.
"""

import strawberry

from credits import own_sign_in
from credits.attempts import Visitor
from credits.ids import read_id
from db.kinds import Scope
from schema.access import Needs, signed_in
from schema.context import Context, Info
from schema.fields import Input, mutation
from schema.refusals import UserError
from schema.sign_ins import SignIn, find_sign_in

_OWN = Needs(*Scope, person=True)
_UNRECORDED = "The rule records it itself, once the password and the code were right."


@strawberry.input(description="Another password.")
class ChangePasswordInput:
    password: str = strawberry.field(description="The present one.")
    new_password: str = strawberry.field(description="The one that is to count: 10 characters or more.")


@strawberry.input(description="A second factor, to be set up.")
class StartSecondFactorInput:
    password: str = strawberry.field(description="The present password.")


@strawberry.input(description="The proof that an app has the secret.")
class ConfirmSecondFactorInput:
    code: str = strawberry.field(description="What the app shows now.")


@strawberry.input(description="A second factor, to be asked for no more.")
class RemoveSecondFactorInput:
    password: str = strawberry.field(description="The present password.")
    code: str = strawberry.field(description="What the app shows now, or a recovery code.")


@strawberry.input(description="Recovery codes, to be made anew.")
class RenewRecoveryCodesInput:
    password: str = strawberry.field(description="The present password.")
    code: str = strawberry.field(description="What the app shows now, or a recovery code.")


@strawberry.input(description="A session to end.")
class EndSessionInput:
    session_id: strawberry.ID = strawberry.field(description="One of one's own.")


@strawberry.input(description="All sessions but one.")
class EndOtherSessionsInput:
    keep_session_id: strawberry.ID | None = strawberry.field(
        default=None, description="The one that stays; left out: the one that asks."
    )


@strawberry.type(description="What came of changing one's own sign-in.")
class SignInPayload:
    sign_in: SignIn | None = strawberry.field(default=None, description="It, as it is now.")
    errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done; else empty.")


@strawberry.type(description="A second factor that counts as soon as a code has proved it.")
class SecondFactorPayload:
    secret: str | None = strawberry.field(default=None, description="What the app keeps, to be typed in. Shown once.")
    uri: str | None = strawberry.field(default=None, description="The same for the square code, as an address.")
    errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done; else empty.")


@strawberry.type(description="Codes that stand in for the second factor, once each.")
class RecoveryCodesPayload:
    codes: list[str] = strawberry.field(default_factory=list, description="They are never shown again.")
    sign_in: SignIn | None = strawberry.field(default=None, description="The sign-in, as it is now.")
    errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done; else empty.")


@strawberry.type
class SignInMutations:
    @mutation(_OWN, "Lets another password count. One stays signed in here, and nowhere else.", unrecorded=_UNRECORDED)
    async def change_password(self, info: Info, input: Input[ChangePasswordInput]) -> SignInPayload:
        context = info.context
        await context.work(
            own_sign_in.change_password, context.database, context.keys, _owner(context),
            password=input.password, new_password=input.new_password, now=context.now,
        )  # fmt: skip
        return SignInPayload(sign_in=await find_sign_in(context, signed_in(context)))

    @mutation(_OWN, "Makes the secret of a second factor, for an authenticator app to keep.", unrecorded=_UNRECORDED)
    async def start_second_factor(self, info: Info, input: Input[StartSecondFactorInput]) -> SecondFactorPayload:
        context = info.context
        secret, uri = await context.work(
            own_sign_in.start_second_factor, context.database, context.keys, _owner(context),
            password=input.password, now=context.now,
        )  # fmt: skip
        return SecondFactorPayload(secret=secret, uri=uri)

    @mutation(
        _OWN,
        "Asks for a second factor from now on, once a code has proved that the app has its secret.",
        unrecorded=_UNRECORDED,
    )
    async def confirm_second_factor(self, info: Info, input: Input[ConfirmSecondFactorInput]) -> RecoveryCodesPayload:
        context = info.context
        codes = await context.work(
            own_sign_in.confirm_second_factor, context.database, context.keys, _owner(context),
            code=input.code, now=context.now,
        )  # fmt: skip
        return RecoveryCodesPayload(codes=codes, sign_in=await find_sign_in(context, signed_in(context)))

    @mutation(_OWN, "Asks for no second factor any more.", unrecorded=_UNRECORDED)
    async def remove_second_factor(self, info: Info, input: Input[RemoveSecondFactorInput]) -> SignInPayload:
        context = info.context
        await context.work(
            own_sign_in.remove_second_factor, context.database, context.keys, _owner(context),
            password=input.password, code=input.code, now=context.now,
        )  # fmt: skip
        return SignInPayload(sign_in=await find_sign_in(context, signed_in(context)))

    @mutation(_OWN, "Makes recovery codes anew; those before are worth nothing.", unrecorded=_UNRECORDED)
    async def renew_recovery_codes(self, info: Info, input: Input[RenewRecoveryCodesInput]) -> RecoveryCodesPayload:
        context = info.context
        codes = await context.work(
            own_sign_in.renew_recovery_codes, context.database, context.keys, _owner(context),
            password=input.password, code=input.code, now=context.now,
        )  # fmt: skip
        return RecoveryCodesPayload(codes=codes, sign_in=await find_sign_in(context, signed_in(context)))

    @mutation(_OWN, "Ends one of one's own sessions; whoever has it is signed out.", unrecorded=_UNRECORDED)
    async def end_session(self, info: Info, input: Input[EndSessionInput]) -> SignInPayload:
        context = info.context
        (session_id,) = read_id("sess", input.session_id, "sessionId")
        await context.write(own_sign_in.end_session, _owner(context), session_id=session_id, now=context.now)
        return SignInPayload(sign_in=await find_sign_in(context, signed_in(context)))

    @mutation(_OWN, "Ends all of one's own sessions but one.", unrecorded=_UNRECORDED)
    async def end_other_sessions(self, info: Info, input: Input[EndOtherSessionsInput]) -> SignInPayload:
        context = info.context
        keep = None if input.keep_session_id is None else read_id("sess", input.keep_session_id, "keepSessionId")[0]
        await context.write(own_sign_in.end_other_sessions, _owner(context), keep=keep, now=context.now)
        return SignInPayload(sign_in=await find_sign_in(context, signed_in(context)))


def _owner(context: Context) -> own_sign_in.Owner:
    """The person who asks, in the session from which they do."""
    viewer = signed_in(context)
    assert viewer.number is not None
    visitor = Visitor(context.address or "", request_id=context.request_id, locale=context.language.code)
    return own_sign_in.Owner(viewer.number, viewer.name, viewer.session_id, visitor)
