"""From a carrier's price list to a preview: which rows were read, which are bad, and what publishing would change.

The file is read by credits/files; the rates that it holds are judged by the schema's `publishRateDeck`, first with
`dryRun`. A row is bad when either of them says so.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from credits.files.rate_files import RateFile, read_rates
from credits.language import Language
from credits.money import price_of
from web.forms import Problem, of_fields, problems_of
from web.uploads import Upload

_FIELDS = of_fields("name", "currency", "decimals", "rounding", effectiveFrom="effective_from")
_MOST_ROUNDS = 3
_MOST_CHANGES_SHOWN = 100
_TELLING = {"CHANGED": 0, "ADDED": 1, "WITHDRAWN": 2}  # what the reader wants to see first

Publish = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Bad:
    """A row that cannot be published: its number in the file, its text, and why."""

    row: int | None
    text: str
    reason: str


@dataclass(slots=True)
class Preview:
    """What a file would do to the deck in force."""

    rates: list[dict[str, Any]]
    bad: list[Bad]
    columns: dict[str, str]
    unread: tuple[str, ...] = ()
    left_out: int = 0
    payload: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def changes(self) -> list[dict[str, Any]]:
        """The first changes, the telling ones before the others."""
        changes: list[dict[str, Any]] = self.payload.get("changes") or []
        return sorted(changes, key=lambda change: _TELLING[change["kind"]])[:_MOST_CHANGES_SHOWN]


def read_deck_file(upload: Upload, language: Language, terms: Mapping[str, str], columns: Mapping[str, str]) -> Preview:
    """Read a price list; blocking work, to be run off the event loop."""
    read = read_rates(
        upload.name, upload.content, service=terms["service"], currency=terms["currency"], columns=columns or None
    )
    bad = [Bad(row.number, row.text, language.say(row.reason.message, **row.reason.values)) for row in read.bad]
    return Preview(_rate_inputs(read), bad, dict(read.columns), read.unread, len(read.skipped))


async def judge(preview: Preview, publish: Publish, terms: Mapping[str, Any], *, dry_run: bool) -> None:
    """Ask what publishing changes. Rates that are refused join the bad rows, and it is asked again without them;
    a first question that is no dry run publishes, unless a rate is refused."""
    rates = preview.rates
    for _ in range(_MOST_ROUNDS):
        inputs = [_input(rate) for rate in rates]
        preview.payload = await publish({**terms, "rates": inputs, "dryRun": dry_run})
        refused = _refused_rates(preview.payload["errors"])
        if not refused:
            break
        dry_run = True
        for place, message in refused.items():
            preview.bad.append(
                Bad(rates[place]["row"], f"{rates[place]['prefix']} {rates[place]['destination']}", message)
            )
        rates = [rate for place, rate in enumerate(rates) if place not in refused]
    preview.rates = rates
    preview.bad.sort(key=lambda bad: bad.row or 0)
    about_terms = [error for error in preview.payload["errors"] if "rates" not in error["field"]]
    preview.problems = problems_of(about_terms, _FIELDS)


def _refused_rates(errors: list[dict[str, Any]]) -> dict[int, str]:
    """The places of the rates that were refused, each with the first reason."""
    refused: dict[int, str] = {}
    for error in errors:
        path = [part for part in error["field"] if part != "input"]
        if len(path) > 1 and path[0] == "rates" and path[1].isdecimal():
            refused.setdefault(int(path[1]), error["message"])
    return refused


def _input(rate: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in rate.items() if name != "row"}


def _rate_inputs(read: RateFile) -> list[dict[str, Any]]:
    return [
        {
            "row": draft.row,
            "service": str(draft.service),
            "prefix": draft.prefix,
            "destination": draft.destination,
            "country": draft.country,
            "blocked": draft.blocked,
            "connectFee": str(price_of(draft.connect_fee_nanos)),
            "tiers": [
                {"fromSecond": tier.from_second, "pricePerMinute": str(price_of(tier.price_nanos)),
                 "incrementSeconds": tier.increment_seconds}
                for tier in draft.tiers
            ],
            "freeSeconds": draft.free_seconds,
            "maxCost": None if draft.max_cost_nanos is None else str(price_of(draft.max_cost_nanos)),
        }
        for draft in read.drafts
    ]  # fmt: skip
