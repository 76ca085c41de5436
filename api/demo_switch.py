"""What the demonstration's switches did of late: calls in progress, and those that did not go as they should have.

A call was refused, one was not answered, one was never heard of again, one was charged by mistake and its charge taken
back; and one, to a place that the price list had left out, can be rated since a corrected list was published.
"""

from collections.abc import Sequence

from api.demo_deeds import INES, THE_OPERATOR, by
from api.sample import NOT_OFFERED, sample_rates
from credits.call_messages import Authorization, CallReport, Message, Release
from credits.calls import post_calls
from credits.corrections import reverse_call
from credits.decks import RateBook
from credits.instants import DAY, HOUR, MINUTE
from credits.publishing import publish_deck
from credits.refusals import Refusal
from credits.terms import Terms
from db.kinds import Rounding, Service
from db.session import Database

DESK, FRONT_DESK = "+12125550114", "+12125550100"
TOLL_FREE = "+18005550142"
SATELLITE = "+870773111632"
PREMIUM = "+979123456789"
MISTAKEN = "lh-mistaken-1"
CORRECTED_SINCE_DAYS = 30
# What has no price: a place that the sample list leaves out, and one that it had forgotten.
UNRATED = {"lh-unrated-1": "+6907290", "lh-unrated-2": "+6834000"}


def unlucky_reports(morning: int) -> list[CallReport]:
    """Finished calls of a day that are charged nothing, for want of a rate, and one that is charged by mistake."""
    return [
        *(CallReport(call_id, to, morning + HOUR, 95, from_number=DESK) for call_id, to in UNRATED.items()),
        CallReport(MISTAKEN, SATELLITE, morning + 2 * HOUR, 61, from_number=DESK),
    ]


def have_trouble(database: Database, rates: RateBook, account_id: int, at: int, terms: Terms) -> None:
    """An evening on which a switch was restarted, and somebody dialled what the price list blocks."""
    asked = [
        Authorization(account_id, "lh-blocked-1", PREMIUM, from_number=DESK),
        Authorization(account_id, "lh-lost-1", "+442079460123", from_number=FRONT_DESK),
        Authorization(account_id, "lh-busy-1", "+493012345678", from_number=FRONT_DESK),
    ]
    _say(database, rates, asked, at, terms)
    _say(database, rates, [Release(account_id, "lh-busy-1")], at + MINUTE, terms)
    with by(database, INES, "reverseCall", at + 2 * MINUTE, account_id=account_id).transaction() as session:
        reverse_call(
            session, rates=rates, account_id=account_id, call_id=MISTAKEN, reason="The switch took a wrong route",
            now=at + 2 * MINUTE, terms=terms,
        )  # fmt: skip


def start_calls(database: Database, rates: RateBook, account_id: int, now: int, terms: Terms) -> None:
    """Calls that are in progress now."""
    hour = 3_600
    for minutes, asked in (
        (9, Authorization(account_id, "lh-now-1", "+498912345678", 4 * hour, from_number=DESK)),
        (6, Authorization(account_id, "lh-now-2", "+912212345678", 2 * hour, Service.CONFERENCE_OUT, FRONT_DESK)),
        (2, Authorization(account_id, "lh-now-3", TOLL_FREE, 3 * hour, Service.TOLL_FREE_IN, "+14155550188")),
    ):
        _say(database, rates, [asked], now - minutes * MINUTE, terms)


def try_a_call(
    database: Database, rates: RateBook, account_id: int, call_id: str, to: str, at: int, terms: Terms
) -> None:
    """Ask for an hour's call, whatever the answer."""
    _say(database, rates, [Authorization(account_id, call_id, to)], at, terms)


def publish_correction(database: Database, *, dearer_percent: int, now: int) -> None:
    """A list that has the forgotten place, and counts from before it was called."""
    with by(database, THE_OPERATOR, "publishRateDeck", now - HOUR).transaction() as session:
        publish_deck(
            session,
            name="standard",
            currency="USD",
            effective_from=now - CORRECTED_SINCE_DAYS * DAY,
            decimals=4,
            rounding=Rounding.HALF_UP,
            drafts=sample_rates("USD", dearer_percent=dearer_percent, left_out=(NOT_OFFERED,)),
            now=now - HOUR,
        )


def _say(database: Database, rates: RateBook, messages: Sequence[Message], at: int, terms: Terms) -> None:
    with database.transaction() as session:
        answers = post_calls(session, messages, rates=rates, now=at, terms=terms)
    refused = [answer for answer in answers if isinstance(answer, Refusal)]
    assert not refused, f"the demonstration's own messages are right: {refused[0]}"
