"""Makes the messages that Purser takes of what an engine publishes: JSON texts in the form of `to_dict`."""

from typing import Any
from uuid import UUID, uuid5

import msgspec
from nautilus_trader.model.events import OrderEvent, OrderSubmitted, OrderUpdated
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.orders import Order

_NAMESPACE = UUID("6a0e5c0b-3a67-5b0c-9f0e-64b1a1f0a3d4")
_json = msgspec.json.Encoder(enc_hook=str).encode


def encode(message: Any) -> bytes:
    """The JSON text of an event, an instrument or a dict. Raises TypeError, ValueError."""
    return _json(message if isinstance(message, dict) else type(message).to_dict(message))


def signal(published: Any, trader_id: str) -> dict[str, Any]:
    """A published signal (`Actor.publish_signal`). The engine gives it no id and no strategy."""
    return {
        "type": type(published).__name__,
        "trader_id": trader_id,
        "value": published.value,
        "ts_event": published.ts_event,
        "ts_init": published.ts_init,
    }


def is_signal(published: object) -> bool:
    """Whether the data was published by `Actor.publish_signal`, which makes a class `Signal<Name>` for it."""
    return type(published).__name__.startswith("Signal") and hasattr(published, "value")


def terms_of(instrument: Instrument) -> tuple[Any, ...]:
    """What the ledger records of an instrument; equal for an instrument that is published again."""
    base = instrument.get_base_currency()
    return (
        type(instrument).__name__,
        base.code if base is not None else None,
        instrument.quote_currency.code,
        instrument.get_cost_currency().code,
        str(instrument.multiplier),
        instrument.is_inverse,
    )


def is_routed(order: Order) -> bool:
    """Whether an execution algorithm works the order and spawns others from it: a primary order."""
    if order.exec_algorithm_id is None:
        return False
    return order.exec_spawn_id is None or order.exec_spawn_id == order.client_order_id


def is_spawned(order: Order) -> bool:
    """Whether an execution algorithm spawned the order from a primary order."""
    return order.exec_spawn_id is not None and order.exec_spawn_id != order.client_order_id


def unpublished_of(order: Order, known: set[str]) -> list[OrderEvent]:
    """The events that were applied to the order and not published, in order; `known` has the ids of the others.

    Reconciliation applies OrderInitialized so, and the emulator the amendments of contingent orders. What an execution
    algorithm takes off its primary order is left out: Purser infers it from the spawned orders.
    """
    routed = is_routed(order)
    return [
        event
        for event in order.events
        if event.id.value not in known and not (routed and isinstance(event, OrderUpdated) and event.account_id is None)
    ]


def converted_quantity(order: Order, submitted: OrderSubmitted) -> dict[str, Any] | None:
    """An OrderUpdated with the base quantity of an order for an amount of the quote currency; None if not needed.

    NautilusTrader 1.221 converts the amount when it submits the order, and publishes nothing; later versions publish
    such an OrderUpdated. The event's id is derived, so the same report is made after a restart.
    """
    first = order.init_event
    if not first.quote_quantity or order.is_quote_quantity:
        return None
    if any(isinstance(event, OrderUpdated) for event in order.events):
        return None
    return {
        "type": "OrderUpdated",
        "trader_id": order.trader_id.value,
        "strategy_id": order.strategy_id.value,
        "instrument_id": order.instrument_id.value,
        "client_order_id": order.client_order_id.value,
        "venue_order_id": None,
        "account_id": submitted.account_id.value,
        "event_id": str(uuid5(_NAMESPACE, f"{first.id.value}\nbase quantity")),
        "quantity": str(order.quantity),
        "price": None,
        "trigger_price": None,
        "is_quote_quantity": False,
        "ts_event": submitted.ts_event,
        "ts_init": submitted.ts_init,
        "reconciliation": False,
    }
