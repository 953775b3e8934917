"""The interface of everything with an id."""

import strawberry

from graphql_schema.types.fields import described, interface_type


@interface_type
class Node:
    """An object with a globally unique id."""

    id: strawberry.ID = described("Globally unique, opaque id.")
