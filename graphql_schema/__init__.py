"""The GraphQL face: types, inputs and scalars; questions become one statement each (`execution`, `selection`)."""

# First: the engine's enumerations are described before any type speaks of them.
from graphql_schema import enums  # noqa: F401
from graphql_schema.application import PATH as GRAPHQL_PATH
from graphql_schema.application import add_graphql, graphql_refusal
from graphql_schema.schema import schema

__all__ = ["GRAPHQL_PATH", "add_graphql", "graphql_refusal", "schema"]
