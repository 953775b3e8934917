"""Makes the question of an order: an `AuthorizeOrderInput` that agrees with the OrderInitialized that is reported."""

from decimal import Decimal
from uuid import UUID

from nautilus_trader.cache.base import CacheFacade
from nautilus_trader.core.rust.model import OrderSide as Side
from nautilus_trader.model.enums import order_side_to_str, order_type_to_str, time_in_force_to_str
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Price
from nautilus_trader.model.orders import Order

from purser_client import AuthorizeOrderInput, OrderSide, OrderType, StrategyRef, TimeInForce


def question_of(order: Order, strategy_id: UUID, cache: CacheFacade) -> AuthorizeOrderInput:
    """The question, with the values of the order's first event, which is what the ledger compares with.

    An order without a price of its own is valued at the market price that it would meet.
    """
    first = order.init_event
    price, trigger_price = (_amount(first.options.get(name)) for name in ("price", "trigger_price"))
    reference = None
    if price is None and trigger_price is None:
        reference = market_price(cache, first.instrument_id, first.side)
    return AuthorizeOrderInput(
        strategy=StrategyRef(id=strategy_id),
        client_order_id=first.client_order_id.value,
        instrument_id=first.instrument_id.value,
        side=OrderSide(order_side_to_str(first.side)),
        type=OrderType(order_type_to_str(first.order_type)),
        quantity=first.quantity.as_decimal(),
        price=price,
        trigger_price=trigger_price,
        reference_price=reference,
        time_in_force=TimeInForce(time_in_force_to_str(first.time_in_force)),
        reduce_only=first.reduce_only,
        post_only=first.post_only,
        quote_quantity=first.quote_quantity,
        tags=first.tags,
    )


def market_price(cache: CacheFacade, instrument_id: InstrumentId, side: Side) -> Decimal | None:
    """The price that a market order would meet: the latest quote's other side, else trade, else bar; None if unknown.

    A price of zero or below is no valuation and counts as unknown.
    """
    found: Price | None = None
    if (quote := cache.quote_tick(instrument_id)) is not None:
        found = quote.ask_price if side == Side.BUY else quote.bid_price
    elif (trade := cache.trade_tick(instrument_id)) is not None:
        found = trade.price
    else:
        bars = [cache.bar(kind) for kind in cache.bar_types(instrument_id=instrument_id)]
        latest = max((bar for bar in bars if bar is not None), key=lambda bar: bar.ts_event, default=None)
        found = None if latest is None else latest.close
    price = None if found is None else found.as_decimal()
    return price if price is not None and price > 0 else None


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
