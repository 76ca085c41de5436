"""How funds come in and go back: payment methods, recharges, refunds, disputes, and the rule of automatic recharge."""

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from db.columns import big, counted, flag, of_account, one_of, where, words
from db.kinds import (
    CardSetupStatus,
    DecisionOutcome,
    DisputeStatus,
    EventStatus,
    PauseReason,
    PaymentMethodKind,
    RechargeStatus,
    RechargeStrategy,
    RechargeTrigger,
    RefundStatus,
)

# One automatic recharge at a time: it keeps its place until it is paid, given up or canceled.
OPEN_AUTOMATIC = "trigger = 'AUTOMATIC' AND status IN ('PENDING', 'PROCESSING', 'ACTION_REQUIRED')"


# Invoices that nobody has marked as paid.
OPEN_INVOICE = "invoice_due_at IS NOT NULL AND invoice_paid_at IS NULL"


class PaymentMethod(SQLModel, table=True):
    """A way to pay: a card known by the provider's token, or an agreement to be invoiced."""

    __tablename__ = "payment_method"
    __table_args__ = (
        of_account("account", to=()),
        one_of("kind", PaymentMethodKind),
        Index(
            "uq_payment_method_default",
            "account_id",
            unique=True,
            **where("is_default"),
        ),
    )

    account_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    method_no: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    kind: str = words()
    token: str | None = words(default=None)
    brand: str = words(default="")
    last_four: str = words(default="")
    purchase_order: str | None = words(default=None)
    agreement_number: str | None = words(default=None)
    expires_on: str | None = words(default=None)
    is_default: bool = Field(default=False)
    created_at: int = big()
    removed_at: int | None = big(default=None)
    warn_at: int | None = big(default=None)


class Recharge(SQLModel, table=True):
    """An attempt to buy funds, written before the provider is asked.

    `due_at` is when it is taken up again, by whoever comes first: to ask for the first time, to ask again after a
    lost answer, or (`next_attempt_at`) to try a declined card once more. `declines` counts the tries that were refused.
    `seller` (lines), `seller_tax_id` and `buyer` are what its receipt says of them, as they were when it was issued.
    """

    __tablename__ = "recharge"
    __table_args__ = (
        of_account("account", to=()),
        of_account("payment_method", "method_no", to=("method_no",)),
        one_of("trigger", RechargeTrigger),
        one_of("status", RechargeStatus),
        Index("uq_recharge_payment", "account_id", "provider_payment", unique=True),
        Index("uq_recharge_receipt", "account_id", "receipt_no", unique=True),
        Index("uq_recharge_open_automatic", "account_id", unique=True, **where(OPEN_AUTOMATIC)),
        # A message about a refund or a dispute knows the payment only.
        Index("ix_recharge_payment", "provider_payment", **where("provider_payment IS NOT NULL")),
        Index("ix_recharge_due", "due_at", **where("due_at IS NOT NULL")),
        Index("ix_recharge_invoice_due", "invoice_due_at", "account_id", "recharge_no", **where(OPEN_INVOICE)),
        CheckConstraint("amount_micros > 0", name="amount_positive"),
        CheckConstraint("(status IN ('SUCCEEDED', 'FAILED', 'CANCELED')) = (completed_at IS NOT NULL)", name="ended"),
    )

    account_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    recharge_no: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    trigger: str = words(default=RechargeTrigger.MANUAL)
    status: str = words(default=RechargeStatus.PENDING)
    amount_micros: int = big()
    method_no: int = big()
    provider_payment: str | None = words(default=None)
    failure_reason: str | None = words(default=None)
    attempts: int = big(default=0)
    created_at: int = big()
    completed_at: int | None = big(default=None)
    next_attempt_at: int | None = big(default=None)
    due_at: int | None = big(default=None)
    declines: int = counted()
    decline_ref: str | None = words(default=None)
    cancel_wanted: bool = flag()
    action_url: str | None = words(default=None)
    receipt_no: int | None = big(default=None)
    invoice_due_at: int | None = big(default=None)
    invoice_paid_at: int | None = big(default=None)
    invoice_reference: str | None = words(default=None)
    seller: str | None = words(default=None)
    seller_tax_id: str | None = words(default=None)
    buyer: str | None = words(default=None)


class AutoRecharge(SQLModel, table=True):
    """The rule by which an account recharges itself. `recheck_at`: when a spent daily limit is looked at again."""

    __tablename__ = "auto_recharge"
    __table_args__ = (
        of_account("account", to=()),
        of_account("payment_method", "method_no", to=("method_no",)),
        one_of("strategy", RechargeStrategy),
        one_of("paused_reason", PauseReason),
        CheckConstraint("amount_micros > 0 AND trigger_micros >= 0 AND daily_limit_micros > 0", name="amounts"),
        CheckConstraint("(paused_reason IS NULL) = (paused_at IS NULL)", name="paused"),
    )

    account_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    enabled: bool = flag()
    strategy: str = words(default=RechargeStrategy.FIXED_AMOUNT)
    trigger_micros: int | None = big(default=None)
    amount_micros: int | None = big(default=None)
    daily_limit_micros: int | None = big(default=None)
    method_no: int | None = big(default=None)
    paused_reason: str | None = words(default=None)
    paused_at: int | None = big(default=None)
    recheck_at: int | None = big(default=None)


class RechargeDecision(SQLModel, table=True):
    """What automatic recharge decided, and why. The same decision again, with the same figures, counts up `times`."""

    __tablename__ = "recharge_decision"
    __table_args__ = (
        of_account("account", to=()),
        of_account("recharge", "recharge_no", to=("recharge_no",)),
        one_of("outcome", DecisionOutcome),
        CheckConstraint("times >= 1", name="times"),
    )

    account_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    decision_no: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    outcome: str = words()
    available_micros: int = big()
    trigger_micros: int = big()
    amount_micros: int | None = big(default=None)
    recharge_no: int | None = big(default=None)
    decided_at: int = big()
    repeated_at: int = big()
    times: int = big(default=1)


class Refund(SQLModel, table=True):
    """Money of a recharge that goes back. What it takes leaves the lot when the refund is written."""

    __tablename__ = "refund"
    __table_args__ = (
        of_account("account", to=()),
        of_account("recharge", "recharge_no", to=("recharge_no",)),
        UniqueConstraint("account_id", "provider_refund"),
        Index("ix_refund_due", "due_at", **where("due_at IS NOT NULL")),
        one_of("status", RefundStatus),
        CheckConstraint("amount_micros > 0", name="amount_positive"),
        CheckConstraint("(status IN ('SUCCEEDED', 'FAILED')) = (completed_at IS NOT NULL)", name="ended"),
    )

    account_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    refund_no: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    recharge_no: int = big()
    status: str = words(default=RefundStatus.PENDING)
    amount_micros: int = big()
    reason: str = words()
    by_provider: bool = flag()
    provider_refund: str | None = words(default=None)
    failure_reason: str | None = words(default=None)
    attempts: int = big(default=0)
    due_at: int | None = big(default=None)
    created_at: int = big()
    completed_at: int | None = big(default=None)


class Dispute(SQLModel, table=True):
    """A payment that its payer's bank contests.

    `held_micros` is what the lot still held, kept back meanwhile; of one that is lost, what it took in all.
    """

    __tablename__ = "dispute"
    __table_args__ = (
        of_account("account", to=()),
        of_account("recharge", "recharge_no", to=("recharge_no",)),
        UniqueConstraint("account_id", "provider_dispute"),
        one_of("status", DisputeStatus),
        CheckConstraint("held_micros >= 0 AND held_micros <= amount_micros", name="held_within"),
        CheckConstraint("(status = 'OPEN') = (closed_at IS NULL)", name="ended"),
    )

    account_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    dispute_no: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    recharge_no: int = big()
    provider_dispute: str = words()
    status: str = words(default=DisputeStatus.OPEN)
    amount_micros: int = big()
    held_micros: int = big()
    reason: str = words(default="")
    opened_at: int = big()
    closed_at: int | None = big(default=None)


class CardSetup(SQLModel, table=True):
    """A card that someone is about to give on the payment provider's own page."""

    __tablename__ = "card_setup"
    __table_args__ = (
        of_account("account", to=()),
        of_account("payment_method", "method_no", to=("method_no",)),
        UniqueConstraint("account_id", "provider_session"),
        Index("ix_card_setup_due", "due_at", **where("due_at IS NOT NULL")),
        one_of("status", CardSetupStatus),
    )

    account_id: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    setup_no: int = big(primary_key=True, sa_column_kwargs={"autoincrement": False})
    status: str = words(default=CardSetupStatus.OPEN)
    provider_session: str | None = words(default=None)
    make_default: bool = flag()
    method_no: int | None = big(default=None)
    due_at: int | None = big(default=None)
    created_at: int = big()


class ProviderEvent(SQLModel, table=True):
    """A message from a payment provider, kept before it is acted on.

    Reference data: it is found by the provider's own id before any account is known.
    """

    __tablename__ = "provider_event"
    __table_args__ = (
        one_of("status", EventStatus),
        Index("ix_provider_event_due", "due_at", **where("due_at IS NOT NULL")),
        Index("ix_provider_event_unknown", "received_at", **where("status = 'UNKNOWN'")),
    )

    event_id: str = words(primary_key=True)
    kind: str = words()
    object_id: str = words(default="")
    account_id: int | None = big(default=None)
    payload: str = words()
    status: str = words(default=EventStatus.RECEIVED)
    attempts: int = big(default=0)
    failure: str | None = words(default=None)
    received_at: int = big()
    due_at: int | None = big(default=None)
