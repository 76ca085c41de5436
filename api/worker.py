"""The background work: what falls due as time passes, recharges to take up, answers to ask for again, mail to send.

It never decides whether funds may be spent (that follows from the time alone), so it may run late, in several
processes at once, or not at all for a while. Everything is found by when it is due, done in a transaction of its own,
and taken under the account's lock or with a lease, so that several workers never do a thing twice.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import structlog
from structlog.contextvars import bound_contextvars

from api import clock
from api.acting import act_on_kept_event
from api.link_mail import send_due_links
from api.mail import Mailer, send_due_notices
from api.measures import count_job, note_round
from credits.due import accounts_with_something_due, bring_up_to_date
from credits.events import events_due
from credits.instants import HOUR, MINUTE
from credits.keys import Keys
from credits.leftovers import sweep, tables_to_sweep
from credits.payment_methods import ask_about_card_setup, card_setups_due
from credits.providers import Providers
from credits.recharging import drive, recharges_due
from credits.refunds import drive_refund, refunds_due
from credits.refusals import Refusal
from credits.terms import Terms
from db.session import Database, Session

log = structlog.get_logger("credits.worker")

# However often it is nudged, the worker looks no more often than this.
SHORTEST_ROUND_SECONDS = 0.5
# How many things are looked up at a time.
LISTED_AT_ONCE = 500
# How many questions to a payment provider may be open at a time.
ASKED_AT_ONCE = 8
# How long a thing that failed is left alone: doubled each time, up to the last.
LEFT_ALONE, LEFT_ALONE_AT_MOST = MINUTE // 4, HOUR


@dataclass(frozen=True, slots=True)
class Desk:
    """One kind of work: how to find so many that are due, and how to do one. Doing returns how many things that were.

    What waits for a payment provider is done several `at_once`, so that a slow answer holds up few.
    """

    kind: str
    due: Callable[[Session, int, int], Sequence[Any]]
    do: Callable[[Any, int], int]
    at_once: int = 1


@dataclass(frozen=True, slots=True)
class Post:
    """How mail leaves: through what, from whom, and with links to where."""

    mailer: Mailer
    sender: str
    base_url: str
    keys: Keys = field(default_factory=Keys)


class Loop:
    """Does a round of work every so often, or when nudged, on a thread of its own, until it is told to stop."""

    def __init__(self, name: str, work: Callable[[], int], *, interval_seconds: float) -> None:
        self.name = name
        self.interval_seconds = interval_seconds
        self._work = work
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def is_stopping(self) -> bool:
        """It was told to stop."""
        return self._stop.is_set()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def nudge(self) -> None:
        """There may be something to do at once."""
        self._wake.set()

    def stop(self) -> None:
        """Finish the thing at hand."""
        self._stop.set()
        self._wake.set()

    def join(self) -> None:
        """Wait until it has stopped."""
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self.is_stopping:
            began = time.monotonic()
            try:
                self._work()
                note_round(self.name)
            except Exception:  # a database that is away for a while comes back
                log.exception("round_failed", loop=self.name)
            self._wake.wait(self.interval_seconds)
            self._wake.clear()
            self._stop.wait(max(0.0, SHORTEST_ROUND_SECONDS - (time.monotonic() - began)))


class Worker:
    """Three loops: what time brings about, what waits for a payment provider, and what waits for the mail server."""

    def __init__(
        self, database: Database, terms: Terms, providers: Providers, post: Post, *, interval_seconds: float
    ) -> None:
        self.database = database
        self.terms = terms
        self.providers = providers
        self.post = post
        self._is_stopping = threading.Event()
        self._left_alone: dict[tuple[str, Any], tuple[int, int]] = {}
        self._books = (
            Desk("account", accounts_with_something_due, self._bring_up_to_date),
            Desk("leftovers", tables_to_sweep, self._sweep),
        )
        self._money = (
            Desk("recharge", recharges_due, self._drive, ASKED_AT_ONCE),
            Desk("refund", refunds_due, self._drive_refund, ASKED_AT_ONCE),
            Desk("card_setup", card_setups_due, self._ask_about_card_setup, ASKED_AT_ONCE),
            Desk("message", events_due, self._act_on_event, ASKED_AT_ONCE),
        )
        self._loops = {
            name: Loop(name, work, interval_seconds=interval_seconds)
            for name, work in (("time", self.keep_books), ("money", self.ask_providers), ("mail", self.send_mail))
        }

    def do_money(self, at: int | None = None) -> int:
        """Do all that is due but mail, each thing as of when it begins, or at the instant that is handed in.

        Returns how many things. One thing's fault stops no other.
        """
        return self.keep_books(at) + self.ask_providers(at)

    def keep_books(self, at: int | None = None) -> int:
        """Do what time brings about in accounts; it waits for nobody else."""
        done = self._clear(self._books, at)
        if done:
            self._loops["money"].nudge()
        return done

    def ask_providers(self, at: int | None = None) -> int:
        """Do what a payment provider has to be asked about."""
        return self._clear(self._money, at)

    def send_mail(self) -> int:
        """Send the links and notices that are due; returns how many the mail server took."""
        post, stop = self.post, self._is_stopping.is_set
        links = send_due_links(
            self.database, post.mailer, post.keys,
            sender=post.sender, base_url=post.base_url, now=clock.now, stop=stop,
        )  # fmt: skip
        sent = send_due_notices(
            self.database, post.mailer, sender=post.sender, base_url=post.base_url, now=clock.now, stop=stop
        )
        if links or sent:
            log.info("mailed", notices=sent, links=links)
        return links + sent

    def nudge(self) -> None:
        """Something was written that may be due at once."""
        for loop in self._loops.values():
            loop.nudge()

    def start(self) -> None:
        """Work on threads of its own."""
        for loop in self._loops.values():
            loop.start()

    def ask_to_stop(self) -> None:
        """Finish the things at hand."""
        self._is_stopping.set()
        for loop in self._loops.values():
            loop.stop()

    def wait(self) -> None:
        """Return when all has stopped."""
        for loop in self._loops.values():
            loop.join()

    def stop(self) -> None:
        """Finish the things at hand, and return when done."""
        self.ask_to_stop()
        self.wait()

    def _clear(self, desks: Sequence[Desk], at: int | None) -> int:
        """Do all that is due at some desks, and have its mail sent."""
        now = clock.now if at is None else lambda: at
        done = {desk.kind: self._clear_desk(desk, now) for desk in desks}
        if any(done.values()):
            log.info("worked", **{kind: count for kind, count in done.items() if count})
            self._loops["mail"].nudge()
        return sum(done.values())

    def _clear_desk(self, desk: Desk, now: Callable[[], int]) -> int:
        """Do each thing once, list by list. What stays due after that makes the lists longer, so that it hides nothing
        that comes after it."""
        done, attempted, still_due = 0, set[Any](), set[Any]()
        with ThreadPoolExecutor(desk.at_once, thread_name_prefix=desk.kind) as pool:
            while not self._is_stopping.is_set():
                limit = LISTED_AT_ONCE + len(still_due)
                with self.database.reading() as session:
                    due = desk.due(session, now(), limit)
                fresh = [thing for thing in due if thing not in attempted]
                still_due.update(attempted.intersection(due))
                attempted.update(fresh)
                if desk.at_once == 1 or len(fresh) == 1:
                    done += sum(self._attempt(desk, thing, now()) for thing in fresh)
                else:
                    done += sum(pool.map(lambda thing: self._attempt(desk, thing, now()), fresh))
                if len(due) < limit:
                    break
        return done

    def _attempt(self, desk: Desk, thing: Any, now: int) -> int:
        """Do one thing. One that fails is logged and left alone for a while, longer each time."""
        key = (desk.kind, thing)
        until, pause = self._left_alone.get(key, (0, LEFT_ALONE))
        if now < until or self._is_stopping.is_set():
            return 0
        try:
            with bound_contextvars(kind=desk.kind, thing=thing):
                done = desk.do(thing, now)
        except Exception as fault:
            count_job(desk.kind, "refused" if isinstance(fault, Refusal) else "failed")
            if isinstance(fault, Refusal):  # the provider is away, or none is set
                log.warning("work_refused", kind=desk.kind, thing=thing, reason=fault.message)
            else:
                log.exception("work_failed", kind=desk.kind, thing=thing)
            self._left_alone[key] = (now + pause, min(2 * pause, LEFT_ALONE_AT_MOST))
            return 0
        self._left_alone.pop(key, None)
        count_job(desk.kind, "done")
        return done

    def _bring_up_to_date(self, account_id: int, now: int) -> int:
        with self.database.transaction() as session:
            return bring_up_to_date(session, account_id, now, self.terms)

    def _sweep(self, table: str, now: int) -> int:
        with self.database.transaction() as session:
            return sweep(session, table, now)

    def _drive(self, recharge: tuple[int, int], now: int) -> int:
        account_id, recharge_no = recharge
        drive(
            self.database, self.providers,
            account_id=account_id, recharge_no=recharge_no, now=now, terms=self.terms,
        )  # fmt: skip
        return 1

    def _drive_refund(self, refund: tuple[int, int], now: int) -> int:
        account_id, refund_no = refund
        drive_refund(
            self.database, self.providers, account_id=account_id, refund_no=refund_no, now=now, terms=self.terms
        )
        return 1

    def _act_on_event(self, event_id: str, now: int) -> int:
        return int(act_on_kept_event(self.database, self.providers, self.terms, event_id, now))

    def _ask_about_card_setup(self, setup: tuple[int, int], now: int) -> int:
        account_id, setup_no = setup
        return int(
            ask_about_card_setup(
                self.database, self.providers, account_id=account_id, setup_no=setup_no, now=now, terms=self.terms
            )
        )
