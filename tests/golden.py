"""The published cases of rating: those that a rate deck can express, and why the others are left out."""

import json
from pathlib import Path
from typing import Any

Case = dict[str, Any]

RUN = (
    *(f"cgr-{number:03}" for number in (1, 2, 3, 4, 6, 8, 9, 10, 11, 19, 21, 23, 24, 27, 29, 30, 31, 32, 35, 37, 38)),
    *(f"cgr-{number:03}" for number in (40, 43, 45, 52, 53, 54)),
    *("yeti-002", "yeti-003", "uc-002", "uc-005", "uc-006", "uc-007", "uc-010", "uk-003", "uk-004"),
    *(f"web-{number:03}" for number in (9, 10, 17, 19, 21, 24, 26, 27)),
    "kz-001",
)
NO_RATE = ("cgr-e01",)
LEFT_OUT = {
    "cgr-d01": "a dialect that rounds the price of each step; ours is rounded once",
    "cgr-d03": "a dialect that rounds the price of each step; ours is rounded once",
    "cgr-d04": "a dialect that rounds the price of each step; ours is rounded once",
    "cgr-d07": "a dialect that rounds the price of each step; ours is rounded once",
    "cgr-d10": "a dialect that rounds the price of each step; ours is rounded once",
    "web-028": "a dialect that charges a minute in advance, when it begins",
    "web-029": "a dialect that charges a minute in advance, when it begins",
    "web-030": "a dialect that charges a minute in advance, when it begins",
    "web-031": "a dialect that charges a minute in advance, when it begins",
    "web-033": "a minimum charge, and rounding to ten cents: a deck has neither",
}
# A deck cannot say these; a case that has one of them is among the left out.
BEYOND_A_DECK = {"increment_rounding", "minimum_charge", "round_to", "grace_s", "vat_percent"}


def rating_cases(shared_data: Path) -> dict[str, Case]:
    """All published cases, by their ids."""
    listed = json.loads((shared_data / "golden" / "rating_cases.json").read_text(encoding="utf-8"))
    return {case["id"]: case for case in listed}
