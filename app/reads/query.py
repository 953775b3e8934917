"""Read queries: a selection, filters, an order and a page, with *slots* for values.

A `ReadQuery` holds no values, only their indices in a sequence that is passed beside it. Queries that differ in values
alone are equal, and share one compiled statement.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

Slot: TypeAlias = int
"""The index of a value in the sequence that travels beside the `ReadQuery`."""

SCOPE: Slot = -1
"""The slot of the strategies that a bound principal may see: the last value, appended when the query runs."""

INSTANT_MAX = 2**63 - 1
"""The last instant, in nanoseconds since the epoch, that a BIGINT holds."""


class Amounts(Enum):
    """How exact decimals are written. The digits are the same."""

    NUMBER = "JSON number"
    TEXT = "JSON string"


class ResultFormat(Enum):
    """The outline of the answer."""

    ARRAY = "a JSON array of objects, and how many there are in all"
    CONNECTION = "one object: edges, nodes, pageInfo, totalCount, as selected"
    EACH = "one row for each object: its strategy and its JSON"
    ONE = "one object, of an entity that exists once"
    KEYED = "one row for each key of a list of keys: the object's JSON, or null"


class Op(Enum):
    """How a field is compared with a value."""

    EQ = "="
    IN = "in"
    CONTAINS = "contains"
    STARTS_WITH = "starts with"
    GT = ">"
    GTE = ">="
    LT = "<"
    LTE = "<="


@dataclass(frozen=True, slots=True)
class Compare:
    """One field against one value; for IN the value is a list.

    Names of an enumeration stand in the statement itself, as `names` instead of a slot: they are few, and only there
    can the planner see that one is rare (orders in flight among a million filled ones).
    """

    field: str
    op: Op
    slot: Slot | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class And:
    """Every one of the conditions; true for none."""

    conditions: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of the conditions; false for none."""

    conditions: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary of a condition."""

    condition: "Condition"


Condition: TypeAlias = Compare | And | Or | Not


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of an order: the name of a column."""

    name: str
    descending: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows of the ordered whole.

    `limit` stands in the statement itself: with a parameter the planner assumes a tenth of the table and leaves the
    index. `after` and `before` are the slots of a cursor's values; `is_backward` takes the last `limit` rows.
    `is_whole`: all rows, in a plain array.
    """

    limit: int = 100
    offset: Slot | None = None
    after: tuple[Slot, ...] | None = None
    before: tuple[Slot, ...] | None = None
    is_backward: bool = False
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class ListArgs:
    """Filter, order and page of a list."""

    where: Condition | None = None
    order: tuple[SortKey, ...] = ()
    page: Page = Page()


ALL_ROWS = ListArgs(page=Page(is_whole=True))
"""For entities of which there are few."""


class Granularity(Enum):
    """What one point of an equity curve represents. Bars are aligned to the time zone."""

    FILL = "fill"
    # PostgreSQL's own words; its weeks begin on Mondays.
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Grouping:
    """Which rows are added up, and by which of their columns: the arguments of an aggregated entity."""

    where: Condition | None = None
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """What performance is computed over: rows that satisfy `where`, from `start` up to but without `end`.

    `by` are the columns that make groups, beside the currency. `is_whole_days` where both ends are midnights in UTC:
    then totals by day can answer. `zone` is the slot of an IANA time zone; None is UTC. `points` is the slot of the
    largest number of points of a curve, `annualization_days` that of the number of days in a year.
    """

    granularity: Granularity = Granularity.DAY
    where: "Condition | None" = None
    by: tuple[str, ...] = ()
    start: Slot | None = None
    end: Slot | None = None
    is_whole_days: bool = True
    zone: Slot | None = None
    points: Slot | None = None
    annualization_days: Slot | None = None


Arguments: TypeAlias = Grouping | Span


@dataclass(frozen=True)
class Selection:
    """The fields of one object, in the answer's order. The hash is kept: each request needs it."""

    fields: "tuple[Selected, ...]"
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash(self.fields))

    def __hash__(self) -> int:
        return self._hash

    @classmethod
    def of(cls, names: Iterable[str]) -> "Selection":
        """Plain fields under their own names."""
        return cls(tuple(Selected(name, name) for name in names))


NOTHING = Selection(())


@dataclass(frozen=True, slots=True)
class Selected:
    """One field of an object, under the key of the answer.

    `children` for objects and connections, `list_args` for connections, `arguments` for computed entities. `literal`
    is a text that stands for itself (GraphQL's `__typename`).
    """

    name: str
    key: str
    children: Selection = NOTHING
    list_args: ListArgs | None = None
    literal: str | None = None
    arguments: Arguments | None = None


@dataclass(frozen=True, slots=True)
class ReadQuery:
    """A whole read of one entity, except the values of its slots."""

    selection: Selection
    format: ResultFormat = ResultFormat.ARRAY
    list_args: ListArgs = ListArgs()
    amounts: Amounts = Amounts.NUMBER
    is_counted: bool = True
    """ARRAY only: whether to count the whole list too."""
    arguments: Arguments | None = None
    """For a computed entity."""
    by: tuple[str, ...] = ()
    """KEYED only: the columns of the keys. The first slots are for as many lists, one of each column's values."""
