"""Relay's nodes and connections. Connections are generic: `Connection[Order]` is `OrderConnection` in the schema."""

from typing import Generic, TypeVar

import strawberry

from graphql_schema.types.fields import described

NodeType = TypeVar("NodeType")


@strawberry.interface(description="Anything with an id.")
class Node:
    """Anything with an id."""

    id: strawberry.ID = described("Opaque, and unique among all nodes.")


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """Where a page stands in its list."""

    has_next_page: bool = described("Whether the list goes on after the page.")
    has_previous_page: bool = described("Whether the list has anything before the page.")
    start_cursor: str | None = described("The cursor of the page's first node; null where the page is empty.")
    end_cursor: str | None = described("The cursor of the page's last node; null where the page is empty.")


@strawberry.type(description="A node and its place in the list.")
class Edge(Generic[NodeType]):
    """A node and its place in the list."""

    node: NodeType = described("The node.")
    cursor: str = described("The place of the node in this list, in this order; opaque. For `after` and `before`.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[NodeType]):
    """A page of a list."""

    edges: list[Edge[NodeType]] = described("The page's nodes, each with its place.")
    nodes: list[NodeType] = described("The page's nodes.")
    page_info: PageInfo = described("Where the page stands in the list.")
    total_count: int = described("How many nodes the whole list has; counted only if selected.")
