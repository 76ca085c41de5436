"""`credits people`: helping somebody who cannot get in, from the machine itself."""

import getpass
import os
from typing import Annotated

import typer

from api import clock
from api.commands.terminal import opened, read_settings, say, stop
from credits.alerts import record_and_tell
from credits.audit import Actor, record
from credits.forgotten import make_reset_code
from credits.keys import Keys
from credits.people import PersonState, find_person
from credits.second_factor import remove_second_factor
from credits.sessions import end_sessions
from db.kinds import ActorKind
from db.session import Session

people = typer.Typer(help="Helping people who cannot get in.", no_args_is_help=True)

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The address by which they sign in.")]


@people.command("link")
def print_link(email: Email) -> None:
    """Print a link by which somebody chooses a new password, good for a day and one use; and nothing else."""
    settings = read_settings()
    with opened(settings) as database, database.transaction() as session:
        person = _person(session, email)
        code = make_reset_code(session, Keys(settings.signing_key), _actor(), person=person, now=clock.now())
    typer.echo(f"{settings.base_url}/link?code={code}")


@people.command("reset-second-factor")
def reset_second_factor(email: Email) -> None:
    """Ask somebody for no second factor any more, who has lost it and the recovery codes; they are signed out."""
    with opened(read_settings()) as database, database.transaction() as session:
        person, now = _person(session, email), clock.now()
        if not person.has_second_factor:
            stop(f"{person.email} has no second factor.")
        remove_second_factor(session, person_id=person.person_id)
        end_sessions(session, person_id=person.person_id, but=None, now=now)
        record_and_tell(
            session, _actor(), "removeSecondFactor", person_id=person.person_id, email=person.email, locale="en", at=now
        )
    say(f"{person.email} signs in with the password alone.")


@people.command("sign-out")
def sign_out(email: Email) -> None:
    """End all sessions of somebody, who has lost a computer, say."""
    with opened(read_settings()) as database, database.transaction() as session:
        person, now = _person(session, email), clock.now()
        ended = end_sessions(session, person_id=person.person_id, but=None, now=now)
        if ended:
            record(session, _actor(), "endSessions", at=now, subject=person.email, before={"sessions": ended})
    say(f"{person.email} was signed out in {ended} browsers." if ended != 1 else f"{person.email} was signed out.")


def _person(session: Session, email: str) -> PersonState:
    person = find_person(session, email)
    if person is None:
        stop(f"Nobody signs in as {email}.")
    return person


def _actor() -> Actor:
    """Whoever is at the terminal, by their name on this machine."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # nobody with a name, as in some containers
        name = f"uid {os.getuid()}"
    return Actor(ActorKind.COMMAND, name)
