"""A switch talks to the API: whether a call may go, that it goes on, and how it ended."""

from typing import Any

import pytest

from db.kinds import Scope
from tests.factories import a_rate, make_account, make_deck, make_lot, make_test_account
from tests.schema.asking import Api, acct, program

AUTHORIZE = """
    mutation Ask($input: AuthorizeCallInput!) { authorizeCall(input: $input) {
        authorized maxDurationSeconds refusal
        call { callId status charge { amount } held { amount } maxDurationSeconds startedAt durationSeconds
            explanation }
        errors { code field message } } }"""
EXTEND = """
    mutation Ask($input: ExtendCallInput!) { extendCall(input: $input) {
        authorized maxDurationSeconds refusal call { held { amount } } errors { code field } } }"""
SETTLE = """
    mutation Tell($input: SettleCallInput!) { settleCall(input: $input) {
        call { status charge { amount } durationSeconds billedSeconds startedAt held { amount } explanation }
        account { balance { current { amount } reserved { amount } available { amount } } }
        errors { code field } } }"""
RELEASE = """
    mutation Tell($input: ReleaseCallInput!) { releaseCall(input: $input) {
        call { status charge { amount } } account { balance { available { amount } } } errors { code field } } }"""
TO_GERMANY = "+4930123456"


@pytest.fixture
def account_id(small_api: Api) -> int:
    """A TEST account with 1.00, whose calls to Germany cost 0.06 a minute."""
    make_deck(small_api.database, a_rate("49", "0.06"))
    account_id = make_test_account(small_api.database)
    make_lot(small_api.database, account_id, 1)
    return account_id


def say(api: Api, document: str, account_id: int, **values: Any) -> Any:
    """Send a switch's message and return what its mutation answers."""
    chosen = {"accountId": acct(account_id), "callId": "c1", **values}
    data = api.ask(document, viewer=program(account_id, Scope.CALLS), input=chosen)
    (answer,) = data.values()
    return answer


def test_a_call_may_go_for_as_long_as_can_be_paid(small_api: Api, account_id: int) -> None:
    answer = say(small_api, AUTHORIZE, account_id, to=TO_GERMANY)

    assert (answer["authorized"], answer["maxDurationSeconds"], answer["refusal"]) == (True, 960, None)
    assert answer["errors"] == []
    call = answer["call"]
    assert (call["status"], call["held"]["amount"], call["maxDurationSeconds"]) == ("AUTHORIZED", "0.96", 960)
    assert (call["startedAt"], call["durationSeconds"], call["charge"]["amount"]) == (None, None, "0.00")


def test_a_refusal_is_an_answer_with_its_reason_and_a_call_that_explains_it(small_api: Api, account_id: int) -> None:
    answer = say(small_api, AUTHORIZE, account_id, to="+33142685300")

    assert (answer["authorized"], answer["maxDurationSeconds"], answer["refusal"]) == (False, 0, "NO_RATE")
    assert answer["errors"] == []
    assert answer["call"]["status"] == "REFUSED"
    assert answer["call"]["explanation"][0] == "+33142685300 is a number of FR."
    assert "no rate" in answer["call"]["explanation"][-1]


def test_too_little_credit_is_told_with_what_to_do(small_api: Api, account_id: int) -> None:
    say(small_api, AUTHORIZE, account_id, callId="c0", to=TO_GERMANY)

    answer = say(small_api, AUTHORIZE, account_id, to=TO_GERMANY)

    assert answer["refusal"] == "INSUFFICIENT_CREDIT"
    assert answer["call"]["explanation"][-1] == (
        "Such a call costs $0.06 at least, and $0.04 is available: the call is refused. Add funds, or turn on automatic"
        " recharge."
    )


def test_a_call_that_goes_on_asks_for_more(small_api: Api, account_id: int) -> None:
    say(small_api, AUTHORIZE, account_id, to=TO_GERMANY, requestedSeconds=60)

    answer = say(small_api, EXTEND, account_id, usedSeconds=50, requestedSeconds=60)

    assert (answer["authorized"], answer["maxDurationSeconds"]) == (True, 110)
    assert answer["call"]["held"]["amount"] == "0.12"


def test_a_settled_call_is_charged_and_explained(small_api: Api, account_id: int) -> None:
    say(small_api, AUTHORIZE, account_id, to=TO_GERMANY)

    answer = say(small_api, SETTLE, account_id, answeredAt="2026-10-01T12:00:00Z", durationSeconds=61)

    assert answer["errors"] == []
    call = answer["call"]
    assert (call["status"], call["charge"]["amount"]) == ("SETTLED", "0.12")
    assert (call["durationSeconds"], call["billedSeconds"], call["startedAt"]) == (61, 120, "2026-10-01T12:00:00Z")
    assert call["held"]["amount"] == "0.00"
    assert any("2 steps of 60 s" in step for step in call["explanation"])
    balance = answer["account"]["balance"]
    assert [balance[each]["amount"] for each in ("current", "reserved", "available")] == ["0.88", "0.00", "0.88"]


def test_a_released_call_costs_nothing(small_api: Api, account_id: int) -> None:
    say(small_api, AUTHORIZE, account_id, to=TO_GERMANY)

    answer = say(small_api, RELEASE, account_id)

    assert (answer["call"]["status"], answer["call"]["charge"]["amount"]) == ("RELEASED", "0.00")
    assert answer["account"]["balance"]["available"]["amount"] == "1.00"


@pytest.mark.parametrize(
    ("document", "values"), [(EXTEND, {"usedSeconds": 1}), (SETTLE, {"durationSeconds": 1}), (RELEASE, {})]
)
def test_an_unknown_call_is_refused_as_data(
    small_api: Api, account_id: int, document: str, values: dict[str, int]
) -> None:
    answer = say(small_api, document, account_id, **values)

    assert answer["call"] is None
    assert answer["errors"] == [{"code": "NOT_FOUND", "field": ["input", "callId"]}]


def test_the_same_call_id_for_another_number_is_refused_as_data(small_api: Api, account_id: int) -> None:
    say(small_api, AUTHORIZE, account_id, to=TO_GERMANY)

    answer = say(small_api, AUTHORIZE, account_id, to="+4930123457")

    assert answer["authorized"] is False
    assert [(error["code"], error["field"]) for error in answer["errors"]] == [
        ("IDEMPOTENCY_KEY_REUSED", ["input", "callId"])
    ]


def test_settling_twice_answers_alike_and_otherwise_conflicts(small_api: Api, account_id: int) -> None:
    say(small_api, AUTHORIZE, account_id, to=TO_GERMANY)
    first = say(small_api, SETTLE, account_id, durationSeconds=61)

    again = say(small_api, SETTLE, account_id, durationSeconds=61)
    other = say(small_api, SETTLE, account_id, durationSeconds=62)

    assert again == first
    assert other["errors"] == [{"code": "CONFLICT", "field": ["input", "callId"]}]
    assert other["call"]["charge"]["amount"] == "0.12"


def test_the_default_values_of_the_contract_hold(small_api: Api, account_id: int) -> None:
    make_lot(small_api.database, account_id, 100)

    answer = say(small_api, AUTHORIZE, account_id, to=TO_GERMANY)

    assert answer["maxDurationSeconds"] == 3_600


def test_a_user_that_does_not_exist_is_a_reason_not_an_error(small_api: Api, account_id: int) -> None:
    answer = say(small_api, AUTHORIZE, account_id, to=TO_GERMANY, userId="user_1-1")

    assert (answer["refusal"], answer["errors"]) == ("UNKNOWN_USER", [])


def test_calls_in_progress_are_listed_by_their_status(small_api: Api, account_id: int) -> None:
    say(small_api, AUTHORIZE, account_id, to=TO_GERMANY)

    found = small_api.ask(
        "query Calls($id: ID!) { account(id: $id)"
        " { calls(status: AUTHORIZED) { totalCount nodes { callId lapsesAt } } } }",
        viewer=program(account_id, Scope.READ),
        id=acct(account_id),
    )

    assert found["account"]["calls"] == {
        "totalCount": 1, "nodes": [{"callId": "c1", "lapsesAt": "2026-10-01T12:21:00Z"}],
    }  # fmt: skip


def test_a_quote_says_whether_and_how_long_the_call_would_be_authorized(small_api: Api, account_id: int) -> None:
    document = (
        "query Quote($id: ID!, $to: String!) { quoteCall(accountId: $id, to: $to, durationSeconds: 3600)"
        " { priced reason cost { amount } maxDurationSeconds refusal } }"
    )

    quote = small_api.ask(document, viewer=program(account_id, Scope.CALLS), id=acct(account_id), to=TO_GERMANY)

    assert quote["quoteCall"] == {
        "priced": True, "reason": None, "cost": {"amount": "3.60"}, "maxDurationSeconds": 960,
        "refusal": "INSUFFICIENT_CREDIT",
    }  # fmt: skip


def test_the_operator_takes_a_charge_back(small_api: Api, account_id: int) -> None:
    say(small_api, AUTHORIZE, account_id, to=TO_GERMANY)
    say(small_api, SETTLE, account_id, durationSeconds=61)
    document = """
        mutation Undo($input: ReverseCallInput!) { reverseCall(input: $input) {
            call { charge { amount } reversedAt explanation } account { balance { available { amount } } }
            errors { code } } }"""

    answer = small_api.ask(document, input={"accountId": acct(account_id), "callId": "c1", "reason": "Wrong number"})[
        "reverseCall"
    ]

    assert (answer["errors"], answer["call"]["charge"]["amount"]) == ([], "0.00")
    assert answer["account"]["balance"]["available"]["amount"] == "1.00"
    assert answer["call"]["explanation"][-1].startswith("The charge was taken back on")


def test_calls_without_a_rate_are_priced_once_there_is_one(small_api: Api, account_id: int) -> None:
    report = {"callId": "c9", "to": "+33142685300", "answeredAt": "2026-10-01T12:00:00Z", "durationSeconds": 60}
    record = "mutation Record($input: RecordCallsInput!) { recordCalls(input: $input) { results { call { status } } } }"
    viewer = program(account_id, Scope.CALLS)
    small_api.ask(record, viewer=viewer, input={"accountId": acct(account_id), "calls": [report]})
    rate = """
        mutation Rate($input: RateCallsInput!) { rateCalls(input: $input) {
            calls { callId status charge { amount } } stillUnrated errors { code } } }"""

    before = small_api.ask(rate, viewer=viewer, input={"accountId": acct(account_id)})["rateCalls"]
    make_deck(small_api.database, a_rate("33", "0.05"), effective_from=1)
    after = small_api.ask(rate, viewer=viewer, input={"accountId": acct(account_id)})["rateCalls"]

    assert before == {"calls": [], "stillUnrated": 1, "errors": []}
    assert after["calls"] == [{"callId": "c9", "status": "SETTLED", "charge": {"amount": "0.05"}}]
    assert after["stillUnrated"] == 0


def test_a_client_goes_on_until_no_call_is_without_a_rate(small_api: Api, account_id: int) -> None:
    record = "mutation Record($input: RecordCallsInput!) { recordCalls(input: $input) { errors { code } } }"
    rate = "mutation Rate($input: RateCallsInput!) { rateCalls(input: $input) { calls { callId } stillUnrated } }"
    asked, seen = {"accountId": acct(account_id)}, list[tuple[int, int]]()
    for half in ("a", "b"):
        calls = [
            {"callId": f"{half}{number}", "to": "+33142685300", "answeredAt": "2026-10-01T12:00:00Z",
             "durationSeconds": 60} for number in range(502)
        ]  # fmt: skip
        small_api.ask(record, input={**asked, "calls": calls})
    make_deck(small_api.database, a_rate("33", "0.05"), effective_from=1)

    while not seen or (seen[-1][0] and seen[-1][1]):
        answer = small_api.ask(rate, input=asked)["rateCalls"]
        seen.append((len(answer["calls"]), answer["stillUnrated"]))

    assert seen == [(1_000, 4), (4, 0)]


def test_a_switch_may_not_use_another_accounts_calls(small_api: Api, account_id: int) -> None:
    stranger = make_account(small_api.database)
    error = small_api.ask(
        AUTHORIZE,
        viewer=program(stranger, Scope.CALLS),
        input={"accountId": acct(account_id), "callId": "c1", "to": TO_GERMANY},
    )["authorizeCall"]

    assert error["errors"][0]["code"] == "NOT_FOUND"


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_the_ends_of_the_calendar_are_answered_like_other_instants(small_api: Api, zone: str, at: str) -> None:
    make_deck(small_api.database, a_rate("49", "0.06"))
    account_id = make_account(small_api.database, time_zone=zone)
    document = 'query Q($a: ID!, $at: DateTime) { quoteCall(accountId: $a, to: "+4930123456", at: $at) { priced } }'

    assert small_api.ask(document, a=acct(account_id), at=at)["quoteCall"] == {"priced": at.startswith("9999")}
