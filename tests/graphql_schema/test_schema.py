"""The schema: every field of a type is in the catalogue, under its Python name."""

import pytest
from graphql import GraphQLObjectType, GraphQLScalarType

from app.reads.catalogue import FILL, ORDER, POSITION, STRATEGY, SUMMARY
from app.reads.shape import Shape
from graphql_schema import schema
from graphql_schema.enums import FillSortField, OrderSortField
from graphql_schema.names import python_name

TYPES = schema._schema.type_map


@pytest.mark.parametrize("shape", [ORDER, FILL, POSITION, STRATEGY, SUMMARY], ids=lambda shape: shape.name)
def test_every_field_is_in_the_catalogue(shape: Shape) -> None:
    declared = TYPES[shape.name]
    assert isinstance(declared, GraphQLObjectType)
    names = {python_name(field) for field in declared.fields.values()}
    assert names - shape.fields.keys() - shape.links.keys() == set()


@pytest.mark.parametrize("shape", [ORDER, FILL, POSITION, STRATEGY], ids=lambda shape: shape.name)
def test_every_filter_is_in_the_catalogue(shape: Shape) -> None:
    names = {python_name(field) for field in TYPES[f"{shape.name}Filter"].fields.values()}  # type: ignore[attr-defined]
    assert names - shape.filters.keys() - {"and", "or", "not"} == set()


def test_every_sort_is_in_the_catalogue() -> None:
    assert {field.value for field in OrderSortField} == ORDER.sorts.keys()
    assert {field.value for field in FillSortField} == FILL.sorts.keys()


def test_the_scalars_are_ours() -> None:
    scalars = {name for name, type_ in TYPES.items() if isinstance(type_, GraphQLScalarType)}
    assert scalars == {"Decimal", "DateTime", "UUID", "String", "Int", "Boolean", "ID"}


def test_arguments_have_no_default() -> None:
    assert "= null" not in schema.as_str()
