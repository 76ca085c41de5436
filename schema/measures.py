"""What is counted and timed, for `/metrics`: operations of the API, and what switches said of calls.

Metrics belong to the process, as the library that keeps them has it; where several processes share a port, each of them
tells the figures of all (api/metrics.py). No figure names an account, and every label has few values: a client chooses
none of them. Requests are many, and a metric costs several times what it costs to remember a number: what requests note
is kept aside, and poured into the metrics a little later and before they are read.
"""

import threading
import time
from collections import Counter as Tally
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache

from graphql import GraphQLError
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from credits.call_messages import Answer, Authorization, CallAnswer, Extension, Message, Release, Reports, Settlement


class _Kept:
    """What is noted of one part of a metric, until it is poured."""

    def __init__(self, take: Callable[[Sequence[float]], None]) -> None:
        self._values = deque[float]()
        self._take = take
        self.note = self._values.append

    def pour(self) -> None:
        """Hand on what there is."""
        self._take([self._values.popleft() for _ in range(len(self._values))])


_kept: list[_Kept] = []
_pouring = threading.Lock()


def timing(part: Histogram) -> Callable[[float], None]:
    """How to note seconds in a part of a metric."""

    def take(values: Sequence[float]) -> None:
        for value in values:
            part.observe(value)

    return _keep(take)


def counting(part: Counter) -> Callable[[float], None]:
    """How to note a number of things in a part of a metric."""
    return _keep(lambda values: part.inc(sum(values)))


def pour() -> None:
    """Bring the metrics up to date."""
    with _pouring:
        for kept in tuple(_kept):
            kept.pour()


def _keep(take: Callable[[Sequence[float]], None]) -> Callable[[float], None]:
    kept = _Kept(take)
    _kept.append(kept)
    return kept.note


class _UpToDate(Collector):
    """Stands before all others in a registry, and tells nothing itself."""

    def collect(self) -> Iterator[Metric]:
        """Pour, so that what follows is up to date."""
        pour()
        return iter(())


# Everything that is counted in this process; api/measures.py adds to it.
MEASURES = CollectorRegistry(auto_describe=False)
MEASURES.register(_UpToDate())
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# Entered around an operation, with the field that it asks for; gives a function that is told the outcome.
Around = Callable[[str], AbstractContextManager[Callable[[str], None]]]
_UNTRACED = nullcontext[Callable[[str], None]](lambda _outcome: None)
OK, REFUSED, FAULT = "ok", "refused", "fault"
_WORDS: dict[type[Message], str] = {
    Authorization: "authorize",
    Extension: "extend",
    Settlement: "settle",
    Release: "release",
    Reports: "record",
}

_operations = Histogram(
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


_batch_sizes = Histogram(
    "credits_call_batch_messages",
    "How many messages about calls were written in one transaction.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024),
    registry=MEASURES,
)
_batch_seconds = Histogram(
    "credits_call_batch_seconds",
    "How long such a transaction took.",
    buckets=SECONDS,
    registry=MEASURES,
)


def ticks() -> float:
    """Seconds on a clock that is good for nothing but differences."""
    return time.perf_counter()


def untraced(_asked: str) -> AbstractContextManager[Callable[[str], None]]:
    """Nothing, around an operation."""
    return _UNTRACED


def measure_operation(operation: str, outcome: str, began: float) -> None:
    """Note an operation that began at such a tick."""
    _operation(operation, outcome)(ticks() - began)


def outcome_of(errors: Iterable[GraphQLError] | None) -> str:
    """What came of an operation, by the errors that its caller hears."""
    if not errors:
        return OK
    return FAULT if any((error.extensions or {}).get("code") == "INTERNAL" for error in errors) else REFUSED


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


def measure_batch(messages: int, seconds: float) -> None:
    """Note a transaction in which so many messages were written."""
    _note_batch_size(messages)
    _note_batch_seconds(seconds)


_note_batch_size, _note_batch_seconds = timing(_batch_sizes), timing(_batch_seconds)


def _outcome_of_call(message: Message, answer: CallAnswer) -> str:
    if answer.error is not None:
        return answer.error.code.value
    if answer.reason is not None and isinstance(message, Authorization | Extension):
        return answer.reason.value
    assert answer.call is not None, "what was not refused is on record"
    return "AUTHORIZED" if answer.authorized else answer.call.status


@cache
def _operation(operation: str, outcome: str) -> Callable[[float], None]:
    return timing(_operations.labels(operation, outcome))


@cache
def _message(message: str, outcome: str) -> Callable[[float], None]:
    return counting(_messages.labels(message, outcome))
