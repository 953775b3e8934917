"""A strategy in plain Python: it asks before it trades, reports what the venue did, and releases what it never sent."""

import asyncio
import time
from decimal import Decimal
from typing import Any
from uuid import uuid4

from service import KEY, RUN, URL, client, print_budgets

from purser_client import (
    AsyncPurser,
    AuthorizeOrderInput,
    InstrumentInput,
    OrderAuthorized,
    OrderSide,
    OrderType,
    StrategyRef,
)

NAME, INSTRUMENT = "Plain-001", "BTCUSDT-PERP.BINANCE"
TERMS = InstrumentInput(
    instrument_id=INSTRUMENT, base_currency="BTC", quote_currency="USDT", settlement_currency="USDT"
)
"""Without them Purser assumes the terms, and states that in each `valuation`."""


def event(kind: str, order: AuthorizeOrderInput, **fields: Any) -> dict[str, Any]:
    """An event in the form of NautilusTrader's message bus."""
    common = {"trader_id": RUN, "strategy_id": NAME, "instrument_id": INSTRUMENT, "event_id": str(uuid4())}
    now = time.time_ns()
    return {"type": kind, **common, "client_order_id": order.client_order_id, "ts_event": now, "ts_init": now, **fields}


def filled_at_once(order: AuthorizeOrderInput) -> list[dict[str, Any]]:
    """The events of an order that the venue fills completely."""
    assert order.price is not None
    terms = {
        "order_side": order.side,
        "order_type": order.type,
        "quantity": str(order.quantity),
        "time_in_force": "GTC",
        "post_only": False,
        "reduce_only": False,
        "options": {"price": str(order.price)},
    }
    fill = {
        "venue_order_id": "V-1",
        "account_id": "BINANCE-001",
        "trade_id": "T-1",
        "position_id": None,
        "order_side": order.side,
        "order_type": order.type,
        "last_qty": str(order.quantity),
        "last_px": str(order.price),
        "currency": "USDT",
        "commission": "0.12 USDT",
        "liquidity_side": "TAKER",
    }
    sent = {"account_id": "BINANCE-001"}
    return [
        event("OrderInitialized", order, **terms),
        event("OrderSubmitted", order, **sent),
        event("OrderAccepted", order, venue_order_id="V-1", **sent),
        event("OrderFilled", order, **fill),
    ]


async def main() -> None:
    """Trade three times."""
    async with AsyncPurser(URL, key=KEY) as purser:
        strategy = await purser.register_strategy(NAME, RUN)
        await purser.set_budget(strategy.strategy_id, "USDT", Decimal(1000))
        await purser.record_instruments([TERMS])
        for number, quantity in enumerate(("0.01", "0.05", "0.015"), 1):
            order = AuthorizeOrderInput(
                strategy=StrategyRef(id=strategy.strategy_id),
                client_order_id=f"P-{number}",
                instrument_id=INSTRUMENT,
                side=OrderSide.BUY,
                type=OrderType.LIMIT,
                quantity=Decimal(quantity),
                price=Decimal(30000),
                currency="USDT",
            )
            answer = await purser.authorize(order)
            if not isinstance(answer, OrderAuthorized):
                print(f"{order.client_order_id}: denied, {answer.reason}")
            elif number == 1:
                recorded = await purser.record(filled_at_once(order))
                print(f"{order.client_order_id}: authorized, filled, {recorded.accepted} events recorded")
            else:
                await purser.release(strategy.strategy_id, order.client_order_id)
                print(f"{order.client_order_id}: authorized, never sent, released")
    with client() as purser_now:
        print_budgets(purser_now, {strategy.strategy_id: NAME})


if __name__ == "__main__":
    asyncio.run(main())
