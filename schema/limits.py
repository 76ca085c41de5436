"""Limits on what one document may ask: how long, how deep, how many fields, aliases and directives."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    StringValueNode,
    ValidationContext,
    ValidationRule,
)

MOST_TOKENS = 4_000
MOST_LEVELS = 15
MOST_FIELDS = 400
MOST_ALIASES = 30
MOST_DIRECTIVES = 30
# The points of one operation, as `schema.costs` counts them.
MOST_COST = 10_000
# NUL, which PostgreSQL cannot keep, and lone surrogates, which UTF-8 cannot write.
UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class CountRule(ValidationRule):
    """Counts fields, aliases and directives over the whole document, each fragment once; looks at its texts."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.fields = self.aliases = self.directives = 0

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        """Count a field, and its alias."""
        self.fields += 1
        self.aliases += node.alias is not None

    def enter_directive(self, *_: Any) -> None:
        """Count a directive."""
        self.directives += 1

    def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
        """Report text that no database can keep."""
        if UNSTORABLE.search(node.value):
            self.report_error(GraphQLError("A text has no NUL and no half of a character.", [node]))

    def leave_document(self, *_: Any) -> None:
        """Report what is too much."""
        counts = (
            ("fields", self.fields, MOST_FIELDS),
            ("aliases", self.aliases, MOST_ALIASES),
            ("directives", self.directives, MOST_DIRECTIVES),
        )
        for what, count, most in counts:
            if count > most:
                self.report_error(GraphQLError(f"The document has {count} {what}; at most {most} are allowed."))


class DepthRule(ValidationRule):
    """Measures how deep each operation goes, introspection aside; each fragment is measured once."""

    def enter_document(self, document: DocumentNode, *_: Any) -> None:
        """Report operations that go too deep."""
        fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
        open_fragments: set[str] = set()

        @cache
        def fragment_levels(name: str) -> int:
            if name not in fragments or name in open_fragments:
                return 0  # other rules report fragments that are unknown or contain themselves
            open_fragments.add(name)
            levels = _levels(fragments[name], fragment_levels)
            open_fragments.discard(name)
            return levels

        for node in document.definitions:
            if isinstance(node, OperationDefinitionNode) and _levels(node, fragment_levels) > MOST_LEVELS:
                self.report_error(GraphQLError(f"The operation is more than {MOST_LEVELS} levels deep.", [node]))


def _levels(node: Any, fragment_levels: Callable[[str], int]) -> int:
    if isinstance(node, FragmentSpreadNode):
        return fragment_levels(node.name.value)
    if isinstance(node, FieldNode) and node.name.value.startswith("__"):
        return 0
    selections = node.selection_set.selections if node.selection_set else ()
    below = max((_levels(selection, fragment_levels) for selection in selections), default=0)
    return below + isinstance(node, FieldNode)


def storable(value: Any) -> bool:
    """Tell whether all texts in the variables can be kept."""
    if isinstance(value, str):
        return UNSTORABLE.search(value) is None
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            if isinstance(part, str | dict | list) and not storable(part):
                return False
    return True


RULES = (CountRule, DepthRule)
