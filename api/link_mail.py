"""The mail that brings links, and that tells what was done to a sign-in: taken in a transaction, sent outside of any,
marked in another, like notices.

The code of a link is in the mail and nowhere else: it is derived anew each time, and never logged.
"""

from collections.abc import Callable

import structlog

from api.mail import Away, Mailer, NotTaken, composed, on_the_wire, reason_of
from credits import links
from credits.alerts import letter_of_alert
from credits.ids import public_id
from credits.keys import Keys
from credits.language import language
from credits.link_letters import letter_of_link
from db.session import Database

log = structlog.get_logger("credits.mail")

AT_A_TIME = 50


def send_due_links(
    database: Database,
    mailer: Mailer,
    keys: Keys,
    *,
    sender: str,
    base_url: str,
    now: Callable[[], int],
    stop: Callable[[], bool] = lambda: False,
) -> int:
    """Send the links whose mail is due, until none is or the mail server is away; returns how many were sent."""
    sent = 0
    with database.reading() as session:
        due = links.links_to_mail(session, now(), AT_A_TIME)
    for invitation_id in due:
        if stop():
            break
        try:
            sent += _send_one(database, mailer, keys, invitation_id, sender, base_url, now)
        except Away:
            break
        except Exception:  # what became of it could not be written; it is tried again when its lease ends
            log.exception("link_failed", link=public_id("inv", invitation_id))
    return sent


def _send_one(
    database: Database,
    mailer: Mailer,
    keys: Keys,
    invitation_id: int,
    sender: str,
    base_url: str,
    now: Callable[[], int],
) -> int:
    with database.transaction() as session:
        link = links.claim_mail(session, keys, invitation_id, now())
        if link is None:
            return 0
        if link.event_id is None:
            letter = letter_of_link(session, link, links.code_of(keys, invitation_id), language(link.locale))
        else:
            letter = letter_of_alert(session, link.event_id, language(link.locale))
    name = f"{public_id('inv', invitation_id)}.0"
    try:
        wire, refused = on_the_wire([link.email])
        if wire:
            message = composed(letter, link.locale, name, wire.values(), sender=sender, base_url=base_url, at=now())
            refused |= mailer.send(message, name)
        failure = next(iter(refused.values()), None)
    except (Away, NotTaken) as trouble:
        failure = reason_of(trouble)
        if isinstance(trouble, Away):
            _mark(database, link, failure, now())
            raise
    _mark(database, link, failure, now())
    return int(failure is None)


def _mark(database: Database, link: links.Link, failure: str | None, now: int) -> None:
    with database.transaction() as session:
        if failure is None:
            links.mailed(session, link, now)
        else:
            links.not_mailed(session, link, reason=failure, now=now)
    if failure is not None:
        told = {"link": public_id("inv", link.invitation_id), "attempt": link.attempts + 1}
        log.warning("link_not_sent", **told, reason=failure)
