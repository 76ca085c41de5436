"""The catalogue of plans: as published it begins, and as the operator edits it it counts, from the next call on."""

from collections.abc import Mapping
from threading import Thread
from typing import Any

import pytest

from credits.catalogue import MOST_MINUTES, create_plan, set_zone, update_plan
from credits.plans import Catalogue, Plan, catalogue_of
from credits.refusals import Code, Refusal
from db.kinds import PlanKind, PoolScope
from db.session import Database
from tests.calling import ABROAD, gather_callers

EVERYWHERE = ("US", "CA", "GB", "JP")
# By the public documentation: domestic minutes in the US, Canada, the United Kingdom and Japan; international,
# conference; pooled.
PUBLISHED = {
    "MCOPSTN1": (PlanKind.CALLING_PLAN, (3000, 3000, 1200, 1200), 0, 0, True),
    "MCOPSTN2": (PlanKind.CALLING_PLAN, (3000, 3000, 1200, 1200), 600, 0, True),
    "MCOPSTN5": (PlanKind.CALLING_PLAN, (120, 120, 120, 120), 0, 0, True),
    "MCOPSTN6": (PlanKind.CALLING_PLAN, (240, 240, 240, 240), 0, 0, True),
    "MCOPSTN8": (PlanKind.CALLING_PLAN, (120, 120, 120, 120), 0, 0, False),
    "MCOPSTNPAYG": (PlanKind.PAY_AS_YOU_GO, (0, 0, 0, 0), 0, 0, True),
    "MCOMEETADD": (PlanKind.AUDIO_CONFERENCING, (0, 0, 0, 0), 0, 60, True),
    "MCOPSTNPP": (PlanKind.COMMUNICATIONS_CREDITS, (0, 0, 0, 0), 0, 0, True),
}


def catalogue(database: Database) -> Catalogue:
    """The catalogue as it stands."""
    with database.reading() as session:
        return catalogue_of(session)


def plan(database: Database, code: str) -> Plan:
    """One plan, by its code."""
    return {each.code: each for each in catalogue(database).plans.values()}[code]


def edit(database: Database, code: str, **changes: Any) -> Plan:
    """Change a plan."""
    with database.transaction() as session:
        update_plan(session, plan_id=plan(database, code).plan_id, **changes)
    return plan(database, code)


def add(database: Database, code: str = "CUSTOM", kind: str = "CALLING_PLAN", **values: Any) -> int:
    """Add a plan."""
    with database.transaction() as session:
        return create_plan(session, code=code, kind=kind, **{"name": "Our own", **values})


def everything(database: Database) -> list[tuple[Any, ...]]:
    """All plans and the zone."""
    with database.reading() as session:
        return session.rows("SELECT * FROM plan ORDER BY plan_id") + session.rows("SELECT * FROM zone_country")


def test_it_begins_as_published(database: Database) -> None:
    found = {
        each.code: (
            each.kind, tuple(each.minutes(PoolScope.DOMESTIC, country) for country in EVERYWHERE),
            each.minutes(PoolScope.INTERNATIONAL, "US"), each.minutes(PoolScope.CONFERENCE, ""), each.pooled,
        )
        for each in catalogue(database).plans.values()
    }  # fmt: skip

    assert found == PUBLISHED


def test_zone_a_begins_with_forty_four_countries(database: Database) -> None:
    zone = catalogue(database).zone

    assert len(zone) == 44
    assert {"US", "PR", "GB", "JP", "TW", "ZA"} < zone
    assert not {"ZW", "TR", "IL"} & zone


def test_what_is_given_of_a_plan_changes_and_the_rest_stays(database: Database) -> None:
    before = plan(database, "MCOPSTN2")

    after = edit(database, "MCOPSTN2", name=" Everywhere ", domestic_minutes=1500, domestic_by_country={"JP": 0})

    assert after == before._replace(name="Everywhere", domestic_minutes=1500, domestic_by_country={"JP": 0})
    assert [after.minutes(PoolScope.DOMESTIC, country) for country in EVERYWHERE] == [1500, 1500, 1500, 0]


def test_a_new_plan_gives_nothing_but_what_is_said(database: Database) -> None:
    plan_id = add(database, international_minutes=10, pooled=False)

    assert plan(database, "CUSTOM") == Plan(plan_id, "CUSTOM", "Our own", PlanKind.CALLING_PLAN, 0, {}, 10, 0, False)
    assert plan_id == 9


@pytest.mark.parametrize(
    ("kind", "values", "field"),
    [
        ("CALLING_PLAN", {"name": " "}, "name"),
        ("CALLING_PLAN", {"name": "x" * 201}, "name"),
        ("CALLING_PLAN", {"domestic_minutes": -1}, "domesticMinutes"),
        ("CALLING_PLAN", {"international_minutes": MOST_MINUTES + 1}, "internationalMinutes"),
        ("CALLING_PLAN", {"conference_minutes": 1}, "conferenceMinutes"),
        ("CALLING_PLAN", {"domestic_by_country": {"XX": 1}}, "domesticMinutesByCountry"),
        ("CALLING_PLAN", {"domestic_by_country": {"JP": -1}}, "domesticMinutesByCountry"),
        ("CALLING_PLAN", {"domestic_by_country": {"PR": 1}}, "domesticMinutesByCountry"),
        ("CALLING_PLAN", {"domestic_by_country": {"PR": 1, "US": 2}}, "domesticMinutesByCountry"),
        ("AUDIO_CONFERENCING", {"domestic_minutes": 1}, "domesticMinutes"),
        ("AUDIO_CONFERENCING", {"domestic_by_country": {"JP": 1}}, "domesticMinutesByCountry"),
        ("PAY_AS_YOU_GO", {"domestic_minutes": 1}, "domesticMinutes"),
        ("COMMUNICATIONS_CREDITS", {"international_minutes": 1}, "internationalMinutes"),
    ],
)
def test_what_can_never_be_right_is_refused_and_leaves_no_trace(
    database: Database, kind: str, values: Mapping[str, Any], field: str
) -> None:
    code = next(code for code, published in PUBLISHED.items() if published[0] == kind)
    before = everything(database)

    for attempt in (lambda: add(database, kind=kind, **values), lambda: edit(database, code, **values)):
        with pytest.raises(Refusal) as refused:
            attempt()
        assert (refused.value.code, refused.value.field) == (Code.INVALID, (field,))

    assert everything(database) == before


@pytest.mark.parametrize(
    ("code", "refusal"),
    [("", Code.INVALID), ("a b", Code.INVALID), ("x" * 41, Code.INVALID), ("mcopstn1", Code.CONFLICT)],
)
def test_a_code_is_a_short_word_of_its_own(database: Database, code: str, refusal: Code) -> None:
    with pytest.raises(Refusal) as refused:
        add(database, code)

    assert (refused.value.code, refused.value.field) == (refusal, ("code",))


def test_a_plan_that_is_not_there_is_not_changed(database: Database) -> None:
    with pytest.raises(Refusal) as refused, database.transaction() as session:
        update_plan(session, plan_id=99, name="New")

    assert (refused.value.code, refused.value.field) == (Code.NOT_FOUND, ("planId",))


def test_zone_a_is_what_was_set_last(database: Database) -> None:
    with database.transaction() as session:
        set_zone(session, ["JP", "KR", "JP"])
    with pytest.raises(Refusal) as refused, database.transaction() as session:
        set_zone(session, ["DE", "XX"])

    assert refused.value.field == ("countries",)
    assert catalogue(database).zone == {"JP", "KR"}


def test_the_next_call_is_decided_by_the_new_figures(database: Database) -> None:
    callers = gather_callers(database)
    user_no = callers.user("MCOPSTN1")
    assert not callers.asks(user_no, ABROAD).authorized

    edit(database, "MCOPSTN1", international_minutes=1)

    assert callers.asks(user_no, ABROAD, seconds=90).max_duration_seconds == 60


def test_several_operators_who_add_plans_at_once_all_succeed(database: Database) -> None:
    threads = [Thread(target=add, args=(database, f"PLAN-{number}")) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(catalogue(database).plans) == list(range(1, 15))
