"""What is counted and timed, for `/metrics`: operations of the API, and what switches said of calls.

Metrics belong to the process, as the library that keeps them has it; where several processes share a port, each of them
tells the figures of all (api/metrics.py). No figure names an account, and every label has few values: a client chooses
none of them. The parts of a metric are looked up once and kept, since requests are many.
"""

import time
from collections import Counter as Tally
from collections.abc import Callable, Iterable
from functools import cache

import prometheus_client
from graphql import GraphQLError
from prometheus_client import CollectorRegistry, Counter

from credits.call_messages import Answer, Authorization, CallAnswer, Extension, Message, Release, Reports, Settlement

# Everything that is counted in this process; api/measures.py adds to it.
MEASURES = CollectorRegistry(auto_describe=False)
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
OK, REFUSED, FAULT = "ok", "refused", "fault"
_WORDS: dict[type[Message], str] = {
    Authorization: "authorize",
    Extension: "extend",
    Settlement: "settle",
    Release: "release",
    Reports: "record",
}

_operations = prometheus_client.Histogram(
    "credits_graphql_operation_seconds",
    "How long operations of the API took, by the field that they ask for.",
    ["operation", "outcome"],
    buckets=SECONDS,
    registry=MEASURES,
)
_messages = Counter(
    "credits_call_messages",
    "What switches said of calls, and what came of it: a status, why a call may not go, or why nothing was done.",
    ["message", "outcome"],
    registry=MEASURES,
)


def ticks() -> float:
    """Seconds on a clock that is good for nothing but differences."""
    return time.perf_counter()


def measure_operation(operation: str, errors: Iterable[GraphQLError] | None, began: float) -> None:
    """Note an operation that began at such a tick, with the errors that its caller hears."""
    _operation(operation, _outcome_of(errors) if errors else OK)(ticks() - began)


def count_message(message: Message, answer: Answer | None) -> None:
    """Note what a switch said and what came of it; None is a fault of ours."""
    word = _WORDS[type(message)]
    if isinstance(answer, CallAnswer):
        _message(word, _outcome_of_call(message, answer))(1)
    elif isinstance(answer, list):
        outcomes = Tally(
            "DUPLICATE" if each.duplicate else each.status if each.refusal is None else each.refusal.code.value
            for each in answer
        )
        for outcome, count in outcomes.items():
            _message(word, outcome or "")(count)
    else:
        _message(word, "FAULT" if answer is None else answer.code.value)(1)


def _outcome_of(errors: Iterable[GraphQLError]) -> str:
    return FAULT if any((error.extensions or {}).get("code") == "INTERNAL" for error in errors) else REFUSED


def _outcome_of_call(message: Message, answer: CallAnswer) -> str:
    if answer.error is not None:
        return answer.error.code.value
    if answer.reason is not None and isinstance(message, Authorization | Extension):
        return answer.reason.value
    assert answer.call is not None, "what was not refused is on record"
    return "AUTHORIZED" if answer.authorized else answer.call.status


@cache
def _operation(operation: str, outcome: str) -> Callable[[float], None]:
    return _operations.labels(operation, outcome).observe


@cache
def _message(message: str, outcome: str) -> Callable[[float], None]:
    return _messages.labels(message, outcome).inc
