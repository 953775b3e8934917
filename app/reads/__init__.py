"""The read side: a selection becomes one SQL statement becomes response bytes.

    face ──(Want, values)──> resolver ──(shape)──> plans.answer ──> compiler ──> PostgreSQL ──> bytes

`want` says what is asked for without any value in it, so equal questions share one compiled statement;
`catalogue` says how each field, filter and order of each noun becomes SQL.
"""

from app.reads.cursors import read_cursor
from app.reads.plans import Answer, Entity, answer, entities
from app.reads.want import (
    INSTANT_MAX,
    All,
    Amounts,
    Any,
    Compare,
    Condition,
    Form,
    Listing,
    Not,
    Op,
    Page,
    Selected,
    Selection,
    Slot,
    SortKey,
    Want,
)

__all__ = [
    "INSTANT_MAX",
    "All",
    "Amounts",
    "Answer",
    "Any",
    "Compare",
    "Condition",
    "Entity",
    "Form",
    "Listing",
    "Not",
    "Op",
    "Page",
    "Selected",
    "Selection",
    "Slot",
    "SortKey",
    "Want",
    "answer",
    "entities",
    "read_cursor",
]
