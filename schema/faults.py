"""What a caller hears when its request is wrong, and what when the fault is ours.

A malformed request is told what is wrong with it. Anything unforeseen is written to the log under an incident
number, and the caller hears the number and nothing else.
"""

import asyncio
import inspect
import secrets
from collections.abc import Iterable
from contextlib import aclosing
from typing import Any

import graphql
import strawberry
import structlog
from graphql import DocumentNode, GraphQLError
from strawberry.exceptions import MissingQueryError, StrawberryInputCoercionError
from strawberry.execution.is_awaitable import optimized_is_awaitable
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.schema.schema import SubscriptionResult
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from credits.language import Language, language
from credits.refusals import Code, Refusal
from schema.branches import BranchingExecutor
from schema.documents import Documents, Prepared
from schema.limits import MOST_COST, storable
from schema.measures import measure_operation, outcome_of, ticks, untraced

log = structlog.get_logger("credits.graphql")
# A request with a thousand mistakes is answered with the first few.
MOST_ERRORS = 8
# A cost beyond this is not told to the point: it may have hundreds of digits.
_MOST_TOLD = 1_000_000_000
# A list of inputs longer than this is not read on the event loop.
_LONG = 2_000
_UNSTORABLE = "A text has no NUL and no half of a character."


class Schema(strawberry.Schema):
    """A schema whose answers never show a fault."""

    def __init__(self, *parts: Any, **named: Any) -> None:
        super().__init__(*parts, **named)
        self._documents = Documents(self._schema)

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
        self,
        query: str | None,
        variable_values: dict[str, Any] | None,
        context_value: Any = None,
        operation_name: str | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
    ) -> ExecutionResult:
        if not query:
            raise MissingQueryError
        prepared = self._documents.prepare(query)
        if prepared.document is not None:
            _check_operation(prepared.operation_type(operation_name), operation_name, allowed_operation_types)
        began, asked = ticks(), prepared.asked_by(operation_name)
        around = untraced if context_value is None else context_value.around
        with around(asked) as tell:
            result = await self._result_of(prepared, variable_values, context_value, operation_name)
            outcome = outcome_of(result.errors)
            tell(outcome)
        measure_operation(asked, outcome, began)
        return result

    async def _result_of(
        self, prepared: Prepared, variable_values: dict[str, Any] | None, context_value: Any, operation_name: str | None
    ) -> ExecutionResult:
        said_in = context_value.language if context_value is not None else language("en")
        errors = prepared.errors or _wrong_with(prepared, operation_name, variable_values)
        if errors or prepared.document is None:
            return ExecutionResult(None, [presentable(error, said_in) for error in errors[:MOST_ERRORS]])
        cost = _pay(prepared, operation_name, variable_values, context_value)
        if cost["requested"] > MOST_COST:
            return ExecutionResult(None, [_too_costly(cost, said_in)], {"cost": cost})
        try:
            answer = await self._answered(prepared, prepared.document, variable_values, context_value, operation_name)
        except Exception as fault:  # noqa: BLE001 - it is told by its number, like one of a resolver
            return ExecutionResult(None, [presentable(GraphQLError(str(fault), original_error=fault), said_in)])
        told = [presentable(error, said_in) for error in (answer.errors or ())[:MOST_ERRORS]]
        return ExecutionResult(answer.data, told or None, {"cost": cost})

    async def _answered(
        self,
        prepared: Prepared,
        document: DocumentNode,
        variables: dict[str, Any] | None,
        context: Any,
        operation_name: str | None,
    ) -> graphql.ExecutionResult:
        if prepared.straight is not None:
            return await prepared.straight.run(variables, context)
        if prepared.layout is not None:
            data = await prepared.layout.run(variables, context)
            if data is not None:
                return graphql.ExecutionResult(data, None)
        result = self._started(document, variables, context, operation_name)
        return result if isinstance(result, graphql.ExecutionResult) else await result

    def _started(
        self, document: DocumentNode, variables: dict[str, Any] | None, context: Any, operation_name: str | None
    ) -> Any:
        """Begin to run an operation: with nothing between it and the library that runs it, since requests are many."""
        return graphql.execute(
            self._schema,
            document,
            context_value=context,
            variable_values=variables,
            operation_name=operation_name,
            is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type] # it tells no types, and need not
            hide_suggestions=True,
            executor_class=BranchingExecutor,
        )

    def follow(
        self, query: str, variable_values: dict[str, Any] | None, context_value: Any, operation_name: str | None = None
    ) -> SubscriptionResult:
        """Run one subscription: its results are fit to be sent, and none says what the one before it said."""
        prepared = self._documents.prepare(query)
        if prepared.document is not None:
            kind = prepared.operation_type(operation_name)
            _check_operation(kind, operation_name, (OperationType.SUBSCRIPTION,))
        errors = prepared.errors or _wrong_with(prepared, operation_name, variable_values)
        if not errors:
            cost = _pay(prepared, operation_name, variable_values, context_value)
            errors = [_too_costly(cost, context_value.language)] if cost["requested"] > MOST_COST else []
        if errors or prepared.document is None:
            results = _only(errors)
        else:
            results = self._followed(prepared.document, variable_values, context_value, operation_name)
        return _news(results, context_value.language)

    async def _followed(
        self, document: DocumentNode, variables: dict[str, Any] | None, context: Any, operation_name: str | None
    ) -> SubscriptionResult:
        """The results of a subscription as the library gives them, the last of which says what was raised."""
        try:
            results: Any = graphql.subscribe(
                self._schema,
                document,
                context_value=context,
                variable_values=variables,
                operation_name=operation_name,
                hide_suggestions=True,
                executor_class=BranchingExecutor,
            )
            begun = await results if inspect.isawaitable(results) else results
            if isinstance(begun, graphql.ExecutionResult):
                yield PreExecutionError(None, begun.errors)
                return
            async with aclosing(begun):
                async for result in begun:
                    yield ExecutionResult(result.data, result.errors)
        except GraphQLError as error:
            yield PreExecutionError(None, [error])
        except Exception as fault:  # noqa: BLE001 - it goes to the log, and its number to whoever asked
            yield PreExecutionError(None, [GraphQLError(str(fault), original_error=fault)])

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Nothing here: `presentable` has logged what needs to be."""


def _check_operation(
    kind: graphql.OperationType | None, name: str | None, allowed: Iterable[OperationType] | None
) -> None:
    """Raise what the library raises when there is no such operation, or not here."""
    if kind is None:
        raise CannotGetOperationTypeError(name)
    asked = OperationType(kind.value)
    if allowed is not None and asked not in allowed:
        raise InvalidOperationTypeError(asked)


def _wrong_with(prepared: Prepared, name: str | None, variables: dict[str, Any] | None) -> list[GraphQLError]:
    if name is None and len(prepared.operations) > 1:
        return [GraphQLError("Name the operation to run: there are several.")]
    return [] if storable(variables) else [GraphQLError(_UNSTORABLE)]


def _pay(prepared: Prepared, name: str | None, variables: dict[str, Any] | None, context: Any) -> dict[str, int]:
    """Pay for an operation from the caller's budget, and tell as data what it costs; what costs too much is not paid.

    Raises `Overdrawn` when the budget does not hold it.
    """
    cost = prepared.cost(name)
    told = {"requested": min(cost.points(variables), _MOST_TOLD), "allowed": MOST_COST}
    budget = context.budget if context is not None else None
    if budget is not None and told["requested"] <= MOST_COST:
        told["left"] = budget.take(told["requested"], is_of_calls=cost.is_of_calls)
    return told


def _too_costly(cost: dict[str, int], said_in: Language) -> GraphQLError:
    said = "This costs {points} points; at most {most} are allowed. Ask for fewer at a time, or for less of each."
    message = said_in.say(said, points=cost["requested"], most=cost["allowed"])
    return GraphQLError(message, extensions={"code": "LIMIT_EXCEEDED"})


async def _only(errors: list[GraphQLError]) -> SubscriptionResult:
    yield PreExecutionError(None, errors)


async def _news(results: SubscriptionResult, said_in: Language) -> SubscriptionResult:
    last = None
    async with aclosing(results):
        async for result in results:
            if result.errors:
                result.errors = [presentable(error, said_in) for error in result.errors[:MOST_ERRORS]]
            said = (result.data, [error.formatted for error in result.errors or ()])
            if said != last:
                yield result
            last = said


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
