"""The published cases of authorisation: how long a call may last. What our rules cannot say is left out, and why."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from credits.money import nanos_of
from credits.publishing import RateDraft, publish_deck
from credits.rating import Tier
from db.kinds import RefusalReason, Rounding, Service
from db.session import Database
from tests.books import Books, open_books
from tests.factories import NOW

Case = dict[str, Any]
RUN = ("au-002", "au-003", "au-014")
LEFT_OUT = {
    "au-007": "a lot for one destination only, which blocks others",
    "au-010": "a plan's seconds beside a connect fee; here a call that minutes pay whole costs no fee",
    "au-011": "all or nothing; here a call is granted what can be paid",
    "au-015": "a highest price that the caller accepts",
}
TO = "+442079460000"


@pytest.fixture(scope="module")
def cases(shared_data: Path) -> dict[str, Case]:
    """All published cases, by their ids."""
    listed = json.loads((shared_data / "golden" / "authorization_cases.json").read_text(encoding="utf-8"))
    return {case["id"]: case for case in listed}


def test_every_case_is_run_or_left_out_for_a_reason(cases: dict[str, Case]) -> None:
    assert set(cases) == {*RUN, *LEFT_OUT}


@pytest.mark.parametrize("name", RUN)
def test_a_call_may_last_as_long_as_the_case_says(database: Database, cases: dict[str, Case], name: str) -> None:
    given = cases[name]["given"]
    books = with_rate_of(database, given)
    if Decimal(given["balance"]):
        books.grant(given["balance"])

    answer = books.authorize(given["asked_s"], to_number=TO)

    assert answer.max_duration_seconds == cases[name]["expect"]["allowed_s"]
    assert answer.reason == (None if answer.authorized else RefusalReason.INSUFFICIENT_CREDIT)
    assert books.breaches() == []


def with_rate_of(database: Database, given: Case) -> Books:
    """An account whose calls are priced as a case says."""
    per_minute = nanos_of(Decimal(given["per_s"]) * 60)
    draft = RateDraft(
        Service.USER_OUT,
        "44",
        "United Kingdom",
        tiers=(Tier(0, per_minute, given.get("increment_s", 1)),),
        connect_fee_nanos=nanos_of(Decimal(given.get("connect_fee", "0"))),
        max_cost_nanos=nanos_of(Decimal(given["max_cost"])) if "max_cost" in given else None,
    )
    with database.transaction() as session:
        publish_deck(
            session, name="standard", currency="USD", effective_from=0, decimals=6, rounding=Rounding.HALF_UP,
            drafts=[draft], now=NOW,
        )  # fmt: skip
    return open_books(database)
