"""Descriptions: everything in the schema has one, beside its type."""

from typing import Annotated, Any, TypeAlias

import strawberry
from strawberry import UNSET


def described(description: str, name: str | None = None) -> Any:
    """A field of a type, answered by the statement of the root field."""
    return strawberry.field(description=description, name=name)


def optional(description: str, name: str | None = None) -> Any:
    """A field of an input that may be left out; null is the same."""
    return strawberry.field(description=description, name=name, default=UNSET)


def argument(description: str, name: str | None = None) -> Any:
    """What is said of an argument, inside `Annotated`."""
    return strawberry.argument(description=description, name=name)


First: TypeAlias = Annotated[
    int | None, argument("How many, from the start of the list; 100 unless said, at most 1000.")
]
After: TypeAlias = Annotated[str | None, argument("Only what comes after this cursor.")]
Last: TypeAlias = Annotated[int | None, argument("How many, from the end of the list; at most 1000. Not with `first`.")]
Before: TypeAlias = Annotated[str | None, argument("Only what comes before this cursor.")]
