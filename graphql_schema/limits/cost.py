"""How many rows an operation may ask for: each list's page size, multiplied through nesting.

    { strategies(first: 10) { nodes { name orders(first: 20) { nodes { side } } } } }     10 + 10 x 20 = 210

An object beside a row (`order { strategy { name } }`) is a row too; a list of which only `totalCount` is selected is
one. A list without pages (`strategy { budgets { currency } }`) counts as a page of the usual size. Of an interface or
a union the dearest type counts. An equity curve that a number of points bounds is that many rows; by group there may be
as many curves as a page has rows. What `@skip` and `@include` leave out, for the variables at hand, costs nothing.

A mutation costs what its payload asks for, once for each item of the list that it was given.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    IntValueNode,
    ListValueNode,
    NamedTypeNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
    value_from_ast_untyped,
)
from graphql.language import BooleanValueNode, EnumValueNode, ListTypeNode, NonNullTypeNode, SelectionNode

from app.errors import BadInputError, PageTooLarge
from app.reads.performance import POINTS_UNLESS_SAID
from graphql_schema.execution.list_args import PAGE_SIZE

COST_REPORTED_MAX = 2**53 - 1
"""A cost beyond is reported as this: the largest integer that every JSON reader keeps exact."""
KEPT_MAX = 64
"""Most costs kept of one operation, one for each combination of the variables that matter."""

ITEMS_MAX = {"inputs": 1000, "events": 5000}
"""Most items of a mutation's list, by the argument's name."""

_FILL = "FILL"
"""The granularity of which a curve without a number of points has as many as may be."""
_STEERING = ("Int", "Boolean", "Granularity")
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
        fragments: Mapping[str, FragmentDefinitionNode],
        page_size_max: int,
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._fragments = fragments
        self._page_size_max = page_size_max
        self._defaults = dict(_sizes_and_switches(operation))
        self._kept: dict[tuple[Any, ...], int] = {}

    def rows(self, variables: Mapping[str, Any]) -> int:
        """The rows asked for with these variables, as the client sent them. Raises PageTooLarge, BadInputError.

        Values of a wrong type count as absent: with them nothing is executed.
        """
        values = {name: _plain(variables.get(name, default)) for name, default in self._defaults.items()}
        key = tuple((type(value), value) for value in values.values())  # for 1 == True
        found = self._kept.get(key)
        if found is None:
            found = self._count(values)
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            self._kept[key] = found
        return found

    def _count(self, values: Mapping[str, Any]) -> int:
        root = self._schema.get_root_type(self._operation.operation)
        assert root is not None, "validated"
        count = _Count(self._schema, self._fragments, self._page_size_max, values)
        return min(count.below(root, [self._operation.selection_set]), COST_REPORTED_MAX)


class _Count:
    """One count: the rows below selection sets, for given values of the variables."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        page_size_max: int,
        values: Mapping[str, Any],
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._page_size_max = page_size_max
        self._values = values

    def below(self, type_: Any, sets: list[SelectionSetNode]) -> int:
        """Rows asked for below one object of the type."""
        if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            return max((self.below(one, sets) for one in self._schema.get_possible_types(type_)), default=0)
        if not isinstance(type_, GraphQLObjectType):
            return 0
        rows = 0
        for nodes in self._merged(type_, sets).values():
            field = type_.fields.get(nodes[0].name.value)
            if field is None:  # __typename and introspection
                continue
            inner = [node.selection_set for node in nodes if node.selection_set is not None]
            if inner:
                rows += self._field(type_, field, nodes[0], inner)
        return rows

    def _field(self, parent: GraphQLObjectType, field: GraphQLField, node: FieldNode, sets: list[Any]) -> int:
        type_ = get_named_type(field.type)
        if "first" in field.args:
            size = self._page_size(node)
            assert isinstance(type_, GraphQLObjectType)
            chosen = {nodes[0].name.value for nodes in self._merged(type_, sets).values()}
            return 1 if chosen <= _COUNTED_APART else size * (1 + self.below(type_, sets))
        if "points" in field.args:
            return self._curves(type_, node, sets)
        if parent.name.endswith(_PAGED):
            return self.below(type_, sets)
        return self._objects(field, node) * (1 + self.below(type_, sets))

    def _curves(self, type_: Any, node: FieldNode, sets: list[Any]) -> int:
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        groups = given.get("groupBy")
        is_grouped = isinstance(groups, VariableNode | EnumValueNode) or (
            isinstance(groups, ListValueNode) and bool(groups.values)
        )
        points = self._value(given["points"]) if "points" in given else None
        if not isinstance(points, int):
            points = POINTS_UNLESS_SAID if "granularity" in given and self._value(given["granularity"]) == _FILL else 1
        merged = self._merged(type_, sets)
        curves = sum(nodes[0].name.value == "equity" for nodes in merged.values())
        rows = 1 + self.below(type_, sets) + curves * max(points - 1, 0)
        return rows * (PAGE_SIZE if is_grouped else 1)

    def _objects(self, field: GraphQLField, node: FieldNode) -> int:
        """How many objects a field without pages counts as; what is worked out is one, however many parts it has."""
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

    def _merged(self, type_: GraphQLObjectType, sets: list[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        """The fields that an object of the type would have, by key."""
        merged: dict[str, list[FieldNode]] = {}
        here: set[str] = set()
        waiting = list(reversed(sets))
        while waiting:
            for node in waiting.pop().selections:
                if not self._is_included(node):
                    continue
                if isinstance(node, FieldNode):
                    merged.setdefault((node.alias or node.name).value, []).append(node)
                    continue
                part: Any = node
                if isinstance(node, FragmentSpreadNode):
                    if node.name.value in here:
                        continue
                    here.add(node.name.value)
                    part = self._fragments[node.name.value]
                if self._applies(part.type_condition, type_):
                    waiting.append(part.selection_set)
        return merged

    def _is_included(self, node: SelectionNode) -> bool:
        for directive in node.directives or ():
            if directive.name.value in ("skip", "include"):
                argument = next((one for one in directive.arguments or () if one.name.value == "if"), None)
                wanted = directive.name.value == "include"
                if argument is not None and self._value(argument.value) is not wanted:
                    return False
        return True

    def _applies(self, condition: NamedTypeNode | None, type_: GraphQLObjectType) -> bool:
        if condition is None or condition.name.value == type_.name:
            return True
        named: Any = self._schema.get_type(condition.name.value)
        return isinstance(named, GraphQLInterfaceType | GraphQLUnionType) and self._schema.is_sub_type(named, type_)


def _sizes_and_switches(operation: OperationDefinitionNode) -> Iterator[tuple[str, Any]]:
    """The operation's variables of the types that count, with their defaults; and its lists."""
    for definition in operation.variable_definitions or ():
        type_ = definition.type.type if isinstance(definition.type, NonNullTypeNode) else definition.type
        is_items = operation.operation is OperationType.MUTATION and isinstance(type_, ListTypeNode)
        if is_items or (isinstance(type_, NamedTypeNode) and type_.name.value in _STEERING):
            default = definition.default_value
            yield definition.variable.name.value, None if default is None else value_from_ast_untyped(default)


def _plain(value: Any) -> int | bool | str | None:
    """A variable's JSON value as GraphQL reads it; of a list its length; of other texts than FILL nothing."""
    if isinstance(value, list):
        return len(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) or value == _FILL else None
