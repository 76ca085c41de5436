"""The background work: writes down what has fallen due, account by account, each in its own transaction.

It never decides whether funds may be spent (that follows from the time alone), so it may run late, in
several processes at once, or not at all for a while.
"""

import threading

import structlog

from api import clock
from credits.due import accounts_with_something_due, bring_up_to_date
from credits.terms import Terms
from db.session import Database

log = structlog.get_logger("credits.worker")


class Bookkeeper:
    """Looks every so often for accounts that have something due, until it is told to stop."""

    def __init__(self, database: Database, terms: Terms, *, interval_seconds: float) -> None:
        self.database = database
        self.terms = terms
        self.interval_seconds = interval_seconds
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def run_once(self, now: int) -> int:
        """Do all that is due at an instant; returns how many things that were. One account's fault stops no other."""
        with self.database.reading() as session:
            due = accounts_with_something_due(session, now)
        done = 0
        for account_id in due:
            if self._stop.is_set():
                break
            try:
                with self.database.transaction() as session:
                    done += bring_up_to_date(session, account_id, now, self.terms)
            except Exception:  # logged, and tried again at the next round
                log.exception("bookkeeping_failed", account=account_id)
        if done:
            log.info("bookkeeping", accounts=len(due), done=done)
        return done

    def run(self) -> None:
        """Work until `stop` is called."""
        while not self._stop.is_set():
            try:
                self.run_once(clock.now())
            except Exception:  # a database that is away for a while comes back
                log.exception("bookkeeping_failed")
            self._stop.wait(self.interval_seconds)

    def start(self) -> None:
        """Work on a thread of its own."""
        self._thread = threading.Thread(target=self.run, name="bookkeeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the account at hand, and return when done."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
