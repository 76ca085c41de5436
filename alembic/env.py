"""What the migrations run in: the transaction that `db/migrations.py` has opened, and the tables' metadata."""

from alembic import context

from db.migrations import COMPARED
from db.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, **COMPARED)
with context.begin_transaction():
    context.run_migrations()
