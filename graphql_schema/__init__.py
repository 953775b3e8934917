"""The GraphQL face: types, inputs and scalars; questions become one statement each (`execution`, `selection`)."""

from graphql_schema.application import add_graphql
from graphql_schema.schema import schema

__all__ = ["add_graphql", "schema"]
