"""Inviting people by mail: to an account, or to operate."""

from datetime import datetime
from typing import Self

import strawberry

from credits import invitations
from credits.audit import Actor
from credits.ids import public_id, read_id
from credits.instants import moment
from credits.links import Link
from db.kinds import Scope
from db.session import Session
from schema.access import Needs, account_number, forbidden, require_having, signed_in
from schema.context import Context, Info
from schema.fields import Input, mutation
from schema.kinds import Role
from schema.refusals import UserError

_UNRECORDED = "The rule that invites records it itself, as it does when the invitation is accepted."


@strawberry.type(description="Somebody is invited, by mail, to join an account or the operators.")
class Invitation:
    id: strawberry.ID = strawberry.field(description="By which it can be withdrawn.")
    email: str = strawberry.field(description="To whom the mail goes.")
    role: Role | None = strawberry.field(description="What they will be in the account; null: an operator.")
    invited_by: str = strawberry.field(description="Who invites them.")
    created_at: datetime = strawberry.field(description="When they were invited.")
    expires_at: datetime = strawberry.field(description="Until when it can be accepted, for one use.")
    accepted_at: datetime | None = strawberry.field(description="When it was accepted, if it was.")
    withdrawn_at: datetime | None = strawberry.field(description="When it was withdrawn, if it was.")
    sent_at: datetime | None = strawberry.field(description="When its mail left; null: not yet.")
    failure: str | None = strawberry.field(description="Why its mail has not left, when a try failed.")

    @classmethod
    def from_link(cls, link: Link) -> Self:
        """An invitation."""
        return cls(
            id=strawberry.ID(public_id("inv", link.invitation_id)),
            email=link.email,
            role=None if link.role is None else Role(link.role),
            invited_by=link.invited_by,
            created_at=moment(link.created_at),
            expires_at=moment(link.expires_at),
            accepted_at=None if link.used_at is None else moment(link.used_at),
            withdrawn_at=None if link.withdrawn_at is None else moment(link.withdrawn_at),
            sent_at=None if link.sent_at is None else moment(link.sent_at),
            failure=link.failure,
        )


async def list_invitations(context: Context, account_id: int | None) -> list[Invitation]:
    """The open invitations to an account (None: to the operators), the newest first."""
    links = await context.read(invitations.open_invitations, account_id, context.now)
    return [Invitation.from_link(link) for link in links]


@strawberry.input(description="Somebody to be invited to an account.")
class InviteMemberInput:
    account_id: strawberry.ID = strawberry.field(description="The account.")
    email: str = strawberry.field(description="To which address the link goes; it is good for its owner alone.")
    role: Role = strawberry.field(description="What they will be.")


@strawberry.input(description="Somebody to be invited to operate.")
class InviteOperatorInput:
    email: str = strawberry.field(description="To which address the link goes; it is good for its owner alone.")


@strawberry.input(description="An invitation that is to be of no use any more.")
class WithdrawInvitationInput:
    account_id: strawberry.ID | None = strawberry.field(
        default=None, description="The account; left out: an invitation to operate."
    )
    invitation_id: strawberry.ID = strawberry.field(description="The invitation.")


@strawberry.type(description="What came of inviting somebody.")
class InvitationPayload:
    invitation: Invitation | None = strawberry.field(default=None, description="The invitation, as it is now.")
    errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done; else empty.")


@strawberry.type
class InvitationMutations:
    @mutation(
        Needs(Scope.ADMIN),
        "Invites somebody to an account, by mail in its language. Inviting an address again withdraws the link before.",
        unrecorded=_UNRECORDED,
    )
    async def invite_member(self, info: Info, input: Input[InviteMemberInput]) -> InvitationPayload:
        context, account_id = info.context, account_number(input.account_id)
        require_having(signed_in(context), input.role, account_id)
        link = await context.write(_invite_member, context, account_id=account_id, email=input.email, role=input.role)
        return InvitationPayload(invitation=Invitation.from_link(link))

    @mutation(
        Needs(Scope.ADMIN, operator=True, person=True),
        "Invites somebody to operate, by mail in the language of the request. No program can: only persons do.",
        unrecorded=_UNRECORDED,
    )
    async def invite_operator(self, info: Info, input: Input[InviteOperatorInput]) -> InvitationPayload:
        context = info.context
        link = await context.write(_invite_operator, context, email=input.email)
        return InvitationPayload(invitation=Invitation.from_link(link))

    @mutation(Needs(Scope.ADMIN), "Lets an invitation be of no use any more.", unrecorded=_UNRECORDED)
    async def withdraw_invitation(self, info: Info, input: Input[WithdrawInvitationInput]) -> InvitationPayload:
        context = info.context
        if input.account_id is None and not signed_in(context).is_operator:
            raise forbidden(context.language)
        account_id = None if input.account_id is None else account_number(input.account_id)
        (invitation_id,) = read_id("inv", input.invitation_id, "invitationId")
        link = await context.write(_withdraw, context, account_id=account_id, invitation_id=invitation_id)
        return InvitationPayload(invitation=Invitation.from_link(link))


def _invite_member(session: Session, context: Context, *, account_id: int, email: str, role: Role) -> Link:
    invitation_id = invitations.invite_member(
        session, context.keys, _actor(context), account_id=account_id, email=email, role=role, now=context.now
    )
    return invitations.look_up_invitation(session, invitation_id)


def _invite_operator(session: Session, context: Context, *, email: str) -> Link:
    invitation_id = invitations.invite_operator(
        session, context.keys, _actor(context), email=email, locale=context.language.code, now=context.now
    )
    return invitations.look_up_invitation(session, invitation_id)


def _withdraw(session: Session, context: Context, *, account_id: int | None, invitation_id: int) -> Link:
    invitations.withdraw_invitation(
        session, _actor(context), account_id=account_id, invitation_id=invitation_id, now=context.now
    )
    return invitations.look_up_invitation(session, invitation_id)


def _actor(context: Context) -> Actor:
    """Who asks, from where."""
    viewer = signed_in(context)
    return Actor(viewer.kind, viewer.name, viewer.number, context.address, context.request_id)
