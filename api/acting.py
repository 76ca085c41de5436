"""Acting on messages that were kept, with a word in the log where something is wrong."""

import structlog

from credits.events import act_on_event
from credits.providers import Providers, Unavailable
from credits.refusals import Refusal
from credits.terms import Terms
from db.kinds import EventStatus
from db.session import Database

log = structlog.get_logger("credits.events")


def act_on_kept_event(database: Database, providers: Providers, terms: Terms, event_id: str, now: int) -> bool:
    """Act on a message if it is due; True when that is done with. Otherwise it is tried again when its time comes."""
    try:
        status = act_on_event(database, providers, event_id=event_id, now=now, terms=terms)
    except (Unavailable, Refusal) as fault:  # the provider is away, or an account was closed
        log.warning("event_waits", event_id=event_id, reason=str(fault))
        return False
    except Exception:
        log.exception("event_failed", event_id=event_id)
        return False
    if status == EventStatus.UNKNOWN:
        log.warning("event_of_unknown_payment", event_id=event_id)
    return status == EventStatus.DONE
