"""Editing the catalogue of plans and the countries of Zone A. Every account's next call is decided by the new figures.

What a plan is good for (its kind) and its code stay: licences and reports name them.
"""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any, TypedDict, Unpack

from phonenumbers import SUPPORTED_REGIONS

from credits import audit
from credits.ids import public_id
from credits.plans import home_of
from credits.refusals import conflict, invalid, not_found
from db.kinds import PlanKind
from db.session import Session

LONGEST_NAME = 200
MOST_MINUTES = 1_000_000
_CODE = re.compile("[A-Za-z0-9_-]{1,40}")
_FIELDS = {
    "domestic_minutes": "domesticMinutes",
    "international_minutes": "internationalMinutes",
    "conference_minutes": "conferenceMinutes",
}
# The minutes that licences of a kind can give; those of other kinds give none.
_OF_KIND = {
    PlanKind.CALLING_PLAN: {"domestic_minutes", "international_minutes"},
    PlanKind.AUDIO_CONFERENCING: {"conference_minutes"},
}


class PlanValues(TypedDict, total=False):
    """What a plan is called and gives: minutes a calendar month, in some countries others than usual; shared by its
    users, or each user's own."""

    name: str
    domestic_minutes: int
    domestic_by_country: Mapping[str, int]
    international_minutes: int
    conference_minutes: int
    pooled: bool


def create_plan(session: Session, *, code: str, kind: str, **values: Unpack[PlanValues]) -> int:
    """Add a plan, and return its number. Refused as a CONFLICT at `code` when there is one of this code."""
    if not _CODE.fullmatch(code):
        raise invalid("code", "A plan's code has 1 to 40 letters, digits, - and _.")
    columns = _checked(PlanKind(kind), **values)
    _wait_for_other_editors(session)
    if session.row("SELECT 1 FROM plan WHERE lower(code) = lower(?)", code) is not None:
        raise conflict("There is a plan {code} already.", field=("code",), code=code)
    (newest,) = session.row("SELECT coalesce(max(plan_id), 0) FROM plan") or (0,)
    row = {**_NOTHING, **columns, "plan_id": newest + 1, "code": code, "kind": str(kind)}
    session.insert("plan", list(row), [list(row.values())])
    audit.changed(session, public_id("plan", newest + 1), after=_told(row))
    return int(newest) + 1


def update_plan(session: Session, *, plan_id: int, **changes: Unpack[PlanValues]) -> None:
    """Change what is given of a plan and leave the rest; it counts for the present month as a whole."""
    _wait_for_other_editors(session)
    found = session.row("SELECT kind FROM plan WHERE plan_id = ?", plan_id)
    if found is None:
        raise not_found("planId", "There is no such plan.")
    columns = _checked(PlanKind(found[0]), **changes)
    if columns:
        before = session.row(f"SELECT {', '.join(columns)} FROM plan WHERE plan_id = ?", plan_id)
        assert before is not None
        told = _told(dict(zip(columns, before, strict=True))), _told(columns)
        audit.changed(session, public_id("plan", plan_id), *told)
        session.update("plan", ("plan_id",), list(columns), [(plan_id, *columns.values())])


def set_zone(session: Session, countries: Collection[str]) -> None:
    """Let Zone A, which conference minutes reach, be these countries and no others."""
    for country in countries:
        _require_country(country, "countries")
    _wait_for_other_editors(session)
    before = [country for (country,) in session.rows("SELECT country FROM zone_country ORDER BY country")]
    audit.changed(session, "Zone A", {"countries": before}, {"countries": sorted(set(countries))})
    session.execute("DELETE FROM zone_country")
    session.insert("zone_country", ("country",), [(country,) for country in sorted(set(countries))])


def _told(columns: Mapping[str, Any]) -> dict[str, Any]:
    """What the audit log has of a plan's columns."""
    told = {name: value for name, value in columns.items() if name not in ("plan_id", "domestic_by_country", "pooled")}
    if "domestic_by_country" in columns:
        told["domestic_minutes_by_country"] = json.loads(columns["domestic_by_country"])
    if "pooled" in columns:
        told["pooled"] = bool(columns["pooled"])
    return told


def _wait_for_other_editors(session: Session) -> None:
    session.rows("SELECT 1 FROM plan" + session.for_update)


def _checked(kind: PlanKind, **values: Unpack[PlanValues]) -> dict[str, Any]:
    """Values as the table keeps them; what can never be right is refused at its field."""
    columns: dict[str, Any] = dict(values)
    if "name" in values:
        columns["name"] = values["name"].strip()
        if not 1 <= len(columns["name"]) <= LONGEST_NAME or not columns["name"].isprintable():
            raise invalid("name", "A name has 1 to {longest} characters.", longest=LONGEST_NAME)
    for column, field in _FIELDS.items():
        _require_minutes(columns.get(column, 0), field)
        if columns.get(column) and column not in _OF_KIND.get(kind, ()):
            raise invalid(field, "A plan of this kind gives no such minutes.")
    if "domestic_by_country" in values:
        columns["domestic_by_country"] = _by_country(kind, values["domestic_by_country"])
    return columns


def _by_country(kind: PlanKind, minutes: Mapping[str, int]) -> str:
    field = "domesticMinutesByCountry"
    if minutes and kind != PlanKind.CALLING_PLAN:
        raise invalid(field, "A plan of this kind gives no such minutes.")
    for country, each in minutes.items():
        _require_country(country, field)
        _require_minutes(each, field)
        home = home_of(country)
        if minutes.get(home) != each:
            raise invalid(field, "{country} counts as {home}: both have the same minutes.", country=country, home=home)
    return json.dumps(dict(sorted(minutes.items())))


def _require_minutes(minutes: int, field: str) -> None:
    if not 0 <= minutes <= MOST_MINUTES:
        raise invalid(field, "A licence gives 0 to {most} minutes a month.", most=MOST_MINUTES)


def _require_country(country: str, field: str) -> None:
    if country not in SUPPORTED_REGIONS:
        raise invalid(field, "{code} is not a country code (ISO 3166-1 alpha-2).", code=country[:40])


_NOTHING = {
    **dict.fromkeys(_FIELDS, 0), "name": "", "domestic_by_country": "{}", "pooled": True,
}  # fmt: skip
