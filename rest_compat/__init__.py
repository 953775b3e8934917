"""The REST layer for older clients: fixed paths, fixed shapes; everything here is also reachable over
GraphQL.

`schemas` documents each answer and is where its keys come from; `queries` declares each path's parameters; the
`*_routes` bind both to resolvers. Answers are the bytes that PostgreSQL wrote.
"""

from rest_compat.application import add_rest
from rest_compat.errors import rest_refusal

__all__ = ["add_rest", "rest_refusal"]
