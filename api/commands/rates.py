"""`credits rates`: what a carrier's price list would change, and publishing it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from api import clock
from api.commands.terminal import REFUSED, in_english, opened, read_instant, read_settings, say
from credits.files.rate_files import RateFile, read_rates
from credits.language import Language, language
from credits.money import known_currency
from credits.publishing import Change, Publication, RateDraft, check_drafts, publish_deck
from credits.rating import Rate
from db.kinds import Rounding, Service

rates = typer.Typer(help="Price lists: preview what a file would change, and publish it.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV, TSV or XLSX, as the carrier sent it.")]
DeckName = Annotated[str, typer.Option("--deck", metavar="NAME", help="The deck that the list takes over.")]
Currency = Annotated[str, typer.Option(metavar="CODE", help="ISO 4217.")]
From = Annotated[str | None, typer.Option("--effective-from", metavar="T", help="From when it counts; default now.")]
ForService = Annotated[Service, typer.Option(case_sensitive=False, help="What rows are for that do not say.")]
Decimals = Annotated[int, typer.Option(min=0, max=6, help="A call's charge is rounded once, to this many.")]
How = Annotated[Rounding, typer.Option(case_sensitive=False)]
Map = Annotated[
    list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="Which column holds what; repeat for several.")
]
SkipBad = Annotated[bool, typer.Option("--skip-bad-rows", help="Leave bad rows out, instead of publishing nothing.")]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What was asked for on the command line."""

    file: Path
    deck: str
    currency: str
    effective_from: str | None
    service: Service
    decimals: int
    rounding: Rounding
    columns: dict[str, str] | None
    skip_bad_rows: bool


@rates.command()
def preview(
    file: File,
    deck: DeckName,
    currency: Currency,
    effective_from: From = None,
    service: ForService = Service.USER_OUT,
    decimals: Decimals = 4,
    rounding: How = Rounding.HALF_UP,
    columns: Map = None,
    skip_bad_rows: SkipBad = False,
) -> None:
    """Print what publishing the file would add, change and withdraw, and which rows are bad. Changes nothing."""
    mapped = _mapping(columns)
    _run(
        _Wanted(file, deck, currency, effective_from, service, decimals, rounding, mapped, skip_bad_rows), dry_run=True
    )


@rates.command()
def publish(
    file: File,
    deck: DeckName,
    currency: Currency,
    effective_from: From = None,
    service: ForService = Service.USER_OUT,
    decimals: Decimals = 4,
    rounding: How = Rounding.HALF_UP,
    columns: Map = None,
    skip_bad_rows: SkipBad = False,
) -> None:
    """Publish the file as the deck's new prices, whole: a prefix that it lacks is withdrawn."""
    mapped = _mapping(columns)
    _run(
        _Wanted(file, deck, currency, effective_from, service, decimals, rounding, mapped, skip_bad_rows), dry_run=False
    )


def _run(wanted: _Wanted, *, dry_run: bool) -> None:
    currency = known_currency(wanted.currency)
    start = None if wanted.effective_from is None else read_instant(wanted.effective_from)
    read = read_rates(
        wanted.file.name, wanted.file.read_bytes(), service=wanted.service, columns=wanted.columns, currency=currency
    )
    drafts, bad_rows = _good_and_bad(read)
    _show_reading(read, bad_rows)
    if bad_rows and not wanted.skip_bad_rows:
        say(f"{bad_rows} bad row(s): nothing is published. Correct them, or leave them out with --skip-bad-rows.")
        raise typer.Exit(REFUSED)
    with opened(read_settings()) as database, database.transaction() as session:
        publication = publish_deck(
            session,
            name=wanted.deck,
            currency=currency,
            effective_from=start if start is not None else read.effective_from,
            decimals=wanted.decimals,
            rounding=wanted.rounding,
            drafts=drafts,
            now=clock.now(),
            dry_run=dry_run,
        )
    _show_changes(publication.changes, currency)
    _sum_up(publication, len(drafts), bad_rows, dry_run=dry_run)


def _good_and_bad(read: RateFile) -> tuple[list[RateDraft], int]:
    """The rates that can be published. Bad rows are printed; those bad only beside others, such as twice, too."""
    english = language("en")
    for row in read.bad:
        typer.echo(f"bad\trow {row.number}\t{row.text}\t{english.say(row.reason.message, **row.reason.values)}")
    clashing = check_drafts(read.drafts)
    for clash in clashing:
        draft = read.drafts[clash.index]
        where = f"row {clash.row}" if clash.row is not None else f"rate {clash.index + 1}"
        typer.echo(f"bad\t{where}\t{draft.prefix} {draft.destination}\t{in_english(clash.refusal)}")
    spoilt = {clash.index for clash in clashing}
    good = [draft for index, draft in enumerate(read.drafts) if index not in spoilt]
    return good, len(read.bad) + len({clash.row or -clash.index for clash in clashing})


def _show_reading(read: RateFile, bad_rows: int) -> None:
    columns = ", ".join(f"{field} from {column!r}" for field, column in read.columns.items())
    say(f"Read {len(read.drafts):,} rates ({columns}), {bad_rows:,} bad rows.")


def _show_changes(changes: Iterable[Change], currency: str) -> None:
    english = language("en")
    for change in changes:
        prices = " -> ".join(_price(rate, currency, english) for rate in (change.old, change.new) if rate is not None)
        typer.echo(f"{change.kind}\t{change.service}\t{change.prefix}\t{change.destination}\t{prices}")


def _price(rate: Rate | RateDraft, currency: str, words: Language) -> str:
    """The price in short: each tier's price and step, the fee, what is free, the cap."""
    if rate.blocked:
        return "blocked"
    parts = [f"{words.price(tier.price_nanos, currency)}/{tier.increment_seconds}s" for tier in rate.tiers]
    if rate.connect_fee_nanos:
        parts.append(f"fee {words.price(rate.connect_fee_nanos, currency)}")
    if rate.free_seconds:
        parts.append(f"{rate.free_seconds}s free")
    if rate.max_cost_nanos is not None:
        parts.append(f"at most {words.price(rate.max_cost_nanos, currency)}")
    return " + ".join(parts)


def _sum_up(publication: Publication, rates_read: int, bad_rows: int, *, dry_run: bool) -> None:
    done = "Would publish" if dry_run else "Published"
    left_out = f", {bad_rows:,} bad rows left out" if bad_rows else ""
    say(
        f"{done} {rates_read:,} rates: {publication.added:,} added, {publication.changed:,} changed,"
        f" {publication.withdrawn:,} withdrawn{left_out}."
    )


def _mapping(pairs: list[str] | None) -> dict[str, str] | None:
    if not pairs:
        return None
    columns = {}
    for pair in pairs:
        field, equals, column = pair.partition("=")
        if not equals or not field or not column:
            raise typer.BadParameter(f"{pair!r} is not of the form FIELD=COLUMN.")
        columns[field.strip()] = column.strip()
    return columns
