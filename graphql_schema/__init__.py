"""The GraphQL face: types, inputs and scalars; questions become one statement each (`execution`, `selection`)."""

from graphql_schema.application import PATH as GRAPHQL_PATH
from graphql_schema.application import add_graphql, graphql_refusal
from graphql_schema.schema import schema

__all__ = ["GRAPHQL_PATH", "add_graphql", "graphql_refusal", "schema"]
