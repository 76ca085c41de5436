"""${message.rstrip(".")}.

Revision ${up_revision}, after ${down_revision | comma,n}.
"""

# Rules of a migration. Read them, keep them, then delete this comment from the new file.
#
# 1. It is one transaction on both engines, and means the same on both: no statement for one engine alone
#    without its counterpart for the other.
# 2. A table that belongs to an account has account_id BIGINT first in its primary key, in every unique key
#    and in every foreign key; account_id is never updated. A database distributed by account can hold
#    nothing else.
# 3. No triggers, no rules, no stored functions: what happens to money is read in credits/, nowhere else.
# 4. Expand, then contract. One release adds (a nullable column, a table, an index) and the program writes
#    both; only a later release removes what no running program reads. Two versions run side by side for a
#    while, so nothing is renamed in place and nothing becomes NOT NULL while the older one still writes NULL.
# 5. Ledger entries, draws and published rates are only ever added: no migration edits or deletes one.
# 6. Money, prices and instants are BIGINT. A closed list is TEXT with a CHECK, never an engine's enum type.
# 7. Every constraint and index is named as the naming convention in db/columns.py names it.
# 8. Rows are changed by SQL written out here, in batches where there may be many: a migration imports nothing
#    from the rooms, whose code will have moved on when it runs.
# 9. There is no way down. What was wrong is put right by the next migration.

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    """${message.rstrip(".")}."""
    ${upgrades if upgrades else "pass"}
