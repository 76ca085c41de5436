"""What each caller may ask for in a minute, by a clock that the test moves."""

import asyncio
from contextlib import aclosing

import pytest

from schema.budgets import REMEMBERED, Budget, Budgets, Overdrawn
from schema.http import Asked, results_of
from schema.schema import schema
from tests.factories import make_account
from tests.schema.asking import OPERATOR, Api, acct


class Ticks:
    """A clock in seconds."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticks() -> Ticks:
    """The clock of a test."""
    return Ticks()


def take(budget: Budget, points: int, *, is_of_calls: bool = False) -> int:
    """Pay for something."""
    return budget.take(points, is_of_calls=is_of_calls)


def test_a_budget_pays_until_it_is_used_up_to_the_point(ticks: Ticks) -> None:
    budget = Budget(600, 6_000, ticks)

    assert take(budget, 599) == 1
    assert take(budget, 1) == 0
    with pytest.raises(Overdrawn) as trouble:
        take(budget, 1)
    assert (trouble.value.points, trouble.value.left, trouble.value.wait_seconds) == (1, 0, 1)


def test_points_come_back_evenly_and_never_above_a_minutes_worth(ticks: Ticks) -> None:
    budget = Budget(600, 6_000, ticks)
    take(budget, 600)

    ticks.now += 1.5
    assert take(budget, 0) == 15
    ticks.now += 3_600
    assert take(budget, 0) == 600


def test_what_is_refused_takes_nothing_and_succeeds_after_the_wait_that_was_told(ticks: Ticks) -> None:
    budget = Budget(600, 6_000, ticks)
    take(budget, 500)

    with pytest.raises(Overdrawn) as trouble:
        take(budget, 200)
    assert trouble.value.left == 100
    ticks.now += trouble.value.wait_seconds - 0.1
    with pytest.raises(Overdrawn):
        take(budget, 200)
    ticks.now += 0.1
    assert take(budget, 200) == 0


def test_calls_are_paid_from_a_budget_of_their_own(ticks: Ticks) -> None:
    budget = Budget(600, 6_000, ticks)
    take(budget, 600)

    assert take(budget, 6_000, is_of_calls=True) == 0
    with pytest.raises(Overdrawn):
        take(budget, 1, is_of_calls=True)


def test_each_caller_has_one_budget_and_those_away_for_longest_are_forgotten(ticks: Ticks) -> None:
    budgets = Budgets(600, 6_000, ticks)
    first, second = budgets.of("first"), budgets.of("second")
    for number in range(REMEMBERED - 2):
        budgets.of(f"token {number}")
    assert budgets.of("first") is first

    budgets.of("one more")

    assert budgets.of("first") is first
    assert budgets.of("second") is not second


def test_an_answer_says_what_is_left(small_api: Api, ticks: Ticks) -> None:
    context = small_api.context(OPERATOR)
    context.budget = Budget(600, 6_000, ticks)

    result = asyncio.run(schema.execute("{ accounts { nodes { id } } }", context_value=context))

    assert result.extensions == {"cost": {"requested": 21, "allowed": 10_000, "left": 579}}


def test_what_costs_more_than_anything_may_is_not_paid(small_api: Api, ticks: Ticks) -> None:
    context = small_api.context(OPERATOR)
    context.budget = Budget(600, 6_000, ticks)
    text = "{ accounts(first: 200) { nodes { lots(first: 200) { nodes { id } } } } }"

    asyncio.run(schema.execute(text, context_value=context))

    assert take(context.budget, 0) == 600


@pytest.mark.parametrize(
    "text",
    [
        "query ($a: ID!) { account(id: $a) { id } }",
        "subscription ($a: ID!) { balance(accountId: $a) { callsAllowed } }",
    ],
)
def test_over_a_connection_that_lasts_an_operation_that_cannot_be_paid_ends_with_an_error(
    small_api: Api, ticks: Ticks, text: str
) -> None:
    account = acct(make_account(small_api.database))
    context = small_api.context(OPERATOR)
    context.budget = Budget(600, 6_000, ticks)
    take(context.budget, 600)

    async def first() -> list[object]:
        async with aclosing(results_of(Asked(text, {"a": account}, None), context)) as results:
            return [result async for result in results]

    (result,) = asyncio.run(first())

    (error,) = result.errors  # type: ignore[attr-defined]
    assert error.extensions == {"code": "LIMIT_EXCEEDED", "retryAfterSeconds": 1}
