"""The read side: a selection becomes one SQL statement becomes response bytes.

    API ──(ReadQuery, values)──> resolver ──(entity)──> compiled.answer ──> compiler ──> PostgreSQL ──> bytes

`query` has no values, so queries that differ in values alone share one compiled statement;
`catalogue` says how each field, filter and order of each entity becomes SQL.
"""

from app.reads.compiled import Answer, OwnedObject, answer, compiled_query, fetch_objects
from app.reads.cursors import place_length, read_cursor
from app.reads.lookups import Key, Lookups
from app.reads.node_ids import NodeKey, has_key, read_node_id
from app.reads.query import (
    ALL_ROWS,
    INSTANT_MAX,
    Amounts,
    And,
    Arguments,
    Compare,
    Condition,
    Granularity,
    Grouping,
    ListArgs,
    Not,
    Op,
    Or,
    Page,
    ReadQuery,
    ResultFormat,
    Selected,
    Selection,
    Slot,
    SortKey,
    Span,
)

__all__ = [
    "ALL_ROWS",
    "INSTANT_MAX",
    "Amounts",
    "And",
    "Answer",
    "Arguments",
    "Compare",
    "Condition",
    "Granularity",
    "Grouping",
    "Key",
    "ListArgs",
    "Lookups",
    "NodeKey",
    "Not",
    "Op",
    "Or",
    "OwnedObject",
    "Page",
    "ReadQuery",
    "ResultFormat",
    "Selected",
    "Selection",
    "Slot",
    "SortKey",
    "Span",
    "answer",
    "compiled_query",
    "fetch_objects",
    "has_key",
    "place_length",
    "read_cursor",
    "read_node_id",
]
