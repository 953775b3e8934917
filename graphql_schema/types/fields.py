"""Declaring types, fields and arguments, each with its description; a type's description is its docstring."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from enum import Enum
from inspect import Parameter, Signature
from typing import Annotated, Any, TypeVar, get_args

import strawberry
from strawberry import UNSET
from typing_extensions import dataclass_transform

from graphql_schema.caller import Info
from graphql_schema.execution.executor import read

T = TypeVar("T")
E = TypeVar("E", bound=Enum)
F = TypeVar("F", bound=Callable[..., Any])


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


def description_of(declared: Any) -> str:
    """The docstring of a class or function as one line."""
    return " ".join((declared.__doc__ or "").split())


def described(description: str, name: str | None = None, default: Any = MISSING) -> Any:
    """A field of a type."""
    return strawberry.field(description=description, name=name, default=default)


def optional(description: str, name: str | None = None) -> Any:
    """A field of an input that may be left out; null is the same."""
    return strawberry.field(description=description, name=name, default=UNSET)


def argument(description: str, name: str | None = None) -> Any:
    """The description of an argument, inside `Annotated`."""
    return strawberry.argument(description=description, name=name)


def matching(filter_type: type) -> Any:
    """The annotation of a `filter` argument."""
    return Annotated[filter_type | None, argument("Only objects that match.")]


def read_field(description: str, **arguments: Any) -> Any:
    """A field that the executor reads, with all below it, by one statement; `arguments` as `taking` has them.

    At the root the resolver is called; below, it only declares the arguments.
    """

    async def resolve(info: Info, **_: Any) -> Any:
        return await read(info)

    return strawberry.field(resolver=taking(arguments, resolve), description=description)


def taking(arguments: Mapping[str, Any], resolver: F) -> F:
    """The resolver, declared to take these arguments besides `info`.

    Each is an annotation, or an annotation and a default. One that may be null may be left out.
    """
    parameters = [Parameter("info", Parameter.KEYWORD_ONLY, annotation=Info)]
    for name, given in arguments.items():
        annotation, default = given if isinstance(given, tuple) else (given, _default(given))
        parameters.append(Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation))
    resolver.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    return resolver


def _default(annotation: Any) -> Any:
    return UNSET if type(None) in get_args(get_args(annotation)[0]) else Parameter.empty


FORWARD: Mapping[str, Any] = {
    "first": Annotated[
        int | None, argument("The number of nodes from the start of the list, at most 1000; by default 100.")
    ],
    "after": Annotated[str | None, argument("Only nodes after this cursor.")],
}
"""The arguments of a connection that is read forward only."""
PAGE: Mapping[str, Any] = {
    **FORWARD,
    "last": Annotated[
        int | None, argument("The number of nodes from the end of the list, at most 1000. Excludes `first`.")
    ],
    "before": Annotated[str | None, argument("Only nodes before this cursor.")],
}
"""The arguments of a connection."""
