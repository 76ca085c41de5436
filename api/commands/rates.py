"""`credits rates`: what a carrier's price list would change, and publishing it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from api import clock
from api.commands.terminal import in_english, on_record, opened, read_instant, read_mapping, read_settings, say, stop
from credits.files.rate_files import RateFile, read_rates
from credits.language import Language, language
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
    mapped = read_mapping(columns)
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
    mapped = read_mapping(columns)
    _run(
        _Wanted(file, deck, currency, effective_from, service, decimals, rounding, mapped, skip_bad_rows), dry_run=False
    )


def _run(wanted: _Wanted, *, dry_run: bool) -> None:
    read = read_rates(
        wanted.file.name,
        wanted.file.read_bytes(),
        service=wanted.service,
        columns=wanted.columns,
        currency=wanted.currency,
    )
    drafts, bad_rows = _good_and_bad(read)
    _show_reading(read, bad_rows)
    spoilt = bad_rows > 0 and not wanted.skip_bad_rows
    if spoilt and not dry_run:
        stop(f"Nothing is published: {bad_rows:,} bad rows. Correct them, or leave them out with --skip-bad-rows.")
    with (
        opened(read_settings()) as database,
        on_record(database, "publishRateDeck").transaction() as session,
    ):
        publication = publish_deck(
            session,
            name=wanted.deck,
            currency=wanted.currency,
            effective_from=read_instant(wanted.effective_from) if wanted.effective_from else read.effective_from,
            decimals=wanted.decimals,
            rounding=wanted.rounding,
            drafts=drafts,
            now=clock.now(),
            dry_run=dry_run,
        )
    _show_changes(publication.changes, wanted.currency)
    _sum_up(publication, len(drafts), dry_run=dry_run)
    if spoilt:
        stop(f"{bad_rows:,} bad rows: as it is, this file would not be published.")


def _good_and_bad(read: RateFile) -> tuple[list[RateDraft], int]:
    """The rates that can be published, and how many rows are bad. Those, and rows left out, are printed."""
    english = language("en")
    for kind, rows in (("bad", read.bad), ("skipped", read.skipped)):
        for row in rows:
            typer.echo(f"{kind}\trow {row.number}\t{row.text}\t{english.say(row.reason.message, **row.reason.values)}")
    clashing = check_drafts(read.drafts)
    for clash in clashing:
        draft = read.drafts[clash.index]
        typer.echo(f"bad\trow {clash.row}\t{draft.prefix} {draft.destination}\t{in_english(clash.refusal)}")
    spoilt = {clash.index for clash in clashing}
    good = [draft for index, draft in enumerate(read.drafts) if index not in spoilt]
    return good, len(read.bad) + len({clash.row for clash in clashing})


def _show_reading(read: RateFile, bad_rows: int) -> None:
    columns = ", ".join(f"{field} from {column!r}" for field, column in read.columns.items())
    say(f"Read {read.row_count:,} rows: {len(read.drafts):,} rates, {bad_rows:,} bad rows ({columns}).")
    if read.unread:
        say(f"Not read: {', '.join(repr(column) for column in read.unread)}.")


def _show_changes(changes: Iterable[Change], currency: str) -> None:
    english = language("en")
    for change in changes:
        prices = " -> ".join(_price(rate, currency, english) for rate in (change.old, change.new) if rate is not None)
        typer.echo(f"{change.kind}\t{change.service}\t{change.prefix}\t{change.destination}\t{prices}")


def _price(rate: Rate | RateDraft, currency: str, words: Language) -> str:
    """The price in short: each tier's price and step, the fee, what is free, the cap."""
    if rate.blocked:
        return "blocked"
    parts: list[str] = []
    for before, tier in zip((None, *rate.tiers), rate.tiers, strict=False):
        price = f"{words.price(tier.price_nanos, currency)}/min by {tier.increment_seconds}s"
        if before is None:
            parts.append(price)
        elif before.price_nanos == tier.price_nanos:
            parts.append(f"from {tier.from_second}s by {tier.increment_seconds}s")
        else:
            parts.append(f"from {tier.from_second}s {price}")
    if rate.connect_fee_nanos:
        parts.append(f"fee {words.price(rate.connect_fee_nanos, currency)}")
    if rate.free_seconds:
        parts.append(f"first {rate.free_seconds}s free")
    if rate.max_cost_nanos is not None:
        parts.append(f"at most {words.price(rate.max_cost_nanos, currency)}")
    return ", ".join(parts)


def _sum_up(publication: Publication, rates_published: int, *, dry_run: bool) -> None:
    done = "Would publish" if dry_run else "Published"
    say(
        f"{done} {rates_published:,} rates: {publication.added:,} added, {publication.changed:,} changed,"
        f" {publication.withdrawn:,} withdrawn."
    )
