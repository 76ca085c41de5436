"""Documents made ready to be run: each is parsed, validated, measured and priced once, however often it is sent.

Clients send the same few documents again and again; what a text may do does not depend on who sends it. The texts used
last are remembered.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    parse,
    specified_rules,
    validate,
)

from schema.costs import Cost, cost_of
from schema.layouts import Layout, lay_out
from schema.limits import MOST_TOKENS, RULES
from schema.straight import Straight, laid_out

REMEMBERED = 256
# A text longer than this is not worth remembering: it was written for one use.
_LONGEST_REMEMBERED = 16_384
# What an operation asks for that is no one field.
_SEVERAL, _INVALID = "several", "invalid"
_ALL_RULES = (*specified_rules, *RULES)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that was parsed, with its operations by name, and what is wrong with it, if anything is. `straight` is
    its operation where that is one to be run straight, `layout` where it is any other query, `asks` what
    each operation asks for: a field, or several."""

    schema: GraphQLSchema
    document: DocumentNode | None = None
    errors: list[GraphQLError] = field(default_factory=list)
    operations: dict[str | None, OperationDefinitionNode] = field(default_factory=dict)
    straight: Straight | None = None
    layout: Layout | None = None
    asks: dict[str | None, str] = field(default_factory=dict)
    _costs: dict[str | None, Cost] = field(default_factory=dict)

    def operation_type(self, name: str | None) -> OperationType | None:
        """What the operation to be run does; None when there is no such operation. Without a name it is the first."""
        operation = self._operation(name)
        return None if operation is None else operation.operation

    def cost(self, name: str | None) -> Cost:
        """What an operation of a document with which nothing is wrong costs."""
        cost = self._costs.get(name)
        if cost is None:
            document, operation = self.document, self._operation(name)
            assert document is not None, "it was parsed"
            assert operation is not None, "there is such an operation"
            cost = self._costs[name] = cost_of(self.schema, document, operation)
        return cost

    def _operation(self, name: str | None) -> OperationDefinitionNode | None:
        if name is None:
            return next(iter(self.operations.values()), None)
        return self.operations.get(name)

    def asked_by(self, name: str | None) -> str:
        """What an operation asks for, for counting; without a name it is the first."""
        if self.errors:
            return _INVALID
        return next(iter(self.asks.values()), _INVALID) if name is None else self.asks.get(name, _INVALID)


class Documents:
    """The documents of one schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._prepared: OrderedDict[str, Prepared] = OrderedDict()
        self._lock = threading.Lock()  # a request with a long list is run on a thread of its own

    def prepare(self, text: str) -> Prepared:
        """A document, from what is remembered or anew."""
        with self._lock:
            found = self._prepared.get(text)
            if found is not None:
                self._prepared.move_to_end(text)
                return found
        prepared = self._prepare(text)
        if len(text) <= _LONGEST_REMEMBERED:
            with self._lock:
                self._prepared[text] = prepared
                if len(self._prepared) > REMEMBERED:
                    self._prepared.popitem(last=False)
        return prepared

    def _prepare(self, text: str) -> Prepared:
        try:
            document = parse(text, max_tokens=MOST_TOKENS)
        except GraphQLError as error:
            return Prepared(self._schema, errors=[error])
        except RecursionError:
            return Prepared(self._schema, errors=[GraphQLError("The document is nested too deeply.")])
        operations = {
            node.name.value if node.name else None: node
            for node in document.definitions
            if isinstance(node, OperationDefinitionNode)
        }
        errors = validate(self._schema, document, _ALL_RULES, hide_suggestions=True)
        if errors:
            return Prepared(self._schema, document, errors, operations)
        asks = {name: _asked_for(node) for name, node in operations.items()}
        straight = laid_out(self._schema, document)
        layout = lay_out(self._schema, document) if straight is None else None
        return Prepared(self._schema, document, errors, operations, straight, layout, asks)


def _asked_for(operation: OperationDefinitionNode) -> str:
    """The field that a valid operation asks for."""
    names = {
        node.name.value if isinstance(node, FieldNode) else _SEVERAL for node in operation.selection_set.selections
    }
    return names.pop() if len(names) == 1 else _SEVERAL
