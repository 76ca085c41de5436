"""The published cases of rating: which of them a rate deck can express, and why the others are left out."""

import json
from pathlib import Path
from typing import Any

LEFT_OUT_CLASSES = {
    "time_of_day": "a call has one price; our decks do not change with the clock",
    "dialect": "the publisher rounds every step; we compute exactly and round once",
    "dialect_in_advance": "the publisher sells the next minute when it begins",
    "inferred_rate": "the rate is a guess from the published cost",
    "rule_derived": "the figure was computed, not published",
}
LEFT_OUT_RATES = {
    "grace_s": "a call within a grace time is free",
    "minimum_charge": "a call has a least charge",
    "round_to": "a charge is rounded to a multiple of a coin",
    "vat_percent": "tax is added before rounding",
}


def rating_cases(shared_data: Path) -> list[dict[str, Any]]:
    """All published cases."""
    cases: list[dict[str, Any]] = json.loads((shared_data / "golden" / "rating_cases.json").read_text(encoding="utf-8"))
    return cases


def left_out(case: dict[str, Any]) -> str | None:
    """Why our decks cannot express a case; None when they can."""
    if case["class"] in LEFT_OUT_CLASSES:
        return LEFT_OUT_CLASSES[case["class"]]
    return next((why for word, why in LEFT_OUT_RATES.items() if word in (case["rate"] or {})), None)
