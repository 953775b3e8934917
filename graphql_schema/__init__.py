"""The GraphQL API: schema, execution, HTTP endpoint and WebSocket.

`schema` is a Strawberry schema: `await schema.execute(document, context_value=Caller(context, principal))`. See
docs/strawberry.md.
"""

from graphql_schema.caller import Caller
from graphql_schema.http.application import PATH as GRAPHQL_PATH
from graphql_schema.http.application import add_graphql, graphql_refusal
from graphql_schema.schema import build_schema, schema

__all__ = ["GRAPHQL_PATH", "Caller", "add_graphql", "build_schema", "graphql_refusal", "schema"]
