"""The GraphQL API: schema, execution, HTTP endpoint and WebSocket."""

from graphql_schema.http.application import PATH as GRAPHQL_PATH
from graphql_schema.http.application import add_graphql, graphql_refusal
from graphql_schema.schema import schema

__all__ = ["GRAPHQL_PATH", "add_graphql", "graphql_refusal", "schema"]
