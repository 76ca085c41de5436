"""Recharges that survive anything, automatic recharge, refunds, disputes, card set-ups and notices.

Revision 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables, and bring what there is up to date with them."""
    op.create_table(
        "provider_event",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "status IN ('RECEIVED', 'DONE', 'IGNORED', 'UNKNOWN')", name=op.f("ck_provider_event_status")
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_provider_event")),
    )
    op.create_index(
        "ix_provider_event_due",
        "provider_event",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
        sqlite_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_provider_event_unknown",
        "provider_event",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("status = 'UNKNOWN'"),
        sqlite_where=sa.text("status = 'UNKNOWN'"),
    )
    op.create_table(
        "notice",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("notice_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("letter", sa.Text(), nullable=False),
        sa.Column("recipients", sa.Text(), nullable=False),
        sa.Column("undelivered", sa.Text(), nullable=False),
        sa.Column("round_no", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(status = 'QUEUED') = (due_at IS NOT NULL)", name=op.f("ck_notice_queued")),
        sa.CheckConstraint("(status = 'SENT') = (sent_at IS NOT NULL)", name=op.f("ck_notice_sent")),
        sa.CheckConstraint(
            "kind IN ('RECHARGE_SUCCEEDED', 'RECHARGE_FAILED', 'BALANCE_BELOW_ZERO', 'BALANCE_LOW', 'LOT_EXPIRING', 'LOT_EXPIRED', 'CARD_EXPIRING', 'POOL_80_PERCENT', 'POOL_USED_UP', 'AUTO_RECHARGE_PAUSED', 'FUNDS_REFUNDED', 'FUNDS_DISPUTED')",
            name=op.f("ck_notice_kind"),
        ),
        sa.CheckConstraint("status IN ('QUEUED', 'SENT', 'FAILED')", name=op.f("ck_notice_status")),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name=op.f("fk_notice_account_id_account")),
        sa.PrimaryKeyConstraint("account_id", "notice_no", name=op.f("pk_notice")),
        sa.UniqueConstraint("account_id", "kind", "about", name=op.f("uq_notice_account_id_kind_about")),
    )
    op.create_index(
        "ix_notice_due",
        "notice",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
        sqlite_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_notice_failed",
        "notice",
        ["account_id"],
        unique=False,
        postgresql_where=sa.text("status = 'FAILED'"),
        sqlite_where=sa.text("status = 'FAILED'"),
    )
    op.create_table(
        "auto_recharge",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("trigger_micros", sa.BigInteger(), nullable=True),
        sa.Column("amount_micros", sa.BigInteger(), nullable=True),
        sa.Column("daily_limit_micros", sa.BigInteger(), nullable=True),
        sa.Column("method_no", sa.BigInteger(), nullable=True),
        sa.Column("paused_reason", sa.Text(), nullable=True),
        sa.Column("paused_at", sa.BigInteger(), nullable=True),
        sa.Column("recheck_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "paused_reason IN ('DECLINED', 'ACTION_REQUIRED', 'NO_PAYMENT_METHOD', 'DISPUTED')",
            name=op.f("ck_auto_recharge_paused_reason"),
        ),
        sa.CheckConstraint("strategy IN ('FIXED_AMOUNT', 'TOP_UP_TO')", name=op.f("ck_auto_recharge_strategy")),
        sa.CheckConstraint("(paused_reason IS NULL) = (paused_at IS NULL)", name=op.f("ck_auto_recharge_paused")),
        sa.CheckConstraint(
            "amount_micros > 0 AND trigger_micros >= 0 AND daily_limit_micros > 0",
            name=op.f("ck_auto_recharge_amounts"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "method_no"],
            ["payment_method.account_id", "payment_method.method_no"],
            name=op.f("fk_auto_recharge_account_id_method_no_payment_method"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.account_id"], name=op.f("fk_auto_recharge_account_id_account")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_auto_recharge")),
    )
    op.create_table(
        "card_setup",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("setup_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("provider_session", sa.Text(), nullable=True),
        sa.Column("make_default", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("method_no", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("status IN ('OPEN', 'DONE', 'ABANDONED')", name=op.f("ck_card_setup_status")),
        sa.ForeignKeyConstraint(
            ["account_id", "method_no"],
            ["payment_method.account_id", "payment_method.method_no"],
            name=op.f("fk_card_setup_account_id_method_no_payment_method"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name=op.f("fk_card_setup_account_id_account")),
        sa.PrimaryKeyConstraint("account_id", "setup_no", name=op.f("pk_card_setup")),
        sa.UniqueConstraint("account_id", "provider_session", name=op.f("uq_card_setup_account_id_provider_session")),
    )
    op.create_index(
        "ix_card_setup_due",
        "card_setup",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
        sqlite_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_table(
        "dispute",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("dispute_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("recharge_no", sa.BigInteger(), nullable=False),
        sa.Column("provider_dispute", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("amount_micros", sa.BigInteger(), nullable=False),
        sa.Column("held_micros", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(status = 'OPEN') = (closed_at IS NULL)", name=op.f("ck_dispute_ended")),
        sa.CheckConstraint("status IN ('OPEN', 'WON', 'LOST')", name=op.f("ck_dispute_status")),
        sa.CheckConstraint("held_micros >= 0 AND held_micros <= amount_micros", name=op.f("ck_dispute_held_within")),
        sa.ForeignKeyConstraint(
            ["account_id", "recharge_no"],
            ["recharge.account_id", "recharge.recharge_no"],
            name=op.f("fk_dispute_account_id_recharge_no_recharge"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name=op.f("fk_dispute_account_id_account")),
        sa.PrimaryKeyConstraint("account_id", "dispute_no", name=op.f("pk_dispute")),
        sa.UniqueConstraint("account_id", "provider_dispute", name=op.f("uq_dispute_account_id_provider_dispute")),
    )
    op.create_table(
        "recharge_decision",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("decision_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("available_micros", sa.BigInteger(), nullable=False),
        sa.Column("trigger_micros", sa.BigInteger(), nullable=False),
        sa.Column("amount_micros", sa.BigInteger(), nullable=True),
        sa.Column("recharge_no", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("repeated_at", sa.BigInteger(), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('RECHARGED', 'IN_PROGRESS', 'PAUSED', 'LIMIT_REACHED', 'NO_PAYMENT_METHOD', 'ACCOUNT_NOT_ACTIVE', 'NO_LONGER_NEEDED')",
            name=op.f("ck_recharge_decision_outcome"),
        ),
        sa.CheckConstraint("times >= 1", name=op.f("ck_recharge_decision_times")),
        sa.ForeignKeyConstraint(
            ["account_id", "recharge_no"],
            ["recharge.account_id", "recharge.recharge_no"],
            name=op.f("fk_recharge_decision_account_id_recharge_no_recharge"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.account_id"], name=op.f("fk_recharge_decision_account_id_account")
        ),
        sa.PrimaryKeyConstraint("account_id", "decision_no", name=op.f("pk_recharge_decision")),
    )
    op.create_table(
        "refund",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("refund_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("recharge_no", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("amount_micros", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_provider", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("provider_refund", sa.Text(), nullable=True),
        sa.Column("failure_reason", sa.Text(), nullable=True),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(status IN ('SUCCEEDED', 'FAILED')) = (completed_at IS NOT NULL)", name=op.f("ck_refund_ended")
        ),
        sa.CheckConstraint("status IN ('PENDING', 'PROCESSING', 'SUCCEEDED', 'FAILED')", name=op.f("ck_refund_status")),
        sa.CheckConstraint("amount_micros > 0", name=op.f("ck_refund_amount_positive")),
        sa.ForeignKeyConstraint(
            ["account_id", "recharge_no"],
            ["recharge.account_id", "recharge.recharge_no"],
            name=op.f("fk_refund_account_id_recharge_no_recharge"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name=op.f("fk_refund_account_id_account")),
        sa.PrimaryKeyConstraint("account_id", "refund_no", name=op.f("pk_refund")),
        sa.UniqueConstraint("account_id", "provider_refund", name=op.f("uq_refund_account_id_provider_refund")),
    )
    op.create_index(
        "ix_refund_due",
        "refund",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
        sqlite_where=sa.text("due_at IS NOT NULL"),
    )
    op.add_column("account", sa.Column("notice_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("account", sa.Column("decision_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("account", sa.Column("refund_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("account", sa.Column("dispute_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("account", sa.Column("receipt_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("account", sa.Column("setup_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("account", sa.Column("caught_up_at", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("account", sa.Column("due_at", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("account", sa.Column("unusable_micros", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("account", sa.Column("recharge_below_micros", sa.BigInteger(), nullable=True))
    op.add_column("account", sa.Column("low_balance_micros", sa.BigInteger(), nullable=True))
    op.add_column("account", sa.Column("told_low", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("account", sa.Column("told_empty", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("account", sa.Column("provider_customer", sa.Text(), nullable=True))
    op.create_index("ix_account_due", "account", ["due_at"], unique=False)
    op.add_column("payment_method", sa.Column("warn_at", sa.BigInteger(), nullable=True))
    op.add_column("recharge", sa.Column("due_at", sa.BigInteger(), nullable=True))
    op.add_column("recharge", sa.Column("declines", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("recharge", sa.Column("decline_ref", sa.Text(), nullable=True))
    op.add_column("recharge", sa.Column("cancel_wanted", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("recharge", sa.Column("action_url", sa.Text(), nullable=True))
    op.add_column("recharge", sa.Column("receipt_no", sa.BigInteger(), nullable=True))
    op.add_column("recharge", sa.Column("invoice_due_at", sa.BigInteger(), nullable=True))
    op.add_column("recharge", sa.Column("invoice_paid_at", sa.BigInteger(), nullable=True))
    op.add_column("recharge", sa.Column("invoice_reference", sa.Text(), nullable=True))
    op.add_column("recharge", sa.Column("seller", sa.Text(), nullable=True))
    op.add_column("recharge", sa.Column("seller_tax_id", sa.Text(), nullable=True))
    op.add_column("recharge", sa.Column("buyer", sa.Text(), nullable=True))
    op.create_index(
        "ix_recharge_due",
        "recharge",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
        sqlite_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_recharge_invoice_due",
        "recharge",
        ["invoice_due_at", "account_id", "recharge_no"],
        unique=False,
        postgresql_where=sa.text("invoice_due_at IS NOT NULL AND invoice_paid_at IS NULL"),
        sqlite_where=sa.text("invoice_due_at IS NOT NULL AND invoice_paid_at IS NULL"),
    )
    op.create_index(
        "ix_recharge_payment",
        "recharge",
        ["provider_payment"],
        unique=False,
        postgresql_where=sa.text("provider_payment IS NOT NULL"),
        sqlite_where=sa.text("provider_payment IS NOT NULL"),
    )
    op.create_index(
        "uq_recharge_open_automatic",
        "recharge",
        ["account_id"],
        unique=True,
        postgresql_where=sa.text("trigger = 'AUTOMATIC' AND status IN ('PENDING', 'PROCESSING', 'ACTION_REQUIRED')"),
        sqlite_where=sa.text("trigger = 'AUTOMATIC' AND status IN ('PENDING', 'PROCESSING', 'ACTION_REQUIRED')"),
    )
    op.create_index("uq_recharge_payment", "recharge", ["account_id", "provider_payment"], unique=True)
    op.create_index("uq_recharge_receipt", "recharge", ["account_id", "receipt_no"], unique=True)
    # What had expired or not started when the newest entry was posted; what has fallen due since is done from there.
    op.execute(
        """
        UPDATE account SET caught_up_at = last_posted_at, unusable_micros = (
            SELECT coalesce(sum(remaining_micros), 0) FROM lot WHERE lot.account_id = account.account_id
            AND (lot.expires_at <= account.last_posted_at OR lot.starts_at > account.last_posted_at))
        """
    )
    op.execute(
        """
        UPDATE recharge SET receipt_no = (
            SELECT count(*) FROM recharge AS earlier WHERE earlier.account_id = recharge.account_id
            AND earlier.status = 'SUCCEEDED' AND (earlier.completed_at, earlier.recharge_no)
                <= (recharge.completed_at, recharge.recharge_no))
        WHERE status = 'SUCCEEDED'
        """
    )
    op.execute(
        """
        UPDATE account SET receipt_count = (SELECT count(*) FROM recharge
            WHERE recharge.account_id = account.account_id AND recharge.status = 'SUCCEEDED')
        """
    )
    op.execute("UPDATE recharge SET due_at = created_at WHERE status IN ('PENDING', 'PROCESSING', 'ACTION_REQUIRED')")
    # Invoices of before had no term; they have the usual one of 30 days.
    op.execute(
        """
        UPDATE recharge SET invoice_due_at = completed_at + 2592000000000 WHERE status = 'SUCCEEDED'
            AND EXISTS (SELECT 1 FROM payment_method WHERE payment_method.account_id = recharge.account_id
            AND payment_method.method_no = recharge.method_no AND payment_method.kind = 'INVOICE')
        """
    )
