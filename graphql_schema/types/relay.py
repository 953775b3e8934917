"""Relay's nodes and connections. Connections are generic: `Connection[Order]` is `OrderConnection` in the schema."""

from typing import Generic, TypeVar

import strawberry

from graphql_schema.types.fields import described, interface_type, object_type

NodeType = TypeVar("NodeType")


@interface_type
class Node:
    """An object with a globally unique id."""

    id: strawberry.ID = described("Globally unique, opaque id.")


@object_type
class PageInfo:
    """The position of a page within its list."""

    has_next_page: bool = described("Whether the list continues after the page.")
    has_previous_page: bool = described("Whether the list has nodes before the page.")
    start_cursor: str | None = described("The cursor of the page's first node; null if the page is empty.")
    end_cursor: str | None = described("The cursor of the page's last node; null if the page is empty.")


@object_type
class Edge(Generic[NodeType]):
    """A node and its cursor."""

    node: NodeType = described("The node.")
    cursor: str = described("An opaque cursor, valid for this list in this order. For `after` and `before`.")


@object_type
class Connection(Generic[NodeType]):
    """One page of a list."""

    edges: list[Edge[NodeType]] = described("The nodes of the page, each with its cursor.")
    nodes: list[NodeType] = described("The nodes of the page.")
    page_info: PageInfo = described("Cursors of the page, and whether the list continues on either side.")
    total_count: int = described("The number of nodes in the whole list; counted only if selected.")
