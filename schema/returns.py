"""What went back of a recharge, as the API shows it: refunds and disputes."""

from datetime import datetime
from typing import Self

import strawberry

from credits.ids import public_id
from credits.instants import moment
from credits.language import Language
from credits.returns import DisputeState, RefundState
from db.kinds import DisputeStatus, RefundStatus
from schema.kinds import describe
from schema.money import Money

describe(
    RefundStatus,
    "How far a refund is. Its funds leave the lot when it is asked for, and return if it fails.",
    PENDING="Written down; the provider was not asked yet.",
    PROCESSING="The provider was asked; the money is on its way, or the answer is awaited.",
    SUCCEEDED="The money went back.",
    FAILED="The money did not go back; its funds have returned.",
)
describe(
    DisputeStatus,
    "How a dispute stands. It only moves forward.",
    OPEN="The payer's bank contests the payment; what the lot still held is kept back.",
    WON="The payment stands; what was kept back has returned.",
    LOST="The bank has taken the money; what was spent of it already is owed.",
)


@strawberry.type(description="Money of a recharge that goes back to whoever paid.")
class Refund:
    id: strawberry.ID = strawberry.field(description="Opaque and stable.")
    status: RefundStatus = strawberry.field(description="How far it is.")
    amount: Money = strawberry.field(description="How much goes back.")
    reason: str = strawberry.field(description="Why, in the words of whoever asked for it.")
    by_provider: bool = strawberry.field(description="It was made at the payment provider, not here.")
    failure_reason: str | None = strawberry.field(description="Why it failed, in the payment provider's words.")
    created_at: datetime = strawberry.field(description="When its funds left the lot.")
    completed_at: datetime | None = strawberry.field(description="When it succeeded or failed.")

    @classmethod
    def from_state(cls, state: RefundState, currency: str, language: Language) -> Self:
        """A refund of an account."""
        reason = state.failure_reason
        return cls(
            id=strawberry.ID(public_id("rfnd", state.account_id, state.refund_no)),
            status=RefundStatus(state.status),
            amount=Money.of(state.amount_micros, currency),
            reason=state.reason,
            by_provider=bool(state.by_provider),
            failure_reason=None if reason is None else language.translated(reason),
            created_at=moment(state.created_at),
            completed_at=None if state.completed_at is None else moment(state.completed_at),
        )


@strawberry.type(description="A payment that its payer's bank contests.")
class Dispute:
    status: DisputeStatus = strawberry.field(description="How it stands.")
    amount: Money = strawberry.field(description="How much is contested.")
    held: Money = strawberry.field(description="What is, or was, kept back meanwhile; of a lost one, what it took.")
    reason: str = strawberry.field(description="Why, in the payment provider's word.")
    opened_at: datetime = strawberry.field(description="When we heard of it.")
    closed_at: datetime | None = strawberry.field(description="When it was won or lost.")

    @classmethod
    def from_state(cls, state: DisputeState, currency: str) -> Self:
        """A dispute of an account."""
        return cls(
            status=DisputeStatus(state.status),
            amount=Money.of(state.amount_micros, currency),
            held=Money.of(state.held_micros, currency),
            reason=state.reason,
            opened_at=moment(state.opened_at),
            closed_at=None if state.closed_at is None else moment(state.closed_at),
        )
