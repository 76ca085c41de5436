"""Calls through a real switch: Kamailio, with the configuration in docs/switches, between two telephones."""

import pytest

from tests.serving import free_port, soon
from tests.switch.conftest import GERMANY, MakeLine, Outcome
from tests.switch.telephones import (
    ANSWERS,
    ANSWERS_ONCE,
    ASKS_WHO_CALLS,
    DIALS,
    DIALS_AGAIN,
    DIALS_TWICE,
    GIVES_UP,
    HANGS_UP,
    HEARS_ANSWER,
    HEARS_ANSWER_AND_IS_SILENT,
    HEARS_ANSWER_TO_THAT,
    HEARS_HANGING_UP,
    HEARS_RINGING,
    IS_BUSY,
    IS_CALLED,
    IS_GIVEN_UP,
    RINGS,
    hears_refusal,
    talks,
)

pytestmark = pytest.mark.switch

PICKS_UP = [IS_CALLED, RINGS, ANSWERS, HEARS_HANGING_UP]


def test_a_call_is_charged_for_what_it_lasted_once_though_it_is_sent_twice(line: MakeLine) -> None:
    home = line("1.00")

    home.call(
        [DIALS, HEARS_RINGING, DIALS_TWICE, HEARS_ANSWER, talks(0.2), HANGS_UP],
        [IS_CALLED, RINGS, talks(0.1), ANSWERS, HEARS_HANGING_UP],
    )

    settled = Outcome(left="0.99", calls=[(GERMANY, "SETTLED", 1)], charges=("-0.01",))
    assert home.comes_to(settled) == settled


def test_without_credit_a_call_is_refused_and_told_why(line: MakeLine) -> None:
    home = line("0")

    home.call([DIALS, hears_refusal(402, "INSUFFICIENT_CREDIT")])

    refused = Outcome(left="0.00", calls=[(GERMANY, "REFUSED", None)])
    assert home.comes_to(refused) == refused


def test_calls_are_cut_on_both_sides_when_the_credit_is_used_up(line: MakeLine) -> None:
    home = line("0.40", GRANT_SECONDS=1, SLACK_SECONDS=60)

    home.call([DIALS, HEARS_ANSWER, HEARS_HANGING_UP], PICKS_UP, times=40)

    settled = Outcome(left="0.00", calls=[(GERMANY, "SETTLED", 1)] * 40, charges=("-0.01",) * 40)
    assert home.comes_to(settled) == settled


@pytest.mark.parametrize(
    ("caller", "callee"),
    [
        ([DIALS, HEARS_RINGING, GIVES_UP], [IS_CALLED, RINGS, IS_GIVEN_UP]),
        ([DIALS, hears_refusal(486)], [IS_CALLED, IS_BUSY]),
    ],
    ids=["given up", "busy"],
)
def test_a_call_that_nobody_answers_gives_back_what_was_held(
    line: MakeLine, caller: list[str], callee: list[str]
) -> None:
    home = line("1.00")

    home.call(caller, callee)

    released = Outcome(left="1.00", calls=[(GERMANY, "RELEASED", None)])
    assert home.comes_to(released) == released


def test_a_caller_who_is_asked_who_it_is_calls_again_with_what_is_held_already(line: MakeLine) -> None:
    home = line("1.00")

    home.call(
        [DIALS, hears_refusal(407), talks(0.5), DIALS_AGAIN, HEARS_ANSWER_TO_THAT, talks(0.2), HANGS_UP],
        [IS_CALLED, ASKS_WHO_CALLS, *PICKS_UP],
    )

    settled = Outcome(left="0.99", calls=[(GERMANY, "SETTLED", 1)], charges=("-0.01",))
    assert home.comes_to(settled) == settled


def test_a_call_is_granted_more_before_its_time_is_over(line: MakeLine) -> None:
    home = line("1.00", GRANT_SECONDS=2, MARGIN_SECONDS=1)

    home.call([DIALS, HEARS_ANSWER, talks(2.3), HANGS_UP], PICKS_UP)

    settled = Outcome(left="0.97", calls=[(GERMANY, "SETTLED", 3)], charges=("-0.03",))
    assert home.comes_to(settled) == settled


def test_a_caller_who_never_acknowledges_its_answer_gets_no_more_time(line: MakeLine) -> None:
    home = line("1.00", GRANT_SECONDS=2, MARGIN_SECONDS=1)

    home.call([DIALS, HEARS_ANSWER_AND_IS_SILENT, HEARS_HANGING_UP], [IS_CALLED, RINGS, ANSWERS_ONCE, HEARS_HANGING_UP])

    settled = Outcome(left="0.98", calls=[(GERMANY, "SETTLED", 2)], charges=("-0.02",))
    assert home.comes_to(settled) == settled


def test_a_call_is_cut_and_settled_by_a_switch_that_has_crashed_meanwhile(line: MakeLine) -> None:
    home = line("0.02")

    def crash() -> None:
        assert soon(home.switch.is_talking, patience_seconds=5)
        home.switch.kill()
        home.switch.start()

    home.call([DIALS, HEARS_ANSWER, HEARS_HANGING_UP], PICKS_UP, meanwhile=crash)

    settled = Outcome(left="0.00", calls=[(GERMANY, "SETTLED", 2)], charges=("-0.02",))
    assert home.comes_to(settled) == settled


def test_without_the_api_only_emergencies_go_and_it_is_told_of_them_later(line: MakeLine) -> None:
    home = line("1.00", api=f"http://127.0.0.1:{free_port()}")

    home.call([DIALS, hears_refusal(503)])
    home.call([DIALS, HEARS_ANSWER, talks(0.2), HANGS_UP], PICKS_UP, to="112")
    home.switch.kill()
    home.switch.start(SWITCH_API=f"{home.office.address}/graphql")

    recorded = Outcome(left="1.00", calls=[("112", "SETTLED", 1)])
    assert home.comes_to(recorded) == recorded
    assert soon(lambda: not home.switch.has_reports())


def test_what_callers_write_is_never_read_as_more_than_text(line: MakeLine) -> None:
    home = line("0")
    name, call_id = "$def(SWITCH_TOKEN)", "\"'); $env(SWITCH_TOKEN) --"

    home.call([DIALS, hears_refusal(402)], name=name, call_id=call_id)

    (call,) = home.office.account(home.account_id, "calls { nodes { from callId } }")["calls"]["nodes"]
    assert call == {"from": name, "callId": call_id}
