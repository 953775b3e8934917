"""Documents: parsed and validated once, the ones used last kept."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    parse,
    specified_rules,
)
from graphql.execution.collect_fields import FragmentDetails
from strawberry.schema.schema import validate_document

from graphql_schema.holes import NotPlannable
from graphql_schema.plans.variables import Variables

LENGTH_MAX = 16 * 1024
"""Longest document that is kept, in characters."""
LENGTH_TOTAL_MAX = 1024 * 1024
"""All documents kept, in characters; parsed, each takes some hundred bytes."""
OPERATIONS_MAX = 1000
"""Most operations kept; each has its plans."""

Load: TypeAlias = Callable[[str], DocumentNode | None]
"""From a text to the document; None where ordinary execution would refuse it."""


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One operation of a document, and what is kept with it."""

    document: DocumentNode
    definition: OperationDefinitionNode
    fragments: dict[str, FragmentDetails]
    variables: Variables
    plans: OrderedDict[Any, Any] = field(default_factory=OrderedDict)


class Operations:
    """Operations by the text and the name that ask for them. None: to be executed as ever."""

    def __init__(self, schema: GraphQLSchema, load: Load | None = None) -> None:
        self._schema = schema
        self._load = load or self._parsed_and_valid
        self._kept: OrderedDict[tuple[str, str | None], Operation | None] = OrderedDict()
        self._length = 0

    def find(self, text: str, name: str | None) -> Operation | None:
        """The operation of that name, or the only one."""
        key = (text, name)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if len(text) > LENGTH_MAX:
            return None
        operation = self._kept[key] = self._read(text, name)
        self._length += len(text)
        while self._length > LENGTH_TOTAL_MAX or len(self._kept) > OPERATIONS_MAX:
            (gone, _), _ = self._kept.popitem(last=False)
            self._length -= len(gone)
        return operation

    def _read(self, text: str, name: str | None) -> Operation | None:
        document = self._load(text)
        if document is None:
            return None
        found = operation_in(document, name, OperationType.QUERY)
        if found is None:
            return None
        definition, fragments = found
        try:
            variables = Variables(self._schema, definition.variable_definitions or ())
        except NotPlannable:
            return None
        return Operation(document, definition, fragments, variables)

    def _parsed_and_valid(self, text: str) -> DocumentNode | None:
        try:
            document = parse(text)
        except GraphQLError:
            return None
        return None if validate_document(self._schema, document, tuple(specified_rules)) else document


def operation_in(
    document: DocumentNode, name: str | None, kind: OperationType
) -> tuple[OperationDefinitionNode, dict[str, FragmentDetails]] | None:
    """The operation of that name, or the only one, and the fragments beside it; None where it is of another kind."""
    found = [
        one
        for one in document.definitions
        if isinstance(one, OperationDefinitionNode) and (name is None or (one.name and one.name.value == name))
    ]
    if len(found) != 1 or found[0].operation is not kind or found[0].directives:
        return None
    fragments = {}
    for fragment in document.definitions:
        if isinstance(fragment, FragmentDefinitionNode):
            if fragment.variable_definitions:
                return None
            fragments[fragment.name.value] = FragmentDetails(fragment)
    return found[0], fragments
