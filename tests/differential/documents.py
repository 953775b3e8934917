"""Random valid documents: any field at any depth, aliased, in fragments, under directives, with arguments."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
)

from app.models.administration import AuditEntry, Budget, BudgetJournalEntry, Strategy
from app.models.instruments import Discrepancy, Instrument, Signal
from app.models.orders import Fill, Order, OrderEvent, Position, QuarantinedEvent
from tests.differential.reference import Order_, Reference, instant, node_id, plain
from tests.differential.rows import CURRENCIES, HOUR, INSTRUMENTS, NAMES, PNLS, QUANTITIES
from tests.reads.rows import START

WITHOUT_ROWS = {"feedCursor"}
"""A field without rows: the process's offset in the change feed."""
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia")
DEPTH_MAX = 7
FIELDS_MAX = 40
"""Beyond this number only leaves are added."""
_MODELS = (Strategy, Order, Fill, Position, Signal, OrderEvent, AuditEntry, Budget, Instrument)
NODE_TYPES = {entity.__name__: entity for entity in _MODELS}
LISTED_MODELS = {**NODE_TYPES, **{entity.__name__: entity for entity in (BudgetJournalEntry, Discrepancy)}}
INSTANTS = [START, START + 1, START + 10**9, *(START + hours * HOUR for hours in (-24, 1, 24, 25, 48))]


class Document:
    """A document with its variables, drawn from `random`."""

    def __init__(self, random: Random, reference: Reference) -> None:
        self._random = random
        self._reference = reference
        self._names = 0
        self._fields = 0
        self._declared: list[str] = []
        self._fragments: list[str] = []
        self.variables: dict[str, Any] = {}
        query = reference.schema.query_type
        assert query is not None
        body = self._selection(query, 0)
        declared = f"({', '.join(self._declared)})" if self._declared else ""
        self.text = "\n".join([f"query {declared} {body}", *self._fragments])

    def __repr__(self) -> str:
        return f"{self.text}\n{json.dumps(self.variables)}"

    def _chance(self, one_in: int) -> bool:
        return self._random.randrange(one_in) == 0

    def _new_name(self, prefix: str) -> str:
        """A new name, which may equal a name that statements use internally."""
        self._names += 1
        return f"{prefix}{self._names}"

    def _selection(self, type_: GraphQLObjectType, depth: int, *, is_aliased: bool = False) -> str:
        parts = [self._part(type_, depth, is_aliased) for _ in range(self._random.randrange(1, 5))]
        return "{ " + " ".join(parts) + " }"

    def _part(self, type_: GraphQLObjectType, depth: int, is_aliased: bool) -> str:
        kind = self._random.randrange(12) if self._fields < FIELDS_MAX else 11
        if kind == 0:
            alias = f"{self._new_name('t')}: " if is_aliased or self._chance(2) else ""
            return f"{alias}__typename{self._directives()}"
        if kind == 1 and depth:
            of = self._random.choice(["", f"on {type_.name}", *(f"on {one.name}" for one in type_.interfaces)])
            inner = self._selection(type_, depth, is_aliased=is_aliased) if "Node" not in of else "{ id }"
            return f"... {of}{self._directives()} {inner}"
        if kind == 2 and depth:
            name = self._new_name("F")
            self._fragments.append(
                f"fragment {name} on {type_.name} {self._selection(type_, depth, is_aliased=is_aliased)}"
            )
            return f"...{name}{self._directives()}" + (f" ...{name}" if self._chance(3) else "")
        return self._field(type_, depth, is_aliased)

    def _field(self, type_: GraphQLObjectType, depth: int, is_aliased: bool) -> str:
        fields = {
            name: field
            for name, field in type_.fields.items()
            if name not in WITHOUT_ROWS
            if (depth < DEPTH_MAX and self._fields < FIELDS_MAX)
            or not isinstance(get_named_type(field.type), GraphQLObjectType)
        }
        if not fields:
            return "__typename"
        name = self._random.choice(list(fields))
        field = fields[name]
        self._fields += 1
        arguments = ", ".join(self._arguments(type_, name, field))
        inner = self._inner(type_, name, field, depth)
        alias = (
            f"{self._new_name(self._random.choice('rtjlcpsdbfgkw'))}: "
            if is_aliased or field.args or self._chance(4)
            else ""
        )
        return f"{alias}{name}{f'({arguments})' if arguments else ''}{self._directives()}{inner}"

    def _inner(self, type_: GraphQLObjectType, name: str, field: GraphQLField, depth: int) -> str:
        named = get_named_type(field.type)
        if name == "node" and type_.name == "Query":
            types = [self._reference.schema.type_map[entity] for entity in self._random.sample(list(NODE_TYPES), 3)]
            objects = [one for one in types if isinstance(one, GraphQLObjectType)]
            parts = [f"... on {one.name} {self._selection(one, depth + 1, is_aliased=True)}" for one in objects]
            return " { id __typename " + " ".join(parts) + " }"
        return f" {self._selection(named, depth + 1)}" if isinstance(named, GraphQLObjectType) else ""

    def _directives(self) -> str:
        if not self._chance(8):
            return ""
        name, is_kept = self._random.choice((("include", True), ("skip", False)))
        value = is_kept if self._chance(2) else not is_kept
        if self._chance(2):
            return f" @{name}(if: {json.dumps(value)})"
        variable = "yes" if value else "no"
        if variable not in self.variables:
            self._declared.append(f"${variable}: Boolean!")
            self.variables[variable] = value
        return f" @{name}(if: ${variable})"

    def _arguments(self, type_: GraphQLObjectType, name: str, field: GraphQLField) -> Iterator[str]:
        for argument, value in self._values_of(type_, name, field).items():
            declared = field.args[argument].type
            if self._chance(3):
                variable = self._new_name("v")
                self._declared.append(f"${variable}: {declared}")
                self.variables[variable] = value
                yield f"{argument}: ${variable}"
            else:
                yield f"{argument}: {literal(declared, value)}"

    def _values_of(self, type_: GraphQLObjectType, name: str, field: GraphQLField) -> dict[str, Any]:
        random, rows = self._random, self._reference.rows
        match type_.name, name:
            case "Query", "node":
                entity = random.choice([*NODE_TYPES.values(), QuarantinedEvent])
                return {"id": node_id(random.choice(rows[entity]))}
            case "Query", "strategy":
                one = random.choice(rows[Strategy])
                return random.choice(({"id": str(one.strategy_id)}, {"name": one.name}, {"name": "?", "id": None}))
            case "Query", "order":
                order = random.choice(rows[Order])
                owner = random.choice(rows[Strategy]).strategy_id
                id_ = {"strategyId": str(random.choice((order.strategy_id, owner)))}
                return {"clientOrderId": order.client_order_id, **(id_ if self._chance(2) else {})}
            case "Query", "budgets" | "budget":
                one = random.choice(rows[Budget])
                given = {"strategyId": str(one.strategy_id), "currency": random.choice((one.currency, "BNB"))}
                return (
                    given
                    if name == "budget"
                    else {argument: given[argument] for argument in self._choose_arguments(field)}
                )
            case "Query", "fillsSummary":
                return {
                    argument: self._value(field.args[argument].type, argument)
                    for argument in self._choose_arguments(field)
                }
            case _, "performance":
                given = {
                    argument: self._value(field.args[argument].type, argument)
                    for argument in self._choose_arguments(field)
                }
                if given.get("filter"):
                    given["filter"] = self._in_order(given["filter"])
                return self._in_order(given)
        return self._page(name, field) if field.args else {}

    @staticmethod
    def _in_order(given: dict[str, Any]) -> dict[str, Any]:
        """Orders the bounds of a span, so that it does not end before it begins."""
        ends = sorted(given[end] for end in ("from", "to") if given.get(end))
        return {**given, **(dict(zip(("from", "to"), ends, strict=True)) if len(ends) == 2 else {})}

    def _page(self, name: str, field: GraphQLField) -> dict[str, Any]:
        given = {
            name: self._value(field.args[name].type, name)
            for name in self._choose_arguments(field)
            if name in ("filter", "orderBy")
        }
        connection = get_named_type(field.type).name
        entity: type[Any] = LISTED_MODELS[connection.removesuffix("Connection")]
        entity = QuarantinedEvent if name == "quarantinedEvents" else entity
        order = Order_.of(entity, given.get("orderBy"))
        for argument in ("after", "before"):
            if argument in field.args and self._chance(4):
                given[argument] = order.cursor(self._random.choice(self._reference.rows[entity]))
        size = self._random.choice([name for name in ("first", "last", None) if name is None or name in field.args])
        return {**given, **({size: self._random.randrange(6)} if size else {})}

    def _choose_arguments(self, field: GraphQLField) -> list[str]:
        return [name for name in field.args if self._chance(2)]

    def _value(self, declared: GraphQLInputType, name: str, depth: int = 0) -> Any:
        random = self._random
        if not isinstance(declared, GraphQLNonNull) and self._chance(8):
            return None
        type_ = get_nullable_type(declared)
        if isinstance(type_, GraphQLList):
            return [self._value(type_.of_type, name, depth) for _ in range(random.randrange(3))]
        if isinstance(type_, GraphQLInputObjectType):
            names = [
                field
                for field in type_.fields
                if isinstance(type_.fields[field].type, GraphQLNonNull)
                or (
                    self._chance(5 if len(type_.fields) > 5 else 2) and (depth < 3 or field not in ("and", "or", "not"))
                )
            ]
            inside = name if len(type_.fields) < 6 and "field" not in type_.fields else ""
            return {field: self._value(type_.fields[field].type, inside or field, depth + 1) for field in names}
        if isinstance(type_, GraphQLEnumType):
            return random.choice(list(type_.values))
        return self._scalar(str(type_), name)

    def _scalar(self, type_: str, name: str) -> Any:
        random, rows = self._random, self._reference.rows
        match type_:
            case "DateTime":
                return instant(random.choice(INSTANTS))
            case "Decimal":
                return random.choice([*(plain(amount) for amount in (*QUANTITIES, *PNLS)), 1])
            case "TimeZone":
                return random.choice(ZONES)
            case "Int":
                return random.choice((2, 3, 4, 5, 6, 9, 20, 365 if name == "annualizationDays" else 5000))
            case "UUID":
                return str(random.choice(rows[Strategy]).strategy_id)
        pools: dict[str, tuple[str, ...]] = {
            "strategyName": NAMES,
            "name": NAMES,
            "instrumentId": INSTRUMENTS,
            "clientOrderId": tuple(order.client_order_id for order in rows[Order]),
            "currency": (*CURRENCIES, "BNB"),
        }
        text = random.choice(pools.get(name, ("me", "SET", "T-1")))
        start = random.randrange(len(text)) if self._chance(2) else 0
        return text[start : start + random.randrange(1, 4)] if self._chance(2) else text


def literal(declared: GraphQLInputType, value: Any) -> str:
    """A value in the syntax of a document."""
    type_ = get_nullable_type(declared)
    if value is None:
        return "null"
    if isinstance(type_, GraphQLList):
        return f"[{', '.join(literal(type_.of_type, item) for item in value)}]"
    if isinstance(type_, GraphQLInputObjectType):
        return (
            "{" + ", ".join(f"{name}: {literal(type_.fields[name].type, part)}" for name, part in value.items()) + "}"
        )
    return str(value) if isinstance(type_, GraphQLEnumType) else json.dumps(value)
