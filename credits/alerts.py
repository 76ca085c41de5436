"""Mail that tells somebody what was done to their own sign-in, in case it was not them.

It is queued in the transaction that does it, together with the event in the audit log that it tells of. It says what
was done, when and from where, and what to do about it; it opens nothing, so that whoever reads it gains nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from credits import audit
from credits.audit import Actor
from credits.audit_log import Event
from credits.language import Language, Sentence, sentence
from credits.letters import Letter
from credits.links import mail_event
from credits.wordings import one_line
from db.kinds import ActorKind
from db.session import Session


@dataclass(frozen=True, slots=True)
class Alert:
    """What is peculiar to what was done: a subject, what happened, and what else to do if it was not them."""

    subject: Sentence
    what: Sentence
    otherwise: Sentence


ALERTS = {
    "changePassword": Alert(
        sentence("Your password was changed"),
        sentence("The password of your sign-in was changed, by somebody who knew the one before."),
        sentence("Everywhere else you were signed out; whoever changed it may still be signed in until you do."),
    ),
    "resetPassword": Alert(
        sentence("Your password was changed"),
        sentence("A new password was chosen for your sign-in, by a link, and you were signed out everywhere."),
        sentence("Somebody may be reading your mail, so change the password of your mailbox first."),
    ),
    "confirmSecondFactor": Alert(
        sentence("A second factor was set up"),
        sentence("From now on a code from an authenticator app is asked for when you sign in."),
        sentence("You will need help to get in again: only the operator can take the second factor off."),
    ),
    "removeSecondFactor": Alert(
        sentence("Your second factor was switched off"),
        sentence("The second factor of your sign-in was switched off. The password alone opens it now."),
        sentence("Then set the second factor up again, on the page of your sign-in."),
    ),
    "renewRecoveryCodes": Alert(
        sentence("New recovery codes were made"),
        sentence("New recovery codes were made for your sign-in. Those that you had are worth nothing now."),
        sentence("Then make new recovery codes, on the page of your sign-in."),
    ),
    "useRecoveryCode": Alert(
        sentence("A recovery code was used"),
        sentence("A recovery code was used in the place of a code from your app. Codes left: {count}."),
        sentence("Then make new recovery codes, on the page of your sign-in."),
    ),
}
_REMOVED_BY_COMMAND = sentence(
    "The operator switched the second factor of your sign-in off. The password alone opens it now."
)


def record_and_tell(
    session: Session, actor: Actor, action: str, *, person_id: int, email: str, locale: str, at: int,
    after: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Record what was done to somebody's sign-in, and have them told by mail: in the language of an account of theirs,
    or else in the one of whoever did it."""
    event_id = audit.record(session, actor, action, at=at, subject=email, after=after)
    theirs = session.row(
        "SELECT locale FROM account JOIN membership ON membership.account_id = account.account_id"
        " WHERE person_id = ? ORDER BY joined_at, account.account_id LIMIT 1",
        person_id,
    )
    language = locale if theirs is None else theirs[0]
    mail_event(session, event_id=event_id, email=email, by=actor.name, locale=language, now=at)


def letter_of_alert(session: Session, event_id: int, language: Language) -> Letter:
    """The letter that tells of an event."""
    row = session.row(f"SELECT {', '.join(Event._fields)} FROM audit_event WHERE event_id = ?", event_id)
    assert row is not None, "the log is only added to"
    event, say = Event(*row), language.say
    alert = ALERTS[event.action]
    is_commanded = event.action == "removeSecondFactor" and event.actor_kind == ActorKind.COMMAND
    what = _REMOVED_BY_COMMAND if is_commanded else alert.what
    return Letter(
        subject=one_line(language.said(alert.subject)),
        paragraphs=[
            say(what.message, count=event.values[1].get("recoveryCodesLeft")),
            say("If it was you, there is nothing to do."),
            say("If it was not you, choose a new password now, and tell your administrator."),
            language.said(alert.otherwise),
        ],
        figures=[
            (say("Sign-in"), event.subject),
            (say("When"), say("{instant} UTC", instant=language.date_time(event.at))),
            (say("From where"), event.address or say("the server itself")),
        ],
        link=(say("Choose a new password"), "/forgotten"),
        greeting=say("Hello,"),
        footer=say("You get this mail because somebody signs in with this address."),
    )
