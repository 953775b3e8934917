"""Depth and width of a document with its fragments spread: the cost of validating and executing it.

No schema is needed, so this runs before validation, some of whose rules compare fields in pairs. Fields of one key
count as one where they merge, as in execution.
"""

from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from app.settings import FixedLimits
from graphql_schema.errors import RequestCode, refusal

PAIRS_MAX = 20_000
"""Most pairs of equal keys, and of fragments side by side: validation compares each pair."""


def check_document(document: DocumentNode, depth_max: int, limits: FixedLimits) -> None:
    """Refuse a document beyond the limits. Raises RequestRefused."""
    _DocumentCheck(document, depth_max, limits).run()


class _DocumentCheck:
    def __init__(self, document: DocumentNode, depth_max: int, limits: FixedLimits) -> None:
        self._document, self._depth_max = document, depth_max
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._spread: set[str] = set()
        self._most = {
            "aliases": (limits.graphql_aliases_max, RequestCode.TOO_MANY_ALIASES),
            "directives": (limits.graphql_directives_max, RequestCode.TOO_MANY_DIRECTIVES),
            "fields, its fragments spread": (limits.graphql_fields_max, RequestCode.TOO_MANY_FIELDS),
        }
        self._counts = dict.fromkeys(self._most, 0)
        self._pairs = 0

    def run(self) -> None:
        for node in self._document.definitions:
            if isinstance(node, OperationDefinitionNode):
                self._count_directives(node)
                for variable in node.variable_definitions or ():
                    self._count_directives(variable)
                self._walk([node.selection_set], 1)
        # Validation looks at fragments that no operation uses, too.
        for name, fragment in self._fragments.items():
            if name not in self._spread:
                self._spread.add(name)
                self._count_directives(fragment)
                self._walk([fragment.selection_set], 1)

    def _walk(self, sets: list[SelectionSetNode], depth: int) -> None:
        if depth > self._depth_max:
            raise refusal(RequestCode.QUERY_TOO_DEEP, f"The query is more than {self._depth_max} fields deep.")
        for nodes in self._merged(sets).values():
            self._count_pairs(len(nodes))
            if nodes[0].alias is not None:
                self._count("aliases")
            below = [node.selection_set for node in nodes if node.selection_set is not None]
            if below:
                self._walk(below, depth + 1)

    def _merged(self, sets: list[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        """The fields of selection sets that become one object, by key."""
        merged: dict[str, list[FieldNode]] = {}
        here: set[str] = set()
        waiting = list(sets)
        while waiting:
            for node in waiting.pop().selections:
                self._count("fields, its fragments spread")
                self._count_directives(node)
                if isinstance(node, FieldNode):
                    key = (node.alias or node.name).value
                    merged.setdefault(key, []).append(node)
                elif not isinstance(node, FragmentSpreadNode):
                    waiting.append(node.selection_set)  # type: ignore[attr-defined]
                elif node.name.value not in here:
                    here.add(node.name.value)
                    fragment = self._fragments.get(node.name.value)
                    if fragment is not None:
                        self._spread.add(node.name.value)
                        self._count_directives(fragment)
                        waiting.append(fragment.selection_set)
        self._count_pairs(len(here))
        return merged

    def _count_directives(self, node: object) -> None:
        self._count("directives", len(getattr(node, "directives", None) or ()))

    def _count(self, what: str, count: int = 1) -> None:
        self._counts[what] += count
        most, code = self._most[what]
        if self._counts[what] > most:
            raise refusal(code, f"The query has more than {most} {what}.")

    def _count_pairs(self, count: int) -> None:
        self._pairs += count * (count - 1) // 2
        if self._pairs > PAIRS_MAX:
            raise refusal(
                RequestCode.TOO_MANY_FIELDS, "The query selects the same fields, or many fragments, over and over."
            )


PARTS_MAX = 2000
"""Most objects and lists inside the variables of a query: more than any filters that are answered have together."""


def check_variables(variables: Mapping[str, Any]) -> None:
    """Raises RequestRefused for more than PARTS_MAX objects and lists, at any depth."""
    parts: list[Any] = [variables]
    # The list grows while it is gone through.
    for part in parts:
        inside = part.values() if isinstance(part, Mapping) else part
        parts += [value for value in inside if isinstance(value, (dict, list))]
        if len(parts) > PARTS_MAX:
            message = f"The variables of a query have at most {PARTS_MAX} objects and lists."
            raise refusal(RequestCode.BAD_REQUEST, message)
