"""`credits demo`: a filled, throw-away instance to look at, on this machine alone."""

import os
import signal
import socket
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from api import clock
from api.commands.serving import serve_on
from api.commands.terminal import opened, say, stop
from api.logs import set_up_logs
from api.settings import Settings
from credits.ids import public_id

if TYPE_CHECKING:
    from api.demo import Demo

HOST = "127.0.0.1"
USUAL_PORT = 8000
_QUOTE = "query($id: ID!, $to: String!) { quoteCall(accountId: $id, to: $to) { cost { amount currency } explanation } }"


def demo(
    port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="Default 8000, or another when it is taken.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep it in this folder, instead of nowhere.")
    ] = None,
) -> None:
    """Fill an instance with a year of funds and calls, print how to get in, and serve it."""
    # Loaded here: no other command needs the whole app, or all the world's numbering data.
    from api.app import build_app
    from api.demo import fill
    from api.mail import mailer_of
    from api.worker import Post

    with ExitStack() as until_stopped:
        _end_quietly()
        listening = until_stopped.enter_context(_listen(port))
        folder = data or Path(until_stopped.enter_context(tempfile.TemporaryDirectory(prefix="credits-demo-")))
        address = f"http://{HOST}:{listening.getsockname()[1]}"
        settings = _settings_of_demo(folder, address)
        if settings.sqlite_file.exists():
            stop(f"{folder} holds a database already. Serve it: CREDITS_DATA={folder} credits serve")
        set_up_logs(settings)
        say("Filling the demonstration ...")
        with opened(settings) as database:
            post = Post(mailer_of(settings), settings.sender, settings.base_url)
            made = fill(database, now=clock.now(), terms=settings.terms, post=post)
        _show(address, made, folder, is_kept=data is not None)
        serve_on(listening, build_app(settings))


def _end_quietly() -> None:
    """Ctrl-C and a plain kill both end the demonstration as meant, with its folder removed."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))


def _settings_of_demo(folder: Path, address: str) -> Settings:
    """Its own database and key in its own folder, whatever the environment says of a real one."""
    return Settings(
        data=folder,
        database_url=None,
        secret_key=None,
        base_url=address,
        minimum_recharge="JPY=5000,*=50",
        log_level="WARNING",
    )


def _listen(port: int | None) -> socket.socket:
    """A socket that listens before anything is printed, so that the address is true as soon as it is read."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port or USUAL_PORT))
    except OSError as fault:
        if port is not None:
            stop(f"Port {port} cannot be used: {fault.strerror}.")
        listening.bind((HOST, 0))
    listening.listen(128)
    return listening


def _show(address: str, made: "Demo", folder: Path, *, is_kept: bool) -> None:
    """The first screen. A line a value, so that a program can read it too."""
    table = Table.grid(padding=(0, 2))
    table.add_row("Open", f"[bold]{address}[/]", "and sign in:")
    table.add_row("", made.operator, f"[bold]{made.operator_password}[/]   operator: every account, and the rates")
    table.add_row("", made.admin, f"[bold]{made.admin_password}[/]   administrator of Lindgren & Howe")
    table.add_row("Explore", f"{address}/graphql", "GraphiQL")
    table.add_row("Mail", f"{folder}/mail", "is written there: invitations, links for new passwords, notices")
    table.add_row("", "", "")
    table.add_row(
        "Accounts", public_id("acct", made.lindgren_id), "Lindgren & Howe: funds about to expire, a call without a rate"
    )
    table.add_row("", public_id("acct", made.aozora_id), "あおぞら設計: in yen, nearly nothing left")
    table.add_row(
        "", public_id("acct", made.test_id), "Lindgren & Howe, test: a TEST account, whose clock you can move"
    )
    table.add_row("", "", "")
    kept = f"Kept in {folder}." if is_kept else "Everything is gone when you stop it with Ctrl-C."
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 120, highlight=False)
    console.print(Panel(table, title="Communications Credits: demonstration", subtitle=kept, expand=False))
    console.print(f"Token of the operator, with every scope: {made.token}", soft_wrap=True)
    console.print("What would a call to London cost? Paste this in another terminal:\n")
    print(_curl(address, made), flush=True)
    print(flush=True)


def _curl(address: str, made: "Demo") -> str:
    variables = f'{{"id": "{public_id("acct", made.lindgren_id)}", "to": "+442079460123"}}'
    lines = (
        f"curl -s {address}/graphql",
        f"-H 'Authorization: Bearer {made.token}'",
        "-H 'Content-Type: application/json'",
        f"""-d '{{"query": "{_QUOTE}", "variables": {variables}}}'""",
    )
    return (" \\" + os.linesep + "  ").join(lines)
