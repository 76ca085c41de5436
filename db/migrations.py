"""Brings the tables of a database up to date, and tells how they differ from what `db/tables.py` says.

The migrations are in the folder `alembic/` beside this room; there is no alembic.ini, because what it
would say is said here. An upgrade is one transaction: it happens whole, or not at all.
"""

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from db.session import Database, Session
from db.tables import metadata

SCRIPTS = Path(__file__).resolve().parent.parent / "alembic"
# Everything that the comparison is able to see; CHECK constraints are compared by their names.
COMPARED: dict[str, Any] = {
    "compare_type": True,
    "compare_server_default": True,
    "autogenerate_plugins": ["alembic.autogenerate.*", "alembic.ext.checkconstraint_byname"],
}
# Processes that start together must not migrate together; the number only has to be ours.
_ADVISORY_LOCK = 8_204_031_277


def upgrade(database: Database) -> None:
    """Create or migrate the tables, up to the newest version; harmless when there is nothing to do."""
    with database.transaction() as session:
        if session.is_postgresql:
            session.rows("SELECT pg_advisory_xact_lock(?)", _ADVISORY_LOCK)
        command.upgrade(_config(session), "head")


def check(database: Database) -> list[str]:
    """Compare a database with the program's tables: one line for each difference, none when they agree."""
    with database.reading() as session:
        context = MigrationContext.configure(session.connection, opts=dict(COMPARED))
        current = context.get_current_revision()
        newest = ScriptDirectory.from_config(_config(session)).get_current_head()
        behind = [] if current == newest else [f"the database is at version {current}, the program at {newest}"]
        return behind + [repr(difference) for difference in compare_metadata(context, metadata)]


def write_migration(message: str) -> None:
    """Write the migration from the newest one to the tables as they are defined now, into `alembic/versions`."""
    number = len(list(SCRIPTS.glob("versions/*.py"))) + 1
    with TemporaryDirectory() as folder, closing(Database(f"sqlite:///{folder}/newest.db")) as database:
        upgrade(database)
        with database.transaction() as session:
            command.revision(_config(session), message, autogenerate=True, rev_id=f"{number:04d}")


def _config(session: Session) -> Config:
    config = Config(attributes={"connection": session.connection})
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
