"""The read side: a selection becomes one SQL statement becomes response bytes.

    face ──(Want, values)──> resolver ──(shape)──> plans.answer ──> compiler ──> PostgreSQL ──> bytes

`want` says what is asked for without any value in it, so equal questions share one compiled statement;
`catalogue` says how each field, filter and order of each noun becomes SQL.
"""

from app.reads.cursors import place_length, read_cursor
from app.reads.lookups import Key, Lookups
from app.reads.node_ids import NodeKey, has_key, read_node_id
from app.reads.plans import Answer, Entity, answer, entities, plan_for
from app.reads.want import (
    ALL_ROWS,
    INSTANT_MAX,
    All,
    Amounts,
    Any,
    Arguments,
    Compare,
    Condition,
    Form,
    Granularity,
    Grouping,
    Listing,
    Not,
    Op,
    Page,
    Selected,
    Selection,
    Slot,
    SortKey,
    Span,
    Want,
)

__all__ = [
    "ALL_ROWS",
    "INSTANT_MAX",
    "All",
    "Amounts",
    "Answer",
    "Any",
    "Arguments",
    "Compare",
    "Condition",
    "Entity",
    "Form",
    "Granularity",
    "Grouping",
    "Key",
    "Listing",
    "Lookups",
    "NodeKey",
    "Not",
    "Op",
    "Page",
    "Selected",
    "Selection",
    "Slot",
    "SortKey",
    "Span",
    "Want",
    "answer",
    "entities",
    "has_key",
    "place_length",
    "plan_for",
    "read_cursor",
    "read_node_id",
]
