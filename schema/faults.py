"""What a caller hears when its request is wrong, and what when the fault is ours.

A malformed request is told what is wrong with it. Anything unforeseen is written to the log under an incident
number, and the caller hears the number and nothing else.
"""

import asyncio
import secrets
from typing import Any

import strawberry
import structlog
from graphql import GraphQLError
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.types import ExecutionContext, ExecutionResult

from credits.language import Language, language
from credits.refusals import Code, Refusal
from schema.limits import storable

log = structlog.get_logger("credits.graphql")
# A request with a thousand mistakes is answered with the first few.
MOST_ERRORS = 8
# A list of inputs longer than this is not read on the event loop.
_LONG = 2_000
_UNSTORABLE = "A text has no NUL and no half of a character."


class Schema(strawberry.Schema):
    """A schema whose answers never show a fault."""

    async def execute(
        self, query: str | None, variable_values: dict[str, Any] | None = None, *rest: Any, **named: Any
    ) -> ExecutionResult:
        """Run one operation; its errors are fit to be sent.

        A long list, such as the rates of a deck, keeps a processor busy for seconds before any resolver runs:
        such a request runs on a thread with an event loop of its own, and holds nobody up.
        """
        if _has_long_list(variable_values):
            return await asyncio.to_thread(lambda: asyncio.run(self._run(query, variable_values, *rest, **named)))
        return await self._run(query, variable_values, *rest, **named)

    async def _run(
        self, query: str | None, variable_values: dict[str, Any] | None, context_value: Any = None, **named: Any
    ) -> ExecutionResult:
        said_in = context_value.language if context_value is not None else language("en")
        if not storable(variable_values):
            return ExecutionResult(None, [presentable(GraphQLError(_UNSTORABLE), said_in)])
        result = await super().execute(query, variable_values, context_value, **named)
        if result.errors:
            result.errors = [presentable(error, said_in) for error in result.errors[:MOST_ERRORS]]
        return result

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Nothing here: `presentable` has logged what needs to be."""


def _has_long_list(variables: dict[str, Any] | None) -> bool:
    inputs = [value for value in (variables or {}).values() if isinstance(value, dict)]
    return any(isinstance(part, list) and len(part) > _LONG for value in inputs for part in value.values())


def presentable(error: GraphQLError, said_in: Language) -> GraphQLError:
    """The error as the caller may hear it."""
    cause = _cause_of(error)
    if cause is None or isinstance(cause, StrawberryInputCoercionError):
        extensions = {"code": "BAD_USER_INPUT", **(error.extensions or {})}
        return _as(error, error.message, extensions)
    if isinstance(cause, Refusal):
        code = "BAD_USER_INPUT" if cause.code == Code.INVALID else cause.code.value
        message = said_in.say(cause.message, **cause.values)
        return _as(error, message, {"code": code, "field": [str(step) for step in cause.field]})
    incident = secrets.token_hex(8)
    log.error("fault", incident=incident, path=error.path, exc_info=cause)
    message = said_in.say("Something went wrong here. It was written down as incident {incident}.", incident=incident)
    return _as(error, message, {"code": "INTERNAL", "incidentId": incident})


def _cause_of(error: GraphQLError) -> BaseException | None:
    cause: BaseException | None = error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause


def _as(error: GraphQLError, message: str, extensions: dict[str, Any]) -> GraphQLError:
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions=extensions,
    )
