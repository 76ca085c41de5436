"""Watching a balance: what is told, when, and to whom no longer."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from structlog.testing import capture_logs

from credits.instants import DAY, SECOND
from db.kinds import Role, Scope
from db.session import Database
from schema.access import Viewer
from schema.context import Context
from schema.http import Asked, results_of, subscription_results
from schema.limits import MOST_ALIASES, MOST_TOKENS
from schema.watching import Watch, Watching
from tests.factories import NOW, a_rate, make_account, make_deck, make_lot, make_test_account
from tests.schema.asking import Api, acct, person, program

PATIENCE_SECONDS = 30
EVERYTHING = """
    current { amount currency } reserved { amount } available { amount } owed { amount }
    nextExpiry callsAllowed expiring(withinDays: 30) { amount }"""
TO_GERMANY = "+4930123456"


class HandWatch(Watch):
    """A watch that is woken by hand; it tells how often it was waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = 0
        self.waited = asyncio.Condition()

    async def changed(self, within_seconds: float) -> bool:
        async with self.waited:
            self.waits += 1
            self.waited.notify_all()
        return await super().changed(PATIENCE_SECONDS)

    async def until_waited(self, times: int) -> None:
        """Return when all that came before so many waits is over."""
        async with asyncio.timeout(PATIENCE_SECONDS), self.waited:
            await self.waited.wait_for(lambda: self.waits >= times)


class Hand(Watching):
    """Notices nothing by itself."""

    def __init__(self, api: Api) -> None:
        super().__init__(api.database, lambda: api.now)
        self.hand = HandWatch()

    @contextmanager
    def watch(self, account_id: int) -> Iterator[Watch]:
        yield self.hand


def asked(selection: str, account_id: int) -> Asked:
    """A subscription to some fields of an account's balance."""
    document = f"subscription Watch($a: ID!) {{ balance(accountId: $a) {{ {selection} }} }}"
    return Asked(document, {"a": acct(account_id)}, None)


def watching_context(api: Api, **values: Any) -> Context:
    """A request's context, in a process that looks twenty times a second."""
    return replace(api.context(**values), watch_keeper=Watching(api.database, lambda: api.now, 0.05))


@asynccontextmanager
async def watching(context: Context, selection: str, account_id: int) -> AsyncIterator[Callable[[], Any]]:
    """A subscription under way; gives a function that waits for the next result."""
    async with aclosing(subscription_results(asked(selection, account_id), context)) as results:

        async def following() -> ExecutionResult:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await anext(results)

        yield following


def balance_of(result: ExecutionResult) -> Any:
    """The balance in a result that has one."""
    assert not result.errors, result.errors
    assert result.data is not None
    return result.data["balance"]


def code_of(result: ExecutionResult) -> str:
    """The code of a result's one error."""
    assert result.errors is not None
    (error,) = result.errors
    return str((error.extensions or {})["code"])


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run a test that waits."""
    asyncio.run(asyncio.wait_for(test, 2 * PATIENCE_SECONDS))


def test_the_balance_comes_at_once_and_is_what_a_query_shows(api: Api) -> None:
    account_id = make_account(api.database)
    make_lot(api.database, account_id, 100, expires_at=NOW + 10 * DAY)

    async def watch() -> Any:
        async with watching(watching_context(api), EVERYTHING, account_id) as following:
            return balance_of(await following())

    told = asyncio.run(watch())

    query = f"query Q($a: ID!) {{ account(id: $a) {{ balance {{ {EVERYTHING} }} }} }}"
    assert told == api.ask(query, a=acct(account_id))["account"]["balance"]
    assert told["available"] == {"amount": "100.00"}


def test_a_grant_through_another_connection_to_the_database_is_told(api: Api) -> None:
    account_id = make_account(api.database)
    elsewhere = Database(api.database.url)

    async def watch() -> None:
        async with watching(watching_context(api), "available { amount }", account_id) as following:
            await following()
            await asyncio.to_thread(make_lot, elsewhere, account_id, 25)

            assert balance_of(await following()) == {"available": {"amount": "25.00"}}

    run(watch())
    elsewhere.close()


def test_a_call_is_told_while_it_holds_and_when_it_is_charged(api: Api) -> None:
    make_deck(api.database, a_rate("49", "0.06"))
    account_id = make_account(api.database)
    make_lot(api.database, account_id, 10)
    authorize = "mutation A($i: AuthorizeCallInput!) { authorizeCall(input: $i) { authorized } }"
    settle = "mutation S($i: SettleCallInput!) { settleCall(input: $i) { errors { code } } }"
    call = {"accountId": acct(account_id), "callId": "c"}

    async def watch() -> None:
        selection = "available { amount } reserved { amount }"
        async with watching(watching_context(api), selection, account_id) as following:
            await following()
            asking = {**call, "to": TO_GERMANY, "requestedSeconds": 600}
            await asyncio.to_thread(api.ask, authorize, i=asking)
            held = balance_of(await following())
            await asyncio.to_thread(api.ask, settle, i={**call, "durationSeconds": 61})
            charged = balance_of(await following())

        assert held == {"available": {"amount": "9.40"}, "reserved": {"amount": "0.60"}}
        assert charged == {"available": {"amount": "9.88"}, "reserved": {"amount": "0.00"}}

    run(watch())


@pytest.mark.parametrize(
    ("lot", "told"),
    [
        ({"expires_at": NOW + 5 * SECOND}, ["100.00", "0.00"]),
        ({"starts_at": NOW + 5 * SECOND}, ["0.00", "100.00"]),
    ],
)
def test_what_time_alone_brings_is_told_with_no_worker_running(api: Api, lot: dict[str, int], told: list[str]) -> None:
    account_id = make_account(api.database)
    make_lot(api.database, account_id, 100, **lot)

    async def watch() -> None:
        async with watching(watching_context(api), "available { amount }", account_id) as following:
            before = balance_of(await following())
            api.now = NOW + 5 * SECOND
            after = balance_of(await following())

        assert [before["available"]["amount"], after["available"]["amount"]] == told

    run(watch())


def test_a_test_account_follows_its_own_clock(api: Api) -> None:
    account_id = make_test_account(api.database)
    make_lot(api.database, account_id, 100, expires_at=NOW + DAY)
    make_lot(api.database, account_id, 50)
    advance = "mutation A($i: AdvanceClockInput!) { advanceClock(input: $i) { errors { code } } }"

    async def watch() -> None:
        async with watching(watching_context(api), "available { amount } nextExpiry", account_id) as following:
            await following()
            api.now = NOW + 2 * DAY  # the machine's clock is not the account's
            values = {"accountId": acct(account_id), "to": "2026-10-02T12:00:00Z"}
            await asyncio.to_thread(api.ask, advance, i=values)

            assert balance_of(await following()) == {"available": {"amount": "50.00"}, "nextExpiry": None}

    run(watch())


def test_what_soon_expires_grows_with_time_though_the_balance_stays(
    small_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schema.live.ASKED_AGAIN_SECONDS", 0.01)
    monkeypatch.setattr("schema.live._COMPUTED_AGAIN", 1)
    account_id = make_account(small_api.database)
    make_lot(small_api.database, account_id, 100, expires_at=NOW + 31 * DAY)

    async def watch() -> None:
        async with watching(
            watching_context(small_api), "expiring(withinDays: 30) { amount }", account_id
        ) as following:
            before = balance_of(await following())
            small_api.now = NOW + DAY
            after = balance_of(await following())

        assert (before["expiring"]["amount"], after["expiring"]["amount"]) == ("0.00", "100.00")

    run(watch())


def test_what_was_not_asked_for_is_not_told(api: Api) -> None:
    account_id = make_account(api.database)

    async def watch() -> None:
        keeper = Hand(api)
        context = replace(api.context(), watch_keeper=keeper)
        async with watching(context, "owed { amount } callsAllowed", account_id) as following:
            first = balance_of(await following())
            waiting = asyncio.create_task(following())
            await keeper.hand.until_waited(1)
            await asyncio.to_thread(make_lot, api.database, account_id, 10)
            keeper.hand.wake()
            second = balance_of(await waiting)
            waiting = asyncio.create_task(following())
            await keeper.hand.until_waited(2)
            await asyncio.to_thread(make_lot, api.database, account_id, 10)
            keeper.hand.wake()
            await keeper.hand.until_waited(3)

            assert [first["callsAllowed"], second["callsAllowed"]] == [False, True]
            assert not waiting.done()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    run(watch())


def test_a_slow_reader_gets_the_latest_and_nothing_in_between(api: Api) -> None:
    account_id = make_account(api.database)

    async def watch() -> None:
        async with watching(watching_context(api), "available { amount }", account_id) as following:
            await following()
            for _ in range(5):
                await asyncio.to_thread(make_lot, api.database, account_id, 1)

            assert balance_of(await following()) == {"available": {"amount": "5.00"}}

    run(watch())


def test_two_who_watch_one_account_are_both_told_and_one_who_leaves_takes_nothing_along(small_api: Api) -> None:
    account_id = make_account(small_api.database)
    keeper = Watching(small_api.database, lambda: small_api.now, 0.05)

    async def watch() -> None:
        one, two = (replace(small_api.context(), watch_keeper=keeper) for _ in range(2))
        async with watching(one, "available { amount }", account_id) as staying:
            await staying()
            async with watching(two, "current { amount }", account_id) as leaving:
                await leaving()
                await asyncio.to_thread(make_lot, small_api.database, account_id, 1)
                assert balance_of(await leaving()) == {"current": {"amount": "1.00"}}
                assert balance_of(await staying()) == {"available": {"amount": "1.00"}}
            await asyncio.to_thread(make_lot, small_api.database, account_id, 1)
            assert balance_of(await staying()) == {"available": {"amount": "2.00"}}
            assert keeper.is_looking
        assert not keeper.is_looking

    run(watch())


@pytest.mark.parametrize(
    ("by_now", "code"),
    [
        (lambda account_id: None, "UNAUTHENTICATED"),
        (lambda account_id: person(Role.ADMIN, account_id + 1), "NOT_FOUND"),
        (lambda account_id: program(account_id, Scope.RATES), "FORBIDDEN"),
    ],
)
def test_whoever_may_not_see_it_any_more_is_told_so_and_nothing_else(
    small_api: Api, monkeypatch: pytest.MonkeyPatch, by_now: Callable[[int], Viewer | None], code: str
) -> None:
    monkeypatch.setattr("schema.live.ASKED_AGAIN_SECONDS", 0.01)
    account_id = make_account(small_api.database)

    async def watch() -> None:
        context = watching_context(small_api, viewer=person(Role.VIEWER, account_id))
        async with aclosing(subscription_results(asked("available { amount }", account_id), context)) as results:
            balance_of(await anext(results))
            context.viewer_now = lambda: by_now(account_id)
            make_lot(small_api.database, account_id, 1)
            rest = [result async for result in results]

        assert [(result.data, code_of(result)) for result in rest] == [(None, code)]

    run(watch())


def test_a_fault_ends_it_by_a_number_that_the_log_knows(small_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    account_id = make_account(small_api.database)

    def broken(*_: Any) -> None:
        raise RuntimeError("the password is swordfish")

    async def watch() -> list[ExecutionResult]:
        context = replace(small_api.context(), watch_keeper=Hand(small_api))
        return [result async for result in results_of(asked("available { amount }", account_id), context)]

    monkeypatch.setattr(Database, "reading", broken)
    with capture_logs() as logs:
        (result,) = asyncio.run(watch())

    assert code_of(result) == "INTERNAL"
    assert "swordfish" not in str(result)
    assert [line["event"] for line in logs] == ["fault"]


ALIASES = " ".join(f"a{number}: callsAllowed" for number in range(MOST_ALIASES + 1))


@pytest.mark.parametrize(
    "document",
    [
        "subscription {",
        "subscription { nothing }",
        "subscription { balance { available { amount } } }",
        'subscription { balance(accountId: "\\u0000") { available { amount } } }',
        'subscription { a: balance(accountId: "x") { callsAllowed } b: balance(accountId: "x") { callsAllowed } }',
        f'subscription {{ balance(accountId: "x") {{ {ALIASES} }} }}',
        f'subscription {{ balance(accountId: "x") {{ {"callsAllowed " * MOST_TOKENS} }} }}',
        "subscription A { __typename } subscription B { __typename }",
        "fragment F on Balance { callsAllowed }",
    ],
)
def test_the_limits_and_rules_of_queries_hold_here_too(small_api: Api, document: str) -> None:
    async def watch() -> list[ExecutionResult]:
        return [result async for result in results_of(Asked(document, None, None), small_api.context())]

    with capture_logs() as logs:
        (result,) = asyncio.run(watch())

    assert result.data is None
    assert result.errors
    assert {(error.extensions or {})["code"] for error in result.errors} == {"BAD_USER_INPUT"}
    assert logs == []


def test_variables_that_no_database_keeps_are_the_callers_mistake(small_api: Api) -> None:
    document = "subscription Watch($a: ID!) { balance(accountId: $a) { callsAllowed } }"

    async def watch() -> ExecutionResult:
        return await anext(subscription_results(Asked(document, {"a": "\0"}, None), small_api.context()))

    assert code_of(asyncio.run(watch())) == "BAD_USER_INPUT"


def test_a_query_and_a_mutation_have_one_result_each(small_api: Api) -> None:
    async def results(document: str) -> list[Any]:
        return [result.data async for result in results_of(Asked(document, None, None), small_api.context())]

    create = 'mutation { createAccount(input: { name: "New", currency: "USD" }) { account { name } } }'

    assert asyncio.run(results("{ viewer { name } }")) == [{"viewer": {"name": "operator@example.com"}}]
    assert asyncio.run(results(create)) == [{"createAccount": {"account": {"name": "New"}}}]
