"""The schema under requests that nobody thought of: made up by schemathesis from the schema alone, and let loose on a
filled house as its operator. Whatever comes, no answer is a fault of ours.

HYPOTHESIS_PROFILE=long, which `make fuzz` says, asks twenty times as much, and other things each time.
"""

import os
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import schemathesis
from graphql import StringValueNode
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from credits.instants import moment
from db.session import Database
from schema.schema import schema
from tests.factories import NOW
from tests.fuzz.filled import Fuzzed, dressed, opened
from tests.schema.asking import MUTATIONS, QUERIES

IS_LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
REQUESTS_OF_EACH_FIELD = 80 if IS_LONG else 4
SETTINGS = settings(
    max_examples=REQUESTS_OF_EACH_FIELD, deadline=None, database=None, phases=[Phase.generate], derandomize=not IS_LONG,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


def texts(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[StringValueNode]:
    """Values of a scalar that is written as a text."""
    return strategy.map(lambda text: StringValueNode(value=text))


MOMENTS = st.integers(-90 * 24, 90 * 24).map(lambda hours: (moment(NOW) + timedelta(hours=hours)).isoformat())
ODD_MOMENTS = st.sampled_from(["0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00Z", "now"])
DECIMALS = st.decimals(-1_000, 100_000, places=6).map(str) | st.sampled_from(["0", "9" * 24, "1e9", "0." + "1" * 24])
schemathesis.graphql.scalar("DateTime", texts(MOMENTS | MOMENTS | MOMENTS | ODD_MOMENTS))
schemathesis.graphql.scalar(
    "Date", texts(MOMENTS.map(lambda text: text[:10]) | st.sampled_from(["0001-01-01", "2026"]))
)
schemathesis.graphql.scalar("Decimal", texts(DECIMALS))
FIELDS: list[Any] = [result.ok() for result in schemathesis.graphql.from_dict(schema.introspect()).get_all_operations()]  # type: ignore[union-attr]


def kind_of(answer: Any, text: str) -> str:
    """What kind of answer came: DONE, REFUSED as data, or an error's code. Fails where the fault is ours."""
    assert answer.status_code in (200, 400), f"{answer.status_code} {answer.text}\n{text}"
    body = answer.json()
    codes = [error["extensions"]["code"] for error in body.get("errors", [])]
    assert "INTERNAL" not in codes, f"{answer.text}\n{text}"
    if codes:
        return str(codes[0])
    refused = any(isinstance(payload, dict) and payload.get("errors") for payload in body["data"].values())
    return "REFUSED" if refused else "DONE"


def fuzz(fuzzed: Fuzzed, field: Any) -> Counter[str]:
    """Ask for one root field in many ways, and count what kinds of answers came."""
    kinds: Counter[str] = Counter()

    @SETTINGS
    @given(field.as_strategy(), st.integers(0, 2**32))
    def ask(case: Any, seed: int) -> None:
        text = dressed(case.body, fuzzed.known, seed)
        kinds[kind_of(fuzzed.ask(text), text)] += 1

    ask()
    return kinds


def test_whatever_is_asked_no_answer_is_a_fault_of_ours(database: Database, tmp_path: Path) -> None:
    with opened(database, tmp_path) as fuzzed:
        kinds = sum((fuzz(fuzzed, field) for field in FIELDS), Counter())

    print(f"{kinds.total()} requests: {dict(kinds)}")
    assert kinds["DONE"] + kinds["REFUSED"] > kinds.total() / 2, "most of them reach the rules"


def test_the_fuzzing_leaves_out_no_root_field() -> None:
    assert {field.definition.field_name for field in FIELDS} == {*QUERIES, *MUTATIONS}
