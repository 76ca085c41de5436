"""Choosing licences in a form: plans that exclude each other are one choice, the others are ticked each for itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.datastructures import FormData

_PREFIX = "plan-"
_CALLING = ("CALLING_PLAN", "PAY_AS_YOU_GO")


def licence_choices(plans: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """The plans in groups of which a user holds one plan at most, each with the name of its field."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for plan in plans:
        kind = "CALLING_PLAN" if plan["kind"] in _CALLING else plan["kind"]
        groups.setdefault(f"{_PREFIX}{kind.lower().replace('_', '-')}", []).append(plan)
    return list(groups.items())


def picked(form: FormData) -> list[str]:
    """The codes of the plans that were chosen in a form."""
    return [str(value) for name, value in form.multi_items() if name.startswith(_PREFIX) and value]
