"""The library's execution of a document, but for the branches that ask only what is there already.

Of a list of rows, each field of each row cost as much as a resolver that works something out. What can be laid out once
(schema/straight.py) is read off the rows instead; whatever goes wrong there is left to the library, so that errors and
nulls are its own.
"""

from collections import OrderedDict
from typing import Any

from graphql import FieldNode, GraphQLResolveInfo
from graphql.execution import Executor
from graphql.pyutils import Path, Undefined

from schema.straight import Branch, laid_out_branch

REMEMBERED = 4_096


class Branches:
    """The branches met last, by their node; documents are remembered, so that a node comes again with each request."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[int, int], tuple[FieldNode, Branch | None]] = OrderedDict()

    def find(self, executor: Executor[Any], kind: Any, node: FieldNode, info: GraphQLResolveInfo[Any]) -> Branch | None:
        """The branch of a field's node whose values are of a kind, if it is one."""
        key = (id(node), id(kind))
        known = self._known.get(key)
        if known is None:
            where = f"{info.parent_type.name}.{info.field_name}"
            known = node, laid_out_branch(kind, node, executor.fragment_definitions, where)
            self._known[key] = known
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return known[1]


class BranchingExecutor(Executor[Any]):
    """Executes what cannot be laid out, and reads off what can."""

    branches = Branches()

    def complete_value(
        self, return_type: Any, field_details_list: Any, info: GraphQLResolveInfo[Any], path: Path, result: Any,
        position_context: Any,
    ) -> Any:  # fmt: skip
        """Turn what a resolver gave into what is answered."""
        node = field_details_list[0].node
        if node.selection_set is not None and len(field_details_list) == 1:
            branch = self.branches.find(self, return_type, node, info)
            if branch is not None:
                answer = branch.answer(result, path)
                if answer is not Undefined:
                    return answer
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)
