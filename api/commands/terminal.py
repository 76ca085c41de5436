"""What every command shares: settings from the environment, the database, results to stdout, messages to stderr.

Exit codes: 0 done, 1 refused or found wrong, 2 used wrongly.
"""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import typer
from pydantic import ValidationError

from api import clock
from api.settings import Settings
from credits.audit import Actor, Deed
from credits.ids import read_id
from credits.instants import instant, start_of_day
from credits.language import language
from credits.refusals import Refusal
from db import migrations
from db.kinds import ActorKind
from db.session import Database

REFUSED = 1
USED_WRONGLY = 2


def say(message: str) -> None:
    """Tell the person at the terminal something; a program reads stdout."""
    typer.echo(message, err=True)


def in_english(refusal: Refusal) -> str:
    """A refusal's sentence, with its amounts and times as people write them."""
    return language("en").say(refusal.message, **refusal.values)


def stop(message: str, code: int = REFUSED) -> NoReturn:
    """Say why, and end."""
    say(message)
    raise typer.Exit(code)


def read_settings() -> Settings:
    """The settings, or exit 2 with each variable that is wrong."""
    try:
        return Settings()
    except ValidationError as errors:
        for error in errors.errors():
            name = "CREDITS_" + "_".join(str(part) for part in error["loc"]).upper()
            say(f"{name}: {error['msg'].removeprefix('Value error, ')}")
        raise typer.Exit(USED_WRONGLY) from None


@contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    """The database, up to date. SQLite is brought up to date here; PostgreSQL only by `credits db upgrade`."""
    database = settings.open_database()
    try:
        if not database.is_postgresql:
            migrations.upgrade(database)
        elif differences := migrations.check(database):
            stop(f"{differences[0]}\nRun: credits db upgrade")
        yield database
    finally:
        database.close()


def on_record(database: Database, action: str, account_id: int | None = None, **given: Any) -> Database:
    """The database for a command that changes something: the audit log tells who, by their name on this machine."""
    return database.accompanied(
        Deed(Actor(ActorKind.COMMAND, user_here()), action, clock.now(), account_id, given=given)
    )


def user_here() -> str:
    """Who runs this command, as the machine knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # nobody with a name, as in some containers
        return f"uid {os.getuid()}"


def read_account(text: str) -> int:
    """An account's number from its public id, or exit 2."""
    try:
        return read_id("acct", text)[0]
    except Refusal:
        raise typer.BadParameter(f"{text!r} is not the id of an account.") from None


def read_instant(text: str) -> int:
    """An instant from ISO 8601; a date alone, or a time without an offset, is UTC."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise _no_instant(text) from None
    return instant(read if read.tzinfo is not None else read.replace(tzinfo=UTC))


def read_edge(text: str, zone: str, days_later: int) -> int:
    """An instant in a zone, unless it has an offset of its own; of a day alone its beginning, some days later."""
    try:
        if len(text) == len("2027-01-01"):
            return start_of_day(date.fromisoformat(text) + timedelta(days=days_later), zone)
        read = datetime.fromisoformat(text)
    except ValueError:
        raise _no_instant(text) from None
    return instant(read if read.tzinfo is not None else read.replace(tzinfo=ZoneInfo(zone)))


def _no_instant(text: str) -> typer.BadParameter:
    return typer.BadParameter(f"{text!r} is not a date or time such as 2027-01-01 or 2027-01-01T00:00:00Z.")


def read_mapping(pairs: list[str] | None) -> dict[str, str] | None:
    """Columns named by hand, FIELD=COLUMN each, or exit 2."""
    if not pairs:
        return None
    columns = {}
    for pair in pairs:
        field, equals, column = pair.partition("=")
        if not equals or not field:
            raise typer.BadParameter(f"{pair!r} is not of the form FIELD=COLUMN.")
        columns[field.strip()] = column.strip()
    return columns
