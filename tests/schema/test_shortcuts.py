"""Inputs that are read on the shorter way are those that the library reads; whatever is unusual is left to it."""

import asyncio
from typing import Any

import graphql
import pytest
from graphql import parse

from schema.schema import schema
from schema.straight import laid_out
from tests.factories import make_account
from tests.schema.asking import Api, acct

SCHEMA = schema._schema

AUTHORIZE = (
    "mutation($asked: AuthorizeCallInput!) { authorizeCall(input: $asked) { authorized errors { code field } } }"
)
SETTLE = "mutation($asked: SettleCallInput!) { settleCall(input: $asked) { call { status } errors { code field } } }"
CALL = {"accountId": "acct_1", "callId": "c", "to": "+4930123456"}
WRONG: list[Any] = [
    None,
    "c",
    [],
    {},
    {"accountId": "acct_1"},
    {**CALL, "to": None},
    {**CALL, "to": 5},
    {**CALL, "service": "NONE"},
    {**CALL, "service": None},
    {**CALL, "requestedSeconds": 1.5},
    {**CALL, "requestedSeconds": 2**40},
    {**CALL, "requestedSeconds": None},
    {**CALL, "more": 1},
]
USUAL: list[dict[str, Any]] = [
    CALL,
    {**CALL, "accountId": 7},
    {**CALL, "from": None, "userId": None},
    {**CALL, "from": "+1", "userId": "user_1-1", "service": "USER_OUT", "requestedSeconds": 5},
]


def asked_shortly(document: str, variables: dict[str, Any]) -> Any:
    """The input that a resolver would be handed; None when the library is to read it."""
    straight = laid_out(SCHEMA, parse(document))
    assert straight is not None
    assert straight._shortcut is not None, "it has a shorter way"
    return straight._shortcut.read(variables)


@pytest.mark.parametrize("value", USUAL)
def test_an_input_is_read_as_the_library_reads_it(value: dict[str, Any]) -> None:
    asked = asked_shortly(AUTHORIZE, {"asked": value})

    kind = SCHEMA.type_map["AuthorizeCallInput"]
    coerced = graphql.utilities.coerce_input_value(value, kind)  # type: ignore[arg-type]
    names = {"account_id": "accountId", "call_id": "callId", "from_": "from", "user_id": "userId",
             "requested_seconds": "requestedSeconds"}  # fmt: skip
    assert vars(asked) == {name: coerced.get(names.get(name, name)) for name in vars(asked)}


@pytest.mark.parametrize("value", WRONG)
def test_what_is_unusual_is_left_to_the_library_which_says_what_is_wrong(value: Any) -> None:
    straight = laid_out(SCHEMA, parse(AUTHORIZE))
    assert straight is not None

    if value != {**CALL, "requestedSeconds": None}:
        assert asked_shortly(AUTHORIZE, {"asked": value}) is None
    result = asyncio.run(straight.run({"asked": value}, None))

    assert result.errors is not None


def test_without_variables_the_library_says_what_is_missing() -> None:
    assert asked_shortly(AUTHORIZE, {}) is None


@pytest.mark.parametrize(
    "document",
    [
        'mutation($a: ReleaseCallInput! = {accountId: "a", callId: "c"}) { releaseCall(input: $a) { call { id } } }',
        'mutation { authorizeCall(input: {accountId: "acct_1", callId: "c", to: "+49"}) { authorized } }',
        "mutation($asked: RecordCallsInput!) { recordCalls(input: $asked) { errors { code } } }",
        "query($id: ID!) { account(id: $id) { name } }",
    ],
)
def test_whatever_else_is_the_librarys(document: str) -> None:
    straight = laid_out(SCHEMA, parse(document))

    assert straight is None or straight._shortcut is None


@pytest.mark.parametrize("asked", [{"answeredAt": "2026-11-02T10:00:00Z"}, {"answeredAt": None}, {}])
def test_an_instant_and_a_missing_one_are_read(asked: dict[str, Any]) -> None:
    value = {"accountId": "acct_1", "callId": "c", "durationSeconds": 5, **asked}

    read = asked_shortly(SETTLE, {"asked": value})

    assert (read.answered_at is None) == (asked.get("answeredAt") is None)


def test_what_is_needed_is_asked_of_the_caller_on_the_shorter_way_too(small_api: Api) -> None:
    account_id = make_account(small_api.database)

    refused = small_api.run(AUTHORIZE, viewer=None, asked={**CALL, "accountId": acct(account_id)})

    assert refused.errors is not None
    assert (refused.errors[0].extensions or {})["code"] == "UNAUTHENTICATED"
