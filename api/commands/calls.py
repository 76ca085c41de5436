"""`credits calls import`: charging the finished calls of a file. A call id is charged once, so a file may be
imported again after whatever stopped it. `credits calls export`: the usage report, which reads back as such a file."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from api import clock
from api.commands.terminal import (
    REFUSED,
    in_english,
    on_record,
    opened,
    read_account,
    read_edge,
    read_mapping,
    read_settings,
    say,
    stop,
)
from credits import audit
from credits.accounts import AccountState, look_up
from credits.call_messages import CallOutcome
from credits.callers import users_named
from credits.calls import LARGEST_BATCH, record_calls
from credits.decks import RateBook
from credits.files.call_files import FORMATS, CallFile, read_calls
from credits.language import language
from credits.terms import Terms
from credits.usage_report import Packing, name_of_report, report_parts, time_of_calls
from db.kinds import CallStatus, Service
from db.session import Database, Session

calls = typer.Typer(help="Finished calls.", no_args_is_help=True)


@calls.command("import")
def import_calls(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Call records, as the switch wrote them.")],
    account: Annotated[str, typer.Option(metavar="ID", help="The account that made them (acct_…).")],
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help=f"One of {', '.join(FORMATS)}.")] = "auto",
    time_zone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Of times that have no offset; default the account's.")
    ] = None,
    service: Annotated[
        Service, typer.Option(case_sensitive=False, help="What rows are that do not say.")
    ] = Service.USER_OUT,
    columns: Annotated[
        list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="Which column holds what.")
    ] = None,
) -> None:
    """Charge the calls of a file: a line for each row, then a summary. Exit 1 when any row was refused."""
    account_id = read_account(account)
    mapped = read_mapping(columns)
    if form not in FORMATS:
        raise typer.BadParameter(f"{form!r} is not one of {', '.join(FORMATS)}.")
    settings = read_settings()
    with opened(settings) as database:
        with database.reading() as session:
            owner = look_up(session, account_id)
        started = clock.ticks()
        zone = time_zone or owner.time_zone
        content = file.read_bytes()
        read = read_calls(
            file.name, content, format=form, time_zone=zone, service=service, columns=mapped,
            owner=(account, owner.name),
        )  # fmt: skip
        with database.reading() as session:
            read = read.with_users(users_named(session, account_id, read.user_names))
        counts = _show_unread(read)
        charged_micros = 0
        for row, outcome in _recorded(database, owner, file.name, read, settings.terms):
            counts[_show(row, outcome)] += 1
            charged_micros += 0 if outcome.duplicate else outcome.charge_micros
    _sum_up(counts, clock.ticks() - started, language("en").money(charged_micros, owner.currency))
    if counts["refused"]:
        raise typer.Exit(REFUSED)


@calls.command("export")
def export_calls(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="Where to write it; it must not exist yet.")],
    account: Annotated[str, typer.Option(metavar="ID", help="The account that made them (acct_…).")],
    from_: Annotated[str | None, typer.Option("--from", metavar="T", help="Answered on this day or later.")] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="T", help="Answered on this day or before.")] = None,
    zipped: Annotated[bool, typer.Option("--zip", help="Write it into a zip archive.")] = False,
) -> None:
    """Write the calls of an account as the 20-column usage report."""
    account_id = read_account(account)
    if file.exists():
        stop(f"{file} is there already.")
    with opened(read_settings()) as database, database.reading() as session:
        zone = look_up(session, account_id).time_zone
        first, last = time_of_calls(session, account_id)
        from_at = read_edge(from_, zone, 0) if from_ else first
        to_at = read_edge(to, zone, 1) if to else last
        parts = report_parts(session, account_id=account_id, from_at=from_at, to_at=to_at)
        packing = Packing(name_of_report(from_at, to_at, zone)) if zipped else None
        count = 0
        with file.open("xb") as out:
            for part in parts:
                count += part.calls
                out.write(part.csv.encode() if packing is None else packing.put(part.csv))
            out.write(b"" if packing is None else packing.end())
    say(f"Wrote {count:,} calls.")


def _recorded(
    database: Database, owner: AccountState, name: str, read: CallFile, terms: Terms
) -> Iterator[tuple[int, CallOutcome]]:
    """Charge the calls, a batch to a transaction, and tell of each once it is safe."""
    rates = RateBook()
    database = on_record(database, "importCalls", owner.account_id)
    columns = (TextColumn("Charging"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("calls", total=len(read.calls))
        for first in range(0, len(read.calls), LARGEST_BATCH):
            batch = slice(first, first + LARGEST_BATCH)
            with database.transaction() as session:
                outcomes = record_calls(
                    session,
                    rates=rates,
                    account_id=owner.account_id,
                    reports=read.calls[batch],
                    now=clock.now(),
                    terms=terms,
                )
                _put_on_record(session, owner, name, outcomes)
            yield from zip(read.rows[batch], outcomes, strict=True)
            progress.update(bar, advance=len(outcomes))


def _put_on_record(session: Session, owner: AccountState, name: str, outcomes: Sequence[CallOutcome]) -> None:
    """Let the audit log have how many calls of the file are new, and what they cost."""
    new = [each for each in outcomes if each.refusal is None and not each.duplicate]
    charged = audit.amount(sum(each.charge_micros for each in new), owner.currency)
    audit.changed(session, name, after={"calls": len(new), "charged": charged} if new else {})


def _show_unread(read: CallFile) -> Counter[str]:
    """Print the rows that are no calls to charge: bad ones are refused, others are left out on purpose."""
    english = language("en")
    for bad in read.bad:
        typer.echo(f"{bad.number}\trefused\t\t{english.say(bad.reason.message, **bad.reason.values)}\t{bad.text}")
    for left_out in read.skipped:
        typer.echo(f"{left_out.number}\tskipped\t\t{english.say(left_out.reason.message, **left_out.reason.values)}")
    for note in read.notes:
        say(english.say(note.message, **note.values))
    say(f"Read {len(read.calls):,} calls ({read.format}).")
    return Counter({"refused": len(read.bad), "skipped": len(read.skipped)})


def _show(row: int, outcome: CallOutcome) -> str:
    """Print one result (row, what became of it, call id, charge in micro-units or reason), and say which it was."""
    if outcome.refusal is not None:
        typer.echo(f"{row}\trefused\t{outcome.call_id}\t{in_english(outcome.refusal)}")
        return "refused"
    unrated = outcome.status == CallStatus.UNRATED
    word = "duplicate" if outcome.duplicate else "unrated" if unrated else "charged"
    typer.echo(f"{row}\t{word}\t{outcome.call_id}\t{outcome.charge_micros}")
    return word


def _sum_up(counts: Counter[str], seconds: float, charged: str) -> None:
    rows = sum(counts.values())
    told = ", ".join(f"{count:,} {word}" for word, count in sorted(counts.items()) if count)
    say(f"{rows:,} rows in {seconds:.1f} s: {told or 'nothing to do'}. Charged {charged}.")
