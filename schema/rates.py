"""Rate decks and their rates: listing, and finding the rates of a number."""

import json
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self

import strawberry

from credits import rating
from credits.ids import public_id, read_id
from credits.instants import instant, moment
from credits.money import price_of
from credits.publishing import RateDraft
from credits.refusals import Refusal
from db.kinds import Scope
from db.session import Session
from schema.access import Needs
from schema.context import Context, Info
from schema.fields import query, resolved
from schema.kinds import Rounding, Service
from schema.nodes import Node, found_by
from schema.paging import After, Before, Connection, First, Window, connection, counting, known, window
from schema.rate_finding import RateFinding
from schema.rows import DeckRow, RateRow, columns_of, read_rows


@strawberry.type(description="A published price list. It is never edited: a later one takes over, whole.")
class RateDeck(Node):
    name: str = strawberry.field(description="Accounts choose their prices by it.")
    currency: str = strawberry.field(description="The ISO 4217 code of the currency of all its prices.")
    effective_from: datetime = strawberry.field(description="From when on it prices calls.")
    decimals: int = strawberry.field(description="A call's charge is rounded once, to this many decimals.")
    rounding: Rounding = strawberry.field(description="How it is rounded.")
    rate_count: int = strawberry.field(description="How many rates it has.")

    @classmethod
    def from_row(cls, row: DeckRow | rating.DeckTerms) -> Self:
        """A deck, without its rates."""
        return cls(
            id=strawberry.ID(public_id("deck", row.deck_id)),
            name=row.name,
            currency=row.currency,
            effective_from=moment(row.effective_from),
            decimals=row.decimals,
            rounding=Rounding(row.rounding),
            rate_count=row.rate_count,
        )


@strawberry.type(description="From a second of a call on: a price, sold in whole steps. A step may outlast its tier.")
class RateTier:
    from_second: int = strawberry.field(description="The second of the call, counted from the answer.")
    price_per_minute: Decimal = strawberry.field(description="The price of a minute.")
    increment_seconds: int = strawberry.field(description="How many seconds a step has.")

    @classmethod
    def list_of(cls, tiers: Iterable[Any]) -> list[Self]:
        """Tiers, each a second, nano-units per minute and seconds a step."""
        return [cls(from_second=second, price_per_minute=price_of(nanos), increment_seconds=step)
                for second, nanos, step in tiers]  # fmt: skip


@strawberry.type(description="What a rate asks, apart from where it stands.")
class RateTerms:
    destination: str = strawberry.field(description="Where calls with this prefix go.")
    country: str | None = strawberry.field(description="Its country, ISO 3166-1 alpha-2.")
    blocked: bool = strawberry.field(description="Listed, but not to be called.")
    connect_fee: Decimal = strawberry.field(description="Charged once a call, when it is answered.")
    tiers: list[RateTier] = strawberry.field(description="The prices, from the answer on.")
    free_seconds: int = strawberry.field(description="So many seconds from the answer on cost nothing.")
    max_cost: Decimal | None = strawberry.field(description="A call never costs more than this.")

    @classmethod
    def of(cls, rate: rating.Rate | RateDraft) -> Self:
        """The terms of a rate, published or wanted."""
        cap = rate.max_cost_nanos
        return cls(
            destination=rate.destination,
            country=rate.country,
            blocked=rate.blocked,
            connect_fee=price_of(rate.connect_fee_nanos),
            tiers=RateTier.list_of(rate.tiers),
            free_seconds=rate.free_seconds,
            max_cost=None if cap is None else price_of(cap),
        )


@strawberry.type(description="The price of calls to numbers that begin with a prefix. The longest prefix wins.")
class Rate(Node):
    service: Service = strawberry.field(description="What is charged.")
    prefix: str = strawberry.field(description="The digits that numbers begin with, without +.")
    destination: str = strawberry.field(description="Where calls with this prefix go.")
    country: str | None = strawberry.field(description="Its country, ISO 3166-1 alpha-2.")
    blocked: bool = strawberry.field(description="Listed, but not to be called.")
    connect_fee: Decimal = strawberry.field(description="Charged once a call, when it is answered.")
    tiers: list[RateTier] = strawberry.field(description="The prices, from the answer on.")
    free_seconds: int = strawberry.field(description="So many seconds from the answer on cost nothing.")
    max_cost: Decimal | None = strawberry.field(description="A call never costs more than this.")
    deck_id: strawberry.Private[int]

    @classmethod
    def from_row(cls, row: RateRow) -> Self:
        """A rate as it is stored."""
        return cls.of(row, json.loads(row.tiers))

    @classmethod
    def of(cls, rate: RateRow | rating.Rate, tiers: Iterable[Any]) -> Self:
        """A rate with its tiers."""
        cap = rate.max_cost_nanos
        return cls(
            id=strawberry.ID(public_id("rate", rate.deck_id, rate.rate_no)),
            service=Service(rate.service),
            prefix=rate.prefix,
            destination=rate.destination,
            country=rate.country,
            blocked=bool(rate.blocked),
            connect_fee=price_of(rate.connect_fee_nanos),
            tiers=RateTier.list_of(tiers),
            free_seconds=rate.free_seconds,
            max_cost=None if cap is None else price_of(cap),
            deck_id=rate.deck_id,
        )

    @resolved("The deck that it stands in.")
    async def deck(self, info: Info) -> RateDeck:
        return RateDeck.from_row(await self._deck_row(info))

    @resolved("From when on it prices calls: as its deck does.")
    async def effective_from(self, info: Info) -> datetime:
        return moment((await self._deck_row(info)).effective_from)

    @resolved("When a later deck takes over, or took over; null while none is published.")
    async def effective_to(self, info: Info) -> datetime | None:
        end = await info.context.loaders.end_by_deck.load(self.deck_id)
        return None if end is None else moment(end)

    async def _deck_row(self, info: Info) -> DeckRow:
        row = await info.context.loaders.decks_by_key.load((self.deck_id,))
        assert row is not None, "a rate stands in a deck"
        return row


@found_by("deck", of_everyone=True)
async def find_deck(context: Context, deck_id: int) -> RateDeck | None:
    """A deck by its number."""
    row = await context.loaders.decks_by_key.load((deck_id,))
    return None if row is None else RateDeck.from_row(row)


@found_by("rate", of_everyone=True)
async def find_rate(context: Context, deck_id: int, rate_no: int) -> Rate | None:
    """A rate by its numbers."""
    row = await context.loaders.rates_by_key.load((deck_id, rate_no))
    return None if row is None else Rate.from_row(row)


@strawberry.type
class RateQueries:
    @query(Needs(Scope.READ), "Every published deck: by name and currency, the one that counts latest first.")
    async def rate_decks(self, info: Info) -> list[RateDeck]:
        order = "1 = 1 ORDER BY name, currency, effective_from DESC, deck_id DESC"
        return [RateDeck.from_row(row) for row in await info.context.read(read_rows, DeckRow, "rate_deck", order)]

    @query(
        Needs(Scope.READ),
        "Rates, of one deck or of all that count at an instant. Searching for a number finds the rate that would price"
        " it first, then the shorter prefixes, then the longer ones. A country's code finds its rates; its name finds"
        " them first, then others with the name in their destination. Other words are looked for in destinations and"
        " at the beginning of countries' names.",
    )
    async def rates(
        self,
        info: Info,
        deck_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only this deck's.")] = None,
        search: Annotated[
            str | None,
            strawberry.argument(
                description="A number or its beginning, part of a destination's name, or a country: its code, or its"
                " name in English or Japanese."
            ),
        ] = None,
        service: Annotated[Service | None, strawberry.argument(description="Only for this kind of call.")] = None,
        at: Annotated[
            datetime | None,
            strawberry.argument(description="Without a deck: of those that count at this instant; left out: now."),
        ] = None,
        first: First = 50,
        after: After = None,
        before: Before = None,
    ) -> Connection[Rate]:
        finding = RateFinding.read(search or "", service)
        wanted = window(first, after, before, *finding.key_types)
        instant_at = info.context.now if at is None else instant(at)
        decks = await info.context.read(_decks, deck_id, instant_at)
        return await _list_rates(info, decks, finding, wanted)


def _decks(session: Session, public_deck_id: str | None, at: int) -> list[DeckRow]:
    if public_deck_id is not None:
        try:
            return read_rows(session, DeckRow, "rate_deck", "deck_id = ?", *read_id("deck", public_deck_id, "deckId"))
        except Refusal:
            return []
    found = session.rows(
        f"SELECT {columns_of(DeckRow)} FROM rate_deck AS deck WHERE effective_from <= ? AND NOT EXISTS"
        " (SELECT 1 FROM rate_deck AS later WHERE later.name = deck.name AND later.currency = deck.currency"
        "  AND later.effective_from <= ?"
        "  AND (later.effective_from, later.deck_id) > (deck.effective_from, deck.deck_id))",
        at, at,
    )  # fmt: skip
    return [DeckRow(*row) for row in found]


async def _list_rates(info: Info, decks: list[DeckRow], finding: RateFinding, wanted: Window) -> Connection[Rate]:
    marks = ", ".join("?" * len(decks)) or "NULL"
    condition, parameters = f"deck_id IN ({marks})", list[Any](deck.deck_id for deck in decks)
    found, more = finding.sql()
    if found:
        condition, parameters = f"{condition} AND {found}", parameters + more
    page, key = wanted.sql(finding.columns)
    rows = await info.context.read(read_rows, RateRow, "rate", condition + page, *parameters, *key)
    total = sum(deck.rate_count for deck in decks)
    return connection(
        wanted,
        rows,
        key=finding.key_of,
        node=Rate.from_row,
        count=counting(info, "rate", condition, parameters) if found else known(total),
    )
