"""Orders to authorize, decoded from JSON.

`OrderJson` takes what `AuthorizeOrderInput` takes, or less: what it refuses is left to ordinary execution, which knows
what is wrong with it, or that nothing is.
"""

from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from app.errors import InputInvalid
from app.ledger.commands import AuthorizeOrder
from app.rules.enums import OrderSide, OrderType, TimeInForce
from graphql_schema.execution.names import client_name
from graphql_schema.schema.mutation_inputs import checked_order
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
        """As the ledger takes it, or what is wrong with it. Raises ValueError for what ordinary execution refuses."""
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
