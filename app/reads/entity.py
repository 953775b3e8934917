"""An entity of the catalogue: its fields, neighbours, filters, orders and kept totals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import ColumnElement

from app.reads.columns import Columns
from app.reads.fields import Field
from app.reads.query import Arguments, Compare, Selection

if TYPE_CHECKING:
    from app.reads.compiler import Compiler

FilterSql: TypeAlias = Callable[[Columns, Compare], ColumnElement[bool]]
"""From columns and a comparison to a condition."""


Beside: TypeAlias = Callable[[Columns, Columns], ColumnElement[bool]]
"""From a neighbour's columns and ours to a condition."""

ComputedSql: TypeAlias = "Callable[[Compiler, Selection, Arguments | None, Columns], ColumnElement[Any]]"
"""From the selection, the arguments and the parent row to the whole answer as JSON."""


Scope: TypeAlias = Callable[[Columns], ColumnElement[bool]]
"""From columns to whether a principal that is bound to strategies may see the row."""


@dataclass(frozen=True, eq=False)
class Link:
    """A field that reads another entity."""

    entity: str


@dataclass(frozen=True, eq=False)
class Neighbours(Link):
    """Rows of another table. `on` pairs their columns with ours; `also` narrows: (theirs, ours)."""

    on: Mapping[str, str]
    also: Beside | None = None


class One(Neighbours):
    """At most one neighbour. With `also` there may be several: the first in the neighbours' own order is taken."""


class Many(Neighbours):
    """Neighbours as a connection."""


class Every(Neighbours):
    """All neighbours, as a plain array: they are few."""


class Computed(Link):
    """The other entity's own `computed`, for a row."""


class Count(Link):
    """How many rows the other entity has."""


@dataclass(frozen=True, eq=False)
class Totals:
    """A table of kept counts; it answers `count(*)` if the filter names only its columns."""

    model: Any
    count: str
    filters: frozenset[str]


@dataclass(frozen=True, eq=False)
class Entity:
    """One entity. `sorts` are the columns to sort by; the first is the default, newest first.

    `ties` make every order total. Sort columns are never null. `key` are the columns that identify a row. `model` is
    None for an entity without a table: it exists once, or `computed` computes it. `only` restricts the table's rows to
    the entity's, everywhere. `scope` is the condition for principals that are bound to strategies, if the table has no
    strategy_id. Each registers itself in `ENTITIES`.
    """

    name: str
    model: Any
    fields: Mapping[str, Field]
    sorts: tuple[str, ...] = ()
    is_oldest_first: bool = False
    ties: tuple[str, ...] = ()
    filters: Mapping[str, FilterSql] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=dict)
    totals: Totals | None = None
    key: tuple[str, ...] = ()
    computed: "ComputedSql | None" = None
    only: Callable[[Columns], ColumnElement[bool]] | None = None
    scope: Scope | None = None

    def __post_init__(self) -> None:
        # A variant made by `replace` has the name of its original, which stays.
        ENTITIES.setdefault(self.name, self)


ENTITIES: dict[str, Entity] = {}
"""All entities by name: neighbours need not import each other. Complete once `app.reads.catalogue` is imported."""
