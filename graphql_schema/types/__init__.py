"""The types of the schema: nodes, connections, enumerations and scalars."""

# Describes the ledger's enumerations, which must happen before a type refers to one.
from graphql_schema.types import enums  # noqa: F401
