"""Plans: what licences are for, and the minutes that they give; the operator edits them."""

from typing import Annotated, Self

import strawberry

from credits import catalogue, plans
from credits.catalogue import PlanValues
from credits.ids import public_id, read_id
from credits.plans import catalogue_of
from credits.refusals import invalid
from db.kinds import PoolScope, Scope
from schema.access import Needs
from schema.context import Context, Info
from schema.fields import Input, mutation, query, resolved
from schema.kinds import PlanKind
from schema.nodes import Node, found_by
from schema.refusals import UserError

_COUNTRY = "ISO 3166-1 alpha-2."


@strawberry.type(description="Domestic minutes in one country.")
class CountryMinutes:
    country: str = strawberry.field(description=_COUNTRY)
    minutes: int = strawberry.field(description="Minutes a licence gives there in a calendar month.")


@strawberry.type(description="A plan. Users hold licences for plans, which give minutes a calendar month.")
class Plan(Node):
    code: str = strawberry.field(description="What licences and reports call it.")
    name: str = strawberry.field(description="What people call it.")
    kind: PlanKind = strawberry.field(description="What it is good for.")
    international_minutes: int = strawberry.field(description="Minutes a licence gives for calls to other countries.")
    conference_minutes: int = strawberry.field(
        description="Minutes a licence gives for conferences that dial out to Zone A."
    )
    pooled: bool = strawberry.field(
        description="Users of the same plan in the same country share their minutes; else each has its own. Conference"
        " minutes are shared over the whole account."
    )
    plan: strawberry.Private[plans.Plan]

    @classmethod
    def of(cls, plan: plans.Plan) -> Self:
        """A plan of the catalogue."""
        return cls(
            id=strawberry.ID(public_id("plan", plan.plan_id)),
            code=plan.code,
            name=plan.name,
            kind=plan.kind,
            international_minutes=plan.international_minutes,
            conference_minutes=plan.conference_minutes,
            pooled=plan.pooled,
            plan=plan,
        )

    @resolved("Minutes a licence gives for calls within the user's country: usually, or in one country.")
    def domestic_minutes(self, country: Annotated[str | None, strawberry.argument(description=_COUNTRY)] = None) -> int:
        return self.plan.minutes(PoolScope.DOMESTIC, "" if country is None else plans.home_of(country))

    @resolved("Where its domestic minutes are others than usual.")
    def domestic_minutes_by_country(self) -> list[CountryMinutes]:
        found = sorted(self.plan.domestic_by_country.items())
        return [CountryMinutes(country=country, minutes=minutes) for country, minutes in found]


@found_by("plan", of_everyone=True)
async def find_plan(context: Context, plan_id: int) -> Plan | None:
    """A plan by its number."""
    plan = await context.loaders.plan_by_number.load(plan_id)
    return None if plan is None else Plan.of(plan)


@strawberry.input(description="Domestic minutes in one country.")
class CountryMinutesInput:
    country: str = strawberry.field(description=_COUNTRY)
    minutes: int = strawberry.field(description="Minutes a licence gives there in a calendar month.")


@strawberry.input(description="A plan to add.")
class CreatePlanInput:
    code: str = strawberry.field(description="What licences and reports call it: letters, digits, - and _; for good.")
    name: str = strawberry.field(description="What people call it.")
    kind: PlanKind = strawberry.field(description="What it is good for; for good.")
    domestic_minutes: int = strawberry.field(default=0, description="CALLING_PLAN: minutes within the user's country.")
    domestic_minutes_by_country: list[CountryMinutesInput] = strawberry.field(
        default_factory=list, description="Where the domestic minutes are others than usual."
    )
    international_minutes: int = strawberry.field(default=0, description="CALLING_PLAN: minutes to other countries.")
    conference_minutes: int = strawberry.field(default=0, description="AUDIO_CONFERENCING: minutes to Zone A.")
    pooled: bool = strawberry.field(default=True, description="Users share the minutes; else each has its own.")


@strawberry.input(description="What to change in a plan; what is left out stays.")
class UpdatePlanInput:
    plan_id: strawberry.ID = strawberry.field(description="The plan.")
    name: str | None = strawberry.field(default=None, description="What people call it.")
    domestic_minutes: int | None = strawberry.field(default=None, description="Minutes within the user's country.")
    domestic_minutes_by_country: list[CountryMinutesInput] | None = strawberry.field(
        default=None, description="Where the domestic minutes are others than usual, all of them."
    )
    international_minutes: int | None = strawberry.field(default=None, description="Minutes to other countries.")
    conference_minutes: int | None = strawberry.field(default=None, description="Minutes to Zone A.")
    pooled: bool | None = strawberry.field(default=None, description="Users share the minutes; else each has its own.")


@strawberry.input(description="The countries of Zone A.")
class SetZoneAInput:
    countries: list[str] = strawberry.field(description="All of them; ISO 3166-1 alpha-2.")


@strawberry.type(description="What came of changing a plan.")
class PlanPayload:
    plan: Plan | None = strawberry.field(default=None, description="The plan as it is now.")
    errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done; else empty.")


@strawberry.type(description="What came of setting Zone A.")
class ZoneAPayload:
    countries: list[str] = strawberry.field(default_factory=list, description="The countries as they are now.")
    errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done; else empty.")


@strawberry.type
class PlanQueries:
    @query(Needs(Scope.READ), "The catalogue of plans.")
    async def plans(self, info: Info) -> list[Plan]:
        found = await info.context.read(catalogue_of)
        return [Plan.of(plan) for plan in found.plans.values()]

    @query(Needs(Scope.READ), "The countries of Zone A, which conference minutes reach; ISO 3166-1 alpha-2.")
    async def zone_a(self, info: Info) -> list[str]:
        return sorted((await info.context.read(catalogue_of)).zone)


@strawberry.type
class PlanMutations:
    @mutation(Needs(Scope.ADMIN, operator=True), "Adds a plan to the catalogue. For the operator.")
    async def create_plan(self, info: Info, input: Input[CreatePlanInput]) -> PlanPayload:
        values = PlanValues(
            name=input.name,
            domestic_minutes=input.domestic_minutes,
            domestic_by_country=_by_country(input.domestic_minutes_by_country),
            international_minutes=input.international_minutes,
            conference_minutes=input.conference_minutes,
            pooled=input.pooled,
        )
        plan_id = await info.context.write(catalogue.create_plan, code=input.code, kind=input.kind.value, **values)
        return PlanPayload(plan=await find_plan(info.context, plan_id))

    @mutation(
        Needs(Scope.ADMIN, operator=True),
        "Changes a plan, for all accounts and for the whole of the present month. For the operator.",
    )
    async def update_plan(self, info: Info, input: Input[UpdatePlanInput]) -> PlanPayload:
        (plan_id,) = read_id("plan", input.plan_id, "planId")
        await info.context.write(catalogue.update_plan, plan_id=plan_id, **_changes(input))
        return PlanPayload(plan=await find_plan(info.context, plan_id))

    @mutation(Needs(Scope.ADMIN, operator=True), "Says which countries Zone A has. For the operator.")
    async def set_zone_a(self, info: Info, input: Input[SetZoneAInput]) -> ZoneAPayload:
        await info.context.write(catalogue.set_zone, input.countries)
        return ZoneAPayload(countries=sorted((await info.context.read(catalogue_of)).zone))


def _changes(asked: UpdatePlanInput) -> PlanValues:
    changes = PlanValues()
    if asked.name is not None:
        changes["name"] = asked.name
    if asked.domestic_minutes is not None:
        changes["domestic_minutes"] = asked.domestic_minutes
    if asked.domestic_minutes_by_country is not None:
        changes["domestic_by_country"] = _by_country(asked.domestic_minutes_by_country)
    if asked.international_minutes is not None:
        changes["international_minutes"] = asked.international_minutes
    if asked.conference_minutes is not None:
        changes["conference_minutes"] = asked.conference_minutes
    if asked.pooled is not None:
        changes["pooled"] = asked.pooled
    return changes


def _by_country(given: list[CountryMinutesInput]) -> dict[str, int]:
    minutes = {each.country: each.minutes for each in given}
    if len(minutes) < len(given):
        raise invalid("domesticMinutesByCountry", "A country is named twice.")
    return minutes
