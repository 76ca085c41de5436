"""The catalogue of plans: which minutes a licence gives, and which countries conference minutes reach.

Reference data: the operator edits it, and every account reads the same (plans.md has what it begins with).
"""

import json
from collections.abc import Mapping
from typing import NamedTuple

from credits.language import Sentence, sentence
from db.kinds import PlanKind, PoolScope
from db.session import Session

_COLUMNS = (
    "plan_id, code, name, kind, domestic_minutes, domestic_by_country, international_minutes, conference_minutes,"
    " pooled"
)
# Territories whose numbers and users count as those of another country: "US and PR are one".
_ONE_WITH = {"PR": "US"}
# The names that plans are published under, by their codes: these have a word in each language.
PUBLISHED_NAMES = {
    "MCOPSTN1": sentence("Domestic Calling Plan"),
    "MCOPSTN2": sentence("Domestic and International Calling Plan"),
    "MCOPSTN5": sentence("Domestic Calling Plan (120 minutes)"),
    "MCOPSTN6": sentence("Domestic Calling Plan (240 minutes)"),
    "MCOPSTN8": sentence("Domestic Calling Plan (120 minutes per user)"),
    "MCOPSTNPAYG": sentence("Pay-As-You-Go Calling Plan"),
    "MCOMEETADD": sentence("Audio Conferencing"),
    "MCOPSTNPP": sentence("Communications Credits"),
}


class Plan(NamedTuple):
    """A plan, with its minutes a calendar month."""

    plan_id: int
    code: str
    name: str
    kind: PlanKind
    domestic_minutes: int
    domestic_by_country: Mapping[str, int]
    international_minutes: int
    conference_minutes: int
    pooled: bool

    def minutes(self, scope: str, country: str) -> int:
        """The minutes that one licence gives a user of a country, for some calls."""
        match scope:
            case PoolScope.DOMESTIC:
                return self.domestic_by_country.get(country, self.domestic_minutes)
            case PoolScope.INTERNATIONAL:
                return self.international_minutes
            case _:
                return self.conference_minutes


class Catalogue(NamedTuple):
    """All plans by their numbers, and the countries of Zone A."""

    plans: Mapping[int, Plan]
    zone: frozenset[str]


def told_name(code: str, name: str) -> Sentence | str:
    """What people call a plan: its published name, to be said in a reader's language, or what the operator calls it."""
    published = PUBLISHED_NAMES.get(code)
    return published if published is not None and published.message == name else name


def catalogue_of(session: Session) -> Catalogue:
    """The catalogue as it stands."""
    plans = {}
    for plan_id, code, name, kind, domestic, by_country, international, conference, pooled in session.rows(
        f"SELECT {_COLUMNS} FROM plan ORDER BY plan_id"
    ):
        plans[plan_id] = Plan(
            plan_id, code, name, PlanKind(kind), domestic, json.loads(by_country), international, conference,
            bool(pooled),
        )  # fmt: skip
    return Catalogue(plans, frozenset(country for (country,) in session.rows("SELECT country FROM zone_country")))


def home_of(country: str) -> str:
    """The country that a territory is one with, where plans are concerned."""
    return _ONE_WITH.get(country, country)
