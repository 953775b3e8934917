"""Declaring types, fields and arguments, each with its description; a type's description is its docstring."""

from enum import Enum
from typing import Annotated, Any, TypeAlias, TypeVar

import strawberry
from strawberry import UNSET
from typing_extensions import dataclass_transform

T = TypeVar("T")
E = TypeVar("E", bound=Enum)


@dataclass_transform(kw_only_default=True)
def object_type(cls: type[T]) -> type[T]:
    """Declare an object type."""
    return strawberry.type(cls, description=description_of(cls))


@dataclass_transform(kw_only_default=True)
def interface_type(cls: type[T]) -> type[T]:
    """Declare an interface."""
    return strawberry.interface(cls, description=description_of(cls))


@dataclass_transform(kw_only_default=True)
def input_type(cls: type[T]) -> type[T]:
    """Declare an input object."""
    return strawberry.input(cls, description=description_of(cls))


def enum_type(cls: type[E]) -> type[E]:
    """Declare an enumeration."""
    return strawberry.enum(cls, description=description_of(cls))


def description_of(cls: type) -> str:
    """The docstring of a class as one line."""
    return " ".join((cls.__doc__ or "").split())


def described(description: str, name: str | None = None) -> Any:
    """A field of a type."""
    return strawberry.field(description=description, name=name)


def optional(description: str, name: str | None = None) -> Any:
    """A field of an input that may be left out; null is the same."""
    return strawberry.field(description=description, name=name, default=UNSET)


def argument(description: str, name: str | None = None) -> Any:
    """The description of an argument, inside `Annotated`."""
    return strawberry.argument(description=description, name=name)


First: TypeAlias = Annotated[
    int | None, argument("The number of nodes from the start of the list, at most 1000; by default 100.")
]
After: TypeAlias = Annotated[str | None, argument("Only nodes after this cursor.")]
Last: TypeAlias = Annotated[
    int | None, argument("The number of nodes from the end of the list, at most 1000. Excludes `first`.")
]
Before: TypeAlias = Annotated[str | None, argument("Only nodes before this cursor.")]
