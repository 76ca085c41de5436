"""The command line, `credits`: each command is in a module of `api/commands/`."""

import sys

import typer

from api.commands import access, calls, contract, database, demo, people, rates, serving
from api.commands.terminal import REFUSED, in_english, say
from credits.refusals import Refusal

app = typer.Typer(
    name="credits",
    help="Communications Credits: a prepaid account for telephone calls. Exit codes: 0 done, 1 refused or found"
    " wrong, 2 used wrongly.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(demo.demo)
app.command()(serving.serve)
app.command()(serving.worker)
app.add_typer(database.db, name="db")
app.add_typer(access.admin, name="admin")
app.add_typer(access.token, name="token")
app.add_typer(people.people, name="people")
app.add_typer(rates.rates, name="rates")
app.add_typer(calls.calls, name="calls")
app.command()(database.verify)
app.command()(database.backup)
app.command()(contract.schema)


def main() -> None:
    """Run the command that was asked for; a refusal is a sentence on stderr and exit 1."""
    try:
        app()
    except Refusal as refusal:
        say(in_english(refusal))
        sys.exit(REFUSED)
