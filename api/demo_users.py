"""The people of the demonstration's larger organisation: their licences, limits and policies, and the calls they make.

They were entered some weeks ago, so that there is a month that is over and one that goes on.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from api.demo_deeds import INES, by
from credits.call_messages import Authorization, CallReport
from credits.calls import post_calls
from credits.decks import RateBook
from credits.instants import HOUR, MINUTE, SECOND
from credits.money import MICROS
from credits.refusals import Refusal
from credits.terms import Terms
from credits.users import NewUser, UserValues, create_users
from db.kinds import ConferenceDialOut, Service, UserDialOut
from db.session import Database

SINCE_DAYS = 50
_CREDITS, _CONFERENCES, _PAYG = "MCOPSTNPP", "MCOMEETADD", "MCOPSTNPAYG"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who calls: how often a day, for how many minutes mostly, and where to."""

    name: str
    user_name: str
    department: str | None
    country: str
    plans: tuple[str, ...]
    calls: int
    minutes: int
    to: tuple[str, ...]
    service: Service = Service.USER_OUT
    limit: int | None = None
    may_call: UserDialOut | None = None
    may_dial: ConferenceDialOut | None = None


_US, _GB, _DE, _JP = "+12125550", "+442079460", "+493012340", "+81312340"
PEOPLE = (
    Person("Ines Lindgren", "ines", "Management", "US", ("MCOPSTN2", _CREDITS, _CONFERENCES), 3, 7, (_US, _GB)),
    Person("Samuel Howe", "samuel", "Management", "US", ("MCOPSTN2", _CREDITS, _CONFERENCES), 2, 9, (_US, _DE)),
    Person("Priya Nair", "priya", "Sales", "US", ("MCOPSTN5", _CREDITS), 3, 5, (_US,), limit=25),
    Person("Tom Okafor", "tom", "Sales", "US", ("MCOPSTN5", _CREDITS), 2, 4, (_US, _GB), limit=10),
    Person("Lucía Fernández", "lucia", "Sales", "PR", ("MCOPSTN5", _CREDITS), 1, 4, (_US,)),
    Person("Emma Whitfield", "emma", "London", "GB", ("MCOPSTN6", _CREDITS), 2, 4, (_GB,)),
    Person("Jonas Weber", "jonas", "Berlin", "DE", (_PAYG, _CREDITS), 1, 3, (_DE,)),
    Person("田中 愛子", "aiko", "Tokyo", "JP", ("MCOPSTN8",), 1, 3, (_JP,)),
    Person("Marco Rossi", "marco", "Legal", "US", ("MCOPSTN8", _CONFERENCES), 1, 3, (_US,)),
    Person(
        "Meeting room 4", "room-4", None, "US", (_CONFERENCES,), 1, 8, (_US, _GB), Service.CONFERENCE_OUT,
        may_dial=ConferenceDialOut.ZONE_A,
    ),
    Person("Front desk", "front-desk", None, "US", ("MCOPSTN5", _CREDITS), 2, 2, (_US,), may_call=UserDialOut.DOMESTIC),
    Person("Noor Haddad", "noor", "Legal", "US", (), 0, 0, ()),
)  # fmt: skip


def enter_people(database: Database, account_id: int, at: int) -> None:
    """Enter everybody, numbered in their order."""
    users = [
        NewUser(
            UserValues(
                name=person.name,
                user_name=f"{person.user_name}@lindgren-howe.example",
                country=person.country,
                department=person.department,
                monthly_limit_micros=None if person.limit is None else person.limit * MICROS,
                user_dial_out=person.may_call,
                conference_dial_out=person.may_dial,
            ),
            person.plans,
        )
        for person in PEOPLE
    ]
    with by(database, INES, "createUsers", at, account_id=account_id).transaction() as session:
        outcomes = create_users(session, account_id=account_id, users=users, now=at)
    assert not [each for each in outcomes if isinstance(each, Refusal)], "the demonstration's own users are right"


def calls_of_day(chance: random.Random, morning: int, until: int) -> Iterator[CallReport]:
    """What everybody calls in the eight hours after an instant; nothing that is not over at another one."""
    for user_no, person in enumerate(PEOPLE, 1):
        for place in range(person.calls):
            answered_at = morning + chance.randrange(0, 8 * HOUR, SECOND)
            seconds = min(7_200, max(5, int(chance.lognormvariate(0, 0.6) * person.minutes * 60)))
            to = f"{chance.choice(person.to)}{chance.randrange(100, 1000)}"
            if answered_at + seconds * SECOND < until:
                call_id = f"lh-user-{user_no}-{answered_at // SECOND}-{place}"
                yield CallReport(call_id, to, answered_at, seconds, person.service, f"{_US}{200 + user_no}", user_no)


def start_a_call(database: Database, rates: RateBook, account_id: int, now: int, terms: Terms) -> None:
    """Somebody calls at this moment, on minutes that are promised to the call."""
    asked = Authorization(account_id, "lh-user-now-1", f"{_US}199", 1_800, from_number=f"{_US}201", user_no=1)
    with database.transaction() as session:
        post_calls(session, [asked], rates=rates, now=now - MINUTE, terms=terms)
