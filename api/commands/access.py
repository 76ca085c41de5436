"""`credits admin` and `credits token`: who may sign in, and which programs may ask."""

import os
from typing import Annotated

import typer

from api import clock
from api.commands.terminal import on_record, opened, read_account, read_instant, read_settings, say, stop
from credits.accounts import look_up
from credits.ids import public_id, read_id
from credits.instants import moment
from credits.people import add_role, create_person, find_person
from credits.refusals import Refusal
from credits.tokens import (
    TokenState,
    create_token,
    expiry_in_days,
    look_up_token,
    revoke_token,
    tokens_of,
)
from db.kinds import Role, Scope, TokenStatus

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
                add_role(session, person_id=known.person_id, account_id=account_id, role=role, now=clock.now())
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
    expires_in_days: Annotated[int | None, typer.Option(metavar="N", help="It ends after so many days.")] = None,
    expires_at: Annotated[str | None, typer.Option(metavar="T", help="It ends at this date or time.")] = None,
) -> None:
    """Make a bearer token and print it, and nothing else. It is stored as a hash: it cannot be shown again."""
    account_id, now = _bound_to(operator, account), clock.now()
    ends_at = _end(expires_in_days, expires_at, now)
    with (
        opened(read_settings()) as database,
        on_record(database, "createToken", account_id).transaction() as session,
    ):
        made = create_token(session, name=name, scopes=scope, account_id=account_id, expires_at=ends_at, now=now)
    typer.echo(made)


@token.command("list")
def list_bearer_tokens(
    operator: Operator = False,
    account: Account = None,
    every: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
) -> None:
    """Print the tokens that are good, the newest first, one a line, its columns separated by tabs."""
    account_id, now = _bound_to(operator, account), clock.now()
    with opened(read_settings()) as database, database.reading() as session:
        if account_id is not None:
            look_up(session, account_id)
        found = tokens_of(session, account_id)
    for state in found:
        if every or state.status(now) == TokenStatus.ACTIVE:
            typer.echo("\t".join(_columns(state, now)))


@token.command("revoke")
def revoke_bearer_token(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="The token's id (tok_…), as `list` prints it.")],
) -> None:
    """Take a token back, for good: within seconds it opens nothing any more."""
    try:
        (number,) = read_id("tok", token_id)
    except Refusal:
        raise typer.BadParameter(f"{token_id!r} is not the id of a token.") from None
    now = clock.now()
    with opened(read_settings()) as database:
        with database.reading() as session:
            state = look_up_token(session, number)
        if state is None:
            stop("There is no such token.")
        with on_record(database, "revokeToken", state.account_id).transaction() as session:
            revoke_token(session, token_id=number, account_id=state.account_id, now=now)
    say(f"{state.name} ({token_id}) is revoked.")


def _columns(token: TokenState, now: int) -> list[str]:
    """A token as a line: id, name, scopes, status, when it was made, by whom, when it ends, when it was last used."""
    return [
        public_id("tok", token.token_id),
        token.name,
        " ".join(scope for scope in Scope if scope in token.scopes),
        token.status(now).lower(),
        _written(token.created_at),
        token.created_by or "-",
        _written(token.expires_at),
        _written(token.used_at),
    ]


def _written(at: int | None) -> str:
    return "-" if at is None else f"{moment(at):%Y-%m-%dT%H:%M:%SZ}"


def _end(days: int | None, text: str | None, now: int) -> int | None:
    """When a token ends, from either of the options; None: never."""
    if days is not None and text is not None:
        raise typer.BadParameter("Give --expires-in-days or --expires-at, not both.")
    if days is not None:
        return expiry_in_days(days, now)
    return None if text is None else read_instant(text)


def _bound_to(operator: bool, account: str | None) -> int | None:
    if operator == (account is not None):
        raise typer.BadParameter("Give either --operator or --account ID.")
    return None if account is None else read_account(account)
