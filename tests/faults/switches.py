"""What processes do that serve switches: calls through a gatherer, many at a time, while funds come and go; and a shift
of such calls that ends where it is killed.
"""

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from credits.call_messages import (
    Authorization,
    CallAnswer,
    CallOutcome,
    Extension,
    Message,
    Release,
    Reports,
    Settlement,
)
from credits.decks import RateBook
from credits.instants import HOUR, SECOND
from credits.refusals import Refusal
from credits.terms import USUAL_TERMS
from db.session import Database, Session
from schema.gathering import CallGatherer
from tests.books import PRICED, Books, a_call
from tests.factories import NOW, make_recharge
from tests.faults.lives import die_at

LINES = 8
STATEMENTS = ("rows", "row", "execute", "execute_many", "insert", "update")


@dataclass(frozen=True)
class Line:
    """A line of a switch: what it says goes through a gatherer, about calls of one account."""

    gatherer: CallGatherer
    books: Books

    async def say(self, message: Message) -> CallAnswer:
        """Say something of a call in progress."""
        answer = await self.gatherer.post(message, self.books.now)
        assert isinstance(answer, CallAnswer)
        return answer

    async def authorize(self, call_id: str) -> CallAnswer:
        """May a call go, for ten minutes?"""
        return await self.say(Authorization(self.books.account_id, call_id, PRICED, 600))

    async def settle(self, call_id: str, seconds: int) -> CallAnswer:
        """It is over."""
        return await self.say(Settlement(self.books.account_id, call_id, seconds, NOW))

    async def report(self, call_id: str, seconds: int) -> CallOutcome:
        """It was made, says a file."""
        told = Reports(self.books.account_id, [a_call(0, call_id=call_id, duration_seconds=seconds)])
        outcomes = await self.gatherer.post(told, self.books.now)
        assert isinstance(outcomes, list)
        assert outcomes[0].refusal is None, outcomes[0].refusal
        return outcomes[0]


# ---- jostling ----


def jostle(url: str, account_ids: list[int], part: int, rounds: int) -> dict[str, int]:
    """One process among several: lines speak of calls of their own and of calls that all processes speak of, while
    funds come and go and a worker makes its rounds. Returns what each call was charged, as it was answered."""
    database = Database(url)
    rates = RateBook()
    gatherer = CallGatherer(database, rates)
    chance = random.Random(part)
    # Machines' clocks differ a little.
    accounts = [Books(database, account_id, rates, NOW + part * SECOND, USUAL_TERMS) for account_id in account_ids]
    charged: dict[str, int] = {}

    async def call(number: int) -> None:
        for turn in range(rounds):
            books = chance.choice(accounts[:2] if turn % 2 else accounts)
            call_id = f"shared-{turn}" if number % 2 else f"own-{part}-{number}-{turn}"
            charge = await _a_course(Line(gatherer, books), call_id, chance.random())
            charged[f"{books.account_id} {call_id}"] = charge

    async def everything() -> None:
        lines = [call(number) for number in range(LINES)]
        await asyncio.gather(*lines, _office(accounts, chance, part, rounds))

    asyncio.run(everything())
    database.close()
    return charged


async def _a_course(line: Line, call_id: str, luck: float) -> int:
    """A call from its first question to its end; what it was charged."""
    seconds = 10 + int(call_id[-1])
    began = await line.authorize(call_id)
    if luck < 0.3 and began.authorized:
        await line.say(Extension(line.books.account_id, call_id, 100, 600))
    if luck < 0.1:
        await line.say(Release(line.books.account_id, call_id))
    ended = await line.settle(call_id, seconds)
    if ended.error is not None:  # it was refused, and was made all the same
        return (await line.report(call_id, seconds)).charge_micros
    assert ended.call is not None
    return ended.call.charge_micros


async def _office(accounts: list[Books], chance: random.Random, part: int, rounds: int) -> None:
    """What operators and a worker do meanwhile, on threads of their own."""

    def void_newest(books: Books, key: str) -> None:
        with suppress(Refusal):  # nothing is left of it
            books.void(books.account().lot_count, idempotency_key=key)

    things: list[Callable[[Books, str], Any]] = [
        lambda books, _key: books.bring_up_to_date(),
        lambda books, key: books.grant("0.5", expires_at=NOW + HOUR, idempotency_key=key),
        lambda books, key: books.grant(1, idempotency_key=f"shared-{key.partition('-')[2]}"),
        lambda books, key: make_recharge(books.database, books.account_id, 50, idempotency_key=key, now=books.now),
        void_newest,
    ]
    for turn in range(rounds):
        await asyncio.to_thread(chance.choice(things), chance.choice(accounts), f"{part}-{turn}")


# ---- shifts that are killed ----


@dataclass(frozen=True)
class Shift:
    """The calls that a process is to make: six of each name, on its accounts in turn; and when it dies."""

    database_url: str
    account_ids: tuple[int, ...]
    names: tuple[str, ...]
    dies_at: int | None = None


# How each of the six calls ends, and what is charged for it then: its seconds, or nothing.
FATES = ("settled", "extended and settled", "released", "reported", "reported in progress", "forgotten")
CHARGED_SECONDS = (41, 42, 0, 44, 45, 0)


def work(shift: Shift) -> None:
    """Make the calls of a shift, or die on the way."""
    _die_at(shift.dies_at)
    database = Database(shift.database_url)
    rates = RateBook()
    gatherer = CallGatherer(database, rates)

    async def everything() -> None:
        calls = []
        for name in shift.names:
            for fate in range(len(FATES)):
                account_id = shift.account_ids[(fate + len(name)) % len(shift.account_ids)]
                line = Line(gatherer, Books(database, account_id, rates, NOW, USUAL_TERMS))
                calls.append(_meet(line, f"{name}-{fate}", fate))
        await asyncio.gather(*calls)

    asyncio.run(everything())
    database.close()


async def _meet(line: Line, call_id: str, fate: int) -> None:
    """Make a call and let it meet its fate; made again, nothing more comes of it."""
    seconds = CHARGED_SECONDS[fate]
    if fate != 3:
        await line.authorize(call_id)
    if fate == 1:
        await line.say(Extension(line.books.account_id, call_id, 500, 600))
    match fate:
        case 0 | 1:
            await line.settle(call_id, seconds)
        case 2:
            await line.say(Release(line.books.account_id, call_id))
        case 3 | 4:
            await line.report(call_id, seconds)


def _die_at(step: int | None) -> None:
    """Count the statements of every transaction, and the instants before and after its end."""
    pass_step = die_at(step, {Session: STATEMENTS})
    transaction = Database.transaction

    @contextmanager
    def counted(database: Database, *, hurried: bool = False) -> Iterator[Session]:
        with transaction(database, hurried=hurried) as session:
            yield session
            pass_step()
        pass_step()

    Database.transaction = counted  # type: ignore[assignment,method-assign] # that is what it is about
