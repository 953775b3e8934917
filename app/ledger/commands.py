"""Commands to the ledger, and their results."""

from decimal import Decimal
from typing import TypeAlias
from uuid import UUID

from msgspec import Struct

from app.rules.enums import DenyCode, OrderSide, OrderType, TimeInForce, TradingState

StrategyRef: TypeAlias = UUID | str
"""A strategy by its id, or by its name."""


class AuthorizeOrder(Struct, frozen=True, kw_only=True):
    """A request to authorize an order. Quantities are in units of the instrument, prices per unit.

    With `quote_quantity`, `quantity` is an amount of the quote currency instead. `reference_price` values an order
    without a price of its own; `currency` is what the instrument settles in, where the ledger does not know the
    instrument yet.
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

    `currency` names the budget that decided; None where no currency is known. `decided_at`, in nanoseconds since the
    epoch, is when it was decided; `is_repeated`: not now, but when it was asked before. `strategy_state` is what the
    strategy may do now, whatever it might then.
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
    """A signal to record. `value` is any JSON value; a signal without a strategy concerns all strategies.

    `ts_event` is in nanoseconds since the epoch.
    """

    name: str
    value: object
    ts_event: int
    signal_id: UUID | None = None
    strategy: StrategyRef | None = None
    instrument_id: str | None = None
