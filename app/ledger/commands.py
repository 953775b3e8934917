"""Commands to the ledger, and their results."""

from decimal import Decimal
from typing import TypeAlias
from uuid import UUID

from msgspec import Struct

from app.rules.enums import DenyCode, OrderSide, OrderType, TimeInForce, TradingState

StrategyRef: TypeAlias = UUID | str
"""A strategy's id or name."""


class AuthorizeOrder(Struct, frozen=True, kw_only=True):
    """A request to authorize an order. Quantities are in units of the instrument, prices per unit.

    With `quote_quantity`, `quantity` is an amount of the quote currency. `reference_price` values an order without a
    price. `currency` is the settlement currency of an instrument that the ledger does not know yet.
    """

    strategy: StrategyRef
    client_order_id: str
    instrument_id: str
    side: OrderSide
    order_type: OrderType
    quantity: Decimal
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    reference_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    post_only: bool = False
    currency: str | None = None
    signal_id: UUID | None = None
    tags: list[str] | None = None
    quote_quantity: bool = False


class Verdict(Struct, frozen=True):
    """The decision on an order: granted (`deny_code` is None), or denied with a reason.

    `currency` names the budget that decided; None if no currency is known. `decided_at` is the time of the decision in
    nanoseconds since the epoch. `is_repeated`: an earlier request made the decision. `strategy_state` is the
    strategy's current state.
    """

    strategy_id: UUID
    client_order_id: str
    currency: str | None
    decided_at: int
    strategy_state: TradingState
    is_repeated: bool = False
    deny_code: DenyCode | None = None
    reason: str | None = None


class RecordSignal(Struct, frozen=True, kw_only=True):
    """A signal for a strategy, or for all. `value` is any JSON value, `ts_event` nanoseconds since the epoch."""

    name: str
    value: object
    ts_event: int
    signal_id: UUID | None = None
    strategy: StrategyRef | None = None
    instrument_id: str | None = None
