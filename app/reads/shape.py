"""What the catalogue says of a noun: its fields, its neighbours, its filters, its orders, its kept totals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement

from app.reads.columns import Columns
from app.reads.fields import Field
from app.reads.want import Compare

FilterSql: TypeAlias = Callable[[Columns, Compare], ColumnElement[bool]]
"""From columns and a comparison to a condition."""


@dataclass(frozen=True, eq=False)
class One:
    """A neighbour of which there is at most one. `on` pairs its columns with ours."""

    shape: str
    on: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Many:
    """Neighbours as a connection. `on` pairs their columns with ours; `also` narrows: (theirs, ours)."""

    shape: str
    on: Mapping[str, str]
    also: Callable[[Columns, Columns], ColumnElement[bool]] | None = None


@dataclass(frozen=True, eq=False)
class Totals:
    """A table of kept counts that answers `count(*)` where the filter speaks of its columns only."""

    model: Any
    count: str
    filters: frozenset[str]


@dataclass(frozen=True, eq=False)
class Shape:
    """One noun. `sorts` maps the name of an order to its column; the first is the default, newest first.

    `ties` make every order total. Sort columns are never null. `model` is None for
    what exists once and is no table's row.
    """

    name: str
    model: Any
    fields: Mapping[str, Field]
    sorts: Mapping[str, str] = field(default_factory=dict)
    ties: tuple[str, ...] = ()
    filters: Mapping[str, FilterSql] = field(default_factory=dict)
    links: Mapping[str, One | Many] = field(default_factory=dict)
    totals: Totals | None = None
