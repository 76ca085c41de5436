"""All tables of the first release.

Revision 0001, the first.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """All tables of the first release."""
    _account()
    _person()
    _rate_deck()
    _token()
    _membership()
    _payment_method()
    _rate()
    _call()
    _recharge()
    _ledger_entry()
    _lot()
    _draw()
    _once()


def _account() -> None:
    op.create_table(
        "account",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("rate_deck", sa.Text(), nullable=False),
        sa.Column("clock_at", sa.BigInteger(), nullable=True),
        sa.Column("notice_emails", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("book_balance_micros", sa.BigInteger(), nullable=False),
        sa.Column("owed_micros", sa.BigInteger(), nullable=False),
        sa.Column("entry_count", sa.BigInteger(), nullable=False),
        sa.Column("lot_count", sa.BigInteger(), nullable=False),
        sa.Column("call_count", sa.BigInteger(), nullable=False),
        sa.Column("recharge_count", sa.BigInteger(), nullable=False),
        sa.Column("method_count", sa.BigInteger(), nullable=False),
        sa.Column("last_posted_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(mode = 'TEST') = (clock_at IS NOT NULL)", name=op.f("ck_account_test_owns_clock")),
        sa.CheckConstraint("mode IN ('LIVE', 'TEST')", name=op.f("ck_account_mode")),
        sa.CheckConstraint("status IN ('ACTIVE', 'SUSPENDED', 'CLOSED')", name=op.f("ck_account_status")),
        sa.CheckConstraint("owed_micros >= 0", name=op.f("ck_account_owed_not_negative")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_account")),
    )


def _person() -> None:
    op.create_table(
        "person",
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("is_operator", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_person")),
        sa.UniqueConstraint("email", name=op.f("uq_person_email")),
    )


def _rate_deck() -> None:
    op.create_table(
        "rate_deck",
        sa.Column("deck_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("effective_from", sa.BigInteger(), nullable=False),
        sa.Column("decimals", sa.SmallInteger(), nullable=False),
        sa.Column("rounding", sa.Text(), nullable=False),
        sa.Column("rate_count", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("rounding IN ('UP', 'HALF_UP', 'HALF_EVEN', 'DOWN')", name=op.f("ck_rate_deck_rounding")),
        sa.CheckConstraint("decimals BETWEEN 0 AND 6", name=op.f("ck_rate_deck_decimals")),
        sa.PrimaryKeyConstraint("deck_id", name=op.f("pk_rate_deck")),
    )
    op.create_index(
        "ix_rate_deck_in_force", "rate_deck", ["name", "currency", "effective_from", "deck_id"], unique=False
    )


def _token() -> None:
    op.create_table(
        "token",
        sa.Column("token_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_token_token_hash")),
    )


def _membership() -> None:
    op.create_table(
        "membership",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.CheckConstraint("role IN ('ADMIN', 'BILLING', 'VIEWER')", name=op.f("ck_membership_role")),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name=op.f("fk_membership_account_id_account")),
        sa.ForeignKeyConstraint(["person_id"], ["person.person_id"], name=op.f("fk_membership_person_id_person")),
        sa.PrimaryKeyConstraint("account_id", "person_id", name=op.f("pk_membership")),
    )
    op.create_index("ix_membership_person", "membership", ["person_id"], unique=False)


def _payment_method() -> None:
    op.create_table(
        "payment_method",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("method_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=True),
        sa.Column("brand", sa.Text(), nullable=False),
        sa.Column("last_four", sa.Text(), nullable=False),
        sa.Column("purchase_order", sa.Text(), nullable=True),
        sa.Column("agreement_number", sa.Text(), nullable=True),
        sa.Column("expires_on", sa.Text(), nullable=True),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('CARD', 'INVOICE')", name=op.f("ck_payment_method_kind")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.account_id"], name=op.f("fk_payment_method_account_id_account")
        ),
        sa.PrimaryKeyConstraint("account_id", "method_no", name=op.f("pk_payment_method")),
    )
    op.create_index(
        "uq_payment_method_default",
        "payment_method",
        ["account_id"],
        unique=True,
        postgresql_where=sa.text("is_default"),
        sqlite_where=sa.text("is_default"),
    )


def _rate() -> None:
    op.create_table(
        "rate",
        sa.Column("deck_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rate_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("blocked", sa.Boolean(), nullable=False),
        sa.Column("connect_fee_nanos", sa.BigInteger(), nullable=False),
        sa.Column("free_seconds", sa.BigInteger(), nullable=False),
        sa.Column("max_cost_nanos", sa.BigInteger(), nullable=True),
        sa.Column("tiers", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "service IN ('USER_OUT', 'CONFERENCE_OUT', 'TOLL_FREE_IN', 'CONFERENCE_IN')", name=op.f("ck_rate_service")
        ),
        sa.CheckConstraint("connect_fee_nanos >= 0", name=op.f("ck_rate_fee_not_negative")),
        sa.CheckConstraint("free_seconds >= 0", name=op.f("ck_rate_free_not_negative")),
        sa.CheckConstraint("max_cost_nanos >= 0", name=op.f("ck_rate_cap_not_negative")),
        sa.ForeignKeyConstraint(["deck_id"], ["rate_deck.deck_id"], name=op.f("fk_rate_deck_id_rate_deck")),
        sa.PrimaryKeyConstraint("deck_id", "rate_no", name=op.f("pk_rate")),
        sa.UniqueConstraint("deck_id", "service", "prefix", name=op.f("uq_rate_deck_id_service_prefix")),
    )


def _call() -> None:
    op.create_table(
        "call",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("call_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("from_number", sa.Text(), nullable=True),
        sa.Column("to_number", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=False),
        sa.Column("duration_seconds", sa.BigInteger(), nullable=False),
        sa.Column("billed_seconds", sa.BigInteger(), nullable=False),
        sa.Column("plan_seconds", sa.BigInteger(), nullable=False),
        sa.Column("charge_micros", sa.BigInteger(), nullable=False),
        sa.Column("deck_id", sa.BigInteger(), nullable=True),
        sa.Column("rate_no", sa.BigInteger(), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "refusal IN ('INSUFFICIENT_CREDIT', 'NO_RATE', 'DESTINATION_BLOCKED', 'INVALID_NUMBER', 'ACCOUNT_NOT_ACTIVE', 'USER_NOT_LICENSED', 'POLICY', 'USER_LIMIT_REACHED', 'UNKNOWN_USER')",
            name=op.f("ck_call_refusal"),
        ),
        sa.CheckConstraint(
            "service IN ('USER_OUT', 'CONFERENCE_OUT', 'TOLL_FREE_IN', 'CONFERENCE_IN')", name=op.f("ck_call_service")
        ),
        sa.CheckConstraint("status <> 'UNRATED' OR charge_micros = 0", name=op.f("ck_call_unrated_is_free")),
        sa.CheckConstraint(
            "status IN ('AUTHORIZED', 'SETTLED', 'RELEASED', 'EXPIRED', 'REFUSED', 'UNRATED')",
            name=op.f("ck_call_status"),
        ),
        sa.CheckConstraint("charge_micros >= 0", name=op.f("ck_call_charge_not_negative")),
        sa.CheckConstraint("duration_seconds >= 0", name=op.f("ck_call_duration_not_negative")),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name=op.f("fk_call_account_id_account")),
        sa.ForeignKeyConstraint(
            ["deck_id", "rate_no"], ["rate.deck_id", "rate.rate_no"], name=op.f("fk_call_deck_id_rate_no_rate")
        ),
        sa.PrimaryKeyConstraint("account_id", "call_no", name=op.f("pk_call")),
        sa.UniqueConstraint("account_id", "call_id", name=op.f("uq_call_account_id_call_id")),
    )
    op.create_index("ix_call_answered", "call", ["account_id", "answered_at", "call_no"], unique=False)


def _recharge() -> None:
    op.create_table(
        "recharge",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("recharge_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("amount_micros", sa.BigInteger(), nullable=False),
        sa.Column("method_no", sa.BigInteger(), nullable=False),
        sa.Column("provider_payment", sa.Text(), nullable=True),
        sa.Column("failure_reason", sa.Text(), nullable=True),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.Column("next_attempt_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(status IN ('SUCCEEDED', 'FAILED', 'CANCELED')) = (completed_at IS NOT NULL)",
            name=op.f("ck_recharge_ended"),
        ),
        sa.CheckConstraint(
            "status IN ('PENDING', 'PROCESSING', 'SUCCEEDED', 'FAILED', 'ACTION_REQUIRED', 'CANCELED')",
            name=op.f("ck_recharge_status"),
        ),
        sa.CheckConstraint("trigger IN ('MANUAL', 'AUTOMATIC')", name=op.f("ck_recharge_trigger")),
        sa.CheckConstraint("amount_micros > 0", name=op.f("ck_recharge_amount_positive")),
        sa.ForeignKeyConstraint(
            ["account_id", "method_no"],
            ["payment_method.account_id", "payment_method.method_no"],
            name=op.f("fk_recharge_account_id_method_no_payment_method"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name=op.f("fk_recharge_account_id_account")),
        sa.PrimaryKeyConstraint("account_id", "recharge_no", name=op.f("pk_recharge")),
    )


def _ledger_entry() -> None:
    op.create_table(
        "ledger_entry",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount_micros", sa.BigInteger(), nullable=False),
        sa.Column("owed_change_micros", sa.BigInteger(), nullable=False),
        sa.Column("balance_after_micros", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("posted_at", sa.BigInteger(), nullable=False),
        sa.Column("call_no", sa.BigInteger(), nullable=True),
        sa.Column("recharge_no", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(kind = 'CALL_CHARGE') <= (call_no IS NOT NULL)", name=op.f("ck_ledger_entry_charge_names_call")
        ),
        sa.CheckConstraint(
            "kind IN ('FUNDS_ADDED', 'CALL_CHARGE', 'EXPIRY', 'REFUND', 'GRANT', 'ADJUSTMENT', 'REVERSAL')",
            name=op.f("ck_ledger_entry_kind"),
        ),
        sa.CheckConstraint(
            "kind NOT IN ('CALL_CHARGE', 'EXPIRY', 'REFUND') OR amount_micros < 0", name=op.f("ck_ledger_entry_takes")
        ),
        sa.CheckConstraint(
            "kind NOT IN ('FUNDS_ADDED', 'GRANT', 'REVERSAL') OR amount_micros > 0", name=op.f("ck_ledger_entry_adds")
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "call_no"],
            ["call.account_id", "call.call_no"],
            name=op.f("fk_ledger_entry_account_id_call_no_call"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "recharge_no"],
            ["recharge.account_id", "recharge.recharge_no"],
            name=op.f("fk_ledger_entry_account_id_recharge_no_recharge"),
        ),
        sa.PrimaryKeyConstraint("account_id", "entry_no", name=op.f("pk_ledger_entry")),
    )
    op.create_index(
        "ix_ledger_entry_not_calls",
        "ledger_entry",
        ["account_id", "posted_at"],
        unique=False,
        postgresql_where=sa.text("kind <> 'CALL_CHARGE'"),
        sqlite_where=sa.text("kind <> 'CALL_CHARGE'"),
    )
    op.create_index(
        "uq_ledger_entry_call_charge",
        "ledger_entry",
        ["account_id", "call_no"],
        unique=True,
        postgresql_where=sa.text("kind = 'CALL_CHARGE'"),
        sqlite_where=sa.text("kind = 'CALL_CHARGE'"),
    )


def _lot() -> None:
    op.create_table(
        "lot",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("lot_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("priority", sa.BigInteger(), nullable=False),
        sa.Column("amount_micros", sa.BigInteger(), nullable=False),
        sa.Column("remaining_micros", sa.BigInteger(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("purchased_at", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("voided_at", sa.BigInteger(), nullable=True),
        sa.Column("forfeited_at", sa.BigInteger(), nullable=True),
        sa.Column("recharge_no", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "source IN ('PURCHASE', 'AUTO_RECHARGE', 'INVOICE', 'GRANT', 'ADJUSTMENT')", name=op.f("ck_lot_source")
        ),
        sa.CheckConstraint("amount_micros > 0", name=op.f("ck_lot_amount_positive")),
        sa.CheckConstraint("is_open = (remaining_micros > 0)", name=op.f("ck_lot_open_while_it_holds")),
        sa.CheckConstraint(
            "remaining_micros >= 0 AND remaining_micros <= amount_micros", name=op.f("ck_lot_remaining_within")
        ),
        sa.CheckConstraint("starts_at < expires_at", name=op.f("ck_lot_starts_before_expiry")),
        sa.ForeignKeyConstraint(
            ["account_id", "recharge_no"],
            ["recharge.account_id", "recharge.recharge_no"],
            name=op.f("fk_lot_account_id_recharge_no_recharge"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name=op.f("fk_lot_account_id_account")),
        sa.PrimaryKeyConstraint("account_id", "lot_no", name=op.f("pk_lot")),
        sa.UniqueConstraint("account_id", "recharge_no", name=op.f("uq_lot_account_id_recharge_no")),
    )
    op.create_index(
        "ix_lot_expiring",
        "lot",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("is_open"),
        sqlite_where=sa.text("is_open"),
    )
    op.create_index(
        "ix_lot_spending_order",
        "lot",
        ["account_id", "priority", "expires_at", "purchased_at", "lot_no"],
        unique=False,
        postgresql_where=sa.text("is_open"),
        sqlite_where=sa.text("is_open"),
    )


def _draw() -> None:
    op.create_table(
        "draw",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("lot_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("amount_micros", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_micros <> 0", name=op.f("ck_draw_moves_something")),
        sa.ForeignKeyConstraint(
            ["account_id", "entry_no"],
            ["ledger_entry.account_id", "ledger_entry.entry_no"],
            name=op.f("fk_draw_account_id_entry_no_ledger_entry"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "lot_no"], ["lot.account_id", "lot.lot_no"], name=op.f("fk_draw_account_id_lot_no_lot")
        ),
        sa.PrimaryKeyConstraint("account_id", "entry_no", "lot_no", name=op.f("pk_draw")),
    )
    op.create_index("ix_draw_of_lot", "draw", ["account_id", "lot_no", "entry_no"], unique=False)


def _once() -> None:
    op.create_table(
        "once",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("lot_no", sa.BigInteger(), nullable=True),
        sa.Column("recharge_no", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "lot_no"], ["lot.account_id", "lot.lot_no"], name=op.f("fk_once_account_id_lot_no_lot")
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "recharge_no"],
            ["recharge.account_id", "recharge.recharge_no"],
            name=op.f("fk_once_account_id_recharge_no_recharge"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name=op.f("fk_once_account_id_account")),
        sa.PrimaryKeyConstraint("account_id", "key", name=op.f("pk_once")),
    )
