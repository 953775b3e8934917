"""Reads exposure: open positions, open orders, reference prices. Strategies must be locked."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from operator import attrgetter, itemgetter
from typing import NamedTuple, TypeAlias

from msgspec import Struct
from msgspec.json import Decoder

from app.database import WriteConnection
from app.ledger.batch import BookedFill, OrderKey, PositionChanges
from app.ledger.folding.orders import OrderChange
from app.ledger.storage.queries import ORDER_KEYS, BatchQuery, array_source, join_by, look_up
from app.ledger.storage.rows import HOLD_STATE, ORDER_STATE
from app.models.orders import OPEN
from app.rules.enums import OrderSide, QuantitySource
from app.rules.holds import HoldState, OrderWithHold, is_amount, opposite, unit_price_of
from app.rules.order_state import OrderState
from app.rules.valuation import Valuation

Market: TypeAlias = tuple[str, str]
"""(strategy_id, instrument_id). Orders and positions of one market share exposure."""
Side: TypeAlias = tuple[Market, OrderSide]
"""One side of a market."""

_MARKETS = array_source("strategy_id uuid", "instrument_id text")
_SIDES = array_source("strategy_id uuid", "instrument_id text", "side text")
_OPEN_QTY = f"""
SELECT p.strategy_id, p.instrument_id, p.entry, sum(abs(p.signed_qty)) AS open_qty FROM {_MARKETS} k
{join_by("positions", "p", "k", "strategy_id", "instrument_id", also="status = 'OPEN'")}
GROUP BY 1, 2, 3
"""
_UNVALUED = """
SELECT h.strategy_id, h.client_order_id, o.instrument_id, h.currency, o.quantity_source FROM holds h
JOIN orders o ON o.strategy_id = h.strategy_id AND o.client_order_id = h.client_order_id
WHERE h.strategy_id = ANY($1::uuid[]) AND h.is_unvalued ORDER BY 1, 2
"""
_HOLDS = look_up("holds", ORDER_KEYS)
_OPEN_ORDERS = f"""
SELECT o.*, '' AS strategy_name, h.*
FROM {_SIDES} k
{join_by("orders", "o", "k", "instrument_id", "strategy_id", "side", also=OPEN)}
{join_by("holds", "h", "o", "strategy_id", "client_order_id")}
"""
# For an inverse instrument an amount of the quote currency is a number of units, as in `rules.holds.is_amount`.
_IS_UNITS = """(NOT is_quote_quantity OR EXISTS (
    SELECT FROM instruments i WHERE i.instrument_id = orders.instrument_id AND i.is_inverse))"""
_CLAIMED = f"""
SELECT o.strategy_id, o.instrument_id, o.side,
       sum(greatest(o.quantity - o.filled_qty, 0)) AS claimed, max(o.ts_init) AS ts_init
FROM {_SIDES} k
{join_by("orders", "o", "k", "instrument_id", "strategy_id", "side", also=f"{OPEN} AND {_IS_UNITS}")}
GROUP BY 1, 2, 3
"""
_LATEST = "ORDER BY ts_event DESC, event_id DESC LIMIT 1"
_OWN_LATEST = f"FROM fills WHERE instrument_id = k.instrument_id AND strategy_id = k.strategy_id {_LATEST}"
_LAST_FILLS = f"""
SELECT k.strategy_id, k.instrument_id, f.ts_event, f.event_id, f.last_px FROM {_MARKETS} k CROSS JOIN LATERAL (
    SELECT * {_OWN_LATEST}
) f
"""
# The price of the strategy's own last fill; else of another strategy's fill.
_LAST_PRICES = f"""
SELECT k.strategy_id, k.instrument_id, f.last_px FROM {_MARKETS} k CROSS JOIN LATERAL (
    (SELECT last_px, 0 AS place {_OWN_LATEST})
    UNION ALL (SELECT last_px, 1 FROM fills WHERE instrument_id = k.instrument_id {_LATEST})
    ORDER BY place LIMIT 1
) f
"""


class LastFill(NamedTuple):
    """The latest fill. Compares in the order of fills."""

    ts_event: int
    event_id: str
    price: Decimal


class UnvaluedOrder(Struct, frozen=True):
    """An open order whose hold is unknown: its quantity, its instrument (no `currency`) or a price is missing."""

    strategy_id: str
    client_order_id: str
    instrument_id: str
    currency: str | None
    quantity_source: QuantitySource


class _OpenQuantity(Struct):
    strategy_id: str
    instrument_id: str
    entry: OrderSide
    open_qty: Decimal


_UNVALUED_ROWS = Decoder(list[UnvaluedOrder])
_OPEN_QUANTITIES = Decoder(list[_OpenQuantity])


def unvalued_of(strategy_ids: Iterable[str]) -> BatchQuery[list[UnvaluedOrder]]:
    """The open orders of these strategies whose hold is unknown."""
    return BatchQuery(_UNVALUED, [list(strategy_ids)], _UNVALUED_ROWS, lambda rows: rows)


def open_quantities(markets: Iterable[Market]) -> BatchQuery[dict[Side, Decimal]]:
    """Open quantities by market and opening side."""

    def read(rows: list[_OpenQuantity]) -> dict[Side, Decimal]:
        return {((row.strategy_id, row.instrument_id), row.entry): row.open_qty for row in rows}

    return BatchQuery(_OPEN_QTY, _columns(markets, 2), _OPEN_QUANTITIES, read)


async def load_holds(work: WriteConnection, keys: Iterable[OrderKey]) -> dict[OrderKey, HoldState]:
    """The holds of those orders that have one."""
    rows = await work.fetch(_HOLDS, *_columns(keys, 2))
    return {(str(row["strategy_id"]), row["client_order_id"]): HOLD_STATE.read(row) for row in rows}


async def load_open_orders(work: WriteConnection, sides: Iterable[Side]) -> list[OrderWithHold]:
    """Open orders on these sides."""
    rows = await work.fetch(_OPEN_ORDERS, *_columns(((*market, side.value) for market, side in sides), 3))
    return [
        order_with_hold((str(row["strategy_id"]), row["client_order_id"]), ORDER_STATE.read(row), HOLD_STATE.read(row))
        for row in rows
    ]


async def load_claims(work: WriteConnection, sides: Iterable[Side]) -> dict[Side, tuple[Decimal, int]]:
    """The unfilled quantity of the open orders on each side, and their last `ts_init`."""
    rows = await work.fetch(_CLAIMED, *_columns(((*market, side.value) for market, side in sides), 3))
    return {
        ((str(row["strategy_id"]), row["instrument_id"]), OrderSide(row["side"])): (row["claimed"], row["ts_init"])
        for row in rows
    }


async def load_last_prices(work: WriteConnection, markets: Iterable[Market]) -> dict[Market, Decimal]:
    """The price of the latest fill in each market: of the strategy, or if it has none, of any strategy."""
    rows = await work.fetch(_LAST_PRICES, *_columns(markets, 2))
    return {(str(row["strategy_id"]), row["instrument_id"]): row["last_px"] for row in rows}


async def load_last_fills(work: WriteConnection, markets: Iterable[Market]) -> dict[Market, LastFill]:
    """The strategy's latest fill in each market, independent of other strategies."""
    rows = await work.fetch(_LAST_FILLS, *_columns(markets, 2))
    return {
        (str(row["strategy_id"]), row["instrument_id"]): LastFill(row["ts_event"], str(row["event_id"]), row["last_px"])
        for row in rows
    }


def reducible_in(open_qty: Mapping[Side, Decimal], side: Side) -> Decimal:
    """The open quantity that orders on that side would reduce: all of the other side.

    While both sides are open the strategy hedges, and NautilusTrader opens another position for an order that names
    none. No event tells which position an order names, but orders that close one are reduce-only and hold nothing.
    """
    market, own = side
    return Decimal(0) if open_qty.get(side) else open_qty.get((market, opposite(own)), Decimal(0))


def _columns(rows: Iterable[tuple[str, ...]], count: int) -> list[list[str]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(count)]


def order_with_hold(key: OrderKey, state: OrderState, hold: HoldState) -> OrderWithHold:
    """An order with its hold. An ended order has no unfilled quantity."""
    is_open = not state.is_terminal
    return OrderWithHold(
        key=key,
        instrument_id=state.instrument_id,
        side=state.side,
        leaves_qty=state.leaves_qty if is_open else Decimal(0),
        reduce_only=state.reduce_only,
        ts_init=state.ts_init,
        price=state.price,
        trigger_price=state.trigger_price,
        hold=hold,
        is_amount=state.is_quote_quantity,
        is_unknown=state.quantity_source is QuantitySource.UNKNOWN and is_open and not state.reduce_only,
    )


def refer_to_own_events(order: OrderWithHold, state: OrderState, valuation: Valuation | None) -> bool:
    """Value the order by the price of its release from the emulator, or at which the engine converted its amount.

    Returns whether this reference price is new: it is stored even if the order has a price.
    """
    price = state.reference_price
    if price is None and is_amount(True, valuation):
        price = state.submission_px
    if price is None or price == order.hold.reference_price:
        return False
    order.hold.reference_price = price
    return True


async def find_references(
    work: WriteConnection,
    orders: Sequence[OrderChange],
    with_holds: Mapping[OrderKey, OrderWithHold],
    positions: PositionChanges,
    last_prices: Mapping[Market, Decimal],
) -> None:
    """Value orders without a price: by the strategy's last fill before the order, else by the order's first fill.

    Both follow from the strategy's own events, independent of batches.
    """
    without = [
        (change, order)
        for change in orders
        if (order := with_holds.get(change.key)) is not None
        and unit_price_of(order.price, order.trigger_price, order.hold.reference_price) is None
    ]
    if not without:
        return
    booked_fills = sorted(positions.fills, key=attrgetter("seq"))
    first_own: dict[OrderKey, Decimal] = {}
    for booked in booked_fills:
        assert booked.event is not None  # new fills have theirs
        first_own.setdefault((booked.strategy_id, booked.event.client_order_id), booked.fill.last_px)
    new = [(change.first_seq, order) for change, order in without if change.first_seq is not None]
    stored = await load_last_fills(work, {order.market for _, order in new}) if new else {}
    traded = _traded(booked_fills, stored)
    for first_seq, order in new:
        fills = traded.get(order.market, [])
        if earlier := bisect_left(fills, first_seq, key=itemgetter(0)):
            order.hold.reference_price = fills[earlier - 1][1].price
    for change, order in without:
        if order.hold.reference_price is None:
            own = first_own.get(order.key, change.state.avg_px)
            order.hold.reference_price = own if own is not None else last_prices.get(order.market)


def _traded(
    booked_fills: Sequence[BookedFill], stored: Mapping[Market, LastFill]
) -> dict[Market, list[tuple[int, LastFill]]]:
    """By market, the last fill after each event. Stored fills come before all."""
    traded = {market: [(-1, fill)] for market, fill in stored.items()}
    for booked in booked_fills:
        fills = traded.setdefault((booked.strategy_id, booked.instrument_id), [])
        fill = LastFill(booked.place[0], booked.event_id, booked.fill.last_px)
        if fills and fills[-1][1] > fill:
            fill = fills[-1][1]
        fills.append((booked.seq, fill))
    return traded
