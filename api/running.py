"""What one serving process holds: its settings, the database, the rate decks in memory, and the sign-in's parts."""

from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.types import Scope
from strawberry.types import ExecutionResult

from api import clock
from api.devices import Devices
from api.identities import WRITE_USES_SECONDS, Identities
from api.lag import behind
from api.measures import measure_pool
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
from schema.budgets import Budget, Budgets, Overdrawn
from schema.context import Context
from schema.gathering import CallGatherer
from schema.measures import untraced
from schema.schema import schema
from schema.watching import Watching
from web.errors import Fault, NotAllowed, NotVisible

if TYPE_CHECKING:
    from api.tracing import Tracing


class Running:
    """Made once per process; the middleware and the handlers find it as `app.state.running`."""

    def __init__(self, settings: Settings, tracing: "Tracing | None" = None) -> None:
        self.settings = settings
        self.tracing = tracing
        self.around = untraced if tracing is None else tracing.operation
        self.terms = settings.terms
        self.database = settings.open_database()
        measure_pool(self.database.engine)
        if tracing is not None:
            tracing.watch(self.database.engine)
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
        self.budgets = Budgets(settings.cost_per_minute, settings.calls_cost_per_minute, clock.ticks)
        self.watching = Watching(self.database, clock.now)
        self.seats = Seats(settings.live_connections, settings.live_connections_per_viewer)
        self._is_current = False
        self._has_operator = False

    def context(self, viewer: Viewer | None, language: Language, scope: Scope, budget: Budget | None = None) -> Context:
        """What a GraphQL request works with, and what pays for it. The client's address is the one that a trusted
        proxy tells of."""
        client = scope.get("client")
        return Context(
            self.database, self.rates, viewer, language, clock.now, self.terms,
            history=self.history, base_url=self.settings.base_url, mail_leaves=self.settings.smtp_url is not None,
            providers=self.worker.providers, nudge=self.nudge, gatherer=self.gatherer, watch_keeper=self.watching,
            around=self.around, address=client and client[0], request_id=scope["state"].get("request_id"),
            budget=budget, keys=self.keys,
        )  # fmt: skip

    def nudge(self) -> None:
        """Something was written: there may be work to do, and news for those who watch."""
        self.worker.nudge()
        self.watching.nudge()

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
        return None

    def work_behind(self) -> str | None:
        """Which background work is later than is allowed, or None; it is the same for every process."""
        with self.database.reading() as session:
            return behind(session, clock.now(), self.settings.worker_lag_seconds)


class PageRun:
    """Runs the documents of one page as its reader would, with the reader's own rights.

    The first is paid for from the reader's budget. Those that follow are not: a long list that is being downloaded is
    read on and on, and must not break off.
    """

    __slots__ = ("_is_paid", "_language", "_owner", "_running", "_scope", "_viewer")

    def __init__(self, running: Running, viewer: Viewer | None, language: Language, scope: Scope, owner: str) -> None:
        self._running = running
        self._viewer = viewer
        self._language = language
        self._scope = scope
        self._owner = owner
        self._is_paid = False

    async def __call__(self, document: str, variables: dict[str, Any]) -> Any:
        """Run a document and return its data; what it may not show is raised."""
        budget = None if self._is_paid else self._running.budgets.of(self._owner)
        context = self._running.context(self._viewer, self._language, self._scope, budget)
        try:
            result = await schema.execute(document, variable_values=variables, context_value=context)
        except Overdrawn as trouble:
            headers = {"Retry-After": str(trouble.wait_seconds)}
            raise HTTPException(429, trouble.say(self._language), headers) from None
        self._is_paid = True
        if result.errors:
            raise _as_page_error(result)
        return result.data


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
