"""Relay's connections, generic over the node: `Connection[Order]` is `OrderConnection` in the schema."""

from typing import Generic, TypeVar

import strawberry

NodeType = TypeVar("NodeType")


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """Where a page stands in its list."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type(description="A node and its place in the list.")
class Edge(Generic[NodeType]):
    """A node and its place in the list."""

    node: NodeType
    cursor: str


@strawberry.type(description="A page of a list.")
class Connection(Generic[NodeType]):
    """A page of a list."""

    edges: list[Edge[NodeType]]
    nodes: list[NodeType]
    page_info: PageInfo
    total_count: int = strawberry.field(description="How many nodes the whole list has; counted only if selected.")
