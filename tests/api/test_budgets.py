"""Rate limits: each person and each token has a budget of its own; whoever has used it up hears when to come again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from db.kinds import Scope
from db.session import Database
from schema.limits import MOST_COST
from tests.api.conftest import ALICE, OLGA, House, ask, csrf_token, open_house

COSTLY = "{ accounts(first: 199) { nodes { lots(first: 48) { nodes { id } } } } }"
CALL = 'mutation { releaseCall(input: {accountId: "%s", callId: "c"}) { errors { code } } }'


@pytest.fixture
def poor_house(sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """The app, where nobody may ask for more in a minute than one costly question, and the minute does not pass."""
    monkeypatch.setattr("api.clock.ticks", lambda: 1_000.0)
    with open_house(sqlite_database, tmp_path, cost_per_minute=MOST_COST, calls_cost_per_minute=MOST_COST) as house:
        yield house


def ask_by(house: House, token: str, query: str = COSTLY) -> Any:
    """Ask as a program."""
    return ask(house.client(), query, Authorization=f"Bearer {token}")


def test_a_token_that_has_used_up_its_budget_is_told_when_to_come_again(poor_house: House) -> None:
    token = poor_house.token(Scope.READ)
    first = ask_by(poor_house, token)

    second = ask_by(poor_house, token)

    assert first.status_code == 200
    assert first.json()["extensions"]["cost"]["requested"] == 9_951
    assert second.status_code == 429
    (error,) = second.json()["errors"]
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert second.headers["retry-after"] == str(error["extensions"]["retryAfterSeconds"])
    assert 59 <= int(second.headers["retry-after"]) <= 60
    assert "data" not in second.json()


def test_another_token_and_another_person_are_not_held_back(poor_house: House) -> None:
    alice, olga = poor_house.signed_in(ALICE), poor_house.signed_in(OLGA)
    for _ in range(2):
        spent = ask(alice, COSTLY, **{"X-CSRF-Token": csrf_token(alice)})
        ask_by(poor_house, (token := poor_house.token(Scope.READ)))

    assert spent.status_code == 429
    assert ask_by(poor_house, token).status_code == 429
    assert ask(olga, COSTLY, **{"X-CSRF-Token": csrf_token(olga)}).status_code == 200
    assert ask_by(poor_house, poor_house.token(Scope.READ)).status_code == 200


def test_a_report_keeps_no_call_of_the_same_token_from_going(poor_house: House) -> None:
    token = poor_house.token(Scope.READ, Scope.CALLS)
    ask_by(poor_house, token)
    assert ask_by(poor_house, token).status_code == 429

    assert ask_by(poor_house, token, CALL % poor_house.account).status_code == 200


def test_a_page_is_paid_by_its_reader_who_sees_a_page_that_says_so(poor_house: House) -> None:
    alice = poor_house.signed_in()
    assert alice.get(f"/accounts/{poor_house.account}/lots").status_code == 200
    ask(alice, COSTLY.replace("199", "190"), **{"X-CSRF-Token": csrf_token(alice)})

    refused = alice.get(f"/accounts/{poor_house.account}/ledger", headers={"Accept": "text/html"})

    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert "Try again in" in refused.text


def test_a_subscription_that_cannot_be_paid_is_refused_before_its_stream_begins(poor_house: House) -> None:
    token = poor_house.token(Scope.READ)
    ask_by(poor_house, token)
    ask_by(poor_house, token, "{ accounts(first: 47) { nodes { id } } }")
    watching = f'subscription {{ balance(accountId: "{poor_house.account}") {{ owed {{ amount }} }} }}'

    answer = ask(poor_house.client(), watching, Authorization=f"Bearer {token}", Accept="text/event-stream")

    assert answer.status_code == 429
    assert "retry-after" in answer.headers


def test_by_default_a_switch_of_two_thousand_calls_a_second_is_never_refused(house: House) -> None:
    budget = house.app.state.running.budgets.of("token of a busy switch")
    shape = "authorized maxDurationSeconds refusal errors { code message } call { id charge { amount } }"
    values = f'accountId: "{house.account}", callId: "c", to: "+4930123456"'
    authorize = f"mutation {{ authorizeCall(input: {{{values}}}) {{ {shape} }} }}"

    cost = ask_by(house, house.token(Scope.CALLS), authorize).json()["extensions"]["cost"]["requested"]

    calls, requests_each = 2_000 * 60, 3
    assert cost == 4
    assert budget.take(calls * requests_each * cost, is_of_calls=True) > 0
