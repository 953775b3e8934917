"""The query parameters of each path: one declaration for reading them and for OpenAPI.

Each may be given once, or left out, or given without a value, which is the same (`exact_route`); unknown ones are
refused by name (`extra="forbid"`).
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import CoreSchema, core_schema

from app.rules.enums import OrderSide, OrderStatus, PositionStatus

LIMIT_MAX = 1000
OFFSET_MAX = 1_000_000_000
TEXT_LENGTH_MAX = 512
PENDING = "PENDING"
"""Of the old documentation: orders in flight."""

Unset: TypeAlias = SkipJsonSchema[None]
"""A parameter that may be left out; it cannot be given as null."""

_INTEGER = re.compile(r"(-?\d+)(?:\.0+)?", re.ASCII)


def _decimal_digits(value: object) -> object:
    """Pydantic would take ' 5' and '1_000' for integers. '5.0' is one, written by a client that counts in floats."""
    if not isinstance(value, str):
        return value
    match = _INTEGER.fullmatch(value)
    if match is None:
        raise ValueError("Input should be an integer in decimal digits")
    value = match[1]
    # Beyond any bound all the same; Python would refuse to read thousands of digits.
    return value if len(value) < 20 else ("-" if value.startswith("-") else "") + "9" * 19


def _true_or_false(value: object) -> object:
    """Pydantic would take 'yes', 'on' and '1' for true."""
    if isinstance(value, str) and value not in ("true", "false"):
        raise ValueError("Input should be true or false")
    return value


@dataclass(frozen=True)
class _OneOf:
    """A text that is one of these names, in any case; kept in upper case."""

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
_DIGITS = BeforeValidator(_decimal_digits)
Status: TypeAlias = Annotated[
    str, _OneOf((*OrderStatus, PENDING), f"In any case. `{PENDING}`: in flight, whichever status that is.")
]
Side: TypeAlias = Annotated[str, _OneOf(tuple(OrderSide), "In any case.")]
OpenOrClosed: TypeAlias = Annotated[str, _OneOf(tuple(PositionStatus), "In any case.")]


class NoQuery(BaseModel):
    """No parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageQuery(NoQuery):
    """Which part of a list."""

    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX, description="How many rows at most."), _DIGITS] = 100
    offset: Annotated[int, Field(ge=0, le=OFFSET_MAX, description="How many rows to skip."), _DIGITS] = 0


class OrdersQuery(PageQuery):
    """Which orders."""

    strategy_id: UUID | Unset = None
    strategy_name: Annotated[
        Text | Unset, Field(description="Part of the name, in any case; `%` and `_` mean themselves.")
    ] = None
    instrument_id: Text | Unset = None
    status: Status | Unset = None


class FillsQuery(PageQuery):
    """Which fills."""

    instrument_id: Text | Unset = None
    strategy_id: UUID | Unset = None
    strategy_name: Annotated[
        Text | Unset, Field(description="Part of the name, in any case; `%` and `_` mean themselves.")
    ] = None
    side: Side | Unset = None


class FillsSummaryQuery(NoQuery):
    """Which fills are added up."""

    strategy_id: UUID | Unset = None
    instrument_id: Text | Unset = None


class PositionsQuery(PageQuery):
    """Which positions."""

    strategy_id: Annotated[
        Text | Unset,
        Field(
            description="The strategy's UUID or its exact name; an unknown one has no positions. What is a UUID is "
            "always an id, also where a strategy has it for a name."
        ),
    ] = None
    instrument_id: Text | Unset = None
    status: OpenOrClosed = PositionStatus.OPEN.value


class BudgetQuery(NoQuery):
    """Which budget of a strategy."""

    currency: Annotated[Text | Unset, Field(description="The strategy's oldest budget unless given.")] = None


class SetBudgetQuery(NoQuery):
    """How a budget is set."""

    new_currency: Annotated[
        bool,
        Field(description="Whether the currency is one of its own, though it is like one that is known."),
        BeforeValidator(_true_or_false),
    ] = False


class OrderQuery(NoQuery):
    """Which order, where several strategies have one with this client_order_id."""

    strategy_id: Annotated[UUID | Unset, Field(description="Needed where strategies share the id (409).")] = None


class OrderFillsQuery(PageQuery, OrderQuery):
    """Which fills of which order."""
