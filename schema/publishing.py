"""Publishing rate decks, and seeing beforehand what would change."""

from dataclasses import field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

import strawberry

from credits import publishing
from credits.instants import instant
from credits.money import nanos_of
from credits.publishing import BadRate, BadRates, Publication, RateDraft
from credits.rating import Tier
from credits.refusals import Refusal, invalid
from db.kinds import Scope
from schema.access import Needs
from schema.context import Context, Info
from schema.fields import Input, mutation, resolved
from schema.inputs import built_quickly
from schema.kinds import Rounding, Service, describe
from schema.paging import LARGEST_PAGE
from schema.rates import RateDeck, RateTerms, find_deck
from schema.refusals import UserError

# Pricing without tiers means whole minutes from the answer on.
_WHOLE_MINUTES = 60
# A deck with a thousand bad rates is answered with the first hundred.
_MOST_ERRORS = 100
_MOST_CHANGES = 1_000


class ChangeKind(StrEnum):
    """What a publication does to a prefix."""

    ADDED = "added"
    CHANGED = "changed"
    WITHDRAWN = "withdrawn"


describe(
    ChangeKind,
    "What a deck does to a prefix, against the deck that it takes over from.",
    ADDED="The prefix was not there before.",
    CHANGED="Its price, name or country is another.",
    WITHDRAWN="The prefix is no longer there.",
)


@strawberry.input(description="From a second of a call on: a price, sold in whole steps.")
class RateTierInput:
    from_second: int = strawberry.field(description="The second of the call; the first tier begins at 0.")
    price_per_minute: Decimal = strawberry.field(description="The price of a minute; up to nine decimals.")
    increment_seconds: int = strawberry.field(description="How many seconds a step has; at least 1.")


@built_quickly("tiers")
@strawberry.input(description="The price of calls to numbers that begin with a prefix.")
class RateInput:
    service: Service = strawberry.field(default=Service.USER_OUT, description="What is charged.")
    prefix: str = strawberry.field(description="1 to 15 digits, without +.")
    destination: str = strawberry.field(description="Where calls with this prefix go.")
    country: str | None = strawberry.field(
        description="ISO 3166-1 alpha-2; left out: what the prefix tells, where it tells one."
    )
    blocked: bool = strawberry.field(default=False, description="List it, but do not let it be called.")
    connect_fee: Decimal = strawberry.field(
        default=Decimal("0"), description="Charged once a call, when it is answered."
    )
    price_per_minute: Decimal | None = strawberry.field(description="One price for the whole call, in 60-second steps.")
    tiers: list[RateTierInput] | None = strawberry.field(description="The prices from the answer on, instead.")
    free_seconds: int = strawberry.field(default=0, description="So many seconds from the answer on cost nothing.")
    max_cost: Decimal | None = strawberry.field(description="A call never costs more than this.")


@strawberry.input(description="A rate deck to publish.")
class PublishRateDeckInput:
    name: str = strawberry.field(description="Accounts choose their prices by it.")
    currency: str = strawberry.field(description="The ISO 4217 code of the currency of all prices.")
    effective_from: datetime | None = strawberry.field(
        description="From when on it prices calls; left out: from now on."
    )
    decimals: int = strawberry.field(default=4, description="A call's charge is rounded once, to this many decimals.")
    rounding: Rounding = strawberry.field(default=Rounding.HALF_UP, description="How it is rounded.")
    rates: list[RateInput] = strawberry.field(description="All its rates; a prefix that is left out is withdrawn.")
    dry_run: bool = strawberry.field(default=False, description="Check and compare, and publish nothing.")


@strawberry.type(description="What a publication does to one prefix of one service.")
class RateChange:
    kind: ChangeKind = strawberry.field(description="What happens to it.")
    service: Service = strawberry.field(description="What is charged.")
    prefix: str = strawberry.field(description="The prefix.")
    destination: str = strawberry.field(description="Where calls with this prefix go.")
    old: RateTerms | None = strawberry.field(description="What it asked before, unless it is added.")
    new: RateTerms | None = strawberry.field(description="What it asks then, unless it is withdrawn.")

    @classmethod
    def from_state(cls, change: publishing.Change) -> Self:
        """A change as the comparison finds it."""
        return cls(
            kind=ChangeKind(change.kind),
            service=Service(change.service),
            prefix=change.prefix,
            destination=change.destination,
            old=None if change.old is None else RateTerms.of(change.old),
            new=None if change.new is None else RateTerms.of(change.new),
        )


@strawberry.type(description="What came of publishing a deck, or would come of it.")
class RateDeckPayload:
    deck: RateDeck | None = strawberry.field(default=None, description="The deck; null after a dry run.")
    added: int = strawberry.field(default=0, description="How many prefixes were not there before.")
    changed: int = strawberry.field(default=0, description="How many prefixes ask something else than before.")
    withdrawn: int = strawberry.field(default=0, description="How many prefixes are no longer there.")
    errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why nothing was published, the first hundred reasons; else empty."
    )
    compared: strawberry.Private[list[publishing.Change]] = field(default_factory=list)

    @resolved("What changes for which prefix, in the order of services and prefixes.")
    def changes(
        self,
        first: Annotated[int | None, strawberry.argument(description="How many at most, 1 to 1,000.")] = LARGEST_PAGE,
    ) -> list[RateChange]:
        most = LARGEST_PAGE if first is None else first
        if not 1 <= most <= _MOST_CHANGES:
            raise invalid("first", "Ask for 1 to {most} at a time.", most=_MOST_CHANGES)
        return [RateChange.from_state(change) for change in self.compared[:most]]


@strawberry.type
class PublishingMutations:
    @mutation(
        Needs(Scope.RATES, operator=True),
        "Publishes a rate deck, whole or not at all, or tells in a dry run what it would change. One bad rate refuses"
        " the deck. For the operator.",
    )
    async def publish_rate_deck(self, info: Info, input: Input[PublishRateDeckInput]) -> RateDeckPayload:
        try:
            publication = await info.context.work(_publish, info.context, input)
        except BadRates as refusal:
            language = info.context.language
            return RateDeckPayload(
                errors=[
                    UserError.of(bad.refusal, language, "input", "rates", str(bad.index))
                    for bad in refusal.bad[:_MOST_ERRORS]
                ]
            )
        number = publication.deck_id
        return RateDeckPayload(
            deck=None if number is None else await find_deck(info.context, number),
            added=publication.added,
            changed=publication.changed,
            withdrawn=publication.withdrawn,
            compared=publication.changes,
        )


def _publish(context: Context, asked: PublishRateDeckInput) -> Publication:
    """A dry run reads; publishing writes. Reading the drafts is work, too, of which there may be a lot."""
    drafts = _drafts(asked.rates)
    opened = context.database.reading() if asked.dry_run else context.database.transaction()
    with opened as session:
        return publishing.publish_deck(
            session,
            name=asked.name,
            currency=asked.currency,
            effective_from=None if asked.effective_from is None else instant(asked.effective_from),
            decimals=asked.decimals,
            rounding=asked.rounding.value,
            drafts=drafts,
            now=context.now,
            dry_run=asked.dry_run,
        )


def _drafts(rates: list[RateInput]) -> list[RateDraft]:
    drafts, bad = [], []
    for index, rate in enumerate(rates):
        try:
            drafts.append(_draft(rate))
        except Refusal as refusal:
            bad.append(BadRate(index, None, refusal))
    if bad:
        raise BadRates(bad)
    return drafts


def _draft(rate: RateInput) -> RateDraft:
    return RateDraft(
        service=rate.service.value,
        prefix=rate.prefix,
        destination=rate.destination,
        country=rate.country,
        blocked=rate.blocked,
        connect_fee_nanos=nanos_of(rate.connect_fee, "connectFee"),
        tiers=_tiers(rate),
        free_seconds=rate.free_seconds,
        max_cost_nanos=None if rate.max_cost is None else nanos_of(rate.max_cost, "maxCost"),
    )


def _tiers(rate: RateInput) -> tuple[Tier, ...]:
    if rate.price_per_minute is not None:
        if rate.tiers is not None:
            raise invalid("pricePerMinute", "Give a price or tiers, not both.")
        return (Tier(0, nanos_of(rate.price_per_minute), _WHOLE_MINUTES),)
    return tuple(
        Tier(tier.from_second, nanos_of(tier.price_per_minute), tier.increment_seconds) for tier in rate.tiers or ()
    )
