"""One life of a process that recharges: it does what it was told, and may be killed at any of its steps.

A step is a statement sent to the database, or a request to the payment provider, before it and after it. A life runs
in a process of its own, and is ended by SIGKILL: nothing is rolled back, closed or said goodbye to.
"""

import itertools
import logging
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from api import worker as worker_module
from api.mail import Folder
from api.stripe_provider import StripeProvider
from api.worker import Post, Worker
from credits.instants import DAY
from credits.providers import Providers
from credits.recharging import recharge
from credits.terms import Terms
from db.session import Database, Session

STATEMENTS = ("rows", "row", "execute", "execute_many", "insert")
REQUESTS = ("customer", "card", "prepare", "take", "look", "cancel", "refund")
TERMS = Terms(usual_minimum_recharge_units=1)


@dataclass(frozen=True)
class Life:
    """What a process is to do: buy by hand under a key (or nothing), then the worker's round on so many
    days; and when it dies."""

    database_url: str
    stripe_url: str
    stripe_key: str
    now: int
    dies_at: int | None = None
    buys: tuple[int, int, str] | None = None
    days: int = 1


def live(life: Life) -> None:
    """Do it, or die on the way."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))  # lost answers are expected
    worker_module.log = Loud()
    die_at(life.dies_at, {Session: STATEMENTS}, {StripeProvider: REQUESTS})
    database = Database(life.database_url, pool_size=4)
    stripe = StripeProvider(life.stripe_key, api_base=life.stripe_url, timeout_seconds=5)
    providers = Providers(stripe, "https://credits.example")
    if life.buys is not None:
        account_id, amount_micros, key = life.buys
        recharge(
            database, providers, account_id=account_id, amount_micros=amount_micros, idempotency_key=key, now=life.now,
            terms=TERMS,
        )  # fmt: skip
    post = Post(Folder(Path(os.devnull)), "credits@example.com", "https://credits.example")
    worker = Worker(database, TERMS, providers, post, interval_seconds=60)
    for day in range(life.days):
        while worker.do_money(life.now + day * DAY):
            pass
    database.close()


class Loud:
    """What the worker would log as its own fault and live with ends this life, and the test."""

    def info(self, *_: object, **__: object) -> None:
        """Nothing to worry about."""

    def warning(self, *_: object, **__: object) -> None:
        """Raise it again."""
        raise

    def exception(self, *_: object, **__: object) -> None:
        """Raise it again."""
        raise


def die_at(
    step: int | None, before: Mapping[type, Sequence[str]], around: Mapping[type, Sequence[str]] | None = None
) -> Callable[[], None]:
    """Count every step from now on, and end the process at one of them (None: at none): the instant before each of
    some methods is called, and, of others, also the one after. Returns what counts any other step."""
    numbers = itertools.count(1)

    def pass_step() -> None:
        if next(numbers) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(run: Callable[..., Any], *, also_after: bool) -> Callable[..., Any]:
        def die_or_run(*arguments: Any, **values: Any) -> Any:
            pass_step()
            answer = run(*arguments, **values)
            if also_after:
                pass_step()
            return answer

        return die_or_run

    for methods, also_after in ((before, False), (around or {}, True)):
        for owner, names in methods.items():
            for name in names:
                setattr(owner, name, counted(getattr(owner, name), also_after=also_after))
    return pass_step
