"""What the ledger's values look like as table rows."""

import msgspec

from app.ledger.batch import Arrival, OrderKey, Quarantine
from app.ledger.folding.orders import OrderChange
from app.ledger.folding.positions import BookedFill, Life
from app.ledger.storage.copying import array_literal
from app.ledger.storage.writing import Row
from app.rules.events import AnyOwnEvent, OrderFilled
from app.rules.holds import HoldState

_json = msgspec.json.Encoder().encode

EVENT_COLUMNS = (
    *("strategy_id", "event_id", "variant", "seq", "type", "client_order_id", "ts_event", "ts_init", "payload"),
    "position_id",
)
QUARANTINE_COLUMNS = ("strategy_id", "event_id", "variant", "client_order_id", "ts_event", "code", "reason")
ORDER_COLUMNS = (
    *("strategy_id", "client_order_id", "trader_id", "account_id", "venue_order_id", "instrument_id"),
    *("position_id", "side", "order_type", "time_in_force", "status", "status_before_pending", "quantity"),
    *("filled_qty", "filled_notional", "price", "trigger_price", "avg_px", "reduce_only", "post_only"),
    *("overfilled", "deny_reason", "tags", "signal_id", "ts_init", "ts_last", "last_ts_init", "last_rank", "waiting"),
    *("authorization_status", "is_quote_quantity", "quantity_source", "exec_spawn_id", "spawned_qty", "mismatched"),
)
FILL_COLUMNS = (
    *("strategy_id", "event_id", "trade_id", "client_order_id", "venue_order_id", "account_id", "instrument_id"),
    *("position_id", "position_n", "flip_qty", "side", "last_qty", "last_px", "currency", "commission"),
    *("commission_currency", "liquidity_side", "realized_pnl", "ts_event", "ts_init", "trade_seq", "seq"),
    *("settlement_currency", "notional", "repeat_id"),
)
POSITION_COLUMNS = (
    *("strategy_id", "position_id", "n", "account_id", "instrument_id", "status", "entry", "side", "signed_qty"),
    *("peak_qty", "cost", "close_qty", "close_value", "avg_px_open", "avg_px_close", "currency", "realized_pnl"),
    *("total_fees", "ts_opened", "ts_closed", "first_ts_init", "first_trade_seq", "first_seq"),
    *("last_ts_event", "last_ts_init", "last_trade_seq", "last_seq", "fills", "reconciliation"),
)
HOLD_COLUMNS = (
    *("strategy_id", "client_order_id", "currency", "unit_price", "reference_price"),
    *("amount", "remaining", "captured", "voided", "is_unvalued"),
)


def event_row(arrival: Arrival) -> Row:
    """A row of `order_events`."""
    event = arrival.event
    order_id, position_id = arrival.subject
    return (
        arrival.strategy_id,
        event.event_id,
        arrival.variant,
        arrival.seq,
        type(event).__name__,
        order_id,
        event.ts_event,
        event.ts_init,
        arrival.payload,
        position_id,
    )


def own_event_row(strategy_id: str, seq: int, event: AnyOwnEvent) -> Row:
    """A row of `order_events`, of an event of ours."""
    return (
        *(strategy_id, event.event_id, 0, seq, type(event).__name__),
        *(event.client_order_id, event.ts_event, event.ts_init, _json(event).decode(), None),
    )


def quarantine_row(item: Quarantine) -> Row:
    """A row of `quarantined_events`."""
    return (
        *(item.strategy_id, item.event_id, item.variant, item.client_order_id),
        *(item.ts_event, item.code, item.reason),
    )


def order_row(change: OrderChange) -> Row:
    """A row of `orders`."""
    state = change.state
    return (
        *(*change.key, state.trader_id, state.account_id, state.venue_order_id, state.instrument_id),
        *(state.position_id, state.side, state.order_type, state.time_in_force),
        *(state.status, state.status_before_pending, state.quantity, state.filled_qty),
        *(state.filled_notional, state.price, state.trigger_price, state.avg_px, state.reduce_only),
        *(
            state.post_only,
            state.is_overfilled,
            state.deny_reason,
            array_literal(state.tags or ()),
            state.signal_id,
            state.ts_init,
        ),
        *(state.ts_last, state.last_ts_init, state.last_rank, change.waiting, state.authorization_status),
        *(state.is_quote_quantity, state.quantity_source, state.exec_spawn_id, state.spawned_qty),
        state.is_mismatched,
    )


def fill_row(booked: BookedFill, event: OrderFilled) -> Row:
    """A row of `fills`."""
    fill = booked.fill
    return (
        *(booked.strategy_id, booked.event_id, event.trade_id, event.client_order_id, event.venue_order_id),
        *(booked.account_id, booked.instrument_id, booked.position_id, booked.position_n, booked.flip_qty),
        *(fill.side, fill.last_qty, fill.last_px, fill.currency, fill.commission),
        *(fill.commission_currency, event.liquidity_side, booked.realized_pnl),
        *(fill.ts_event, event.ts_init, booked.place[2], booked.place[3]),
        *(booked.settlement_currency, booked.notional, booked.repeat_id),
    )


def position_row(key: tuple[str, str, int], life: Life) -> Row:
    """A row of `positions`."""
    state = life.state
    return (
        *(*key, life.account_id, life.instrument_id, state.status, state.entry, state.side),
        *(state.signed_qty, state.peak_qty, state.cost, state.close_qty, state.close_value, state.avg_px_open),
        *(state.avg_px_close, state.currency, state.realized_pnl, state.total_fees, state.ts_opened),
        *(state.ts_closed, *life.first[1:], *life.last, state.fills, life.reconciliation),
    )


def hold_row(key: OrderKey, hold: HoldState) -> Row:
    """A row of `holds`."""
    return (
        *(*key, hold.currency, hold.unit_price, hold.reference_price),
        *(hold.amount, hold.remaining, hold.captured, hold.voided, hold.is_unvalued),
    )
