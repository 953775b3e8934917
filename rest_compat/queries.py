"""The query parameters of each path, declared once for parsing and for OpenAPI.

A parameter without a value counts as omitted (`strict_route`). Repeated and unknown ones are refused.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import CoreSchema, core_schema

from app.reads.query import And, Compare, Condition, ListArgs, Op, Page, ReadQuery, Selection
from app.rules.enums import OrderSide, OrderStatus, PositionStatus

LIMIT_MAX = 1000
OFFSET_MAX = 1_000_000_000
TEXT_LENGTH_MAX = 512
PENDING = "PENDING"
"""A status of the old documentation: orders in flight."""

Unset: TypeAlias = SkipJsonSchema[None]
"""Type of a parameter that may be omitted, but not be null."""

_INTEGER = re.compile(r"(-?\d+)(?:\.0+)?", re.ASCII)


def _decimal_digits(value: object) -> object:
    """Refuse ' 5' and '1_000', which pydantic would accept; accept '5.0', which clients that count in floats send."""
    if not isinstance(value, str):
        return value
    match = _INTEGER.fullmatch(value)
    if match is None:
        raise ValueError("Input should be an integer in decimal digits")
    value = match[1]
    # Python refuses to parse thousands of digits; this many are out of bounds as well.
    return value if len(value) < 20 else ("-" if value.startswith("-") else "") + "9" * 19


def _true_or_false(value: object) -> object:
    """Refuse 'yes', 'on' and '1', which pydantic would accept as true."""
    if isinstance(value, str) and value not in ("true", "false"):
        raise ValueError("Input should be true or false")
    return value


@dataclass(frozen=True)
class _OneOf:
    """A text that is one of these names in any case; parsed to upper case."""

    names: tuple[str, ...]
    description: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._check, core_schema.str_schema())

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.names), "description": self.description}

    def _check(self, value: str) -> str:
        name = value.upper() if value.isascii() else ""  # "ﬁlled" in upper case would be FILLED
        if name not in self.names:
            raise ValueError(f"Input should be one of {', '.join(self.names)}")
        return name


Text = Annotated[str, Field(max_length=TEXT_LENGTH_MAX, pattern=r"^[^\x00]*$")]
NamePart = Annotated[Text, Field(description="Part of the name, in any case; `%` and `_` are literal.")]
_DIGITS = BeforeValidator(_decimal_digits)
Status: TypeAlias = Annotated[
    str, _OneOf((*OrderStatus, PENDING), f"In any case. `{PENDING}`: any status of an order in flight.")
]
Side: TypeAlias = Annotated[str, _OneOf(tuple(OrderSide), "In any case.")]
OpenOrClosed: TypeAlias = Annotated[str, _OneOf(tuple(PositionStatus), "In any case.")]


class NoQuery(BaseModel):
    """No parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageQuery(NoQuery):
    """Page of a list."""

    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX, description="Maximum number of rows."), _DIGITS] = 100
    offset: Annotated[int, Field(ge=0, le=OFFSET_MAX, description="Number of rows to skip."), _DIGITS] = 0


class OrdersQuery(PageQuery):
    """Filters on orders."""

    strategy_id: UUID | Unset = None
    strategy_name: NamePart | Unset = None
    instrument_id: Text | Unset = None
    status: Status | Unset = None


class FillsQuery(PageQuery):
    """Filters on fills."""

    instrument_id: Text | Unset = None
    strategy_id: UUID | Unset = None
    strategy_name: NamePart | Unset = None
    side: Side | Unset = None


class FillsSummaryQuery(NoQuery):
    """Filters on the fills to sum."""

    strategy_id: UUID | Unset = None
    instrument_id: Text | Unset = None


class PositionsQuery(PageQuery):
    """Filters on positions."""

    strategy_id: Annotated[
        Text | Unset,
        Field(
            description="The strategy's UUID or its exact name; an unknown one has no positions. A UUID is always "
            "taken as an id."
        ),
    ] = None
    instrument_id: Text | Unset = None
    status: OpenOrClosed = PositionStatus.OPEN.value


class BudgetQuery(NoQuery):
    """Selects a budget of a strategy."""

    currency: Annotated[Text | Unset, Field(description="By default the strategy's oldest budget.")] = None


class SetBudgetQuery(NoQuery):
    """Options of setting a budget."""

    new_currency: Annotated[
        bool,
        Field(description="Accept a currency that is similar to a known one."),
        BeforeValidator(_true_or_false),
    ] = False


class OrderQuery(NoQuery):
    """Selects an order among those of several strategies with the same client_order_id."""

    strategy_id: Annotated[UUID | Unset, Field(description="Required if several strategies have the id (409).")] = None


class OrderFillsQuery(PageQuery, OrderQuery):
    """Selects an order, and a page of its fills."""


class Filters:
    """Collects conditions; values that are None add none."""

    def __init__(self, **equal: Any) -> None:
        """`equal`: values that fields must have."""
        self.values: list[Any] = []
        self._conditions: list[Condition] = []
        for field, value in equal.items():
            self.add(field, Op.EQ, value)

    def add(self, field: str, op: Op, value: Any) -> None:
        """Add a condition, unless the value is None."""
        if value is not None:
            self._conditions.append(Compare(field, op, self._slot(value)))

    def add_names(self, field: str, *names: str | None) -> None:
        """Add the condition that the field is one of these enum values. None values are ignored."""
        if given := tuple(str(name) for name in names if name is not None):
            self._conditions.append(Compare(field, Op.IN, names=given))

    def condition(self) -> Condition | None:
        """The conjunction of all conditions; None if there are none."""
        return And(tuple(self._conditions)) if self._conditions else None

    def page(self, selection: Selection, query: PageQuery) -> ReadQuery:
        """A page of the rows that satisfy all conditions, in the entity's default order."""
        where = self.condition()
        offset = self._slot(query.offset) if query.offset else None
        return ReadQuery(selection, list_args=ListArgs(where, page=Page(query.limit, offset)))

    def _slot(self, value: Any) -> int:
        self.values.append(value)
        return len(self.values) - 1
