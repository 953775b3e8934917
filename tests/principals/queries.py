"""Queries made from the schema: every field of every type, with the nodes around it.

A field that is added to the schema is queried without a change here. EXAMPLES has values for required arguments.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from tests.principals.rows import OURS, THEIRS, rows
from tests.reads.rows import UNKNOWN

DEPTH = 2
"""How many nested nodes are selected below those of a root field."""
PAGE_SIZE = 4
"""Page size of lists below the root field."""

Given = Mapping[str, Any]

_STRATEGY_IDS = [str(OURS), str(THEIRS), str(UNKNOWN)]
_STRATEGY_NAMES = [row.name for row in rows() if row.__tablename__ == "strategies"]  # type: ignore[attr-defined]
_CURRENCIES = sorted({row.currency for row in rows() if row.__tablename__ == "budgets"})  # type: ignore[attr-defined]
CLIENT_ORDER_IDS = ["O-13", "a/b", "S-11", "SHARED", "NONE"]
"""One of OURS, one of THEIRS, two of both, one of none."""

EXAMPLES: dict[str, list[Given]] = {
    "strategy": [{"id": value} for value in _STRATEGY_IDS] + [{"name": value} for value in _STRATEGY_NAMES],
    "order": [{"clientOrderId": value} for value in CLIENT_ORDER_IDS]
    + [{"clientOrderId": "SHARED", "strategyId": value} for value in _STRATEGY_IDS],
    "budget": [{"strategyId": value, "currency": currency} for value in _STRATEGY_IDS for currency in _CURRENCIES],
    "budgets": [{}, *({"strategyId": value} for value in _STRATEGY_IDS)],
}
"""Arguments of root fields by the field's name; `node` is queried for every id in the other responses."""


def queries_of(schema: GraphQLSchema, name: str) -> Iterator[tuple[str, Given]]:
    """Documents and variables that query one root field: whole, filtered, grouped, from its end."""
    assert schema.query_type is not None
    field = schema.query_type.fields[name]
    for number, given in enumerate(EXAMPLES.get(name) or _variants(field)):
        # PostgreSQL takes long to plan the deepest queries: one for each field is enough.
        yield document(schema, "query", field, name, given, depth=1 if number else DEPTH), given


def document(schema: GraphQLSchema, kind: str, field: GraphQLField, name: str, given: Given, depth: int = DEPTH) -> str:
    """An operation that selects everything below a root field with these arguments."""
    missing = [one for one, argument in field.args.items() if is_required_argument(argument) and one not in given]
    assert not missing, f"EXAMPLES does not say what to ask {name} with: {missing}"
    declared = ", ".join(f"${one}: {field.args[one].type}" for one in given)
    passed = ", ".join(f"{one}: ${one}" for one in given)
    variables, arguments = (f"({text})" if text else "" for text in (declared, passed))
    return f"{kind} {variables} {{ {name}{arguments} {_selection(schema, get_named_type(field.type), depth + 1)} }}"


def _variants(field: GraphQLField) -> Iterator[Given]:
    yield {}
    if "last" in field.args:
        yield {"last": 2}
    if "groupBy" in field.args:
        groups = get_named_type(field.args["groupBy"].type)
        assert isinstance(groups, GraphQLEnumType)
        yield {"groupBy": list(groups.values)}
        yield from ({"groupBy": [name]} for name in groups.values)
    if "filter" in field.args:
        filter_type = get_named_type(field.args["filter"].type)
        assert isinstance(filter_type, GraphQLInputObjectType)
        theirs = {"strategyId": {"eq": str(THEIRS)}}, {"strategyName": {"contains": "maker"}}
        for condition in theirs:
            if condition.keys() <= filter_type.fields.keys():
                yield {"filter": condition}
                if "not" in filter_type.fields:
                    yield {"filter": {"not": {"or": [condition, {"not": condition}]}}}
                    yield {"filter": {"or": [condition, {"not": condition}]}}


def _selection(schema: GraphQLSchema, type_: Any, depth: int) -> str:
    """The selection set of a type; empty for a leaf. `depth` is the number of nested nodes that may follow."""
    if is_leaf_type(type_):
        return ""
    if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
        depth -= isinstance(type_, GraphQLInterfaceType)
        possible = schema.get_possible_types(type_)
        parts = [f"... on {one} {_fields(schema, one, depth, alias=f'{one}_')}" for one in possible]
        return f"{{ __typename {' '.join(parts)} }}"
    assert isinstance(type_, GraphQLObjectType)
    is_node = any(interface.name == "Node" for interface in type_.interfaces)
    return _fields(schema, type_, depth - is_node)


def _fields(schema: GraphQLSchema, type_: GraphQLObjectType, depth: int, alias: str = "") -> str:
    """`alias` is a prefix for names that other types of a union or interface have with another type."""
    selected = ["__typename"]
    for name, field in type_.fields.items():
        inner = get_named_type(field.type)
        if _is_node(inner) and (depth <= 0 or type_.name.endswith("Edge")):
            # The nodes of edges are those of `nodes`.
            selected += [f"{name} {{ __typename }}"] if depth > 0 else []
            continue
        arguments = f"(first: {PAGE_SIZE})" if "first" in field.args else ""
        renamed = f"{alias}{name}: " if alias and name != "id" else ""
        selected.append(f"{renamed}{name}{arguments} {_selection(schema, inner, depth)}")
    return f"{{ {' '.join(selected)} }}"


def _is_node(type_: Any) -> bool:
    return isinstance(type_, GraphQLObjectType) and any(one.name == "Node" for one in type_.interfaces)


def example_of(type_: Any, names: Mapping[str, Any]) -> Any:
    """A minimal value of an input type. `names` has values for some fields and arguments by name."""
    match type_:
        case GraphQLNonNull(of_type=inner):
            return example_of(inner, names)
        case GraphQLList(of_type=inner):
            return [example_of(inner, names)]
        case GraphQLEnumType(values=values):
            return next(iter(values))
        case GraphQLInputObjectType():
            fields = dict(list(type_.fields.items())[:1]) if type_.is_one_of else type_.fields
            return {
                name: names.get(name, example_of(field.type, names))
                for name, field in fields.items()
                if type_.is_one_of or isinstance(field.type, GraphQLNonNull)
            }
    return {
        "Int": 1,
        "Boolean": False,
        "Decimal": "1",
        "DateTime": "2022-01-01T00:00:00Z",
        "UUID": str(UNKNOWN),
        "JSON": {},
    }.get(type_.name, "x")
