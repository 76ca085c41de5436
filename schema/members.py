"""Who belongs to an account, and who operates: what is known of them, and taking it away. How they come to belong is
told by invitations."""

from datetime import datetime
from typing import Self

import strawberry

from credits import members
from credits.ids import public_id, read_id, read_id_within
from credits.instants import moment
from credits.members import MemberState, OperatorState, find_member, read_members, read_operators
from db.kinds import Scope
from schema.access import Needs, account_number, require_having, signed_in
from schema.context import Context, Info
from schema.fields import Input, mutation
from schema.kinds import Role
from schema.nodes import Node, found_by
from schema.paging import Connection, Window, connection, known
from schema.refusals import UserError

MEMBER_KEY = (str, int)


@strawberry.type(description="Somebody who signs in and belongs to an account.")
class Member(Node):
    email: str = strawberry.field(description="Their mail address, by which they sign in.")
    role: Role = strawberry.field(description="What they may do in the account.")
    joined_at: datetime | None = strawberry.field(
        description="Since when they belong to it; null: since before this was kept."
    )
    has_second_factor: bool = strawberry.field(description="They sign in with a second factor beside their password.")
    last_seen_at: datetime | None = strawberry.field(
        description="When they last used the pages, to a few minutes; null: never."
    )

    @classmethod
    def from_state(cls, state: MemberState) -> Self:
        """A member."""
        return cls(
            id=strawberry.ID(public_id("mbr", state.account_id, state.person_id)),
            email=state.email,
            role=Role(state.role),
            joined_at=_moment(state.joined_at),
            has_second_factor=state.has_second_factor,
            last_seen_at=_moment(state.seen_at),
        )


@strawberry.type(description="Somebody who signs in and sees and does everything, in all accounts.")
class Operator(Node):
    email: str = strawberry.field(description="Their mail address, by which they sign in.")
    created_at: datetime = strawberry.field(description="When they got their sign-in.")
    has_second_factor: bool = strawberry.field(description="They sign in with a second factor beside their password.")
    last_seen_at: datetime | None = strawberry.field(
        description="When they last used the pages, to a few minutes; null: never."
    )

    @classmethod
    def from_state(cls, state: OperatorState) -> Self:
        """An operator."""
        return cls(
            id=strawberry.ID(public_id("opr", state.person_id)),
            email=state.email,
            created_at=moment(state.created_at),
            has_second_factor=state.has_second_factor,
            last_seen_at=_moment(state.seen_at),
        )


@found_by("mbr")
async def find_member_node(context: Context, account_id: int, person_id: int) -> Member | None:
    """A member by their numbers, for whoever manages the account."""
    if not signed_in(context).may(Scope.ADMIN, account_id):
        return None
    state = await context.read(find_member, account_id, person_id)
    return None if state is None else Member.from_state(state)


@found_by("opr", of_everyone=True)
async def find_operator_node(context: Context, person_id: int) -> Operator | None:
    """An operator by their number, for operators."""
    viewer = signed_in(context)
    if not viewer.is_operator or Scope.ADMIN not in viewer.scopes:
        return None
    found = await context.read(read_operators, " AND person_id = ?", person_id)
    return Operator.from_state(found[0]) if found else None


@strawberry.input(description="What a member is to be allowed.")
class SetMemberRoleInput:
    account_id: strawberry.ID = strawberry.field(description="The account.")
    member_id: strawberry.ID = strawberry.field(description="The member.")
    role: Role = strawberry.field(description="What they may do from now on.")


@strawberry.input(description="A member to take the account away from.")
class RemoveMemberInput:
    account_id: strawberry.ID = strawberry.field(description="The account.")
    member_id: strawberry.ID = strawberry.field(description="The member.")


@strawberry.input(description="An operator who is to be one no more.")
class RemoveOperatorInput:
    operator_id: strawberry.ID = strawberry.field(description="The operator.")


@strawberry.type(description="What came of changing a member.")
class MemberPayload:
    member: Member | None = strawberry.field(default=None, description="The member as they are now; null: gone.")
    errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done; else empty.")


@strawberry.type(description="What came of taking an operator away.")
class OperatorPayload:
    operators: list[Operator] = strawberry.field(default_factory=list, description="Those who operate now.")
    errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done; else empty.")


@strawberry.type
class MemberMutations:
    @mutation(
        Needs(Scope.ADMIN),
        "Changes what a member may do, at once. The last administrator stays one, unless the operator says otherwise.",
    )
    async def set_member_role(self, info: Info, input: Input[SetMemberRoleInput]) -> MemberPayload:
        context, account_id = info.context, account_number(input.account_id)
        require_having(signed_in(context), input.role, account_id)
        person_id = read_id_within("mbr", account_id, input.member_id, "memberId")
        await context.write(
            members.set_member_role,
            account_id=account_id,
            person_id=person_id,
            role=input.role,
            by_operator=signed_in(context).is_operator,
        )
        state = await context.read(find_member, account_id, person_id)
        return MemberPayload(member=None if state is None else Member.from_state(state))

    @mutation(
        Needs(Scope.ADMIN),
        "Takes the account away from a member, at once; their sign-in stays. The last administrator stays, unless the"
        " operator says otherwise.",
    )
    async def remove_member(self, info: Info, input: Input[RemoveMemberInput]) -> MemberPayload:
        context, account_id = info.context, account_number(input.account_id)
        person_id = read_id_within("mbr", account_id, input.member_id, "memberId")
        by_operator = signed_in(context).is_operator
        await context.write(members.remove_member, account_id=account_id, person_id=person_id, by_operator=by_operator)
        return MemberPayload()

    @mutation(
        Needs(Scope.ADMIN, operator=True, person=True),
        "Lets an operator be one no more, at once; their sign-in stays. The last one stays. No program can do this.",
    )
    async def remove_operator(self, info: Info, input: Input[RemoveOperatorInput]) -> OperatorPayload:
        (person_id,) = read_id("opr", input.operator_id, "operatorId")
        await info.context.write(members.remove_operator, person_id=person_id)
        return OperatorPayload(operators=await list_operators(info))


async def list_members(info: Info, account_id: int, search: str, wanted: Window) -> Connection[Member]:
    """A page of who belongs to an account, by address."""
    everyone = await info.context.read(read_members, "account_id = ?", account_id)
    found = sorted((state for state in everyone if search.lower() in state.email), key=_key)
    return connection(
        wanted,
        wanted.cut(found, _key),
        key=_key,
        node=Member.from_state,
        count=known(len(found)),
    )


async def list_operators(info: Info) -> list[Operator]:
    """Everybody who operates, by address."""
    return [Operator.from_state(state) for state in await info.context.read(read_operators, " ORDER BY email")]


def _key(state: MemberState) -> tuple[str, int]:
    return state.email, state.person_id


def _moment(at: int | None) -> datetime | None:
    return None if at is None else moment(at)
