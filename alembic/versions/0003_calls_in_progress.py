"""Users, plans, minute pools, and calls in progress.

Revision 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables and columns, and the catalogue of plans as it usually is."""
    op.create_table(
        "plan",
        sa.Column("plan_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("domestic_minutes", sa.BigInteger(), nullable=False),
        sa.Column("domestic_by_country", sa.Text(), nullable=False),
        sa.Column("international_minutes", sa.BigInteger(), nullable=False),
        sa.Column("conference_minutes", sa.BigInteger(), nullable=False),
        sa.Column("pooled", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('CALLING_PLAN', 'AUDIO_CONFERENCING', 'PAY_AS_YOU_GO', 'COMMUNICATIONS_CREDITS')",
            name=op.f("ck_plan_kind"),
        ),
        sa.CheckConstraint("conference_minutes >= 0", name=op.f("ck_plan_conference_not_negative")),
        sa.CheckConstraint("domestic_minutes >= 0", name=op.f("ck_plan_domestic_not_negative")),
        sa.CheckConstraint("international_minutes >= 0", name=op.f("ck_plan_international_not_negative")),
        sa.PrimaryKeyConstraint("plan_id", name=op.f("pk_plan")),
        sa.UniqueConstraint("code", name=op.f("uq_plan_code")),
    )
    op.create_table(
        "zone_country",
        sa.Column("country", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("country", name=op.f("pk_zone_country")),
    )
    op.create_table(
        "minute_pool",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("pool_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("month", sa.BigInteger(), nullable=False),
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("user_no", sa.BigInteger(), nullable=False),
        sa.Column("holders", sa.BigInteger(), nullable=False),
        sa.Column("used_minutes", sa.BigInteger(), nullable=False),
        sa.Column("held_minutes", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("scope IN ('DOMESTIC', 'INTERNATIONAL', 'CONFERENCE')", name=op.f("ck_minute_pool_scope")),
        sa.CheckConstraint("held_minutes >= 0", name=op.f("ck_minute_pool_held_not_negative")),
        sa.CheckConstraint("used_minutes >= 0", name=op.f("ck_minute_pool_used_not_negative")),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name=op.f("fk_minute_pool_account_id_account")),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.plan_id"], name=op.f("fk_minute_pool_plan_id_plan")),
        sa.PrimaryKeyConstraint("account_id", "pool_no", name=op.f("pk_minute_pool")),
        sa.UniqueConstraint(
            "account_id",
            "month",
            "plan_id",
            "scope",
            "country",
            "user_no",
            name=op.f("uq_minute_pool_account_id_month_plan_id_scope_country_user_no"),
        ),
    )
    op.create_table(
        "phone_user",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("monthly_limit_micros", sa.BigInteger(), nullable=True),
        sa.Column("conference_dial_out", sa.Text(), nullable=True),
        sa.Column("user_dial_out", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "conference_dial_out IN ('ANY', 'SAME_COUNTRY', 'ZONE_A', 'NONE')",
            name=op.f("ck_phone_user_conference_dial_out"),
        ),
        sa.CheckConstraint("user_dial_out IN ('ANY', 'DOMESTIC', 'NONE')", name=op.f("ck_phone_user_user_dial_out")),
        sa.CheckConstraint("monthly_limit_micros >= 0", name=op.f("ck_phone_user_limit_not_negative")),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name=op.f("fk_phone_user_account_id_account")),
        sa.PrimaryKeyConstraint("account_id", "user_no", name=op.f("pk_phone_user")),
    )
    op.create_index(
        "uq_phone_user_name",
        "phone_user",
        ["account_id", "user_name"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
        sqlite_where=sa.text("removed_at IS NULL"),
    )
    op.create_table(
        "license",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("plan_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("assigned_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id", "user_no"],
            ["phone_user.account_id", "phone_user.user_no"],
            name=op.f("fk_license_account_id_user_no_phone_user"),
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.plan_id"], name=op.f("fk_license_plan_id_plan")),
        sa.PrimaryKeyConstraint("account_id", "user_no", "plan_id", "assigned_at", name=op.f("pk_license")),
    )
    op.create_index("ix_license_of_plan", "license", ["account_id", "plan_id"], unique=False)
    op.create_index(
        "uq_license_held",
        "license",
        ["account_id", "user_no", "plan_id"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
        sqlite_where=sa.text("removed_at IS NULL"),
    )
    op.create_table(
        "user_month",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("month", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("spent_micros", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("spent_micros >= 0", name=op.f("ck_user_month_spent_not_negative")),
        sa.ForeignKeyConstraint(
            ["account_id", "user_no"],
            ["phone_user.account_id", "phone_user.user_no"],
            name=op.f("fk_user_month_account_id_user_no_phone_user"),
        ),
        sa.PrimaryKeyConstraint("account_id", "user_no", "month", name=op.f("pk_user_month")),
    )
    op.add_column("account", sa.Column("user_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("account", sa.Column("pool_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    _add_checked(
        "account", "reserved_micros BIGINT DEFAULT 0 NOT NULL", "reserved_not_negative", "reserved_micros >= 0"
    )
    _add_checked(
        "account",
        "conference_dial_out TEXT DEFAULT 'ANY' NOT NULL",
        "conference_dial_out",
        "conference_dial_out IN ('ANY', 'SAME_COUNTRY', 'ZONE_A', 'NONE')",
    )
    _add_checked(
        "account",
        "user_dial_out TEXT DEFAULT 'ANY' NOT NULL",
        "user_dial_out",
        "user_dial_out IN ('ANY', 'DOMESTIC', 'NONE')",
    )
    op.add_column("call", sa.Column("user_no", sa.BigInteger(), nullable=True))
    op.add_column("call", sa.Column("country", sa.Text(), nullable=True))
    op.add_column("call", sa.Column("pool_no", sa.BigInteger(), nullable=True))
    op.add_column("call", sa.Column("authorized_at", sa.BigInteger(), nullable=True))
    op.add_column("call", sa.Column("requested_seconds", sa.BigInteger(), nullable=True))
    op.add_column("call", sa.Column("granted_seconds", sa.BigInteger(), nullable=True))
    _add_checked("call", "lapses_at BIGINT", "lapses_in_progress", "(status = 'AUTHORIZED') = (lapses_at IS NOT NULL)")
    _add_checked(
        "call",
        "held_micros BIGINT DEFAULT 0 NOT NULL",
        "holds_money_in_progress",
        "held_micros >= 0 AND (status = 'AUTHORIZED' OR held_micros = 0)",
    )
    op.add_column("call", sa.Column("holds", sa.Text(), nullable=True))
    _add_checked(
        "call",
        "held_minutes BIGINT DEFAULT 0 NOT NULL",
        "holds_minutes_in_progress",
        "held_minutes >= 0 AND (status = 'AUTHORIZED' OR held_minutes = 0)",
    )
    op.add_column("call", sa.Column("steps", sa.Text(), nullable=True))
    op.add_column("call", sa.Column("reversed_at", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_call_in_progress",
        "call",
        ["account_id", "lapses_at"],
        unique=False,
        postgresql_where=sa.text("status = 'AUTHORIZED'"),
        sqlite_where=sa.text("status = 'AUTHORIZED'"),
    )
    op.create_index(
        "ix_call_unrated",
        "call",
        ["account_id", "call_no"],
        unique=False,
        postgresql_where=sa.text("status = 'UNRATED'"),
        sqlite_where=sa.text("status = 'UNRATED'"),
    )
    _add_checked(
        "lot",
        "held_micros BIGINT DEFAULT 0 NOT NULL",
        "held_within",
        "held_micros >= 0 AND held_micros <= remaining_micros",
    )
    op.execute(_PLANS)
    listed = ", ".join(f"('{country}')" for country in _ZONE_A.split())
    op.execute(f"INSERT INTO zone_country (country) VALUES {listed}")


# Of the service's own catalogue: minutes a month, by licence.
_PLANS = """
    INSERT INTO plan (plan_id, code, name, kind, domestic_minutes, domestic_by_country, international_minutes,
        conference_minutes, pooled)
    VALUES
    (1, 'MCOPSTN1', 'Domestic Calling Plan', 'CALLING_PLAN', 1200, '{"CA": 3000, "PR": 3000, "US": 3000}', 0, 0, true),
    (2, 'MCOPSTN2', 'Domestic and International Calling Plan', 'CALLING_PLAN',
        1200, '{"CA": 3000, "PR": 3000, "US": 3000}', 600, 0, true),
    (3, 'MCOPSTN5', 'Domestic Calling Plan (120 minutes)', 'CALLING_PLAN', 120, '{}', 0, 0, true),
    (4, 'MCOPSTN6', 'Domestic Calling Plan (240 minutes)', 'CALLING_PLAN', 240, '{}', 0, 0, true),
    (5, 'MCOPSTN8', 'Domestic Calling Plan (120 minutes per user)', 'CALLING_PLAN', 120, '{}', 0, 0, false),
    (6, 'MCOPSTNPAYG', 'Pay-As-You-Go Calling Plan', 'PAY_AS_YOU_GO', 0, '{}', 0, 0, true),
    (7, 'MCOMEETADD', 'Audio Conferencing', 'AUDIO_CONFERENCING', 0, '{}', 0, 60, true),
    (8, 'MCOPSTNPP', 'Communications Credits', 'COMMUNICATIONS_CREDITS', 0, '{}', 0, 0, true)
"""
_ZONE_A = """
    AT AU BE BG BR CA CH CN CZ DE DK EE ES FI FR GB GR HK HR HU IE IN IT JP KR LU MX MY NL NO NZ PL PR PT RO RU SE SG
    SI SK TH TW US ZA
"""


def _add_checked(table: str, column: str, name: str, condition: str) -> None:
    """Add a column with a check of its own: SQLite adds no constraint to a table that is there."""
    op.execute(f'ALTER TABLE "{table}" ADD COLUMN {column} CONSTRAINT ck_{table}_{name} CHECK ({condition})')
