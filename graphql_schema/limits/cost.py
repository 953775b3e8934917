"""The number of rows that an operation requests: each list's page size, multiplied through nesting.

    { strategies(first: 10) { nodes { name orders(first: 20) { nodes { side } } } } }     10 + 10 x 20 = 210

An object beside a row (`order { strategy { name } }`) is a row too; a list of which only `totalCount` is selected is
one. A list without pages (`strategy { budgets { currency } }`) counts as a page of the usual size. Of an interface or
a union the dearest type counts. An equity curve that a number of points bounds is that many rows; by group there may be
as many curves as a page has rows. What `@skip` and `@include` leave out, for the variables at hand, costs nothing.

A mutation costs what its payload asks for, once for each item of the list that it was given.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    IntValueNode,
    ListValueNode,
    NamedTypeNode,
    OperationDefinitionNode,
    OperationType,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_list_type,
    value_from_ast_untyped,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.values import VariableValues
from graphql.language import BooleanValueNode, EnumValueNode, ListTypeNode, NonNullTypeNode

from app.errors import BadInputError, PageTooLarge
from app.reads.performance.statement import POINTS_UNLESS_SAID
from graphql_schema.execution.arguments import PAGE_SIZE
from graphql_schema.execution.selection import Details, Operation

COST_REPORTED_MAX = 2**53 - 1
"""A cost beyond is reported as this: the largest integer that every JSON reader keeps exact."""
KEPT_MAX = 64
"""Most costs kept of one operation, one for each combination of the variables that matter."""

ITEMS_MAX = {"inputs": 1000, "events": 5000}
"""Most items of a mutation's list, by the argument's name."""

_FILL = "FILL"
"""The granularity of which a curve without a number of points has as many as may be."""
_COUNTED_TYPES = ("Int", "Boolean", "Granularity")
"""The types of variables that page sizes, switches and curves have."""

_PAGED = ("Connection", "Edge")
"""Types that Relay reserves for pages: their rows were counted with the page."""
_COUNTED_APART = {"totalCount", "__typename"}


class CostMeter:
    """Counts the rows of one operation, which must be valid."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: dict[str, FragmentDetails],
        page_size_max: int,
    ) -> None:
        self._schema, self._definition, self._fragments = schema, operation, fragments
        self._page_size_max = page_size_max
        self._defaults = dict(_sizes_and_switches(operation))
        # Typed, because 1 equals True.
        self._rows = lru_cache(KEPT_MAX, typed=True)(self._count)

    def rows(self, variables: Mapping[str, Any]) -> int:
        """The rows requested with these variables, as the client sent them. Raises PageTooLarge, BadInputError.

        Values of a wrong type count as absent: with them nothing is executed.
        """
        return self._rows(*[_plain(variables.get(name, default)) for name, default in self._defaults.items()])

    def _count(self, *plain: int | bool | str | None) -> int:
        values = dict(zip(self._defaults, plain, strict=True))
        root = self._schema.get_root_type(self._definition.operation)
        assert root is not None, "validated"
        variables = VariableValues({}, {name: value for name, value in values.items() if isinstance(value, bool)})
        operation = Operation(self._schema, self._definition, self._fragments, variables)
        try:
            rows = _Count(operation, self._page_size_max, values).of(root, operation.root_fields())
        except GraphQLError:
            return 0  # a switch has no value: nothing is executed
        return min(rows, COST_REPORTED_MAX)


class _Count:
    """One count: the rows of an operation, for given values of the variables."""

    def __init__(self, operation: Operation, page_size_max: int, values: Mapping[str, Any]) -> None:
        self._operation = operation
        self._page_size_max = page_size_max
        self._values = values

    def of(self, type_: GraphQLObjectType, fields: Mapping[str, Details]) -> int:
        """Rows requested by the fields of one object of the type."""
        rows = 0
        for details in fields.values():
            field = type_.fields.get(details[0].node.name.value)
            # Without a field: __typename and introspection.
            if field is not None and details[0].node.selection_set is not None:
                rows += self._field(type_, field, details)
        return rows

    def _below(self, type_: Any, details: Details) -> int:
        """Rows requested below one object of the type."""
        if is_abstract_type(type_):
            possible = self._operation.schema.get_possible_types(type_)
            return max((self._below(one, details) for one in possible), default=0)
        return self.of(type_, self._operation.fields(type_, details)) if isinstance(type_, GraphQLObjectType) else 0

    def _field(self, parent: GraphQLObjectType, field: GraphQLField, details: Details) -> int:
        type_, node = get_named_type(field.type), details[0].node
        if "first" in field.args:
            size = self._page_size(node)
            assert isinstance(type_, GraphQLObjectType)
            fields = self._operation.fields(type_, details)
            chosen = {selected[0].node.name.value for selected in fields.values()}
            return 1 if chosen <= _COUNTED_APART else size * (1 + self.of(type_, fields))
        if "points" in field.args:
            return self._curves(type_, node, details)
        if parent.name.endswith(_PAGED):
            return self._below(type_, details)
        return self._objects(field, node) * (1 + self._below(type_, details))

    def _curves(self, type_: Any, node: FieldNode, details: Details) -> int:
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        groups = given.get("groupBy")
        is_grouped = isinstance(groups, VariableNode | EnumValueNode) or (
            isinstance(groups, ListValueNode) and bool(groups.values)
        )
        points = self._value(given["points"]) if "points" in given else None
        if not isinstance(points, int):
            points = POINTS_UNLESS_SAID if "granularity" in given and self._value(given["granularity"]) == _FILL else 1
        fields = self._operation.fields(type_, details)
        curves = sum(selected[0].node.name.value == "equity" for selected in fields.values())
        rows = 1 + self.of(type_, fields) + curves * max(points - 1, 0)
        return rows * (PAGE_SIZE if is_grouped else 1)

    def _objects(self, field: GraphQLField, node: FieldNode) -> int:
        """The number of objects that a field without pages counts as; a computed list is one, whatever its length."""
        type_ = get_named_type(field.type)
        for name, items_max in ITEMS_MAX.items():
            if name in field.args:
                items = self._items(node, name)
                if items > items_max:
                    raise BadInputError(f"{node.name.value} takes at most {items_max} {name}, not {items}.")
                return items if is_list_type(get_nullable_type(field.type)) else 1
        is_stored = isinstance(type_, GraphQLObjectType) and bool(type_.interfaces)
        return PAGE_SIZE if is_stored and is_list_type(get_nullable_type(field.type)) else 1

    def _items(self, node: FieldNode, name: str) -> int:
        """How many items were given; something else than a list is one."""
        given = next((one.value for one in node.arguments or () if one.name.value == name), None)
        if isinstance(given, ListValueNode):
            return len(given.values)
        items = self._value(given) if isinstance(given, VariableNode) else 1
        return items if isinstance(items, int) else 1

    def _page_size(self, node: FieldNode) -> int:
        given = {argument.name.value: self._value(argument.value) for argument in node.arguments or ()}
        sizes = [size for size in (given.get("first"), given.get("last")) if isinstance(size, int)]
        size = max(sizes, default=PAGE_SIZE)
        if size > self._page_size_max:
            raise PageTooLarge(size, self._page_size_max)
        return max(size, 0)

    def _value(self, node: ValueNode) -> Any:
        if isinstance(node, VariableNode):
            return self._values.get(node.name.value)
        if isinstance(node, IntValueNode):
            return int(node.value)
        return node.value if isinstance(node, BooleanValueNode | EnumValueNode) else None


def _sizes_and_switches(operation: OperationDefinitionNode) -> Iterator[tuple[str, Any]]:
    """The operation's variables of the types that count, with their defaults; and its lists."""
    for definition in operation.variable_definitions or ():
        type_ = definition.type.type if isinstance(definition.type, NonNullTypeNode) else definition.type
        is_items = operation.operation is OperationType.MUTATION and isinstance(type_, ListTypeNode)
        if is_items or (isinstance(type_, NamedTypeNode) and type_.name.value in _COUNTED_TYPES):
            default = definition.default_value
            yield definition.variable.name.value, None if default is None else value_from_ast_untyped(default)


def _plain(value: Any) -> int | bool | str | None:
    """A variable's JSON value as GraphQL reads it; of a list its length; of other texts than FILL nothing."""
    if isinstance(value, list):
        return len(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) or value == _FILL else None
