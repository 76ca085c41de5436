"""GraphQL over HTTP, as the specification draft says, held to it by an audit that others wrote.

`application/graphql-response+json` answers a request that could not be run with 400; `application/json`, which is
what is sent when nobody asks, answers 200 with `errors`. GET runs queries only, and never for another site's page.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from graphql import ExecutionResult as _Result
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from schema.context import Context
from schema.faults import Schema

RESPONSE_JSON = "application/graphql-response+json"
PLAIN_JSON = "application/json"
# Publishing 200,000 rates takes some 40 MB. A stranger's request is small or nothing.
LARGEST_BODY = 64 * 1024 * 1024
LARGEST_BODY_OF_A_STRANGER = 64 * 1024
_OPERATIONS = {"POST": {OperationType.QUERY, OperationType.MUTATION}, "GET": {OperationType.QUERY}}
