"""The mutations that are read straight from JSON: how each is decoded, and which function runs it.

`OrderJson` accepts the JSON of `AuthorizeOrderInput`, or less: ordinary execution answers what it refuses.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct, UnsetType

from app.errors import InputInvalid
from app.ledger.commands import AuthorizeOrder
from graphql_schema.caller import Caller
from graphql_schema.execution.arguments import client_name
from graphql_schema.schema.mutation_inputs import checked_order
from graphql_schema.schema.mutations import authorize_all, authorize_one, record_events
from graphql_schema.types.scalars import parse_amount

INTEGERS = range(-(2**63), 2**64)
"""Integers that are integers to every JSON reader here; beyond, some make floats of them."""


class StrategyJson(Struct, forbid_unknown_fields=True):
    """`StrategyRef`."""

    id: UUID | UnsetType = UNSET
    name: str | UnsetType = UNSET


_FIELDS = msgspec.structs.fields(AuthorizeOrder)
_AMOUNTS: dict[Any, Any] = {Decimal: str | int, Decimal | None: str | int | None}
"""An amount is text or an integer, never a float."""
_AMOUNT_FIELDS = tuple(field.name for field in _FIELDS if field.type in _AMOUNTS)

OrderJson = msgspec.defstruct(
    "OrderJson",
    [
        (
            field.name,
            StrategyJson if field.name == "strategy" else _AMOUNTS.get(field.type, field.type),
            msgspec.field(default=field.default),
        )
        for field in _FIELDS
    ],
    forbid_unknown_fields=True,
    rename=client_name,
)
"""`AuthorizeOrderInput`, with the fields of the ledger's command."""


def read_order(order: Any) -> AuthorizeOrder | InputInvalid:
    """The ledger's command, or an error of the input. Raises ValueError if ordinary execution refuses it."""
    given = msgspec.structs.asdict(order)
    named: StrategyJson = order.strategy
    if (named.id is UNSET) is (named.name is UNSET):
        raise ValueError("a strategy by its id and by its name, or by neither")
    given["strategy"] = named.name if named.id is UNSET else named.id
    for name in _AMOUNT_FIELDS:
        if (value := given[name]) is not None:
            given[name] = _amount(value)
    return checked_order(AuthorizeOrder(**given))


def _amount(value: str | int) -> Decimal:
    if type(value) is int and value not in INTEGERS:
        raise ValueError("an integer that is a float elsewhere")
    return parse_amount(value)


@dataclass(frozen=True, slots=True)
class FastField:
    """A field of `Mutation` whose one argument, of this GraphQL type, is decoded from JSON as `decoded_as`.

    `prepare` makes what `run` takes. It raises ValueError to leave the request to ordinary execution.
    """

    type: str
    decoded_as: Any
    prepare: Callable[[Any], Any]
    run: Callable[[Caller, Any], Awaitable[Any]]
    valid_argument: Any
    """For ordinary execution that only writes a result which is there already."""
    has_template: bool = True
    """Whether the answer is written by a `PayloadTemplate`, or by graphql-core."""


def _commands(orders: Sequence[Any]) -> list[AuthorizeOrder | InputInvalid]:
    return [read_order(order) for order in orders]


def _lines(events: Sequence[msgspec.Raw]) -> list[bytes]:
    """Every event as it was sent. Raises ValueError for null, which is no event."""
    lines = [bytes(event) for event in events]
    if b"null" in lines:
        raise ValueError("null")
    return lines


_ANY_ORDER = {
    "strategy": {"name": "-"},
    "clientOrderId": "-",
    "instrumentId": "-",
    "side": "BUY",
    "type": "MARKET",
    "quantity": "1",
}

FAST_FIELDS: Mapping[str, FastField] = {
    "authorizeOrder": FastField("AuthorizeOrderInput!", OrderJson, read_order, authorize_one, _ANY_ORDER),
    "authorizeOrders": FastField("[AuthorizeOrderInput!]!", list[OrderJson], _commands, authorize_all, []),  # type: ignore[valid-type]
    "recordEvents": FastField("[JSON!]!", list[msgspec.Raw], _lines, record_events, [], has_template=False),
}
