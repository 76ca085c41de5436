"""Find calls that were refused, released, or not heard of any more.

Revision 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index(
        "ix_call_not_made",
        "call",
        ["account_id", "status", "answered_at", "call_no"],
        unique=False,
        postgresql_where=sa.text("status = 'REFUSED' OR status = 'RELEASED' OR status = 'EXPIRED'"),
        sqlite_where=sa.text("status = 'REFUSED' OR status = 'RELEASED' OR status = 'EXPIRED'"),
    )
