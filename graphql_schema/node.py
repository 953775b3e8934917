"""The interface of everything with an id."""

import strawberry

from graphql_schema.types.fields import described


@strawberry.interface(description="Anything with an id.")
class Node:
    """Anything with an id."""

    id: strawberry.ID = described("Opaque, and unique among all nodes.")
