"""What one serving process holds: its settings, the database, the rate decks in memory, and the sign-in's parts."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import Scope
from strawberry.types import ExecutionResult

from api import clock
from api.devices import Devices
from api.identities import WRITE_USES_SECONDS, Identities
from api.seats import Seats
from api.sessions import Sessions
from api.settings import Settings
from api.worker import Loop
from api.working import worker_of
from credits.decks import RateBook
from credits.history import History
from credits.instants import HOUR
from credits.keys import Keys
from credits.language import Language
from credits.people import any_operator
from db import migrations
from schema.access import Viewer
from schema.context import Context
from schema.gathering import CallGatherer
from schema.schema import schema
from schema.watching import Watching
from web.errors import Fault, NotAllowed, NotVisible


class Running:
    """Made once per process; the middleware and the handlers find it as `app.state.running`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.terms = settings.terms
        self.database = settings.open_database()
        self.rates = RateBook()
        self.history = History()
        self.gatherer = CallGatherer(self.database, self.rates, self.terms)
        self.worker = worker_of(settings, self.database)
        self.sessions = Sessions(
            settings.signing_key, is_https=settings.is_https, lifetime=settings.session_hours * HOUR
        )
        self.devices = Devices(settings.signing_key, is_https=settings.is_https)
        self.keys = Keys(settings.signing_key)
        self.identities = Identities(self.database, self.sessions)
        self.watching = Watching(self.database, clock.now)
        self.seats = Seats(settings.live_connections, settings.live_connections_per_viewer)
        self._is_current = False
        self._has_operator = False

    def context(self, viewer: Viewer | None, language: Language, scope: Scope) -> Context:
        """What a GraphQL request works with. The client's address is the one that a trusted proxy tells of."""
        client = scope.get("client")
        return Context(
            self.database, self.rates, viewer, language, clock.now, self.terms,
            history=self.history, base_url=self.settings.base_url, mail_leaves=self.settings.smtp_url is not None,
            providers=self.worker.providers, nudge=self.nudge, gatherer=self.gatherer, watch_keeper=self.watching,
            address=client and client[0], request_id=scope["state"].get("request_id"), keys=self.keys,
        )  # fmt: skip

    def nudge(self) -> None:
        """Something was written: there may be work to do, and news for those who watch."""
        self.worker.nudge()
        self.watching.nudge()

    async def run(
        self, viewer: Viewer | None, language: Language, scope: Scope, document: str, variables: dict[str, Any]
    ) -> Any:
        """Run a page's own document as its reader would, and return the data; what it may not show is raised."""
        context = self.context(viewer, language, scope)
        result = await schema.execute(document, variable_values=variables, context_value=context)
        if isinstance(result, ExecutionResult) and result.errors:
            raise _as_page_error(result)
        return result.data

    def has_operator(self) -> bool:
        """Tell whether there is an operator yet; once there is one, there is one for good."""
        if not self._has_operator:
            with self.database.reading() as session:
                self._has_operator = any_operator(session)
        return self._has_operator

    def start(self) -> Loop:
        """Start what goes on beside the requests; the loop that is returned writes down which tokens are used."""
        uses = Loop("token_uses", self.identities.write_uses, interval_seconds=WRITE_USES_SECONDS)
        uses.start()
        if self.settings.worker:
            self.worker.start()
        return uses

    def stop(self, uses: Loop) -> None:
        """Finish what is at hand, write down what was kept for later, and close the database."""
        uses.stop()
        self.worker.stop()
        uses.join()
        try:
            self.identities.write_uses()
        finally:
            self.database.close()

    def not_ready(self) -> str | None:
        """Why this process should get no requests yet, or None. Migrations are compared until they once agree."""
        if not self._is_current:
            differences = migrations.check(self.database)
            if differences:
                return differences[0]
            self._is_current = True
        with self.database.reading() as session:
            session.row("SELECT 1")
        return None


def _as_page_error(result: ExecutionResult) -> Exception:
    """The page for the gravest of the errors: our fault before the reader's."""
    assert result.errors
    by_code = {(error.extensions or {}).get("code"): error for error in reversed(result.errors)}
    if "INTERNAL" in by_code:
        return Fault((by_code["INTERNAL"].extensions or {})["incidentId"])
    if "NOT_FOUND" in by_code:
        return NotVisible()
    if "FORBIDDEN" in by_code:
        return NotAllowed()
    if "UNAUTHENTICATED" in by_code:
        return HTTPException(401)
    return HTTPException(422, result.errors[0].message)
