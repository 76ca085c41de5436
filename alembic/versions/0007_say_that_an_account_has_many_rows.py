"""Say that an account has many rows.

PostgreSQL plans for the usual account. Where most have hardly any rows, reading all of an account's calls seems as
cheap to it as looking one of them up; of the one account that has a million it then reads a million, in every batch.

Revision 0007, after 0006.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TABLES = ("call", "ledger_entry", "draw", "lot")


def upgrade() -> None:
    """Set how many accounts there are to so many rows, for whenever the rows are counted, and count them."""
    if op.get_context().dialect.name == "postgresql":
        for table in _TABLES:
            op.execute(f'ALTER TABLE "{table}" ALTER COLUMN account_id SET (n_distinct = -0.01)')
            op.execute(f'ANALYZE "{table}"')
