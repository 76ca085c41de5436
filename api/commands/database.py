"""`credits db`, `credits backup` and `credits verify`: the database's shape, a copy of it, the proof of its books."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from api.commands.terminal import REFUSED, opened, read_account, read_settings, say, stop
from credits.accounts import look_up
from credits.ids import public_id
from credits.verify import RULES
from credits.verify import verify as verify_books
from db import migrations

db = typer.Typer(help="The tables of the database.", no_args_is_help=True)


@db.command()
def upgrade() -> None:
    """Create the tables, or bring them up to date; harmless when there is nothing to do."""
    database = read_settings().open_database()
    migrations.upgrade(database)
    say("The tables are up to date.")
    database.close()


@db.command()
def check() -> None:
    """Compare the tables with what this program expects; exit 1 with the differences."""
    database = read_settings().open_database()
    differences = migrations.check(database)
    database.close()
    for difference in differences:
        typer.echo(difference)
    if differences:
        raise typer.Exit(REFUSED)
    say("The tables are as they should be.")


def backup(file: Annotated[Path, typer.Argument(help="Where to write the copy; it must not exist yet.")]) -> None:
    """Write a consistent copy of a SQLite database, while it is in use."""
    if file.exists():
        stop(f"{file} exists already.")
    database = read_settings().open_database()
    if database.is_postgresql:
        stop("This is for SQLite. Copy a PostgreSQL database with pg_dump.")
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with database.engine.connect() as connection:
            source: Any = connection.connection.driver_connection
            copy = type(source)(str(unfinished))
            source.backup(copy)
            copy.close()
        os.link(unfinished, file)
    finally:
        unfinished.unlink(missing_ok=True)
        database.close()
    say(f"Written to {file}, {file.stat().st_size:,} bytes.")


def verify(
    account: Annotated[str | None, typer.Option(help="Only this account (acct_…).")] = None,
) -> None:
    """Prove that the books are right; exit 1 with the first rule that each account breaks."""
    account_id = None if account is None else read_account(account)
    with opened(read_settings()) as database, database.reading() as session:
        if account_id is not None:
            look_up(session, account_id)
        breaches = verify_books(session, account_id=account_id)
        counted = session.row("SELECT (SELECT count(*) FROM account), (SELECT count(*) FROM ledger_entry)")
    for breach in breaches:
        typer.echo(f"{public_id('acct', breach.account_id)}\t{breach.where}\t{breach.rule}")
    if breaches:
        say(f"{len(breaches)} account(s) break a rule.")
        raise typer.Exit(REFUSED)
    assert counted is not None
    whole = f"{counted[0]:,} accounts, {counted[1]:,} ledger entries" if account is None else account
    typer.echo(f"{len(RULES)} rules hold: {whole}.")
