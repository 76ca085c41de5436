"""`credits admin` and `credits token`: who may sign in, and which programs may ask."""

import os
from typing import Annotated

import typer

from api import clock
from api.commands.terminal import on_record, opened, read_account, read_settings, say, stop
from credits.people import add_role, create_person, find_person
from credits.tokens import create_token
from db.kinds import Role, Scope

PASSWORD_VARIABLE = "CREDITS_PASSWORD"
admin = typer.Typer(help="People who sign in to the pages.", no_args_is_help=True)
token = typer.Typer(help="Bearer tokens of programs.", no_args_is_help=True)

Operator = Annotated[bool, typer.Option("--operator", help="For all accounts.")]
Account = Annotated[str | None, typer.Option("--account", metavar="ID", help="For this account (acct_…).")]


@admin.callback()
@token.callback()
def group() -> None:
    """A group of commands stays one even while it has a single command."""


@admin.command("create")
def create_admin(
    email: str,
    operator: Operator = False,
    account: Account = None,
    role: Annotated[Role, typer.Option(case_sensitive=False, help="What they may do in the account.")] = Role.ADMIN,
) -> None:
    """Add somebody who may sign in; their password is taken from CREDITS_PASSWORD, or asked for.

    Somebody who has a sign-in already keeps it, and is given the role in the account.
    """
    account_id = _bound_to(operator, account)
    with opened(read_settings()) as database:
        with database.reading() as session:
            known = find_person(session, email)
        if known is not None:
            if account_id is None:
                stop(f"{known.email} has a sign-in already.")
            with on_record(database, "addRole", account_id).transaction() as session:
                add_role(session, person_id=known.person_id, account_id=account_id, role=role)
            say(f"{known.email} has a sign-in already, and is now {role.value} of {account}.")
            return
        password = os.environ.get(PASSWORD_VARIABLE) or typer.prompt(
            "Password", hide_input=True, confirmation_prompt=True, err=True
        )
        roles = {} if account_id is None else {account_id: role}
        with on_record(database, "createPerson", account_id).transaction() as session:
            create_person(session, email=email, password=password, is_operator=operator, roles=roles, now=clock.now())
    say(f"{email} may sign in as {'operator' if operator else f'{role.value} of {account}'}.")


@token.command("create")
def create_bearer_token(
    name: Annotated[str, typer.Argument(help="What it is for, as it will be listed.")],
    scope: Annotated[list[Scope], typer.Option(help="What it may do; repeat for several.")],
    operator: Operator = False,
    account: Account = None,
) -> None:
    """Make a bearer token and print it, and nothing else. It is stored as a hash: it cannot be shown again."""
    account_id = _bound_to(operator, account)
    with opened(read_settings()) as database, database.transaction() as session:
        made = create_token(session, name=name, scopes=scope, account_id=account_id, now=clock.now())
    typer.echo(made)


def _bound_to(operator: bool, account: str | None) -> int | None:
    if operator == (account is not None):
        raise typer.BadParameter("Give either --operator or --account ID.")
    return None if account is None else read_account(account)
