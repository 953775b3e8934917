"""The schema: in the catalogue, described, committed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLUnionType,
    get_named_type,
)
from typer.testing import CliRunner

from app.cli.commands import cli
from app.reads.catalogue.fill import FILL
from app.reads.catalogue.trading import ORDER
from app.reads.entity import ENTITIES, Entity
from graphql_schema import schema
from graphql_schema.execution.arguments import python_name
from graphql_schema.types.enums import FillSortField, OrderSortField

TYPES = schema._schema.type_map
OWN = [type_ for name, type_ in TYPES.items() if not name.startswith("__")]
NAMED = [entity for name, entity in ENTITIES.items() if name in TYPES]
SDL = Path(__file__).parents[2] / "graphql_schema" / "schema.graphql"
RESULT_TYPES = {
    get_named_type(answer).name
    for field in TYPES["Mutation"].fields.values()  # type: ignore[attr-defined]
    for answer in (get_named_type(field.type), *getattr(get_named_type(field.type), "types", ()))
} | {"RejectedEvent"}
"""The result types of mutations, and the members of unions among them."""
EQUITY_AND_GROUPS = {"equity", "groups"}
"""Lists inside computed objects."""

NOT_IN_THE_SCHEMA = {
    ("AuditEntry", "number"),
    ("Fill", "strategy_name"),
    ("Order", "strategy_name"),
    ("Position", "strategy_name"),
    ("Position", "duration_ns"),
    ("Signal", "strategy_id"),
    *(("FillSummaryGroup", name) for name in ("buy_qty", "sell_qty", "untrimmed_pnl")),
    ("FillSummary", "rests_on"),
}
"""Fields of the catalogue that only REST returns, or from which other fields and filters are made."""


@pytest.mark.parametrize("entity", NAMED, ids=lambda entity: entity.name)
def test_every_field_is_in_the_catalogue(entity: Entity) -> None:
    declared = TYPES[entity.name]
    assert isinstance(declared, GraphQLObjectType)
    names = {python_name(field) for field in declared.fields.values()}
    assert names - entity.fields.keys() - entity.links.keys() - EQUITY_AND_GROUPS == set()


def test_every_field_of_the_catalogue_is_in_the_schema() -> None:
    declared = {entity.name: {python_name(field) for field in TYPES[entity.name].fields.values()} for entity in NAMED}  # type: ignore[attr-defined]
    unused = {(entity.name, name) for entity in NAMED for name in entity.fields.keys() - declared[entity.name]}
    assert unused == NOT_IN_THE_SCHEMA


def test_every_type_has_an_entity() -> None:
    objects = {type_.name for type_ in OWN if isinstance(type_, GraphQLObjectType)}
    connections = {name for name in objects if name.endswith(("Connection", "Edge", "Change"))}
    roots = {"Query", "Mutation", "Subscription"}
    assert objects - connections - roots - {"PageInfo"} - RESULT_TYPES == {entity.name for entity in NAMED}


def test_quarantined_events_have_the_fields_of_events() -> None:
    assert ENTITIES["QuarantinedEvent"].fields.keys() == ENTITIES["OrderEvent"].fields.keys()


def test_every_filter_is_in_the_catalogue() -> None:
    named = {"OrderFilter": "Order", "FillFilter": "Fill", "PositionFilter": "Position"}
    for name, entity in {**named, "StrategyFilter": "Strategy", "AuditFilter": "AuditEntry"}.items():
        names = {python_name(field) for field in TYPES[name].fields.values()}  # type: ignore[attr-defined]
        assert names - ENTITIES[entity].filters.keys() - {"and", "or", "not"} == set()


def test_every_sort_is_in_the_catalogue() -> None:
    assert {field.value for field in OrderSortField} == set(ORDER.sorts)
    assert {field.value for field in FillSortField} == set(FILL.sorts)


@pytest.mark.parametrize("entity", [one for one in NAMED if "id" in one.fields], ids=lambda one: one.name)
def test_every_key_can_be_looked_up(entity: Entity) -> None:
    assert set(entity.key) <= entity.filters.keys()
    assert TYPES["Node"] in TYPES[entity.name].interfaces  # type: ignore[attr-defined]


def test_the_schema_has_exactly_these_scalars() -> None:
    scalars = {name for name, type_ in TYPES.items() if isinstance(type_, GraphQLScalarType)}
    assert scalars == {"Decimal", "DateTime", "UUID", "JSON", "TimeZone", "String", "Int", "Float", "Boolean", "ID"}


def test_arguments_have_no_default() -> None:
    assert "= null" not in schema.as_str()


def test_every_error_type_has_a_code_and_a_message() -> None:
    errors = TYPES["Error"]
    named = {type_.name for type_ in OWN if errors in getattr(type_, "interfaces", ())}
    assert named == {"InvalidInput", "NotFound", "Conflict"}
    for name in RESULT_TYPES:
        members = {type_.name for type_ in getattr(TYPES.get(name), "types", ())}
        assert not members or members & named, name


@pytest.mark.parametrize("union", [one for one in OWN if isinstance(one, GraphQLUnionType)], ids=lambda one: one.name)
def test_a_field_has_the_same_type_in_all_members_of_a_union(union: GraphQLUnionType) -> None:
    types: dict[str, set[str]] = {}
    for member in union.types:
        for name, field in member.fields.items():
            types.setdefault(name, set()).add(str(field.type))
    assert {name: found for name, found in types.items() if len(found) > 1} == {}


def test_custom_scalars_have_a_specification_and_the_schema_a_description() -> None:
    standard = {"String", "Int", "Float", "Boolean", "ID"}
    scalars = [one for one in OWN if isinstance(one, GraphQLScalarType) and one.name not in standard]
    assert [one.name for one in scalars if not one.specified_by_url] == []
    descriptions_of = schema.execute_sync("{ __schema { description } }").data["__schema"]["description"]
    assert descriptions_of.startswith("Purser, ")
    assert "Purser, " in schema.as_str().split("schema {")[0]


@pytest.mark.parametrize("type_", OWN, ids=lambda type_: type_.name)
def test_every_type_and_field_has_a_description(type_: GraphQLNamedType) -> None:
    assert [place for place, description in descriptions_of(type_) if not description] == []


def test_the_committed_schema_is_current() -> None:
    printed = CliRunner().invoke(cli, ["schema"]).stdout
    assert SDL.read_text() == printed, "write it anew: purser schema > graphql_schema/schema.graphql"


def descriptions_of(type_: GraphQLNamedType) -> Iterator[tuple[str, str | None]]:
    """Every type, field and argument with its description."""
    yield type_.name, type_.description
    if isinstance(type_, GraphQLEnumType):
        yield from ((f"{type_.name}.{name}", value.description) for name, value in type_.values.items())
    if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
        for name, field in type_.fields.items():
            yield f"{type_.name}.{name}", field.description
            for argument, declared in getattr(field, "args", {}).items():
                yield f"{type_.name}.{name}({argument})", declared.description
