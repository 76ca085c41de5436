"""The overview page of an account with 1,000,000 ledger entries, as signed-in people load it, beside a Starlette
handler that renders a template of the same size from constants. Requests a second, one process each.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
import uvicorn
import uvloop
from jinja2 import Environment, FileSystemLoader
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from bench import rig
from bench.growth import grow_ledger
from bench.load.clients import Exchange, Run, Tally, connected
from bench.load.processes import HOST, free_port, serving, started
from credits.ids import public_id
from credits.instants import DAY
from credits.people import create_person
from db.kinds import AccountMode
from db.session import Database
from tests import postgres

ENTRIES = 20_000 if rig.SHORT else 1_000_000
CLIENTS = 16
SECONDS = 1.0 if rig.SHORT else 8.0
LEAST_ANSWERS = 50
LEAST_RATIO = 0.3
# More pages are loaded than one person may load in a minute.
EMAILS = [f"operator{number}@bench.example" for number in range(8)]
PASSWORD = "long enough for a bench"
_TEMPLATE, _CONSTANTS = "page.html", "constants.txt"
_NUMBER = re.compile(r"\d+")


class Page:
    """The script of loading one page again and again, by one person after the other."""

    def __init__(self, port: int, path: str, cookies: Sequence[str] = ("",)) -> None:
        head = f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nAccept: text/html\r\nCookie: "
        asked = [f"{head}{cookie}\r\n\r\n".encode() for cookie in cookies]
        self._exchanges = cycle([Exchange("page", each, b"</html>", is_graphql=False) for each in asked])

    def opening(self) -> Exchange:
        """The page, please."""
        return next(self._exchanges)

    def following(self, answered: Exchange) -> None:
        """Nothing follows on a page."""


def main() -> None:
    """Print the ratio on both engines."""
    reached = []
    with (
        postgres.server(durable=True) as server,
        rig.sqlite_database() as lite,
        rig.postgresql_database(server) as large,
    ):
        for name, database in (("SQLite", lite), ("PostgreSQL", large)):
            reached.append(compare(database, name))
    rig.finish(reached)


def compare(database: Database, name: str) -> bool:
    """Load the page, then its likeness. The short form only shows that the page still loads: the two run one after the
    other, and other work does not disturb them alike."""
    rig.publish(database)
    account_id = rig.open_account(database, mode=AccountMode.TEST)
    grow_ledger(database, account_id, ENTRIES, over=365 * DAY)
    with database.transaction() as session:
        for email in EMAILS:
            create_person(session, email=email, password=PASSWORD, is_operator=True, roles={}, now=rig.NOW)
    path = f"/accounts/{public_id('acct', account_id)}"
    with serving(database, workers=1) as serves:
        cookies = []
        for email in EMAILS:
            browser = httpx2.Client(base_url=f"http://{HOST}:{serves.port}", follow_redirects=True)
            text = sign_in(browser, email, path)
            cookies.append("; ".join(f"{name}={value}" for name, value in browser.cookies.items()))
        page = uvloop.run(load(serves.port, Page(serves.port, path, cookies)))
    with likeness(text) as port:
        constant = uvloop.run(load(port, Page(port, "/")))
    detail = f"{page.per_second:,.0f} pages/s of {len(text) / 1024:.0f} KiB against {constant.per_second:,.0f};"
    detail += f" p50 {page.wait('page', 0.5) * 1e3:.0f} ms with {CLIENTS} at once"
    ratio = page.per_second / constant.per_second
    return rig.report(f"the overview of {ENTRIES:,} entries, {name}", ratio, LEAST_RATIO, detail) or rig.SHORT


def sign_in(browser: httpx2.Client, email: str, path: str) -> str:
    """Fill in the form as a browser would, and load the page."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/sign-in").text)
    assert found is not None
    browser.post("/sign-in", data={"email": email, "password": PASSWORD, "csrf_token": found[1]})
    page = browser.get(path, headers={"Accept": "text/html"})
    assert page.status_code == 200, page.text
    return page.text


async def load(port: int, script: Page) -> Tally:
    """All clients as busy as they can be, once all is warm."""
    async with connected(HOST, port, CLIENTS) as clients:
        await Run(clients, script).closely(SECONDS / 4, LEAST_ANSWERS)
        return await Run(clients, script).closely(SECONDS, LEAST_ANSWERS)


@contextmanager
def likeness(text: str) -> Iterator[int]:
    """A server of a template with the page's own text, in which each number is a constant that is put in."""
    with TemporaryDirectory(prefix="credits-bench-") as folder:
        constants = _NUMBER.findall(text)
        numbers = iter(range(len(constants)))
        template = _NUMBER.sub(lambda _: f"{{{{ values[{next(numbers)}] }}}}", text)
        (Path(folder) / _TEMPLATE).write_text(template)
        (Path(folder) / _CONSTANTS).write_text("\n".join(constants))
        port = free_port()
        with started([sys.executable, "-m", "bench.overview", folder, str(port)], Path(folder)):
            yield port


def serve_likeness(folder: str, port: int) -> None:
    """What the other process does."""
    page = Environment(loader=FileSystemLoader(folder), autoescape=True, auto_reload=False).get_template(_TEMPLATE)
    values = (Path(folder) / _CONSTANTS).read_text().split("\n")

    async def show(_request: Request) -> HTMLResponse:
        return HTMLResponse(page.render(values=values))

    app = Starlette(routes=[Route("/", show)])
    config = uvicorn.Config(app, host=HOST, port=port, access_log=False)
    uvicorn.Server(config).run(sockets=[config.bind_socket()])  # it listens before it says that it is ready


if __name__ == "__main__":
    if sys.argv[1:]:
        serve_likeness(sys.argv[1], int(sys.argv[2]))
    else:
        main()
