"""Entering users, changing and removing them, and giving them licences."""

from decimal import Decimal

import strawberry

from credits import licenses, users
from credits.ids import read_id_within
from credits.money import micros_of
from credits.refusals import Refusal
from credits.users import NewUser, UserValues
from db.kinds import Scope
from schema.access import Needs, account_number
from schema.context import Context, Info
from schema.fields import Input, mutation, resolved
from schema.kinds import ConferenceDialOut, LicenseChange, UserDialOut
from schema.refusals import UserError
from schema.users import User, find_user

_NAME = "What people know it by."
_USER_NAME = "What systems know it by, such as a mail address. No other user of the account has it."
_COUNTRY = "ISO 3166-1 alpha-2: where its calls are domestic."
_DEPARTMENT = "Where it belongs."
_LIMIT = "What its calls may cost in a calendar month beside plan minutes"
_NO_POLICY = "the account's policy counts"
_OWN_CONFERENCES = f"Whom its conferences may dial out to; left out: {_NO_POLICY}."
_OWN_CALLS = f"Whom it may call; left out: {_NO_POLICY}."


@strawberry.input(description="A user to enter.")
class CreateUserInput:
    account_id: strawberry.ID = strawberry.field(description="In which account.")
    name: str = strawberry.field(description=_NAME)
    user_name: str = strawberry.field(description=_USER_NAME)
    country: str = strawberry.field(description=_COUNTRY)
    department: str | None = strawberry.field(default=None, description=_DEPARTMENT)
    monthly_limit: Decimal | None = strawberry.field(default=None, description=f"{_LIMIT}; left out: no limit.")
    conference_dial_out: ConferenceDialOut | None = strawberry.field(default=None, description=_OWN_CONFERENCES)
    user_dial_out: UserDialOut | None = strawberry.field(default=None, description=_OWN_CALLS)
    plan_codes: list[str] = strawberry.field(default_factory=list, description="The plans that it is to hold.")


@strawberry.input(description="One of many users to enter.")
class NewUserInput:
    name: str = strawberry.field(description=_NAME)
    user_name: str = strawberry.field(description=_USER_NAME)
    country: str = strawberry.field(description=_COUNTRY)
    department: str | None = strawberry.field(default=None, description=_DEPARTMENT)
    monthly_limit: Decimal | None = strawberry.field(default=None, description=f"{_LIMIT}; left out: no limit.")
    conference_dial_out: ConferenceDialOut | None = strawberry.field(default=None, description=_OWN_CONFERENCES)
    user_dial_out: UserDialOut | None = strawberry.field(default=None, description=_OWN_CALLS)
    plan_codes: list[str] = strawberry.field(default_factory=list, description="The plans that it is to hold.")


@strawberry.input(description="Users to enter.")
class CreateUsersInput:
    account_id: strawberry.ID = strawberry.field(description="In which account.")
    users: list[NewUserInput] = strawberry.field(description="Up to 1,000.")


@strawberry.input(description="What to change of a user. What is left out stays; null takes away what can be without.")
class UpdateUserInput:
    account_id: strawberry.ID = strawberry.field(description="The account.")
    user_id: strawberry.ID = strawberry.field(description="The user.")
    name: str | None = strawberry.field(default=None, description=_NAME)
    user_name: str | None = strawberry.field(default=None, description=_USER_NAME)
    country: str | None = strawberry.field(
        default=None, description=f"{_COUNTRY} Its minutes are those of the new one for the whole month."
    )
    department: str | None = strawberry.field(default=strawberry.UNSET, description=f"{_DEPARTMENT} Null: nowhere.")
    monthly_limit: Decimal | None = strawberry.field(default=strawberry.UNSET, description=f"{_LIMIT}; null: no limit.")
    conference_dial_out: ConferenceDialOut | None = strawberry.field(
        default=strawberry.UNSET, description=f"Whom its conferences may dial out to; null: {_NO_POLICY}."
    )
    user_dial_out: UserDialOut | None = strawberry.field(
        default=strawberry.UNSET, description=f"Whom it may call; null: {_NO_POLICY}."
    )


@strawberry.input(description="One of an account's users.")
class UserRefInput:
    account_id: strawberry.ID = strawberry.field(description="The account.")
    user_id: strawberry.ID = strawberry.field(description="The user.")


@strawberry.input(description="The licences of a user.")
class SetLicensesInput:
    account_id: strawberry.ID = strawberry.field(description="The account.")
    user_id: strawberry.ID = strawberry.field(description="The user.")
    plan_codes: list[str] = strawberry.field(
        description="The codes of the plans that it is to hold, all of them. Those held already stay as they were."
    )


@strawberry.input(description="Licences of many users at once.")
class AssignLicensesInput:
    account_id: strawberry.ID = strawberry.field(description="The account.")
    user_ids: list[strawberry.ID] = strawberry.field(description="The users, up to 1,000; all change, or none.")
    plan_codes: list[str] = strawberry.field(description="The codes of the plans.")
    change: LicenseChange = strawberry.field(default=LicenseChange.ADD, description="What becomes of the licences.")


@strawberry.type(description="What came of changing a user.")
class UserPayload:
    user: User | None = strawberry.field(default=None, description="The user as it is now.")
    errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done; else empty.")


@strawberry.type(description="What came of changing many users.")
class UsersPayload:
    users: list[User] = strawberry.field(default_factory=list, description="The users as they are now.")
    errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done; else empty.")


@strawberry.type(description="What became of one of many users to enter.")
class CreatedUser:
    error: UserError | None = strawberry.field(description="Why it was refused, when it was.")
    account_id: strawberry.Private[int]
    user_no: strawberry.Private[int | None]

    @resolved("The user, as it was entered.")
    async def user(self, info: Info) -> User | None:
        return None if self.user_no is None else await find_user(info.context, self.account_id, self.user_no)


@strawberry.type(description="What came of entering many users.")
class CreateUsersPayload:
    results: list[CreatedUser] = strawberry.field(
        default_factory=list, description="One for each user, in their order. A refused one spoils no other."
    )
    errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why the whole request was refused; else empty."
    )


@strawberry.type
class UserMutations:
    @mutation(Needs(Scope.ADMIN), "Enters a user who makes calls. A `userName` that another user has is a CONFLICT.")
    async def create_user(self, info: Info, input: Input[CreateUserInput]) -> UserPayload:
        context, account_id = info.context, account_number(input.account_id)
        user_no = await context.write(
            users.create_user, account_id=account_id, plan_codes=input.plan_codes, now=context.now, **_values(input)
        )
        return UserPayload(user=await find_user(context, account_id, user_no))

    @mutation(Needs(Scope.ADMIN), "Enters many users who make calls, each for itself.")
    async def create_users(self, info: Info, input: Input[CreateUsersInput]) -> CreateUsersPayload:
        context, account_id = info.context, account_number(input.account_id)
        entries = [_entry(user) for user in input.users]
        wanted = [entry for entry in entries if isinstance(entry, NewUser)]
        outcomes = iter(await context.write(users.create_users, account_id=account_id, users=wanted, now=context.now))
        told = [next(outcomes) if isinstance(entry, NewUser) else entry for entry in entries]
        return CreateUsersPayload(results=[_created(info, account_id, place, each) for place, each in enumerate(told)])

    @mutation(Needs(Scope.ADMIN), "Changes what is known of a user.")
    async def update_user(self, info: Info, input: Input[UpdateUserInput]) -> UserPayload:
        context, account_id = info.context, account_number(input.account_id)
        user_no = read_id_within("user", account_id, input.user_id, "userId")
        await context.write(
            users.update_user, account_id=account_id, user_no=user_no, now=context.now, **_changes(input)
        )
        return UserPayload(user=await find_user(context, account_id, user_no))

    @mutation(Needs(Scope.ADMIN), "Removes a user: its licences end at once, and its calls stay.")
    async def remove_user(self, info: Info, input: Input[UserRefInput]) -> UserPayload:
        context, account_id = info.context, account_number(input.account_id)
        user_no = read_id_within("user", account_id, input.user_id, "userId")
        await context.write(users.remove_user, account_id=account_id, user_no=user_no, now=context.now)
        return UserPayload(user=await find_user(context, account_id, user_no))

    @mutation(Needs(Scope.ADMIN), "Lets a user hold some plans, and no others.")
    async def set_licenses(self, info: Info, input: Input[SetLicensesInput]) -> UserPayload:
        context, account_id = info.context, account_number(input.account_id)
        user_no = read_id_within("user", account_id, input.user_id, "userId")
        await context.write(
            licenses.set_licenses,
            account_id=account_id, user_no=user_no, plan_codes=input.plan_codes, now=context.now,
        )  # fmt: skip
        return UserPayload(user=await find_user(context, account_id, user_no))

    @mutation(Needs(Scope.ADMIN), "Changes the licences of many users at once.")
    async def assign_licenses(self, info: Info, input: Input[AssignLicensesInput]) -> UsersPayload:
        context, account_id = info.context, account_number(input.account_id)
        user_nos = [read_id_within("user", account_id, each, "userIds") for each in input.user_ids]
        await context.write(
            licenses.assign_licenses,
            account_id=account_id, user_nos=user_nos, plan_codes=input.plan_codes, change=input.change, now=context.now,
        )  # fmt: skip
        return UsersPayload(users=await _users(context, account_id, user_nos))


def _values(asked: CreateUserInput | NewUserInput) -> UserValues:
    limit = None if asked.monthly_limit is None else micros_of(asked.monthly_limit, "monthlyLimit")
    return UserValues(
        name=asked.name, user_name=asked.user_name, country=asked.country, department=asked.department,
        monthly_limit_micros=limit,
        conference_dial_out=asked.conference_dial_out and asked.conference_dial_out.value,
        user_dial_out=asked.user_dial_out and asked.user_dial_out.value,
    )  # fmt: skip


def _entry(asked: NewUserInput) -> NewUser | Refusal:
    try:
        return NewUser(_values(asked), asked.plan_codes)
    except Refusal as refusal:
        return refusal


def _created(info: Info, account_id: int, place: int, outcome: int | Refusal) -> CreatedUser:
    if isinstance(outcome, Refusal):
        error = UserError.of(outcome, info.context.language, "input", "users", str(place))
        return CreatedUser(error=error, account_id=account_id, user_no=None)
    return CreatedUser(error=None, account_id=account_id, user_no=outcome)


def _changes(asked: UpdateUserInput) -> UserValues:
    changes = UserValues()
    if asked.name is not None:
        changes["name"] = asked.name
    if asked.user_name is not None:
        changes["user_name"] = asked.user_name
    if asked.country is not None:
        changes["country"] = asked.country
    if asked.department is not strawberry.UNSET:
        changes["department"] = asked.department
    if asked.monthly_limit is not strawberry.UNSET:
        limit = asked.monthly_limit
        changes["monthly_limit_micros"] = None if limit is None else micros_of(limit, "monthlyLimit")
    if asked.conference_dial_out is not strawberry.UNSET:
        changes["conference_dial_out"] = asked.conference_dial_out and asked.conference_dial_out.value
    if asked.user_dial_out is not strawberry.UNSET:
        changes["user_dial_out"] = asked.user_dial_out and asked.user_dial_out.value
    return changes


async def _users(context: Context, account_id: int, user_nos: list[int]) -> list[User]:
    await context.loaders.users_by_key.load_many([(account_id, user_no) for user_no in user_nos])
    found = [await find_user(context, account_id, user_no) for user_no in user_nos]
    return [user for user in found if user is not None]
