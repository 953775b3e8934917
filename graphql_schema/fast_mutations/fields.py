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
from app.rules.enums import OrderSide, OrderType, TimeInForce
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


class OrderJson(Struct, forbid_unknown_fields=True, rename=client_name):
    """`AuthorizeOrderInput`. An amount is text or an integer, never a float."""

    strategy: StrategyJson
    client_order_id: str
    instrument_id: str
    side: OrderSide
    order_type: OrderType
    quantity: str | int
    price: str | int | None = None
    trigger_price: str | int | None = None
    reference_price: str | int | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    post_only: bool = False
    currency: str | None = None
    signal_id: UUID | None = None
    tags: list[str] | None = None
    quote_quantity: bool = False

    def command(self) -> AuthorizeOrder | InputInvalid:
        """The ledger's command, or an error of the input. Raises ValueError if ordinary execution refuses it."""
        strategy: Any = self.strategy.id
        if strategy is UNSET:
            strategy = self.strategy.name
        elif self.strategy.name is not UNSET:
            raise ValueError("a strategy by its id and by its name")
        if strategy is UNSET:
            raise ValueError("no strategy")
        return checked_order(
            AuthorizeOrder(
                strategy=strategy,
                client_order_id=self.client_order_id,
                instrument_id=self.instrument_id,
                side=self.side,
                order_type=self.order_type,
                quantity=_amount(self.quantity),
                price=None if self.price is None else _amount(self.price),
                trigger_price=None if self.trigger_price is None else _amount(self.trigger_price),
                reference_price=None if self.reference_price is None else _amount(self.reference_price),
                time_in_force=self.time_in_force,
                reduce_only=self.reduce_only,
                post_only=self.post_only,
                currency=self.currency,
                signal_id=self.signal_id,
                tags=self.tags,
                quote_quantity=self.quote_quantity,
            )
        )


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


def _commands(orders: Sequence[OrderJson]) -> list[AuthorizeOrder | InputInvalid]:
    return [order.command() for order in orders]


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
    "authorizeOrder": FastField("AuthorizeOrderInput!", OrderJson, OrderJson.command, authorize_one, _ANY_ORDER),
    "authorizeOrders": FastField("[AuthorizeOrderInput!]!", list[OrderJson], _commands, authorize_all, []),
    "recordEvents": FastField("[JSON!]!", list[msgspec.Raw], _lines, record_events, [], has_template=False),
}
