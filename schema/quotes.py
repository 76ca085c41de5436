"""Quotes: what a call would cost, and why. A quote changes nothing."""

from datetime import datetime
from typing import Annotated, Self

import strawberry

from credits import quotes
from credits.instants import instant
from credits.language import Language
from db.kinds import Scope
from schema.access import Needs, account_number
from schema.context import Info
from schema.fields import query
from schema.kinds import RefusalReason, Service
from schema.money import Money
from schema.rates import Rate
from schema.recording import user_number

_USUAL_SECONDS = 60


@strawberry.type(description="What a call would cost, and how that comes about.")
class CallQuote:
    priced: bool = strawberry.field(description="The call may go, and this is its price.")
    reason: RefusalReason | None = strawberry.field(description="Why it may not go, when it may not.")
    rate: Rate | None = strawberry.field(description="The rate that matches, even when the call may not go.")
    billed_seconds: int = strawberry.field(description="How many seconds would be sold, in whole steps.")
    plan_seconds: int = strawberry.field(description="How many seconds a plan's minutes would pay.")
    cost: Money = strawberry.field(description="What credit would pay.")
    max_duration_seconds: int = strawberry.field(
        description="For how many of the seconds it would be authorized, were it asked for now; 0: it would be refused."
    )
    refusal: RefusalReason | None = strawberry.field(
        description="Why it would not be authorized for all of them, such as too little credit."
    )
    explanation: list[str] = strawberry.field(description="The decision in plain steps, for a person.")

    @classmethod
    def from_state(cls, quote: quotes.Quote, language: Language) -> Self:
        """A quote as the rules make it, told in a language."""
        return cls(
            priced=quote.priced,
            reason=quote.reason,
            rate=None if quote.rate is None else Rate.of(quote.rate, quote.rate.tiers),
            billed_seconds=quote.billed_seconds,
            plan_seconds=quote.plan_seconds,
            cost=Money.of(quote.cost_micros, quote.currency),
            max_duration_seconds=quote.max_duration_seconds,
            refusal=quote.refusal,
            explanation=language.say_all(quote.steps),
        )


@strawberry.type
class QuoteQueries:
    @query(
        Needs(Scope.READ, Scope.CALLS),
        "What a call would cost, and why: which rate matches, which minutes a plan would give. Changes nothing.",
    )
    async def quote_call(
        self,
        info: Info,
        account_id: Annotated[strawberry.ID, strawberry.argument(description="The account that would pay.")],
        to: Annotated[str, strawberry.argument(description="The number called; an inbound service's own number.")],
        service: Annotated[Service | None, strawberry.argument(description="What kind of call.")] = Service.USER_OUT,
        from_: Annotated[str | None, strawberry.argument(name="from", description="Who would call.")] = None,
        user_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="The user whose licences and limits count.")
        ] = None,
        duration_seconds: Annotated[
            int | None, strawberry.argument(description="How long it would last, 0 to 86,400 seconds.")
        ] = _USUAL_SECONDS,
        at: Annotated[datetime | None, strawberry.argument(description="When; left out: now.")] = None,
    ) -> CallQuote:
        account = account_number(account_id)
        quote = await info.context.read(
            quotes.quote_call,
            rates=info.context.rates,
            account_id=account,
            service=(service or Service.USER_OUT).value,
            to=to,
            from_number=from_,
            user_no=user_number(account, user_id),
            duration_seconds=_USUAL_SECONDS if duration_seconds is None else duration_seconds,
            at=None if at is None else instant(at),
            now=info.context.now,
        )
        return CallQuote.from_state(quote, info.context.language)
