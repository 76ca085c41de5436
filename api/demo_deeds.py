"""Who did what in the demonstration. Its past is made by the verbs that make the present, and each that somebody asks
for goes along with its deed, as a mutation does: so the audit log tells of it.
"""

from credits.attempts import Visitor
from credits.audit import Actor, Deed
from credits.ids import public_id
from credits.instants import DAY, HOUR, MINUTE
from credits.keys import Keys
from credits.signing_in import sign_in, sign_out_of
from db.kinds import ActorKind
from db.session import Database

OPERATOR, ADMIN = "operator@example.com", "ines@lindgren-howe.example"
THE_OPERATOR = Actor(ActorKind.PERSON, OPERATOR, address="203.0.113.20")
INES = Actor(ActorKind.PERSON, ADMIN, address="198.51.100.7")
ROOT = Actor(ActorKind.COMMAND, "root")
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


def by(
    database: Database, actor: Actor, action: str, at: int, *, account_id: int | None = None, subject: str = ""
) -> Database:
    """The database, for what somebody does at an instant; about the account, where nothing else is named."""
    about = subject or ("" if account_id is None else public_id("acct", account_id))
    return database.accompanied(Deed(actor, action, at, account_id, about))


def look_in(database: Database, password: str, now: int) -> None:
    """The administrator signed in a day ago, looked, and signed out."""
    visitor = Visitor("198.51.100.7", FIREFOX)
    entry = sign_in(database, Keys(), email=ADMIN, password=password, visitor=visitor, now=now - DAY, lasts=12 * HOUR)
    assert entry.session_id is not None
    sign_out_of(database, session_id=entry.session_id, visitor=visitor, now=now - DAY + 20 * MINUTE)
